//! Whether the server can do its work.

use poem::http::StatusCode;
use poem::{IntoResponse, Response};
use poem_openapi::registry::{MetaResponses, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use serde::Serialize;

use super::Tag;
use super::answer::{ApiResult, json, success};
use super::caller::Anyone;
use super::problem::{ApiError, FieldProblem};
use super::values::Timestamp;
use crate::service::HealthPart;

/// The health check.
pub struct HealthApi;

/// Whether a part or the whole can do its work.
#[derive(Debug, Clone, Copy, PartialEq, Enum, Serialize)]
#[oai(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// All is well.
    Ok,
    /// A part does not work that the server can do without for a while.
    Degraded,
    /// It does not work.
    Down,
}

/// The state of the server and of each part that it needs.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Health")]
pub struct HealthView {
    /// `ok` when every part is, `degraded` when one is down that is not needed.
    pub status: HealthStatus,
    /// The server's version.
    pub version: String,
    /// Each part.
    pub parts: Vec<HealthPartView>,
}

/// One part that the server needs.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "HealthPart")]
pub struct HealthPartView {
    /// Which part.
    pub name: String,
    /// Whether it works.
    pub status: HealthStatus,
    /// Whether the server can do nothing of use without it.
    pub needed: bool,
    /// Since when it works, or does not.
    pub since: Timestamp,
    /// How long it took to answer, in milliseconds.
    pub latency_ms: i64,
    /// What is the matter, when it does not work.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl From<HealthPart> for HealthPartView {
    fn from(part: HealthPart) -> Self {
        Self {
            name: part.name.to_owned(),
            status: if part.ok { HealthStatus::Ok } else { HealthStatus::Down },
            needed: part.needed,
            since: part.since.into(),
            latency_ms: i64::try_from(part.latency_ms).unwrap_or(i64::MAX),
            detail: part.detail,
        }
    }
}

/// The answer of the health check, without an envelope: what watches servers looks for `status` at the top.
pub struct HealthAnswer(HealthView);

impl IntoResponse for HealthAnswer {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

impl ApiResponse for HealthAnswer {
    fn meta() -> MetaResponses {
        success(200, "All is well.", Some(HealthView::schema_ref()), vec![])
    }

    fn register(registry: &mut Registry) {
        HealthView::register(registry);
    }
}

#[OpenApi(tag = "Tag::Health")]
impl HealthApi {
    /// Check the server's health
    ///
    /// Asks each part, and says since when it is as it is. Changes nothing. Fails with `unhealthy` (503) when a part is down
    /// that is needed; `errors` names each that is down as `/parts/NAME`.
    #[oai(path = "/health", method = "get", operation_id = "getHealth")]
    async fn get_health(&self, anyone: Anyone) -> ApiResult<HealthAnswer> {
        let parts = anyone.services.health.check().await;
        let down: Vec<_> = parts.iter().filter(|part| !part.ok).map(part_problem).collect();
        if parts.iter().any(|part| part.needed && !part.ok) {
            return Err(ApiError::unhealthy(down));
        }
        let status = if down.is_empty() { HealthStatus::Ok } else { HealthStatus::Degraded };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let parts = parts.into_iter().map(HealthPartView::from).collect();
        Ok(HealthAnswer(HealthView { status, version, parts }))
    }
}

fn part_problem(part: &HealthPart) -> FieldProblem {
    let since = part.since.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let detail = part.detail.as_deref().unwrap_or("it does not answer");
    FieldProblem::new(format!("/parts/{}", part.name), "down", format!("{detail} (since {since})"))
}
