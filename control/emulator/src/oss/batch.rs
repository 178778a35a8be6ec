//! Many objects deleted at once.

use serde::Deserialize;

use super::list::{encoded, xml};
use super::objects::check_body;
use super::refusal::Refusal;
use super::{Oss, Target};
use crate::http::Response;

const MOST: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Delete {
    #[serde(default)]
    quiet: bool,
    #[serde(default)]
    object: Vec<Object>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Object {
    key: String,
}

impl Oss {
    pub(super) fn delete_many(&self, target: &Target<'_>) -> Result<Response, Refusal> {
        let Target { request, bucket, .. } = target;
        if request.header("content-md5").is_none() {
            return Err(Refusal::invalid("Missing Some Required Arguments: Content-MD5."));
        }
        check_body(request)?;
        let malformed = || Refusal::new(400, "MalformedXML", "The XML you provided was not well-formed.");
        let text = std::str::from_utf8(&request.body).map_err(|_| malformed())?;
        let delete: Delete = quick_xml::de::from_str(text).map_err(|_| malformed())?;
        if delete.object.is_empty() || delete.object.len() > MOST {
            return Err(malformed());
        }
        let mut deleted = String::new();
        for Object { key } in &delete.object {
            self.store.delete(bucket, key)?;
            deleted.push_str(&format!("<Deleted><Key>{}</Key></Deleted>", encoded(request, key)));
        }
        if delete.quiet {
            return Ok(Response::empty(200));
        }
        let encoding =
            request.parameter("encoding-type").map(|_| "<EncodingType>url</EncodingType>").unwrap_or_default();
        Ok(xml(&format!("<DeleteResult>{encoding}{deleted}</DeleteResult>")))
    }
}
