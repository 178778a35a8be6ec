//! Sites, which are settings of the emulator, and their records.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::state::{Record, Site, State, needed_number, page, written};
use crate::openapi::{Parameters, Refusal, invalid};

/// What a record is given as.
const MEMBERS: [&str; 8] = ["RecordName", "Type", "Ttl", "Proxied", "BizName", "SourceType", "HostPolicy", "Comment"];

impl State {
    pub(super) fn list_sites(&self, given: &Parameters) -> Result<Value, Refusal> {
        let wanted = given.text("SiteName");
        let exact = given.text("SiteSearchType").as_deref() == Some("exact");
        let matches = |site: &&Site| match &wanted {
            Some(name) if exact => site.name == *name,
            Some(name) => site.name.contains(name),
            None => true,
        };
        let found: Vec<_> = self.sites.iter().filter(matches).map(described).collect();
        page(given, "Sites", &found, 500)
    }

    pub(super) fn get_site(&self, given: &Parameters) -> Result<Value, Refusal> {
        Ok(json!({ "SiteModel": described(self.site(given)?) }))
    }

    pub(super) fn match_site(&self, given: &Parameters) -> Result<Value, Refusal> {
        let name = given.needed("RecordName")?;
        let matches = |site: &&Site| name == site.name || name.ends_with(&format!(".{}", site.name));
        let site = self.sites.iter().find(matches);
        let words = "No active site matches the record name.";
        let site = site.ok_or_else(|| Refusal::new(400, "ActiveSiteNotExist", words))?;
        Ok(json!({ "SiteId": site.id, "SiteName": site.name }))
    }

    pub(super) fn create_record(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let site = self.site(given)?;
        let name = given.needed("RecordName")?;
        if name != site.name && !name.ends_with(&format!(".{}", site.name)) {
            return Err(invalid("RecordName"));
        }
        let members = members(given)?;
        let mut stored = self.stored();
        let same = |record: &&Record| {
            record.members["RecordName"] == members["RecordName"]
                && record.members["RecordType"] == members["RecordType"]
        };
        if stored.records.values().any(|record| same(&record)) {
            return Err(Refusal::new(400, "Record.Duplicate", "The specified record already exists."));
        }
        let id = stored.next_id();
        stored.records.insert(id, Record { site_id: site.id, members, created: now });
        self.keep(&stored)?;
        Ok(json!({ "RecordId": id }))
    }

    pub(super) fn update_record(&self, given: &Parameters) -> Result<Value, Refusal> {
        let id = needed_number(given, "RecordId")?;
        let mut stored = self.stored();
        let record = stored.records.get_mut(&id).ok_or_else(no_record)?;
        let Value::Object(changed) = members(given)? else { return Err(invalid("Data")) };
        for (name, value) in changed.into_iter().filter(|(_, value)| !value.is_null()) {
            record.members[name] = value;
        }
        self.keep(&stored)?;
        Ok(json!({}))
    }

    pub(super) fn get_record(&self, given: &Parameters) -> Result<Value, Refusal> {
        let id = needed_number(given, "RecordId")?;
        let stored = self.stored();
        let record = stored.records.get(&id).ok_or_else(no_record)?;
        Ok(json!({ "RecordModel": shown(id, record) }))
    }

    pub(super) fn list_records(&self, given: &Parameters) -> Result<Value, Refusal> {
        let site = self.site(given)?;
        let (name, kind) = (given.text("RecordName"), given.text("Type"));
        let exact = given.text("RecordMatchType").is_none_or(|kind| kind == "exact");
        let matches = |record: &Record| {
            let its = record.members["RecordName"].as_str().unwrap_or_default();
            let named = name.as_ref().is_none_or(|name| if exact { its == name } else { its.contains(name.as_str()) });
            record.site_id == site.id
                && named
                && kind.as_ref().is_none_or(|kind| record.members["RecordType"] == **kind)
        };
        let stored = self.stored();
        let found = stored.records.iter().filter(|(_, record)| matches(record));
        let found: Vec<_> = found.map(|(id, record)| shown(*id, record)).collect();
        page(given, "Records", &found, 500)
    }

    pub(super) fn delete_record(&self, given: &Parameters) -> Result<Value, Refusal> {
        let id = needed_number(given, "RecordId")?;
        let mut stored = self.stored();
        if stored.hostnames.values().any(|hostname| hostname.record_id == id) {
            return Err(Refusal::new(400, "DependedByOthers", "The record is used by custom hostnames."));
        }
        stored.records.remove(&id).ok_or_else(no_record)?;
        self.keep(&stored)?;
        Ok(json!({}))
    }
}

fn members(given: &Parameters) -> Result<Value, Refusal> {
    let mut members = json!({});
    for name in MEMBERS {
        let written = if name == "Type" {
            "RecordType"
        } else if name == "SourceType" {
            "RecordSourceType"
        } else {
            name
        };
        members[written] = match name {
            "Ttl" => given.number(name)?.into(),
            "Proxied" => given.text(name).map(|_| given.is_true(name)).into(),
            _ => given.text(name).into(),
        };
    }
    let data =
        given.text("Data").ok_or_else(|| Refusal::new(400, "MissingData", "Data is mandatory for this action."))?;
    members["Data"] = serde_json::from_str(&data).map_err(|_| invalid("Data"))?;
    Ok(members)
}

fn shown(id: i64, record: &Record) -> Value {
    let mut shown = record.members.clone();
    let name = shown["RecordName"].as_str().unwrap_or_default();
    shown["RecordCname"] = format!("{name}.emulated.atrustdns.com").into();
    shown["RecordId"] = id.into();
    shown["SiteId"] = record.site_id.into();
    shown["CreateTime"] = written(record.created).into();
    if let Value::Object(members) = &mut shown {
        members.retain(|_, value| !value.is_null());
    }
    shown
}

fn described(site: &Site) -> Value {
    json!({ "SiteId": site.id, "SiteName": site.name, "Status": "active", "AccessType": "NS", "Coverage": site.coverage,
            "InstanceId": "esa-site-emulated", "NameServerList": "a.emulated.example,b.emulated.example" })
}

fn no_record() -> Refusal {
    Refusal::new(404, "Record.NotFound", "The specified record does not exist.")
}
