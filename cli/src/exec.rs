//! The only place that starts a process: the desktop's own opener, given one address.
//!
//! Invariant: a program and an argument vector, never a shell.

use std::process::{Command, Stdio};

#[cfg(target_os = "macos")]
const OPENER: &str = "open";
#[cfg(not(target_os = "macos"))]
const OPENER: &str = "xdg-open";

/// Opens `address` in the person's browser; returns whether the opener took it.
#[expect(clippy::disallowed_methods, reason = "the one place of this program that starts a process")]
pub fn open_in_browser(address: &reqwest::Url) -> bool {
    let no_display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().all(|name| std::env::var_os(name).is_none());
    if cfg!(not(target_os = "macos")) && no_display {
        return false;
    }
    let status = Command::new(OPENER)
        .arg(address.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}
