//! The same calls as the programs of the other languages, against a server that misbehaves.
#![expect(clippy::disallowed_methods, reason = "a program of its own, with no configuration to read")]

use std::path::Path;

use miaobu_client::types::{HtmlHandling, NewDeployment, NewProject, Problem, ProjectPatch, SettingsPatch};
use miaobu_client::{Connection, Error, LogEvent, ResponseValue, Retries, pages, problem};

fn refused<T>(result: Result<ResponseValue<T>, Error<Problem>>) -> Result<Problem, Box<dyn std::error::Error>> {
    let Err(error) = result else { return Err("it was not refused".into()) };
    match problem(&error) {
        Some(told) => Ok(told.clone()),
        None => Err(error.into()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    _ = rustls::crypto::ring::default_provider().install_default();
    let url = std::env::var("MIAOBU_URL")?;
    let client = Connection::to(&url).with_token("secret").client()?;

    let new = |slug: &str| NewProject { slug: slug.to_owned(), settings: None, team_id: None };
    println!("made {}", client.create_project().body(new("flaky")).send().await?.data.slug);

    let mut sites = Vec::new();
    let mut projects = pages(async |cursor: Option<String>| match cursor {
        Some(cursor) => client.list_projects().cursor(cursor).send().await,
        None => client.list_projects().send().await,
    });
    while let Some(project) = projects.next().await? {
        sites.push(project.slug);
    }
    println!("sites {}", sites.join(" "));

    let (mut lines, mut gaps) = (Vec::new(), 0);
    let mut log = client.follow_logs(7, 0);
    while let Some(event) = log.next().await? {
        match event {
            LogEvent::Line(line) => lines.push(line.seq.to_string()),
            LogEvent::Gap => gaps += 1,
        }
    }
    println!("lines {}\ngaps {gaps}", lines.join(" "));

    let missing = refused(client.get_project().project("café/bar").send().await)?;
    println!("problem {} {} {}", missing.status, missing.code, missing.request_id);
    for field in refused(client.create_project().body(new("api")).send().await)?.errors {
        println!("field {} {}", field.pointer, field.code);
    }
    let impatient = Connection::to(&url).with_token("secret").with_retries(Retries::attempts(2)).client()?;
    match impatient.get_user().send().await {
        Err(Error::InvalidResponsePayload(..)) => println!("proxy 502 http_502"),
        other => return Err(format!("the proxy said {other:?}").into()),
    }

    let settings = SettingsPatch { html_handling: HtmlHandling::Drop.into(), ..SettingsPatch::default() };
    let patch = ProjectPatch { settings: settings.into() };
    client.update_project().project("flaky").if_match("\"v1\"").body(patch).send().await?;
    let about = NewDeployment {
        branch: None,
        commit_message: None,
        commit_sequence: None,
        commit_sha: None,
        environment: None,
        files: Vec::new(),
    };
    println!("uploaded {}", client.deploy_folder("flaky", Path::new("dist"), about).await?.status);
    println!("waited {}", client.wait_for_deployment(7).await?.status);
    Ok(())
}
