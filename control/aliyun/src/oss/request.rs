//! One signed request, attempt by attempt.

use reqwest::Method;
use reqwest::header::HeaderMap;

use super::xml::{self, Document};
use super::{Bucket, Dialect, Payload};
use crate::Error;
use crate::client::{Answer, Refusal, Repeat, Signing, failure};
use crate::encode::{Pairs, percent_path, query};
use crate::sign::{UNSIGNED_PAYLOAD, oss4, sigv4};

/// What is sent, the same at every attempt.
#[derive(Debug)]
pub(super) struct Outgoing<'a> {
    pub operation: &'static str,
    pub method: Method,
    pub key: Option<&'a str>,
    pub query: Pairs,
    pub headers: Pairs,
    pub payload: Option<&'a Payload>,
    pub repeat: Repeat,
}

impl<'a> Outgoing<'a> {
    pub(super) fn new(operation: &'static str, method: Method, key: Option<&'a str>) -> Self {
        let (query, headers) = (Vec::new(), Vec::new());
        Self { operation, method, key, query, headers, payload: None, repeat: Repeat::Safe }
    }

    pub(super) fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(super) fn payload(mut self, payload: &'a Payload) -> Self {
        self.payload = Some(payload);
        self
    }
}

impl Bucket {
    /// Carries `request` out and returns the answer once it begins; its checksum, when there is one, is that of the payload.
    pub(super) async fn begin(&self, request: &Outgoing<'_>) -> Result<Answer, Error> {
        let mut retries = self.core.retries(request.repeat);
        loop {
            let signing = self.core.signing().await?;
            match self.attempt(request, &signing).await {
                Ok(answer) => return Ok(answer),
                // A stream can be read only once.
                Err(error) if request.payload.is_some_and(Payload::is_spent) => return Err(error),
                Err(error) => retries.after(error, &signing.credentials).await?,
            }
        }
    }

    /// Carries `request` out, whose answer says nothing but that it was done.
    pub(super) async fn call(&self, request: &Outgoing<'_>) -> Result<(), Error> {
        self.begin(request).await?.into_bytes().await.map(drop)
    }

    /// Carries `request` out and returns what its answer says.
    pub(super) async fn ask<T: Document>(&self, request: &Outgoing<'_>) -> Result<T, Error> {
        let mut retries = self.core.retries(request.repeat);
        loop {
            let signing = self.core.signing().await?;
            let whole = async {
                let body = self.attempt(request, &signing).await?.into_bytes().await?;
                xml::parse(&body).map_err(|reason| self.astray(request.operation, reason, &body))
            };
            match whole.await {
                Ok(answer) => return Ok(answer),
                Err(error) => retries.after(error, &signing.credentials).await?,
            }
        }
    }

    /// Returns the error that an answer is that began with success and went on as something else.
    fn astray(&self, operation: &'static str, reason: String, body: &[u8]) -> Error {
        // Copying and completing may fail once the status is sent.
        if std::str::from_utf8(body).ok().and_then(xml::root).as_deref() == Some("Error") {
            let refusal = Refusal::from_xml(&HeaderMap::new(), body);
            return failure(self.core.service, operation, (500, &HeaderMap::new()), refusal, body);
        }
        self.interrupted(operation, format!("the answer is not what this operation answers with: {reason}"))
    }

    pub(super) async fn attempt(&self, request: &Outgoing<'_>, signing: &Signing) -> Result<Answer, Error> {
        let headers = self.signed_headers(request, signing)?;
        let unreadable = |error| self.invalid(request.operation, "what is to be stored cannot be read").because(error);
        let opened = match request.payload {
            Some(payload) => Some(payload.open().await.map_err(unreadable)?),
            None => None,
        };
        let length = request.payload.map_or(0, Payload::length);
        let address = self.address(request.key, &request.query);
        let mut builder = self.core.http.request(request.method.clone(), address);
        for (name, value) in headers {
            builder = builder.header(name, value);
        }
        // Only what stores these very bytes answers with their checksum; completing an upload does with that of the whole.
        let checksum = opened.as_ref().filter(|_| request.method == Method::PUT).map(|(_, checksum)| checksum.clone());
        if matches!(request.method, Method::PUT | Method::POST) {
            builder = builder.header("content-length", length);
        }
        builder = opened.into_iter().fold(builder, |builder, (body, _)| builder.body(body));
        let answer = self.core.send(request.operation, builder, length).await?;
        if !answer.is_success() {
            return Err(self.refused(request.operation, answer).await);
        }
        let theirs = answer.headers().get("x-oss-hash-crc64ecma");
        let theirs: Option<u64> = theirs.and_then(|value| value.to_str().ok()?.parse().ok());
        match (checksum.map(|checksum| checksum.value()), theirs) {
            (Some(ours), Some(theirs)) if ours != theirs => {
                let message = format!("what was stored differs from what was sent: checksum {theirs}, not {ours}");
                Err(self.interrupted(request.operation, message))
            }
            _ => Ok(answer),
        }
    }

    /// Returns the address of an object, or of the bucket.
    pub(super) fn address(&self, key: Option<&str>, pairs: &[(String, String)]) -> String {
        let mut address = format!("{}{}", self.address.base(), self.path(key));
        if !pairs.is_empty() {
            address.push('?');
            address.push_str(&query(pairs));
        }
        address
    }

    pub(super) fn path(&self, key: Option<&str>) -> String {
        let key = percent_path(key.unwrap_or_default());
        if self.is_in_path() { format!("/{}/{key}", self.name()) } else { format!("/{key}") }
    }

    fn signed_headers(&self, request: &Outgoing<'_>, signing: &Signing) -> Result<Pairs, Error> {
        if let Some(key) = request.key {
            // Whatever stands between would take `.` and `..` for steps, and the signature for another path's.
            let walks = key.split('/').any(|segment| matches!(segment, "." | ".."));
            if key.is_empty() || key.len() > 1023 || key.starts_with(['/', '\\']) || walks {
                return Err(self.invalid(request.operation, format!("{key:?} cannot be an object's key")));
            }
        }
        let mut headers = request.headers.clone();
        let credentials = &signing.credentials;
        let timestamp = signing.time.format("%Y%m%dT%H%M%SZ").to_string();
        headers.push((self.header("date"), timestamp));
        headers.push((self.header("content-sha256"), UNSIGNED_PAYLOAD.to_owned()));
        if let Some(token) = &credentials.security_token {
            headers.push((self.header("security-token"), token.reveal().to_owned()));
        }
        let authorization = match self.location.dialect {
            Dialect::Oss => self.oss_signer(signing).authorization(&oss4::Request {
                method: request.method.as_str(),
                bucket: Some(self.name()),
                key: request.key,
                query: &request.query,
                headers: &headers,
                additional_headers: &[],
            }),
            Dialect::S3 => {
                let mut signed = headers.clone();
                signed.push(("host".to_owned(), self.address.authority()));
                self.s3_signer(signing).authorization(&sigv4::Request {
                    method: request.method.as_str(),
                    path: &self.path(request.key),
                    query: &request.query,
                    headers: &signed,
                    payload: UNSIGNED_PAYLOAD,
                })
            }
        };
        headers.push(("authorization".to_owned(), authorization));
        Ok(headers)
    }

    pub(super) fn oss_signer<'a>(&'a self, signing: &'a Signing) -> oss4::Signer<'a> {
        oss4::Signer {
            access_key_id: &signing.credentials.access_key_id,
            access_key_secret: signing.credentials.access_key_secret.reveal(),
            region: &self.location.region,
            time: signing.time,
        }
    }

    pub(super) fn s3_signer<'a>(&'a self, signing: &'a Signing) -> sigv4::Signer<'a> {
        sigv4::Signer {
            access_key_id: &signing.credentials.access_key_id,
            access_key_secret: signing.credentials.access_key_secret.reveal(),
            region: &self.location.region,
            service: "s3",
            time: signing.time,
        }
    }

    async fn refused(&self, operation: &'static str, answer: Answer) -> Error {
        let (status, head) = (answer.status(), answer.headers().clone());
        // A refusal that is cut short still has its status.
        let body = answer.into_bytes().await.unwrap_or_default();
        let refusal = Refusal::from_xml(&head, &body);
        failure(self.core.service, operation, (status, &head), refusal, &body)
    }
}
