//! The operators: who may see and change what belongs to the platform and to no team.

use std::sync::Arc;

use super::{Context, Error, Result, audit};
use crate::domain::{Actor, Operator, Page, PageRequest, UserId};
use crate::store::{Session, operators, users};

/// The users who see and mend what belongs to the platform and to no team. The first user is one, and one always stays.
#[derive(Debug, Clone)]
pub struct Operators {
    context: Arc<Context>,
}

impl Operators {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Returns operators, the newest account first.
    ///
    /// Fails with `operator_required` for everybody but operators; so do the others.
    pub async fn list(&self, actor: &Actor, page: PageRequest) -> Result<Page<Operator>> {
        let mut session = self.context.db.read().await?;
        require_operator(&mut session, actor).await?;
        Ok(operators::list(&mut session, page).await?)
    }

    /// Returns an operator.
    pub async fn get(&self, actor: &Actor, id: UserId) -> Result<Operator> {
        let mut session = self.context.db.read().await?;
        require_operator(&mut session, actor).await?;
        operators::get(&mut session, id).await?.ok_or(Error::NotFound)
    }

    /// Makes the user with this login an operator.
    ///
    /// Fails with a problem of `/login` when nobody has it, and with `operator_exists` when that user is one.
    pub async fn add(&self, actor: &Actor, login: &str) -> Result<Operator> {
        let mut tx = self.context.db.begin().await?;
        operators::lock(&mut tx).await?;
        require_operator(&mut tx, actor).await?;
        let unknown = || Error::invalid("/login", "unknown_login", format!("nobody has the login {login:?}"));
        let found = if login.contains('\0') { None } else { users::get_by_login(&mut tx, login).await? };
        let user = found.ok_or_else(unknown)?;
        if !operators::set(&mut tx, user.id).await? {
            return Err(Error::conflict("operator_exists", format!("{login} is an operator")));
        }
        audit::commit(&self.context, tx, actor).await?;
        Ok(Operator { id: user.id, login: user.login, name: user.name, created_at: user.created_at })
    }

    /// Makes an operator a user like others, the actor perhaps.
    ///
    /// Fails with `last_operator` when no other is left, and with [`Error::Changed`] when `expected` does not hold for the
    /// operator as it is.
    pub async fn remove(&self, actor: &Actor, id: UserId, expected: impl Fn(&Operator) -> bool + Send) -> Result<()> {
        let mut tx = self.context.db.begin().await?;
        operators::lock(&mut tx).await?;
        require_operator(&mut tx, actor).await?;
        let operator = operators::get(&mut tx, id).await?.ok_or(Error::NotFound)?;
        if !expected(&operator) {
            return Err(Error::Changed);
        }
        if !operators::unset(&mut tx, id).await? {
            return Err(Error::Conflict {
                code: "last_operator",
                message: format!("{} is the last operator", operator.login),
                hint: Some("make somebody else one first".to_owned()),
            });
        }
        audit::commit(&self.context, tx, actor).await
    }
}

/// Refuses everybody but operators, and tokens that are good for some projects only: what is asked for belongs to no
/// team.
pub(super) async fn require_operator(session: &mut impl Session, actor: &Actor) -> Result<()> {
    if actor.bound_to.is_none() && users::is_operator(session, actor.user_id).await? {
        return Ok(());
    }
    Err(Error::Forbidden { code: "operator_required", message: "this is for the platform's operators".to_owned() })
}
