//! Conditions of a rule on more than the path.
//!
//! A block of them is a list, all of which must hold: a kind, then texts with their lengths before them. Lists of values
//! begin with their number.

use crate::negotiate;
use crate::rules::bytes::short_text;
use crate::rules::template::query_value;
use crate::rules::text::form_decoded;
use crate::scan::{cut, general, trim};

/// The scheme: one byte, 1 for https.
pub const SCHEME: u8 = 0;
/// The host: one text, lower case.
pub const HOST: u8 = 1;
/// The visitor's country is one of a list.
pub const COUNTRY: u8 = 2;
/// The visitor's language, or its general form, is one of a list.
pub const LANGUAGE: u8 = 3;
/// The visitor has one of a list of roles.
pub const ROLE: u8 = 4;
/// The visitor sent one of a list of cookies.
pub const COOKIE: u8 = 5;
/// A query parameter is there: its name.
pub const QUERY_PRESENT: u8 = 6;
/// A query parameter has a value: its name and the value, decoded.
pub const QUERY_VALUE: u8 = 7;

/// A request, as far as rules look at it.
#[derive(Clone, Copy, Debug, Default)]
pub struct RuleRequest<'a> {
    /// Whether the visitor came over TLS.
    pub secure: bool,
    /// The host, lower case, without a port.
    pub host: &'a str,
    /// The path in its canonical form.
    pub path: &'a str,
    /// The query as sent, with or without its `?`.
    pub query: &'a str,
    /// The visitor's country, two letters. Where it is not known no rule with a country applies.
    pub country: Option<&'a str>,
    /// The one language that stands for the visitor.
    pub language: Option<&'a str>,
    /// The `Cookie` header; repeated ones joined with `; `.
    pub cookies: &'a str,
    /// The visitor's roles.
    pub roles: &'a [&'a str],
}

/// What about a visitor an answer depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Varies {
    /// The country: no header tells it, so shared caches must not keep the answer.
    pub country: bool,
    /// `Accept-Language` and a cookie.
    pub language: bool,
    /// `Cookie`; roles are told by a cookie too.
    pub cookie: bool,
}

impl Varies {
    /// Whether it depends on nothing about the visitor.
    #[must_use]
    pub fn nothing(self) -> bool {
        self == Self::default()
    }
}

/// The country that rules go by: the visitor's choice in cookie `nf_country`, else where the request came from.
#[must_use]
pub fn visitor_country<'a>(cookies: &'a str, located: Option<&'a str>) -> Option<&'a str> {
    cookie(cookies, "nf_country").filter(|country| !country.is_empty()).or(located)
}

/// The language that rules go by: the visitor's choice in cookie `nf_lang`, else the one that `Accept-Language` weighs most.
#[must_use]
pub fn visitor_language<'a>(cookies: &'a str, accept_language: &'a str) -> Option<&'a str> {
    let chosen = cookie(cookies, "nf_lang").filter(|language| !language.is_empty());
    chosen.or_else(|| negotiate::visitor_language(accept_language))
}

/// Whether all conditions of a block hold; `None` when it is damaged. Notes in `varies` what they looked at.
#[inline(never)]
pub fn hold(block: &[u8], request: &RuleRequest<'_>, varies: &mut Varies) -> Option<bool> {
    let mut rest = block;
    while let Some((kind, after)) = rest.split_first() {
        let mut holds = false;
        rest = after;
        match *kind {
            SCHEME => {
                let (secure, after) = rest.split_first()?;
                holds = (*secure == 1) == request.secure;
                rest = after;
            }
            HOST => holds = take(&mut rest)?.eq_ignore_ascii_case(request.host),
            QUERY_PRESENT => holds = query_value(request.query, take(&mut rest)?).is_some(),
            QUERY_VALUE => {
                let sent = query_value(request.query, take(&mut rest)?);
                let value = take(&mut rest)?;
                holds = sent.is_some_and(|sent| form_decoded(sent) == value.as_bytes());
            }
            COUNTRY | LANGUAGE | ROLE | COOKIE => {
                match *kind {
                    COUNTRY => varies.country = true,
                    LANGUAGE => varies.language = true,
                    _ => varies.cookie = true,
                }
                let (count, after) = rest.split_first()?;
                rest = after;
                for _ in 0..*count {
                    holds |= is_true_of(*kind, take(&mut rest)?, request);
                }
            }
            _ => return None,
        }
        if !holds {
            return Some(false);
        }
    }
    Some(true)
}

/// Takes the next text off.
fn take<'b>(rest: &mut &'b [u8]) -> Option<&'b str> {
    let (text, after) = short_text(rest)?;
    *rest = after;
    Some(text)
}

/// Whether one value of a list is true of the visitor.
fn is_true_of(kind: u8, value: &str, request: &RuleRequest<'_>) -> bool {
    match kind {
        ROLE => request.roles.contains(&value),
        COOKIE => cookie(request.cookies, value).is_some_and(|sent| !sent.is_empty()),
        _ => {
            let visitor = if kind == COUNTRY { request.country } else { request.language }.unwrap_or("");
            // A language is also that of its regions; a country has no hyphen.
            visitor.eq_ignore_ascii_case(value) || general(visitor).eq_ignore_ascii_case(value)
        }
    }
}

/// The value of a cookie; the first of a name counts.
pub(in crate::rules) fn cookie<'c>(cookies: &'c str, name: &str) -> Option<&'c str> {
    let mut rest = Some(cookies);
    while let Some(pairs) = rest {
        let (pair, after) = cut(pairs, b';');
        let (key, value) = cut(pair, b'=');
        if trim(key) == name {
            let value = trim(value?);
            return Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value));
        }
        rest = after;
    }
    None
}
