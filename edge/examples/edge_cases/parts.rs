//! The suites that look into the core: which module runs which. They are also built for WASM, see `edge/suites`.

mod accept;
mod assets_ignore;
mod early_hints;
mod function_routing;
mod headers_match;
mod headers_parse;
mod http_conditional;
mod http_range;
pub mod outcome;
mod path_to_regexp;
mod redirects_match;
pub mod redirects_parse;
mod vercel_config;
mod vercel_match;
mod vercel_router;

use outcome::Outcome;
use serde_json::Value;

/// Runs one case of a suite.
pub type Run = fn(&Value) -> Outcome;

/// The function that runs the cases of `suite`, if there is one.
pub fn runner(suite: &str) -> Option<Run> {
    Some(match suite {
        "accept-encoding" => accept::run_encoding,
        "accept-language" => accept::run_language,
        "assets-ignore" => assets_ignore::run,
        "function-routing" => function_routing::run,
        "headers-match" => headers_match::run,
        "headers-parse" => headers_parse::run,
        "http-conditional" => http_conditional::run,
        "http-range" => http_range::run,
        "pages-e2e" => early_hints::run,
        "path-to-regexp" => path_to_regexp::run,
        "redirects-match" => redirects_match::run,
        "redirects-parse" => redirects_parse::run,
        "vercel-config" => vercel_config::run,
        "vercel-match" => vercel_match::run,
        "vercel-router" => vercel_router::run,
        _ => return None,
    })
}
