//! Env vars, domains, teams, and what takes things away.

use crate::platform::{Platform, visit};

#[test]
fn env_vars_are_set_listed_and_deleted_and_secrets_stay_secret() {
    let platform = Platform::start();
    let person = platform.person();
    person.deploy(&person.site("shop", &[("index.html", "one")]), "shop");
    let set = ["env", "set", "KEY=hunter2", "--project", "shop"];
    assert_eq!(person.run(&set).succeeded().stdout, "KEY: set (rebuild)\n");
    person.run(&["env", "set", "URL=https://a.example", "--plain", "--project", "shop"]).succeeded();
    let list = ["env", "list", "--project", "shop"];
    let listed = person.run(&list).succeeded().stdout;
    assert!(listed.contains("KEY\t(secret)") && listed.contains("URL\thttps://a.example"), "{listed}");
    assert!(!listed.contains("hunter2"));
    let file = person.site("env", &[("vars", "URL=https://b.example\nKEY\nNEW='x'\n")]).join("vars");
    let file = file.to_str().unwrap();
    let replace = ["env", "replace", file, "--project", "shop", "--dry-run", "--json"];
    let plan = person.run(&replace).succeeded().json();
    assert_eq!((plan["added"][0].as_str(), plan["dry_run"].as_bool()), (Some("NEW"), Some(true)));
    assert_eq!(
        person.run(&["env", "unset", "KEY", "--project", "shop"]).succeeded().stdout,
        "KEY: deleted (rebuild)\n"
    );
    assert_eq!(person.run(&["env", "unset", "KEY", "--project", "shop"]).code, Some(4));
}

#[test]
fn a_domain_is_added_pinned_and_given_up() {
    let platform = Platform::start();
    let person = platform.person();
    let first = person.deploy(&person.site("shop", &[("index.html", "one")]), "shop");
    let added = person.run(&["domains", "add", "www.example.com", "--project", "shop"]).succeeded().stdout;
    assert!(added.contains("make    TXT  _miaobu.www.example.com  miaobu-verify="), "{added}");
    let own = person.run(&["domains", "add", "store.localhost", "--project", "shop", "--json"]).succeeded().json();
    assert_eq!(own["verified"], true);
    let url = first["url"].as_str().unwrap().replace("shop.", "store.");
    assert_eq!(visit(&url, "/").1, "one");
    person.run(&["domains", "pin", "store.localhost", "--project", "shop"]).succeeded();
    person.deploy(&person.site("shop-two", &[("index.html", "two")]), "shop");
    assert_eq!(visit(&url, "/").1, "one", "it is pinned");
    person.run(&["domains", "follow", "store.localhost", "--project", "shop"]).succeeded();
    assert_eq!(visit(&url, "/").1, "two");
    person.run(&["domains", "remove", "store.localhost", "--project", "shop"]).succeeded();
    assert_ne!(visit(&url, "/").1, "two");
    assert_eq!(person.run(&["domains", "pin", "store.localhost", "--project", "shop"]).code, Some(4));
}

#[test]
fn teams_are_made_and_people_invited() {
    let platform = Platform::start();
    let person = platform.person();
    let team = person.run(&["teams", "create", "Engines", "--json"]).succeeded().json();
    let id = team["id"].to_string();
    let invitation = person.run(&["teams", "invite", &id, "grace@example.com", "--role", "admin"]).succeeded().stdout;
    assert!(invitation.starts_with("mb_inv_"), "{invitation}");
    let listed = person.run(&["teams", "list"]).succeeded().stdout;
    assert!(listed.contains("Engines\towner"), "{listed}");
    let events = person.run(&["teams", "audit", &id]).succeeded().stdout;
    assert!(events.contains("createInvitation"), "{events}");
    person.run(&["teams", "delete", &id]).succeeded();
    assert_eq!(person.run(&["teams", "members", &id]).code, Some(4));
}

#[test]
fn a_project_is_deleted_only_on_purpose() {
    let platform = Platform::start();
    let person = platform.person();
    let first = person.deploy(&person.site("shop", &[("index.html", "one")]), "shop");
    assert_eq!(person.run(&["delete", "shop"]).code, Some(2), "nobody can be asked");
    let plan = person.run(&["delete", "shop", "--dry-run", "--json"]).succeeded().json();
    assert_eq!((plan["deployments"].as_i64(), plan["dry_run"].as_bool()), (Some(1), Some(true)));
    let again = person.run(&["redeploy", &first["deployment_id"].to_string(), "--json"]).succeeded().json();
    assert_eq!(again["project"], "shop");
    person.run(&["delete", "shop", "--yes"]).succeeded();
    assert_eq!(person.run(&["deployments", "--project", "shop"]).code, Some(4));
}

#[test]
fn an_operator_looks_at_the_routine() {
    let platform = Platform::start();
    let person = platform.person();
    assert_eq!(person.run(&["routine", "publications", "--json"]).succeeded().stdout, "[]\n");
    assert_eq!(person.run(&["routine", "show", "999999"]).code, Some(4));
    for command in ["status", "versions", "plan", "publish", "rollback"] {
        let refused = person.run(&["routine", command]);
        assert_eq!(refused.code, Some(5), "the edge is this machine's alone: {command}");
        assert!(refused.stderr.contains("MIAOBU_ESA_SITE"), "{}", refused.stderr);
    }
}

#[test]
fn an_operator_names_and_removes_others() {
    let platform = Platform::start();
    let person = platform.person();
    let operators = person.run(&["operators", "list", "--json"]).succeeded().json();
    let own = operators[0]["id"].to_string();
    assert_eq!(person.run(&["operators", "add", "nobody"]).code, Some(1));
    assert_eq!(person.run(&["operators", "show", "999999"]).code, Some(4));
    let shown = person.run(&["operators", "show", &own]).succeeded().stdout;
    assert!(shown.contains(operators[0]["login"].as_str().expect("a login")), "{shown}");
    let last = person.run(&["operators", "remove", &own]);
    assert_eq!(last.code, Some(5), "{}", last.stderr);
    assert!(last.stderr.contains("last operator"), "{}", last.stderr);
}

#[test]
fn an_operator_looks_at_jobs() {
    let platform = Platform::start();
    let person = platform.person();
    assert_eq!(person.run(&["jobs", "list", "--state", "dead", "--json"]).succeeded().stdout, "[]\n");
    assert_eq!(person.run(&["jobs", "list", "--kind", "deploy", "--project", "1"]).succeeded().stdout, "");
    for command in ["show", "retry", "discard"] {
        assert_eq!(person.run(&["jobs", command, "999999"]).code, Some(4), "{command}");
    }
}
