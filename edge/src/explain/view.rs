//! The shape of an explanation, as it is written for programs and people.

use crate::origin::Origin;
use crate::rules::source_line::SourceLine;
use serde::Serialize;

/// Why a request gets its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What is done.
    pub outcome: Outcome,
    /// The status code; `None` where a function, or what an older record's files turn out to be, says it.
    pub status: Option<u16>,
    /// The step of the order that made the answer.
    pub step: Step,
    /// The rules that made the answer, where rules did.
    pub rules: Vec<RuleView>,
    /// A redirect rule that is for this request and did not apply, because a file or a route came before it.
    pub passed_over: Option<RuleView>,
    /// The route record of the host; `None` when there is none that can be used.
    pub record: Option<RecordView>,
    /// The file that is answered with.
    pub file: Option<FileView>,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// The URL to which the request is passed on.
    pub proxied_to: Option<String>,
    /// Objects of an older record that are tried in turn.
    pub candidates: Vec<String>,
    /// The header fields of the answer in their order, without those of the connection and the date.
    pub headers: Vec<HeaderView>,
    /// Header fields that rules took away.
    pub removed_headers: Vec<RemovedHeader>,
}

/// What is done with a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A file is sent.
    Serve,
    /// The visitor's copy is good.
    NotModified,
    /// Another URL is named.
    Redirect,
    /// A function or another site answers.
    Proxy,
    /// An older record's file is looked for.
    Probe,
    /// The platform answers itself, with an error or without a file.
    #[default]
    Refuse,
}

/// The step of the order that made an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The route record: there is none, or it can't be used.
    Record,
    /// The file at the path.
    File,
    /// The canonical URL of a page.
    CanonicalUrl,
    /// A redirect or rewrite rule.
    RedirectRule,
    /// The route table of a `vercel.json`, `firebase.json` or `serve.json`.
    RouteTable,
    /// The route table, given up: an expression of the rule that is told took too many steps for this request.
    GivenUp,
    /// The single-page shell.
    Shell,
    /// The page for missing files.
    NotFoundPage,
    /// The site's own page for an error.
    ErrorPage,
    /// The protection of the hostname: the visitor has not opened it, or opens it now.
    Protection,
    /// The project's function.
    Function,
    /// The files of an older record, which lists none.
    Probe,
    /// The platform: nothing is there, or the method or the condition does not hold.
    #[default]
    Platform,
}

impl From<Origin> for Step {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Platform => Self::Platform,
            Origin::File => Self::File,
            Origin::Spelling => Self::CanonicalUrl,
            Origin::Redirects(_) => Self::RedirectRule,
            Origin::Routes => Self::RouteTable,
            Origin::GivenUp => Self::GivenUp,
            Origin::Shell => Self::Shell,
            Origin::NotFoundPage => Self::NotFoundPage,
            Origin::ErrorPage => Self::ErrorPage,
            Origin::Protection => Self::Protection,
        }
    }
}

/// Where a rule stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleView {
    /// The file's name.
    pub file: &'static str,
    /// The line, counted from 1; `None` when it is not known.
    pub line: Option<u32>,
}

impl From<SourceLine> for RuleView {
    fn from(SourceLine { file, line }: SourceLine) -> Self {
        Self { file, line }
    }
}

/// The route record of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordView {
    /// The hostname under which it lies.
    pub key: String,
    /// `static`, `node` or `python`.
    pub kind: &'static str,
    /// The project's slug.
    pub project_slug: String,
    /// The deployment served.
    pub deployment_id: i64,
    /// The deployment's commit; empty for an upload.
    pub commit_sha: String,
    /// When the record was written, RFC 3339.
    pub updated_at: String,
    /// The key of the site blob; older records have none.
    pub site: Option<String>,
    /// Whether search engines are asked to stay away.
    pub noindex: bool,
}

/// A file of the site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileView {
    /// Its path in the site.
    pub path: String,
    /// The key of the object in storage.
    pub key: String,
    /// The coding in which it is sent; `None` as it is.
    pub coding: Option<&'static str>,
    /// Size of the object in bytes; `None` when the site does not say.
    pub size: Option<u64>,
    /// First and last byte of the part that is sent; `None` for all.
    pub range: Option<[u64; 2]>,
    /// Whether the body is sent.
    pub with_body: bool,
}

/// A header field of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeaderView {
    /// The name in lower case.
    pub name: String,
    /// The value.
    pub value: String,
    /// Where it comes from.
    pub source: HeaderSource,
    /// The rules that set it.
    pub rules: Vec<RuleView>,
}

/// Where a header field comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderSource {
    /// A rule of the site.
    Rule,
    /// The platform's default.
    Default,
    /// The file: its name, its content, when it was deployed.
    File,
    /// What the visitor asked for: a coding, a range, a condition.
    Request,
    /// The route record.
    Record,
}

/// A header field that a rule took away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemovedHeader {
    /// The name in lower case.
    pub name: String,
    /// The rules that did.
    pub rules: Vec<RuleView>,
}
