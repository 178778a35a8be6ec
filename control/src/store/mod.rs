//! Rows: one file per family of tables, each naming its statements in one list that a test prepares on both databases.

mod announcements;
mod db;
mod error;
mod query;
mod reach;
mod row;
mod shared_lock;
mod shelf;

pub mod audit;
pub mod blobs;
pub mod deployments;
pub mod domains;
pub mod drift;
pub mod edge_kv;
pub mod env_vars;
pub mod hostnames;
pub mod idempotency;
pub mod identities;
pub mod job_list;
pub mod jobs;
pub mod logs;
pub mod meta;
pub mod operators;
pub mod projects;
pub mod protections;
pub mod publications;
pub mod releases;
pub mod rooms;
pub mod sessions;
pub mod snapshot;
pub mod splits;
pub mod teams;
pub mod tokens;
pub mod users;

use chrono::{DateTime, Utc};

use crate::domain::{Cursor, Page, PageRequest};

pub use announcements::{Announcement, Announcements};
pub use db::{Access, Db, Location, Param, Reader, Record, Session, Tx};
pub use error::Error;
pub use query::Query;
pub use reach::Reach;
use row::ordered_row;
pub use shared_lock::{Held, SharedLock};
pub use shelf::{Borrowed, Shelf};

/// Names statements and lists them, so that none is left out of the test that prepares them all.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $(const $name: &str = $sql;)*
        /// Every statement of this module, by name.
        pub const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}
use statements;

/// Keeps to the projects that a token is good for. The statements for everybody else come without: looking whether there is
/// anything to keep to takes PostgreSQL as long as reading a few rows.
macro_rules! bound_to {
    ($token:literal) => {
        bound_to!($token, "projects.id")
    };
    ($token:literal, $project:literal) => {
        concat!(
            " AND EXISTS (SELECT 1 FROM api_token_projects AS bound WHERE bound.token_id = ",
            $token,
            " AND bound.project_id = ",
            $project,
            ")"
        )
    };
}
use bound_to;

/// Every statement of every table, by module and name.
pub fn all_statements() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let modules = [
        ("audit", audit::STATEMENTS),
        ("blobs", blobs::STATEMENTS),
        ("deployments", deployments::STATEMENTS),
        ("deployments", deployments::page::STATEMENTS),
        ("domains", domains::STATEMENTS),
        ("drift", drift::STATEMENTS),
        ("edge_kv", edge_kv::STATEMENTS),
        ("env_vars", env_vars::STATEMENTS),
        ("hostnames", hostnames::STATEMENTS),
        ("idempotency", idempotency::STATEMENTS),
        ("identities", identities::STATEMENTS),
        ("job_list", job_list::STATEMENTS),
        ("jobs", jobs::STATEMENTS),
        ("logs", logs::STATEMENTS),
        ("meta", meta::STATEMENTS),
        ("operators", operators::STATEMENTS),
        ("projects", projects::STATEMENTS),
        ("protections", protections::STATEMENTS),
        ("publications", publications::STATEMENTS),
        ("releases", releases::STATEMENTS),
        ("sessions", sessions::STATEMENTS),
        ("splits", splits::STATEMENTS),
        ("teams", teams::STATEMENTS),
        ("tokens", tokens::STATEMENTS),
        ("users", users::STATEMENTS),
    ];
    modules.into_iter().flat_map(|(module, statements)| statements.iter().map(move |&(name, sql)| (module, name, sql)))
}

/// Returns the keyset values that a page begins after; those of the first page are larger than every row's.
fn after(page: PageRequest) -> (DateTime<Utc>, i64) {
    const END_OF_TIME: DateTime<Utc> = match DateTime::from_timestamp(253_402_300_799, 0) {
        Some(time) => time,
        None => panic!("the last second of the year 9999 is a time"),
    };
    page.after.map_or((END_OF_TIME, i64::MAX), |cursor| (cursor.created_at, cursor.id))
}

/// Returns the page that `rows` make, which were asked for with one more than the page holds.
fn page_of<T>(mut rows: Vec<T>, page: PageRequest, cursor: impl Fn(&T) -> Cursor) -> Page<T> {
    let limit = page.limit as usize;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(cursor);
    Page { items: rows, next }
}
