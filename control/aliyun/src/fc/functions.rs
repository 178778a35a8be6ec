//! Functions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Fc, PageRequest, qualified};
use crate::Error;
use crate::lenient::{integer, text};

/// What a function is made of. Creating needs `function_name`, `runtime`, `handler` and `code`; updating takes what is given, each
/// member as a whole, and leaves the rest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FunctionSettings {
    /// Letters, digits, `_` and `-`, at most 64, no digit and no `-` first. Only for creating.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_name: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Such as `custom.debian12` or `nodejs20`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// Needed also where the runtime has no use for it: `index.handler`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    /// The code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// 0.05 to 16, in steps of 0.05; between one and four times as much memory in GB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// In MB: 128 to 32,768, in steps of 64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_size: Option<u32>,
    /// In MB: 512 or 10,240.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_size: Option<u32>,
    /// In seconds: 1 to 86,400; 3 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
    /// How many requests an instance takes at once: 1 to 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_concurrency: Option<u32>,
    /// Variables; names that begin with `FC_` or `ALIBABA_CLOUD_` are the service's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_variables: Option<BTreeMap<String, String>>,
    /// How a custom runtime is started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_runtime_config: Option<CustomRuntimeConfig>,
    /// Layers by their names, `acs:fc:…`; of two with the same file, the first counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<String>>,
    /// Where its lines go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_config: Option<LogConfig>,
    /// Whether it reaches the internet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internet_access: Option<bool>,
    /// The role whose rights it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Which private network it reaches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_config: Option<VpcConfig>,
}

/// Code: in an object of the same region, or in Base64 up to some 50 MB.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Code {
    /// The bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oss_bucket_name: Option<String>,
    /// The object's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oss_object_name: Option<String>,
    /// A zip in Base64, instead of an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zip_file: Option<String>,
    /// Its CRC-64/XZ as a decimal number, which the service then compares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}

/// How a custom runtime is started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CustomRuntimeConfig {
    /// The program; without it `/code/bootstrap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    /// Where it listens, on all addresses; 9000 without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How it is looked after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_config: Option<HealthCheckConfig>,
}

/// How an instance is looked after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HealthCheckConfig {
    /// The path that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_get_url: Option<String>,
    /// Seconds before the first time: 0 to 120.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_delay_seconds: Option<u32>,
    /// Seconds between: 1 to 120.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_seconds: Option<u32>,
    /// Seconds until it is no answer: 1 to 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// After how many failures it is ill: 1 to 120.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<u32>,
    /// After how many successes it is well: 1 to 120.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_threshold: Option<u32>,
}

/// Where a function's lines go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LogConfig {
    /// The project of the log service.
    pub project: String,
    /// The store in it.
    pub logstore: String,
    /// Whether a line is written of each request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_request_metrics: Option<bool>,
}

/// Which private network a function reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VpcConfig {
    /// The network.
    pub vpc_id: String,
    /// The switches in it.
    pub v_switch_ids: Vec<String>,
    /// The security group.
    pub security_group_id: String,
}

/// A function.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Function {
    /// Its name.
    pub function_name: String,
    /// Its id.
    pub function_id: String,
    /// Its full name, `acs:fc:{region}:{account}:functions/{name}`.
    pub function_arn: String,
    /// The runtime.
    pub runtime: String,
    /// The code's CRC-64/XZ as a decimal number: the same one need not be sent again.
    #[serde(deserialize_with = "text")]
    pub code_checksum: String,
    /// The code's size in bytes.
    #[serde(deserialize_with = "integer")]
    pub code_size: i64,
    /// `Pending`, `Active`, `Failed`, `Inactive`.
    pub state: String,
    /// Why.
    pub state_reason: String,
    /// Whether the last change took: `Successful`, `InProgress`, `Failed`.
    pub last_update_status: String,
    /// Why.
    pub last_update_status_reason: String,
    /// Its variables.
    pub environment_variables: BTreeMap<String, String>,
    /// How it is started.
    pub custom_runtime_config: Option<CustomRuntimeConfig>,
    /// Its layers.
    pub layers: Vec<LayerReference>,
    /// In MB.
    #[serde(deserialize_with = "integer")]
    pub memory_size: i64,
    /// In seconds.
    #[serde(deserialize_with = "integer")]
    pub timeout: i64,
    /// When it was made.
    pub created_time: String,
    /// When it was last changed.
    pub last_modified_time: String,
}

/// A layer of a function.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LayerReference {
    /// Its full name.
    pub arn: String,
    /// Its size in bytes.
    #[serde(deserialize_with = "integer")]
    pub size: i64,
}

/// A page of functions.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FunctionPage {
    /// The functions.
    pub functions: Vec<Function>,
    /// What the next page is asked for with.
    pub next_token: Option<String>,
}

/// Where a function's code can be fetched.
#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FunctionCode {
    /// The address, signed, for a while.
    pub url: String,
    /// The code's CRC-64/XZ as a decimal number.
    #[serde(deserialize_with = "text")]
    pub checksum: String,
}

impl std::fmt::Debug for FunctionCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FunctionCode({})", self.checksum)
    }
}

/// How many instances there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ScalingConfig {
    /// How many are kept when nobody calls.
    pub min_instances: u32,
    /// Whether more are made as they are needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_on_demand_scaling: Option<bool>,
}

impl Fc {
    /// Makes a function. Fails with `FunctionAlreadyExists`.
    pub async fn create_function(&self, settings: &FunctionSettings) -> Result<Function, Error> {
        self.post("CreateFunction", &["functions"], settings).await
    }

    /// Changes a function. New code is in use when this returns; what is running goes on with the old.
    pub async fn update_function(&self, name: &str, settings: &FunctionSettings) -> Result<Function, Error> {
        let settings = FunctionSettings { function_name: None, ..settings.clone() };
        self.put("UpdateFunction", &["functions", name], &settings).await
    }

    /// Returns a function, or a version of it. Fails with `FunctionNotFound`.
    pub async fn function(&self, name: &str, qualifier: Option<&str>) -> Result<Function, Error> {
        self.get("GetFunction", &["functions", name], qualified(qualifier)).await
    }

    /// Lists functions.
    pub async fn functions(&self, page: &PageRequest) -> Result<FunctionPage, Error> {
        let mut query = page.query();
        // Without it, those of the generation before come too.
        query.push(("fcVersion".to_owned(), "v3".to_owned()));
        self.get("ListFunctions", &["functions"], query).await
    }

    /// Deletes a function; that there is none is no error. Fails with `FunctionNotEmpty` while it has triggers, versions or
    /// aliases.
    pub async fn delete_function(&self, name: &str) -> Result<(), Error> {
        self.remove("DeleteFunction", &["functions", name]).await
    }

    /// Returns where the code of a function can be fetched.
    pub async fn function_code(&self, name: &str, qualifier: Option<&str>) -> Result<FunctionCode, Error> {
        self.get("GetFunctionCode", &["functions", name, "code"], qualified(qualifier)).await
    }

    /// Sets how many instances a function keeps.
    pub async fn put_scaling_config(&self, name: &str, config: &ScalingConfig) -> Result<ScalingConfig, Error> {
        self.put("PutScalingConfig", &["functions", name, "scaling-config"], config).await
    }

    /// Has a function keep no instances; that it keeps none is no error.
    pub async fn delete_scaling_config(&self, name: &str) -> Result<(), Error> {
        self.remove("DeleteScalingConfig", &["functions", name, "scaling-config"]).await
    }
}
