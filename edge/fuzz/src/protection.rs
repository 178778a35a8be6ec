//! Who is let into a protected site.

use super::answers::check;
use super::sites::deployments;
use miaobu_edge::protection::{Password, Protection, SHARE_PARAMETER, UNLOCK_PATH};
use miaobu_edge::record::{Hidden, RouteRecord};
use miaobu_edge::secret::sha256;
use miaobu_edge::{Decision, Lookup, Method, Request, Settings, decide};

const PASSWORD: &str = "open sesame";
const BYPASS: &str = "mb_bypass_fuzz";
const NOW: u64 = 1_000_000;

/// The first byte chooses between the form and any other path, and the method; then come lines: cookies, a bypass token, a
/// query, a form. Nobody is let in but by the password, a code that the key makes, or the token. The same bytes are then
/// read as a protection.
pub fn protection(data: &[u8]) {
    let (choice, rest) = super::choose(data);
    let Ok(text) = std::str::from_utf8(rest) else { return };
    if let Some(own) = Protection::parse(text) {
        assert!(Protection::parse(text) == Some(own), "two readings");
    }
    let password = Password::new(PASSWORD, [7; 16], 1);
    let stored = Protection::to_text(&[9; 32], Some(&password), &[3, 5], &[sha256(BYPASS.as_bytes())]);
    let protection = Protection::parse(&stored).expect("a protection just made");
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (cookies, bypass, query, form) = (line(), line(), line(), line());
    let Some(deployment) = deployments().iter().find(|deployment| deployment.site.is_some()) else { return };
    let record = RouteRecord { protection: Hidden(stored.clone()), ..deployment.record.clone() };
    let path = if choice & 1 == 0 { UNLOCK_PATH } else { "/" };
    let target = [path, "?", query].concat();
    let method = ["POST", "GET"][choice >> 1 & 1];
    let mut request = Request::new(Method::parse(method), "docs.localhost", &target);
    request.header("cookie", cookies);
    request.header("x-miaobu-bypass", bypass);
    request.now = Some(NOW);
    let lookup = Lookup::Found { record: &record, site: deployment.site.as_ref() };
    check(&record, &lookup, &request);
    request.form = Some(form);
    check(&record, &lookup, &request);
    let decision = decide(&lookup, &request, &Settings::default());
    let head = decision.head().expect("neither a form nor a function is asked for any more");
    let slug = &record.project_slug;
    let vouched = |text: &str, code: &dyn Fn(u64, u64) -> String| {
        let mut codes = text.split([';', '&', '=', ' ', '\t']).filter(|word| word.split('.').count() == 3);
        codes.any(|word| {
            let mut parts = word.split('.').map(|part| part.parse().ok());
            let (Some(Some(link)), Some(Some(until))) = (parts.next(), parts.next()) else { return false };
            until > NOW && [0, 3, 5].contains(&link) && code(link, until) == word
        })
    };
    match head.status {
        401 => {}
        303 => {
            let by_password = choice & 1 == 0 && decoded(form).contains(&format!("password={PASSWORD}"));
            let by_link = query.contains(SHARE_PARAMETER)
                && vouched(query, &|link, until| protection.share_token(slug, link, until));
            assert!(by_password || by_link, "let in by {query:?} and {form:?}");
            let mut location = String::new();
            head.for_each_header(|name, value| {
                if name == "location" {
                    location = value.to_owned()
                }
            });
            // In a query, a backslash stands for itself.
            let path = location.split('?').next().unwrap_or_default();
            assert!(path.starts_with('/') && !path.starts_with("//") && !path.contains('\\'), "{location}");
        }
        _ => {
            let by_cookie = vouched(cookies, &|link, until| protection.access_cookie(slug, link, until));
            assert!(by_cookie || bypass.trim() == BYPASS, "opened by {cookies:?} and {bypass:?}");
        }
    }
    if !matches!(decision, Decision::Redirect(_)) {
        let mut kept = true;
        head.for_each_header(|name, value| kept &= name != "cache-control" || value != "no-store");
        assert!(!kept, "an answer of a protected site may be stored");
    }
}

/// A form's text without its escapes.
fn decoded(form: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = form.as_bytes();
    while let [first, after @ ..] = rest {
        let escape = after.get(..2).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        (bytes, rest) = match (first, escape) {
            (b'%', Some(byte)) => ([bytes, vec![byte]].concat(), &after[2..]),
            (b'+', _) => ([bytes, vec![b' ']].concat(), after),
            (byte, _) => ([bytes, vec![*byte]].concat(), after),
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
