//! protections, share_links and bypass_tokens: who sees a project's hostnames.

use chrono::{DateTime, Utc};
use miaobu_edge::protection::Password;

use super::{Error, Session, statements};
use crate::domain::{BypassToken, ProjectId, ProtectionTarget, Sha256, ShareLink};

statements! {
    LIST = "SELECT target, signing_key, password_salt, password_rounds, password_verifier, updated_at FROM protections
        WHERE project_id = $1 ORDER BY target";
    UPSERT = "INSERT INTO protections (project_id, target, signing_key, password_salt, password_rounds,
            password_verifier, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (project_id, target) DO UPDATE SET signing_key = excluded.signing_key,
            password_salt = excluded.password_salt, password_rounds = excluded.password_rounds,
            password_verifier = excluded.password_verifier, updated_at = excluded.updated_at";
    DELETE = "DELETE FROM protections WHERE project_id = $1 AND target = $2";
    INSERT_LINK = "INSERT INTO share_links (project_id, target, created_at, expires_at) VALUES ($1, $2, $3, $4)
        RETURNING id";
    LIST_LINKS = "SELECT id, target, created_at, expires_at FROM share_links
        WHERE project_id = $1 AND revoked_at IS NULL AND expires_at > $2 ORDER BY id DESC";
    REVOKE_LINK = "UPDATE share_links SET revoked_at = $3
        WHERE id = $1 AND project_id = $2 AND revoked_at IS NULL AND expires_at > $3";
    REVOKE_LINKS_OF = "UPDATE share_links SET revoked_at = $3
        WHERE project_id = $1 AND target = $2 AND revoked_at IS NULL";
    INSERT_TOKEN = "INSERT INTO bypass_tokens (project_id, name, hint, secret_hash, created_at)
        VALUES ($1, $2, $3, $4, $5) RETURNING id";
    LIST_TOKENS = "SELECT id, name, hint, secret_hash, created_at FROM bypass_tokens
        WHERE project_id = $1 AND revoked_at IS NULL ORDER BY id DESC";
    REVOKE_TOKEN = "UPDATE bypass_tokens SET revoked_at = $3
        WHERE id = $1 AND project_id = $2 AND revoked_at IS NULL";
}

/// What opens a target.
#[derive(Debug, Clone)]
pub struct ProtectionRow {
    /// Which hostnames.
    pub target: ProtectionTarget,
    /// Signs cookies and share links.
    pub signing_key: SigningKey,
    /// What recognises the password, if there is one.
    pub password: Option<Password>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A key that is not printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SigningKey(pub [u8; 32]);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

type Row = (String, Vec<u8>, Option<Vec<u8>>, Option<i64>, Option<Vec<u8>>, DateTime<Utc>);

fn read(project: ProjectId, (target, key, salt, rounds, verifier, updated_at): Row) -> Result<ProtectionRow, Error> {
    let unusable = |column| Error::Row { table: "protections", column, id: project.0 };
    let password = match (salt, rounds, verifier) {
        (Some(salt), Some(rounds), Some(verifier)) => Some(Password {
            salt: salt.try_into().map_err(|_| unusable("password_salt"))?,
            rounds: rounds.try_into().map_err(|_| unusable("password_rounds"))?,
            verifier: verifier.try_into().map_err(|_| unusable("password_verifier"))?,
        }),
        _ => None,
    };
    Ok(ProtectionRow {
        target: target_of(&target).ok_or_else(|| unusable("target"))?,
        signing_key: SigningKey(key.try_into().map_err(|_| unusable("signing_key"))?),
        password,
        updated_at,
    })
}

fn target_of(text: &str) -> Option<ProtectionTarget> {
    ProtectionTarget::from_text(text)
}

/// Returns what is protected of a project.
pub async fn list(session: &mut impl Session, project: ProjectId) -> Result<Vec<ProtectionRow>, Error> {
    let rows: Vec<Row> = session.query(LIST).bind(project.0).fetch_all().await?;
    rows.into_iter().map(|row| read(project, row)).collect()
}

/// Protects a target, or changes how.
pub async fn upsert(session: &mut impl Session, project: ProjectId, row: &ProtectionRow) -> Result<(), Error> {
    let password = row.password.as_ref();
    session
        .query(UPSERT)
        .bind(project.0)
        .bind(row.target.as_str())
        .bind(&row.signing_key.0[..])
        .bind(password.map(|password| password.salt.to_vec()))
        .bind(password.map(|password| i64::try_from(password.rounds).unwrap_or(i64::MAX)))
        .bind(password.map(|password| password.verifier.to_vec()))
        .bind(row.updated_at)
        .execute()
        .await?;
    Ok(())
}

/// Lets everybody see a target and returns whether it was protected. Its share links end.
pub async fn delete(
    session: &mut impl Session,
    project: ProjectId,
    target: ProtectionTarget,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let deleted = session.query(DELETE).bind(project.0).bind(target.as_str()).execute().await? == 1;
    session.query(REVOKE_LINKS_OF).bind(project.0).bind(target.as_str()).bind(now).execute().await?;
    Ok(deleted)
}

/// Makes a share link.
pub async fn insert_link(
    session: &mut impl Session,
    project: ProjectId,
    target: ProtectionTarget,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<i64, Error> {
    let query = session.query(INSERT_LINK).bind(project.0).bind(target.as_str()).bind(now).bind(expires_at);
    let (id,): (i64,) = query.fetch_one().await?;
    Ok(id)
}

/// Returns the share links that still open something, newest first.
pub async fn list_links(
    session: &mut impl Session,
    project: ProjectId,
    now: DateTime<Utc>,
) -> Result<Vec<ShareLink>, Error> {
    let rows: Vec<(i64, String, DateTime<Utc>, DateTime<Utc>)> =
        session.query(LIST_LINKS).bind(project.0).bind(now).fetch_all().await?;
    rows.into_iter()
        .map(|(id, target, created_at, expires_at)| {
            let target = target_of(&target).ok_or(Error::Row { table: "share_links", column: "target", id })?;
            Ok(ShareLink { id, target, created_at, expires_at })
        })
        .collect()
}

/// Ends a share link and returns whether there was one.
pub async fn revoke_link(
    session: &mut impl Session,
    project: ProjectId,
    id: i64,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    Ok(session.query(REVOKE_LINK).bind(id).bind(project.0).bind(now).execute().await? == 1)
}

/// Keeps a bypass token.
pub async fn insert_token(
    session: &mut impl Session,
    project: ProjectId,
    (name, hint): (&str, &str),
    secret_hash: Sha256,
    now: DateTime<Utc>,
) -> Result<BypassToken, Error> {
    let (id,): (i64,) = session
        .query(INSERT_TOKEN)
        .bind(project.0)
        .bind(name)
        .bind(hint)
        .bind(&secret_hash.0[..])
        .bind(now)
        .fetch_one()
        .await?;
    Ok(BypassToken { id, name: name.to_owned(), hint: hint.to_owned(), created_at: now })
}

type TokenRow = (i64, String, String, Vec<u8>, DateTime<Utc>);

/// Returns the bypass tokens and the digests of their secrets, newest first.
pub async fn list_tokens(
    session: &mut impl Session,
    project: ProjectId,
) -> Result<Vec<(BypassToken, [u8; 32])>, Error> {
    let rows: Vec<TokenRow> = session.query(LIST_TOKENS).bind(project.0).fetch_all().await?;
    rows.into_iter()
        .map(|(id, name, hint, hash, created_at)| {
            let unusable = Error::Row { table: "bypass_tokens", column: "secret_hash", id };
            Ok((BypassToken { id, name, hint, created_at }, hash.try_into().map_err(|_| unusable)?))
        })
        .collect()
}

/// Makes a bypass token stop working and returns whether there was one.
pub async fn revoke_token(
    session: &mut impl Session,
    project: ProjectId,
    id: i64,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    Ok(session.query(REVOKE_TOKEN).bind(id).bind(project.0).bind(now).execute().await? == 1)
}
