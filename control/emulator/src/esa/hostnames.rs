//! Custom hostnames, from being named to being served.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::state::{Hostname, State, needed_number, page, written};
use crate::openapi::{Parameters, Refusal, invalid};

/// As many as are made in an hour.
const MOST_AN_HOUR: usize = 100;
/// How long a certificate is asked for.
const ISSUING: TimeDelta = TimeDelta::seconds(10);
/// How long it holds.
const LASTING: TimeDelta = TimeDelta::days(90);

impl State {
    pub(super) fn create_hostname(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let site = self.site(given)?;
        let (name, record_id) = (given.needed("Hostname")?, needed_number(given, "RecordId")?);
        let letters =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'*');
        if !name.contains('.') || !name.bytes().all(letters) {
            return Err(invalid("Hostname"));
        }
        let (ssl, cert_type) = certificate(given)?;
        if site.coverage != "overseas" && self.outside.is_without_filing(&name) {
            let words = "The custom hostname has no ICP filing.";
            return Err(Refusal::new(400, "CustomHostname.InvalidICP", words));
        }
        let mut stored = self.stored();
        stored.records.get(&record_id).ok_or_else(|| invalid("RecordId"))?;
        let recent = stored.hostnames.values().filter(|hostname| now - hostname.created < TimeDelta::hours(1));
        if recent.count() >= MOST_AN_HOUR {
            return Err(Refusal::new(400, "Throttling.User", "Request was denied due to user flow control."));
        }
        let id = stored.next_id();
        let hostname = Hostname {
            site_id: site.id,
            record_id,
            name: name.clone(),
            ssl: ssl.unwrap_or_default(),
            cert_type: cert_type.unwrap_or_default(),
            verified: false,
            code: format!("verify_{id:032x}"),
            cert_asked: None,
            created: now,
            updated: now,
        };
        stored.hostnames.insert(id, hostname);
        self.keep(&stored)?;
        Ok(json!({ "Hostname": name, "HostnameId": id }))
    }

    pub(super) fn update_hostname(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let (ssl, cert_type) = certificate(given)?;
        let record = given.number("RecordId")?;
        self.change(given, now, |hostname| {
            hostname.record_id = record.unwrap_or(hostname.record_id);
            hostname.cert_type = cert_type.unwrap_or(hostname.cert_type.clone());
            hostname.ssl = ssl.unwrap_or(hostname.ssl);
            hostname.cert_asked = hostname.cert_asked.or(Some(now)).filter(|_| hostname.ssl && hostname.verified);
        })
    }

    pub(super) fn get_hostname(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let id = needed_number(given, "HostnameId")?;
        let stored = self.stored();
        let hostname = stored.hostnames.get(&id).ok_or_else(no_hostname)?;
        Ok(json!({ "CustomHostnameModel": self.shown(id, hostname, &stored.hostnames, now) }))
    }

    pub(super) fn list_hostnames(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let site = self.site(given)?;
        let (name, record, status) = (given.text("Hostname"), given.number("RecordId")?, given.text("Status"));
        let kind = given.text("NameMatchType").unwrap_or_else(|| "exact".into());
        let named = |its: &str| match (&name, kind.as_str()) {
            (None, _) => true,
            (Some(name), "prefix") => its.starts_with(name.as_str()),
            (Some(name), "suffix") => its.ends_with(name.as_str()),
            (Some(name), "fuzzy") => its.contains(name.as_str()),
            (Some(name), _) => its == name,
        };
        let stored = self.stored();
        let found: Vec<_> = stored
            .hostnames
            .iter()
            .filter(|(_, hostname)| hostname.site_id == site.id && named(&hostname.name))
            .filter(|(_, hostname)| record.is_none_or(|record| hostname.record_id == record))
            .map(|(id, hostname)| self.shown(*id, hostname, &stored.hostnames, now))
            .filter(|shown| status.as_ref().is_none_or(|status| shown["Status"] == **status))
            .collect();
        page(given, "Hostnames", &found, 100)
    }

    pub(super) fn verify_hostname(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let id = needed_number(given, "HostnameId")?;
        let mut stored = self.stored();
        let hostname = stored.hostnames.get_mut(&id).ok_or_else(no_hostname)?;
        if !self.outside.is_proved(&hostname.name) {
            // The service answers this with success.
            let words = "The verification of the custom hostname has not passed.";
            return Ok(json!({ "Code": "CustomHostname.VerifyUnpassed", "Message": words, "Passed": false }));
        }
        hostname.verified = true;
        hostname.updated = now;
        hostname.cert_asked = hostname.cert_asked.or(Some(now)).filter(|_| hostname.ssl);
        self.keep(&stored)?;
        Ok(json!({ "Passed": true }))
    }

    pub(super) fn apply_certificate(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        self.change(given, now, |hostname| hostname.cert_asked = Some(now))
    }

    pub(super) fn delete_hostname(&self, given: &Parameters) -> Result<Value, Refusal> {
        let id = needed_number(given, "HostnameId")?;
        let mut stored = self.stored();
        stored.hostnames.remove(&id).ok_or_else(no_hostname)?;
        self.keep(&stored)?;
        Ok(json!({}))
    }

    /// Each hostname and its state.
    pub(super) fn hostname_states(&self, now: DateTime<Utc>) -> Vec<[String; 2]> {
        let stored = self.stored();
        let shown = |(id, hostname): (&i64, &Hostname)| {
            let shown = self.shown(*id, hostname, &stored.hostnames, now);
            [hostname.name.clone(), shown["Status"].as_str().unwrap_or_default().to_owned()]
        };
        stored.hostnames.iter().map(shown).collect()
    }

    /// Whether `host` is a site's, or an active custom hostname.
    pub(super) fn serves(&self, host: &str, now: DateTime<Utc>) -> bool {
        let is_sites = |site: &str| host.strip_suffix(site).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        let active = |[name, status]: [String; 2]| status == "active" && name == host;
        self.sites.iter().any(|site| is_sites(&site.name)) || self.hostname_states(now).into_iter().any(active)
    }

    fn change(
        &self,
        given: &Parameters,
        now: DateTime<Utc>,
        change: impl FnOnce(&mut Hostname),
    ) -> Result<Value, Refusal> {
        let id = needed_number(given, "HostnameId")?;
        let mut stored = self.stored();
        let hostname = stored.hostnames.get_mut(&id).ok_or_else(no_hostname)?;
        change(hostname);
        hostname.updated = now;
        self.keep(&stored)?;
        Ok(json!({}))
    }

    fn shown(
        &self,
        id: i64,
        hostname: &Hostname,
        all: &std::collections::BTreeMap<i64, Hostname>,
        now: DateTime<Utc>,
    ) -> Value {
        let Hostname { site_id, record_id, name, ssl, cert_type, verified, code, .. } = hostname;
        let site = self.sites.iter().find(|site| site.id == *site_id);
        let earlier = all.iter().any(|(other, its)| *other < id && its.name == *name);
        let taken = self.outside.taken(name).or(earlier.then(|| "existing_custom_hostname".to_owned()));
        let no_filing = site.is_some_and(|site| site.coverage != "overseas") && self.outside.is_without_filing(name);
        let status = match (&taken, no_filing, verified) {
            (Some(_), ..) => "conflicted",
            (None, true, _) => "offline",
            (None, false, true) => "active",
            (None, false, false) => "pending",
        };
        let mut shown = json!({
            "HostnameId": id, "Hostname": name, "SiteId": site_id, "RecordId": record_id, "Status": status,
            "SiteName": site.map(|site| &site.name), "ConflictWith": taken, "VerifyCode": code,
            "OfflineReason": no_filing.then_some("missing_icp"), "SslFlag": if *ssl { "on" } else { "off" },
            "VerifyHost": format!("_esa_custom_hostname.{name}"), "CreateTime": written(hostname.created),
            "UpdateTime": written(hostname.updated),
        });
        if *ssl {
            let issued = hostname.cert_asked.filter(|asked| now - *asked >= ISSUING);
            shown["CertType"] = cert_type.as_str().into();
            shown["CertStatus"] = if issued.is_some() { "OK" } else { "Applying" }.into();
            shown["CertApplyMessage"] = if issued.is_some() { "issued" } else { "applying" }.into();
            shown["CertTxtKey"] = format!("_acme-challenge.{name}").into();
            shown["CertTxtValue"] = format!("challenge-{id}").into();
            shown["CertHttpKey"] = format!("http://{name}/.well-known/acme-challenge/{id}").into();
            shown["CertHttpValue"] = format!("{id}.emulated").into();
            shown["CertNotAfter"] = issued.map(|asked| written(asked + LASTING)).into();
        }
        if let Value::Object(members) = &mut shown {
            members.retain(|_, value| !value.is_null());
        }
        shown
    }
}

/// Returns what was said of certificates.
fn certificate(given: &Parameters) -> Result<(Option<bool>, Option<String>), Refusal> {
    let ssl = match given.text("SslFlag").as_deref() {
        None => None,
        Some("on") => Some(true),
        Some("off") => Some(false),
        Some(_) => return Err(invalid("SslFlag")),
    };
    let cert_type = given.text("CertType");
    match cert_type.as_deref() {
        None if ssl == Some(true) => {
            Err(Refusal::new(400, "MissingCertType", "CertType is mandatory for this action."))
        }
        Some("upload") if given.text("Certificate").is_none() || given.text("PrivateKey").is_none() => {
            Err(Refusal::new(400, "MissingCertificate", "Certificate is mandatory for this action."))
        }
        None | Some("free" | "upload" | "cas") => Ok((ssl, cert_type)),
        Some(_) => Err(invalid("CertType")),
    }
}

fn no_hostname() -> Refusal {
    Refusal::new(404, "CustomHostname.NotFound", "The specified custom hostname does not exist.")
}
