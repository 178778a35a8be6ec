//! Teams, their members, and invitations.

use chrono::{DateTime, Utc};

use super::{InvitationId, Role, TeamId, UserId};

/// Who shares projects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// What people call it.
    pub name: String,
    /// Whose own team it is; everybody has one.
    pub personal_of: Option<UserId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A user in a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user_id: UserId,
    /// The name under which the person logs in.
    pub login: String,
    /// What the member may do.
    pub role: Role,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// An offer to become a member, good for whoever owns an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The team.
    pub team_id: TeamId,
    /// Whom it is for.
    pub email: EmailAddress,
    /// What the member will be able to do.
    pub role: Role,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working.
    pub expires_at: DateTime<Utc>,
}

/// An invitation just made; the only time that its secret can be read.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// The invitation as it will be listed.
    pub invitation: Invitation,
    /// `mb_inv_…`, never stored.
    pub secret: String,
}

/// An e-mail address, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

/// The text is not an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an e-mail address")]
pub struct InvalidEmailAddress(String);

impl EmailAddress {
    /// Returns the address that `text` names. Whether somebody reads mail there is not known by its form, so the form is
    /// only looked at for what can never be one.
    pub fn parse(text: &str) -> Result<Self, InvalidEmailAddress> {
        let sound = text.len() <= 254
            && !text.chars().any(|c| c.is_whitespace() || c.is_control())
            && text.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && local.len() <= 64
                    && domain.contains('.')
                    && !domain.contains('@')
                    && domain.split('.').all(|label| !label.is_empty())
            });
        if sound { Ok(Self(text.to_lowercase())) } else { Err(InvalidEmailAddress(text.to_owned())) }
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_without_case_and_checked_for_form() {
        assert_eq!(EmailAddress::parse("Ada@Example.COM").expect("sound").as_str(), "ada@example.com");
        for wrong in ["", "ada", "@example.com", "ada@", "ada@localhost", "a b@c.d", "a@b..c", "a@b@c.d", "a@b.c\n"] {
            assert!(EmailAddress::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
