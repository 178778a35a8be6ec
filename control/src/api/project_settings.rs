//! Settings of a project: shown, given to a new one, and changed.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::enums::{
    DialectView, HtmlHandlingView, NotFoundView, RedirectStatusView, SpaFallbackView, UndecodablePathsView,
};
use super::values::Patch;
use crate::domain::{ProjectSettings, SettingsPatch};

/// Declares, from one list, how the API shows the settings, and how it takes those of a new project and changes of them.
macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => {
        /// How a project's site is served where its own configuration files do not say.
        #[derive(Debug, Object, Serialize)]
        #[oai(rename = "ProjectSettings")]
        pub struct SettingsView {
            $($(#[$doc])* pub $name: $type,)*
        }

        impl From<ProjectSettings> for SettingsView {
            fn from(settings: ProjectSettings) -> Self {
                Self { $($name: settings.$name.into()),* }
            }
        }

        /// Settings of a new project; what is absent takes its default.
        #[derive(Debug, Default, Object, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[oai(rename = "NewProjectSettings", skip_serializing_if_is_none)]
        pub struct NewSettingsBody {
            $($(#[$doc])* #[oai(nullable)] pub $name: Option<$type>,)*
        }

        impl From<NewSettingsBody> for ProjectSettings {
            fn from(body: NewSettingsBody) -> Self {
                Self { $($name: body.$name.map(Into::into).unwrap_or_default()),* }
            }
        }

        /// Changes of settings as a merge patch: absent is unchanged, null is the default again.
        #[derive(Debug, Default, Object, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        #[oai(rename = "SettingsPatch", skip_serializing_if_is_none)]
        pub struct SettingsPatchBody {
            $($(#[$doc])* pub $name: Patch<$type>,)*
        }

        impl From<Patch<SettingsPatchBody>> for SettingsPatch {
            fn from(patch: Patch<SettingsPatchBody>) -> Self {
                let body = match patch {
                    Patch::Unchanged => SettingsPatchBody::default(),
                    Patch::Cleared => SettingsPatchBody { $($name: Patch::Cleared),* },
                    Patch::Set(body) => body,
                };
                Self { $($name: body.$name.map(Into::into).or_default()),* }
            }
        }
    };
}

settings! {
    /// Which URL an HTML file has; `auto` by default.
    html_handling: HtmlHandlingView,
    /// What a path without a file gets; `404_page` by default.
    not_found: NotFoundView,
    /// Which requests the single page answers; `navigation` by default.
    spa_fallback: SpaFallbackView,
    /// Whether redirect rules apply even where a file exists; false by default.
    redirects_first: bool,
    /// How canonical URLs are reached; `308` by default.
    redirect_status: RedirectStatusView,
    /// Whose reading of the site's `_redirects` and `_headers` applies; `best` by default.
    dialect: DialectView,
    /// Whether paths that end in `/index` lead to the folder, whatever is there; false by default.
    index_redirects: bool,
    /// What becomes of a path whose escapes mean nothing; `keep` by default.
    undecodable_paths: UndecodablePathsView,
    /// Whether a missing page is not the function's, where the project has one; false by default.
    navigation_prefers_assets: bool,
}
