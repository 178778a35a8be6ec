//! The log as JSON: one object a line, with the names that everything else about the program uses.

use std::fmt::{self, Debug};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::{Clock as _, SystemClock};

/// How the fields of spans are kept until a line is written.
pub fn fields() -> JsonFields {
    JsonFields::new()
}

/// Writes lines: `time`, `level`, `target`, `message`, what the spans around it say (`request_id`, `trace_id`), and its
/// own fields.
#[derive(Debug, Clone, Copy)]
pub struct Json;

impl<S> FormatEvent<S, JsonFields> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line(Map::new());
        for span in context.event_scope().into_iter().flat_map(|spans| spans.from_root()) {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<JsonFields>>();
            let fields = fields.and_then(|fields| serde_json::from_str::<Map<String, Value>>(fields).ok());
            line.0.extend(fields.unwrap_or_default());
        }
        event.record(&mut line);
        let (time, metadata) = (SystemClock.now(), event.metadata());
        let Line(mut fields) = line;
        let time = time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        // After the fields, so that none of them can pose as one of these.
        fields.insert("time".to_owned(), time.into());
        fields.insert("level".to_owned(), metadata.level().as_str().to_ascii_lowercase().into());
        fields.insert("target".to_owned(), metadata.target().into());
        writeln!(writer, "{}", Value::Object(fields))
    }
}

struct Line(Map<String, Value>);

impl Line {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        self.set(field, text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("sound").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_object_with_what_the_spans_around_it_say() {
        let written = Written::default();
        let output = written.clone();
        let lines = tracing_subscriber::fmt().with_writer(move || output.clone()).with_ansi(false);
        let subscriber = lines.fmt_fields(fields()).event_format(Json).finish();
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request", request_id = "r-1", trace_id = tracing::field::Empty);
            span.record("trace_id", "4bf9");
            let error = io::Error::other("gone\nfor good");
            span.in_scope(|| {
                tracing::warn!(error = &error as &dyn std::error::Error, n = 3, time = "noon", "it \"failed\"");
            });
            tracing::info!("alone");
        });
        let text = String::from_utf8(written.0.lock().expect("sound").clone()).expect("UTF-8");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 2, "{text}");
        let said = |name: &str| lines[0][name].clone();
        assert_eq!((said("message"), said("level")), ("it \"failed\"".into(), "warn".into()));
        assert_eq!((said("request_id"), said("trace_id"), said("n")), ("r-1".into(), "4bf9".into(), 3.into()));
        assert_eq!(said("error"), "gone\nfor good");
        let time = said("time");
        assert!(time.as_str().is_some_and(|time| time.len() == 24 && time.ends_with('Z')), "{time}");
        assert_eq!((&lines[1]["message"], &lines[1]["request_id"]), (&"alone".into(), &Value::Null));
    }
}
