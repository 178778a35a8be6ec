//! Suites of whole responses: a site, a request, and what must come back.

use std::cell::{Cell, RefCell};

use serde_json::{Map, Value, json};

use super::home::Home;
use super::modes;
use super::outcome::Outcome;
use super::world::{Answered, Asked, Deployed, FUNCTION, StoredFile, World};

thread_local! {
    static HOME: RefCell<Option<Box<dyn Home>>> = const { RefCell::new(None) };
    static NEXT: Cell<i64> = const { Cell::new(1) };
}

/// Sets the home that answers.
pub fn set_home(home: Option<Box<dyn Home>>) {
    HOME.with(|place| *place.borrow_mut() = home);
}

/// Does something in the home that answers.
pub fn in_home<T>(act: impl FnOnce(&mut dyn Home) -> Result<T, String>) -> Result<T, String> {
    HOME.with(|home| act(home.borrow_mut().as_mut().ok_or("no home")?.as_mut()))
}

/// Runs one case, its site served in the mode of the suite's peer.
pub fn run(suite: &str, case: &Value) -> Outcome {
    let world = match modes::world(suite, case) {
        Ok(world) => world,
        Err(why) => return Outcome::Fail { got: Value::Null, why },
    };
    let id = NEXT.with(|next| next.replace(next.get() + 1));
    match world.deploy(id).and_then(|deployed| Run { suite, case, world: &world, deployed: &deployed }.outcome()) {
        Ok(outcome) => outcome,
        Err(why) => Outcome::Fail { got: Value::Null, why },
    }
}

struct Run<'r> {
    suite: &'r str,
    case: &'r Value,
    world: &'r World,
    deployed: &'r Deployed,
}

impl Run<'_> {
    fn outcome(&self) -> Result<Outcome, String> {
        let request = &self.case["request"];
        let target = request["path"].as_str().unwrap_or("/");
        let method = request["method"].as_str().unwrap_or("GET");
        let headers = request["headers"].as_object().into_iter().flatten();
        let headers = headers
            .map(|(name, value)| Ok((name.to_lowercase(), self.filled(value.as_str().unwrap_or_default(), target)?)))
            .collect::<Result<Vec<_>, String>>()?;
        let answer = self.ask(method, target, &headers)?;
        let got = self.got(&answer);
        if let Some(why) = self.difference(&self.case["expect"], &answer, target)? {
            return Ok(Outcome::Fail { got, why });
        }
        let Some(last) = self.case.get("final") else {
            return Ok(Outcome::Pass);
        };
        let (path, answer) = self.follow(target, answer)?;
        let mut got = self.got(&answer);
        got["path"] = json!(path);
        let wrong_path = last["path"].as_str().filter(|expected| *expected != path);
        if let Some(expected) = wrong_path {
            return Ok(Outcome::Fail { got, why: format!("final path: expected {expected}, got {path}") });
        }
        Ok(match self.difference(last, &answer, &path)? {
            None => Outcome::Pass,
            Some(why) => Outcome::Fail { got, why: format!("final {why}") },
        })
    }

    fn ask(&self, method: &str, target: &str, headers: &[(String, String)]) -> Result<Answered, String> {
        let asked = Asked {
            method: method.to_owned(),
            host: self.case["request"]["host"].as_str().unwrap_or("case.test").to_owned(),
            target: target.to_owned(),
            headers: headers.to_vec(),
            secure: self.case["request"]["scheme"] != "http",
            country: self.case["request"]["country"].as_str().map(str::to_owned),
        };
        in_home(|home| home.ask(self.deployed, &asked))
    }

    fn follow(&self, target: &str, mut answer: Answered) -> Result<(String, Answered), String> {
        let mut path = target.to_owned();
        for _ in 0..6 {
            let location = answer.header("location").filter(|location| location.starts_with('/'));
            let Some(location) = location.filter(|_| (300..400).contains(&answer.status)) else { break };
            path = location;
            answer = self.ask("GET", &path, &[])?;
        }
        Ok((path, answer))
    }

    /// Puts the server's own values in the place of a case's stand-ins for them.
    fn filled(&self, text: &str, target: &str) -> Result<String, String> {
        let mut text = text.to_owned();
        for file in self.case["files"].as_array().into_iter().flatten() {
            if let (Some(tag), Some(path)) = (file["etag"].as_str(), file["path"].as_str())
                && text.contains(&format!("\"{tag}\""))
            {
                let own = self.header_of(&modes::stored_path(path), "etag")?;
                text = text.replace(&format!("\"{tag}\""), &own);
            }
        }
        while let Some((before, name, after)) = placeholder(&text) {
            let (what, path) = name.split_once(':').unwrap_or((name, target));
            let value = match what {
                "etag" => self.header_of(path, "etag")?,
                "etag-prefix" => {
                    let tag = self.header_of(path, "etag")?;
                    tag[..tag.len().saturating_sub(2)].to_owned()
                }
                "last-modified" => self.header_of(path, "last-modified")?,
                what => match what.strip_prefix("last-modified-").and_then(|rest| rest.strip_suffix('s')) {
                    Some(seconds) => {
                        let seconds: i64 = seconds.parse().map_err(|_| format!("{what}?"))?;
                        miaobu_edge::build::http_date(modes::MODIFIED - seconds).ok_or("no date")?
                    }
                    None => return Err(format!("placeholder {what} is not known")),
                },
            };
            text = format!("{before}{value}{after}");
        }
        Ok(text)
    }

    fn header_of(&self, path: &str, name: &str) -> Result<String, String> {
        let (_, answer) = self.follow(path, self.ask("GET", path, &[])?)?;
        answer.header(name).ok_or_else(|| format!("{path} has no {name}"))
    }

    fn difference(&self, expect: &Value, answer: &Answered, target: &str) -> Result<Option<String>, String> {
        let got = self.got(answer);
        for (name, expected) in expect.as_object().into_iter().flatten() {
            let fits = match name.as_str() {
                "status" => *expected == json!(answer.status),
                "status_class" => (300..400).contains(&answer.status),
                "location" => *expected == json!(answer.header("location")),
                "handler" => got["handler"] == *expected || is_function(expected) && got["handler"] == "function",
                "file" => self.is_file(expected, answer),
                "headers" => {
                    for (name, expected) in expected.as_object().into_iter().flatten() {
                        let got = answer.header(name);
                        if !self.header_fits(expected, got.as_deref(), target)? {
                            return Ok(Some(format!("header {name}: expected {expected}, got {got:?}")));
                        }
                    }
                    true
                }
                "body" if self.has_sizes_only() && expected != "" => true,
                "body" => expected.as_str().map(str::as_bytes) == Some(&answer.body),
                "body_trimmed" => expected.as_str() == Some(String::from_utf8_lossy(&answer.body).trim()),
                "body_matches" => {
                    let pattern = expected.as_str().unwrap_or_default();
                    String::from_utf8_lossy(&answer.body).contains(&pattern.replace('\\', ""))
                }
                "answered" => *expected == json!(answer.status != 404),
                "proxied_to" => *expected == json!(answer.proxied.as_ref().map(|(url, _)| url)),
                "proxied_method" => *expected == json!(answer.proxied.as_ref().map(|(_, method)| method)),
                // What a chain ends with is compared by its caller.
                "path" => true,
                _ => return Err(format!("{name} is not compared by this program")),
            };
            if !fits {
                return Ok(Some(format!("{name}: expected {expected}, got {}", got.get(name).unwrap_or(&Value::Null))));
            }
        }
        Ok(None)
    }

    fn header_fits(&self, expected: &Value, got: Option<&str>, target: &str) -> Result<bool, String> {
        Ok(match expected {
            Value::Null => got.is_none(),
            // An empty field says as little as none.
            Value::String(text) if text.is_empty() => got.is_none_or(str::is_empty),
            Value::Object(wanted) => wanted["present"] == json!(got.is_some()),
            Value::String(text) => {
                let text = self.filled(text, target)?;
                // Servers write parameters of media types with and without a space.
                let plain = |text: &str| text.to_ascii_lowercase().replace("; ", ";");
                // Our texts name their charset where some peers do not, and JSON has none (RFC 8259, 11).
                let bare = |text: &str| plain(text).trim_end_matches(";charset=utf-8").to_owned();
                got.is_some_and(|got| got == text || bare(got) == bare(&text))
            }
            _ => false,
        })
    }

    /// Whether the case leaves it to us what is in its files.
    fn has_sizes_only(&self) -> bool {
        let mut files = self.case["files"].as_array().into_iter().flatten();
        files.any(|file| file.get("body").is_none() && file.get("size").is_some())
    }

    fn is_file(&self, expected: &Value, answer: &Answered) -> bool {
        let has_body = |file: &&StoredFile| {
            !answer.body.is_empty()
                && (file.body == answer.body || file.coded.iter().flatten().any(|body| *body == answer.body))
        };
        match expected.as_str() {
            // Without a body, nothing says whose it would have been.
            Some(_) if answer.status == 304 || self.case["request"]["method"] == "HEAD" => true,
            Some(path) => {
                let path = modes::stored_path(path);
                self.world.files.iter().any(|file| file.path == path && (file.body == answer.body || has_body(&file)))
            }
            None => !self.world.files.iter().any(|file| has_body(&file)),
        }
    }

    fn got(&self, answer: &Answered) -> Value {
        let file = self.world.files.iter().find(|file| !answer.body.is_empty() && file.body == answer.body);
        let headers: Map<_, _> = answer.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let handler = match &answer.proxied {
            Some((url, _)) if url.starts_with(FUNCTION) => "function",
            Some(_) => "proxy",
            None => "assets",
        };
        let _ = self.suite;
        json!({
            "status": answer.status,
            "location": answer.header("location"),
            "file": file.map(|file| &file.path),
            "handler": handler,
            "proxied_to": answer.proxied.as_ref().map(|(url, _)| url),
            "headers": headers,
        })
    }
}

fn is_function(expected: &Value) -> bool {
    expected.as_str().is_some_and(|handler| handler.starts_with("function"))
}

fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (name, after) = rest.split_once("}}")?;
    Some((before, name, after))
}
