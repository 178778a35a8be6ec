//! How a project's site is served.

use serde::{Deserialize, Serialize};

/// Which URL an HTML file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HtmlHandling {
    /// `/x` for `x.html`, `/x/` for `x/index.html`.
    #[default]
    Auto,
    /// Always with a slash at the end.
    Force,
    /// Never with a slash at the end.
    Drop,
    /// Files are served under their own names only.
    None,
}

/// What a path without a file gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotFound {
    /// The nearest `404.html` above the path, if there is one.
    #[default]
    #[serde(rename = "404_page")]
    Page404,
    /// `/index.html`, as a client-side router wants it.
    SinglePage,
    /// A bare 404.
    None,
}

/// Which requests the single page answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpaFallback {
    /// Navigations only: a missing script is a 404, not a page.
    #[default]
    Navigation,
    /// Every GET and HEAD.
    All,
}

/// How canonical URLs are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum RedirectStatus {
    /// 308: for good, with the same method.
    #[default]
    #[serde(rename = "308")]
    Permanent,
    /// 307: for now, with the same method.
    #[serde(rename = "307")]
    Temporary,
    /// 301: for good, and old clients may turn the method into GET.
    #[serde(rename = "301")]
    Moved,
}

/// Whose reading of `_redirects` and `_headers` applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Netlify's redirects, the superset, and Cloudflare's headers.
    #[default]
    Best,
    /// Netlify's of both.
    Netlify,
    /// Cloudflare's of both.
    Cloudflare,
    /// GitLab Pages' redirects, and Cloudflare's headers.
    Gitlab,
}

/// What becomes of a path whose escapes mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndecodablePaths {
    /// It is looked up as it is.
    #[default]
    Keep,
    /// It is a bad request.
    Refuse,
}

/// Defaults are not stored: a server of the version before can then read every row that uses no newer setting.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Declares the settings, a change of them, and what comes of it, from one list.
macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => {
        /// How a project's site is served; a deployment keeps the settings that it was made with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct ProjectSettings {
            $($(#[$doc])* #[serde(skip_serializing_if = "is_default")] pub $name: $type,)*
        }

        /// A change of settings: what is `None` stays.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct SettingsPatch {
            $($(#[$doc])* pub $name: Option<$type>,)*
        }

        impl ProjectSettings {
            /// Returns the settings after a change.
            #[must_use]
            pub fn patched(self, patch: SettingsPatch) -> Self {
                Self { $($name: patch.$name.unwrap_or(self.$name)),* }
            }
        }
    };
}

settings! {
    /// Which URL an HTML file has.
    html_handling: HtmlHandling,
    /// What a path without a file gets.
    not_found: NotFound,
    /// Which requests the single page answers.
    spa_fallback: SpaFallback,
    /// Whether redirect rules apply even where a file exists.
    redirects_first: bool,
    /// How canonical URLs are reached.
    redirect_status: RedirectStatus,
    /// Whose reading of `_redirects` and `_headers` applies.
    dialect: Dialect,
    /// Whether paths that end in `/index` lead to the folder, whatever is there.
    index_redirects: bool,
    /// What becomes of a path whose escapes mean nothing.
    undecodable_paths: UndecodablePaths,
    /// Whether a missing page is not the function's.
    navigation_prefers_assets: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_from_the_defaults_is_stored() {
        let settings =
            ProjectSettings { dialect: Dialect::Gitlab, redirects_first: true, ..ProjectSettings::default() };
        let stored = serde_json::to_string(&settings).expect("JSON");
        assert_eq!(stored, r#"{"redirects_first":true,"dialect":"gitlab"}"#);
        assert_eq!(serde_json::from_str::<ProjectSettings>(&stored).expect("settings"), settings);
        assert_eq!(serde_json::to_string(&ProjectSettings::default()).expect("JSON"), "{}");
    }
}
