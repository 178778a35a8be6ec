//! Answers of our own: small self-contained pages, and the ones without a body.

use crate::decision::{Context, Decision};
use crate::error_page;
use crate::head::{NO_STORE, Source};
use crate::request::Method;
use crate::text::{contains, decimal};
use std::borrow::Cow;

/// Why a decision could not be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Object storage did not answer, or with an error.
    StorageUnavailable,
    /// Object storage lacks an object that the site lists.
    ObjectMissing,
    /// The function could not be reached.
    FunctionUnreachable,
    /// The function did not answer in time.
    FunctionTimedOut,
    /// The answer to a request for a picture is none.
    NotAnImage,
    /// The body of the request is longer than functions are given.
    BodyTooLarge,
}

struct Page<'a> {
    status: u16,
    /// A stable name that a report can quote.
    code: &'static str,
    title: &'static str,
    text: &'a str,
    extra: Option<(&'static str, &'static str)>,
}

const RETRY: Option<(&str, &str)> = Some(("retry-after", "5"));
/// Nobody tells the edge when the function may be asked again.
const RETRY_LATER: Option<(&str, &str)> = Some(("retry-after", "60"));
const ALLOW: Option<(&str, &str)> = Some(("allow", "GET, HEAD"));

#[inline(never)]
pub fn unknown_host<'a>(context: &Context<'a>, host: &str) -> Decision<'a> {
    let mut text = String::from("Nothing is published under <b>");
    push_escaped(&mut text, host);
    text.push_str(
        "</b>. Check the spelling of the address. If the site is yours: deploy it with <code>miaobu deploy</code>, or, for a \
         domain of your own, see whether it is verified.",
    );
    page(context, &Page { status: 421, code: "unknown_host", title: "No site here", text: &text, extra: None })
}

pub fn not_found<'a>(context: &Context<'a>) -> Decision<'a> {
    let text = "There is no page at this address.";
    page(context, &Page { status: 404, code: "not_found", title: "Page not found", text, extra: None })
}

/// What the page of a protected hostname depends on.
pub struct Locked<'t> {
    /// Where the form goes that asks for the password, where one opens it.
    pub form: Option<&'t str>,
    /// Where the visitor wants to go.
    pub target: &'t str,
    /// Whether a wrong password was given.
    pub wrong: bool,
}

pub fn locked<'a>(context: &Context<'a>, locked: &Locked<'_>) -> Decision<'a> {
    let mut text = String::from(if locked.wrong {
        "<b role=\"alert\">That is not the password.</b>"
    } else if locked.form.is_some() {
        "This site asks for a password."
    } else {
        "This site opens with a link that its owner shares."
    });
    if let Some(form) = locked.form {
        text.push_str("</p><form method=\"post\" action=\"");
        text.push_str(form);
        text.push_str("\"><input type=\"hidden\" name=\"to\" value=\"");
        push_escaped(&mut text, locked.target);
        text.push_str(
            "\"><label>Password <input type=\"password\" name=\"password\" autocomplete=\"current-password\" required \
             autofocus></label> <button>Open</button></form><p>",
        );
    }
    // Browsers ignore the scheme; a 401 has to name one (RFC 9110, 15.5.2).
    let extra = Some(("www-authenticate", "Cookie"));
    page(context, &Page { status: 401, code: "locked", title: "Protected site", text: &text, extra })
}

/// An answer whose status a rule of the site sets.
#[inline(never)]
pub fn status<'a>(context: &Context<'a>, status: u16) -> Decision<'a> {
    let text = "The site answers with this status here.";
    page(context, &Page { status, code: "status", title: "No content here", text, extra: None })
}

/// An answer to a request for which an expression of the site took more steps than it may.
#[inline(never)]
pub fn given_up<'a>(context: &Context<'a>) -> Decision<'a> {
    let text = "A rule of the site is too slow for this address.";
    page(context, &Page { status: 500, code: "rule_too_slow", title: "Rule too slow", text, extra: None })
}

pub fn method_not_allowed<'a>(context: &Context<'a>) -> Decision<'a> {
    let text = "This address can only be read.";
    page(context, &Page { status: 405, code: "method_not_allowed", title: "Method not allowed", text, extra: ALLOW })
}

#[inline(never)]
pub fn options<'a>(context: &Context<'a>) -> Decision<'a> {
    let mut head = context.head(204, Source::None);
    head.extra = ALLOW;
    Decision::Refuse { head, body: Cow::Borrowed("") }
}

/// An answer that says no more than its headers.
#[inline(never)]
pub fn no_content<'a>(context: &Context<'a>) -> Decision<'a> {
    Decision::Refuse { head: context.head(204, Source::None), body: Cow::Borrowed("") }
}

#[inline(never)]
pub fn not_acceptable<'a>(context: &Context<'a>) -> Decision<'a> {
    let text = "The file is not there in any coding that the request accepts.";
    let mut decision =
        page(context, &Page { status: 406, code: "not_acceptable", title: "Not acceptable", text, extra: None });
    if let Some(head) = decision.head_mut() {
        head.varies = true;
    }
    decision
}

#[inline(never)]
pub fn precondition_failed<'a>(context: &Context<'a>) -> Decision<'a> {
    let text = "The file is not in the state that the request asks for.";
    page(context, &Page { status: 412, code: "precondition_failed", title: "Precondition failed", text, extra: None })
}

/// Without a body: whoever asks for ranges reads headers.
#[inline(never)]
pub fn unsatisfiable<'a>(context: &Context<'a>, size: u64) -> Decision<'a> {
    let mut head = context.head(416, Source::None);
    head.content_range = Some((None, size));
    head.content_length = Some(0);
    head.cache = Some(NO_STORE);
    Decision::Refuse { head, body: Cow::Borrowed("") }
}

#[inline(never)]
pub fn bad_request<'a>(context: &Context<'a>) -> Decision<'a> {
    let text = "The request has no path, or one that can't be read.";
    page(context, &Page { status: 400, code: "bad_request", title: "Bad request", text, extra: None })
}

#[inline(never)]
pub fn target_too_long<'a>(context: &Context<'a>) -> Decision<'a> {
    let text = "The address is longer than 8,192 bytes.";
    page(context, &Page { status: 414, code: "target_too_long", title: "Address too long", text, extra: None })
}

#[inline(never)]
pub fn unavailable<'a>(context: &Context<'a>) -> Decision<'a> {
    let text = "The site can't be looked up at the moment. Please try again shortly.";
    page(
        context,
        &Page { status: 503, code: "route_unavailable", title: "Temporarily unavailable", text, extra: RETRY },
    )
}

#[inline(never)]
pub fn damaged<'a>(context: &Context<'a>) -> Decision<'a> {
    let text = "What is stored for this site can't be read. A new deployment mends it.";
    page(context, &Page { status: 500, code: "route_damaged", title: "Site can't be read", text, extra: None })
}

pub fn function_limited<'a>(context: &Context<'a>) -> Decision<'a> {
    let text = "The function of this site takes no more requests for now.";
    let title = "Too many requests";
    page(context, &Page { status: 429, code: "function_limited", title, text, extra: RETRY_LATER })
}

pub fn not_an_image<'a>(context: &Context<'a>) -> Decision<'a> {
    let text = "Pictures of other sites are for the pages of this site only.";
    page(context, &Page { status: 403, code: "not_an_image", title: "Forbidden", text, extra: None })
}

#[inline(never)]
pub fn failed<'a>(context: &Context<'a>, failure: Failure) -> Decision<'a> {
    let (status, code, text) = match failure {
        Failure::StorageUnavailable => (502, "storage_unavailable", "The storage of this site does not answer."),
        Failure::ObjectMissing => (502, "object_missing", "A file of this site is missing from its storage."),
        Failure::FunctionUnreachable => (502, "function_unreachable", "The function of this site can't be reached."),
        Failure::FunctionTimedOut => (504, "function_timed_out", "The function of this site took too long to answer."),
        Failure::NotAnImage => return not_an_image(context),
        Failure::BodyTooLarge => (413, "body_too_large", "The request's body is too large."),
    };
    let title = match status {
        413 => "Content too large",
        504 => "Gateway timeout",
        _ => "Bad gateway",
    };
    page(context, &Page { status, code, title, text, extra: None })
}

fn page<'a>(context: &Context<'a>, page: &Page<'_>) -> Decision<'a> {
    if context.has_own_page(page.status)
        && let Some(decision) = error_page::decide(context, page.status, page.extra)
    {
        return decision;
    }
    // Programs are to understand what a function's caller can run into; what is wrong with an address is for people.
    if page.status == 429 || page.status >= 500 {
        return trouble(context, page);
    }
    answer(context, page, Source::Page, html(page, &decimal(page.status.into()), None))
}

/// A page that follows `Accept`, and names the request where something failed.
#[inline(never)]
fn trouble<'a>(context: &Context<'a>, page: &Page<'_>) -> Decision<'a> {
    let status = decimal(page.status.into());
    let id = context.request_id.filter(|_| page.status >= 500);
    let (source, body) = match Form::of(context.accept) {
        Form::Html => (Source::Page, html(page, &status, id)),
        Form::Json => (Source::File("application/problem+json"), json(page, &status, id)),
        Form::Text => {
            let (label, id) = id.map_or(("", ""), |id| ("\nrequest ", id));
            let body = [&status, " ", page.code, ": ", page.text, label, id, "\n"].concat();
            (Source::File("text/plain; charset=utf-8"), body)
        }
    };
    let mut decision = answer(context, page, source, body);
    if let (Decision::Refuse { head, .. }, Some(id)) = (&mut decision, id) {
        head.changes.push((Cow::Borrowed("x-miaobu-request-id"), Some(id.to_owned())));
    }
    decision
}

fn answer<'a>(context: &Context<'a>, page: &Page<'_>, source: Source<'a>, body: String) -> Decision<'a> {
    let mut head = context.head(page.status, source);
    head.extra = page.extra;
    head.cache = Some(NO_STORE);
    head.content_length = Some(body.len() as u64);
    let body = if context.method == Method::Head { Cow::Borrowed("") } else { Cow::Owned(body) };
    Decision::Refuse { head, body }
}

/// Whether a request asks for JSON, and not for pages.
pub fn wants_json(accept: Option<&str>) -> bool {
    matches!(Form::of(accept), Form::Json)
}

#[derive(Clone, Copy)]
enum Form {
    Html,
    Json,
    Text,
}

impl Form {
    /// Whoever takes everything is a program more often than a person.
    #[inline(never)]
    fn of(accept: Option<&str>) -> Self {
        let accept = accept.unwrap_or_default();
        match () {
            () if contains(accept, "text/html") => Self::Html,
            () if contains(accept, "json") => Self::Json,
            () => Self::Text,
        }
    }
}

fn html(page: &Page<'_>, status: &str, id: Option<&str>) -> String {
    let (label, id) = id.map_or(("", ""), |id| ("<br>request ", id));
    [
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>",
        page.title,
        "</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:20vh auto 0;padding:0 1rem;color:#222}\
         @media(prefers-color-scheme:dark){body{background:#111;color:#ddd}}small{opacity:.6}</style><h1>",
        page.title,
        "</h1><p>",
        page.text,
        "</p><small>",
        status,
        " ",
        page.code,
        label,
        id,
        "</small></html>\n",
    ]
    .concat()
}

/// As the API tells of its errors (RFC 9457). No text of ours holds what JSON would have to escape.
fn json(page: &Page<'_>, status: &str, id: Option<&str>) -> String {
    let (label, id) = id.map_or(("", ""), |id| ("\",\"request_id\":\"", id));
    let parts = ["{\"title\":\"", page.title, "\",\"status\":", status, ",\"detail\":\"", page.text];
    [&parts.concat(), "\",\"code\":\"", page.code, label, id, "\"}\n"].concat()
}

fn push_escaped(html: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'&' | b'<' | b'>' | b'"')) {
        let Some((before, found)) = rest.split_at_checked(at) else { return };
        html.push_str(before);
        html.push_str(match found.as_bytes().first() {
            Some(b'&') => "&amp;",
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            _ => "&quot;",
        });
        rest = found.get(1..).unwrap_or_default();
    }
    html.push_str(rest);
}
