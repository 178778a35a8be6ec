//! What of a deployment's own configuration files has no effect, kept for whoever asks.

use serde::{Deserialize, Serialize};

use super::{Context, Error, Result, diagnostics_key};
use crate::domain::DeploymentId;

/// A file of rules can be wrong in every line; so many tell what is wrong with it.
const MOST: usize = 1_000;
/// The longest text of one that is kept, in characters.
const LONGEST_TEXT: usize = 500;

/// Something in a configuration file that has no effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The file's name.
    pub file: String,
    /// The line it begins on, counted from 1; `None` when it is about the file as a whole.
    pub line: Option<u32>,
    /// The text as written, perhaps cut; may be empty.
    pub text: String,
    /// Why it has no effect.
    pub reason: String,
}

/// The diagnostics of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostics {
    /// In the order of the files, and of their lines.
    pub list: Vec<Diagnostic>,
    /// How many more there were than are listed.
    pub more: usize,
}

impl Diagnostics {
    /// Takes over what was found, up to a bound.
    pub(crate) fn of(mut list: Vec<Diagnostic>) -> Self {
        let more = list.len().saturating_sub(MOST);
        list.truncate(MOST);
        for diagnostic in &mut list {
            if let Some((end, _)) = diagnostic.text.char_indices().nth(LONGEST_TEXT) {
                diagnostic.text.truncate(end);
            }
        }
        Self { list, more }
    }
}

/// Stores the diagnostics of a deployment.
pub(crate) async fn put(context: &Context, id: DeploymentId, diagnostics: &Diagnostics) -> Result<()> {
    let key = diagnostics_key(id).map_err(Error::internal)?;
    let bytes = serde_json::to_vec(diagnostics).map_err(Error::internal)?;
    Ok(context.objects.put(&key, bytes.into()).await?)
}

/// Returns the diagnostics of a deployment; none where none were stored.
pub(crate) async fn get(context: &Context, id: DeploymentId) -> Result<Diagnostics> {
    let key = diagnostics_key(id).map_err(Error::internal)?;
    let Some(object) = context.objects.get(&key).await? else { return Ok(Diagnostics::default()) };
    let read = tokio::task::spawn_blocking(move || object.into_bytes());
    let bytes = read.await.map_err(Error::internal)?.map_err(Error::internal)?;
    serde_json::from_slice(&bytes).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, Diagnostics};

    #[test]
    fn what_is_kept_is_bounded_and_says_so() {
        let one =
            Diagnostic { file: "_redirects".to_owned(), line: Some(1), text: "é".repeat(600), reason: String::new() };
        let kept = Diagnostics::of(vec![one; 1_003]);
        assert_eq!((kept.list.len(), kept.more, kept.list[0].text.chars().count()), (1_000, 3, 500));
    }
}
