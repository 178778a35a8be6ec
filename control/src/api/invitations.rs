//! Invitations into teams.

use poem::http::Uri;
use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::Tag;
use super::answer::{Answer, ApiResult, Created, Listing, NoContent};
use super::body::{Body, JsonBody};
use super::caller::{Caller, TeamsRead, TeamsWrite, UserWrite};
use super::enums::RoleView;
use super::params::{default_limit, page_request};
use super::teams::TeamView;
use super::values::Timestamp;
use crate::domain::{Invitation, InvitationId, NewInvitation, Role, TeamId};

/// Operations on invitations.
pub struct InvitationsApi;

/// Whom to invite.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "NewInvitation", skip_serializing_if_is_none, example)]
pub struct NewInvitationBody {
    /// The e-mail address of the person; only an account with it can accept.
    #[oai(validator(max_length = 254))]
    pub email: String,
    /// What the member will be able to do; `deployer` when absent.
    #[oai(nullable)]
    pub role: Option<RoleView>,
}

impl Example for NewInvitationBody {
    fn example() -> Self {
        Self { email: "grace@example.com".to_owned(), role: Some(RoleView::Admin) }
    }
}

impl JsonBody for NewInvitationBody {}

/// An open invitation, without its secret.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Invitation")]
pub struct InvitationView {
    /// The invitation's id.
    pub id: i64,
    /// The team's id.
    pub team_id: i64,
    /// Whom it is for.
    pub email: String,
    /// What the member will be able to do.
    pub role: RoleView,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
}

impl From<Invitation> for InvitationView {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.0,
            team_id: invitation.team_id.0,
            email: invitation.email.as_str().to_owned(),
            role: invitation.role.into(),
            created_at: invitation.created_at.into(),
            expires_at: invitation.expires_at.into(),
        }
    }
}

/// An invitation just made, with its secret, which is shown this once.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "CreatedInvitation")]
pub struct CreatedInvitationView {
    /// The invitation as it is listed.
    pub invitation: InvitationView,
    /// The secret, `mb_inv_…`: give it to the person.
    pub secret: String,
}

impl From<NewInvitation> for CreatedInvitationView {
    fn from(new: NewInvitation) -> Self {
        Self { invitation: new.invitation.into(), secret: new.secret }
    }
}

/// The proof of an invitation.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
#[oai(rename = "InvitationAcceptance", skip_serializing_if_is_none, example)]
pub struct AcceptanceBody {
    /// The secret, `mb_inv_…`.
    #[oai(validator(max_length = 100))]
    pub secret: String,
}

impl Example for AcceptanceBody {
    fn example() -> Self {
        Self { secret: "mb_inv_…".to_owned() }
    }
}

impl JsonBody for AcceptanceBody {}

#[OpenApi(prefix_path = "/api/v1/public", tag = "Tag::Teams")]
impl InvitationsApi {
    /// Invite somebody into a team
    ///
    /// The answer is the only place where the invitation's secret can be read; it works for 7 days, and only for the
    /// address. A former invitation of the same address stops working. Fails with `already_member` (409), with
    /// `role_too_small` (403), with `invalid_request` (422) and with `not_found` (404).
    #[oai(path = "/teams/:team_id/invitations", method = "post", operation_id = "createInvitation")]
    async fn create_invitation(
        &self,
        caller: Caller<TeamsWrite>,
        /// The team's id.
        team_id: Path<i64>,
        body: Body<NewInvitationBody>,
    ) -> ApiResult<Created<CreatedInvitationView>> {
        let role = body.0.role.map_or(Role::Deployer, Into::into);
        let team = TeamId(team_id.0);
        let new = caller.services.teams.invite(&caller.actor, team, &body.0.email, role).await?;
        let location = format!("/api/v1/public/teams/{team}/invitations");
        Ok(Created::new(new).at(location))
    }

    /// List a team's open invitations
    ///
    /// Newest first, without their secrets. Changes nothing. Fails with `not_found` (404) and with `invalid_cursor` (400).
    #[oai(path = "/teams/:team_id/invitations", method = "get", operation_id = "listInvitations")]
    async fn list_invitations(
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
    ) -> ApiResult<Listing<InvitationView>> {
        let filter = format!("invitations:{}", team_id.0);
        let page = page_request(limit.0, cursor.0.as_deref(), &filter)?;
        let page = caller.services.teams.invitations(&caller.actor, TeamId(team_id.0), page).await?;
        Ok(Listing::new(page, uri, &filter, InvitationView::from))
    }

    /// Withdraw an invitation
    ///
    /// It stops working at once. Fails with `not_found` (404) and with `role_too_small` (403).
    #[oai(path = "/teams/:team_id/invitations/:invitation_id", method = "delete", operation_id = "revokeInvitation")]
    async fn revoke_invitation(
        &self,
        caller: Caller<TeamsWrite>,
        /// The team's id.
        team_id: Path<i64>,
        /// The invitation's id.
        invitation_id: Path<i64>,
    ) -> ApiResult<NoContent> {
        let (team, invitation) = (TeamId(team_id.0), InvitationId(invitation_id.0));
        caller.services.teams.revoke_invitation(&caller.actor, team, invitation).await?;
        Ok(NoContent::default())
    }

    /// Accept an invitation
    ///
    /// The caller becomes a member. An account without an address gets the invitation's. Fails with `not_found` (404) for
    /// an invitation that is not open, and with `other_address` (409) when it is for another address.
    #[oai(path = "/invitations/accept", method = "post", operation_id = "acceptInvitation")]
    async fn accept_invitation(
        &self,
        caller: Caller<UserWrite>,
        body: Body<AcceptanceBody>,
    ) -> ApiResult<Answer<TeamView>> {
        let team = caller.services.teams.accept(&caller.actor, &body.0.secret).await?;
        Ok(Answer::new(team))
    }
}
