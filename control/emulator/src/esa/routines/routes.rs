//! What is sent to a routine: requests that a rule chooses, or everything of a hostname.

use serde_json::{Value, json};

use super::state::{Related, Route, Stored};
use super::{Routines, no_routine};
use crate::esa::state::{needed_number, page};
use crate::openapi::{Parameters, Refusal, invalid};

const MEMBERS: [&str; 8] =
    ["RoutineName", "RouteName", "RouteEnable", "Rule", "Bypass", "Fallback", "Sequence", "Timeout"];

impl Stored {
    /// Returns the routine that answers for `host`: rules come first.
    pub(super) fn routine_of(&self, host: &str) -> Option<&str> {
        let enabled = self.routes.values().filter(|route| route.member("RouteEnable") == "on");
        let mut routes: Vec<&Route> = enabled.collect();
        routes.sort_by_key(|route| route.member("Sequence").parse().unwrap_or(i64::MAX));
        let chosen = routes.into_iter().find(|route| holds(route.member("Rule"), host) == Some(true));
        chosen.map(|route| route.routine.as_str()).or_else(|| {
            let has = |(_, routine): &(&String, &super::Routine)| routine.related.values().any(|its| its.name == host);
            self.routines.iter().find(has).map(|(name, _)| name.as_str())
        })
    }
}

impl Route {
    fn member(&self, name: &str) -> &str {
        self.members.get(name).map_or("", String::as_str)
    }

    fn shown(&self, id: i64) -> Value {
        let mut shown = json!({ "ConfigId": id, "SiteId": self.site_id, "ConfigType": "rule" });
        for (name, value) in &self.members {
            shown[name] = value.parse::<i64>().map_or(value.as_str().into(), Value::from);
        }
        shown["Timeout"] = self.member("Timeout").into();
        shown
    }
}

impl Routines {
    pub(super) fn create_route(&self, given: &Parameters) -> Result<Value, Refusal> {
        let site_id = self.site(given)?;
        let routine = given.needed("RoutineName")?;
        let (_, _, rule) = (given.needed("RouteName")?, given.needed("RouteEnable")?, given.needed("Rule")?);
        compiled(&rule)?;
        let mut stored = self.stored();
        if !stored.routines.contains_key(&routine) {
            return Err(no_routine());
        }
        let id = stored.next_id();
        let members = MEMBERS.iter().filter_map(|name| Some(((*name).to_owned(), given.text(name)?))).collect();
        stored.routes.insert(id, Route { site_id, routine, members });
        self.keep(&stored)?;
        Ok(json!({ "ConfigId": id }))
    }

    pub(super) fn update_route(&self, given: &Parameters) -> Result<Value, Refusal> {
        let id = needed_number(given, "ConfigId")?;
        given.text("Rule").map_or(Ok(()), |rule| compiled(&rule))?;
        let mut stored = self.stored();
        let route = stored.routes.get_mut(&id).ok_or_else(|| invalid("ConfigId"))?;
        route.members.extend(MEMBERS.iter().filter_map(|name| Some(((*name).to_owned(), given.text(name)?))));
        route.routine = route.member("RoutineName").to_owned();
        self.keep(&stored)?;
        Ok(json!({}))
    }

    pub(super) fn list_routes(&self, given: &Parameters) -> Result<Value, Refusal> {
        let name = given.needed("RoutineName")?;
        let stored = self.stored();
        let found: Vec<_> = stored.routes.iter().filter(|(_, route)| route.routine == name).collect();
        page(given, "Configs", &found.iter().map(|(id, route)| route.shown(**id)).collect::<Vec<_>>(), 500)
    }

    pub(super) fn list_site_routes(&self, given: &Parameters) -> Result<Value, Refusal> {
        let (site, name) = (self.site(given)?, given.text("RouteName"));
        let stored = self.stored();
        let named = |route: &Route| name.as_ref().is_none_or(|name| route.member("RouteName") == name);
        let found = stored.routes.iter().filter(|(_, route)| route.site_id == site && named(route));
        page(given, "Configs", &found.map(|(id, route)| route.shown(*id)).collect::<Vec<_>>(), 500)
    }

    pub(super) fn delete_route(&self, given: &Parameters) -> Result<Value, Refusal> {
        let id = needed_number(given, "ConfigId")?;
        let mut stored = self.stored();
        stored.routes.remove(&id).ok_or_else(|| invalid("ConfigId"))?;
        self.keep(&stored)?;
        Ok(json!({}))
    }

    pub(super) fn create_related(&self, given: &Parameters) -> Result<Value, Refusal> {
        let (site_id, name) = (self.site(given)?, given.needed("RecordName")?);
        let mut stored = self.stored();
        let id = stored.next_id();
        let routine = stored.routines.get_mut(&given.needed("Name")?).ok_or_else(no_routine)?;
        routine.related.insert(id, Related { site_id, name });
        self.keep(&stored)?;
        Ok(json!({ "Status": "OK", "RecordId": id }))
    }

    pub(super) fn list_related(&self, given: &Parameters) -> Result<Value, Refusal> {
        self.read(given, |_, routine| {
            let found: Vec<_> = routine
                .related
                .iter()
                .map(|(id, its)| {
                    let site = self.sites.iter().find(|site| site.id == its.site_id).map(|site| &site.name);
                    json!({ "RecordId": id, "RecordName": its.name, "SiteId": its.site_id, "SiteName": site })
                })
                .collect();
            page(given, "RelatedRecords", &found, 20)
        })
    }

    pub(super) fn delete_related(&self, given: &Parameters) -> Result<Value, Refusal> {
        let id = needed_number(given, "RecordId")?;
        self.change(given, |_, routine| {
            routine.related.remove(&id).ok_or_else(|| invalid("RecordId"))?;
            Ok(json!({ "Status": "OK" }))
        })
    }

    fn site(&self, given: &Parameters) -> Result<i64, Refusal> {
        let id = needed_number(given, "SiteId")?;
        let words = "The specified site does not exist.";
        let known = self.sites.iter().any(|site| site.id == id);
        if known { Ok(id) } else { Err(Refusal::new(404, "SiteNotFound", words)) }
    }
}

fn compiled(rule: &str) -> Result<(), Refusal> {
    let words = "The rule cannot be compiled. The emulator knows conditions on http.host, joined by or.";
    holds(rule, "").map(drop).ok_or_else(|| Refusal::new(400, "CompileRuleError", words))
}

/// Whether a rule chooses requests for `host`; `None` where it is none that is known here.
fn holds(rule: &str, host: &str) -> Option<bool> {
    let mut any = false;
    for condition in rule.split(" or ") {
        let condition = condition.trim();
        let condition = condition.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(condition);
        let quoted = |text: &str| text.trim().strip_prefix('"')?.strip_suffix('"').map(str::to_owned);
        any |= if condition == "true" {
            true
        } else if let Some(name) = condition.strip_prefix("http.host eq ") {
            quoted(name)? == host
        } else if let Some(inner) = condition.strip_prefix("ends_with(http.host,") {
            host.ends_with(&quoted(inner.strip_suffix(')')?)?)
        } else {
            return None;
        };
    }
    Some(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_choose_by_host_and_unknown_ones_are_refused() {
        assert_eq!(holds("(http.host eq \"a.example\")", "a.example"), Some(true));
        let either = "(http.host eq \"a.example\") or (ends_with(http.host, \".b.example\"))";
        assert_eq!([holds(either, "x.b.example"), holds(either, "b.example")], [Some(true), Some(false)]);
        assert_eq!(holds("true", "x"), Some(true));
        assert_eq!(holds("http.request.uri.path eq \"/\"", "x"), None);
    }
}
