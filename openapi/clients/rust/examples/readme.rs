//! The example of README.md, which the tests run.
#![expect(clippy::disallowed_methods, reason = "a program of its own, with no configuration to read")]

use std::path::Path;

use miaobu_client::types::{
    EnvVarKind, NewDeployment, NewDomain, NewEnvVar, NewProject, NotFoundHandling, ProjectPatch, SettingsPatch,
};
use miaobu_client::{Connection, LogEvent, Patch, Retries, pages, problem};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Whoever has the process decides which cryptography TLS uses.
    _ = rustls::crypto::ring::default_provider().install_default();
    let connection = Connection::to(std::env::var("MIAOBU_URL")?).with_token(std::env::var("MIAOBU_TOKEN")?);
    let client = connection.with_retries(Retries::attempts(5)).client()?;

    // Make a project: sent again under the same key, it is answered again and carried out once.
    let new = NewProject { slug: "my-site".to_owned(), settings: None, team_id: None };
    let request = || client.create_project().idempotency_key("first-of-its-kind").body(new.clone()).send();
    let project = request().await?.into_inner().data;
    println!("again: {}", request().await?.data.id == project.id);

    // Deploy a folder, follow the log to its end, then look what became of it.
    let about = NewDeployment {
        branch: None,
        commit_message: Some("First try".to_owned()),
        commit_sequence: None,
        commit_sha: None,
        environment: None,
        files: Vec::new(),
    };
    let started = client.deploy_folder(&project.slug, Path::new("dist"), about).await?;
    let mut log = client.follow_logs(started.id, 0);
    while let Some(event) = log.next().await? {
        if let LogEvent::Line(line) = event {
            println!("log: {}", line.text);
        }
    }
    let deployment = client.wait_for_deployment(started.id).await?;
    println!("status: {} {}", deployment.status, deployment.url);

    // Read a list, however long.
    let mut deployments = pages(async |cursor: Option<String>| {
        let request = client.list_deployments().project(&project.slug);
        let request = if let Some(cursor) = cursor { request.cursor(cursor) } else { request };
        request.send().await
    });
    while let Some(each) = deployments.next().await? {
        println!("deployment: {} {}", each.id, each.status);
    }

    // Set an env var; the answer says what has to happen until it is seen.
    let env_var = NewEnvVar {
        name: "API_URL".to_owned(),
        value: "https://api.example.com".to_owned(),
        kind: Some(EnvVarKind::Plain),
        environment: None,
    };
    let set = client.create_env_var().project(&project.slug).body(env_var).send().await?.into_inner().data;
    println!("env var: {} {}", set.env_var.name, set.effect);

    // Add a domain, and learn which DNS records prove that it is yours.
    let domain = NewDomain { name: "www.example.com".to_owned(), environment: None };
    let domain = client.add_domain().project(&project.slug).body(domain).send().await?.into_inner().data;
    for record in domain.instructions {
        println!("dns: {} {} {}", record.record_type, record.name, record.value);
    }

    // A merge patch: what is not named stays, `Clear` takes the default back.
    let settings = SettingsPatch {
        not_found: NotFoundHandling::SinglePage.into(),
        html_handling: Patch::Clear,
        ..SettingsPatch::default()
    };
    let patch = ProjectPatch { settings: settings.into() };
    let changed = client.update_project().project(&project.slug).body(patch).send().await?.into_inner().data;
    println!("settings: {} {}", changed.settings.not_found, changed.settings.html_handling);

    // Decide by the code of a refusal.
    if let Err(error) = client.create_project().body(new).send().await
        && let Some(told) = problem(&error)
    {
        println!("problem: {} {}", told.status, told.code);
    }
    Ok(())
}
