//! `miaobu health` and `miaobu statistics`.

use crate::errors::Failure;
use crate::output;
use crate::settings::Settings;

/// Shows how the server is; nobody needs to be logged in.
pub async fn health(settings: &Settings) -> Result<(), Failure> {
    let health = settings.anonymous_api()?.health().await?;
    if settings.json {
        return output::json(&health);
    }
    let rows = health
        .parts
        .into_iter()
        .map(|part| vec![part.name, part.status.to_string(), format!("{} ms", part.latency_ms)]);
    let whole = vec!["miaobu".to_owned(), health.status.to_string(), health.version];
    output::table(&["part", "status", "details"], rows.chain([whole]).collect())
}

/// Counts what the caller has.
pub async fn statistics(settings: &Settings) -> Result<(), Failure> {
    let counts = settings.api()?.statistics().await?;
    if settings.json {
        return output::json(&counts);
    }
    let rows = [
        ("projects", counts.total_projects),
        ("deployments on their way", counts.active_deployments),
        ("deployments this month", counts.builds_this_month),
        ("verified domains", counts.verified_domains),
    ];
    output::table(&["what", "count"], rows.map(|(word, count)| vec![word.to_owned(), count.to_string()]).to_vec())
}
