//! `miaobu login`, `miaobu logout` and `miaobu whoami`.

use serde_json::json;

use crate::api::Session;
use crate::credentials::Login;
use crate::errors::Failure;
use crate::settings::Settings;
use crate::{output, prompt};

/// Exchanges a one-time code for an API token of this machine, and stores that.
pub async fn login(settings: Settings, code: Option<String>) -> Result<(), Failure> {
    let code = self::code(&settings, code)?;
    let session = settings.anonymous_api()?.login(&code).await?;
    keep(settings, session).await
}

/// Returns the one-time code that was given, or asks for it.
pub fn code(settings: &Settings, given: Option<String>) -> Result<String, Failure> {
    let code = match given {
        Some(code) => code,
        None => ask_code(settings)?,
    };
    if code.is_empty() {
        return Err(Failure::usage("there is no code").hint("give the one that the server printed: --code CODE"));
    }
    Ok(code)
}

/// Exchanges a session for an API token of this machine, and stores that.
pub async fn keep(mut settings: Settings, session: Session) -> Result<(), Failure> {
    let token = session.create_token(&format!("miaobu on {}", machine())).await?;
    // The session has done its work; a failure to end it early does no harm.
    let _ = session.logout().await;
    let login = session.login;
    settings.credentials.servers.insert(settings.url.clone(), Login { token, login: login.clone() });
    settings.credentials.current = Some(settings.url.clone());
    settings.credentials.save()?;
    if settings.json {
        return output::json(&json!({"login": login, "url": settings.url}));
    }
    output::line(&format!("logged in to {} as {}", settings.url, output::clean(&login)))
}

/// Forgets the token of the server.
pub fn logout(mut settings: Settings) -> Result<(), Failure> {
    let known = settings.credentials.servers.remove(&settings.url).is_some();
    if settings.credentials.current.as_deref() == Some(&settings.url) {
        settings.credentials.current = None;
    }
    if known {
        settings.credentials.save()?;
    }
    if settings.json {
        return output::json(&json!({"url": settings.url, "was_logged_in": known}));
    }
    if known {
        output::line(&format!("logged out of {}; the token stays valid until it expires or is revoked", settings.url))
    } else {
        output::line(&format!("was not logged in to {}", settings.url))
    }
}

/// Shows whose token is in use.
pub async fn whoami(settings: &Settings) -> Result<(), Failure> {
    let user = settings.api()?.user().await?;
    if settings.json {
        return output::json(&user);
    }
    output::line(&format!("{} on {}", output::clean(&user.login), settings.url))
}

fn ask_code(settings: &Settings) -> Result<String, Failure> {
    if settings.json || !prompt::is_possible() {
        return prompt::read_line();
    }
    prompt::ask(&format!("One-time code (the line `login:` that {} printed)", settings.url), None)
}

/// Returns a name for this machine, by which its token can be told from others.
fn machine() -> String {
    let name = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .unwrap_or_default();
    let name = output::clean(name.trim());
    if name.is_empty() { "an unnamed machine".to_owned() } else { name.chars().take(64).collect() }
}
