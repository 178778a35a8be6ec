//! What a person sees while a deployment is under way: a bar on a terminal, plain lines elsewhere, nothing for scripts.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{DecimalBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

// Frequent enough to show life in a log, rare enough not to fill it.
const LINE_EVERY: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(100);

/// Shared by everything that takes part in a deployment.
#[derive(Clone, Debug)]
pub struct Progress {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    style: Style,
    bar: ProgressBar,
    files: Arc<AtomicU64>,
    last_line: Mutex<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Silent,
    Lines,
    Bar,
}

impl Progress {
    /// Chooses the form: `silent` for scripts, else a bar when standard error is a terminal.
    pub fn new(silent: bool) -> Self {
        let style = match silent {
            true => Style::Silent,
            false if std::io::stderr().is_terminal() => Style::Bar,
            false => Style::Lines,
        };
        let target = if style == Style::Bar { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        let shared = Shared { style, bar, files: Arc::default(), last_line: Mutex::new(Instant::now()) };
        Self { shared: Arc::new(shared) }
    }

    /// Hashing begins.
    pub fn hashing(&self, files: usize, bytes: u64) {
        self.phase("hashing", files, bytes);
    }

    /// Uploading begins, or begins again with what is still missing.
    pub fn uploading(&self, files: usize, bytes: u64) {
        self.phase("uploading", files, bytes);
    }

    /// Everything is uploaded, and the server works on it.
    pub fn deploying(&self) {
        if self.shared.style == Style::Lines {
            eprintln!("deploying");
        }
        if self.shared.style == Style::Bar {
            self.shared.bar.set_style(ProgressStyle::default_spinner());
            self.shared.bar.set_message("deploying");
            self.shared.bar.enable_steady_tick(TICK);
        }
    }

    /// Counts bytes hashed or sent.
    pub fn add_bytes(&self, count: u64) {
        self.shared.bar.inc(count);
        if self.shared.style == Style::Lines {
            self.line_when_due();
        }
    }

    /// Counts files done.
    pub fn add_files(&self, count: u64) {
        self.shared.files.fetch_add(count, Ordering::Relaxed);
    }

    /// Says something beside the bar.
    pub fn note(&self, text: &str) {
        match self.shared.style {
            Style::Silent => {}
            Style::Lines => eprintln!("{text}"),
            Style::Bar => self.shared.bar.println(text),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.shared.bar.finish_and_clear();
    }

    fn phase(&self, name: &'static str, files: usize, bytes: u64) {
        self.shared.files.store(0, Ordering::Relaxed);
        self.shared.bar.set_length(bytes);
        self.shared.bar.set_position(0);
        self.shared.bar.reset_eta();
        let plural = if files == 1 { "file" } else { "files" };
        let total = HumanCount(files as u64).to_string();
        match self.shared.style {
            Style::Silent => {}
            Style::Lines => eprintln!("{name} {total} {plural} ({})", DecimalBytes(bytes)),
            Style::Bar => {
                self.shared.bar.set_style(self.style(total));
                self.shared.bar.set_message(name);
            }
        }
    }

    fn style(&self, total: String) -> ProgressStyle {
        let template = "{msg:9} [{wide_bar}] {decimal_bytes}/{decimal_total_bytes}, {files} files, {eta}";
        let done = Arc::clone(&self.shared.files);
        let files = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{}/{total}", HumanCount(done.load(Ordering::Relaxed)));
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        style.progress_chars("=> ").with_key("files", files)
    }

    fn line_when_due(&self) {
        let mut last = self.shared.last_line.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() < LINE_EVERY {
            return;
        }
        *last = Instant::now();
        let bar = &self.shared.bar;
        let length = bar.length().unwrap_or_default();
        eprintln!("  {} of {}", DecimalBytes(bar.position()), DecimalBytes(length));
    }
}
