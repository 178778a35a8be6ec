//! Calling functions without an HTTP trigger.

use bytes::Bytes;
use reqwest::Method;

use super::{Fc, VERSION, qualified};
use crate::Error;
use crate::client::Repeat;
use crate::encode::percent;
use crate::openapi::{Body, Call};

/// What came of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// What the function answered; empty where nobody waited for it.
    pub body: Bytes,
    /// How the function failed, such as `UnhandledInvocationError`; `None` where it did not.
    pub error_type: Option<String>,
    /// What the service calls the request.
    pub request_id: String,
}

impl Fc {
    /// Calls a function with `event`, at most 32 MB, and waits for what it answers. That it failed is told by the answer; an
    /// error is that it was not called, or that nobody knows.
    pub async fn invoke(&self, function: &str, qualifier: Option<&str>, event: Bytes) -> Result<Invocation, Error> {
        self.call_function(function, qualifier, event, "Sync").await
    }

    /// Calls a function with `event`, at most 128 KB, without waiting for what it answers.
    pub async fn invoke_later(
        &self,
        function: &str,
        qualifier: Option<&str>,
        event: Bytes,
    ) -> Result<Invocation, Error> {
        self.call_function(function, qualifier, event, "Async").await
    }

    async fn call_function(
        &self,
        function: &str,
        qualifier: Option<&str>,
        event: Bytes,
        kind: &'static str,
    ) -> Result<Invocation, Error> {
        let call = Call {
            action: "InvokeFunction",
            method: Method::POST,
            path: &format!("/{VERSION}/functions/{}/invocations", percent(function)),
            query: &qualified(qualifier),
            headers: &[("x-fc-invocation-type", kind), ("x-fc-log-type", "None")],
            body: Some(Body { content_type: "application/octet-stream", bytes: event }),
            repeat: Repeat::Unsafe,
        };
        let answer = self.api.raw(&call).await?;
        let header = |name| answer.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (error_type, request_id) = (header("x-fc-error-type"), header("x-fc-request-id").unwrap_or_default());
        Ok(Invocation { body: answer.body, error_type, request_id })
    }
}
