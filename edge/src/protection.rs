//! Who may see a protected hostname: visitors who know its password or come by a share link, and programs with a bypass
//! token.
//!
//! Whoever is let in by the first two gets a cookie. Cookies and links carry until when they hold and a code (HMAC-SHA256)
//! made with a key of the project's environment, so that nothing about visitors has to be stored, and none opens another
//! project. Invariant: what can't be verified, for want of the time too, does not open.

use crate::answer::{self, Locked};
use crate::decision::{Context, Decision};
use crate::head::{NO_STORE, Source};
use crate::path::{hex_pair, push_target};
use crate::record::RouteRecord;
use crate::request::{Method, Request};
use crate::rules::form_decoded;
use crate::scan::cut;
use crate::secret::{Digest, Hmac, LENGTH, equal, sha256, stretch};
use crate::text::{contains, decimal, push_decimal, read_decimal, split, split_once, trim};

/// Where the form of the password page goes.
pub const UNLOCK_PATH: &str = "/_miaobu/unlock";
/// The parameter of a share link.
pub const SHARE_PARAMETER: &str = "_miaobu_share";
/// The cookie of those who were let in.
pub const ACCESS_COOKIE: &str = "__miaobu_access";
/// How the names of all our cookies begin.
const OWN_COOKIES: &str = "__miaobu_";
/// How long a visitor stays let in, in seconds.
pub const ACCESS_SECONDS: u64 = 7 * 24 * 60 * 60;
/// More than this of a form is not read, in bytes.
pub const MAX_FORM: usize = 8 * 1024;
/// Longer targets are not come back to, in bytes.
const MAX_TARGET: usize = 1_500;
/// The most rounds that a password's verifier may take: what a routine can compute within its share of a processor.
pub const MAX_ROUNDS: u64 = 20_000;

/// How many cookies of one name are looked at. Every one costs a code to compute.
const MAX_COOKIES: usize = 4;

/// What opens a protected hostname, in place in the record's text: the key, the password as `rounds:salt:verifier`, the ids
/// of share links and the hashes of bypass tokens, with spaces between; `-` for what is not there. Bytes are hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Protection<'r> {
    /// Signs cookies and share links.
    key: Digest,
    /// The password, if one opens it.
    password: Option<Password>,
    /// The share links that have not been revoked, with commas between.
    links: &'r str,
    /// SHA-256 of each bypass token, with commas between.
    bypass: &'r str,
}

/// A password, as far as it takes to recognise it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password {
    /// Makes equal passwords look different.
    pub salt: [u8; 16],
    /// How many rounds of PBKDF2-HMAC-SHA256 lead to the verifier.
    pub rounds: u64,
    /// Their result.
    pub verifier: Digest,
}

impl core::fmt::Debug for Protection<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Protection(..)")
    }
}

impl core::fmt::Debug for Password {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Password {
    /// Makes the verifier of a password.
    #[must_use]
    pub fn new(password: &str, salt: [u8; 16], rounds: u64) -> Self {
        Self { salt, rounds, verifier: stretch(password.as_bytes(), &salt, rounds) }
    }

    fn is(&self, password: &[u8]) -> bool {
        equal(&stretch(password, &self.salt, self.rounds), &self.verifier)
    }
}

/// What a code vouches for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Access,
    Share,
}

impl<'r> Protection<'r> {
    /// The token of share link `link`, which ends at `until`, in seconds since 1970.
    #[must_use]
    pub fn share_token(&self, project_slug: &str, link: u64, until: u64) -> String {
        self.sign(Purpose::Share, project_slug, link, until)
    }

    /// The value of the cookie of a visitor who was let in until then: by share link `link`, or by the password when 0.
    #[must_use]
    pub fn access_cookie(&self, project_slug: &str, link: u64, until: u64) -> String {
        self.sign(Purpose::Access, project_slug, link, until)
    }

    #[inline(never)]
    fn sign(&self, purpose: Purpose, project_slug: &str, link: u64, until: u64) -> String {
        let mut text = decimal(link);
        text.push('.');
        push_decimal(&mut text, until);
        let purpose_name = if purpose == Purpose::Access { "access:" } else { "share:" };
        let mut message = [purpose_name, project_slug, ":", &text].concat().into_bytes();
        // Another password ends the cookies that the one before it gave.
        if let (Purpose::Access, 0, Some(password)) = (purpose, link, &self.password) {
            message.extend(password.verifier);
        }
        let code = Hmac::new(&self.key).code(&message);
        text.push('.');
        push_hex(&mut text, &code);
        text
    }

    /// Returns the link and until when a signed text holds, if it does now.
    #[inline(never)]
    fn verify(&self, purpose: Purpose, project_slug: &str, signed: &str, now: u64) -> Option<(u64, u64)> {
        let (link, rest) = cut(signed, b'.');
        let (until, _) = cut(rest?, b'.');
        let (link, until) = (read_decimal(link)?, read_decimal(until)?);
        let known = match (purpose, link) {
            (Purpose::Access, 0) => self.password.is_some(),
            _ => list(self.links).any(|known| read_decimal(known) == Some(link)),
        };
        // Written again: only one spelling of the numbers is taken.
        let expected = self.sign(purpose, project_slug, link, until);
        (equal(expected.as_bytes(), signed.as_bytes()) && known && now < until).then_some((link, until))
    }

    /// Whether the visitor was let in before, or needs not be.
    fn lets_in(&self, project_slug: &str, request: &Request<'_>) -> bool {
        if let Some(token) = request.bypass {
            let mut hash = String::new();
            push_hex(&mut hash, &sha256(trim(token).as_bytes()));
            // All of them, so that the time does not tell which one it is.
            if list(self.bypass).fold(false, |found, known| found | equal(known.as_bytes(), hash.as_bytes())) {
                return true;
            }
        }
        let Some(now) = request.now else {
            return false;
        };
        cookies(request.cookies, ACCESS_COOKIE)
            .take(MAX_COOKIES)
            .any(|cookie| self.verify(Purpose::Access, project_slug, cookie, now).is_some())
    }

    /// Reads what [`Protection::to_text`] writes.
    #[must_use]
    pub fn parse(text: &'r str) -> Option<Self> {
        let mut fields = split(text, b' ');
        let (key, password, links, bypass) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let mut protection = Self { key: [0; LENGTH], password: None, links, bypass };
        read_hex(key, &mut protection.key)?;
        if password != "-" {
            let mut parts = split(password, b':');
            let rounds = read_decimal(parts.next()?).filter(|rounds| (1..=MAX_ROUNDS).contains(rounds))?;
            let mut password = Password { rounds, salt: [0; 16], verifier: [0; LENGTH] };
            read_hex(parts.next()?, &mut password.salt)?;
            read_hex(parts.next()?, &mut password.verifier)?;
            protection.password = Some(password);
        }
        fields.next().is_none().then_some(protection)
    }

    /// The text that records hold.
    #[must_use]
    pub fn to_text(key: &Digest, password: Option<&Password>, links: &[u64], bypass: &[Digest]) -> String {
        let mut text = String::new();
        push_hex(&mut text, key);
        text.push(' ');
        match password {
            None => text.push('-'),
            Some(Password { salt, rounds, verifier }) => {
                push_decimal(&mut text, *rounds);
                text.push(':');
                push_hex(&mut text, salt);
                text.push(':');
                push_hex(&mut text, verifier);
            }
        }
        push_list(&mut text, links, |text, link| push_decimal(text, *link));
        push_list(&mut text, bypass, |text, hash| push_hex(text, hash));
        text
    }
}

/// The answer to a visitor who is not let in, or who is just now; `None` when the request is to be answered.
pub(crate) fn decide<'a>(context: &Context<'a>, record: &RouteRecord, request: &Request<'a>) -> Option<Decision<'a>> {
    if record.protection.is_empty() {
        return None;
    }
    let Some(protection) = Protection::parse(&record.protection) else {
        return Some(answer::damaged(context));
    };
    let slug = &record.project_slug;
    let mut target = request.target.to_owned();
    let mut opened = None;
    let mut wrong = false;
    if request.path() == UNLOCK_PATH {
        // The address of the form is nothing to come back to.
        "/".clone_into(&mut target);
        if let (Method::Other, Some(password), Some(now)) = (request.method, protection.password, request.now) {
            let Some(form) = request.form else {
                return Some(Decision::ReadForm { limit: MAX_FORM });
            };
            target = String::from_utf8(form_value(form, "to")).unwrap_or_default();
            wrong = !password.is(&form_value(form, "password"));
            opened = (!wrong).then(|| (0, now.saturating_add(ACCESS_SECONDS)));
        }
    } else if let (Some(now), Some(token)) = (request.now, value_of(request.query(), SHARE_PARAMETER)) {
        opened = protection.verify(Purpose::Share, slug, token, now);
    }
    let target = own_target(&target);
    let Some((link, until)) = opened else {
        if !wrong && protection.lets_in(slug, request) {
            return None;
        }
        let form = protection.password.map(|_| UNLOCK_PATH);
        return Some(answer::locked(context, &Locked { form, target: &target, wrong }));
    };
    let now = request.now.unwrap_or(until);
    let until = until.min(now.saturating_add(ACCESS_SECONDS));
    let cookie = protection.access_cookie(slug, link, until);
    let mut head = context.head(303, Source::None);
    head.cache = Some(NO_STORE);
    head.content_length = Some(0);
    head.location = Some(target);
    head.set_cookie = Some(set_cookie(ACCESS_COOKIE, &cookie, until - now, request.secure));
    Some(Decision::Redirect(head))
}

fn form_value(form: &str, name: &str) -> Vec<u8> {
    value_of(form, name).map(form_decoded).unwrap_or_default()
}

/// The value of a parameter, as it stands in a query or a form.
pub(crate) fn value_of<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    value_in(query.strip_prefix('?').unwrap_or(query), b'&', name).map(|(value, _)| value)
}

/// The value of the first `name=value` in a list, and what follows it.
#[inline(never)]
fn value_in<'a>(list: &'a str, separator: u8, name: &str) -> Option<(&'a str, Option<&'a str>)> {
    let mut rest = Some(list);
    while let Some(list) = rest {
        let (field, after) = cut(list, separator);
        if let (known, Some(value)) = cut(trim(field), b'=')
            && known == name
        {
            return Some((value, after));
        }
        rest = after;
    }
    None
}

/// The value of a `Set-Cookie` of ours: no script reads it, no other site's form sends it.
pub(crate) fn set_cookie(name: &str, value: &str, seconds: u64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    [name, "=", value, "; Path=/; Max-Age=", &decimal(seconds), "; HttpOnly; SameSite=Lax", secure].concat()
}

/// The values of the cookies of a name. A parent domain can set one beside ours, so there may be several.
pub(crate) fn cookies<'a>(header: Option<&'a str>, name: &'static str) -> impl Iterator<Item = &'a str> {
    let mut rest = header;
    core::iter::from_fn(move || {
        let (value, after) = value_in(rest?, b';', name)?;
        rest = after;
        Some(value)
    })
}

/// A `Cookie` header without the cookies that are ours alone; `None` when it names none of them.
pub(crate) fn without_own_cookies(header: &str) -> Option<String> {
    contains(header, OWN_COOKIES).then(|| {
        let mut kept = String::with_capacity(header.len());
        for cookie in split(header, b';').map(trim).filter(|cookie| !cookie.starts_with(OWN_COOKIES)) {
            kept.push_str(if kept.is_empty() { "" } else { "; " });
            kept.push_str(cookie);
        }
        kept
    })
}

/// A request target without the parameter of share links.
pub(crate) fn without_share(target: &str) -> String {
    let (path, query) = split_once(target, b'?').unwrap_or((target, ""));
    let mut clean = path.to_owned();
    let mut sign = '?';
    for parameter in split(query, b'&').filter(|parameter| !parameter.is_empty()) {
        if cut(parameter, b'=').0 != SHARE_PARAMETER {
            clean.push(sign);
            clean.push_str(parameter);
            sign = '&';
        }
    }
    clean
}

/// A target as a URL parser would leave it, without the share link, and leading nowhere but into this site: `//host` and
/// its spellings would not.
fn own_target(target: &str) -> String {
    let mut url = String::new();
    if target.starts_with('/') {
        push_target(&mut url, &without_share(target));
    }
    let mut rest = url.as_str();
    while let Some(after) = rest.strip_prefix('/') {
        rest = after;
    }
    // The form has to bring it back, and three times as long.
    if rest.len() > MAX_TARGET { "/".to_owned() } else { ["/", rest].concat() }
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    split(text, b',').filter(move |_| text != "-")
}

fn push_list<T>(text: &mut String, items: &[T], push: impl Fn(&mut String, &T)) {
    text.push_str(if items.is_empty() { " -" } else { " " });
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push(text, item);
    }
}

#[inline(never)]
fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(digit + if digit < 10 { b'0' } else { b'a' - 10 }));
        }
    }
}

#[inline(never)]
fn read_hex(text: &str, bytes: &mut [u8]) -> Option<()> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = hex_pair(*high, *low)?;
    }
    Some(())
}

#[cfg(all(test, feature = "build"))]
mod tests;
