//! What the server did, for Prometheus: text, outside of the document, because its readers know no JSON.

use poem::http::StatusCode;
use poem::web::Data;
use poem::{IntoResponse as _, Request, Response, handler};

use super::gate::config;
use super::problem::ApiError;
use crate::service::{HealthPart, Room, Services};
use crate::telemetry::{Kind, Text};

/// Who may read the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Whoever is on this machine.
    #[default]
    Loopback,
    /// Everybody.
    Public,
    /// Nobody.
    Off,
}

/// Answers with every metric.
#[handler]
pub async fn show(request: &Request, services: Data<&Services>) -> poem::Result<Response> {
    let access = config(request).metrics;
    let peer = request.remote_addr().as_socket_addr().map(|address| address.ip());
    let allowed = match access {
        MetricsAccess::Public => true,
        MetricsAccess::Off => false,
        MetricsAccess::Loopback => peer.is_none_or(|address| address.is_loopback()) && !config(request).behind_proxy,
    };
    if !allowed {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "unknown_path", "there is nothing at this path").into());
    }
    let mut text = Text::default();
    text.build_info();
    let telemetry = services.health.telemetry();
    telemetry.metrics.write(&mut text);
    if let Some((sent, dropped)) = telemetry.tracer.counts() {
        text.single("miaobu_spans_sent_total", Kind::Counter, "Spans that the collector of traces took.", sent);
        text.single("miaobu_spans_dropped_total", Kind::Counter, "Spans that it did not.", dropped);
    }
    write_parts(&services.health.check().await, &mut text);
    // What the database knows is left out while it is away: the rest is wanted most then.
    if let Err(error) = write_jobs(&services, &mut text).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the metrics of jobs cannot be read");
    }
    write_rooms(&services.health.rooms().await, &mut text);
    if let Some(shared) = services.gate.shared_limits() {
        let help = "Whether the rate limits that servers share are in use.";
        text.single("miaobu_limits_shared_up", Kind::Gauge, help, u8::from(shared.is_connected()));
        let help = "Requests that this server counted alone although it should not.";
        text.single("miaobu_limits_local_total", Kind::Counter, help, shared.missed());
    }
    Ok(page(text))
}

/// The answer that a reader of metrics expects.
pub fn page(text: Text) -> Response {
    text.finish().with_content_type("text/plain; version=0.0.4; charset=utf-8").into_response()
}

fn write_parts(parts: &[HealthPart], text: &mut Text) {
    text.family("miaobu_part_up", Kind::Gauge, "Whether a part of the server works.");
    for part in parts {
        text.sample("miaobu_part_up", &[("part", part.name)], u8::from(part.ok));
    }
    text.family("miaobu_part_since_timestamp_seconds", Kind::Gauge, "Since when it does, or does not.");
    for part in parts {
        text.sample("miaobu_part_since_timestamp_seconds", &[("part", part.name)], part.since.timestamp());
    }
}

async fn write_jobs(services: &Services, text: &mut Text) -> crate::service::Result<()> {
    let (jobs, age) = (services.health.jobs().await?, services.health.oldest_job().await?);
    text.family("miaobu_jobs", Kind::Gauge, "Jobs by kind and state.");
    for (kind, state, count) in &jobs {
        text.sample("miaobu_jobs", &[("kind", kind), ("state", state)], count);
    }
    let help = "How long the job is due that is due longest.";
    text.single("miaobu_job_queue_age_seconds", Kind::Gauge, help, age.num_milliseconds() as f64 / 1000.0);
    Ok(())
}

fn write_rooms(rooms: &[Room], text: &mut Text) {
    text.family("miaobu_storage_used_bytes", Kind::Gauge, "What a class of data takes.");
    for room in rooms {
        text.sample("miaobu_storage_used_bytes", &[("class", room.class)], room.used_bytes);
    }
    text.family("miaobu_storage_budget_bytes", Kind::Gauge, "What it may take; new work is refused at 90 % of it.");
    for room in rooms.iter().filter(|room| room.budget_bytes > 0) {
        text.sample("miaobu_storage_budget_bytes", &[("class", room.class)], room.budget_bytes);
    }
}
