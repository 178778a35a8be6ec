//! Teams, members and invitations.

use std::sync::Arc;

use chrono::TimeDelta;

use super::gate::permit;
use super::secret::{self, INVITATION_PREFIX};
use super::{Context, Error, Result, audit};
use crate::domain::{
    Actor, EmailAddress, Invitation, InvitationId, Member, NewInvitation, Page, PageRequest, Role, Sha256, Team,
    TeamId, UserId,
};
use crate::store::{self, Session, Tx, teams, users};

const INVITATION_LIFE: TimeDelta = TimeDelta::days(7);
const LONGEST_NAME: usize = 100;

/// Who shares projects.
#[derive(Debug, Clone)]
pub struct Teams {
    context: Arc<Context>,
}

impl Teams {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Returns the actor's teams with the actor's role in each, newest first.
    pub async fn list(&self, actor: &Actor, page: PageRequest) -> Result<Page<(Team, Role)>> {
        let mut session = self.context.db.read().await?;
        Ok(teams::list(&mut session, actor.user_id, page).await?)
    }

    /// Returns a team with the actor's role in it.
    pub async fn get(&self, actor: &Actor, id: TeamId) -> Result<(Team, Role)> {
        let mut session = self.context.db.read().await?;
        find_with_role(&mut session, actor, Some(id)).await
    }

    /// Makes a team whose owner the actor is.
    pub async fn create(&self, actor: &Actor, name: &str) -> Result<(Team, Role)> {
        check_name(name)?;
        refuse_bound(actor)?;
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let id = teams::insert(&mut tx, name.trim(), None, now).await?;
        teams::put_member(&mut tx, id, actor.user_id, Role::Owner, now).await?;
        let team = find_with_role(&mut tx, actor, Some(id)).await?;
        audit::commit(&self.context, tx, actor).await?;
        Ok(team)
    }

    /// Gives a team another name.
    ///
    /// Fails with [`Error::Changed`] when `expected` does not hold for the team as it is.
    pub async fn rename(
        &self,
        actor: &Actor,
        id: TeamId,
        name: Option<&str>,
        expected: impl Fn(&Team, Role) -> bool + Send,
    ) -> Result<(Team, Role)> {
        let mut tx = self.context.db.begin().await?;
        let (team, role) = self.locked(&mut tx, actor, id).await?;
        if !expected(&team, role) {
            return Err(Error::Changed);
        }
        let Some(name) = name else { return Ok((team, role)) };
        check_name(name)?;
        teams::rename(&mut tx, id, name.trim(), self.context.now()).await?;
        let team = find_with_role(&mut tx, actor, Some(id)).await?;
        audit::commit(&self.context, tx, actor).await?;
        Ok(team)
    }

    /// Deletes a team that has no project. Only an owner may.
    ///
    /// Fails with `personal_team` for somebody's own team and with `team_has_projects`.
    pub async fn delete(
        &self,
        actor: &Actor,
        id: TeamId,
        dry_run: bool,
        expected: impl Fn(&Team, Role) -> bool + Send,
    ) -> Result<()> {
        let mut tx = self.context.db.begin().await?;
        let (team, role) = self.locked(&mut tx, actor, id).await?;
        require_owner(role)?;
        if !expected(&team, role) {
            return Err(Error::Changed);
        }
        if team.personal_of.is_some() {
            return Err(Error::conflict("personal_team", "a person's own team cannot be deleted"));
        }
        if teams::count_projects(&mut tx, id).await? > 0 {
            return Err(Error::Conflict {
                code: "team_has_projects",
                message: "the team has projects, or hostnames of deleted ones are reserved to it".to_owned(),
                hint: Some(
                    "delete its projects first; their hostnames stay reserved to the team for 30 days".to_owned(),
                ),
            });
        }
        if !dry_run {
            // First, for the record is of the team as long as there is one.
            audit::record(&self.context, &mut tx, actor).await?;
            teams::delete(&mut tx, id).await?;
            audit::commit(&self.context, tx, actor).await?;
        }
        Ok(())
    }

    /// Returns a team's members, newest first.
    pub async fn members(&self, actor: &Actor, id: TeamId, page: PageRequest) -> Result<Page<Member>> {
        let mut session = self.context.db.read().await?;
        let team = find(&mut session, actor, Some(id)).await?;
        Ok(teams::list_members(&mut session, team.id, page).await?)
    }

    /// Gives a member another role. Only an owner makes and unmakes owners.
    ///
    /// Fails with `last_owner` when nobody would own the team, and with [`Error::Changed`] when `expected` does not hold for
    /// the member as it is.
    pub async fn update_member(
        &self,
        actor: &Actor,
        id: TeamId,
        user: UserId,
        role: Role,
        expected: impl Fn(&Member) -> bool + Send,
    ) -> Result<Member> {
        let mut tx = self.context.db.begin().await?;
        let (team, own) = self.locked(&mut tx, actor, id).await?;
        let member = teams::get_member(&mut tx, id, user).await?.ok_or(Error::NotFound)?;
        if !expected(&member) {
            return Err(Error::Changed);
        }
        let present = member.role;
        if present.max(role) == Role::Owner {
            require_owner(own)?;
        }
        refuse_unmaking(&mut tx, &team, user, present, role).await?;
        teams::put_member(&mut tx, id, user, role, self.context.now()).await?;
        let member = teams::get_member(&mut tx, id, user).await?.ok_or(Error::NotFound)?;
        audit::commit(&self.context, tx, actor).await?;
        Ok(member)
    }

    /// Removes a member. Whoever may see a team may leave it.
    ///
    /// Fails with `last_owner` when nobody would own the team, and with [`Error::Changed`] when `expected` does not hold for
    /// the member as it is.
    pub async fn remove_member(
        &self,
        actor: &Actor,
        id: TeamId,
        user: UserId,
        expected: impl Fn(&Member) -> bool + Send,
    ) -> Result<()> {
        let mut tx = self.context.db.begin().await?;
        let leaving = actor.user_id == user;
        let (team, own) = match leaving {
            true => teams::get(&mut tx, user, id).await?.ok_or(Error::NotFound)?,
            false => find_with_role(&mut tx, actor, Some(id)).await?,
        };
        actor.subject.note(team.id, None);
        teams::lock(&mut tx, id).await?;
        let member = teams::get_member(&mut tx, id, user).await?.ok_or(Error::NotFound)?;
        if !expected(&member) {
            return Err(Error::Changed);
        }
        if member.role == Role::Owner && !leaving {
            require_owner(own)?;
        }
        refuse_unmaking(&mut tx, &team, user, member.role, Role::Viewer).await?;
        teams::delete_member(&mut tx, id, user).await?;
        audit::commit(&self.context, tx, actor).await
    }

    /// Invites whoever has the address. The secret is in the answer and nowhere else; a former invitation of the same
    /// address stops working.
    ///
    /// Fails with `already_member`, and with `role_too_small` when the role is larger than the actor's own.
    pub async fn invite(&self, actor: &Actor, id: TeamId, email: &str, role: Role) -> Result<NewInvitation> {
        let email = parse_email("/email", email)?;
        let mut tx = self.context.db.begin().await?;
        let (team, own) = self.locked(&mut tx, actor, id).await?;
        if role == Role::Owner {
            require_owner(own)?;
        }
        if let Some(user) = users::get_by_email(&mut tx, &email).await?
            && teams::get_role(&mut tx, id, user.id).await?.is_some()
        {
            return Err(Error::conflict("already_member", format!("{:?} is a member already", email.as_str())));
        }
        let secret = secret::secret(INVITATION_PREFIX, &*self.context.random);
        let now = self.context.now();
        let row = teams::NewRow {
            team_id: team.id,
            email: &email,
            role,
            secret_hash: Sha256::of(secret.as_bytes()),
            invited_by: actor.user_id,
            created_at: now,
            expires_at: now + INVITATION_LIFE,
        };
        let invitation = teams::invite(&mut tx, row).await?;
        audit::commit(&self.context, tx, actor).await?;
        Ok(NewInvitation { invitation, secret })
    }

    /// Returns a team's open invitations, newest first.
    pub async fn invitations(&self, actor: &Actor, id: TeamId, page: PageRequest) -> Result<Page<Invitation>> {
        let mut session = self.context.db.read().await?;
        let team = find(&mut session, actor, Some(id)).await?;
        Ok(teams::list_invitations(&mut session, team.id, page, self.context.now()).await?)
    }

    /// Withdraws an invitation.
    pub async fn revoke_invitation(&self, actor: &Actor, id: TeamId, invitation: InvitationId) -> Result<()> {
        let mut tx = self.context.db.begin().await?;
        let team = find(&mut tx, actor, Some(id)).await?;
        if !teams::revoke_invitation(&mut tx, team.id, invitation).await? {
            return Err(Error::NotFound);
        }
        audit::commit(&self.context, tx, actor).await
    }

    /// Makes the actor a member, if the invitation is for the actor's address. An actor without an address gets the
    /// invitation's: its secret was sent there.
    ///
    /// Fails with [`Error::NotFound`] when there is no such open invitation, and with `other_address`.
    pub async fn accept(&self, actor: &Actor, secret: &str) -> Result<(Team, Role)> {
        let now = self.context.now();
        let mut tx = self.context.db.begin().await?;
        let invitation = teams::get_invitation(&mut tx, Sha256::of(secret.as_bytes()), now).await?;
        let invitation = invitation.ok_or(Error::NotFound)?;
        let user = users::get(&mut tx, actor.user_id).await?.ok_or(Error::NotFound)?;
        match &user.email {
            Some(email) if *email == invitation.email => {}
            Some(_) => return Err(other_address()),
            None if users::get_by_email(&mut tx, &invitation.email).await?.is_some() => return Err(other_address()),
            None => users::update(&mut tx, user.id, user.name.as_deref(), Some(&invitation.email)).await?,
        }
        join(&mut tx, &invitation, user.id, now).await?;
        let found = teams::get(&mut tx, user.id, invitation.team_id).await?.ok_or(Error::NotFound)?;
        actor.subject.note(invitation.team_id, None);
        audit::commit(&self.context, tx, actor).await?;
        Ok(found)
    }

    async fn locked(&self, tx: &mut Tx, actor: &Actor, id: TeamId) -> Result<(Team, Role)> {
        find(tx, actor, Some(id)).await?;
        teams::lock(tx, id).await?;
        find_with_role(tx, actor, Some(id)).await
    }
}

/// Makes a user a member by an invitation, and uses that up. A larger role that the user has already stays.
pub(super) async fn join(
    session: &mut impl Session,
    invitation: &Invitation,
    user: UserId,
    now: chrono::DateTime<chrono::Utc>,
) -> std::result::Result<(), store::Error> {
    let present = teams::get_role(session, invitation.team_id, user).await?;
    let role = present.map_or(invitation.role, |present| present.max(invitation.role));
    teams::put_member(session, invitation.team_id, user, role, now).await?;
    teams::revoke_invitation(session, invitation.team_id, invitation.id).await?;
    Ok(())
}

/// Returns the team of that id, or the actor's own, if the actor may know of it and do what it asks for.
pub(super) async fn find(session: &mut impl Session, actor: &Actor, id: Option<TeamId>) -> Result<Team> {
    Ok(find_with_role(session, actor, id).await?.0)
}

async fn find_with_role(session: &mut impl Session, actor: &Actor, id: Option<TeamId>) -> Result<(Team, Role)> {
    let found = match id {
        Some(id) => teams::get(session, actor.user_id, id).await?,
        None => teams::get_personal(session, actor.user_id).await?,
    };
    let (team, role) = found.ok_or(Error::NotFound)?;
    permit(actor, role, team.id, None)?;
    Ok((team, role))
}

/// Returns the address that `text` names, or a problem at `pointer`.
pub(super) fn parse_email(pointer: &str, text: &str) -> Result<EmailAddress> {
    EmailAddress::parse(text).map_err(|error| Error::invalid(pointer, "invalid_email", error.to_string()))
}

fn check_name(name: &str) -> Result<()> {
    let sound = !name.trim().is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    if sound {
        return Ok(());
    }
    let detail = format!("a team's name has 1 to {LONGEST_NAME} characters, none of them a control character");
    Err(Error::invalid("/name", "invalid_name", detail))
}

fn refuse_bound(actor: &Actor) -> Result<()> {
    match actor.bound_to {
        None => Ok(()),
        Some(_) => Err(Error::Forbidden {
            code: "token_bound",
            message: "this token is good for its own projects only".to_owned(),
        }),
    }
}

fn require_owner(role: Role) -> Result<()> {
    if role == Role::Owner {
        return Ok(());
    }
    Err(Error::Forbidden { code: "role_too_small", message: format!("this needs the role owner; yours is {role}") })
}

async fn refuse_unmaking(tx: &mut Tx, team: &Team, user: UserId, present: Role, role: Role) -> Result<()> {
    if present != Role::Owner || role == Role::Owner {
        return Ok(());
    }
    if team.personal_of == Some(user) {
        return Err(Error::conflict("personal_team", "a person stays the owner of their own team"));
    }
    if teams::count_owners(tx, team.id).await? == 1 {
        let hint = Some("make somebody else an owner first".to_owned());
        return Err(Error::Conflict { code: "last_owner", message: "nobody else owns the team".to_owned(), hint });
    }
    Ok(())
}

fn other_address() -> Error {
    Error::conflict("other_address", "the invitation is for another e-mail address than that of this account")
}
