//! Settings of who is told of traces.

use super::integer;
use super::written::Written;
use crate::telemetry::Collector;

/// What was written of the collector; `None` inside where there is none.
pub(super) fn take(written: &mut Written) -> Option<Option<Collector>> {
    let endpoint = written.take("telemetry.otlp_endpoint", |text| {
        let plain = text.trim_end_matches('/');
        match plain.is_empty() || plain.starts_with("http://") || plain.starts_with("https://") {
            true => Ok(plain.to_owned()),
            false => Err(format!("{text:?} is not an http or https URL, such as http://localhost:4318")),
        }
    });
    // The error must not repeat the text: it may hold a secret.
    let headers =
        written.take("telemetry.otlp_headers", |text| Collector::headers(text).map_err(|error| error.to_string()));
    let service = written.take("telemetry.service_name", |text| Ok(text.to_owned()));
    let percent = written.take("telemetry.sample_percent", |text| integer(text, 0..=100));
    let sample_percent = percent.and_then(|percent| u32::try_from(percent).ok());
    let (endpoint, headers, service, sample_percent) = (endpoint?, headers?, service?, sample_percent?);
    Some((!endpoint.is_empty()).then_some(Collector { endpoint, headers, service, sample_percent }))
}
