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
    /// It does not work.
    Down,
}

/// The state of the server and of each part that it needs.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Health")]
pub struct HealthView {
    /// `ok` when every part is.
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
    /// How long it took to answer, in milliseconds.
    pub latency_ms: i64,
}

impl From<HealthPart> for HealthPartView {
    fn from(part: HealthPart) -> Self {
        Self {
            name: part.name.to_owned(),
            status: if part.ok { HealthStatus::Ok } else { HealthStatus::Down },
            latency_ms: i64::try_from(part.latency_ms).unwrap_or(i64::MAX),
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
    /// Asks each part that the server needs. Changes nothing. Fails with `unhealthy` (503) when a part is down; `errors`
    /// names it as `/parts/NAME`.
    #[oai(path = "/health", method = "get", operation_id = "getHealth")]
    async fn get_health(&self, anyone: Anyone) -> ApiResult<HealthAnswer> {
        let parts = anyone.services.health.check().await;
        let down: Vec<_> = parts.iter().filter(|part| !part.ok).map(part_problem).collect();
        if !down.is_empty() {
            return Err(ApiError::unhealthy(down));
        }
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let parts = parts.into_iter().map(HealthPartView::from).collect();
        Ok(HealthAnswer(HealthView { status: HealthStatus::Ok, version, parts }))
    }
}

fn part_problem(part: &HealthPart) -> FieldProblem {
    let detail = part.detail.clone().unwrap_or_else(|| format!("{} does not answer", part.name));
    FieldProblem::new(format!("/parts/{}", part.name), "down", detail)
}
