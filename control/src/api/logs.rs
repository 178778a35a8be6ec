//! A deployment's log: a page, or a stream that follows it.

use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{Body, IntoResponse, Request, Response};
use poem_openapi::param::{Path, Query};
use poem_openapi::registry::{MetaMediaType, MetaResponses, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Serialize;

use super::Tag;
use super::answer::{ApiResult, PageView, json, success};
use super::caller::{Caller, DeploymentsRead};
use super::enums::LogLevelView;
use super::values::{Nullable, Timestamp};
use crate::domain::{Actor, DeploymentId, LogLine};
use crate::service::Services;

/// Operations on logs.
pub struct LogsApi;

const EVENT_STREAM: &str = "text/event-stream";

/// How often a silent stream says that it lives, so that no proxy on the way gives it up.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// How many lines a stream reads at a time.
const STREAM_PAGE: u32 = 500;

/// One line of a deployment's log.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "LogLine")]
pub struct LogLineView {
    /// Counts from 1 within the deployment.
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
    /// How much it matters.
    pub level: LogLevelView,
    /// The text, one line.
    pub text: String,
}

impl From<LogLine> for LogLineView {
    fn from(line: LogLine) -> Self {
        Self { seq: line.seq, at: line.at.into(), level: line.level.into(), text: line.text }
    }
}

/// The log in the form that `Accept` asks for.
pub enum LogsAnswer {
    /// A page.
    Page(PageView<LogLineView>),
    /// A stream of server-sent events.
    Stream(Body),
}

impl IntoResponse for LogsAnswer {
    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => json(StatusCode::OK, &page),
            Self::Stream(body) => Response::builder()
                .content_type(EVENT_STREAM)
                .header(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"))
                .body(body),
        }
    }
}

impl ApiResponse for LogsAnswer {
    fn meta() -> MetaResponses {
        let schema = PageView::<LogLineView>::schema_ref();
        let mut meta = success(200, "The lines, oldest first.", Some(schema), vec![]);
        let stream = MetaMediaType { content_type: EVENT_STREAM, schema: LogLineView::schema_ref() };
        meta.responses[0].content.push(stream);
        meta
    }

    fn register(registry: &mut Registry) {
        PageView::<LogLineView>::register(registry);
    }
}

fn default_lines() -> i32 {
    500
}

#[OpenApi(prefix_path = "/api/v1/public", tag = "Tag::Deployments")]
impl LogsApi {
    /// Read a deployment's log
    ///
    /// Oldest line first. As JSON a page: give its `next_cursor` as `after` to read on. As `text/event-stream` the log is
    /// followed until the deployment ends: each event's id is the line's `seq`, its data the line; `event: end` closes the
    /// stream, a comment every 5 s keeps it alive, and `Last-Event-ID` resumes exactly. Changes nothing. Fails with
    /// `not_found` (404).
    #[oai(path = "/deployments/:deployment_id/logs", method = "get", operation_id = "getDeploymentLogs")]
    async fn get_deployment_logs(
        &self,
        caller: Caller<DeploymentsRead>,
        request: &Request,
        /// The deployment's id.
        deployment_id: Path<i64>,
        /// Only lines after the one with this `seq`.
        #[oai(validator(minimum(value = "0")))]
        after: Query<Option<i64>>,
        /// How many lines a page has at most; a stream has no limit.
        #[oai(default = "default_lines", validator(minimum(value = "1"), maximum(value = "1000")))]
        limit: Query<i32>,
    ) -> ApiResult<LogsAnswer> {
        let id = DeploymentId(deployment_id.0);
        let after = after.0.unwrap_or(0);
        if wants_stream(request) {
            let after = last_event_id(request).unwrap_or(after);
            // A missing deployment is a 404, not a stream that ends at once.
            caller.services.deployments.get(&caller.actor, id).await?;
            let follower = Follower { services: caller.services, actor: caller.actor, id, after, ended: false };
            return Ok(LogsAnswer::Stream(Body::from_bytes_stream(follower.events())));
        }
        let limit = u32::try_from(limit.0).unwrap_or(1);
        let lines = caller.services.logs.page(&caller.actor, id, after, limit).await?;
        let is_full = lines.len() == limit as usize;
        let next_cursor = Nullable(lines.last().filter(|_| is_full).map(|line| line.seq.to_string()));
        let data = lines.into_iter().map(LogLineView::from).collect();
        Ok(LogsAnswer::Page(PageView { data, next_cursor }))
    }
}

fn wants_stream(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.split(',').any(|range| range.trim().starts_with(EVENT_STREAM)))
}

fn last_event_id(request: &Request) -> Option<i64> {
    request.header("last-event-id")?.trim().parse().ok().filter(|seq| *seq >= 0)
}

/// Follows one log from a line on.
struct Follower {
    services: Services,
    actor: Actor,
    id: DeploymentId,
    after: i64,
    ended: bool,
}

impl Follower {
    fn events(self) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
        futures_util::stream::unfold(self, |mut follower| async move {
            if follower.ended {
                return None;
            }
            let events = follower.next().await;
            follower.ended |= events.is_err();
            Some((events.map(Bytes::from), follower))
        })
    }

    /// Waits for the next events and returns them as they go over the wire. Breaks off when the log cannot be read any
    /// more: the client resumes with the last id that it saw.
    async fn next(&mut self) -> std::io::Result<String> {
        let gone = std::io::Error::other;
        // The status is read before the lines: whatever was written before the end is then among them.
        let deployment = self.services.deployments.get(&self.actor, self.id).await.map_err(gone)?;
        let lines = self.services.logs.page(&self.actor, self.id, self.after, STREAM_PAGE).await.map_err(gone)?;
        if let Some(last) = lines.last() {
            self.after = last.seq;
            return Ok(lines.into_iter().map(|line| line_event(line.into())).collect());
        }
        if deployment.status.is_final() {
            self.ended = true;
            let status = deployment.status;
            return Ok(format!("event: end\ndata: {{\"status\":\"{status}\"}}\n\n"));
        }
        self.services.logs.changed(self.id, self.after, KEEP_ALIVE).await.map_err(gone)?;
        Ok(": waiting\n\n".to_owned())
    }
}

fn line_event(line: LogLineView) -> String {
    let data = serde_json::to_string(&line).unwrap_or_default();
    format!("id: {}\ndata: {data}\n\n", line.seq)
}
