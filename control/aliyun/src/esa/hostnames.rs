//! Custom hostnames: names in other people's domains that are served like a record of one of our sites. At most 100 are made
//! an hour.

use serde::{Deserialize, Serialize};

use super::{Done, Service, Switch};
use crate::lenient::integer;
use crate::rpc::{Form, operation};

/// Adds a hostname. Where the site covers the Chinese mainland, the hostname needs an ICP filing.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateCustomHostname {
    /// The site.
    pub site_id: i64,
    /// The hostname.
    pub hostname: String,
    /// The record of the site that it is served like.
    pub record_id: i64,
    /// Whether it has a certificate.
    pub ssl_flag: Switch,
    /// Where the certificate comes from; needed with `ssl_flag` on.
    pub cert_type: Option<CertType>,
    /// With [`CertType::Upload`]: the chain in PEM.
    pub certificate: Option<String>,
    /// With [`CertType::Upload`]: the key in PEM.
    pub private_key: Option<String>,
    /// With [`CertType::Cas`]: the certificate's id there.
    pub cas_id: Option<i64>,
    /// With [`CertType::Cas`]: `cn-hangzhou` or `ap-southeast-1`.
    pub cas_region: Option<String>,
}
operation!(CreateCustomHostname, POST, Unsafe, Form::Nothing => CreatedHostname);

/// Changes a hostname; what is not given stays.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateCustomHostname {
    /// The hostname.
    pub hostname_id: i64,
    /// Another record of the site.
    pub record_id: Option<i64>,
    /// Whether it has a certificate.
    pub ssl_flag: Option<Switch>,
    /// Where the certificate comes from.
    pub cert_type: Option<CertType>,
    /// With [`CertType::Upload`]: the chain in PEM.
    pub certificate: Option<String>,
    /// With [`CertType::Upload`]: the key in PEM.
    pub private_key: Option<String>,
    /// With [`CertType::Cas`]: the certificate's id there.
    pub cas_id: Option<i64>,
    /// With [`CertType::Cas`]: `cn-hangzhou` or `ap-southeast-1`.
    pub cas_region: Option<String>,
}
operation!(UpdateCustomHostname, POST, Safe, Form::Nothing => Done);

/// Returns a hostname.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetCustomHostname {
    /// The hostname.
    pub hostname_id: i64,
}
operation!(GetCustomHostname, POST, Safe, Form::Nothing => HostnameAnswer);

/// Lists the hostnames of a site, a page at a time.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListCustomHostnames {
    /// The site.
    pub site_id: i64,
    /// A hostname to look for.
    pub hostname: Option<String>,
    /// How it is looked for: `exact` (when nothing is said), `prefix`, `suffix`, `fuzzy`.
    pub name_match_type: Option<String>,
    /// Only those served like this record.
    pub record_id: Option<i64>,
    /// Only those in this state; `configuring` is none to look for.
    pub status: Option<String>,
    /// The page, from 1.
    pub page_number: Option<u32>,
    /// How many at most: 500, and 100 when nothing is said.
    pub page_size: Option<u32>,
}
operation!(ListCustomHostnames, POST, Safe, Form::Nothing => HostnamePage);

/// Looks whether the owner has proved the hostname theirs.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VerifyCustomHostname {
    /// The hostname.
    pub hostname_id: i64,
}
operation!(VerifyCustomHostname, POST, Safe, Form::Nothing => Verification);

/// Asks again for a free certificate that was refused, or has ended or soon will.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ApplyCustomHostnameCertificate {
    /// The hostname.
    pub hostname_id: i64,
}
operation!(ApplyCustomHostnameCertificate, POST, Unsafe, Form::Nothing => Done);

/// Removes a hostname.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteCustomHostname {
    /// The hostname.
    pub hostname_id: i64,
}
operation!(DeleteCustomHostname, POST, Safe, Form::Nothing => Done);

/// Where a certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CertType {
    /// The service has one issued and renews it.
    Free,
    /// It is given with the call.
    Upload,
    /// It is in the certificate service.
    Cas,
}

/// A hostname that was added.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct CreatedHostname {
    /// Its id.
    #[serde(deserialize_with = "integer")]
    pub hostname_id: i64,
    /// The hostname.
    pub hostname: String,
}

/// The answer of [`GetCustomHostname`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct HostnameAnswer {
    /// The hostname.
    pub custom_hostname_model: CustomHostname,
}

/// A page of hostnames.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct HostnamePage {
    /// The hostnames.
    pub hostnames: Vec<CustomHostname>,
    /// How many there are on all pages.
    #[serde(deserialize_with = "integer")]
    pub total_count: i64,
}

/// Whether the owner has proved the hostname theirs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Verification {
    passed: bool,
    /// `CustomHostname.VerifyUnpassed`, beside status 200, where they have not.
    pub code: Option<String>,
}

impl Verification {
    /// Whether they have.
    pub fn passed(&self) -> bool {
        self.passed && self.code.is_none()
    }
}

/// A hostname.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct CustomHostname {
    /// Its id.
    #[serde(deserialize_with = "integer")]
    pub hostname_id: i64,
    /// The hostname.
    pub hostname: String,
    /// The site.
    #[serde(deserialize_with = "integer")]
    pub site_id: i64,
    /// The record that it is served like.
    #[serde(deserialize_with = "integer")]
    pub record_id: i64,
    /// That record's name.
    pub record_name: String,
    /// Whether it is served.
    pub status: HostnameStatus,
    /// With [`HostnameStatus::Conflicted`]: `existing_custom_hostname`, `existing_site`, `existing_record`,
    /// `existing_load_balancer` or `existing_origin_pool`.
    pub conflict_with: String,
    /// With [`HostnameStatus::Offline`]: `expiration_arrears`, `internally_disabled`, `missing_icp`, `content_violation` or
    /// `proactively_disabled`.
    pub offline_reason: String,
    /// The name of the TXT record that proves the hostname its owner's.
    pub verify_host: String,
    /// That record's value.
    pub verify_code: String,
    /// Whether it has a certificate.
    pub ssl_flag: Switch,
    /// Where the certificate comes from.
    pub cert_type: Option<CertType>,
    /// How the certificate is.
    pub cert_status: CertStatus,
    /// When it ends.
    pub cert_not_after: String,
    /// In free words how asking for it went, such as `issued` or `canceled`.
    pub cert_apply_message: String,
    /// The name of the TXT record that the issuer asks for.
    pub cert_txt_key: String,
    /// That record's value.
    pub cert_txt_value: String,
    /// The address that the issuer asks for instead.
    pub cert_http_key: String,
    /// What it has to answer.
    pub cert_http_value: String,
    /// When it was added.
    pub create_time: String,
    /// When it was last changed.
    pub update_time: String,
}

/// Whether a hostname is served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostnameStatus {
    /// Not before its owner proves it theirs.
    Pending,
    /// It is.
    Active,
    /// Something else has the name.
    Conflicted,
    /// It was taken off.
    Offline,
    /// It is being set up.
    Configuring,
    /// A state that this crate does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// How a certificate is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum CertStatus {
    /// In use.
    #[serde(rename = "OK")]
    Ok,
    /// Being asked for.
    Applying,
    /// Refused.
    ApplyFailed,
    /// Soon to end.
    Expiring,
    /// Ended.
    Expired,
    /// There is none, or a state that this crate does not know.
    #[default]
    #[serde(other)]
    Unknown,
}
