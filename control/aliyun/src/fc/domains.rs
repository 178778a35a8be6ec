//! Custom domains: the names under which people reach functions. The name has to lead to the service when it is added.

use serde::{Deserialize, Serialize};

use super::{Fc, PageRequest};
use crate::Error;

/// What a custom domain is made of. Creating needs `domain_name` and `protocol`; updating replaces each member that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CustomDomainSettings {
    /// The name; `*.` before it means all below. Only for creating.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain_name: Option<String>,
    /// `HTTP`, `HTTPS` or `HTTP,HTTPS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Which function answers where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_config: Option<RouteConfig>,
    /// The certificate, for HTTPS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_config: Option<CertConfig>,
}

/// Which function answers where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RouteConfig {
    /// The routes. Which of two that overlap counts is not told: one for `/*` is enough.
    pub routes: Vec<Route>,
}

/// One route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Route {
    /// A path, or one with `*` at its end.
    pub path: String,
    /// The function.
    pub function_name: String,
    /// The version or alias; `LATEST` without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qualifier: Option<String>,
    /// The methods; all of them without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<String>>,
    /// What is made of paths before the function gets them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite_config: Option<RewriteConfig>,
}

/// What is made of paths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RewriteConfig {
    /// Whole paths.
    pub equal_rules: Vec<RewriteRule>,
    /// Each `*` is `$1`, `$2`, … of the replacement.
    pub wildcard_rules: Vec<RewriteRule>,
    /// Regular expressions, whose groups are `$1`, `$2`, … of the replacement.
    pub regex_rules: Vec<RewriteRule>,
}

/// One rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RewriteRule {
    /// What fits.
    pub r#match: String,
    /// What it becomes.
    pub replacement: String,
}

/// A certificate. The service issues none.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CertConfig {
    /// What it is called.
    pub cert_name: String,
    /// The chain in PEM, at most 20 KB.
    pub certificate: String,
    /// The key in PEM, at most 4 KB. It does not come back.
    pub private_key: String,
}

impl std::fmt::Debug for CertConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CertConfig({})", self.cert_name)
    }
}

/// A custom domain.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CustomDomain {
    /// The name.
    pub domain_name: String,
    /// `HTTP`, `HTTPS` or `HTTP,HTTPS`.
    pub protocol: String,
    /// Which function answers where.
    pub route_config: RouteConfig,
    /// The account, which is part of what the name has to lead to.
    #[serde(deserialize_with = "crate::lenient::text")]
    pub account_id: String,
    /// When it was added.
    pub created_time: String,
    /// When it was last changed.
    pub last_modified_time: String,
}

/// A page of custom domains.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CustomDomainPage {
    /// The domains.
    pub custom_domains: Vec<CustomDomain>,
    /// What the next page is asked for with.
    pub next_token: Option<String>,
}

impl Fc {
    /// Adds a custom domain. Fails with `DomainNameNotResolved` as long as the name does not lead to the service,
    /// `DomainNameAlreadyExists`, and `InvalidICPLicense` on the Chinese mainland.
    pub async fn create_custom_domain(&self, settings: &CustomDomainSettings) -> Result<CustomDomain, Error> {
        self.post("CreateCustomDomain", &["custom-domains"], settings).await
    }

    /// Changes a custom domain.
    pub async fn update_custom_domain(
        &self,
        name: &str,
        settings: &CustomDomainSettings,
    ) -> Result<CustomDomain, Error> {
        let settings = CustomDomainSettings { domain_name: None, ..settings.clone() };
        self.put("UpdateCustomDomain", &["custom-domains", name], &settings).await
    }

    /// Returns a custom domain. Fails with `DomainNameNotFound`.
    pub async fn custom_domain(&self, name: &str) -> Result<CustomDomain, Error> {
        self.get("GetCustomDomain", &["custom-domains", name], Vec::new()).await
    }

    /// Lists custom domains.
    pub async fn custom_domains(&self, page: &PageRequest) -> Result<CustomDomainPage, Error> {
        self.get("ListCustomDomains", &["custom-domains"], page.query()).await
    }

    /// Removes a custom domain; that there is none is no error. The name itself stays.
    pub async fn delete_custom_domain(&self, name: &str) -> Result<(), Error> {
        self.remove("DeleteCustomDomain", &["custom-domains", name]).await
    }
}
