//! `miaobu teams`.

use serde::Serialize;
use serde_json::json;

use crate::args::TeamsCommand;
use crate::errors::Failure;
use crate::output;
use crate::settings::Settings;

/// Lists or changes teams.
pub async fn run(settings: &Settings, command: TeamsCommand) -> Result<(), Failure> {
    let api = settings.api()?;
    match command {
        TeamsCommand::List(listing) => {
            let teams = api.teams(listing.limit).await?;
            let row = |team: &miaobu_client::types::Team| {
                let created = output::when(team.created_at, settings.now);
                vec![team.id.to_string(), team.name.clone(), team.role.to_string(), created]
            };
            list(settings, &["id", "team", "role", "created"], &teams, row)
        }
        TeamsCommand::Show { team } => {
            let team = api.team(team).await?;
            say(settings, &team, &format!("{}\t{}\t{}", team.id, output::clean(&team.name), team.role))
        }
        TeamsCommand::Rename { team, name } => {
            let team = api.rename_team(team, name).await?;
            say(settings, &team, &format!("team {} is called {} now", team.id, output::clean(&team.name)))
        }
        TeamsCommand::Invitations { team, listing } => {
            let open = api.invitations(team, listing.limit).await?;
            let row = |each: &miaobu_client::types::Invitation| {
                vec![each.id.to_string(), each.email.clone(), each.role.to_string(), each.expires_at.to_rfc3339()]
            };
            list(settings, &["id", "email", "role", "ends"], &open, row)
        }
        TeamsCommand::Uninvite { team, invitation } => {
            api.withdraw(team, invitation).await?;
            say(settings, &json!({"withdrawn": invitation}), &format!("invitation {invitation} is withdrawn"))
        }
        TeamsCommand::Create { name } => {
            let team = api.create_team(&name).await?;
            say(settings, &team, &format!("made team {} {}", team.id, output::clean(&team.name)))
        }
        TeamsCommand::Delete { team } => {
            api.delete_team(team).await?;
            say(settings, &json!({"deleted": team}), &format!("deleted team {team}"))
        }
        TeamsCommand::Members { team, listing } => {
            let members = api.members(team, listing.limit).await?;
            let row = |member: &miaobu_client::types::Member| {
                vec![member.user_id.to_string(), member.login.clone(), member.role.to_string()]
            };
            list(settings, &["user", "login", "role"], &members, row)
        }
        TeamsCommand::Invite { team, email, role } => {
            let made = api.invite(team, &email, role).await?;
            say(settings, &made, &output::clean(&made.secret))
        }
        TeamsCommand::Join { invitation } => {
            let team = api.join(&invitation).await?;
            say(settings, &team, &format!("joined team {} {} as {}", team.id, output::clean(&team.name), team.role))
        }
        TeamsCommand::Role { team, user, role } => {
            let member = api.update_member(team, user, role).await?;
            say(settings, &member, &format!("{} is {} now", output::clean(&member.login), member.role))
        }
        TeamsCommand::Remove { team, user } => {
            api.remove_member(team, user).await?;
            say(settings, &json!({"removed": user}), &format!("user {user} left team {team}"))
        }
        TeamsCommand::Audit { team, listing } => {
            let events = api.audit_events(team, listing.limit).await?;
            let row = |event: &miaobu_client::types::AuditEvent| {
                let at = output::when(event.created_at, settings.now);
                vec![at, event.login.clone(), event.action.clone(), event.path.clone()]
            };
            list(settings, &["when", "who", "what", "path"], &events, row)
        }
    }
}

fn list<T: Serialize>(
    settings: &Settings,
    header: &[&str],
    items: &[T],
    row: impl Fn(&T) -> Vec<String>,
) -> Result<(), Failure> {
    if settings.json {
        return output::json(&items);
    }
    output::table(header, items.iter().map(row).collect())
}

fn say(settings: &Settings, value: &impl Serialize, text: &str) -> Result<(), Failure> {
    if settings.json { output::json(value) } else { output::line(text) }
}
