//! `miaobu protect`: who sees a project's hostnames.

use crate::api::NewShareLink;
use crate::args::{Password, Protect};
use crate::errors::Failure;
use crate::settings::Settings;
use crate::{output, prompt};

/// Carries a command out.
pub async fn run(settings: &Settings, command: Protect) -> Result<(), Failure> {
    match command {
        Protect::Show { project } => {
            let project = super::project(settings, &project)?;
            show(settings, &project).await
        }
        Protect::On { target, password, project } => {
            let project = super::project(settings, &project)?;
            let password = read(&password)?;
            let protection = settings.api()?.protect(&project, target, password).await?;
            if settings.json {
                return output::json(&protection);
            }
            let by = if protection.has_password {
                "a password, share links and bypass tokens"
            } else {
                "share links and bypass tokens"
            };
            output::line(&format!("{} of {project} is protected; {by} open it", protection.target))
        }
        Protect::Off { target, project } => {
            let project = super::project(settings, &project)?;
            settings.api()?.unprotect(&project, target).await?;
            done(settings, &format!("everybody sees the hostnames of {project} again"))
        }
        Protect::Share { target, branch, deployment, path, hours, project } => {
            let project = super::project(settings, &project)?;
            let new = NewShareLink { target, branch, deployment, path, seconds: hours * 3600 };
            let link = settings.api()?.share(&project, new).await?;
            if settings.json {
                return output::json(&link);
            }
            output::line(&output::clean(&link.url))
        }
        Protect::Unshare { link, project } => {
            let project = super::project(settings, &project)?;
            settings.api()?.unshare(&project, link).await?;
            done(settings, &format!("link {link} opens nothing any more"))
        }
        Protect::Bypass { name, project } => {
            let project = super::project(settings, &project)?;
            let token = settings.api()?.create_bypass(&project, &name).await?;
            if settings.json {
                return output::json(&token);
            }
            output::line(&output::clean(&token.token))
        }
        Protect::Unbypass { token, project } => {
            let project = super::project(settings, &project)?;
            settings.api()?.revoke_bypass(&project, token).await?;
            done(settings, &format!("token {token} passes nothing any more"))
        }
    }
}

/// What is to become of the password: `None` leaves it, an inner `None` removes it. It is read from standard input only,
/// for the command line can be seen by other programs and is remembered by shells.
fn read(password: &Password) -> Result<Option<Option<String>>, Failure> {
    if password.no_password {
        return Ok(Some(None));
    }
    if !password.password_stdin {
        return Ok(None);
    }
    let line = prompt::read_line()?;
    if line.is_empty() {
        return Err(Failure::usage("standard input has no password").hint("pipe it in, a line of 8 to 200 characters"));
    }
    Ok(Some(Some(line)))
}

async fn show(settings: &Settings, project: &str) -> Result<(), Failure> {
    let protection = settings.api()?.protection(project).await?;
    if settings.json {
        return output::json(&protection);
    }
    let mut rows = Vec::new();
    for target in protection.targets.iter().filter(|target| target.protected) {
        let by = if target.has_password { "password" } else { "no password" };
        rows.push(vec!["target".to_owned(), target.target.to_string(), by.to_owned(), String::new()]);
    }
    for link in protection.share_links {
        let until = output::when(link.created_at, settings.now);
        rows.push(vec!["link".to_owned(), link.target.to_string(), link.id.to_string(), until]);
    }
    for token in protection.bypass_tokens {
        let made = output::when(token.created_at, settings.now);
        rows.push(vec!["token".to_owned(), format!("{} (…{})", token.name, token.hint), token.id.to_string(), made]);
    }
    output::table(&["what", "which", "id", "made"], rows)
}

fn done(settings: &Settings, text: &str) -> Result<(), Failure> {
    if settings.json { output::json(&serde_json::json!({})) } else { output::line(text) }
}
