//! Who may see and change what belongs to the platform and to no team.

use super::{Error, Result};
use crate::domain::Actor;
use crate::store::{Session, users};

/// Refuses everybody but operators, and tokens that are good for some projects only: what is asked for belongs to no
/// team.
pub(super) async fn require_operator(session: &mut impl Session, actor: &Actor) -> Result<()> {
    if actor.bound_to.is_none() && users::is_operator(session, actor.user_id).await? {
        return Ok(());
    }
    Err(Error::Forbidden { code: "operator_required", message: "this is for the platform's operators".to_owned() })
}
