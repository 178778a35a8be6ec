//! Purges, which are done after a while.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::state::{Purge, State, page, written};
use crate::openapi::{Parameters, Refusal, invalid};

const LASTING: TimeDelta = TimeDelta::seconds(5);
const MOST_A_DAY: i64 = 100_000;

/// The kinds, each with the member of the content that names what is forgotten.
const KINDS: [(&str, &str); 7] = [
    ("file", "Files"),
    ("cachekey", "CacheKeys"),
    ("cachetag", "CacheTags"),
    ("directory", "Directories"),
    ("ignoreParams", "IgnoreParams"),
    ("hostname", "Hostnames"),
    ("purgeall", "PurgeAll"),
];

impl State {
    pub(super) fn purge(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let site = self.site(given)?;
        let kind = given.needed("Type")?;
        let (_, member) = KINDS.iter().find(|(name, _)| *name == kind).ok_or_else(|| invalid("Type"))?;
        let text = given.needed("Content")?;
        let content: Value = serde_json::from_str(&text).map_err(|_| invalid("Content"))?;
        let named: Vec<String> = match &content[*member] {
            Value::Array(items) if !items.is_empty() => {
                items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect()
            }
            Value::Bool(true) if kind == "purgeall" => vec![site.name.clone()],
            _ => return Err(invalid("Content")),
        };
        let mut stored = self.stored();
        let id = stored.next_id();
        let purge = Purge { site_id: site.id, kind, content: named.join(","), begun: now };
        stored.purges.insert(id, purge);
        self.keep(&stored)?;
        Ok(json!({ "TaskId": id.to_string() }))
    }

    pub(super) fn list_purges(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let site = self.site(given)?;
        let (kind, status, content) = (given.text("Type"), given.text("Status"), given.text("Content"));
        let stored = self.stored();
        let shown = |id: &i64, purge: &Purge| {
            let done = now - purge.begun >= LASTING;
            let (status, process) = if done { ("Complete", "100%") } else { ("Refreshing", "50%") };
            json!({ "TaskId": id.to_string(), "Type": purge.kind, "Content": purge.content, "Status": status,
                    "Process": process, "CreateTime": written(purge.begun), "Description": "" })
        };
        let found: Vec<_> = stored
            .purges
            .iter()
            .rev()
            .filter(|(_, purge)| purge.site_id == site.id && kind.as_ref().is_none_or(|kind| purge.kind == *kind))
            .filter(|(_, purge)| content.as_ref().is_none_or(|content| purge.content == *content))
            .map(|(id, purge)| shown(id, purge))
            .filter(|shown| status.as_ref().is_none_or(|status| shown["Status"] == **status))
            .collect();
        page(given, "Tasks", &found, 20)
    }

    pub(super) fn purge_quota(&self, given: &Parameters, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let (site, kind) = (self.site(given)?, given.needed("Type")?);
        let stored = self.stored();
        let today = |purge: &&Purge| purge.begun.date_naive() == now.date_naive();
        let used = stored.purges.values().filter(|purge| purge.site_id == site.id && purge.kind == kind).filter(today);
        let used = used.count().to_string();
        Ok(json!({ "Quota": MOST_A_DAY.to_string(), "Usage": used, "Quota30Day": "0", "Usage30Day": "0" }))
    }
}
