//! Teams and their members.

use poem::http::Uri;
use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::Tag;
use super::answer::{Answer, ApiResult, Created, Listing, NoContent};
use super::body::{Body, JsonBody};
use super::caller::{Caller, TeamsRead, TeamsWrite};
use super::enums::RoleView;
use super::params::{default_limit, page_request};
use super::precondition::IfMatch;
use super::values::Timestamp;
use crate::domain::{Member, Role, Team, TeamId, UserId};

/// Operations on teams.
pub struct TeamsApi;

/// Who shares projects.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Team")]
pub struct TeamView {
    /// The team's id.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// Whether it is somebody's own team, which everybody has.
    pub personal: bool,
    /// What the caller may do in it.
    pub role: RoleView,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl From<(Team, Role)> for TeamView {
    fn from((team, role): (Team, Role)) -> Self {
        Self {
            id: team.id.0,
            name: team.name,
            personal: team.personal_of.is_some(),
            role: role.into(),
            created_at: team.created_at.into(),
            updated_at: team.updated_at.into(),
        }
    }
}

/// What a team is called.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "NewTeam", skip_serializing_if_is_none, example)]
pub struct NewTeamBody {
    /// 1 to 100 characters.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub name: String,
}

impl Example for NewTeamBody {
    fn example() -> Self {
        Self { name: "Analytical Engines".to_owned() }
    }
}

impl JsonBody for NewTeamBody {}

/// Changes of a team as a merge patch.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "TeamPatch", skip_serializing_if_is_none, example)]
pub struct TeamPatchBody {
    /// 1 to 100 characters; unchanged when absent.
    #[oai(validator(min_length = 1, max_length = 100))]
    pub name: Option<String>,
}

impl Example for TeamPatchBody {
    fn example() -> Self {
        Self { name: Some("Difference Engines".to_owned()) }
    }
}

impl JsonBody for TeamPatchBody {}

/// A user in a team.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Member")]
pub struct MemberView {
    /// The user's id.
    pub user_id: i64,
    /// The name under which the person logs in.
    pub login: String,
    /// What the member may do.
    pub role: RoleView,
    /// Since when.
    pub created_at: Timestamp,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            user_id: member.user_id.0,
            login: member.login,
            role: member.role.into(),
            created_at: member.created_at.into(),
        }
    }
}

/// What a member shall be able to do.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "MemberPatch", skip_serializing_if_is_none, example)]
pub struct MemberPatchBody {
    /// The new role.
    pub role: RoleView,
}

impl Example for MemberPatchBody {
    fn example() -> Self {
        Self { role: RoleView::Deployer }
    }
}

impl JsonBody for MemberPatchBody {}

#[OpenApi(prefix_path = "/api/v1/public", tag = "Tag::Teams")]
impl TeamsApi {
    /// List the caller's teams
    ///
    /// Newest first, with the caller's role in each. Changes nothing. Fails with `invalid_cursor` (400) for a cursor of
    /// another list.
    #[oai(path = "/teams", method = "get", operation_id = "listTeams")]
    async fn list_teams(
        &self,
        caller: Caller<TeamsRead>,
        uri: &Uri,
        /// How many objects a page has at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
        /// Where the page begins: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> ApiResult<Listing<TeamView>> {
        let filter = format!("teams:{}", caller.actor.user_id);
        let page = page_request(limit.0, cursor.0.as_deref(), &filter)?;
        let page = caller.services.teams.list(&caller.actor, page).await?;
        Ok(Listing::new(page, uri, &filter, TeamView::from))
    }

    /// Make a team
    ///
    /// The caller becomes its owner. Fails with `invalid_request` (422) for a name that is none, and with `token_bound`
    /// (403) for a token that is good for some projects only.
    #[oai(path = "/teams", method = "post", operation_id = "createTeam")]
    async fn create_team(&self, caller: Caller<TeamsWrite>, body: Body<NewTeamBody>) -> ApiResult<Created<TeamView>> {
        let team = caller.services.teams.create(&caller.actor, &body.0.name).await?;
        let location = format!("/api/v1/public/teams/{}", team.0.id);
        Ok(Created::new(team).at(location))
    }

    /// Get a team
    ///
    /// Changes nothing. Fails with `not_found` (404).
    #[oai(path = "/teams/:team_id", method = "get", operation_id = "getTeam")]
    async fn get_team(
        &self,
        caller: Caller<TeamsRead>,
        /// The team's id.
        team_id: Path<i64>,
    ) -> ApiResult<Answer<TeamView>> {
        let team = caller.services.teams.get(&caller.actor, TeamId(team_id.0)).await?;
        Ok(Answer::new(team))
    }

    /// Change a team
    ///
    /// A merge patch: what is absent stays. Fails with `invalid_request` (422) for a name that is none, with `not_found`
    /// (404), with `role_too_small` (403) below admin, and with `precondition_failed` (412) when `If-Match` names another
    /// state.
    #[oai(path = "/teams/:team_id", method = "patch", operation_id = "updateTeam")]
    async fn update_team(
        &self,
        caller: Caller<TeamsWrite>,
        /// The team's id.
        team_id: Path<i64>,
        if_match: IfMatch,
        body: Body<TeamPatchBody>,
    ) -> ApiResult<Answer<TeamView>> {
        let (id, name) = (TeamId(team_id.0), body.0.name.as_deref());
        let expected = |team: &Team, role| if_match.allows(|| TeamView::from((team.clone(), role)));
        let team = caller.services.teams.rename(&caller.actor, id, name, expected).await?;
        Ok(Answer::new(team))
    }

    /// Delete a team
    ///
    /// With its members and invitations. With `dry_run` nothing is deleted, and the answer says whether it could be. Fails
    /// with `team_has_projects` and `personal_team` (409), with `role_too_small` (403) for all but owners, with `not_found`
    /// (404), and with `precondition_failed` (412).
    #[oai(path = "/teams/:team_id", method = "delete", operation_id = "deleteTeam")]
    async fn delete_team(
        &self,
        caller: Caller<TeamsWrite>,
        /// The team's id.
        team_id: Path<i64>,
        /// Whether only to find out what would happen.
        dry_run: Query<Option<bool>>,
        if_match: IfMatch,
    ) -> ApiResult<NoContent> {
        let expected = |team: &Team, role| if_match.allows(|| TeamView::from((team.clone(), role)));
        let dry_run = dry_run.0.unwrap_or(false);
        caller.services.teams.delete(&caller.actor, TeamId(team_id.0), dry_run, expected).await?;
        Ok(NoContent::default())
    }

    /// List a team's members
    ///
    /// Newest first. Changes nothing. Fails with `not_found` (404) and with `invalid_cursor` (400).
    #[oai(path = "/teams/:team_id/members", method = "get", operation_id = "listMembers")]
    async fn list_members(
        &self,
        caller: Caller<TeamsRead>,
        uri: &Uri,
        /// The team's id.
        team_id: Path<i64>,
        /// How many objects a page has at most.
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<i32>,
        /// Where the page begins: `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> ApiResult<Listing<MemberView>> {
        let filter = format!("members:{}", team_id.0);
        let page = page_request(limit.0, cursor.0.as_deref(), &filter)?;
        let page = caller.services.teams.members(&caller.actor, TeamId(team_id.0), page).await?;
        Ok(Listing::new(page, uri, &filter, MemberView::from))
    }

    /// Give a member another role
    ///
    /// Fails with `last_owner` (409) when nobody would own the team, with `role_too_small` (403) below admin, or below owner
    /// where an owner is made or unmade, with `not_found` (404), and with `precondition_failed` (412) when `If-Match` names
    /// another state.
    #[oai(path = "/teams/:team_id/members/:user_id", method = "patch", operation_id = "updateMember")]
    async fn update_member(
        &self,
        caller: Caller<TeamsWrite>,
        /// The team's id.
        team_id: Path<i64>,
        /// The user's id.
        user_id: Path<i64>,
        if_match: IfMatch,
        body: Body<MemberPatchBody>,
    ) -> ApiResult<Answer<MemberView>> {
        let (team, user) = (TeamId(team_id.0), UserId(user_id.0));
        let expected = |member: &Member| if_match.allows(|| MemberView::from(member.clone()));
        let role = body.0.role.into();
        let member = caller.services.teams.update_member(&caller.actor, team, user, role, expected).await?;
        Ok(Answer::new(member))
    }

    /// Remove a member
    ///
    /// Every member may remove themself. Fails with `last_owner` (409) when nobody would own the team, with `role_too_small`
    /// (403) as `updateMember` does, with `not_found` (404), and with `precondition_failed` (412) when `If-Match` names
    /// another state than `updateMember` gave.
    #[oai(path = "/teams/:team_id/members/:user_id", method = "delete", operation_id = "removeMember")]
    async fn remove_member(
        &self,
        caller: Caller<TeamsWrite>,
        /// The team's id.
        team_id: Path<i64>,
        /// The user's id.
        user_id: Path<i64>,
        if_match: IfMatch,
    ) -> ApiResult<NoContent> {
        let (team, user) = (TeamId(team_id.0), UserId(user_id.0));
        let expected = |member: &Member| if_match.allows(|| MemberView::from(member.clone()));
        caller.services.teams.remove_member(&caller.actor, team, user, expected).await?;
        Ok(NoContent::default())
    }
}
