//! Spans in the form that collectors read: OTLP, as JSON (opentelemetry-proto, `trace/v1`).

use serde_json::{Value, json};

use super::trace::{Attribute, Finished, Role, hex_of};

/// Returns the body of a request that tells of `spans`.
pub fn body(service: &str, spans: &[Finished]) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let resource = [
        attribute("service.name", &service.into()),
        attribute("service.version", &version.into()),
        attribute("process.pid", &i64::from(std::process::id()).into()),
    ];
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{
            "scope": { "name": "miaobu-control", "version": version },
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }] })
}

fn span(span: &Finished) -> Value {
    let kind = match span.role {
        Role::Server => 2,
        Role::Client => 3,
        Role::Consumer => 5,
    };
    let attributes: Vec<_> = span.attributes.iter().map(|(name, value)| attribute(name, value)).collect();
    // Numbers of 64 bits are text in the JSON of protocol buffers.
    json!({
        "traceId": hex_of(&span.context.trace_id),
        "spanId": hex_of(&span.context.span_id),
        "parentSpanId": span.parent.map(|parent| hex_of(&parent)).unwrap_or_default(),
        "name": span.name,
        "kind": kind,
        "startTimeUnixNano": span.start_nanos.to_string(),
        "endTimeUnixNano": span.end_nanos.to_string(),
        "attributes": attributes,
        "status": match span.failure {
            Some(word) => json!({ "code": 2, "message": word }),
            None => json!({}),
        },
    })
}

fn attribute(name: &str, value: &Attribute) -> Value {
    let value = match value {
        Attribute::Text(text) => json!({ "stringValue": text }),
        Attribute::Number(number) => json!({ "intValue": number.to_string() }),
    };
    json!({ "key": name, "value": value })
}
