//! Calls under `ACS3-HMAC-SHA256` with JSON answers: what RPC and ROA services have in common.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde::de::DeserializeOwned;

use crate::client::{Core, Refusal, Repeat, Signing, failure};
use crate::encode::query;
use crate::lenient;
use crate::sign::acs3::{Request, authorization};
use crate::sign::sha256_hex;
use crate::{Error, ErrorKind, Settings};

/// A client of one service.
#[derive(Debug)]
pub(crate) struct OpenApi {
    core: Core,
    version: &'static str,
}

/// One call, the same at every attempt.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub action: &'static str,
    pub method: Method,
    /// Percent-encoded.
    pub path: &'a str,
    pub query: &'a [(String, String)],
    /// Besides those of every call; their names are in lower case.
    pub headers: &'a [(&'static str, &'static str)],
    pub body: Option<Body>,
    pub repeat: Repeat,
}

/// What is sent along.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub content_type: &'static str,
    pub bytes: Bytes,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Raw {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl OpenApi {
    pub(crate) fn new(
        service: &'static str,
        version: &'static str,
        endpoint: &str,
        settings: Settings,
    ) -> Result<Self, Error> {
        Ok(Self { core: Core::new(service, endpoint, settings)?, version })
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Carries `call` out and returns what its answer says.
    pub(crate) async fn call<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, Error> {
        self.ask(call, |answer| {
            // Where nothing comes back, there is nothing to be read out of it.
            let text = if answer.body.trim_ascii().is_empty() { b"{}".as_slice() } else { &answer.body };
            lenient::parse(text).map_err(|error| {
                let message = "the answer is not what this operation answers with";
                let mut error =
                    Error::new(self.core.service, call.action, ErrorKind::Interrupted, message).because(error);
                error.status = Some(answer.status);
                error
            })
        })
        .await
    }

    /// Carries `call` out and returns its answer as it is.
    pub(crate) async fn raw(&self, call: &Call<'_>) -> Result<Raw, Error> {
        self.ask(call, Ok).await
    }

    async fn ask<T>(&self, call: &Call<'_>, read: impl Fn(Raw) -> Result<T, Error>) -> Result<T, Error> {
        let mut retries = self.core.retries(call.repeat);
        let body_sha256 = sha256_hex(call.body.as_ref().map_or(&[], |body| &body.bytes));
        loop {
            let signing = self.core.signing().await?;
            match self.attempt(call, &signing, &body_sha256).await.and_then(&read) {
                Ok(answer) => return Ok(answer),
                Err(error) => retries.after(error, &signing.credentials).await?,
            }
        }
    }

    async fn attempt(&self, call: &Call<'_>, signing: &Signing, body_sha256: &str) -> Result<Raw, Error> {
        let mut headers = vec![
            ("host", self.core.endpoint.authority()),
            ("x-acs-action", call.action.to_owned()),
            ("x-acs-version", self.version.to_owned()),
            ("x-acs-date", signing.time.format("%Y-%m-%dT%H:%M:%SZ").to_string()),
            ("x-acs-signature-nonce", signing.nonce.clone()),
            ("x-acs-content-sha256", body_sha256.to_owned()),
        ];
        headers.extend(call.headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        if let Some(body) = &call.body {
            headers.push((CONTENT_TYPE.as_str(), body.content_type.to_owned()));
        }
        let credentials = &signing.credentials;
        if let Some(token) = &credentials.security_token {
            headers.push(("x-acs-accesskey-id", credentials.access_key_id.clone()));
            headers.push(("x-acs-security-token", token.reveal().to_owned()));
        }
        let headers: Vec<_> = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let signed = Request {
            method: call.method.as_str(),
            path: call.path,
            query: call.query,
            headers: &headers,
            body_sha256,
        };
        let authorization = authorization(&signed, &credentials.access_key_id, credentials.access_key_secret.reveal());
        let answer = self.core.send(call.action, self.request(call, &headers, &authorization), call.length()).await?;
        let (status, head) = (answer.status(), answer.headers().clone());
        let success = answer.is_success();
        let body = answer.into_bytes().await?;
        if !success {
            let refusal = Refusal::from_json(&head, &body);
            return Err(failure(self.core.service, call.action, (status, &head), refusal, &body));
        }
        Ok(Raw { status, headers: head, body })
    }

    fn request(&self, call: &Call<'_>, headers: &[(String, String)], authorization: &str) -> reqwest::RequestBuilder {
        let mut address = format!("{}{}", self.core.endpoint.base(), call.path);
        if !call.query.is_empty() {
            address.push('?');
            address.push_str(&query(call.query));
        }
        let mut request = self.core.http.request(call.method.clone(), address).header("accept", "application/json");
        // The HTTP client writes the host itself, the same one.
        for (name, value) in headers.iter().filter(|(name, _)| name != "host") {
            request = request.header(name, value);
        }
        request = request.header("authorization", authorization);
        match &call.body {
            Some(body) => request.body(body.bytes.clone()),
            None => request,
        }
    }
}

impl Call<'_> {
    fn length(&self) -> u64 {
        self.body.as_ref().map_or(0, |body| body.bytes.len() as u64)
    }
}
