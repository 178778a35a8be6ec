//! Every operation of the API has a command, or a reason for having none.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::Person;

/// An operation, and the command that carries it out.
const COMMANDS: &[(&str, &str)] = &[
    ("acceptInvitation", "teams join"),
    ("addDomain", "domains add"),
    ("addOperator", "operators add"),
    ("cancelDeployment", "cancel"),
    ("createBypassToken", "protect bypass"),
    ("createDeployment", "deploy"),
    ("createEnvVar", "env set"),
    ("createInvitation", "teams invite"),
    ("createProject", "project create"),
    ("createShareLink", "protect share"),
    ("createTeam", "teams create"),
    ("createToken", "tokens create"),
    ("deleteDeployment", "deployment delete"),
    ("deleteDomain", "domains remove"),
    ("deleteEnvVar", "env unset"),
    ("deleteProject", "delete"),
    ("deleteTeam", "teams delete"),
    ("discardJob", "jobs discard"),
    ("endSplit", "split end"),
    ("explainRequest", "explain"),
    ("finishDeployment", "deploy"),
    ("getDashboardStatistics", "statistics"),
    ("getDeployment", "deployment show"),
    ("getDeploymentDiagnostics", "deployment problems"),
    ("getDeploymentLogs", "logs"),
    ("getDomain", "domains show"),
    ("getEnvVar", "env show"),
    ("getHealth", "health"),
    ("getJob", "jobs show"),
    ("getOperator", "operators show"),
    ("getProject", "project show"),
    ("getProtection", "protect show"),
    ("getRoutine", "routine status"),
    ("getRoutinePlan", "routine plan"),
    ("getRoutinePublication", "routine show"),
    ("getSkewProtection", "skew show"),
    ("getSplit", "split show"),
    ("getTeam", "teams show"),
    ("getUpload", "deploy"),
    ("getUser", "user show"),
    ("importEnvVars", "env import"),
    ("listAuditEvents", "teams audit"),
    ("listDeployments", "deployments"),
    ("listDomains", "domains list"),
    ("listEnvVars", "env list"),
    ("listInvitations", "teams invitations"),
    ("listJobs", "jobs list"),
    ("listMembers", "teams members"),
    ("listOperators", "operators list"),
    ("listProjects", "projects"),
    ("listRoutinePublications", "routine publications"),
    ("listRoutineVersions", "routine versions"),
    ("listSessions", "sessions list"),
    ("listTeams", "teams list"),
    ("listTokens", "tokens list"),
    ("login", "login"),
    ("loginWithPassword", "tokens"),
    ("logout", "tokens"),
    ("promoteDeployment", "promote"),
    ("protectTarget", "protect on"),
    ("publishRoutine", "routine publish"),
    ("redeployDeployment", "redeploy"),
    ("register", "register"),
    ("removeMember", "teams remove"),
    ("removeOperator", "operators remove"),
    ("replaceEnvVars", "env replace"),
    ("retryJob", "jobs retry"),
    ("revokeBypassToken", "protect unbypass"),
    ("revokeInvitation", "teams uninvite"),
    ("revokeSession", "sessions revoke"),
    ("revokeShareLink", "protect unshare"),
    ("revokeToken", "tokens revoke"),
    ("rollbackProject", "rollback"),
    ("rollbackRoutine", "routine rollback"),
    ("setPassword", "user password"),
    ("setSkewProtection", "skew on"),
    ("setSplit", "split set"),
    ("triggerDeployment", "build"),
    ("unlinkIdentity", "user unlink"),
    ("unprotectTarget", "protect off"),
    ("updateDomain", "domains pin"),
    ("updateEnvVar", "env set"),
    ("updateMember", "teams role"),
    ("updateProject", "project set"),
    ("updateTeam", "teams rename"),
    ("updateUser", "user set"),
    ("uploadBlob", "deploy"),
    ("uploadBlobs", "deploy"),
    ("verifyDomain", "domains verify"),
];

/// An operation without a command, and why.
const WITHOUT: &[(&str, &str)] = &[
    ("createLogTicket", "for browsers, which can't send a token with a stream"),
    ("followLogsWithTicket", "for browsers, which can't send a token with a stream"),
    ("uploadDeployment", "`deploy` sends only the files that the server lacks"),
];

fn operations() -> BTreeSet<String> {
    let document: Value = serde_json::from_str(include_str!("../../openapi/openapi.json")).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    let ids = paths.flat_map(|methods| methods.as_object().unwrap().values());
    ids.filter_map(|operation| operation["operationId"].as_str().map(str::to_owned)).collect()
}

#[test]
fn every_operation_has_a_command_or_a_reason_for_having_none() {
    let named: Vec<&str> = COMMANDS.iter().chain(WITHOUT).map(|(operation, _)| *operation).collect();
    let unique: BTreeSet<String> = named.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(named.len(), unique.len(), "an operation is named twice");
    assert_eq!(unique, operations());
    let person = Person::new("http://127.0.0.1:9", None);
    for command in COMMANDS.iter().map(|(_, command)| *command).collect::<BTreeSet<_>>() {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let usage = format!("Usage: miaobu {command}");
        let help = person.run(&words).succeeded().stdout;
        assert!(help.contains(&usage), "{usage:?} is missing in {help}");
    }
}
