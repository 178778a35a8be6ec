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
