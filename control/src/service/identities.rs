//! Who people are elsewhere: an account may be opened by several providers beside its password.
//!
//! What a provider says of a person is proven before it gets here.

use super::{Accounts, Error, Result, audit};
use crate::domain::{Actor, NewSession};
use crate::store::{identities, users};

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
