//! teams, team_members, team_invitations.

use chrono::{DateTime, Utc};

use super::{Error, Session, page_of, statements};
use crate::domain::{
    Cursor, EmailAddress, Invitation, InvitationId, Member, Page, PageRequest, Role, Sha256, Team, TeamId, UserId,
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT teams.id, teams.name, teams.personal_of, teams.created_at, teams.updated_at, team_members.role
             FROM teams JOIN team_members ON team_members.team_id = teams.id AND team_members.user_id = $1 ",
            $rest
        )
    };
}

statements! {
    INSERT = "INSERT INTO teams (name, personal_of, created_at, updated_at) VALUES ($1, $2, $3, $3) RETURNING id";
    GET = select!("WHERE teams.id = $2");
    GET_PERSONAL = select!("WHERE teams.personal_of = $1");
    LIST = select!("WHERE (teams.created_at, teams.id) < ($2, $3)
        ORDER BY teams.created_at DESC, teams.id DESC LIMIT $4");
    RENAME = "UPDATE teams SET name = $2, updated_at = $3 WHERE id = $1";
    LOCK = "UPDATE teams SET updated_at = updated_at WHERE id = $1";
    DELETE = "DELETE FROM teams WHERE id = $1";
    DELETE_MEMBERS = "DELETE FROM team_members WHERE team_id = $1";
    DELETE_INVITATIONS = "DELETE FROM team_invitations WHERE team_id = $1";
    HAND_OVER_AUDIT = "UPDATE audit_events
        SET team_id = (SELECT teams.id FROM teams WHERE teams.personal_of = audit_events.user_id) WHERE team_id = $1";
    COUNT_PROJECTS = "SELECT COUNT(*) AS count FROM projects WHERE team_id = $1";
    PUT_MEMBER = "INSERT INTO team_members (team_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (team_id, user_id) DO UPDATE SET role = excluded.role";
    DELETE_MEMBER = "DELETE FROM team_members WHERE team_id = $1 AND user_id = $2";
    GET_ROLE = "SELECT role FROM team_members WHERE team_id = $1 AND user_id = $2";
    COUNT_OWNERS = "SELECT COUNT(*) AS count FROM team_members WHERE team_id = $1 AND role = 'owner'";
    LIST_MEMBERS = "SELECT users.id, users.login, team_members.role, team_members.created_at
        FROM team_members JOIN users ON users.id = team_members.user_id
        WHERE team_members.team_id = $1 AND (team_members.created_at, users.id) < ($2, $3)
        ORDER BY team_members.created_at DESC, users.id DESC LIMIT $4";
    GET_MEMBER = "SELECT users.id, users.login, team_members.role, team_members.created_at
        FROM team_members JOIN users ON users.id = team_members.user_id
        WHERE team_members.team_id = $1 AND users.id = $2";
    INVITE = "INSERT INTO team_invitations (team_id, email, role, secret_hash, invited_by, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id, team_id, email, role, created_at, expires_at";
    LIST_INVITATIONS = "SELECT id, team_id, email, role, created_at, expires_at FROM team_invitations
        WHERE team_id = $1 AND expires_at > $5 AND (created_at, id) < ($2, $3)
        ORDER BY created_at DESC, id DESC LIMIT $4";
    REVOKE_INVITATION = "DELETE FROM team_invitations WHERE team_id = $1 AND id = $2";
    REVOKE_INVITATIONS_FOR = "DELETE FROM team_invitations WHERE team_id = $1 AND email = $2";
    DELETE_EXPIRED_INVITATIONS = "DELETE FROM team_invitations WHERE expires_at <= $1";
    GET_INVITATION = "SELECT id, team_id, email, role, created_at, expires_at FROM team_invitations
        WHERE secret_hash = $1 AND expires_at > $2";
}

#[derive(sqlx::FromRow)]
struct TeamRow {
    id: i64,
    name: String,
    personal_of: Option<i64>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    role: String,
}

impl TryFrom<TeamRow> for (Team, Role) {
    type Error = Error;

    fn try_from(row: TeamRow) -> Result<Self, Error> {
        let role = role(&row.role, row.id)?;
        let team = Team {
            id: TeamId(row.id),
            name: row.name,
            personal_of: row.personal_of.map(UserId),
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        Ok((team, role))
    }
}

fn role(text: &str, id: i64) -> Result<Role, Error> {
    Role::from_text(text).ok_or(Error::Row { table: "team_members", column: "role", id })
}

type MemberRow = (i64, String, String, DateTime<Utc>);

fn member((id, login, text, created_at): MemberRow) -> Result<Member, Error> {
    Ok(Member { user_id: UserId(id), login, role: role(&text, id)?, created_at })
}

#[derive(sqlx::FromRow)]
struct InvitationRow {
    id: i64,
    team_id: i64,
    email: String,
    role: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl TryFrom<InvitationRow> for Invitation {
    type Error = Error;

    fn try_from(row: InvitationRow) -> Result<Self, Error> {
        let unusable = |column| Error::Row { table: "team_invitations", column, id: row.id };
        Ok(Self {
            id: InvitationId(row.id),
            team_id: TeamId(row.team_id),
            email: EmailAddress::parse(&row.email).map_err(|_| unusable("email"))?,
            role: Role::from_text(&row.role).ok_or_else(|| unusable("role"))?,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}

/// Makes a team without members.
pub async fn insert(
    session: &mut impl Session,
    name: &str,
    personal_of: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<TeamId, Error> {
    let query = session.query(INSERT).bind(name).bind(personal_of.map(|user| user.0)).bind(now);
    let (id,): (i64,) = query.fetch_one().await?;
    Ok(TeamId(id))
}

/// Returns a team of `user`, with the user's role in it.
pub async fn get(session: &mut impl Session, user: UserId, id: TeamId) -> Result<Option<(Team, Role)>, Error> {
    let row: Option<TeamRow> = session.query(GET).bind(user.0).bind(id.0).fetch_optional().await?;
    row.map(TryFrom::try_from).transpose()
}

/// Returns the user's own team.
pub async fn get_personal(session: &mut impl Session, user: UserId) -> Result<Option<(Team, Role)>, Error> {
    let row: Option<TeamRow> = session.query(GET_PERSONAL).bind(user.0).fetch_optional().await?;
    row.map(TryFrom::try_from).transpose()
}

/// Returns the teams of `user` with the user's role in each, newest first.
pub async fn list(session: &mut impl Session, user: UserId, page: PageRequest) -> Result<Page<(Team, Role)>, Error> {
    let (created_at, id) = super::after(page);
    let query = session.query(LIST).bind(user.0).bind(created_at).bind(id).bind(i64::from(page.limit) + 1);
    let rows: Vec<TeamRow> = query.fetch_all().await?;
    let teams = rows.into_iter().map(TryFrom::try_from).collect::<Result<_, _>>()?;
    Ok(page_of(teams, page, |(team, _): &(Team, Role)| Cursor { created_at: team.created_at, id: team.id.0 }))
}

/// Changes a team's name.
pub async fn rename(session: &mut impl Session, id: TeamId, name: &str, now: DateTime<Utc>) -> Result<(), Error> {
    session.query(RENAME).bind(id.0).bind(name).bind(now).execute().await?;
    Ok(())
}

/// Keeps every other transaction that locks the team waiting until this one ends.
pub async fn lock(session: &mut impl Session, id: TeamId) -> Result<(), Error> {
    session.query(LOCK).bind(id.0).execute().await?;
    Ok(())
}

/// Returns how many projects a team has or had: a deleted one's hostnames are reserved to its team.
pub async fn count_projects(session: &mut impl Session, id: TeamId) -> Result<i64, Error> {
    let (count,): (i64,) = session.query(COUNT_PROJECTS).bind(id.0).fetch_one().await?;
    Ok(count)
}

/// Deletes a team with its members and invitations. What was done in it stays on record, in the own team of whoever did it.
pub async fn delete(session: &mut impl Session, id: TeamId) -> Result<(), Error> {
    for statement in [DELETE_MEMBERS, DELETE_INVITATIONS, HAND_OVER_AUDIT, DELETE] {
        session.query(statement).bind(id.0).execute().await?;
    }
    Ok(())
}

/// Makes a user a member, or gives a member another role.
pub async fn put_member(
    session: &mut impl Session,
    team: TeamId,
    user: UserId,
    role: Role,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    session.query(PUT_MEMBER).bind(team.0).bind(user.0).bind(role.as_str()).bind(now).execute().await?;
    Ok(())
}

/// Removes a member and returns whether there was one.
pub async fn delete_member(session: &mut impl Session, team: TeamId, user: UserId) -> Result<bool, Error> {
    Ok(session.query(DELETE_MEMBER).bind(team.0).bind(user.0).execute().await? == 1)
}

/// Returns a user's role in a team.
pub async fn get_role(session: &mut impl Session, team: TeamId, user: UserId) -> Result<Option<Role>, Error> {
    let row: Option<(String,)> = session.query(GET_ROLE).bind(team.0).bind(user.0).fetch_optional().await?;
    row.map(|(text,)| role(&text, team.0)).transpose()
}

/// Returns how many owners a team has.
pub async fn count_owners(session: &mut impl Session, team: TeamId) -> Result<i64, Error> {
    let (count,): (i64,) = session.query(COUNT_OWNERS).bind(team.0).fetch_one().await?;
    Ok(count)
}

/// Returns a team's members, newest first.
pub async fn list_members(session: &mut impl Session, team: TeamId, page: PageRequest) -> Result<Page<Member>, Error> {
    let (created_at, id) = super::after(page);
    let query = session.query(LIST_MEMBERS).bind(team.0).bind(created_at).bind(id).bind(i64::from(page.limit) + 1);
    let rows: Vec<MemberRow> = query.fetch_all().await?;
    let members = rows.into_iter().map(member).collect::<Result<_, _>>()?;
    Ok(page_of(members, page, |member: &Member| Cursor { created_at: member.created_at, id: member.user_id.0 }))
}

/// Returns a member.
pub async fn get_member(session: &mut impl Session, team: TeamId, user: UserId) -> Result<Option<Member>, Error> {
    let row: Option<MemberRow> = session.query(GET_MEMBER).bind(team.0).bind(user.0).fetch_optional().await?;
    row.map(member).transpose()
}

/// An invitation to be kept.
#[derive(Debug)]
pub struct NewRow<'a> {
    /// The team.
    pub team_id: TeamId,
    /// Whom it is for.
    pub email: &'a EmailAddress,
    /// What the member will be able to do.
    pub role: Role,
    /// The digest of its secret.
    pub secret_hash: Sha256,
    /// Who invites.
    pub invited_by: UserId,
    /// Now.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// Keeps an invitation; one for the same address goes.
pub async fn invite(session: &mut impl Session, row: NewRow<'_>) -> Result<Invitation, Error> {
    session.query(DELETE_EXPIRED_INVITATIONS).bind(row.created_at).execute().await?;
    session.query(REVOKE_INVITATIONS_FOR).bind(row.team_id.0).bind(row.email.as_str()).execute().await?;
    let made: InvitationRow = session
        .query(INVITE)
        .bind(row.team_id.0)
        .bind(row.email.as_str())
        .bind(row.role.as_str())
        .bind(&row.secret_hash.0[..])
        .bind(row.invited_by.0)
        .bind(row.created_at)
        .bind(row.expires_at)
        .fetch_one()
        .await?;
    made.try_into()
}

/// Returns a team's open invitations, newest first.
pub async fn list_invitations(
    session: &mut impl Session,
    team: TeamId,
    page: PageRequest,
    now: DateTime<Utc>,
) -> Result<Page<Invitation>, Error> {
    let (created_at, id) = super::after(page);
    let query = session.query(LIST_INVITATIONS).bind(team.0).bind(created_at).bind(id);
    let rows: Vec<InvitationRow> = query.bind(i64::from(page.limit) + 1).bind(now).fetch_all().await?;
    let invitations = rows.into_iter().map(Invitation::try_from).collect::<Result<_, _>>()?;
    Ok(page_of(invitations, page, |item: &Invitation| Cursor { created_at: item.created_at, id: item.id.0 }))
}

/// Withdraws an invitation and returns whether there was one.
pub async fn revoke_invitation(session: &mut impl Session, team: TeamId, id: InvitationId) -> Result<bool, Error> {
    Ok(session.query(REVOKE_INVITATION).bind(team.0).bind(id.0).execute().await? == 1)
}

/// Returns the open invitation with this secret.
pub async fn get_invitation(
    session: &mut impl Session,
    hash: Sha256,
    now: DateTime<Utc>,
) -> Result<Option<Invitation>, Error> {
    let row: Option<InvitationRow> = session.query(GET_INVITATION).bind(&hash.0[..]).bind(now).fetch_optional().await?;
    row.map(Invitation::try_from).transpose()
}
