//! Why a request gets its answer.

use miaobu_edge::explain;
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::Tag;
use super::answer::{Answer, ApiResult};
use super::body::{Body, JsonBody};
use super::caller::{Caller, ProjectsRead};
use super::enums::ProjectKindView;
use super::values::Nullable;
use crate::service::Question;

/// Explanations of answers.
pub struct ExplainApi;

/// A header field of a request.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "RequestHeader")]
pub struct RequestHeaderBody {
    /// The name; case does not matter.
    pub name: String,
    /// The value.
    pub value: String,
}

/// A request to explain. It is not sent.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "ExplainRequest", skip_serializing_if_is_none, example)]
pub struct ExplainBody {
    /// The whole URL, on a hostname of one of your projects.
    pub url: String,
    /// The method; GET when absent.
    #[oai(nullable)]
    pub method: Option<String>,
    /// Header fields; none when absent.
    #[oai(nullable)]
    pub headers: Option<Vec<RequestHeaderBody>>,
    /// Where the visitor is, two letters; unknown when absent.
    #[oai(nullable)]
    pub country: Option<String>,
}

impl Example for ExplainBody {
    fn example() -> Self {
        let header = RequestHeaderBody { name: "accept-language".to_owned(), value: "de".to_owned() };
        let url = "https://my-site.localhost/old/page".to_owned();
        Self { url, method: None, headers: Some(vec![header]), country: None }
    }
}

impl JsonBody for ExplainBody {}

/// Declares an enumeration of the API from one of the edge core, variant by variant.
macro_rules! edge_enum {
    ($(#[$meta:meta])* $name:ident = $core:ident { $($(#[$variant_meta:meta])* $variant:ident),* $(,)? }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
        #[oai(rename_all = "snake_case")]
        #[serde(rename_all = "snake_case")]
        $(#[$meta])*
        pub enum $name { $($(#[$variant_meta])* $variant),* }

        impl From<explain::$core> for $name {
            fn from(value: explain::$core) -> Self {
                match value { $(explain::$core::$variant => Self::$variant),* }
            }
        }
    };
}

edge_enum! {
    /// What is done: a file is sent, the visitor's copy is good, another URL is named, a function or another site
    /// answers, an older record's file is looked for, or the platform answers itself.
    #[oai(rename = "ExplainedOutcome")]
    OutcomeView = Outcome { Serve, NotModified, Redirect, Proxy, Probe, Refuse }
}

edge_enum! {
    /// The step of the order that made the answer.
    #[oai(rename = "ExplainedStep")]
    StepView = Step {
        Record, File, CanonicalUrl, RedirectRule, RouteTable, GivenUp, Shell, NotFoundPage, ErrorPage, Protection, Function, Probe, Platform,
    }
}

edge_enum! {
    /// Where a header field comes from: a rule of the site, the platform's default, the file, what the visitor asked
    /// for, or the route record.
    #[oai(rename = "ExplainedSource")]
    SourceView = HeaderSource { Rule, Default, File, Request, Record }
}

/// Where a rule stands.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ExplainedRule")]
pub struct RuleView {
    /// The file's name, such as `_redirects`.
    pub file: String,
    /// The line, counted from 1; null when it is not known.
    pub line: Nullable<i64>,
}

/// The route record of a hostname.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ExplainedRecord")]
pub struct RecordView {
    /// The hostname.
    pub key: String,
    /// What answers.
    pub kind: ProjectKindView,
    /// The project's slug.
    pub project_slug: String,
    /// The deployment served.
    pub deployment_id: i64,
    /// The deployment's commit; empty for an upload.
    pub commit_sha: String,
    /// Since when the hostname leads there; empty when unknown.
    pub updated_at: String,
    /// The key of the site blob; null for older records.
    pub site: Nullable<String>,
    /// Whether search engines are asked to stay away.
    pub noindex: bool,
}

/// The file that is answered with.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ExplainedFile")]
pub struct FileView {
    /// Its path in the site.
    pub path: String,
    /// The key of the object in storage.
    pub key: String,
    /// The coding in which it is sent; null as it is.
    pub coding: Nullable<String>,
    /// Size of the object in bytes; null when the site does not say.
    pub size_bytes: Nullable<i64>,
    /// First byte of the part that is sent; null for all.
    pub first_byte: Nullable<i64>,
    /// Last byte of the part that is sent; null for all.
    pub last_byte: Nullable<i64>,
    /// Whether the body is sent.
    pub with_body: bool,
}

/// A header field of the answer.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ExplainedHeader")]
pub struct HeaderView {
    /// The name in lower case.
    pub name: String,
    /// The value.
    pub value: String,
    /// Where it comes from.
    pub source: SourceView,
    /// The rules that set it.
    pub rules: Vec<RuleView>,
}

/// A header field that rules took away.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ExplainedRemoval")]
pub struct RemovalView {
    /// The name in lower case.
    pub name: String,
    /// The rules that did.
    pub rules: Vec<RuleView>,
}

/// What a request gets, and why.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Explanation")]
pub struct ExplanationView {
    /// What is done.
    pub outcome: OutcomeView,
    /// The status code; null where a function says it.
    pub status: Nullable<i64>,
    /// The step of the order that made the answer.
    pub step: StepView,
    /// The rules that made the answer.
    pub rules: Vec<RuleView>,
    /// A redirect rule for this request that did not apply, because a file or a route came first.
    pub passed_over: Nullable<RuleView>,
    /// The route record; null when the hostname leads nowhere.
    pub record: Nullable<RecordView>,
    /// The file that is answered with.
    pub file: Nullable<FileView>,
    /// Where a redirect leads.
    pub location: Nullable<String>,
    /// The URL to which the request is passed on.
    pub proxied_to: Nullable<String>,
    /// Objects of an older record that are tried in turn.
    pub candidates: Vec<String>,
    /// The header fields of the answer in their order, without those of the connection and the date.
    pub headers: Vec<HeaderView>,
    /// Header fields that rules took away.
    pub removed_headers: Vec<RemovalView>,
}

fn rules(rules: Vec<explain::RuleView>) -> Vec<RuleView> {
    rules.into_iter().map(RuleView::from).collect()
}

impl From<explain::RuleView> for RuleView {
    fn from(rule: explain::RuleView) -> Self {
        Self { file: rule.file.to_owned(), line: Nullable(rule.line.map(i64::from)) }
    }
}

impl From<explain::RecordView> for RecordView {
    fn from(record: explain::RecordView) -> Self {
        Self {
            key: record.key,
            kind: match record.kind {
                "node" => ProjectKindView::Node,
                "python" => ProjectKindView::Python,
                _ => ProjectKindView::Static,
            },
            project_slug: record.project_slug,
            deployment_id: record.deployment_id,
            commit_sha: record.commit_sha,
            updated_at: record.updated_at,
            site: Nullable(record.site),
            noindex: record.noindex,
        }
    }
}

impl From<explain::FileView> for FileView {
    fn from(file: explain::FileView) -> Self {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        Self {
            path: file.path,
            key: file.key,
            coding: Nullable(file.coding.map(str::to_owned)),
            size_bytes: Nullable(file.size.map(number)),
            first_byte: Nullable(file.range.map(|[first, _]| number(first))),
            last_byte: Nullable(file.range.map(|[_, last]| number(last))),
            with_body: file.with_body,
        }
    }
}

impl From<explain::Explanation> for ExplanationView {
    fn from(told: explain::Explanation) -> Self {
        let headers = told.headers.into_iter().map(|header| HeaderView {
            name: header.name,
            value: header.value,
            source: header.source.into(),
            rules: rules(header.rules),
        });
        let removed = told.removed_headers.into_iter();
        Self {
            outcome: told.outcome.into(),
            status: Nullable(told.status.map(i64::from)),
            step: told.step.into(),
            rules: rules(told.rules),
            passed_over: Nullable(told.passed_over.map(Into::into)),
            record: Nullable(told.record.map(Into::into)),
            file: Nullable(told.file.map(Into::into)),
            location: Nullable(told.location),
            proxied_to: Nullable(told.proxied_to),
            candidates: told.candidates,
            headers: headers.collect(),
            removed_headers: removed
                .map(|header| RemovalView { name: header.name, rules: rules(header.rules) })
                .collect(),
        }
    }
}

#[OpenApi(prefix_path = "/api/v1/public", tag = "Tag::Projects")]
impl ExplainApi {
    /// Explain an answer
    ///
    /// Decides a request as the edge would, and tells which rule on which line, which file and which headers, and why.
    /// Sends nothing and changes nothing. Fails with `not_found` (404) when the host is no hostname of a project of the
    /// caller, and with `invalid_request` (422, pointer `/url`) for what is no http or https URL.
    #[oai(path = "/explain", method = "post", operation_id = "explainRequest")]
    async fn explain_request(
        &self,
        caller: Caller<ProjectsRead>,
        body: Body<ExplainBody>,
    ) -> ApiResult<Answer<ExplanationView>> {
        let ExplainBody { url, method, headers, country } = body.0;
        let method = method.unwrap_or_else(|| "GET".to_owned());
        let headers = headers.unwrap_or_default().into_iter().map(|header| (header.name, header.value)).collect();
        let question = Question { url, method, headers, country };
        let told = caller.services.explanations.explain(&caller.actor, question).await?;
        Ok(Answer::new(told))
    }
}
