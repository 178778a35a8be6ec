//! Versions of a routine's code, and which of them run where. A routine keeps at most ten.
//!
//! The way to a new version: [`GetRoutineStagingCodeUploadInfo`], [`Esa::upload_code`](super::Esa::upload_code),
//! [`CommitRoutineStagingCode`], then [`PublishRoutineCodeVersion`] or [`CreateRoutineCodeDeployment`].

use serde::{Deserialize, Serialize};

use super::{Done, Env, Service};
use crate::lenient::{integer, text};
use crate::rpc::{Form, operation};

/// Returns a form under which the code of a new version is uploaded.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetRoutineStagingCodeUploadInfo {
    /// The routine.
    pub name: String,
    /// What is said of the version.
    pub code_description: Option<String>,
}
operation!(GetRoutineStagingCodeUploadInfo, POST, Safe, Form::Everything => StagingUpload);

/// Makes a version of the code that was uploaded last.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CommitRoutineStagingCode {
    /// The routine.
    pub name: String,
    /// What is said of the version.
    pub code_description: Option<String>,
    /// Whose variables the version takes with it.
    pub deploy_env: Option<Env>,
}
operation!(CommitRoutineStagingCode, POST, Unsafe, Form::Everything => CodeVersion);

/// Has one version run alone. Without a version, in staging, the code that was uploaded and is no version yet.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PublishRoutineCodeVersion {
    /// The routine.
    pub name: String,
    /// Where.
    pub env: Env,
    /// The version.
    pub code_version: Option<String>,
}
operation!(PublishRoutineCodeVersion, POST, Safe, Form::Everything => CodeVersion);

/// Has one version run or two, each for a share of the requests. Which request gets which is drawn each time.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateRoutineCodeDeployment {
    /// The routine.
    pub name: String,
    /// Where.
    pub env: Env,
    /// How.
    pub strategy: Strategy,
    /// Which; their shares make 100.
    pub code_versions: Vec<Share>,
}
operation!(CreateRoutineCodeDeployment, POST, Safe, Form::Everything => CodeDeployment);

/// Lists versions, newest first; no more than 40 can be seen.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListRoutineCodeVersions {
    /// The routine.
    pub name: String,
    /// What their descriptions contain.
    pub search_key_word: Option<String>,
    /// The page, 1 or 2.
    pub page_number: Option<u32>,
    /// How many at most: 20.
    pub page_size: Option<u32>,
}
operation!(ListRoutineCodeVersions, POST, Safe, Form::Everything => CodeVersionPage);

/// Returns the code of a version.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetRoutineCodeVersion {
    /// The routine.
    pub name: String,
    /// The version.
    pub code_version: String,
}
operation!(GetRoutineCodeVersion, POST, Safe, Form::Everything => Code);

/// Returns whether a version with files is ready.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetRoutineCodeVersionInfo {
    /// The routine.
    pub name: String,
    /// The version.
    pub code_version: String,
}
operation!(GetRoutineCodeVersionInfo, POST, Safe, Form::Everything => ListedCodeVersion);

/// Deletes a version.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteRoutineCodeVersion {
    /// The routine.
    pub name: String,
    /// The version.
    pub code_version: String,
}
operation!(DeleteRoutineCodeVersion, POST, Safe, Form::Everything => Done);

/// How versions share requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// By percentages.
    #[default]
    Percentage,
}

/// A version's share of the requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Share {
    /// The version.
    #[serde(deserialize_with = "text")]
    pub code_version: String,
    /// Of how many requests in a hundred: 1 to 100.
    pub percentage: u8,
}

/// A form under which code is uploaded.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct StagingUpload {
    /// The number that the version would have.
    #[serde(deserialize_with = "text")]
    pub code_version: String,
    /// The form.
    pub oss_post_config: OssPostConfig,
}

/// A form upload to object storage, as ESA prepares it.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct OssPostConfig {
    /// Where it goes.
    #[serde(rename = "Url")]
    pub url: String,
    /// Whose key it is signed with.
    #[serde(rename = "OSSAccessKeyId")]
    pub access_key_id: String,
    /// The signature of the policy.
    #[serde(rename = "Signature")]
    pub signature: String,
    /// What may be uploaded, in Base64.
    #[serde(alias = "Policy")]
    pub policy: String,
    /// The object's key.
    #[serde(alias = "Key")]
    pub key: String,
    /// What object storage tells ESA afterwards, in Base64.
    pub callback: Option<String>,
    /// Goes back as it came.
    #[serde(rename = "x:codeDescription")]
    pub code_description: Option<String>,
    /// The token of temporary credentials.
    #[serde(rename = "XOssSecurityToken")]
    pub security_token: Option<String>,
}

impl std::fmt::Debug for OssPostConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OssPostConfig({}, {})", self.url, self.key)
    }
}

/// A version.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct CodeVersion {
    /// Its number: 19 digits, too many for a number in JavaScript.
    #[serde(deserialize_with = "text")]
    pub code_version: String,
}

/// Which versions run from now on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct CodeDeployment {
    /// Its id.
    #[serde(deserialize_with = "text")]
    pub deployment_id: String,
    /// `percentage`.
    pub strategy: String,
    /// The versions.
    pub code_versions: Vec<Share>,
}

/// A page of versions.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct CodeVersionPage {
    /// The versions.
    pub code_versions: Vec<ListedCodeVersion>,
    /// How many there are on all pages.
    #[serde(deserialize_with = "integer")]
    pub total_count: i64,
}

/// A version in a list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ListedCodeVersion {
    /// Its number; `unstable` for the code that is no version yet.
    #[serde(deserialize_with = "text")]
    pub code_version: String,
    /// What was said of it when it was made.
    pub code_description: String,
    /// When it was made.
    pub create_time: String,
    /// `init` or `available`, in this or another case.
    pub status: String,
    /// Whether it took variables with it.
    pub has_env_vars: bool,
}

/// The code of a version.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Code {
    /// The code, in Base64.
    pub routine_code: String,
    /// What was said of it when it was made.
    pub code_description: String,
    /// When it was made.
    pub create_time: String,
}
