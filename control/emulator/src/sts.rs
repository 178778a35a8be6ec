//! STS: temporary keys of roles. Every role of the account is there, and everybody who is let in may assume it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use miaobu_aliyun::Ambient;
use regex::Regex;
use serde_json::{Value, json};

use crate::auth::{AccessKey, temporary};
use crate::openapi::{Actions, Parameters, Refusal};

/// How long keys hold, in seconds: at least, usually, at most.
const DURATIONS: [i64; 3] = [900, 3_600, 43_200];

/// The service.
#[derive(Debug)]
pub(crate) struct Sts {
    /// What the keys are sealed with.
    issuer: Option<AccessKey>,
    ambient: Arc<dyn Ambient>,
    role: Regex,
    session: Regex,
}

impl Sts {
    /// Returns the service of an account whose own key is `issuer`.
    pub(crate) fn new(issuer: Option<AccessKey>, ambient: Arc<dyn Ambient>) -> Result<Self, regex::Error> {
        let role = Regex::new(r"^acs:ram::(\d+):role/([0-9A-Za-z._-]{1,64})$")?;
        Ok(Self { issuer, ambient, role, session: Regex::new(r"^[0-9A-Za-z.@_-]{2,64}$")? })
    }

    fn assume(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let (arn, session) = (given.needed("RoleArn")?, given.needed("RoleSessionName")?);
        let wrong = |name: &str, words: &str| Refusal::new(400, format!("InvalidParameter.{name}"), words);
        let role = self.role.captures(&arn);
        let role = role.ok_or_else(|| wrong("RoleArn", "The parameter RoleArn is wrongly formed."))?;
        if !self.session.is_match(&session) {
            return Err(wrong("RoleSessionName", "The parameter RoleSessionName is wrongly formed."));
        }
        let [least, usual, most] = DURATIONS;
        let seconds = given.number("DurationSeconds")?.unwrap_or(usual);
        if !(least..=most).contains(&seconds) {
            return Err(wrong("DurationSeconds", "The Min/Max value of DurationSeconds is 15min/1hr."));
        }
        if given.text("Policy").is_some_and(|policy| serde_json::from_str::<Value>(&policy).is_err()) {
            return Err(wrong("PolicyGrammar", "The parameter Policy has not passed grammar check."));
        }
        let no_role = || Refusal::new(404, "EntityNotExist.Role", "The specified Role not exists.");
        let end = now + TimeDelta::seconds(seconds);
        let key = temporary::issue(self.issuer.as_ref().ok_or_else(no_role)?, self.ambient.random(), end);
        let (_, [account, name]) = role.extract();
        Ok(json!({
            "AssumedRoleUser": {
                "Arn": format!("acs:ram::{account}:role/{name}/{session}"),
                "AssumedRoleId": format!("3{account}:{session}"),
            },
            "Credentials": {
                "AccessKeyId": key.id, "AccessKeySecret": key.secret, "SecurityToken": key.security_token,
                "Expiration": end.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            },
        }))
    }
}

impl Actions for Sts {
    const NAME: &'static str = "sts";
    const VERSION: &'static str = "2015-04-01";

    fn methods(_: &str) -> &'static [&'static str] {
        &["GET", "POST"]
    }

    fn throttled() -> Refusal {
        Refusal::new(400, "Throttling.User", "Request was denied due to user flow control.")
    }

    fn call(&self, action: &str, given: &Parameters, now: DateTime<Utc>) -> Option<Result<Value, Refusal>> {
        (action == "AssumeRole").then(|| self.assume(given, now))
    }
}
