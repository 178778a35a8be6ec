//! `miaobu register`, `miaobu user`, `miaobu sessions` and `miaobu tokens`.

use std::num::NonZero;

use miaobu_client::Patch;
use miaobu_client::types::{NewToken, Scope, UserPatch};
use serde_json::json;

use super::login;
use crate::api::{Session, User};
use crate::args::{Proof, Register, Sessions, SessionsCommand, Tokens, TokensCommand, UserCommand};
use crate::errors::Failure;
use crate::settings::Settings;
use crate::{output, prompt};

/// Makes an account, whose password stands on standard input, and logs in to it.
pub async fn register(settings: Settings, arguments: Register) -> Result<(), Failure> {
    let password = secret("Password of the new account")?;
    let api = settings.anonymous_api()?;
    let session = api.register(&arguments.invitation, &arguments.login, &password).await?;
    login::keep(settings, session).await
}

/// Shows or changes the caller's profile.
pub async fn user(settings: &Settings, command: UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::Show => show(settings, &settings.api()?.user().await?),
        UserCommand::Set { name, no_name, email, no_email } => {
            let patch = UserPatch { name: change(name, no_name), email: change(email, no_email) };
            if patch == UserPatch::default() {
                return Err(Failure::usage("there is nothing to change").hint("give --name or --email"));
            }
            show(settings, &settings.api()?.update_user(patch).await?)
        }
        UserCommand::Password { code } => {
            let new = secret("New password")?;
            let present = Some(secret("Present password, if there is one")?).filter(|present| !present.is_empty());
            let session = settings.anonymous_api()?.login(&code).await?;
            session.set_password(new, present).await?;
            close(session).await;
            say(settings, &json!({"password": "set"}), "the password is set; other sessions have ended")
        }
        UserCommand::Unlink { proof, identity } => {
            let session = open(settings, proof).await?;
            let result = session.unlink_identity(identity).await;
            close(session).await;
            result?;
            let text = format!("identity {identity} opens the account no longer; other sessions have ended");
            say(settings, &json!({"unlinked": identity}), &text)
        }
    }
}

/// Lists or ends sessions.
pub async fn sessions(settings: &Settings, arguments: Sessions) -> Result<(), Failure> {
    let session = open(settings, arguments.proof).await?;
    let result = match arguments.command {
        SessionsCommand::List(listing) => session.sessions(listing.limit).await.and_then(|sessions| {
            if settings.json {
                return output::json(&sessions);
            }
            let rows = sessions.into_iter().map(|each| {
                let here = if each.current { "this command" } else { "-" };
                let (created, ends) = (output::when(each.created_at, settings.now), each.expires_at.to_rfc3339());
                vec![each.id.to_string(), here.to_owned(), created, ends]
            });
            output::table(&["id", "where", "created", "ends"], rows.collect())
        }),
        SessionsCommand::Revoke { session: id } => match session.revoke_session(id).await {
            Ok(()) => say(settings, &json!({"revoked": id}), &format!("session {id} has ended")),
            Err(failure) => Err(failure),
        },
    };
    close(session).await;
    result
}

/// Lists, makes or revokes API tokens.
pub async fn tokens(settings: &Settings, arguments: Tokens) -> Result<(), Failure> {
    let wanted = match &arguments.command {
        TokensCommand::Create { scopes, .. } => parse(scopes)?,
        TokensCommand::List(_) | TokensCommand::Revoke { .. } => None,
    };
    let session = open(settings, arguments.proof).await?;
    let result = work_on_tokens(settings, &session, arguments.command, wanted).await;
    close(session).await;
    result
}

async fn work_on_tokens(
    settings: &Settings,
    session: &Session,
    command: TokensCommand,
    scopes: Option<Vec<Scope>>,
) -> Result<(), Failure> {
    match command {
        TokensCommand::List(listing) => {
            let tokens = session.tokens(listing.limit).await?;
            if settings.json {
                return output::json(&tokens);
            }
            let never = || "-".to_owned();
            let rows = tokens.into_iter().map(|token| {
                let used = token.last_used_at.map_or_else(never, |time| output::when(time, settings.now));
                let ends = token.expires_at.map_or_else(never, |time| time.to_rfc3339());
                vec![token.id.to_string(), token.name, format!("…{}", token.hint), used, ends]
            });
            output::table(&["id", "name", "token", "used", "ends"], rows.collect())
        }
        TokensCommand::Create { name, days, projects, .. } => {
            let mut ids = Vec::new();
            for project in &projects {
                ids.push(session.project_id(project).await?);
            }
            let projects = Some(ids).filter(|ids| !ids.is_empty());
            let made = session
                .new_token(NewToken { name, expires_in_days: days.and_then(NonZero::new), scopes, projects })
                .await?;
            say(settings, &made, &output::clean(&made.token))
        }
        TokensCommand::Revoke { token } => {
            session.revoke_token(token).await?;
            say(settings, &json!({"revoked": token}), &format!("token {token} is revoked"))
        }
    }
}

async fn open(settings: &Settings, proof: Proof) -> Result<Session, Failure> {
    let api = settings.anonymous_api()?;
    match proof.user {
        Some(login) => api.login_with_password(&login, &prompt::read_line()?).await,
        None => api.login(&login::code(settings, proof.code)?).await,
    }
}

/// The session has done its work; a failure to end it early does no harm.
async fn close(session: Session) {
    let _ = session.logout().await;
}

fn parse(scopes: &[String]) -> Result<Option<Vec<Scope>>, Failure> {
    let parsed = scopes.iter().map(|scope| {
        scope.parse().map_err(|_| {
            Failure::usage(format!("{scope:?} is no scope")).hint("scopes are like projects:read or deployments:write")
        })
    });
    let parsed: Vec<Scope> = parsed.collect::<Result<_, _>>()?;
    Ok(Some(parsed).filter(|scopes| !scopes.is_empty()))
}

fn change(value: Option<String>, clear: bool) -> Patch<String> {
    if clear { Patch::Clear } else { value.map_or(Patch::Unchanged, Patch::Set) }
}

fn show(settings: &Settings, user: &User) -> Result<(), Failure> {
    if settings.json {
        return output::json(user);
    }
    let absent = || "-".to_owned();
    let row = |word: &str, value: Option<String>| vec![word.to_owned(), value.unwrap_or_else(absent)];
    let mut rows = vec![
        row("login", Some(user.login.clone())),
        row("name", user.name.clone()),
        row("email", user.email.clone()),
        row("created", Some(output::when(user.created_at, settings.now))),
    ];
    rows.extend(user.identities.iter().map(|identity| {
        row(&format!("identity {}", identity.id), Some(format!("{} {}", identity.provider, identity.subject)))
    }));
    output::table(&["what", "value"], rows)
}

fn secret(question: &str) -> Result<String, Failure> {
    if prompt::is_possible() { prompt::ask(question, None) } else { prompt::read_line() }
}

fn say(settings: &Settings, value: &impl serde::Serialize, text: &str) -> Result<(), Failure> {
    if settings.json { output::json(value) } else { output::line(text) }
}
