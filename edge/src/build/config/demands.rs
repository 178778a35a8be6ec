//! What settings need of the rest of a deployment, which is known only once its files are.

use super::{Configured, Diagnostic, Reading};
use crate::build::error_pages;
use crate::rules::Refusal;

/// What a setting has no effect without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// A file of the site: this path, or the page that it is the URL of.
    Page(String),
    /// A function of the project.
    Function,
}

/// A setting that needs something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Demand {
    need: Need,
    /// What is told when it is not there.
    told: Diagnostic,
}

impl Reading {
    pub(super) fn demand(&mut self, need: Need, file: &str, told: Refusal) {
        self.demands.push(Demand { need, told: Diagnostic::of(file, told) });
    }

    /// Notes that a setting names a page.
    pub(super) fn demand_page(&mut self, file: &str, line: Option<u32>, text: &str, page: &str) {
        let reason = "the site has no such file, so the page for this error stays the platform's".to_owned();
        let text = format!("{text}: {page}");
        self.demand(Need::Page(page.to_owned()), file, Refusal { line, text, reason });
    }
}

impl Configured {
    /// Tells also of the settings that need what the deployment does not have: `has_file` says whether it has a file, by
    /// its path that begins with `/`, and `has_function` whether a function is there to answer.
    pub fn hold_against(&mut self, has_file: impl Fn(&str) -> bool, has_function: bool) {
        for Demand { need, told } in std::mem::take(&mut self.demands) {
            let is_there = match &need {
                Need::Page(page) => error_pages::spellings(page).iter().any(|path| has_file(path)),
                Need::Function => has_function,
            };
            if !is_there {
                self.diagnostics.push(told);
            }
        }
    }
}
