//! How the parts are.

/// How one part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthPart {
    /// `database`, `objects` or `jobs`.
    pub name: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// What is the matter, without internals.
    pub detail: Option<String>,
    /// How long the check took, in milliseconds.
    pub latency_ms: u64,
}

/// Health of the server.
#[derive(Debug, Clone)]
pub struct Health;

impl Health {
    /// Returns how each part is.
    pub async fn check(&self) -> Vec<HealthPart> {
        Vec::new()
    }
}
