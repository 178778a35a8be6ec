//! Function or asset: who answers a request of a project that has both.
//!
//! Rules are globs; a negative one sends requests to the assets for good, a positive one to the function without falling
//! back. All others go to the assets when these have an answer of their own, else to the function.
//!
//! The image: the globs of one list after the other, each with its length before it, u8: first the negative ones, then a
//! zero byte, then the positive ones.

#[cfg(feature = "build")]
mod compile;
mod guard;

#[cfg(feature = "build")]
pub use compile::{FunctionRules, compile, parse};
pub use guard::{ImageGuard, image_guard, is_blocked_content, reserved_path};

use super::bytes::short_text;
use super::glob;

/// What decides between function and assets, besides the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Routing<'a> {
    /// Whether the project has a function.
    pub has_function: bool,
    /// Whether the function may take no more requests for now.
    pub function_limited: bool,
    /// Whether the function comes first for every path that no rule sends to the assets.
    pub function_first: bool,
    /// The compiled rules; empty when there are none.
    pub rules: &'a [u8],
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The assets, their 404 included.
    Assets,
    /// The function, whatever the assets have.
    Function,
    /// The assets when they have an answer of their own (see [`keeps_not_found`]), else the function.
    AssetsThenFunction,
}

impl Routing<'_> {
    /// The status that stands in for the function's answer while it is limited. Assets go on being served.
    #[must_use]
    pub fn refusal(&self) -> Option<u16> {
        self.function_limited.then_some(429)
    }
}

/// Decides who answers `path`, which is in its canonical form.
#[must_use]
pub fn route(routing: Routing<'_>, path: &str) -> Route {
    if !routing.has_function {
        return Route::Assets;
    }
    match first_match(routing.rules, path) {
        Some(route) => route,
        None if routing.function_first => Route::Function,
        None => Route::AssetsThenFunction,
    }
}

/// Whether any rule sends `path` to the function. For rules that are not compiled.
#[must_use]
pub fn any_matches<'r>(globs: impl IntoIterator<Item = &'r str>, path: &str) -> bool {
    globs.into_iter().any(|glob| glob::matches(glob, path))
}

/// Whether the 404 page and the shell count as an answer of the assets' own, so that the function does not see the request:
/// under rules, which then say what the function wants, and for navigations where the project prefers so.
#[must_use]
pub fn keeps_not_found(routing: Routing<'_>, navigation_prefers_assets: bool, fetch_mode: Option<&str>) -> bool {
    !routing.rules.is_empty() || navigation_prefers_assets && fetch_mode == Some("navigate")
}

fn first_match(rules: &[u8], path: &str) -> Option<Route> {
    let mut route = Route::Assets;
    let mut rest = rules;
    while !rest.is_empty() {
        let (glob, after) = short_text(rest)?;
        rest = after;
        if glob.is_empty() {
            route = Route::Function;
        } else if glob::matches(glob, path) {
            return Some(route);
        }
    }
    None
}

#[cfg(test)]
mod tests;
