//! Redirect rules that say what the edge does not do.

use crate::rules::Refusal;
use crate::rules::redirects::RedirectRule;

const ROLE: &str =
    "nobody vouches for a visitor's role here, so a rule with Role never applies; use the protection of the project";
const CLOSED: &str = "nobody vouches for a visitor's role here, so this rule never applies, and what no other rule \
                      answers under its path is 404; use the protection of the project";

/// What has no effect in rules that are used.
pub(super) fn told(rules: &[RedirectRule]) -> Vec<Refusal> {
    let mut told = Vec::new();
    for rule in rules {
        let mut tell = |reason: &str| told.push(Refusal::of_line(rule.line, &rule.to_string(), reason));
        if asks_for_role(rule) {
            tell(if is_guard(rule) { CLOSED } else { ROLE });
        }
        if rule.signed.is_some() {
            tell("requests that are passed on are not signed: the rule applies without it");
        }
        if !rule.headers.is_empty() {
            tell("no header fields are added to requests that are passed on: the rule applies without them");
        }
    }
    told
}

/// The rules that close, behind all others, what some of these open only to visitors with a role: nobody has one.
pub(super) fn closing(rules: &[RedirectRule]) -> Vec<RedirectRule> {
    let closed = |rule: &RedirectRule| RedirectRule {
        line: rule.line,
        from: rule.from.clone(),
        to: "/404.html".to_owned(),
        status: Some(404),
        force: true,
        ..RedirectRule::default()
    };
    rules.iter().filter(|rule| is_guard(rule)).map(closed).collect()
}

fn asks_for_role(rule: &RedirectRule) -> bool {
    rule.conditions.iter().any(|(name, _)| name.eq_ignore_ascii_case("role"))
}

/// Whether a rule stands before what is there and lets in only who has a role: it shows its path as itself.
fn is_guard(rule: &RedirectRule) -> bool {
    let shows_itself = rule.to == rule.from.replace('*', ":splat");
    asks_for_role(rule) && rule.force && shows_itself && rule.status == Some(200)
}
