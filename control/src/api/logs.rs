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
use super::answer::{Answer, ApiResult, PageView, json, success};
use super::caller::{Anyone, Caller, DeploymentsRead};
use super::enums::LogLevelView;
use super::values::{Nullable, Timestamp};
use crate::domain::{Actor, DeploymentId, LogLine};
use crate::service::Services;

/// Operations on logs.
pub struct LogsApi;

const EVENT_STREAM: &str = "text/event-stream";
const LINES: &str = "application/x-ndjson";

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

/// A stream of server-sent events.
pub struct EventStream(Body);

impl IntoResponse for EventStream {
    fn into_response(self) -> Response {
        LogsAnswer::Stream(EVENT_STREAM, self.0).into_response()
    }
}

impl ApiResponse for EventStream {
    fn meta() -> MetaResponses {
        let mut meta = success(200, "The lines, oldest first.", None, vec![]);
        meta.responses[0].content =
            vec![MetaMediaType { content_type: EVENT_STREAM, schema: LogLineView::schema_ref() }];
        meta
    }

    fn register(registry: &mut Registry) {
        LogLineView::register(registry);
    }
}

/// The log in the form that `Accept` asks for.
pub enum LogsAnswer {
    /// A page.
    Page(PageView<LogLineView>),
    /// A stream, in this media type.
    Stream(&'static str, Body),
}

impl IntoResponse for LogsAnswer {
    fn into_response(self) -> Response {
        match self {
            Self::Page(page) => json(StatusCode::OK, &page),
            Self::Stream(media_type, body) => Response::builder()
                .content_type(media_type)
                .header(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"))
                .body(body),
        }
    }
}

impl ApiResponse for LogsAnswer {
    fn meta() -> MetaResponses {
        let schema = PageView::<LogLineView>::schema_ref();
        let mut meta = success(200, "The lines, oldest first.", Some(schema), vec![]);
        for content_type in [EVENT_STREAM, LINES] {
            meta.responses[0].content.push(MetaMediaType { content_type, schema: LogLineView::schema_ref() });
        }
        meta
    }

    fn register(registry: &mut Registry) {
        PageView::<LogLineView>::register(registry);
    }
}

fn default_lines() -> i32 {
    500
}

/// What opens one stream of a log.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "LogTicket")]
pub struct LogTicketView {
    /// Good for one request within a minute.
    pub ticket: String,
    /// The path to ask, the ticket included.
    pub path: String,
    /// When it stops working.
    pub expires_at: Timestamp,
}

#[OpenApi(prefix_path = "/api/v1/public", tag = "Tag::Deployments")]
impl LogsApi {
    /// Make a ticket for a log
    ///
    /// A browser's `EventSource` can send no header, and a token must not stand in an address: the ticket opens one stream
    /// of this log within 60 seconds. Fails with `not_found` (404).
    #[oai(path = "/deployments/:deployment_id/logs/ticket", method = "post", operation_id = "createLogTicket")]
    async fn create_log_ticket(
        &self,
        caller: Caller<DeploymentsRead>,
        /// The deployment's id.
        deployment_id: Path<i64>,
    ) -> ApiResult<Answer<LogTicketView>> {
        let id = DeploymentId(deployment_id.0);
        let (ticket, expires_at) = caller.services.logs.issue_ticket(&caller.actor, id).await?;
        let path = format!("/api/v1/public/logs/stream?ticket={ticket}");
        Ok(Answer::new(LogTicketView { ticket, path, expires_at: expires_at.into() }))
    }

    /// Follow a log with a ticket
    ///
    /// The `text/event-stream` of `getDeploymentLogs`, for whoever holds the ticket, which is used up. Changes nothing else. Fails
    /// with `invalid_ticket` (401) when the ticket was used, is too old or is none.
    #[oai(path = "/logs/stream", method = "get", operation_id = "followLogsWithTicket")]
    async fn follow_logs_with_ticket(
        &self,
        anyone: Anyone,
        request: &Request,
        /// The ticket.
        ticket: Query<String>,
    ) -> ApiResult<EventStream> {
        let (actor, id) = anyone.services.logs.use_ticket(&ticket.0).await?;
        anyone.services.deployments.get(&actor, id).await?;
        let after = last_event_id(request).unwrap_or(0);
        let follower = Follower { services: anyone.services, actor, id, after, ended: false };
        Ok(EventStream(Body::from_bytes_stream(follower.events())))
    }

    /// Read a deployment's log
    ///
    /// Oldest line first. As JSON a page: give its `next_cursor` as `after` to read on. As `text/event-stream` the log is
    /// followed until the deployment ends: each event's id is the line's `seq`, its data the line; `event: end` closes the
    /// stream, a comment every 5 s keeps it alive, `Last-Event-ID` resumes exactly, and `event: gap` names lines that are
    /// not kept any more. As `application/x-ndjson` the lines up to now come one to a line. Changes nothing. Fails with
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
        if accepts(request, LINES) {
            return Ok(LogsAnswer::Stream(LINES, all_lines(&caller.services, &caller.actor, id, after).await?));
        }
        if accepts(request, EVENT_STREAM) {
            let after = last_event_id(request).unwrap_or(after);
            // A missing deployment is a 404, not a stream that ends at once.
            caller.services.deployments.get(&caller.actor, id).await?;
            let follower = Follower { services: caller.services, actor: caller.actor, id, after, ended: false };
            return Ok(LogsAnswer::Stream(EVENT_STREAM, Body::from_bytes_stream(follower.events())));
        }
        let limit = u32::try_from(limit.0).unwrap_or(1);
        let lines = caller.services.logs.page(&caller.actor, id, after, limit).await?;
        let is_full = lines.len() == limit as usize;
        let next_cursor = Nullable(lines.last().filter(|_| is_full).map(|line| line.seq.to_string()));
        let data = lines.into_iter().map(LogLineView::from).collect();
        Ok(LogsAnswer::Page(PageView { data, next_cursor }))
    }
}

fn accepts(request: &Request, media_type: &str) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.split(',').any(|range| range.trim().starts_with(media_type)))
}

/// The lines that there are now, as they are sent.
async fn all_lines(services: &Services, actor: &Actor, id: DeploymentId, after: i64) -> ApiResult<Body> {
    // A missing deployment is a 404, not an empty stream.
    let first = services.logs.page(actor, id, after, STREAM_PAGE).await?;
    let (services, actor) = (services.clone(), actor.clone());
    let pages = futures_util::stream::unfold(Some(first), move |page| {
        let (services, actor) = (services.clone(), actor.clone());
        async move {
            let page = page?;
            let last = page.last()?.seq;
            let text: String = page.into_iter().map(|line| json_line(line.into())).collect();
            let next = services.logs.page(&actor, id, last, STREAM_PAGE).await.map_err(std::io::Error::other);
            Some(match next {
                Ok(next) => (Ok(Bytes::from(text)), Some(next)),
                Err(error) => (Err(error), None),
            })
        }
    });
    Ok(Body::from_bytes_stream(pages))
}

fn json_line(line: LogLineView) -> String {
    let mut text = serde_json::to_string(&line).unwrap_or_default();
    text.push('\n');
    text
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
        // Read before the lines: whatever was written before the end is then among them.
        let ended = self.services.logs.ended(&self.actor, self.id).await.map_err(gone)?;
        let lines = self.services.logs.page(&self.actor, self.id, self.after, STREAM_PAGE).await.map_err(gone)?;
        if let (Some(first), Some(last)) = (lines.first(), lines.last()) {
            let gap = gap_event(self.after, first.seq);
            self.after = last.seq;
            return Ok(lines.into_iter().fold(gap, |text, line| text + &line_event(line.into())));
        }
        if let Some(status) = ended {
            self.ended = true;
            return Ok(format!("event: end\ndata: {{\"status\":\"{status}\"}}\n\n"));
        }
        self.services.logs.changed(self.id, self.after, KEEP_ALIVE).await.map_err(gone)?;
        Ok(": waiting\n\n".to_owned())
    }
}

/// Says which lines are missing between the last one sent and the next.
fn gap_event(after: i64, next: i64) -> String {
    match next - after {
        ..=1 => String::new(),
        _ => format!("event: gap\ndata: {{\"from\":{},\"to\":{}}}\n\n", after + 1, next - 1),
    }
}

fn line_event(line: LogLineView) -> String {
    let data = serde_json::to_string(&line).unwrap_or_default();
    format!("id: {}\ndata: {data}\n\n", line.seq)
}
