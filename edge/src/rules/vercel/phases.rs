//! Route tables put together, phase by phase.

use serde_json::{Value, json};

/// The routes that a build brings.
pub struct Build<'a> {
    /// The file that was built.
    pub entrypoint: &'a str,
    /// Name of what built it.
    pub builder: &'a str,
    /// Its routes.
    pub routes: &'a [Value],
}

/// Routes of one phase, in order; `None` names the phase before the first `handle`.
type Phases = Vec<(Option<String>, Vec<Value>)>;

/// Inserts `added` at the end of a phase, which is opened when the table has none of that name.
#[must_use]
pub fn append_to_phase(routes: &[Value], added: &[Value], phase: Option<&str>) -> Vec<Value> {
    let mut routes = routes.to_vec();
    if added.is_empty() {
        return routes;
    }
    let handle = |route: &Value| route.get("handle").and_then(Value::as_str).map(str::to_owned);
    let start = match phase {
        None => Some(0),
        Some(phase) => routes.iter().position(|route| handle(route).as_deref() == Some(phase)).map(|index| index + 1),
    };
    let start = start.unwrap_or_else(|| {
        routes.push(json!({ "handle": phase }));
        routes.len()
    });
    let rest = routes.iter().skip(start);
    let end = start + rest.take_while(|route| handle(route).is_none()).count();
    routes.splice(end..end, added.iter().cloned());
    routes
}

/// Merges the user's routes with those of builds: in each phase what builds let continue, then the user's, then what
/// builds check, then the rest. Builds count in the order of entrypoint and builder.
#[must_use]
pub fn merge(user: &[Value], builds: &[Build<'_>]) -> Vec<Value> {
    let mut sorted: Vec<&Build<'_>> = builds.iter().collect();
    sorted.sort_by_key(|build| (build.entrypoint, build.builder));
    let mut phases: Phases = vec![(None, Vec::new())];
    let mut user_phases = Vec::new();
    split(user, &mut user_phases);
    let mut build_phases = Vec::new();
    sorted.iter().for_each(|build| split(build.routes, &mut build_phases));
    for (phase, _) in user_phases.iter().chain(&build_phases) {
        if !phases.iter().any(|(known, _)| known == phase) {
            phases.push((phase.clone(), Vec::new()));
        }
    }
    let mut merged = Vec::new();
    for (phase, _) in phases {
        if let Some(phase) = &phase {
            merged.push(json!({ "handle": phase }));
        }
        let built = routes_of(&build_phases, phase.as_deref());
        let is = |route: &Value, name: &str| super::is_truthy(route.get(name));
        let rank = |route: &&Value| match route {
            route if is(route, "override") => 2,
            route if is(route, "check") => 1,
            route if is(route, "continue") => 0,
            _ => 2,
        };
        let of_rank = |wanted: i32| built.iter().filter(move |route| rank(route) == wanted).cloned();
        merged.extend(of_rank(0));
        merged.extend(routes_of(&user_phases, phase.as_deref()).iter().cloned());
        merged.extend(of_rank(1));
        merged.extend(of_rank(2));
    }
    merged
}

fn routes_of<'a>(phases: &'a Phases, phase: Option<&str>) -> &'a [Value] {
    phases.iter().find(|(name, _)| name.as_deref() == phase).map_or(&[], |(_, routes)| routes.as_slice())
}

fn split(routes: &[Value], phases: &mut Phases) {
    let mut current = None;
    for route in routes {
        if let Some(handle) = route.get("handle") {
            current = handle.as_str().map(str::to_owned);
            continue;
        }
        match phases.iter_mut().find(|(phase, _)| *phase == current) {
            Some((_, routes)) => routes.push(route.clone()),
            None => phases.push((current.clone(), vec![route.clone()])),
        }
    }
}
