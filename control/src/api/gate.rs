//! The one gate before every operation: who calls, whether the credential may ask for this, how often, and only once.
//!
//! Invariant: no handler runs before its gate has let the request through.

use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderName, HeaderValue, Method, StatusCode};
use poem::{Endpoint, Request, Response};
use poem_openapi::OperationId;

use super::caller::{Admitted, identify, services};
use super::frame::ExtraHeaders;
use super::operations::{Asks, Operation};
use super::precondition::IfMatch;
use super::problem::ApiError;
use super::request_id::RequestId;
use super::{ApiConfig, idempotency, limits};
use crate::domain::{Actor, Credential, Entry};
use crate::service::Services;

/// Operations of which there are too many, and which matter too little, for each to be on record: the deployment is.
const UNRECORDED: [&str; 3] = ["uploadBlobs", "uploadBlob", "explainRequest"];

/// Operations that shall go away: the id, since when that is said, and when they go, as HTTP writes dates. They answer
/// `Deprecation` and `Sunset` for 180 days.
const DEPRECATED: [(&str, &str, &str); 0] = [];

/// An operation behind its gate.
pub struct Gated {
    operation: Operation,
    endpoint: Arc<BoxEndpoint<'static>>,
}

impl Gated {
    /// Puts the gate before `endpoint`.
    pub fn new(operation: Operation, endpoint: BoxEndpoint<'static>) -> Self {
        Self { operation, endpoint: Arc::new(endpoint) }
    }

    async fn admit(&self, request: &Request, services: &Services) -> Result<Option<Actor>, ApiError> {
        let (operation, config) = (&self.operation, config(request));
        let Some(asks) = operation.asks else {
            return Err(ApiError::internal(format!("{} asks for an unknown scope", operation.id)));
        };
        if asks == Asks::Nothing {
            limits::count_stranger(request, services, config, operation.id).await?;
            operation.check_query(request)?;
            return Ok(None);
        }
        let actor = match identify(request, services, config).await {
            Ok(actor) => actor,
            Err(error) => {
                limits::count_stranger(request, services, config, operation.id).await?;
                return Err(error);
            }
        };
        limits::count_caller(request, services, config, operation.id, &actor).await?;
        let actor = match asks {
            Asks::Scope(scope) if actor.scopes.contains(scope) => actor.asking(scope),
            Asks::Scope(scope) => {
                let detail = format!("this needs the scope {scope}, which the token does not have");
                return Err(ApiError::new(StatusCode::FORBIDDEN, "scope_missing", detail)
                    .with_hint("make a token with that scope"));
            }
            _ if actor.has_session() => actor,
            _ => {
                let detail = "this operation needs a session; an API token is not enough";
                return Err(ApiError::new(StatusCode::FORBIDDEN, "session_required", detail)
                    .with_hint("log in with a one-time code and use the session's token"));
            }
        };
        operation.check_query(request)?;
        Ok(Some(actor))
    }
}

/// What the operator chose for the API.
pub fn config(request: &Request) -> &ApiConfig {
    static DEFAULT: std::sync::LazyLock<ApiConfig> = std::sync::LazyLock::new(ApiConfig::default);
    request.data::<ApiConfig>().unwrap_or(&DEFAULT)
}

/// Who a caller is, as keys of limits and answers name it.
pub fn name_of(actor: &Actor) -> String {
    match actor.credential {
        Credential::Session(_) => format!("user:{}", actor.user_id),
        Credential::Token(token) => format!("token:{token}"),
    }
}

impl Endpoint for Gated {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let id = OperationId(self.operation.id);
        match self.run(request).await {
            Ok(mut response) => {
                response.set_data(id);
                Ok(response)
            }
            Err(mut error) => {
                error.set_data(id);
                Err(error)
            }
        }
    }
}

impl Gated {
    async fn run(&self, mut request: Request) -> poem::Result<Response> {
        let services = services(&request)?;
        announce_end(&request, self.operation.id, &DEPRECATED);
        let actor = self.admit(&request, &services).await?;
        if let Some(actor) = &actor {
            request.set_data(Admitted(actor.clone()));
        }
        if self.operation.method == Method::GET {
            return self.endpoint.call(request).await;
        }
        if let Some(actor) = actor.as_ref().filter(|_| !UNRECORDED.contains(&self.operation.id)) {
            let request_id = request.data::<RequestId>().map_or("", RequestId::as_str).to_owned();
            let path = request.uri().path().to_owned();
            actor.subject.record_as(Entry { action: self.operation.id, path, request_id });
        }
        let is_rehearsal =
            request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "dry_run=true"));
        if self.operation.method != Method::POST && !self.operation.reads_if_match {
            IfMatch::refuse_tags(&request)?;
        }
        let response = match self.operation.method {
            Method::POST => {
                idempotency::once(&services, actor.as_ref(), self.operation.id, request, &self.endpoint).await?
            }
            _ => self.endpoint.call(request).await?,
        };
        let changed = response.status().is_success() && !is_rehearsal && !idempotency::is_replayed(&response);
        if let Some(actor) = actor.filter(|actor| changed && actor.subject.awaits_record())
            && let Err(error) = services.gate.record(&actor).await
        {
            tracing::error!(error = &error as &dyn std::error::Error, "a request is not on record");
        }
        Ok(response)
    }
}

/// Says of an operation that it will go away.
fn announce_end(request: &Request, operation: &str, deprecated: &[(&str, &str, &str)]) {
    let Some(headers) = request.data::<ExtraHeaders>() else { return };
    for (_, since, until) in deprecated.iter().filter(|(id, ..)| *id == operation) {
        for (name, value) in [("deprecation", since), ("sunset", until)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_that_goes_away_says_when() {
        let headers = ExtraHeaders::default();
        let mut request = Request::default();
        request.set_data(headers.clone());
        let table = [("oldOne", "@1688169599", "Sat, 31 Dec 2028 23:59:59 GMT")];
        announce_end(&request, "newOne", &table);
        assert!(headers.take().is_empty());
        announce_end(&request, "oldOne", &table);
        let headers = headers.take();
        assert_eq!(headers["deprecation"], "@1688169599");
        assert_eq!(headers["sunset"], "Sat, 31 Dec 2028 23:59:59 GMT");
    }
}
