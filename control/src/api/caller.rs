//! Who calls, and what they may do: the only way from a request to the services.
//!
//! Invariant: a handler obtains the services that touch rows through [`Caller`] alone, so it always has an
//! [`Actor`]; the scope it needs is part of the handler's type. The gate ([`super::gate`]) enforces it from the same
//! declaration that the document shows.

use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use poem::http::{Method, StatusCode, header};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::ApiConfig;
use super::problem::ApiError;
use crate::domain::{Actor, Credential};
use crate::service::Services;

/// The cookie of a browser's session.
pub const SESSION_COOKIE: &str = "miaobu_session";

/// What an operation asks of its caller.
pub trait Scope: Send + Sync + 'static {
    /// The two security schemes, each with the scope after `#`: the document's post-processor takes them apart,
    /// because OpenAPI 3.0 has no place for the scopes of a bearer token.
    const SCHEMES: [&'static str; 2];
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl Scope for $name {
            const SCHEMES: [&'static str; 2] = [concat!("token#", $text), concat!("session#", $text)];
        }
    )*};
}

scopes! {
    /// Reads the caller's own account.
    UserRead = "user:read";
    /// Changes the caller's own account.
    UserWrite = "user:write";
    /// Reads teams and their members.
    TeamsRead = "teams:read";
    /// Makes and changes teams, members and invitations.
    TeamsWrite = "teams:write";
    /// Reads projects.
    ProjectsRead = "projects:read";
    /// Makes, changes and deletes projects.
    ProjectsWrite = "projects:write";
    /// Reads deployments and their logs.
    DeploymentsRead = "deployments:read";
    /// Makes, uploads, cancels and activates deployments.
    DeploymentsWrite = "deployments:write";
    /// Reads domains.
    DomainsRead = "domains:read";
    /// Adds, verifies, changes and deletes domains.
    DomainsWrite = "domains:write";
    /// Reads env vars; never the value of a secret one.
    EnvVarsRead = "env_vars:read";
    /// Makes, changes and deletes env vars.
    EnvVarsWrite = "env_vars:write";
    /// Reads what was done, and by whom.
    AuditRead = "audit:read";
    /// Reads jobs; for operators.
    JobsRead = "jobs:read";
    /// Retries and discards jobs; for operators.
    JobsWrite = "jobs:write";
    /// Reads what is known of the routine; for operators.
    RoutineRead = "routine:read";
    /// Publishes the routine and rolls it back; for operators.
    RoutineWrite = "routine:write";
    /// Reads who the operators are; for operators.
    OperatorsRead = "operators:read";
    /// Makes others operators, and operators others; for operators.
    OperatorsWrite = "operators:write";
    /// Needs a session: what a leaked API token must not do.
    SessionOnly = "session";
}

/// An authenticated caller who may do what `S` names, with the services to do it.
#[derive(Clone)]
pub struct Caller<S> {
    /// On whose behalf.
    pub actor: Actor,
    /// What the platform can do.
    pub services: Services,
    scope: PhantomData<fn() -> S>,
}

/// Filled when the caller is known; the access log reads it.
#[derive(Clone, Default)]
pub struct CallerName(Arc<OnceLock<String>>);

impl CallerName {
    fn set(&self, actor: &Actor) {
        let name = match actor.credential {
            Credential::Session(id) => format!("user {} session {id}", actor.user_id),
            Credential::Token(id) => format!("user {} token {id}", actor.user_id),
        };
        // The first caller stands: a request is authenticated once.
        let _ = self.0.set(name);
    }

    /// Whether the request was authenticated.
    pub fn is_known(&self) -> bool {
        self.0.get().is_some()
    }

    /// The caller, or `-` for an anonymous one.
    pub fn get(&self) -> &str {
        self.0.get().map_or("-", String::as_str)
    }
}

/// A secret that came with a request.
struct Presented {
    secret: String,
    from_cookie: bool,
}

/// Returns what the request authenticates with. A bearer token goes before the cookie, because a program sets it on
/// purpose while a browser adds the cookie by itself.
fn presented(request: &Request) -> Option<Presented> {
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        let (scheme, secret) = value.to_str().ok()?.split_once(' ')?;
        return scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| Presented { secret: secret.trim().to_owned(), from_cookie: false });
    }
    let cookies = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == SESSION_COOKIE)
        .map(|(_, secret)| Presented { secret: secret.to_owned(), from_cookie: true })
}

/// Whether a browser may have been led to send this request by another site. `SameSite=Lax` already keeps the cookie
/// away from most of those; sites of the platform itself, which strangers write, can be same-site with the API.
fn is_cross_origin(request: &Request, config: &ApiConfig) -> bool {
    if request.method() == Method::GET || request.method() == Method::HEAD {
        return false;
    }
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let origin = text(header::ORIGIN);
    if origin.is_some_and(|origin| config.allows_origin(origin)) {
        return false;
    }
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return !matches!(site, "same-origin" | "none");
    }
    match (origin, text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, authority)| authority != host),
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// Returns who sent the request.
///
/// Fails with `authentication_required`, `invalid_token` (401) and `cross_origin_request` (403).
pub async fn identify(request: &Request, services: &Services, config: &ApiConfig) -> Result<Actor, ApiError> {
    let presented = presented(request).ok_or_else(|| ApiError::unauthenticated("authentication_required"))?;
    if presented.from_cookie && is_cross_origin(request, config) {
        let detail = "a browser session is not accepted from another site";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "cross_origin_request", detail));
    }
    let actor = services.auth.authenticate(&presented.secret).await?;
    if let Some(name) = request.data::<CallerName>() {
        name.set(&actor);
    }
    Ok(actor)
}

/// The caller whom the gate let through.
#[derive(Clone)]
pub struct Admitted(pub Actor);

/// Returns the use cases.
pub fn services(request: &Request) -> Result<Services, ApiError> {
    request.data::<Services>().cloned().ok_or_else(|| ApiError::internal("the services are missing from the request"))
}

impl<'a, S: Scope> ApiExtractor<'a> for Caller<S> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            "token",
            MetaSecurityScheme {
                ty: "http",
                description: Some("An API token (`mb_live_…`) or a session token (`mb_sess_…`)."),
                name: None,
                key_in: None,
                scheme: Some("bearer"),
                bearer_format: None,
                flows: None,
                openid_connect_url: None,
            },
        );
        registry.create_security_scheme(
            "session",
            MetaSecurityScheme {
                ty: "apiKey",
                description: Some("The cookie that `login` sets, for browsers."),
                name: Some(SESSION_COOKIE),
                key_in: Some("cookie"),
                scheme: None,
                bearer_format: None,
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        S::SCHEMES.to_vec()
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        let Some(Admitted(actor)) = request.data::<Admitted>() else {
            return Err(ApiError::internal("a request came past the gate").into());
        };
        Ok(Self { actor: actor.clone(), services: services(request)?, scope: PhantomData })
    }
}

/// An operation that anybody may call, such as login.
pub struct Anyone {
    /// What the platform can do; without an [`Actor`] only what needs none.
    pub services: Services,
}

impl<'a> ApiExtractor<'a> for Anyone {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::PoemExtractor];

    type ParamType = ();
    type ParamRawType = ();

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        Ok(Self { services: services(request)? })
    }
}
