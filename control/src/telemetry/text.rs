//! The text that Prometheus reads (exposition format 0.0.4).

use std::fmt::{Display, Write as _};

use super::timings::{BOUNDS_MS, Series};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number that only grows.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// How many were how large.
    Histogram,
}

/// Metrics, written one family after another.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// Begins a family; its samples follow.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Writes one sample of the family.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.line(name, labels, None, value);
    }

    /// Writes a family of one sample without labels.
    pub fn single(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// Writes the samples that a histogram with these labels has.
    pub(super) fn histogram(&mut self, name: &str, labels: &[(&str, &str)], series: &Series) {
        let bucket = format!("{name}_bucket");
        for (count, bound) in series.buckets.iter().zip(BOUNDS_MS) {
            self.line(&bucket, labels, Some(&(bound as f64 / 1000.0).to_string()), count);
        }
        self.line(&bucket, labels, Some("+Inf"), series.count);
        self.sample(&format!("{name}_sum"), labels, series.sum.as_secs_f64());
        self.sample(&format!("{name}_count"), labels, series.count);
    }

    /// Writes the family that every page of metrics begins with.
    pub fn build_info(&mut self) {
        self.family("miaobu_build_info", Kind::Gauge, "The version that runs.");
        self.sample("miaobu_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    }

    /// Returns the whole text.
    pub fn finish(self) -> String {
        self.0
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], bound: Option<&str>, value: impl Display) {
        self.0.push_str(name);
        let labels = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
        for (number, (label, value)) in labels.clone().enumerate() {
            self.0.push(if number == 0 { '{' } else { ',' });
            self.0.push_str(label);
            self.0.push_str("=\"");
            escape(value, &mut self.0);
            self.0.push('"');
        }
        if labels.count() > 0 {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }
}

fn escape(value: &str, text: &mut String) {
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_end_its_line_or_its_quotes() {
        let mut text = Text::default();
        text.family("a_total", Kind::Counter, "Things.");
        text.sample("a_total", &[("kind", "a\"b\\c\nd"), ("other", "")], 3);
        text.single("b", Kind::Gauge, "One.", 0.5);
        let expected = "# HELP a_total Things.\n# TYPE a_total counter\n\
            a_total{kind=\"a\\\"b\\\\c\\nd\",other=\"\"} 3\n# HELP b One.\n# TYPE b gauge\nb 0.5\n";
        assert_eq!(text.finish(), expected);
    }
}
