//! `miaobu explain`: what a request gets, and why.

use crate::api::{ExplainRequest, ExplainedRule, Explanation, RequestHeader};
use crate::args::Explain;
use crate::errors::Failure;
use crate::output;
use crate::settings::Settings;

/// Asks the server to decide the request, which is not sent, and shows what it tells.
pub async fn run(settings: &Settings, asked: &Explain) -> Result<(), Failure> {
    let headers = asked.headers.iter().map(|line| header(line)).collect::<Result<_, _>>()?;
    let url = if asked.address.contains("://") { asked.address.clone() } else { format!("https://{}", asked.address) };
    let request = ExplainRequest {
        url,
        method: Some(asked.method.to_uppercase()),
        headers: Some(headers),
        country: asked.country.clone(),
    };
    let told = settings.api()?.explain(request).await?;
    if settings.json {
        return output::json(&told);
    }
    output::table(&["what", "value", "because"], rows(&told))
}

fn header(line: &str) -> Result<RequestHeader, Failure> {
    let (name, value) = line
        .split_once(':')
        .filter(|(name, _)| !name.trim().is_empty())
        .ok_or_else(|| Failure::usage(format!("{line:?} is no header field")).hint("write it as -H 'Name: value'"))?;
    Ok(RequestHeader { name: name.trim().to_owned(), value: value.trim().to_owned() })
}

fn rows(told: &Explanation) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = |what: &str, value: &str, because: String| {
        rows.push(vec![what.to_owned(), value.to_owned(), because]);
    };
    let status = told.status.map_or_else(|| told.outcome.to_string(), |status| status.to_string());
    row("status", &status, because(&told.step.to_string(), &told.rules));
    if let Some(location) = &told.location {
        row("location", location, String::new());
    }
    if let Some(url) = &told.proxied_to {
        row("passed on to", url, String::new());
    }
    if let Some(file) = &told.file {
        let size = file.size_bytes.map(|size| format!(", {size} bytes")).unwrap_or_default();
        let coding = file.coding.as_ref().map(|coding| format!(", {coding}")).unwrap_or_default();
        row("file", &file.path, format!("{}{size}{coding}", file.key));
    }
    for key in &told.candidates {
        row("tried", key, "an older record lists no files".to_owned());
    }
    if let Some(rule) = &told.passed_over {
        row("passed over", &place(rule), "a file or a route came first".to_owned());
    }
    match &told.record {
        Some(record) => {
            row("record", &record.key, format!("{}, deployment {}", record.project_slug, record.deployment_id))
        }
        None => row("record", "-", "the hostname leads nowhere".to_owned()),
    }
    for header in &told.headers {
        row(&header.name, &header.value, because(&header.source.to_string(), &header.rules));
    }
    for header in &told.removed_headers {
        row(&header.name, "-", because("removed", &header.rules));
    }
    rows
}

fn because(step: &str, rules: &[ExplainedRule]) -> String {
    let places: Vec<String> = rules.iter().map(place).collect();
    let step = step.replace('_', " ");
    if places.is_empty() { step } else { format!("{step}: {}", places.join("; ")) }
}

fn place(rule: &ExplainedRule) -> String {
    rule.line.map_or_else(|| rule.file.clone(), |line| format!("{}, line {line}", rule.file))
}
