//! Custom domains, which have to lead here before they are added.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::rewrites;
use super::state::{ACCOUNT, Answer, State, invalid, merge, written};
use crate::openapi::Refusal;

impl State {
    pub(super) fn create_domain(&self, body: &Value, now: DateTime<Utc>) -> Answer {
        let name = body["domainName"].as_str().filter(|name| name.contains('.'));
        let name = name.ok_or_else(|| invalid("DomainName is required but not provided"))?;
        check(body)?;
        if body["protocol"].is_null() {
            return Err(invalid("Protocol is required but not provided"));
        }
        let mut stored = self.stored();
        if stored.domains.contains_key(name) {
            return Err(Refusal::new(409, "DomainNameAlreadyExists", format!("domain name {name} already exists")));
        }
        let expected = format!("{ACCOUNT}.{}.fc.aliyuncs.com", self.region);
        if !self.outside.leads_to(name, &expected) {
            let words = format!(
                "domain name '{name}' has not been resolved to your FC endpoint, the expected endpoint is '{expected}.'"
            );
            return Err(Refusal::new(400, "DomainNameNotResolved", words));
        }
        let mut domain = json!({ "accountId": ACCOUNT, "apiVersion": "2023-03-30", "createdTime": written(now),
                                 "lastModifiedTime": written(now), "subdomainCount": "0", "routeConfig": { "routes": [] } });
        merge(&mut domain, body);
        hide_key(&mut domain);
        stored.domains.insert(name.to_owned(), domain.clone());
        self.keep(&stored)?;
        Ok(Some(domain))
    }

    pub(super) fn domain(&self, method: &str, name: &str, body: &Value, now: DateTime<Utc>) -> Answer {
        let mut stored = self.stored();
        let words = format!("domain name '{name}' does not exist");
        let domain = stored.domains.get_mut(name).ok_or_else(|| Refusal::new(404, "DomainNameNotFound", words))?;
        let answer = match method {
            "GET" => return Ok(Some(domain.clone())),
            "PUT" => {
                check(body)?;
                merge(domain, body);
                hide_key(domain);
                domain["lastModifiedTime"] = written(now).into();
                Some(domain.clone())
            }
            "DELETE" => {
                stored.domains.remove(name);
                None
            }
            _ => return Err(Refusal::new(400, "PathNotSupported", "the method is not supported")),
        };
        self.keep(&stored)?;
        Ok(answer)
    }
}

fn check(body: &Value) -> Result<(), Refusal> {
    let routes = body["routeConfig"]["routes"].as_array().into_iter().flatten();
    for route in routes {
        rewrites::check(&route["rewriteConfig"])?;
    }
    match body["protocol"].as_str() {
        None | Some("HTTP") => Ok(()),
        Some("HTTPS" | "HTTP,HTTPS") if body["certConfig"].is_null() => {
            Err(invalid("CertConfig is required for HTTPS"))
        }
        Some("HTTPS" | "HTTP,HTTPS") => Ok(()),
        Some(other) => Err(invalid(format!("the protocol '{other}' is invalid"))),
    }
}

/// The key of a certificate does not come back.
fn hide_key(domain: &mut Value) {
    if let Some(Value::Object(members)) = domain.get_mut("certConfig") {
        members.remove("privateKey");
    }
}
