//! Who people are elsewhere: an account may be opened by several providers beside its password.
//!
//! What a provider says of a person is proven before it gets here.

use super::{Accounts, Error, Result, audit};
use crate::domain::{Actor, Credential, IdentityId, NewSession, User};
use crate::store::{identities, sessions, users};

impl Accounts {
    /// Has `provider` open the actor's account to the person whom it calls `subject`. Needs a session. Doing so again
    /// changes nothing.
    ///
    /// Fails with `identity_taken` when that person has another account.
    pub async fn link_identity(&self, actor: &Actor, provider: &str, subject: &str) -> Result<()> {
        super::auth::require_session(actor)?;
        let context = self.context();
        let mut tx = context.db.begin().await?;
        identities::insert(&mut tx, actor.user_id, provider, subject, context.now()).await?;
        if identities::get_user(&mut tx, provider, subject).await? != Some(actor.user_id) {
            return Err(Error::Conflict {
                code: "identity_taken",
                message: format!("this person of {provider} has another account"),
                hint: Some("log in with it instead".to_owned()),
            });
        }
        audit::commit(context, tx, actor).await
    }

    /// Has the actor's account no longer be opened by an identity, and ends the actor's other sessions: any of them may be
    /// of whoever holds it now. Needs a session.
    ///
    /// Fails with [`Error::NotFound`] when the account has no such identity, with `last_way_in` when it has no other and no
    /// password, and with [`Error::Changed`] when `expected` does not hold for the account as it is.
    pub async fn unlink_identity(
        &self,
        actor: &Actor,
        id: IdentityId,
        expected: impl Fn(&User) -> bool + Send,
    ) -> Result<()> {
        let Credential::Session(own) = actor.credential else { return Err(super::auth::session_required()) };
        let context = self.context();
        let mut tx = context.db.begin().await?;
        // Or two could each take the other for the one that is left.
        users::lock(&mut tx, actor.user_id).await?;
        let user = users::get(&mut tx, actor.user_id).await?.ok_or(Error::NotFound)?;
        if !expected(&user) {
            return Err(Error::Changed);
        }
        if !user.identities.iter().any(|identity| identity.id == id) {
            return Err(Error::NotFound);
        }
        if user.identities.len() == 1 && users::get_password_of(&mut tx, user.id).await?.is_none() {
            return Err(Error::Conflict {
                code: "last_way_in",
                message: "nothing else opens this account".to_owned(),
                hint: Some("set a password first".to_owned()),
            });
        }
        identities::delete(&mut tx, id).await?;
        sessions::delete_others(&mut tx, user.id, own).await?;
        audit::commit(context, tx, actor).await
    }

    /// Opens a session for the person whom `provider` calls `subject`; `None` when that person has no account.
    pub async fn login_by_identity(&self, provider: &str, subject: &str) -> Result<Option<NewSession>> {
        let context = self.context();
        let mut tx = context.db.begin().await?;
        let Some(id) = identities::get_user(&mut tx, provider, subject).await? else { return Ok(None) };
        let user = users::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
        let opened = super::auth::open_session(context, &mut tx, user).await?;
        tx.commit().await?;
        Ok(Some(opened))
    }
}
