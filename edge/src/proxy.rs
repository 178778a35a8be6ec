//! Requests for a project's function. WebSockets, `run_first` rules and body limits belong here too.

use crate::decision::{Context, Decision, Proxy};
use crate::head::Source;
use crate::path::push_target;
use crate::protection::{SHARE_PARAMETER, without_own_cookies, without_share};
use crate::record::RouteRecord;
use crate::request::Request;
use crate::text::{contains, split, trim};

/// Hop-by-hop fields (RFC 9110, 7.6.1), and what only a proxy may say about a visitor.
const REQUEST_ONLY_OURS: [&str; 19] = [
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
    "x-forwarded-proto",
    "x-real-ip",
    "x-miaobu-bypass",
    "x-vercel-protection-bypass",
    "x-er-context",
    "x-er-id",
];

const RESPONSE_ONLY_OURS: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-miaobu-deployment",
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
    let mut endpoint = record.fc_endpoint.as_str();
    while let Some(rest) = endpoint.strip_suffix('/') {
        endpoint = rest;
    }
    let mut url = String::from(endpoint);
    // A fetch of the routine's runtimes would resolve dot segments in any case; natively the same has to reach the function.
    push_target(&mut url, target);
    pass(context, request, url, false)
}

/// Passes a request on to `url`.
#[inline(never)]
pub fn pass<'a>(context: &Context<'a>, request: &Request<'a>, url: String, external: bool) -> Decision<'a> {
    let mut remove_request_headers = REQUEST_ONLY_OURS.to_vec();
    if let Some(header) = request.connection {
        remove_request_headers.extend(split(header, b',').map(trim).filter(|name| !name.is_empty()));
    }
    let mut set_request_headers = vec![
        ("x-forwarded-host", request.host.into()),
        ("x-forwarded-proto", if request.secure { "https" } else { "http" }.into()),
    ];
    if let Some(address) = request.client_address {
        set_request_headers.extend([("x-forwarded-for", address.into()), ("x-real-ip", address.into())]);
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
        remove_response_headers: &RESPONSE_ONLY_OURS,
    })
}
