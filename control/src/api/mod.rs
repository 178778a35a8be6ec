//! The HTTP API: parse a request, call one service method, render the answer.
//!
//! Invariant: no rule of the platform lives here, and no handler reaches a row without an [`Actor`](crate::domain::Actor).
//! The OpenAPI document comes out of these types and nothing else.

mod answer;
mod auth;
mod body;
mod caller;
mod deployments;
mod document;
mod enums;
mod health;
mod logs;
mod params;
mod problem;
mod projects;
mod schema_check;
mod tokens;
mod uploads;
mod user;
mod values;

use std::sync::LazyLock;

use poem_openapi::registry::Registry;
use poem_openapi::{OpenApi, OpenApiService, Tags};

use self::auth::AuthApi;
use self::deployments::DeploymentsApi;
use self::health::HealthApi;
use self::logs::LogsApi;
use self::projects::ProjectsApi;
use self::tokens::TokensApi;
use self::uploads::UploadsApi;
use self::user::UserApi;

/// Groups of operations, as the documentation shows them.
#[derive(Tags)]
enum Tag {
    /// Logging in and out.
    Auth,
    /// The caller's account.
    User,
    /// API tokens; each operation needs a session.
    Tokens,
    /// What a user deploys.
    Projects,
    /// Attempts to ship: their life, their logs, and which of them is active.
    Deployments,
    /// Bringing files: list them, send what the store lacks, finish.
    Uploads,
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
}

type Apis = (AuthApi, UserApi, TokensApi, ProjectsApi, DeploymentsApi, UploadsApi, LogsApi, HealthApi);

fn service() -> OpenApiService<Apis, ()> {
    let apis = (AuthApi, UserApi, TokensApi, ProjectsApi, DeploymentsApi, UploadsApi, LogsApi, HealthApi);
    OpenApiService::new(apis, "Miaobu", "1")
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
