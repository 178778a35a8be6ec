//! Low-level routes brought to one form: aliases resolved, expressions anchored.

use serde_json::{Map, Value, json};

use super::is_truthy;
use super::segments::is_expression;

const PHASES: [&str; 6] = ["filesystem", "hit", "miss", "rewrite", "error", "resource"];

/// Returns the routes in their one form, and a sentence for everything that is wrong with them.
#[must_use]
pub fn normalize(routes: &[Value]) -> (Vec<Value>, Vec<String>) {
    let mut normalized = Vec::with_capacity(routes.len());
    let mut messages = Vec::new();
    let mut phases: Vec<&str> = Vec::new();
    for (index, route) in routes.iter().enumerate() {
        let mut route = route.as_object().cloned().unwrap_or_default();
        let problems = match route.get("handle") {
            Some(handle) => {
                let problem = check_phase(&route, handle, &phases);
                if problem.is_none() {
                    phases.extend(PHASES.iter().find(|phase| handle == *phase));
                }
                problem.into_iter().collect()
            }
            None => normalize_route(&mut route, phases.last().copied()),
        };
        messages.extend(problems.into_iter().map(|problem| format!("Route at index {index} {problem}")));
        normalized.push(Value::Object(route));
    }
    (normalized, messages)
}

fn check_phase(route: &Map<String, Value>, handle: &Value, seen: &[&str]) -> Option<String> {
    let name = handle.as_str().map_or_else(|| handle.to_string(), str::to_owned);
    if let Some(other) = route.keys().find(|key| *key != "handle") {
        Some(format!("has unknown property `{other}`."))
    } else if !PHASES.contains(&name.as_str()) {
        Some(format!("has unknown handle value `handle: {name}`."))
    } else if seen.contains(&name.as_str()) {
        Some(format!("is a duplicate. Please use one `handle: {name}` at most."))
    } else {
        None
    }
}

fn normalize_route(route: &mut Map<String, Value>, phase: Option<&str>) -> Vec<String> {
    let mut problems = Vec::new();
    if let Err(problem) = resolve_aliases(route) {
        problems.push(problem);
    }
    let Some(source) = route.get("src").and_then(Value::as_str).filter(|source| !source.is_empty()) else {
        problems.push("must define either `src` or `source` property.".to_owned());
        return problems;
    };
    let start = if source.starts_with('^') { "" } else { "^" };
    let anchored = format!("{start}{source}");
    let end = if anchored.ends_with('$') { "" } else { "$" };
    // An escaped slash is a slash: upstream's tables have the plain one.
    let source = format!("{anchored}{end}").replace("\\/", "/");
    if !is_expression(&source) {
        problems.push(format!("has invalid `src`/`source` regular expression \"{source}\"."));
    }
    route.insert("src".to_owned(), json!(source));

    let (dest, goes_on) = (is_truthy(route.get("dest")), is_truthy(route.get("continue")));
    if goes_on && route.get("destination").is_some_and(Value::is_object) {
        problems.push(
            "cannot define `continue: true` with a service `destination`. The service handoff is terminal.".to_owned(),
        );
    }
    let mut problem = |text: &str| problems.push(text.to_owned());
    match phase {
        Some("hit") => {
            if dest {
                problem("cannot define `dest`/`destination` after `handle: hit`.");
            }
            if is_truthy(route.get("status")) {
                problem("cannot define `status`/`statusCode` after `handle: hit`.");
            }
            if !goes_on {
                problem("must define `continue: true` after `handle: hit`.");
            }
        }
        Some("miss") if dest && !is_truthy(route.get("check")) => {
            problem("must define `check: true` after `handle: miss`.");
        }
        Some("miss") if !dest && !goes_on => problem("must define `continue: true` after `handle: miss`."),
        _ => {}
    }
    problems
}

/// `source`, `destination` and `statusCode` are other names of `src`, `dest` and `status`; a destination that is a
/// service stays.
fn resolve_aliases(route: &mut Map<String, Value>) -> Result<(), String> {
    for (alias, name) in [("source", "src"), ("destination", "dest"), ("statusCode", "status")] {
        let Some(value) = route.get(alias) else {
            continue;
        };
        if route.contains_key(name) {
            return Err(format!("cannot define both `{name}` and `{alias}`. Please use only one."));
        }
        if alias == "destination" && !value.is_string() {
            if let Some(Value::Object(service)) = route.get_mut(alias)
                && service.get("service").is_some_and(Value::is_string)
            {
                service.insert("type".to_owned(), json!("service"));
            }
        } else if let Some(value) = route.remove(alias) {
            route.insert(name.to_owned(), value);
        }
    }
    Ok(())
}
