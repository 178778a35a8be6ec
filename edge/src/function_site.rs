//! Projects that have both a function and files: who answers.

use crate::decision::{Context, Decision};
use crate::path::Path;
use crate::proxy;
use crate::record::RouteRecord;
use crate::request::Request;
use crate::rules::canonical_path;
use crate::rules::functions::{Route, Routing, keeps_not_found, route};
use crate::site::{Site, format};
use crate::static_site::{self, Answering};

#[inline(never)]
pub fn decide<'a>(
    context: &Context<'a>,
    record: &'a RouteRecord,
    site: &'a Site,
    request: &Request<'a>,
) -> Decision<'a> {
    match route(routing(site), &canonical_path(request.path())) {
        Route::Function => proxy::decide(context, record, request),
        Route::Assets | Route::AssetsThenFunction => static_site::decide(context, record, site, request),
    }
}

/// Whether the files answer for a path where none is, so that the function does not see the request.
#[inline(never)]
pub fn keeps_missing(answering: &Answering<'_, '_>, path: &Path<'_>) -> bool {
    let (site, request) = (answering.site, answering.request);
    let routing = routing(site);
    if route(routing, &canonical_path(request.path())) == Route::Assets {
        return true;
    }
    let prefers = site.has_flag(format::FLAG_NAVIGATIONS_TO_ASSETS);
    keeps_not_found(routing, prefers, request.fetch_mode)
        && (answering.wants_shell(path) || answering.not_found_page(&path.key).is_some())
}

fn routing(site: &Site) -> Routing<'_> {
    Routing {
        has_function: true,
        function_limited: false,
        function_first: site.has_flag(format::FLAG_FUNCTION_FIRST),
        rules: site.function_rules(),
    }
}
