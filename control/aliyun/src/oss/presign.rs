//! Leave to fetch or store one object, given to somebody without credentials.

use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use super::{Bucket, Dialect};
use crate::Error;
use crate::encode::Pairs;
use crate::form::FormUpload;
use crate::sign::{UNSIGNED_PAYLOAD, oss4, sigv4};

const LONGEST: u64 = 7 * 24 * 3600;

/// What a form may be used for.
#[derive(Debug, Clone)]
pub struct FormPolicy {
    /// The key under which the file is stored.
    pub key: String,
    /// The smallest and the largest file, in bytes.
    pub size: (u64, u64),
    /// How long the form holds.
    pub expires_in: Duration,
}

/// A form that stores one file: its fields in their order, and the file last.
#[derive(Debug, Clone)]
pub struct Form {
    /// Where it goes.
    pub url: String,
    /// The fields.
    pub fields: Pairs,
}

impl Bucket {
    /// Returns an address under which `method` works on `key` for `expires_in`, at most seven days. A request has to come
    /// with exactly `headers`.
    pub async fn presign(
        &self,
        method: Method,
        key: &str,
        expires_in: Duration,
        headers: &[(String, String)],
    ) -> Result<String, Error> {
        let signing = self.core.signing().await?;
        let seconds = u32::try_from(expires_in.as_secs().clamp(1, LONGEST)).unwrap_or(1);
        let token = signing.credentials.security_token.as_ref().map(|token| token.reveal());
        let query = match self.location.dialect {
            Dialect::Oss => {
                let request = oss4::Request {
                    method: method.as_str(),
                    bucket: Some(self.name()),
                    key: Some(key),
                    query: &[],
                    headers,
                    additional_headers: &[],
                };
                self.oss_signer(&signing).presigned_query(&request, seconds, token)
            }
            Dialect::S3 => {
                let mut signed = headers.to_vec();
                signed.push(("host".to_owned(), self.address.authority()));
                let request = sigv4::Request {
                    method: method.as_str(),
                    path: &self.path(Some(key)),
                    query: &[],
                    headers: &signed,
                    payload: UNSIGNED_PAYLOAD,
                };
                self.s3_signer(&signing).presigned_query(&request, seconds, token)
            }
        };
        Ok(self.address(Some(key), &query))
    }

    /// Returns a form that stores a file as `policy` allows. Of OSS only.
    pub async fn form(&self, policy: &FormPolicy) -> Result<Form, Error> {
        let operation = "PostObject";
        if self.location.dialect != Dialect::Oss {
            return Err(self.invalid(operation, "forms are made for OSS only"));
        }
        let signing = self.core.signing().await?;
        let signer = self.oss_signer(&signing);
        let token = signing.credentials.security_token.as_ref().map(|token| token.reveal());
        let lasts = TimeDelta::from_std(policy.expires_in).unwrap_or(TimeDelta::days(7));
        let mut conditions = vec![
            json!({ "bucket": self.name() }),
            json!(["eq", "$key", policy.key]),
            json!(["content-length-range", policy.size.0, policy.size.1]),
            json!({ "x-oss-signature-version": oss4::ALGORITHM }),
            json!({ "x-oss-credential": signer.credential() }),
            json!({ "x-oss-date": signer.timestamp() }),
        ];
        conditions.extend(token.map(|token| json!({ "x-oss-security-token": token })));
        let expiration = (signing.time + lasts).format("%Y-%m-%dT%H:%M:%S.000Z").to_string();
        let document = json!({ "expiration": expiration, "conditions": conditions }).to_string();
        let mut fields = vec![("key".to_owned(), policy.key.clone())];
        fields.extend(signer.form_fields(&document, token));
        Ok(Form { url: self.address(None, &[]), fields })
    }

    /// Stores `file` through a form, as anyone who was given it may.
    pub async fn put_form(&self, form: &Form, content_type: &str, file: Bytes) -> Result<(), Error> {
        let Form { url, fields } = form.clone();
        let upload = FormUpload { url, fields, content_type: content_type.to_owned(), file };
        upload.send(&self.core, "PostObject").await
    }
}
