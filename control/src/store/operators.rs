//! users: who of them is an operator.

use chrono::{DateTime, Utc};

use super::{Error, Session, page_of, statements};
use crate::domain::{Cursor, Operator, Page, PageRequest, UserId};

statements! {
    GET = "SELECT id, login, name, created_at FROM users WHERE id = $1 AND operator";
    LIST = "SELECT id, login, name, created_at FROM users WHERE operator AND (created_at, id) < ($1, $2)
        ORDER BY created_at DESC, id DESC LIMIT $3";
    SET = "UPDATE users SET operator = TRUE WHERE id = $1 AND NOT operator";
    UNSET = "UPDATE users SET operator = FALSE WHERE id = $1 AND operator
        AND EXISTS (SELECT 1 FROM users AS other WHERE other.operator AND other.id <> $1)";
}

/// Has changes of who is an operator come one after another, as they do on SQLite: two who take it from each other at once
/// would leave none. The number only has to be nobody else's.
pub const ALONE: [&str; 2] =
    ["SELECT CAST(1 AS BIGINT) AS one", "SELECT CAST(1 AS BIGINT) AS one FROM pg_advisory_xact_lock(770003)"];

#[derive(sqlx::FromRow)]
struct OperatorRow {
    id: i64,
    login: String,
    name: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<OperatorRow> for Operator {
    fn from(row: OperatorRow) -> Self {
        Self { id: UserId(row.id), login: row.login, name: row.name, created_at: row.created_at }
    }
}

/// Keeps every other transaction that locks the operators waiting until this one ends.
pub async fn lock(session: &mut impl Session) -> Result<(), Error> {
    let _alone: (i64,) = session.query_either(ALONE[0], ALONE[1]).fetch_one().await?;
    Ok(())
}

/// Returns a user who is an operator.
pub async fn get(session: &mut impl Session, id: UserId) -> Result<Option<Operator>, Error> {
    let row: Option<OperatorRow> = session.query(GET).bind(id.0).fetch_optional().await?;
    Ok(row.map(Operator::from))
}

/// Returns operators, the newest account first.
pub async fn list(session: &mut impl Session, page: PageRequest) -> Result<Page<Operator>, Error> {
    let (created_at, id) = super::after(page);
    let query = session.query(LIST).bind(created_at).bind(id).bind(i64::from(page.limit) + 1);
    let rows: Vec<OperatorRow> = query.fetch_all().await?;
    let operators = rows.into_iter().map(Operator::from).collect();
    Ok(page_of(operators, page, |operator: &Operator| Cursor { created_at: operator.created_at, id: operator.id.0 }))
}

/// Makes a user an operator; `false` when the user is one.
pub async fn set(session: &mut impl Session, id: UserId) -> Result<bool, Error> {
    Ok(session.query(SET).bind(id.0).execute().await? == 1)
}

/// Makes an operator a user like others; `false` for the last one. The caller holds [`lock`].
pub async fn unset(session: &mut impl Session, id: UserId) -> Result<bool, Error> {
    Ok(session.query(UNSET).bind(id.0).execute().await? == 1)
}
