//! publications: what operators had done with the routine.

use chrono::{DateTime, Utc};

use super::{Error, Session, page_of, statements};
use crate::domain::{
    Cursor, Page, PageRequest, Publication, PublicationId, PublicationKind, PublicationStatus, UserId,
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, status, commit_sha, code_hash, version, step, error_code, error, user_id, created_at,
                deadline_at, finished_at FROM publications ",
            $rest
        )
    };
}

statements! {
    INSERT = "INSERT INTO publications (routine, kind, status, commit_sha, code_hash, version, user_id, created_at,
            deadline_at)
        VALUES ($1, $2, 'queued', $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id";
    GET = select!("WHERE id = $1");
    LIST = select!("WHERE (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3");
    BEGIN = "UPDATE publications SET status = 'running' WHERE id = $1 AND finished_at IS NULL";
    CHOOSE = "UPDATE publications SET version = $2 WHERE id = $1 AND finished_at IS NULL AND version IS NULL";
    STEP = "UPDATE publications SET step = $2 WHERE id = $1 AND finished_at IS NULL";
    SUCCEED = "UPDATE publications SET status = 'succeeded', version = $2, finished_at = $3
        WHERE id = $1 AND finished_at IS NULL";
    FAIL = "UPDATE publications SET status = 'failed', error_code = $2, error = $3, finished_at = $4
        WHERE id = $1 AND finished_at IS NULL";
}

/// Something to be done.
#[derive(Debug)]
pub struct NewPublication<'a> {
    /// The routine's name.
    pub routine: &'a str,
    /// What.
    pub kind: PublicationKind,
    /// What the code was built from.
    pub commit_sha: &'a str,
    /// The hash of the code.
    pub code_hash: Option<&'a str>,
    /// The version, where it is known.
    pub version: Option<&'a str>,
    /// Who asked for it.
    pub user: UserId,
    /// When.
    pub now: DateTime<Utc>,
    /// When it is given up.
    pub deadline_at: DateTime<Utc>,
}

/// Notes what is to be done; `None` while something else is.
pub async fn insert(session: &mut impl Session, new: NewPublication<'_>) -> Result<Option<PublicationId>, Error> {
    let query = session.query(INSERT).bind(new.routine).bind(new.kind.as_str()).bind(new.commit_sha);
    let query = query.bind(new.code_hash).bind(new.version).bind(new.user.0).bind(new.now).bind(new.deadline_at);
    let row: Option<(i64,)> = query.fetch_optional().await?;
    Ok(row.map(|(id,)| PublicationId(id)))
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    kind: String,
    status: String,
    commit_sha: String,
    code_hash: Option<String>,
    version: Option<String>,
    step: Option<String>,
    error_code: Option<String>,
    error: Option<String>,
    user_id: i64,
    created_at: DateTime<Utc>,
    deadline_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Publication {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let unusable = |column| Error::Row { table: "publications", column, id: row.id };
        Ok(Self {
            id: PublicationId(row.id),
            kind: PublicationKind::from_text(&row.kind).ok_or_else(|| unusable("kind"))?,
            status: PublicationStatus::from_text(&row.status).ok_or_else(|| unusable("status"))?,
            commit_sha: row.commit_sha,
            code_hash: row.code_hash,
            version: row.version,
            step: row.step,
            error: row.error_code.zip(row.error),
            user_id: UserId(row.user_id),
            created_at: row.created_at,
            deadline_at: row.deadline_at,
            finished_at: row.finished_at,
        })
    }
}

/// Returns a publication.
pub async fn get(session: &mut impl Session, id: PublicationId) -> Result<Option<Publication>, Error> {
    let row: Option<Row> = session.query(GET).bind(id.0).fetch_optional().await?;
    row.map(Publication::try_from).transpose()
}

/// Returns publications, newest first.
pub async fn list(session: &mut impl Session, page: PageRequest) -> Result<Page<Publication>, Error> {
    let (created_at, id) = super::after(page);
    let query = session.query(LIST).bind(created_at).bind(id).bind(i64::from(page.limit) + 1);
    let rows: Vec<Row> = query.fetch_all().await?;
    let all = rows.into_iter().map(Publication::try_from).collect::<Result<_, _>>()?;
    Ok(page_of(all, page, |one: &Publication| Cursor { created_at: one.created_at, id: one.id.0 }))
}

/// Notes that a server does it, unless it has ended.
pub async fn begin(session: &mut impl Session, id: PublicationId) -> Result<(), Error> {
    session.query(BEGIN).bind(id.0).execute().await.map(drop)
}

/// Notes which version production is to run, unless that is noted.
pub async fn choose(session: &mut impl Session, id: PublicationId, version: &str) -> Result<(), Error> {
    session.query(CHOOSE).bind(id.0).bind(version).execute().await.map(drop)
}

/// Notes the step that begins.
pub async fn set_step(session: &mut impl Session, id: PublicationId, step: &str) -> Result<(), Error> {
    session.query(STEP).bind(id.0).bind(step).execute().await.map(drop)
}

/// Ends it well, unless it has ended.
pub async fn succeed(
    session: &mut impl Session,
    id: PublicationId,
    version: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    session.query(SUCCEED).bind(id.0).bind(version).bind(now).execute().await.map(drop)
}

/// Ends it as failed, unless it has ended.
pub async fn fail(
    session: &mut impl Session,
    id: PublicationId,
    code: &str,
    message: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    session.query(FAIL).bind(id.0).bind(code).bind(message).bind(now).execute().await.map(drop)
}
