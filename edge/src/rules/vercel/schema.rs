//! What each section of a vercel.json may hold: shapes and limits.

use super::validate::Rule::{Boolean, Integer, Number, OneOf, Transform};
use super::validate::{List, Object, Rule, Text};

/// A section of a vercel.json.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// `routes`
    Routes,
    /// `redirects`
    Redirects,
    /// `rewrites`
    Rewrites,
    /// `headers`
    Headers,
    /// `cleanUrls`
    CleanUrls,
    /// `trailingSlash`
    TrailingSlash,
    /// `has` and `missing` of a rule
    Has,
    /// `transforms` of a route
    Transforms,
}

impl Schema {
    /// Every section that stands at the top of a vercel.json, with its name there.
    pub const SECTIONS: [(&'static str, Self); 6] = [
        ("routes", Self::Routes),
        ("redirects", Self::Redirects),
        ("rewrites", Self::Rewrites),
        ("headers", Self::Headers),
        ("cleanUrls", Self::CleanUrls),
        ("trailingSlash", Self::TrailingSlash),
    ];

    pub(super) fn rule(self) -> &'static Rule {
        match self {
            Self::Routes => &ROUTES,
            Self::Redirects => &REDIRECTS,
            Self::Rewrites => &REWRITES,
            Self::Headers => &HEADERS,
            Self::CleanUrls | Self::TrailingSlash => &Boolean,
            Self::Has => &HAS,
            Self::Transforms => &TRANSFORMS,
        }
    }
}

const fn text(max: usize) -> Rule {
    Rule::Text(Text { min: 0, max, allows: None })
}

const fn list(item: &'static Rule, min: usize, max: usize) -> Rule {
    Rule::List(List { item, min, max })
}

const fn object(required: &'static [&'static str], properties: &'static [(&'static str, Rule)]) -> Rule {
    Rule::Object(Object { required, properties, min: 0, max: usize::MAX, free: None, one_of: &[] })
}

const STRING: Rule = text(usize::MAX);
const LONG: Rule = text(4096);
const STATUS: Rule = Integer { min: 100, max: 999 };
const ENVIRONMENT: Rule = list(&text(256), 1, 64);
const STRINGS: Rule = list(&LONG, 0, usize::MAX);

const SERVICE: Rule = object(
    &["service"],
    &[
        ("type", OneOf(&["service"])),
        ("service", Rule::Text(Text { min: 1, max: 64, allows: Some(is_service_name) })),
        ("path", LONG),
    ],
);
const DESTINATION: Rule = Rule::Any(&[LONG, SERVICE]);
const EQUAL: Rule = Rule::Any(&[LONG, Number]);

/// A condition on a header's, cookie's or parameter's value.
static VALUE: Rule = Rule::Any(&[
    LONG,
    Rule::Object(Object {
        required: &[],
        properties: &[
            ("eq", EQUAL),
            ("neq", LONG),
            ("inc", STRINGS),
            ("ninc", STRINGS),
            ("pre", LONG),
            ("suf", LONG),
            ("re", LONG),
            ("gt", Number),
            ("gte", Number),
            ("lt", Number),
            ("lte", Number),
        ],
        min: 1,
        max: usize::MAX,
        free: None,
        one_of: &[],
    }),
]);

/// The same for the name that a transform is for, without expressions.
static NAME: Rule = Rule::Any(&[
    LONG,
    Rule::Object(Object {
        required: &[],
        properties: &[
            ("eq", EQUAL),
            ("neq", LONG),
            ("inc", STRINGS),
            ("ninc", STRINGS),
            ("pre", LONG),
            ("suf", LONG),
            ("gt", Number),
            ("gte", Number),
            ("lt", Number),
            ("lte", Number),
        ],
        min: 1,
        max: usize::MAX,
        free: None,
        one_of: &[],
    }),
]);

static HAS: Rule = list(
    &Rule::Any(&[
        object(&["type", "value"], &[("type", OneOf(&["host"])), ("value", Rule::Same(&VALUE))]),
        object(
            &["type", "key"],
            &[("type", OneOf(&["header", "cookie", "query"])), ("key", LONG), ("value", Rule::Same(&VALUE))],
        ),
    ]),
    0,
    16,
);

static TARGET: Rule = Rule::Open { required: &["key"], properties: &[("key", Rule::Same(&NAME))] };

/// A transform but for what depends on its type, which [`Rule::Transform`] adds.
pub(super) static TRANSFORM: Rule = object(
    &["type", "op"],
    &[
        ("type", OneOf(&["request.headers", "request.query", "response.headers", "request.path"])),
        ("op", OneOf(&["append", "set", "delete"])),
        ("target", Rule::Same(&TARGET)),
        ("args", Rule::Any(&[LONG, list(&LONG, 1, usize::MAX)])),
        ("env", ENVIRONMENT),
    ],
);
static TRANSFORMS: Rule = list(&Transform, 1, usize::MAX);

pub(super) static HEADER_NAME: Rule = Rule::Text(Text { min: 0, max: usize::MAX, allows: Some(is_header_name) });
pub(super) static HEADER_VALUE: Rule = Rule::Any(&[PLAIN_VALUE, list(&PLAIN_VALUE, 0, usize::MAX)]);
const PLAIN_VALUE: Rule = Rule::Text(Text { min: 0, max: usize::MAX, allows: Some(is_header_value) });
pub(super) static REQUEST_PATH: Rule = Rule::Text(Text { min: 0, max: 2048, allows: Some(is_request_path) });

static PATH_TRANSFORMS: Rule = list(
    &object(
        &["type", "op", "args"],
        &[
            ("type", OneOf(&["request.path"])),
            ("op", OneOf(&["set"])),
            ("args", Rule::Same(&REQUEST_PATH)),
            ("env", ENVIRONMENT),
        ],
    ),
    1,
    usize::MAX,
);

const fn map(value: &'static Rule) -> Rule {
    Rule::Object(Object { required: &[], properties: &[], min: 1, max: 100, free: Some(value), one_of: &[] })
}

static ROUTES: Rule = list(
    &Rule::Any(&[
        Rule::Object(Object {
            required: &[],
            properties: &[
                ("src", LONG),
                ("source", LONG),
                ("dest", LONG),
                ("destination", DESTINATION),
                ("headers", map(&text(32_768))),
                ("methods", list(&text(32), 0, 10)),
                ("caseSensitive", Boolean),
                ("important", Boolean),
                ("user", Boolean),
                ("continue", Boolean),
                ("override", Boolean),
                ("check", Boolean),
                ("isInternal", Boolean),
                ("status", STATUS),
                ("statusCode", STATUS),
                ("locale", LOCALE),
                ("middleware", Number),
                ("middlewarePath", STRING),
                ("middlewareRawSrc", list(&STRING, 0, usize::MAX)),
                ("has", Rule::Same(&HAS)),
                ("missing", Rule::Same(&HAS)),
                ("mitigate", object(&["action"], &[("action", OneOf(&["challenge", "deny"]))])),
                ("transforms", Rule::Same(&TRANSFORMS)),
                ("env", ENVIRONMENT),
                ("respectOriginCacheControl", Boolean),
            ],
            min: 0,
            max: usize::MAX,
            free: None,
            one_of: &["src", "source"],
        }),
        object(&["handle"], &[("handle", OneOf(&["error", "filesystem", "hit", "miss", "resource", "rewrite"]))]),
    ]),
    0,
    usize::MAX,
);

const LOCALE: Rule = Rule::Object(Object {
    required: &[],
    properties: &[("redirect", map(&LONG)), ("value", LONG), ("path", LONG), ("cookie", LONG), ("default", LONG)],
    min: 1,
    max: usize::MAX,
    free: None,
    one_of: &[],
});

static REWRITES: Rule = list(
    &object(
        &["source", "destination"],
        &[
            ("source", LONG),
            ("destination", DESTINATION),
            ("transforms", Rule::Same(&PATH_TRANSFORMS)),
            ("has", Rule::Same(&HAS)),
            ("missing", Rule::Same(&HAS)),
            ("statusCode", STATUS),
            ("env", ENVIRONMENT),
            ("respectOriginCacheControl", Boolean),
        ],
    ),
    0,
    2048,
);

static REDIRECTS: Rule = list(
    &object(
        &["source", "destination"],
        &[
            ("source", LONG),
            ("destination", LONG),
            ("permanent", Boolean),
            ("statusCode", STATUS),
            ("has", Rule::Same(&HAS)),
            ("missing", Rule::Same(&HAS)),
            ("env", ENVIRONMENT),
        ],
    ),
    0,
    2048,
);

static HEADERS: Rule = list(
    &object(
        &["source", "headers"],
        &[
            ("source", LONG),
            ("headers", list(&object(&["key", "value"], &[("key", LONG), ("value", text(32_768))]), 0, 1024)),
            ("has", Rule::Same(&HAS)),
            ("missing", Rule::Same(&HAS)),
        ],
    ),
    0,
    2048,
);

fn is_service_name(name: &str) -> bool {
    name.starts_with(|char: char| char.is_ascii_alphabetic())
        && name.ends_with(|char: char| char.is_ascii_alphanumeric())
        && is_header_name(name)
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn is_header_value(value: &str) -> bool {
    // Everything printable of ASCII but the backslash.
    !value.is_empty() && value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\')
}

fn is_request_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains(|char: char| {
            matches!(char, '?' | '#' | '\u{feff}') || char.is_whitespace() || char.is_ascii_control()
        })
}
