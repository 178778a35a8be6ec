//! `miaobu operators`: who sees and mends what belongs to no team.

use miaobu_client::types::Operator;
use serde_json::json;

use crate::args::OperatorsCommand;
use crate::errors::Failure;
use crate::output;
use crate::settings::Settings;

/// Lists, shows, names or removes operators.
pub async fn run(settings: &Settings, command: OperatorsCommand) -> Result<(), Failure> {
    let api = settings.api()?;
    match command {
        OperatorsCommand::List { listing } => {
            let operators = api.operators(listing.limit).await?;
            if settings.json { output::json(&operators) } else { table(settings, &operators) }
        }
        OperatorsCommand::Show { user } => {
            let operator = api.operator(user).await?;
            if settings.json { output::json(&operator) } else { table(settings, &[operator]) }
        }
        OperatorsCommand::Add { login } => {
            let operator = api.add_operator(&login).await?;
            if settings.json {
                return output::json(&operator);
            }
            output::line(&format!("{login} is an operator, as user {}", operator.id))
        }
        OperatorsCommand::Remove { user } => {
            api.remove_operator(user).await?;
            if settings.json {
                return output::json(&json!({ "removed": user }));
            }
            output::line(&format!("user {user} is no operator any more"))
        }
    }
}

fn table(settings: &Settings, operators: &[Operator]) -> Result<(), Failure> {
    let row = |operator: &Operator| {
        let name = operator.name.clone().unwrap_or_else(|| "-".to_owned());
        vec![operator.id.to_string(), operator.login.clone(), name, output::when(operator.created_at, settings.now)]
    };
    output::table(&["user", "login", "name", "made"], operators.iter().map(row).collect())
}
