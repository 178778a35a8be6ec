//! What a credential may ask for, and what a role in a team may do.

use super::deployment::text_enum;

/// What an operation asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Reads the caller's own account.
    UserRead,
    /// Changes the caller's own account.
    UserWrite,
    /// Reads teams and their members.
    TeamsRead,
    /// Makes and changes teams, members and invitations.
    TeamsWrite,
    /// Reads projects.
    ProjectsRead,
    /// Makes, changes and deletes projects.
    ProjectsWrite,
    /// Reads deployments and their logs.
    DeploymentsRead,
    /// Makes, uploads, cancels and activates deployments.
    DeploymentsWrite,
    /// Reads domains.
    DomainsRead,
    /// Adds, verifies, changes and deletes domains.
    DomainsWrite,
    /// Reads env vars; never the value of a secret one.
    EnvVarsRead,
    /// Makes, changes and deletes env vars.
    EnvVarsWrite,
    /// Reads what was done, and by whom.
    AuditRead,
    /// Reads jobs; for operators.
    JobsRead,
    /// Retries and discards jobs; for operators.
    JobsWrite,
    /// Reads what is known of the routine; for operators.
    RoutineRead,
    /// Publishes the routine and rolls it back; for operators.
    RoutineWrite,
    /// Reads who the operators are; for operators.
    OperatorsRead,
    /// Makes others operators, and operators others; for operators.
    OperatorsWrite,
}

text_enum!(Scope {
    UserRead = "user:read",
    UserWrite = "user:write",
    TeamsRead = "teams:read",
    TeamsWrite = "teams:write",
    ProjectsRead = "projects:read",
    ProjectsWrite = "projects:write",
    DeploymentsRead = "deployments:read",
    DeploymentsWrite = "deployments:write",
    DomainsRead = "domains:read",
    DomainsWrite = "domains:write",
    EnvVarsRead = "env_vars:read",
    EnvVarsWrite = "env_vars:write",
    AuditRead = "audit:read",
    JobsRead = "jobs:read",
    JobsWrite = "jobs:write",
    RoutineRead = "routine:read",
    RoutineWrite = "routine:write",
    OperatorsRead = "operators:read",
    OperatorsWrite = "operators:write",
});

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u32);

impl Scopes {
    /// Every scope there is, and those to come.
    pub const ALL: Self = Self(u32::MAX);

    /// Returns the set of `scopes`.
    pub fn of(scopes: &[Scope]) -> Self {
        Self(scopes.iter().fold(0, |bits, &scope| bits | bit(scope)))
    }

    /// Whether `scope` is in the set.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }

    /// The scopes in the set, in their fixed order.
    pub fn list(self) -> Vec<Scope> {
        Scope::ALL.iter().copied().filter(|&scope| self.contains(scope)).collect()
    }

    /// The set as it stands in the database: names with spaces between.
    pub fn to_text(self) -> String {
        self.list().into_iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Returns the set that [`Scopes::to_text`] wrote. A name that this version does not know grants nothing.
    pub fn from_text(text: &str) -> Self {
        Self::of(&text.split(' ').filter_map(Scope::from_text).collect::<Vec<_>>())
    }
}

fn bit(scope: Scope) -> u32 {
    1 << scope as u32
}

/// What a member may do in a team. Each may do what those below it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees projects, deployments, logs and domains.
    Viewer,
    /// Deploys, and sees env vars.
    Deployer,
    /// Changes projects, domains, env vars and members.
    Admin,
    /// Everything, the team itself included.
    Owner,
}

text_enum!(Role { Viewer = "viewer", Deployer = "deployer", Admin = "admin", Owner = "owner" });

impl Role {
    /// The least role that may do what `scope` stands for, in a team and its projects.
    pub fn needed_for(scope: Scope) -> Self {
        match scope {
            Scope::UserRead
            | Scope::UserWrite
            | Scope::TeamsRead
            | Scope::ProjectsRead
            | Scope::DeploymentsRead
            | Scope::DomainsRead
            // No team has jobs, the routine or operators: whether somebody is one is asked beside the role.
            | Scope::JobsRead
            | Scope::JobsWrite
            | Scope::RoutineRead
            | Scope::RoutineWrite
            | Scope::OperatorsRead
            | Scope::OperatorsWrite => Self::Viewer,
            Scope::DeploymentsWrite | Scope::EnvVarsRead => Self::Deployer,
            Scope::TeamsWrite | Scope::ProjectsWrite | Scope::DomainsWrite | Scope::EnvVarsWrite | Scope::AuditRead => {
                Self::Admin
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_scopes_comes_back_whole() {
        let some = Scopes::of(&[Scope::AuditRead, Scope::UserRead]);
        assert_eq!(Scopes::from_text(&some.to_text()), some);
        assert_eq!(some.list(), [Scope::UserRead, Scope::AuditRead]);
        assert_eq!(Scopes::from_text("moon:walk").list(), []);
        assert_eq!(Scopes::ALL.list().len(), Scope::ALL.len());
    }

    #[test]
    fn whoever_may_write_may_read() {
        for scope in Scope::ALL {
            let Some(resource) = scope.as_str().strip_suffix(":write") else { continue };
            let read = Scope::from_text(&format!("{resource}:read")).expect("what is written can be read");
            assert!(Role::needed_for(read) <= Role::needed_for(*scope), "{scope}");
        }
    }
}
