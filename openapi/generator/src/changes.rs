//! Changes of the API that break a caller which was written against an earlier document.
//!
//! What a request may carry must not shrink; what an answer promises must not either. The schemas of both documents are
//! walked side by side, in the direction in which the value travels.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// Which way a value travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    Request,
    Answer,
}

/// Returns every change from `old` to `new` that breaks callers, each in one line, sorted.
pub fn breaking(old: &Value, new: &Value) -> BTreeSet<String> {
    let mut comparison = Comparison { old, new, seen: BTreeSet::new(), found: BTreeSet::new() };
    let present = operations(new);
    for (route, operation) in operations(old) {
        match present.get(&route) {
            Some(now) => comparison.operation(&route, operation, now),
            None => comparison.report(&route, "the operation is gone"),
        }
    }
    comparison.found
}

/// Returns what a person must still do: a line for each change of `found` that `declared` does not list, and for each
/// listed one that there is not. Lines of `declared` that are empty or begin with `#` say why.
pub fn undeclared(found: &BTreeSet<String>, declared: &str) -> String {
    let lines = declared.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let declared: BTreeSet<String> = lines.map(str::to_owned).collect();
    let missing = found.difference(&declared).map(|change| format!("not declared: {change}\n"));
    let stale = declared.difference(found).map(|change| format!("declared, but not so: {change}\n"));
    missing.chain(stale).collect()
}

fn operations(document: &Value) -> BTreeMap<String, &Value> {
    let mut all = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            if METHODS.contains(&method.as_str()) {
                all.insert(format!("{} {path}", method.to_uppercase()), operation);
            }
        }
    }
    all
}

struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    /// Pairs of named schemas that were compared already, or are being compared.
    seen: BTreeSet<(String, String, Direction)>,
    found: BTreeSet<String>,
}

/// A schema with its references followed.
struct Resolved<'a> {
    name: String,
    schema: &'a Value,
    nullable: bool,
}

fn resolve<'a>(document: &'a Value, mut schema: &'a Value) -> Resolved<'a> {
    let mut name = String::new();
    let mut nullable = false;
    // A chain of references that is longer than this is a circle.
    for _ in 0..16 {
        nullable |= schema["nullable"] == true;
        let parts = schema["allOf"].as_array().filter(|parts| parts.len() == 1);
        let next = match (schema["$ref"].as_str(), parts) {
            (Some(reference), _) => {
                name = reference.rsplit('/').next().unwrap_or_default().to_owned();
                &document["components"]["schemas"][&name]
            }
            (None, Some(parts)) => &parts[0],
            (None, None) => break,
        };
        schema = next;
    }
    Resolved { name, schema, nullable }
}

fn strings(value: &Value) -> BTreeSet<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
        .collect()
}

impl<'a> Comparison<'a> {
    fn report(&mut self, place: &str, change: &str) {
        self.found.insert(format!("{place}: {change}"));
    }

    fn operation(&mut self, route: &str, old: &'a Value, new: &'a Value) {
        for (field, what) in [("operationId", "is called"), ("x-required-scope", "needs the scope")] {
            if old[field] != new[field] {
                self.report(route, &format!("{what} {} instead of {}", new[field], old[field]));
            }
        }
        self.parameters(route, &old["parameters"], &new["parameters"]);
        let (before, now) = (&old["requestBody"], &new["requestBody"]);
        if now["required"] == true && before["required"] != true {
            self.report(route, "a body is now required");
        }
        self.content(route, "body", Direction::Request, &before["content"], &now["content"]);
        self.answers(route, &old["responses"], &new["responses"]);
    }

    fn parameters(&mut self, route: &str, old: &'a Value, new: &'a Value) {
        let by_name = |list: &'a Value| -> BTreeMap<String, &'a Value> {
            let items = list.as_array().into_iter().flatten();
            let text = |item: &Value, field: &str| item[field].as_str().unwrap_or_default().to_owned();
            items.map(|item| (format!("{} {}", text(item, "in"), text(item, "name")), item)).collect()
        };
        let (old, new) = (by_name(old), by_name(new));
        for (name, before) in &old {
            let Some(now) = new.get(name) else {
                self.report(route, &format!("the parameter {name} is gone"));
                continue;
            };
            if before["required"] != true && now["required"] == true {
                self.report(route, &format!("the parameter {name} is now required"));
            }
            self.schema(&format!("{route} {name}"), Direction::Request, &before["schema"], &now["schema"]);
        }
        for (name, now) in &new {
            if !old.contains_key(name) && now["required"] == true {
                self.report(route, &format!("the new parameter {name} is required"));
            }
        }
    }

    fn answers(&mut self, route: &str, old: &'a Value, new: &'a Value) {
        for (status, before) in old.as_object().into_iter().flatten() {
            let now = &new[status];
            if !now.is_object() {
                self.report(route, &format!("the answer {status} is gone"));
                continue;
            }
            self.content(route, status, Direction::Answer, &before["content"], &now["content"]);
            for name in before["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
                if now["headers"].get(name).is_none() {
                    self.report(route, &format!("the answer {status} has no header {name} any more"));
                }
            }
        }
    }

    fn content(&mut self, route: &str, what: &str, direction: Direction, old: &'a Value, new: &'a Value) {
        for (media, before) in old.as_object().into_iter().flatten() {
            match new.get(media) {
                Some(now) => {
                    // A named schema has one place, wherever it is used: it is declared once.
                    let name = resolve(self.old, &before["schema"]).name;
                    let place = if name.is_empty() { format!("{route} {what}") } else { name };
                    self.schema(&place, direction, &before["schema"], &now["schema"]);
                }
                None => self.report(route, &format!("{what}: {media} is gone")),
            }
        }
    }

    fn schema(&mut self, place: &str, direction: Direction, old: &'a Value, new: &'a Value) {
        let (old, new) = (resolve(self.old, old), resolve(self.new, new));
        match direction {
            Direction::Request if old.nullable && !new.nullable => self.report(place, "null is refused"),
            Direction::Answer if !old.nullable && new.nullable => self.report(place, "may be null"),
            _ => {}
        }
        if !old.name.is_empty() && !self.seen.insert((old.name.clone(), new.name.clone(), direction)) {
            return;
        }
        let place = if old.name.is_empty() { place } else { &old.name };
        for keyword in ["type", "format"] {
            if old.schema[keyword] != new.schema[keyword] {
                let change = format!("{keyword} {} instead of {}", new.schema[keyword], old.schema[keyword]);
                self.report(place, &change);
            }
        }
        self.choices(place, direction, "enum", strings(&old.schema["enum"]), strings(&new.schema["enum"]));
        if direction == Direction::Request {
            self.limits(place, old.schema, new.schema);
        }
        self.fields(place, direction, old.schema, new.schema);
        for inner in ["items", "additionalProperties"] {
            if old.schema[inner].is_object() && new.schema[inner].is_object() {
                self.schema(&format!("{place}[]"), direction, &old.schema[inner], &new.schema[inner]);
            }
        }
        self.variants(place, direction, old.schema, new.schema);
    }

    fn choices(&mut self, place: &str, direction: Direction, what: &str, old: BTreeSet<String>, new: BTreeSet<String>) {
        if direction == Direction::Request {
            let lost = if new.is_empty() { BTreeSet::new() } else { old.difference(&new).cloned().collect() };
            for value in lost {
                self.report(place, &format!("{what} {value} is refused"));
            }
            if old.is_empty() && !new.is_empty() {
                self.report(place, &format!("only some values are taken ({what})"));
            }
        } else {
            // Clients of typed languages refuse an answer with a value that they do not know.
            for value in new.difference(&old).filter(|_| !old.is_empty()) {
                self.report(place, &format!("{what} {value} is new in answers"));
            }
        }
    }

    fn limits(&mut self, place: &str, old: &Value, new: &Value) {
        for (keyword, grows) in [
            ("minimum", true),
            ("minLength", true),
            ("minItems", true),
            ("maximum", false),
            ("maxLength", false),
            ("maxItems", false),
        ] {
            let tighter = match (old[keyword].as_f64(), new[keyword].as_f64()) {
                (None, Some(_)) => true,
                (Some(before), Some(now)) => before != now && (now > before) == grows,
                _ => false,
            };
            if tighter {
                self.report(place, &format!("{keyword} is now {}", new[keyword]));
            }
        }
        if new["pattern"].is_string() && old["pattern"] != new["pattern"] {
            self.report(place, &format!("the pattern is now {}", new["pattern"]));
        }
    }

    fn fields(&mut self, place: &str, direction: Direction, old: &'a Value, new: &'a Value) {
        let (needed_before, needed_now) = (strings(&old["required"]), strings(&new["required"]));
        let (more, less) = (needed_now.difference(&needed_before), needed_before.difference(&needed_now));
        match direction {
            Direction::Request => more.for_each(|name| {
                self.found.insert(format!("{place}.{name}: is now required"));
            }),
            Direction::Answer => less.for_each(|name| {
                self.found.insert(format!("{place}.{name}: may be absent"));
            }),
        }
        for (name, before) in old["properties"].as_object().into_iter().flatten() {
            match new["properties"].get(name) {
                Some(now) => self.schema(&format!("{place}.{name}"), direction, before, now),
                None => self.report(&format!("{place}.{name}"), "is gone"),
            }
        }
    }

    fn variants(&mut self, place: &str, direction: Direction, old: &'a Value, new: &'a Value) {
        for keyword in ["oneOf", "anyOf"] {
            let named = |document: &'a Value, schema: &'a Value| -> BTreeMap<String, &'a Value> {
                let variants = schema[keyword].as_array().into_iter().flatten();
                variants.map(|variant| (resolve(document, variant).name, variant)).collect()
            };
            let (before, now) = (named(self.old, old), named(self.new, new));
            let names = |variants: &BTreeMap<String, &Value>| variants.keys().cloned().collect::<BTreeSet<_>>();
            self.choices(place, direction, "variant", names(&before), names(&now));
            for (name, variant) in &before {
                if let Some(other) = now.get(name) {
                    self.schema(place, direction, variant, other);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
