//! Looking at the site as a visitor does, until the edge serves the new deployment.

use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode, Url};

use crate::api::{Api, client_builder};
use crate::errors::{Failure, Kind};

const DEPLOYMENT_HEADER: &str = "x-miaobu-deployment";
const PATIENCE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// What the edge was last seen to answer.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// The deployment that was waited for.
    Live,
    /// Another deployment of the project.
    Other(i64),
    /// Nothing of use, and how it was said.
    Nothing(String),
}

/// Waits until `url` answers with the deployment `id`.
///
/// Fails with a conflict when another deployment was made live meanwhile, and as unreachable when the edge does not
/// come round in time.
pub async fn wait(api: &Api, url: &str, id: i64) -> Result<(), Failure> {
    let url: Url = url.parse().map_err(|_| {
        Failure::new(Kind::Failed, "unexpected_answer", format!("the server gave {url:?} as the site's address"))
    })?;
    let client = client_builder(&url)
        .timeout(ANSWER_TIMEOUT)
        .build()
        .map_err(|error| Failure::new(Kind::Failed, "no_client", error.to_string()))?;
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let seen = look(&client, &url, id).await;
        if seen == Seen::Live {
            return Ok(());
        }
        if let Seen::Other(other) = seen {
            ensure_active(api, id, other).await?;
        }
        if started.elapsed() > PATIENCE {
            return Err(not_seen(&url, id, seen));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The failure of a deployment that was overtaken: it is stored and has its own address, but it is not live.
pub fn superseded(id: i64, other: Option<i64>) -> Failure {
    let winner = other.map_or_else(|| "another deployment".to_owned(), |other| format!("deployment {other}"));
    let message = format!("deployment {id} is deployed, but {winner} was made live meanwhile");
    Failure::new(Kind::Conflict, "superseded", message)
        .hint(format!("nothing is lost; `miaobu promote {id}` makes this one live"))
}

async fn look(client: &Client, url: &Url, id: i64) -> Seen {
    match client.get(url.clone()).send().await {
        Ok(answer) => {
            let served = answer.headers().get(DEPLOYMENT_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
            judge(answer.status(), served, id)
        }
        Err(error) => Seen::Nothing(crate::api::cause(&error)),
    }
}

fn judge(status: StatusCode, served: Option<i64>, id: i64) -> Seen {
    match served {
        Some(served) if served == id => Seen::Live,
        Some(other) => Seen::Other(other),
        // The header can be switched off, so any answer but "no such host" and a failing edge is the site's own.
        None if status == StatusCode::MISDIRECTED_REQUEST || status.is_server_error() => {
            Seen::Nothing(format!("it answers {status}"))
        }
        None => Seen::Live,
    }
}

async fn ensure_active(api: &Api, id: i64, other: i64) -> Result<(), Failure> {
    match api.deployment(id, None).await {
        Ok(deployment) if !deployment.active => Err(superseded(id, Some(other))),
        // Whether it still is the active one is asked again with the next look.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn not_seen(url: &Url, id: i64, seen: Seen) -> Failure {
    let what = match seen {
        Seen::Nothing(what) => what,
        Seen::Other(other) => format!("it still serves deployment {other}"),
        Seen::Live => String::new(),
    };
    let message = format!("deployment {id} is deployed, but {url} does not show it: {what}");
    Failure::new(Kind::Unreachable, "edge_unreachable", message)
        .hint("check that the edge is running and that the name leads to it; nothing has to be uploaded again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_judged_by_its_deployment_first() {
        let nothing = |status: &str| Seen::Nothing(format!("it answers {status}"));
        let cases = [
            (200, Some(7), Seen::Live),
            (404, Some(7), Seen::Live),
            (200, Some(6), Seen::Other(6)),
            (500, Some(8), Seen::Other(8)),
            (200, None, Seen::Live),
            (308, None, Seen::Live),
            (421, None, nothing("421 Misdirected Request")),
            (502, None, nothing("502 Bad Gateway")),
        ];
        for (status, served, expected) in cases {
            assert_eq!(
                judge(StatusCode::from_u16(status).expect("a status"), served, 7),
                expected,
                "{status} {served:?}"
            );
        }
    }
}
