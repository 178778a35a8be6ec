//! Requests for a project's function, and for addresses that a site's rules name.

use std::borrow::Cow;

use crate::answer;
use crate::decision::{Context, Decision, Proxy};
use crate::head::{NO_STORE, Source};
use crate::path::push_target;
use crate::protection::{SHARE_PARAMETER, without_own_cookies, without_share};
use crate::record::RouteRecord;
use crate::request::{Method, Request};
use crate::rules::canonical_path;
use crate::rules::functions::{ImageGuard, image_guard, reserved_path};
use crate::text::{contains, split, split_once, trim};

/// Hop-by-hop fields (RFC 9110, 7.6.1), and what only a proxy may say about a visitor. Hosts take `_` for `-` when they
/// look for these names, as many frameworks do.
const REQUEST_ONLY_OURS: [&str; 30] = [
    "connection",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "x-original-url",
    "x-rewrite-url",
    "x-miaobu-deployment",
    "x-miaobu-request-id",
    "x-miaobu-bypass",
    "x-vercel-protection-bypass",
    "x-er-context",
    "x-er-id",
];

const RESPONSE_ONLY_OURS: [&str; 11] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-miaobu-deployment",
    "x-miaobu-request-id",
    "x-er-id",
];

#[inline(never)]
pub fn decide<'a>(context: &Context<'a>, record: &'a RouteRecord, request: &Request<'a>) -> Decision<'a> {
    to_function(context, record, request, request.target)
}

/// Passes a request on to the project's function, under this path and query.
#[inline(never)]
pub fn to_function<'a>(
    context: &Context<'a>,
    record: &RouteRecord,
    request: &Request<'a>,
    target: &str,
) -> Decision<'a> {
    if reserved_path(target) {
        return without_backslashes(context, target);
    }
    if record.function_limited {
        return answer::function_limited(context);
    }
    let mut endpoint = record.fc_endpoint.as_str();
    while let Some(rest) = endpoint.strip_suffix('/') {
        endpoint = rest;
    }
    let mut url = String::from(endpoint);
    // A fetch of the routine's runtimes would resolve dot segments in any case; natively the same has to reach the function.
    push_target(&mut url, target);
    let own = url.get(endpoint.len()..).unwrap_or_default();
    let (path, query) = split_once(own, b'?').unwrap_or((own, ""));
    let is_get = request.method == Method::Get;
    match image_guard(&canonical_path(path), query, request.host_name(), is_get, request.fetch_dest) {
        ImageGuard::Block => answer::not_an_image(context),
        guard => {
            let mut decision = pass(context, request, url, false);
            if let Decision::Proxy(proxy) = &mut decision {
                proxy.images_only = guard == ImageGuard::CheckContent;
            }
            decision
        }
    }
}

/// Sends the visitor to the path that a browser would have made of this one.
fn without_backslashes<'a>(context: &Context<'a>, target: &str) -> Decision<'a> {
    let mut location = String::new();
    push_target(&mut location, target);
    // Two slashes would name another host.
    while location.starts_with("//") {
        location.remove(0);
    }
    let mut head = context.head(307, Source::None);
    head.cache = Some(NO_STORE);
    head.content_length = Some(0);
    head.location = Some(location);
    Decision::Redirect(head)
}

/// Passes a request on to `url`.
#[inline(never)]
pub fn pass<'a>(context: &Context<'a>, request: &Request<'a>, url: String, external: bool) -> Decision<'a> {
    let mut remove_request_headers = REQUEST_ONLY_OURS.to_vec();
    if let Some(header) = request.connection {
        remove_request_headers.extend(split(header, b',').map(trim).filter(|name| !name.is_empty()));
    }
    let scheme = if request.secure { "https" } else { "http" };
    let mut set_request_headers = vec![
        ("x-forwarded-host", Cow::Borrowed(request.host)),
        ("x-forwarded-proto", Cow::Borrowed(scheme)),
        ("forwarded", Cow::Owned(forwarded(request, scheme))),
    ];
    if let Some(address) = request.client_address {
        set_request_headers.extend(["x-forwarded-for", "x-real-ip"].map(|name| (name, Cow::Borrowed(address))));
    }
    if let Some(id) = request.id {
        set_request_headers.push(("x-miaobu-request-id", Cow::Borrowed(id)));
    }
    // What opens a protected site is nobody else's to see.
    let url = if contains(&url, SHARE_PARAMETER) { without_share(&url) } else { url };
    match request.cookies.and_then(without_own_cookies) {
        None => {}
        Some(cookies) if cookies.is_empty() => remove_request_headers.push("cookie"),
        Some(cookies) => set_request_headers.push(("cookie", cookies.into())),
    }
    Decision::Proxy(Proxy {
        head: context.head(200, Source::None),
        url,
        remove_request_headers,
        set_request_headers,
        external,
        images_only: false,
        remove_response_headers: &RESPONSE_ONLY_OURS,
    })
}

/// The visitor as RFC 7239 describes one.
fn forwarded(request: &Request<'_>, scheme: &str) -> String {
    let [open, address, close, after] = match request.client_address {
        None => [""; 4],
        Some(address) if contains(address, ":") => ["for=\"[", address, "]\"", ";"],
        Some(address) => ["for=", address, "", ";"],
    };
    // A colon may only stand between quotes, and nothing there may end them.
    let host = if request.host.bytes().any(|byte| matches!(byte, b'"' | b'\\')) { "" } else { request.host };
    [open, address, close, after, "host=\"", host, "\";proto=", scheme].concat()
}
