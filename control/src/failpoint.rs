//! Places where a test can make the process die. Release builds have none.

/// Ends the process at once, as a kill would, when `MIAOBU_FAILPOINT` names this place.
#[macro_export]
macro_rules! failpoint {
    ($name:literal) => {
        #[cfg(debug_assertions)]
        $crate::failpoint::reach($name);
    };
}

/// Ends the process when `name` is the chosen place.
#[cfg(debug_assertions)]
pub fn reach(name: &str) {
    use std::sync::LazyLock;

    #[expect(clippy::disallowed_methods, reason = "a switch of tests only, which no configuration should list")]
    static CHOSEN: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("MIAOBU_FAILPOINT").ok());
    if CHOSEN.as_deref() == Some(name) {
        std::process::abort();
    }
}
