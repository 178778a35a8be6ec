//! How a project is as a whole.

use super::DeploymentStatus;
use super::deployment::text_enum;

/// How one environment of a project, or the project as a whole, is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectStatus {
    /// Nothing was ever deployed.
    Empty,
    /// The newest deployment failed, and nothing is served.
    Error,
    /// The first deployment is on its way.
    Creating,
    /// What is served is the newest.
    Active,
    /// A newer deployment is about to be served.
    Starting,
    /// It is being stopped.
    Stopping,
    /// It is being deleted.
    Terminating,
    /// Nothing is served, though something was.
    Stopped,
    /// Some environments are so, some other.
    Partial,
}

text_enum!(ProjectStatus {
    Empty = "empty",
    Error = "error",
    Creating = "creating",
    Active = "active",
    Starting = "starting",
    Stopping = "stopping",
    Terminating = "terminating",
    Stopped = "stopped",
    Partial = "partial",
});

impl ProjectStatus {
    /// Returns how an environment is, by the status of its newest deployment and whether it serves any.
    pub fn of_environment(newest: Option<DeploymentStatus>, serves: bool) -> Self {
        match (newest, serves) {
            (None, false) => Self::Empty,
            (Some(DeploymentStatus::Failed), false) => Self::Error,
            (Some(status), false) if !status.is_final() => Self::Creating,
            (Some(status), true) if !status.is_final() => Self::Starting,
            (_, true) => Self::Active,
            (Some(_), false) => Self::Stopped,
        }
    }

    /// Returns how the whole is: an error before all, then what is being made, then what all parts are, then what is about
    /// to change.
    pub fn of_parts(parts: &[Self]) -> Self {
        let parts: Vec<Self> = parts.iter().copied().filter(|&part| part != Self::Empty).collect();
        let Some(&first) = parts.first() else { return Self::Empty };
        for wanted in [Self::Error, Self::Creating] {
            if parts.contains(&wanted) {
                return wanted;
            }
        }
        if parts.iter().all(|&part| part == first) {
            return first;
        }
        let transitions = [Self::Starting, Self::Stopping, Self::Terminating];
        transitions.into_iter().find(|transition| parts.contains(transition)).unwrap_or(Self::Partial)
    }
}

#[cfg(test)]
mod tests {
    use super::ProjectStatus::*;
    use super::*;

    #[test]
    fn the_worst_news_come_first() {
        let cases: [(&[ProjectStatus], ProjectStatus); 9] = [
            (&[], Empty),
            (&[Empty, Empty], Empty),
            (&[Active, Empty], Active),
            (&[Active, Error, Creating], Error),
            (&[Active, Creating, Starting], Creating),
            (&[Stopped, Stopped], Stopped),
            (&[Active, Starting], Starting),
            (&[Stopping, Terminating], Stopping),
            (&[Active, Stopped], Partial),
        ];
        for (parts, whole) in cases {
            assert_eq!(ProjectStatus::of_parts(parts), whole, "{parts:?}");
        }
    }

    #[test]
    fn an_environment_is_what_its_newest_deployment_makes_it() {
        use DeploymentStatus::{Building, Deployed, Failed};
        let cases = [
            (None, false, Empty),
            (Some(Failed), false, Error),
            (Some(Failed), true, Active),
            (Some(Building), false, Creating),
            (Some(Building), true, Starting),
            (Some(Deployed), true, Active),
            (Some(Deployed), false, Stopped),
        ];
        for (newest, serves, status) in cases {
            assert_eq!(ProjectStatus::of_environment(newest, serves), status, "{newest:?} {serves}");
        }
    }
}
