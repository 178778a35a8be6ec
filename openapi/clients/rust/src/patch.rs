//! Fields of merge patches.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What becomes of a field of a merge patch (RFC 7396) that may be null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// It stays as it is: the field is left out.
    #[default]
    Unchanged,
    /// Its default is taken back: null.
    Clear,
    /// It gets this value.
    Set(T),
}

impl<T> Patch<T> {
    /// Whether the field stays as it is; a field of a struct is then skipped, since no value of JSON says so.
    pub fn is_unchanged(&self) -> bool {
        matches!(self, Self::Unchanged)
    }
}

impl<T> From<T> for Patch<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}

impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unchanged | Self::Clear => serializer.serialize_none(),
            Self::Set(value) => serializer.serialize_some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{NotFoundHandling, ProjectPatch, SettingsPatch};

    #[test]
    fn a_field_of_a_patch_is_left_out_null_or_a_value() -> Result<(), serde_json::Error> {
        let settings = SettingsPatch {
            not_found: NotFoundHandling::SinglePage.into(),
            html_handling: Patch::Clear,
            ..SettingsPatch::default()
        };
        let patch = ProjectPatch { settings: settings.into() };
        let text = serde_json::to_string(&patch)?;
        assert_eq!(text, r#"{"settings":{"html_handling":null,"not_found":"single_page"}}"#);
        assert_eq!(serde_json::from_str::<ProjectPatch>(&text)?, patch);
        assert_eq!(serde_json::from_str::<ProjectPatch>("{}")?.settings, Patch::Unchanged);
        assert_eq!(serde_json::to_string(&ProjectPatch { settings: Patch::Clear })?, r#"{"settings":null}"#);
        Ok(())
    }
}
