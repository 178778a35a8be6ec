//! Code on its way to ESA: a form upload to object storage.

use bytes::Bytes;

use super::Esa;
use super::code::OssPostConfig;
use crate::Error;
use crate::form::FormUpload;

impl Esa {
    /// Uploads `code` under the form that ESA prepared. A second upload replaces the first.
    pub async fn upload_code(&self, form: &OssPostConfig, code: Bytes) -> Result<(), Error> {
        // The order in which the vendor's own tools send them; object storage ignores what comes after the file.
        let fields = [
            ("OSSAccessKeyId", Some(&form.access_key_id)),
            ("Signature", Some(&form.signature)),
            ("callback", form.callback.as_ref()),
            ("x:codeDescription", form.code_description.as_ref()),
            ("policy", Some(&form.policy)),
            ("key", Some(&form.key)),
            ("x-oss-security-token", form.security_token.as_ref().filter(|token| !token.is_empty())),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.clone()))).collect();
        let upload = FormUpload { url: form.url.clone(), fields, content_type: "text/plain".to_owned(), file: code };
        upload.send(self.core(), "UploadRoutineCode").await
    }
}
