//! `miaobu.json`: our own settings and rules.
//!
//! | key | value |
//! |---|---|
//! | `html_handling` | `auto`, `force`, `drop` or `none` |
//! | `not_found` | `404_page`, `single_page` or `none` |
//! | `spa_fallback` | `navigation` or `all`: which missing paths the single page answers |
//! | `redirect_status` | 308, 307 or 301: how canonical URLs are reached |
//! | `index_redirects` | true: paths that end in `/index` lead to the folder, whatever is there, as on Cloudflare Pages |
//! | `undecodable_paths` | `keep`: looked up as they are, or `refuse`: 400 |
//! | `default_content_type` | of files whose extension says nothing; empty for none |
//! | `redirects_first` | true: redirect rules apply even where a file exists |
//! | `dialect` | `best`, `netlify`, `cloudflare` or `gitlab`: whose reading of `_redirects` and `_headers` applies |
//! | `redirects` | a list of lines as in `_redirects`, or of tables as in a `netlify.toml` |
//! | `headers` | a list of `{ "path", "set": {name: value}, "unset": [name] }` |
//! | `error_pages` | `{ "404": path, "502": path, … }`; without it, `/502.html` is the page for 502, and so on |
//! | `run_first` | true, or a list of globs, with `!` for exceptions: paths that the function answers first |
//! | `navigation_prefers_assets` | true: a missing page is not the function's |

use serde_json::Value;

use super::demands::Need;
use super::netlify::REDIRECT_MEMBERS;
use super::{Grammar, LIMITS, Reading};
use crate::build::error_pages::may_be_own;
use crate::rules::headers::{HeaderRule, HeaderValue};
use crate::rules::redirects::{self, RedirectRule};
use crate::rules::{Dialect, Lines, Parsed, Refusal, functions};
use crate::site::format::{HtmlHandling, Shell};

const NAME: &str = "miaobu.json";

impl Reading {
    pub(super) fn miaobu(&mut self, text: Option<&str>) {
        let Some(text) = text else { return };
        let keys = match Lines::read(NAME, text) {
            Ok((Value::Object(keys), lines)) => {
                self.own_lines = lines;
                keys
            }
            Ok(_) => return self.refuse_own(None, "", "this must be an object".to_owned()),
            Err(refusal) => return self.refuse(NAME, [refusal]),
        };
        // The shell depends on two keys, in whatever order they come.
        let all_paths = keys.get("spa_fallback") == Some(&Value::from("all"));
        for (key, value) in &keys {
            if let Err(reason) = self.key(key, value, all_paths) {
                self.refuse_own(self.own_lines.at(&format!("/{key}")), &format!("{key}: {value}"), reason);
            }
        }
    }

    fn key(&mut self, key: &str, value: &Value, all_paths: bool) -> Result<(), String> {
        let settings = &mut self.settings;
        match key {
            "$schema" => {}
            "html_handling" => {
                settings.html_handling = one_of(
                    value,
                    &[
                        ("auto", HtmlHandling::Auto),
                        ("force", HtmlHandling::Force),
                        ("drop", HtmlHandling::Drop),
                        ("none", HtmlHandling::Off),
                    ],
                )?;
            }
            "not_found" => {
                let shell = if all_paths { Shell::All } else { Shell::Navigations };
                settings.shell =
                    one_of(value, &[("404_page", Shell::Off), ("single_page", shell), ("none", Shell::Off)])?;
                settings.without_not_found_page = value == "none";
            }
            "spa_fallback" => {
                let shell = one_of(value, &[("navigation", Shell::Navigations), ("all", Shell::All)])?;
                if settings.shell != Shell::Off {
                    settings.shell = shell;
                }
            }
            "index_redirects" => settings.index_redirects = truth(value)?,
            "undecodable_paths" => {
                settings.refuse_undecodable = one_of(value, &[("keep", false), ("refuse", true)])?;
            }
            "default_content_type" => {
                let own = value.as_str().and_then(HeaderValue::parse).ok_or("this must be a media type")?;
                settings.default_content_type = Some(own.as_str().to_owned());
            }
            "redirects_first" => settings.redirects_first = truth(value)?,
            "redirect_status" => match value.as_u64() {
                Some(308) => (settings.temporary_redirects, settings.moved_redirects) = (false, false),
                Some(307) => settings.temporary_redirects = true,
                Some(301) => (settings.temporary_redirects, settings.moved_redirects) = (false, true),
                _ => return Err("this must be 301, 307 or 308".to_owned()),
            },
            "dialect" => {
                settings.dialect = one_of(
                    value,
                    &[
                        ("best", Grammar::Best),
                        ("netlify", Grammar::Netlify),
                        ("cloudflare", Grammar::Cloudflare),
                        ("gitlab", Grammar::GitLab),
                    ],
                )?;
            }
            "error_pages" => self.error_pages(value)?,
            "run_first" => self.run_first(value)?,
            "navigation_prefers_assets" => {
                settings.rules.navigations_to_assets = truth(value)?;
                if settings.rules.navigations_to_assets {
                    self.demand_function(key, value);
                }
            }
            "redirects" => self.redirects(list(value)?),
            "headers" => self.headers(list(value)?),
            _ => return Err("there is no such setting".to_owned()),
        }
        Ok(())
    }

    fn error_pages(&mut self, value: &Value) -> Result<(), String> {
        let pages = value.as_object().ok_or("this must be an object such as {\"404\": \"/missing.html\"}")?;
        for (status, page) in pages {
            let line = self.own_lines.at(&format!("/error_pages/{status}"));
            let rules = &mut self.settings.rules;
            match (status.parse(), page.as_str().filter(|page| page.starts_with('/'))) {
                (Ok(404), Some(page)) => {
                    rules.not_found_page = Some(page.to_owned());
                    self.demand_page(NAME, line, status, page);
                }
                (Ok(number), Some(page)) if may_be_own(number) => {
                    rules.error_pages.insert(number, page.to_owned());
                    self.demand_page(NAME, line, status, page);
                }
                (_, Some(_)) => {
                    let reason = "only errors from 400 to 599 can have a page, but for 401, 414, 416 and 421";
                    self.refuse_own(line, status, reason.to_owned());
                }
                (_, None) => self.refuse_own(line, status, "a page is a path that begins with /".to_owned()),
            }
        }
        Ok(())
    }

    fn run_first(&mut self, value: &Value) -> Result<(), String> {
        if let Some(always) = value.as_bool() {
            self.settings.rules.function_first = always;
            if always {
                self.demand_function("run_first", value);
            }
            return Ok(());
        }
        let globs = list(value)?.iter().map(|glob| glob.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
        let globs = globs.ok_or("this must be true, false or a list of paths with *")?;
        let rules = functions::parse(&globs).map_err(|problems| problems.join("; "))?;
        self.settings.rules.function_rules = functions::compile(&rules);
        self.demand_function("run_first", value);
        Ok(())
    }

    fn redirects(&mut self, rules: &[Value]) {
        for (index, rule) in rules.iter().enumerate() {
            let line = self.own_lines.at(&format!("/redirects/{index}"));
            // A line as in a `_redirects` file, or a table as in a netlify.toml.
            let parsed = match rule {
                Value::String(line) => redirects::parse(line, Dialect::Netlify, LIMITS, true),
                rule => match serde_json::from_value::<toml::Value>(rule.clone()) {
                    Ok(table) => {
                        self.unknown_members(line, &table, &REDIRECT_MEMBERS, NAME);
                        redirects::from_value(toml::Value::Array(vec![table]))
                    }
                    Err(_) => {
                        self.refuse_own(line, &rule.to_string(), "null has no place in a redirect".to_owned());
                        continue;
                    }
                },
            };
            let refused = parsed.refused.into_iter().map(|refusal| Refusal { line, ..refusal }).collect();
            let rules = self.take(NAME, Parsed { rules: parsed.rules, refused });
            let placed = |rule: RedirectRule| RedirectRule { line: line.unwrap_or(0), ..rule };
            self.own_redirects.extend(rules.into_iter().map(placed));
        }
    }

    fn headers(&mut self, rules: &[Value]) {
        for (index, rule) in rules.iter().enumerate() {
            let line = self.own_lines.at(&format!("/headers/{index}"));
            match header_rule(rule, line.unwrap_or(0)) {
                Some(rule) => self.own_headers.push(rule),
                None => {
                    let reason = "a header rule is {\"path\": …, \"set\": {name: value}, \"unset\": [name]}";
                    self.refuse_own(line, &rule.to_string(), reason.to_owned());
                }
            }
        }
    }

    fn demand_function(&mut self, key: &str, value: &Value) {
        let reason = "the project has no function, so this has no effect".to_owned();
        let line = self.own_lines.at(&format!("/{key}"));
        self.demand(Need::Function, NAME, Refusal { line, text: format!("{key}: {value}"), reason });
    }

    fn refuse_own(&mut self, line: Option<u32>, text: &str, reason: String) {
        self.refuse(NAME, [Refusal { line, text: text.to_owned(), reason }]);
    }
}

fn header_rule(rule: &Value, line: u32) -> Option<HeaderRule> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let known = |name: &String| matches!(name.as_str(), "path" | "set" | "unset");
    let keys = rule.as_object().filter(|keys| keys.keys().all(known))?;
    let set = match keys.get("set") {
        Some(set) => {
            set.as_object()?.iter().map(|(name, value)| Some((name.clone(), text(value)?))).collect::<Option<_>>()?
        }
        None => Vec::new(),
    };
    let unset = match keys.get("unset") {
        Some(unset) => unset.as_array()?.iter().map(text).collect::<Option<_>>()?,
        None => Vec::new(),
    };
    Some(HeaderRule { line, path: text(keys.get("path")?)?, set, unset })
}

fn one_of<T: Copy>(value: &Value, choices: &[(&str, T)]) -> Result<T, String> {
    let chosen = choices.iter().find(|(name, _)| value.as_str() == Some(name)).map(|(_, choice)| *choice);
    chosen.ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        format!("this must be one of {}", names.join(", "))
    })
}

fn truth(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "this must be true or false".to_owned())
}

fn list(value: &Value) -> Result<&[Value], String> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| "this must be a list".to_owned())
}
