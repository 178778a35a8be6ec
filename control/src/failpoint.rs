//! Places where a test can make the process die or freeze. Release builds have none.

/// Ends the process at once, as a kill would, when `MIAOBU_FAILPOINT` names this place; freezes it there, once, when the name
/// is followed by `:stop`.
#[macro_export]
macro_rules! failpoint {
    ($name:literal) => {
        #[cfg(debug_assertions)]
        $crate::failpoint::reach($name);
    };
}

/// Ends or freezes the process when `name` is the chosen place.
#[cfg(debug_assertions)]
pub fn reach(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    static FROZEN: AtomicBool = AtomicBool::new(false);
    #[expect(clippy::disallowed_methods, reason = "a switch of tests only, which no configuration should list")]
    static CHOSEN: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("MIAOBU_FAILPOINT").ok());
    let Some(chosen) = CHOSEN.as_deref() else { return };
    match chosen.strip_suffix(":stop") {
        Some(chosen) if chosen == name && !FROZEN.swap(true, Ordering::SeqCst) => {
            let _frozen = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
        }
        None if chosen == name => std::process::abort(),
        _ => {}
    }
}

/// How far the system's clock is off: the whole seconds that the file says which `MIAOBU_CLOCK_SKEW` names. It may be written
/// while the process runs.
#[cfg(debug_assertions)]
pub fn clock_skew() -> chrono::TimeDelta {
    use std::sync::LazyLock;

    #[expect(clippy::disallowed_methods, reason = "a switch of tests only, which no configuration should list")]
    static FILE: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("MIAOBU_CLOCK_SKEW").ok());
    let text = FILE.as_deref().and_then(|path| std::fs::read_to_string(path).ok());
    let seconds = text.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    chrono::TimeDelta::try_seconds(seconds).unwrap_or_default()
}
