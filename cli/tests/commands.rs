//! Everything but `deploy` and `login`.

use crate::platform::{Platform, visit};
use crate::support::{Person, write};

/// Deploys two versions of a site; returns their ids.
fn two_versions(person: &Person) -> (i64, i64) {
    let folder = person.site("shop", &[("index.html", "one")]);
    let first = person.deploy(&folder, "shop");
    write(&folder.join("index.html"), b"two");
    let second = person.deploy(&folder, "shop");
    (first["deployment_id"].as_i64().unwrap(), second["deployment_id"].as_i64().unwrap())
}

#[test]
fn lists_are_newest_first_and_plain_when_piped() {
    let platform = Platform::start();
    let person = platform.person();
    let (first, second) = two_versions(&person);
    person.deploy(&person.site("blog-two", &[("index.html", "x")]), "blog-two");
    let projects = person.run(&["projects"]).succeeded().stdout;
    let slugs: Vec<&str> = projects.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(slugs, ["blog-two", "shop"]);
    let projects = person.run(&["projects", "--json", "--limit", "1"]).succeeded().json();
    assert_eq!(projects.as_array().unwrap().len(), 1);
    assert_eq!(projects[0]["slug"], "blog-two");
    let deployments = person.run(&["deployments", "--project", "shop"]).succeeded().stdout;
    let rows: Vec<Vec<&str>> = deployments.lines().map(|line| line.split('\t').collect()).collect();
    let shown: Vec<(&str, &str, &str)> = rows.iter().map(|row| (row[0], row[1], row[2])).collect();
    assert_eq!(shown, [(&*second.to_string(), "deployed", "live"), (&*first.to_string(), "deployed", "-")]);
    let deployments = person.run(&["deployments", "--project", "shop", "--json"]).succeeded().json();
    assert_eq!(deployments[1]["id"], first);
    assert_eq!(deployments[1]["active"], false);
    let staging = person.run(&["deployments", "--project", "shop", "--environment", "staging"]).succeeded();
    assert_eq!(staging.stdout, "");
}

#[test]
fn rollback_and_promote_show_at_the_edge_at_once() {
    let platform = Platform::start();
    let person = platform.person();
    let (first, second) = two_versions(&person);
    let rolled = person.run(&["rollback", "--project", "shop", "--json"]).succeeded().json();
    assert_eq!((rolled["id"].as_i64(), rolled["active"].as_bool()), (Some(first), Some(true)));
    let url = rolled["url"].as_str().unwrap();
    assert_eq!(visit(url, "/"), (first.to_string(), "one".to_owned()));
    let promoted = person.run(&["promote", &second.to_string()]).succeeded();
    assert!(promoted.stdout.contains(&format!("deployment {second} of shop is live in production")), "{promoted:?}");
    assert_eq!(visit(url, "/").1, "two");
    person.run(&["rollback", "--project", "shop", "--to", &first.to_string()]).succeeded();
    assert_eq!(visit(url, "/").1, "one");
}

#[test]
fn there_must_be_something_to_roll_back_to() {
    let platform = Platform::start();
    let person = platform.person();
    person.deploy(&person.site("shop", &[("index.html", "one")]), "shop");
    person.run(&["rollback", "--project", "shop"]).failed(5, &["error: "]);
}

#[test]
fn the_log_of_a_deployment_can_be_read_and_followed_to_its_end() {
    let platform = Platform::start();
    let person = platform.person();
    let (first, _) = two_versions(&person);
    let lines = person.run(&["logs", &first.to_string()]).succeeded().stdout;
    assert!(lines.lines().count() > 0);
    assert!(lines.lines().all(|line| line.split('\t').count() == 3), "{lines}");
    let followed = person.run(&["logs", &first.to_string(), "--follow"]).succeeded().stdout;
    assert_eq!(followed, lines);
    let newest = person.run(&["logs", "--project", "shop", "--json"]).succeeded().json();
    assert_eq!(newest[0]["seq"], 1);
    let each = person.run(&["logs", "--project", "shop", "--json", "--follow"]).succeeded().stdout;
    assert_eq!(each.lines().count(), newest.as_array().unwrap().len());
}

#[test]
fn what_does_not_exist_is_not_found() {
    let platform = Platform::start();
    let person = platform.person();
    let cases: [&[&str]; 7] = [
        &["deployments", "--project", "nowhere"],
        &["logs", "4711"],
        &["logs", "--project", "nowhere"],
        &["promote", "4711"],
        &["rollback", "--project", "nowhere"],
        &["open", "--project", "nowhere"],
        &["open", "--project", "nowhere", "--json"],
    ];
    for arguments in cases {
        person.run(arguments).failed(4, &["hint"]);
    }
}

#[test]
fn a_reserved_name_is_refused_with_another_way_out() {
    let platform = Platform::start();
    let person = platform.person();
    let folder = person.site("admin", &[("index.html", "x")]);
    person.run(&["deploy", folder.to_str().unwrap()]).failed(2, &["reserved", "--project"]);
}

#[test]
fn completions_are_scripts_for_the_shell() {
    let person = Person::new("http://127.0.0.1:9", None);
    for (shell, sign) in [("bash", "complete -F"), ("zsh", "#compdef miaobu"), ("fish", "complete -c miaobu")] {
        let script = person.run(&["completions", shell]).succeeded().stdout;
        assert!(script.contains(sign), "{shell}: {script}");
    }
}

#[test]
fn a_protected_site_opens_with_password_link_and_token() {
    let platform = Platform::start();
    let person = platform.person();
    two_versions(&person);
    let on = person
        .run_with_input(&["protect", "on", "production", "--password-stdin", "--project", "shop"], "a good password\n");
    assert!(on.succeeded().stdout.contains("production of shop is protected"));
    let url = person.run(&["open", "--print", "--project", "shop"]).succeeded().stdout.trim().to_owned();
    assert!(visit(&url, "/").1.contains("asks for a password"));
    let link = person.run(&["protect", "share", "production", "--path", "/x", "--project", "shop"]).succeeded().stdout;
    assert!(link.contains("/x?_miaobu_share="), "{link}");
    let token = person.run(&["protect", "bypass", "ci", "--project", "shop"]).succeeded().stdout;
    assert!(token.starts_with("mb_pass_"), "{token}");
    let shown = person.run(&["protect", "--json", "show", "--project", "shop"]).succeeded();
    assert!(!shown.stdout.contains(token.trim()) && !shown.stdout.contains("good password"));
    let shown = shown.json();
    assert_eq!(shown["targets"][0]["has_password"], true);
    for (command, list) in [("unshare", "share_links"), ("unbypass", "bypass_tokens")] {
        let id = shown[list][0]["id"].to_string();
        person.run(&["protect", command, &id, "--project", "shop"]).succeeded();
        person.run(&["protect", command, &id, "--project", "shop"]).failed(4, &["error: "]);
    }
    person.run(&["protect", "off", "production", "--project", "shop"]).succeeded();
    assert_eq!(visit(&url, "/").1, "two");
}

#[test]
fn a_split_and_skew_protection_are_set_shown_and_ended() {
    let platform = Platform::start();
    let person = platform.person();
    let (first, second) = two_versions(&person);
    person.run(&["split", "show", "--project", "shop"]).failed(4, &["error: "]);
    let first = first.to_string();
    person.run(&["split", "set", &first, "--percent", "101", "--project", "shop"]).failed(2, &["101"]);
    let set = person.run(&["split", "set", &first, "--percent", "100", "--project", "shop"]).succeeded();
    assert_eq!(set.stdout, format!("100 % of the visitors of production get deployment {first}\n"));
    let url = person.run(&["open", "--print", "--project", "shop"]).succeeded().stdout.trim().to_owned();
    assert_eq!(visit(&url, "/"), (first, "one".to_owned()));
    let ended = person.run(&["split", "end", "--json", "--project", "shop"]).succeeded().json();
    assert_eq!(ended["id"], second);
    assert_eq!(visit(&url, "/"), (second.to_string(), "two".to_owned()));
    let skew = person.run(&["skew", "on", "--hours", "2", "--json", "--project", "shop"]).succeeded().json();
    assert_eq!(skew["max_age_seconds"], 7200);
    let off = person.run(&["skew", "off", "--project", "shop"]).succeeded().stdout;
    assert_eq!(off, "every visitor gets the active deployment\n");
}
