//! Domains of people's own.

use poem::http::Uri;
use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::Tag;
use super::answer::{Answer, ApiResult, Created, Listing};
use super::body::{Body, JsonBody};
use super::caller::{Caller, DomainsRead, DomainsWrite};
use super::enums::{EnvironmentView, EsaStatusView, SslStatusView};
use super::params::{default_limit, page_request, project_ref};
use super::precondition::IfMatch;
use super::values::{Nullable, Timestamp};
use crate::domain::{DeploymentId, Domain, DomainId, Environment, Project};
use crate::service::{DomainPatch, Domains, Instruction};

/// Operations on domains.
pub struct DomainsApi;

/// A DNS record that the person has to make.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "DomainInstruction")]
pub struct InstructionView {
    /// `TXT` or `CNAME`.
    pub record_type: String,
    /// The record's full name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What it is for.
    pub purpose: String,
}

impl From<Instruction> for InstructionView {
    fn from(instruction: Instruction) -> Self {
        Self {
            record_type: instruction.record_type.to_owned(),
            name: instruction.name,
            value: instruction.value,
            purpose: instruction.purpose.to_owned(),
        }
    }
}

/// A domain of a project's own.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Domain")]
pub struct DomainView {
    /// The domain's id.
    pub id: i64,
    /// The project that it belongs to.
    pub project_id: i64,
    /// Its name.
    pub name: String,
    /// The environment that it follows unless it is pinned.
    pub environment: EnvironmentView,
    /// Whether it follows its environment; if not, it is pinned to one deployment.
    pub auto_update: bool,
    /// The deployment that it serves: the pinned one, or its environment's; null while there is none.
    pub active_deployment_id: Nullable<i64>,
    /// Whether the ownership is proven; before, it is not served.
    pub verified: bool,
    /// When that was.
    pub verified_at: Nullable<Timestamp>,
    /// Whether the edge serves it.
    pub esa_status: EsaStatusView,
    /// The id of the edge's custom hostname; null where none is needed.
    pub esa_saas_id: Nullable<String>,
    /// How far its certificate is.
    pub ssl_status: SslStatusView,
    /// Whether an ICP filing is missing, without which the edge does not serve it.
    pub icp_required: bool,
    /// The DNS records that the person has to make.
    pub instructions: Vec<InstructionView>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl DomainView {
    fn new(project: &Project, domain: Domain, domains: &Domains) -> Self {
        let instructions = domains.instructions(project, &domain);
        Self {
            id: domain.id.0,
            project_id: domain.project_id.0,
            name: domain.name.to_string(),
            environment: domain.environment.into(),
            auto_update: domain.pinned_to.is_none(),
            active_deployment_id: Nullable(domain.active_deployment_id.map(|id| id.0)),
            verified: domain.verified_at.is_some(),
            verified_at: domain.verified_at.into(),
            esa_status: domain.edge.esa_status.into(),
            esa_saas_id: Nullable(domain.edge.esa_saas_id),
            ssl_status: domain.edge.ssl_status.into(),
            icp_required: domain.edge.icp_required,
            instructions: instructions.into_iter().map(InstructionView::from).collect(),
            created_at: domain.created_at.into(),
            updated_at: domain.updated_at.into(),
        }
    }
}

/// What looking at the DNS came to.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "DomainVerification")]
pub struct VerificationView {
    /// Whether the ownership is proven.
    pub verified: bool,
    /// Whether an ICP filing is missing.
    pub icp_required: bool,
    /// What to do next, in English.
    pub message: String,
    /// What to do next, in Chinese.
    pub message_zh: String,
    /// The domain.
    pub domain: DomainView,
}

impl VerificationView {
    fn new(domain: DomainView) -> Self {
        let (verified, icp_required) = (domain.verified, domain.icp_required);
        let is_served = matches!(domain.esa_status, EsaStatusView::Online);
        let has_failed = matches!(domain.ssl_status, SslStatusView::Failed);
        let (message, message_zh) = match (verified, icp_required) {
            (false, _) => (
                "The TXT record was not found. Make it as the instructions say; the DNS may need some minutes.",
                "未找到 TXT 记录。请按说明添加该记录，DNS 生效可能需要几分钟。",
            ),
            (true, true) => (
                "The domain is yours. It has no ICP filing, without which the edge does not serve it: file one, then verify again.",
                "域名所有权已验证。该域名尚未完成 ICP 备案，备案后边缘节点才会提供服务：请完成备案后再次验证。",
            ),
            (true, false) if !is_served && has_failed => (
                "The domain is yours, but elsewhere on the edge somebody serves it already: have it removed there, then verify again.",
                "域名所有权已验证，但该域名已在边缘网络的其他位置使用：请先在原处移除，然后再次验证。",
            ),
            (true, false) if !is_served => (
                "The domain is yours. The edge does not serve it yet: make the records that the instructions name, then verify again.",
                "域名所有权已验证，边缘节点尚未生效：请按说明添加记录后再次验证。",
            ),
            (true, false) => ("The domain is yours, and is served.", "域名所有权已验证，域名已生效。"),
        };
        let (message, message_zh) = (message.to_owned(), message_zh.to_owned());
        Self { verified, icp_required, message, message_zh, domain }
    }
}

/// What deleting a domain did, or would do.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "DomainDeletion")]
pub struct DomainDeletionView {
    /// The name, which stays reserved to the project's team for 30 days when it was verified.
    pub name: String,
    /// The deployment that it serves no more.
    pub active_deployment_id: Nullable<i64>,
    /// Whether nothing was deleted, because only the plan was asked for.
    pub dry_run: bool,
}

/// What a new domain is.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "NewDomain", skip_serializing_if_is_none, example)]
pub struct NewDomainBody {
    /// Its full name; one in other letters in its ASCII form (`xn--…`).
    #[oai(validator(max_length = 254))]
    pub name: String,
    /// The environment that it follows, production or staging; `production` when absent.
    #[oai(nullable)]
    pub environment: Option<EnvironmentView>,
}

impl Example for NewDomainBody {
    fn example() -> Self {
        Self { name: "www.example.com".to_owned(), environment: None }
    }
}

impl JsonBody for NewDomainBody {}

/// Changes of what a domain serves, as a merge patch.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "DomainPatch", skip_serializing_if_is_none, example)]
pub struct DomainPatchBody {
    /// The environment to follow; unchanged when absent.
    pub environment: Option<EnvironmentView>,
    /// Whether to follow the environment; false pins it to what it serves now.
    pub auto_update: Option<bool>,
    /// A deployment of the project to be pinned to.
    pub active_deployment_id: Option<i64>,
}

impl Example for DomainPatchBody {
    fn example() -> Self {
        Self { environment: Some(EnvironmentView::Staging), auto_update: Some(true), active_deployment_id: None }
    }
}

impl JsonBody for DomainPatchBody {}

#[OpenApi(prefix_path = "/api/v1/public", tag = "Tag::Domains")]
impl DomainsApi {
    /// List a project's domains
    ///
    /// Newest first. Changes nothing. Fails with `not_found` (404) and with `invalid_cursor` (400).
    #[oai(path = "/projects/:project/domains", method = "get", operation_id = "listDomains")]
    async fn list_domains(
        &self,
        caller: Caller<DomainsRead>,
        uri: &Uri,
        /// The project's slug or id.
        project: Path<String>,
        /// How many objects a page has at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
        /// Where the page begins: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> ApiResult<Listing<DomainView>> {
        let filter = format!("domains:{}", project.0);
        let page = page_request(limit.0, cursor.0.as_deref(), &filter)?;
        let domains = &caller.services.domains;
        let (project, page) = domains.list(&caller.actor, &project_ref(&project.0)?, page).await?;
        Ok(Listing::new(page, uri, &filter, |domain| DomainView::new(&project, domain, domains)))
    }

    /// Add a domain
    ///
    /// The answer's `instructions` say which DNS records to make; then call `verifyDomain`. A name right under the base
    /// domain needs none and is served at once. Fails with `domain_exists` and `domain_taken` (409), with `invalid_request`
    /// (422, pointer `/name`), and with `not_found` (404).
    #[oai(path = "/projects/:project/domains", method = "post", operation_id = "addDomain")]
    async fn add_domain(
        &self,
        caller: Caller<DomainsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        body: Body<NewDomainBody>,
    ) -> ApiResult<Created<DomainView>> {
        let domains = &caller.services.domains;
        let environment = body.0.environment.map_or(Environment::Production, Into::into);
        let project = project_ref(&project.0)?;
        let (project, domain) = domains.add(&caller.actor, &project, &body.0.name, environment).await?;
        let location = format!("/api/v1/public/projects/{}/domains/{}", project.id, domain.id);
        Ok(Created::new(DomainView::new(&project, domain, domains)).at(location))
    }

    /// Get a domain
    ///
    /// Changes nothing. Fails with `not_found` (404).
    #[oai(path = "/projects/:project/domains/:domain_id", method = "get", operation_id = "getDomain")]
    async fn get_domain(
        &self,
        caller: Caller<DomainsRead>,
        /// The project's slug or id.
        project: Path<String>,
        /// The domain's id.
        domain_id: Path<i64>,
    ) -> ApiResult<Answer<DomainView>> {
        let domains = &caller.services.domains;
        let (project, domain) = domains.get(&caller.actor, &project_ref(&project.0)?, DomainId(domain_id.0)).await?;
        Ok(Answer::new(DomainView::new(&project, domain, domains)))
    }

    /// Verify a domain
    ///
    /// Looks whether the TXT record stands in the DNS. If it does, the name is the project's and the edge serves it when the
    /// answer comes; if not, `verified` is false and nothing changes. Called again, it asks the edge how far it is. Fails
    /// with `domain_taken` (409) when another project proved the name before, with `dns_unavailable` (503), and with
    /// `not_found` (404).
    #[oai(path = "/projects/:project/domains/:domain_id/verify", method = "post", operation_id = "verifyDomain")]
    async fn verify_domain(
        &self,
        caller: Caller<DomainsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        /// The domain's id.
        domain_id: Path<i64>,
    ) -> ApiResult<Answer<VerificationView>> {
        let domains = &caller.services.domains;
        let (project, domain) = domains.verify(&caller.actor, &project_ref(&project.0)?, DomainId(domain_id.0)).await?;
        Ok(Answer::new(VerificationView::new(DomainView::new(&project, domain, domains))))
    }

    /// Change what a domain serves
    ///
    /// It follows an environment (`auto_update`), or is pinned to one deployment (`active_deployment_id`). When the answer
    /// comes, the edge serves it. Fails with `not_deployed` and `nothing_to_pin` (409), with `invalid_request` (422), with
    /// `not_found` (404), and with `precondition_failed` (412) when `If-Match` names another state.
    #[oai(path = "/projects/:project/domains/:domain_id", method = "patch", operation_id = "updateDomain")]
    async fn update_domain(
        &self,
        caller: Caller<DomainsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        /// The domain's id.
        domain_id: Path<i64>,
        if_match: IfMatch,
        body: Body<DomainPatchBody>,
    ) -> ApiResult<Answer<DomainView>> {
        let domains = &caller.services.domains;
        let patch = DomainPatch {
            environment: body.0.environment.map(Into::into),
            auto_update: body.0.auto_update,
            deployment: body.0.active_deployment_id.map(DeploymentId),
        };
        let expected =
            |project: &Project, domain: &Domain| if_match.allows(|| DomainView::new(project, domain.clone(), domains));
        let (project, id) = (project_ref(&project.0)?, DomainId(domain_id.0));
        let (project, domain) = domains.update(&caller.actor, &project, id, patch, expected).await?;
        Ok(Answer::new(DomainView::new(&project, domain, domains)))
    }

    /// Delete a domain
    ///
    /// The edge serves it no more when the answer comes; the name stays reserved to the project's team for 30 days. With
    /// `dry_run` nothing is deleted. Fails with `not_found` (404), and with `precondition_failed` (412) when `If-Match`
    /// names another state.
    #[oai(path = "/projects/:project/domains/:domain_id", method = "delete", operation_id = "deleteDomain")]
    async fn delete_domain(
        &self,
        caller: Caller<DomainsWrite>,
        /// The project's slug or id.
        project: Path<String>,
        /// The domain's id.
        domain_id: Path<i64>,
        /// Whether only to find out what would happen.
        dry_run: Query<Option<bool>>,
        if_match: IfMatch,
    ) -> ApiResult<Answer<DomainDeletionView>> {
        let domains = &caller.services.domains;
        let expected =
            |project: &Project, domain: &Domain| if_match.allows(|| DomainView::new(project, domain.clone(), domains));
        let (project, id, dry_run) = (project_ref(&project.0)?, DomainId(domain_id.0), dry_run.0.unwrap_or(false));
        let (_, domain) = domains.delete(&caller.actor, &project, id, dry_run, expected).await?;
        Ok(Answer::new(DomainDeletionView {
            name: domain.name.to_string(),
            active_deployment_id: Nullable(domain.active_deployment_id.map(|id| id.0)),
            dry_run,
        }))
    }
}
