//! HTTP triggers.

use serde::{Deserialize, Serialize};

use super::{Fc, PageRequest};
use crate::{Error, ErrorKind};

/// How a function answers HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpTriggerConfig {
    /// The methods that it takes.
    pub methods: Vec<String>,
    /// Who may call it at its own address.
    #[serde(default)]
    pub auth_type: AuthType,
    /// Whether nobody may at its own address; custom domains work all the same.
    #[serde(default, rename = "disableURLInternet")]
    pub disable_url_internet: bool,
}

impl Default for HttpTriggerConfig {
    fn default() -> Self {
        let methods = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"].map(str::to_owned).to_vec();
        Self { methods, auth_type: AuthType::Anonymous, disable_url_internet: true }
    }
}

/// Who may call a function at its own address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthType {
    /// Who signs the call.
    #[default]
    Function,
    /// Anyone.
    Anonymous,
    /// Who has a token.
    Jwt,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewTrigger<'a> {
    trigger_name: &'a str,
    trigger_type: &'static str,
    trigger_config: String,
    qualifier: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangedTrigger<'a> {
    trigger_config: String,
    qualifier: &'a str,
}

/// A trigger.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Trigger {
    /// Its name.
    pub trigger_name: String,
    /// `http`, or another.
    pub trigger_type: String,
    /// Its settings, a JSON text.
    pub trigger_config: String,
    /// The version or alias that it calls.
    pub qualifier: String,
    /// Its addresses.
    pub http_trigger: HttpTrigger,
}

impl Trigger {
    /// Returns the settings of an HTTP trigger. `None` where it is of another kind.
    pub fn http_config(&self) -> Option<HttpTriggerConfig> {
        serde_json::from_str(&self.trigger_config).ok().filter(|_| self.trigger_type == "http")
    }
}

/// The addresses of an HTTP trigger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpTrigger {
    /// From the internet.
    pub url_internet: String,
    /// From a private network of the region.
    pub url_intranet: String,
}

/// A page of triggers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TriggerPage {
    /// The triggers.
    pub triggers: Vec<Trigger>,
    /// What the next page is asked for with.
    pub next_token: Option<String>,
}

impl Fc {
    /// Gives a function an HTTP trigger on `qualifier`, such as `LATEST`. Fails with `TriggerAlreadyExists`.
    pub async fn create_http_trigger(
        &self,
        function: &str,
        name: &str,
        qualifier: &str,
        config: &HttpTriggerConfig,
    ) -> Result<Trigger, Error> {
        let trigger_config = as_text(config, "CreateTrigger")?;
        let body = NewTrigger { trigger_name: name, trigger_type: "http", trigger_config, qualifier };
        self.post("CreateTrigger", &["functions", function, "triggers"], &body).await
    }

    /// Changes an HTTP trigger.
    pub async fn update_http_trigger(
        &self,
        function: &str,
        name: &str,
        qualifier: &str,
        config: &HttpTriggerConfig,
    ) -> Result<Trigger, Error> {
        let body = ChangedTrigger { trigger_config: as_text(config, "UpdateTrigger")?, qualifier };
        self.put("UpdateTrigger", &["functions", function, "triggers", name], &body).await
    }

    /// Returns a trigger. Fails with `TriggerNotFound`.
    pub async fn trigger(&self, function: &str, name: &str) -> Result<Trigger, Error> {
        self.get("GetTrigger", &["functions", function, "triggers", name], Vec::new()).await
    }

    /// Lists the triggers of a function.
    pub async fn triggers(&self, function: &str, page: &PageRequest) -> Result<TriggerPage, Error> {
        self.get("ListTriggers", &["functions", function, "triggers"], page.query()).await
    }

    /// Removes a trigger; that there is none is no error.
    pub async fn delete_trigger(&self, function: &str, name: &str) -> Result<(), Error> {
        self.remove("DeleteTrigger", &["functions", function, "triggers", name]).await
    }
}

/// The service wants this part of its JSON as text with JSON in it.
fn as_text(config: &HttpTriggerConfig, action: &'static str) -> Result<String, Error> {
    serde_json::to_string(config)
        .map_err(|error| Error::new("FC", action, ErrorKind::Invalid, "the settings do not serialise").because(error))
}
