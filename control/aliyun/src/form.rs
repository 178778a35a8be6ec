//! Uploads by form, the way browsers do it: what the form's policy allows, without credentials.

use bytes::{Bytes, BytesMut};

use crate::client::{Core, Refusal, Repeat, failure};
use crate::encode::Pairs;
use crate::{Error, ErrorKind};

/// A file and the fields that go with it.
#[derive(Debug, Clone)]
pub(crate) struct FormUpload {
    pub url: String,
    /// In the order in which they are sent; the file follows them.
    pub fields: Pairs,
    pub content_type: String,
    pub file: Bytes,
}

impl FormUpload {
    /// Sends the form until it is taken. Storing twice under one key is storing once.
    pub(crate) async fn send(&self, core: &Core, operation: &'static str) -> Result<(), Error> {
        let mut retries = core.retries(Repeat::Safe);
        loop {
            // The pauses are the client's own; the form is signed already.
            let signing = core.signing().await?;
            match self.attempt(core, operation, &signing.nonce).await {
                Ok(()) => return Ok(()),
                Err(error) => retries.after(error, &signing.credentials).await?,
            }
        }
    }

    async fn attempt(&self, core: &Core, operation: &'static str, boundary: &str) -> Result<(), Error> {
        let body = self.body(boundary).ok_or_else(|| {
            Error::new(core.service, operation, ErrorKind::Invalid, "a field's name cannot be written into a form")
        })?;
        let length = body.len() as u64;
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let request = core.http.post(&self.url).header("content-type", content_type).body(body);
        let answer = core.send(operation, request, length).await?;
        let (status, head, success) = (answer.status(), answer.headers().clone(), answer.is_success());
        let body = answer.into_bytes().await?;
        if success {
            return Ok(());
        }
        let refusal = Refusal::from_xml(&head, &body);
        Err(failure(core.service, operation, (status, &head), refusal, &body))
    }

    fn body(&self, boundary: &str) -> Option<Bytes> {
        let mut body = BytesMut::with_capacity(self.file.len() + 4096);
        for (name, value) in &self.fields {
            if name.contains(['"', '\r', '\n']) {
                return None;
            }
            let part = format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = "content-disposition: form-data; name=\"file\"; filename=\"file\"\r\ncontent-type:";
        body.extend_from_slice(format!("--{boundary}\r\n{head} {}\r\n\r\n", self.content_type).as_bytes());
        body.extend_from_slice(&self.file);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        Some(body.freeze())
    }
}
