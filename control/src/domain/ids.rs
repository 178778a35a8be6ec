//! Identifiers: integers from the database, a type each, so that one cannot stand for another.

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

id! {
    /// A person with an account.
    UserId,
    /// A browser or CLI session of a user.
    SessionId,
    /// What another service calls a person.
    IdentityId,
    /// An API token.
    TokenId,
    /// A team.
    TeamId,
    /// An invitation to a team.
    InvitationId,
    /// A project.
    ProjectId,
    /// A domain of a project's own.
    DomainId,
    /// An env var.
    EnvVarId,
    /// Something that was done.
    AuditEventId,
    /// A deployment; grows with creation, so a larger one is newer.
    DeploymentId,
    /// A release: one move of an environment's pointer.
    ReleaseId,
    /// A queued job.
    JobId,
    /// An attempt to have the routine run something else.
    PublicationId,
}
