//! Uploads by form.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use miaobu_aliyun::encode::Pairs;
use serde_json::Value;

use super::Oss;
use super::list::xml;
use super::refusal::Refusal;
use crate::auth;
use crate::http::{Request, Response};

/// A form: its fields up to the file, and the file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Form {
    fields: Pairs,
    file: Bytes,
    file_name: String,
    file_type: Option<String>,
}

impl Oss {
    pub(super) fn post_form(&self, request: &Request, bucket: &str, now: DateTime<Utc>) -> Result<Response, Refusal> {
        let form = parse(request).ok_or_else(|| {
            let words = "The body of your POST request is not well-formed multipart/form-data.";
            Refusal::new(400, "MalformedPOSTRequest", words)
        })?;
        let field = |wanted: &str| {
            form.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
        };
        let key = field("key").ok_or_else(|| Refusal::invalid("Bucket POST must contain a field named 'key'."))?;
        let key = key.replace("${filename}", &form.file_name);
        auth::oss::verify_form(&form.fields, &self.keys, now)?;
        let policy = BASE64.decode(field("policy").unwrap_or_default().as_bytes()).ok();
        let policy: Option<Value> = policy.and_then(|policy| serde_json::from_slice(&policy).ok());
        let policy =
            policy.ok_or_else(|| Refusal::new(400, "InvalidPolicyDocument", "Invalid Policy: Invalid JSON."))?;
        let named = |name: &str| match name {
            "bucket" => Some(bucket.to_owned()),
            "key" => Some(key.clone()),
            other => field(other).map(str::to_owned),
        };
        check(&policy, named, form.file.len() as u64, now)?;
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &form.fields {
            let name = name.to_ascii_lowercase();
            if name.starts_with("x-oss-meta-")
                || matches!(name.as_str(), "cache-control" | "content-disposition" | "content-encoding" | "expires")
            {
                headers.insert(name, value.clone());
            }
        }
        let kind = field("x-oss-content-type").or(field("content-type")).map(str::to_owned).or(form.file_type.clone());
        headers.extend(kind.map(|kind| ("content-type".to_owned(), kind)));
        let meta = self.store.put((bucket, &key), &form.file, headers, None, now)?;
        let status = match field("success_action_status") {
            Some("200") => 200,
            Some("201") => 201,
            _ => 204,
        };
        let answer = match status {
            201 => {
                let (etag, key) = (&meta.etag, quick_xml::escape::escape(&key));
                let location = format!("http://{}/{key}", request.header("host").unwrap_or_default());
                let mut answer = xml(&format!(
                    "<PostResponse><Bucket>{bucket}</Bucket><ETag>{etag}</ETag><Key>{key}</Key><Location>{location}</Location>\
                     </PostResponse>"
                ));
                answer.status = 201;
                answer
            }
            status => Response::empty(status),
        };
        Ok(answer.with("etag", &meta.etag).with("x-oss-hash-crc64ecma", meta.crc64.to_string()))
    }
}

/// Returns the fields and the file of a form.
pub(crate) fn fields_and_file(request: &Request) -> Option<(Pairs, Bytes)> {
    parse(request).map(|form| (form.fields, form.file))
}

/// Returns the form that a body is. What comes after the file is left out, as the service does.
fn parse(request: &Request) -> Option<Form> {
    let boundary = request.header("content-type")?.split_once("boundary=")?.1.split(';').next()?.trim_matches('"');
    let (first, between) = (format!("--{boundary}"), format!("\r\n--{boundary}"));
    let mut form = Form::default();
    let mut at = first.len();
    request.body.starts_with(first.as_bytes()).then_some(())?;
    loop {
        let rest = request.body.get(at..)?;
        if rest.starts_with(b"--") {
            // Without a file there is nothing to store.
            return None;
        }
        let head_end = position(rest, b"\r\n\r\n")?;
        let head = std::str::from_utf8(rest.get(..head_end)?).ok()?;
        let value_start = head_end + 4;
        let value_end = value_start + position(rest.get(value_start..)?, between.as_bytes())?;
        let value = request.body.slice(at + value_start..at + value_end);
        let quoted =
            |name: &str| head.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| Some(rest.split_once('"')?.0));
        let name = quoted("name")?;
        if name.eq_ignore_ascii_case("file") {
            let line = |line: &str| Some(line.split_once(':')?.1.trim().to_owned());
            let kind = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-type:"));
            form.file_type = kind.and_then(line);
            form.file_name = quoted("filename").unwrap_or_default().to_owned();
            form.file = value;
            return Some(form);
        }
        form.fields.push((name.to_owned(), String::from_utf8_lossy(&value).into_owned()));
        at += value_end + between.len();
    }
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Checks what is uploaded against what the policy allows.
fn check(policy: &Value, field: impl Fn(&str) -> Option<String>, size: u64, now: DateTime<Utc>) -> Result<(), Refusal> {
    let denied = |words: String| Refusal::new(403, "AccessDenied", format!("Invalid according to Policy: {words}"));
    let expiration: Option<DateTime<Utc>> = policy["expiration"].as_str().and_then(|text| text.parse().ok());
    match expiration {
        None => return Err(Refusal::new(400, "InvalidPolicyDocument", "Invalid Policy: Invalid 'expiration' value.")),
        Some(end) if end < now => return Err(denied("Policy expired.".into())),
        Some(_) => {}
    }
    let conditions = policy["conditions"].as_array().filter(|conditions| !conditions.is_empty());
    let words = "Invalid Policy: Policy missing conditions.";
    for condition in conditions.ok_or_else(|| Refusal::new(400, "InvalidPolicyDocument", words))? {
        let holds = match condition {
            Value::Object(members) => {
                members.iter().all(|(name, value)| field(name).as_deref() == value.as_str() && value.is_string())
            }
            Value::Array(items) => holds(items, &field, size)?,
            _ => false,
        };
        if !holds {
            return Err(denied(format!("Policy Condition failed: {condition}")));
        }
    }
    Ok(())
}

fn holds(items: &[Value], field: &impl Fn(&str) -> Option<String>, size: u64) -> Result<bool, Refusal> {
    let [operator, name, value] = items else { return Ok(false) };
    if operator == "content-length-range" {
        let (least, most) = (name.as_u64().unwrap_or(u64::MAX), value.as_u64().unwrap_or_default());
        if size > most {
            let words = "Your proposed upload exceeds the maximum allowed size.";
            return Err(Refusal::new(400, "EntityTooLarge", words));
        }
        return Ok(size >= least);
    }
    let given = name.as_str().and_then(|name| field(name.strip_prefix('$')?)).unwrap_or_default();
    let among = || value.as_array().is_some_and(|values| values.iter().any(|value| value == &given));
    Ok(match operator.as_str() {
        Some("eq") => value == &given,
        Some("starts-with") => value.as_str().is_some_and(|start| given.starts_with(start)),
        Some("in") => among(),
        Some("not-in") => !among(),
        _ => false,
    })
}
