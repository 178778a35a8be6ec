//! Which step of the order made an answer. Kept with the head for explanations; a build without them keeps nothing.

/// The step that made an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// None of those below: the platform itself, or the function.
    #[default]
    Platform,
    /// What the site's files are at the path.
    File,
    /// A page's canonical URL.
    Spelling,
    /// A redirect rule, by the line that its match tells.
    Redirects(u32),
    /// The route table.
    Routes,
    /// The route table, given up for want of steps.
    GivenUp,
    /// The shell, for a path where nothing is.
    Shell,
    /// The page for missing files.
    NotFoundPage,
    /// The site's own page for an error.
    ErrorPage,
    /// Who may see the site.
    Protection,
}
