//! The HTTP API: parse a request, call one service method, render the answer.
//!
//! Invariant: no rule of the platform lives here, and no handler reaches a row without an [`Actor`](crate::domain::Actor).
//! The OpenAPI document comes out of these types and nothing else.

mod answer;
mod audit;
mod auth;
mod body;
mod caller;
mod cors;
mod deployments;
mod document;
mod domains;
mod enums;
mod env_vars;
mod explain;
mod failure;
mod frame;
mod gate;
mod health;
mod host;
mod idempotency;
mod invitations;
mod jobs;
mod limits;
mod logs;
mod metrics;
mod octets;
mod operations;
mod operators;
mod pages;
mod params;
mod precondition;
mod problem;
mod problem_catalogue;
mod project_settings;
mod projects;
mod protections;
mod request_id;
mod routine;
mod schema_check;
mod sessions;
mod splits;
mod statistics;
mod teams;
mod tokens;
mod unreadable;
mod uploads;
mod user;
mod values;

use std::sync::{Arc, LazyLock};

use poem::web::Redirect;
use poem::{Endpoint, EndpointExt as _, IntoEndpoint as _, Response, Route, get, handler};
use poem_openapi::registry::Registry;
use poem_openapi::{OpenApi, OpenApiService, Tags};

use self::audit::AuditApi;
use self::auth::AuthApi;
use self::deployments::DeploymentsApi;
use self::domains::DomainsApi;
use self::env_vars::EnvVarsApi;
use self::explain::ExplainApi;
use self::frame::Frame;
use self::health::HealthApi;
use self::host::HostCheck;
use self::invitations::InvitationsApi;
use self::jobs::JobsApi;
pub use self::limits::RateLimits;
use self::logs::LogsApi;
pub use self::metrics::{MetricsAccess, page as metrics_page};
use self::operations::{Guarded, Methods};
use self::operators::OperatorsApi;
use self::projects::ProjectsApi;
use self::protections::ProtectionsApi;
use self::routine::RoutineApi;
use self::sessions::SessionsApi;
use self::splits::SplitsApi;
use self::statistics::StatisticsApi;
use self::teams::TeamsApi;
use self::tokens::TokensApi;
pub use self::unreadable::problem_instead;
use self::uploads::UploadsApi;
use self::user::UserApi;
use crate::service::Services;

/// Groups of operations, as the documentation shows them.
#[derive(Tags)]
enum Tag {
    /// Logging in and out.
    Auth,
    /// The caller's account.
    User,
    /// API tokens; each operation needs a session.
    Tokens,
    /// Who shares projects: members, their roles, invitations.
    Teams,
    /// What was done, and by whom.
    Audit,
    /// What a user deploys.
    Projects,
    /// What builds and functions find in their environment.
    EnvVars,
    /// Names of people's own.
    Domains,
    /// Who sees a project's hostnames: passwords, share links, bypass tokens.
    Protection,
    /// Attempts to ship: their life, their logs, and which of them is active.
    Deployments,
    /// Bringing files: list them, send what the store lacks, finish.
    Uploads,
    /// Work that is still to be done or was given up; for operators.
    Jobs,
    /// The edge program of this platform: its versions, and what runs where; for operators.
    Routine,
    /// Who sees and mends what belongs to no team; for operators.
    Operators,
    /// The server itself.
    Health,
}

/// How the API presents itself.
#[derive(Debug, Clone, Default)]
pub struct ApiConfig {
    /// Names under which the API is reached besides `localhost` and IP addresses; lower case, without a port.
    pub public_hosts: Vec<String>,
    /// Whether browsers reach the API by https, so that cookies must not travel otherwise.
    pub secure_cookies: bool,
    /// Origins whose pages may use the API, such as `https://dashboard.example.com`.
    pub allowed_origins: Vec<String>,
    /// Whether every request comes through a proxy that writes `X-Forwarded-For`.
    pub behind_proxy: bool,
    /// How often callers may ask.
    pub rate_limits: RateLimits,
    /// Who may read `/metrics`.
    pub metrics: MetricsAccess,
}

impl ApiConfig {
    /// Whether pages of `origin` may use the API.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.allowed_origins.iter().any(|allowed| allowed == origin)
    }
}

type Accounts = (AuthApi, UserApi, SessionsApi, TokensApi, TeamsApi, InvitationsApi, AuditApi);
type Shipping = (
    ProjectsApi,
    ExplainApi,
    EnvVarsApi,
    DomainsApi,
    ProtectionsApi,
    DeploymentsApi,
    SplitsApi,
    UploadsApi,
    LogsApi,
    StatisticsApi,
);
type Apis = (Accounts, Shipping, JobsApi, RoutineApi, OperatorsApi, HealthApi);

/// Returns everything that the API's address serves.
pub fn routes(services: Services, config: ApiConfig) -> impl Endpoint<Output = Response> {
    let frame = Frame {
        telemetry: services.health.telemetry().clone(),
        config: config.clone(),
        services: Some(services.clone()),
        hosts: HostCheck::new(&config.public_hosts),
        methods: Arc::new(Methods::of::<Apis>()),
    };
    let operations = Arc::new(service().into_endpoint());
    let routes = Route::new().nest_no_strip("/api", Arc::clone(&operations)).nest_no_strip("/health", operations);
    let routes = routes.at("/", get(home)).at("/metrics", get(metrics::show));
    pages::add(routes).data(services).data(config).with(frame)
}

/// Until there is a dashboard, the documentation is what there is to see.
#[handler]
fn home() -> Redirect {
    Redirect::see_other("/docs")
}

fn service() -> OpenApiService<Guarded<Apis>, ()> {
    let accounts = (AuthApi, UserApi, SessionsApi, TokensApi, TeamsApi, InvitationsApi, AuditApi);
    let shipping = (
        ProjectsApi,
        ExplainApi,
        EnvVarsApi,
        DomainsApi,
        ProtectionsApi,
        DeploymentsApi,
        SplitsApi,
        UploadsApi,
        LogsApi,
        StatisticsApi,
    );
    OpenApiService::new(Guarded((accounts, shipping, JobsApi, RoutineApi, OperatorsApi, HealthApi)), "Miaobu", "1")
        .description("Turns a folder into a live site in seconds. Every failure is an `application/problem+json`.")
        .server("/")
}

/// The schemas of every type that an operation takes or gives.
fn registry() -> &'static Registry {
    static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
        let mut registry = Registry::new();
        <Apis as OpenApi>::register(&mut registry);
        registry
    });
    &REGISTRY
}

/// Returns the OpenAPI document of this server as JSON text; it is the same each time.
pub fn openapi_document() -> String {
    document::document()
}
