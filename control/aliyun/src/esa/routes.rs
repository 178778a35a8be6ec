//! What is sent to a routine: requests that a rule of a site chooses, or everything of a record. Changes take minutes to
//! spread; while a site is being changed, calls fail as [`Busy`](crate::ErrorKind::Busy) and are repeated.

use serde::{Deserialize, Serialize};

use super::{Done, Service, Switch};
use crate::lenient::integer;
use crate::rpc::{Form, operation};

/// Adds a route.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateRoutineRoute {
    /// The site.
    pub site_id: i64,
    /// The routine.
    pub routine_name: String,
    /// The route's name.
    pub route_name: String,
    /// Whether it is in use.
    pub route_enable: Switch,
    /// Which requests, such as `(http.host eq "example.com")`.
    pub rule: String,
    /// Whether the routine only looks, and does not answer.
    pub bypass: Option<Switch>,
    /// Whether a request whose routine fails goes to the origin.
    pub fallback: Option<Switch>,
    /// Its place among the routes, from 1.
    pub sequence: Option<i64>,
    /// After how many seconds the routine has failed: `5` to `60`.
    pub timeout: Option<String>,
}
operation!(CreateRoutineRoute, POST, Unsafe, Form::Nothing => CreatedRoute);

/// Changes a route; what is not given stays.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateRoutineRoute {
    /// The site.
    pub site_id: i64,
    /// The route.
    pub config_id: i64,
    /// The routine.
    pub routine_name: Option<String>,
    /// The route's name.
    pub route_name: Option<String>,
    /// Whether it is in use.
    pub route_enable: Option<Switch>,
    /// Which requests.
    pub rule: Option<String>,
    /// Whether the routine only looks.
    pub bypass: Option<Switch>,
    /// Whether a request whose routine fails goes to the origin.
    pub fallback: Option<Switch>,
    /// Its place among the routes.
    pub sequence: Option<i64>,
    /// After how many seconds the routine has failed.
    pub timeout: Option<String>,
}
operation!(UpdateRoutineRoute, POST, Safe, Form::Nothing => Done);

/// Returns a route.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetRoutineRoute {
    /// The site.
    pub site_id: i64,
    /// The route.
    pub config_id: i64,
}
operation!(GetRoutineRoute, POST, Safe, Form::Nothing => Route);

/// Removes a route.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteRoutineRoute {
    /// The site.
    pub site_id: i64,
    /// The route.
    pub config_id: i64,
}
operation!(DeleteRoutineRoute, POST, Safe, Form::Nothing => Done);

/// Lists the routes to a routine.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListRoutineRoutes {
    /// The routine.
    pub routine_name: String,
    /// The page, from 1.
    pub page_number: Option<u32>,
    /// How many at most: 500.
    pub page_size: Option<u32>,
}
operation!(ListRoutineRoutes, POST, Safe, Form::Nothing => RoutePage);

/// Lists the routes of a site.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListSiteRoutes {
    /// The site.
    pub site_id: i64,
    /// `global` or `rule`.
    pub config_type: Option<String>,
    /// Only the one with this name.
    pub route_name: Option<String>,
    /// The page, from 1.
    pub page_number: Option<u32>,
    /// How many at most: 500.
    pub page_size: Option<u32>,
}
operation!(ListSiteRoutes, POST, Safe, Form::Nothing => RoutePage);

/// Gives a routine everything of one hostname of a site; nothing else answers there then.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateRoutineRelatedRecord {
    /// The routine.
    pub name: String,
    /// The site.
    pub site_id: i64,
    /// The hostname.
    pub record_name: String,
}
operation!(CreateRoutineRelatedRecord, POST, Unsafe, Form::Everything => CreatedRelatedRecord);

/// Takes a hostname from a routine.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteRoutineRelatedRecord {
    /// The routine.
    pub name: String,
    /// The site.
    pub site_id: i64,
    /// The record.
    pub record_id: i64,
    /// Its hostname.
    pub record_name: String,
}
operation!(
    DeleteRoutineRelatedRecord, POST, Safe, Form::Only(&["Name", "RecordId", "RecordName"]) => Done
);

/// Lists the hostnames of a routine.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListRoutineRelatedRecords {
    /// The routine.
    pub name: String,
    /// What their names contain.
    pub search_key_word: Option<String>,
    /// The page, from 1.
    pub page_number: Option<u32>,
    /// How many at most: 20.
    pub page_size: Option<u32>,
}
operation!(ListRoutineRelatedRecords, POST, Safe, Form::Everything => RelatedRecordPage);

/// A route that was added.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct CreatedRoute {
    /// Its id.
    #[serde(deserialize_with = "integer")]
    pub config_id: i64,
}

/// A route.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Route {
    /// Its id.
    #[serde(deserialize_with = "integer")]
    pub config_id: i64,
    /// The site, in lists of a routine's routes.
    #[serde(deserialize_with = "integer")]
    pub site_id: i64,
    /// The routine.
    pub routine_name: String,
    /// Its name.
    pub route_name: String,
    /// Whether it is in use.
    pub route_enable: Switch,
    /// Which requests.
    pub rule: String,
    /// Whether the routine only looks.
    pub bypass: Switch,
    /// Whether a request whose routine fails goes to the origin.
    pub fallback: Switch,
    /// Its place among the routes.
    #[serde(deserialize_with = "integer")]
    pub sequence: i64,
    /// After how many seconds the routine has failed.
    pub timeout: String,
}

/// A page of routes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RoutePage {
    /// The routes.
    pub configs: Vec<Route>,
    /// How many there are on all pages.
    #[serde(deserialize_with = "integer")]
    pub total_count: i64,
}

/// A hostname that was given to a routine.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct CreatedRelatedRecord {
    /// The record.
    #[serde(deserialize_with = "integer")]
    pub record_id: i64,
    /// `OK`.
    pub status: String,
}

/// A page of hostnames.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RelatedRecordPage {
    /// The hostnames.
    pub related_records: Vec<RelatedRecord>,
    /// How many there are on all pages.
    #[serde(deserialize_with = "integer")]
    pub total_count: i64,
}

/// A hostname of a routine.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RelatedRecord {
    /// The record.
    #[serde(deserialize_with = "integer")]
    pub record_id: i64,
    /// The hostname.
    pub record_name: String,
    /// The site.
    #[serde(deserialize_with = "integer")]
    pub site_id: i64,
    /// The site's name.
    pub site_name: String,
}
