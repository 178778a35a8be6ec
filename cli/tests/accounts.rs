//! Tokens, sessions, profiles, and single objects.

use crate::platform::Platform;
use crate::scripted::Scripted;

#[test]
fn tokens_are_made_listed_and_revoked_by_who_proves_who_they_are() {
    let platform = Platform::start();
    let owner = platform.person();
    owner.run(&["project", "create", "shop"]).succeeded();
    owner.run(&["tokens", "list"]).failed(2, &["--code"]);
    let create = ["tokens", "create", "ci", "--scope", "projects:read", "--project", "shop", "--json"];
    owner.run(&[&create[..], &["--scope", "nothing:read", "--code", "x"]].concat()).failed(2, &["nothing:read"]);
    let made = owner.run(&[&create[..], &["--code", &platform.code()]].concat()).succeeded().json();
    assert_eq!(made["scopes"][0], "projects:read");
    let holder = crate::support::Person::new(&platform.url, made["token"].as_str());
    holder.run(&["project", "show", "--project", "shop"]).succeeded();
    holder.run(&["project", "create", "other"]).failed(1, &["scope"]);
    let id = made["id"].to_string();
    let listed = owner.run(&["tokens", "list", "--code", &platform.code()]).succeeded().stdout;
    assert!(listed.lines().any(|line| line.starts_with(&format!("{id}\tci\t"))), "{listed}");
    owner.run(&["tokens", "revoke", &id, "--code", &platform.code()]).succeeded();
    holder.run(&["project", "show", "--project", "shop"]).failed(3, &["token"]);
}

#[test]
fn a_password_is_set_and_opens_sessions_that_can_be_ended() {
    let platform = Platform::start();
    let person = platform.person();
    let login = person.run(&["whoami", "--json"]).succeeded().json()["login"].as_str().unwrap().to_owned();
    let password = "correct horse battery staple";
    person.run_with_input(&["user", "password", "--code", &platform.code()], &format!("{password}\n")).succeeded();
    let list = ["sessions", "list", "--user", &login, "--password-stdin", "--json"];
    let sessions = person.run_with_input(&list, password).succeeded().json();
    let sessions = sessions.as_array().unwrap();
    assert_eq!(sessions.iter().filter(|session| session["current"] == true).count(), 1);
    person.run_with_input(&list, "wrong").failed(3, &["password"]);
    let missing = ["sessions", "revoke", "999999", "--user", &login, "--password-stdin"];
    person.run_with_input(&missing, password).failed(4, &[]);
}

#[test]
fn a_profile_is_changed_field_by_field() {
    let platform = Platform::start();
    let person = platform.person();
    person.run(&["user", "set", "--name", "Ada", "--email", "ada@example.com"]).succeeded();
    let user = person.run(&["user", "set", "--no-name", "--json"]).succeeded().json();
    assert_eq!((user["name"].as_str(), user["email"].as_str()), (None, Some("ada@example.com")));
    assert!(person.run(&["user", "show"]).succeeded().stdout.contains("email\tada@example.com"));
    person.run(&["user", "set"]).failed(2, &["--name"]);
}

#[test]
fn an_identity_is_listed_and_unlinked() {
    let server = Scripted::start();
    let person = server.person();
    let shown = person.run(&["user", "show"]).succeeded().stdout;
    assert!(shown.contains("identity 7\tgithub 47\n"), "{shown}");
    let unlinked = person.run(&["user", "unlink", "7", "--code", "x", "--json"]).succeeded().json();
    assert_eq!(unlinked["unlinked"], 7);
    person.run(&["user", "unlink", "8", "--code", "x"]).failed(5, &["last_way_in"]);
    assert_eq!(server.world().count("unlinkIdentity"), 2);
    let platform = Platform::start();
    platform.person().run(&["user", "unlink", "7", "--code", &platform.login_code]).failed(4, &[]);
}

#[test]
fn an_invited_person_registers_and_is_logged_in() {
    let platform = Platform::start();
    let person = platform.person();
    let team = person.run(&["teams", "create", "Engines", "--json"]).succeeded().json()["id"].to_string();
    let invite = |email: &str| person.run(&["teams", "invite", &team, email]).succeeded().stdout.trim().to_owned();
    let (kept, withdrawn) = (invite("grace@example.com"), invite("alan@example.com"));
    let open = person.run(&["teams", "invitations", &team, "--json"]).succeeded().json();
    let id =
        open.as_array().unwrap().iter().find(|each| each["email"] == "alan@example.com").unwrap()["id"].to_string();
    person.run(&["teams", "uninvite", &team, &id]).succeeded();
    let guest = platform.stranger();
    let password = "correct horse battery staple\n";
    guest.run_with_input(&["register", &withdrawn, "alan"], password).failed(4, &[]);
    guest.run_with_input(&["register", &kept, "grace"], password).succeeded();
    assert!(guest.run(&["whoami"]).succeeded().stdout.starts_with("grace on "));
    person.run(&["teams", "rename", &team, "Difference Engines"]).succeeded();
    assert_eq!(guest.run(&["teams", "show", &team, "--json"]).succeeded().json()["name"], "Difference Engines");
}

#[test]
fn projects_and_deployments_are_shown_changed_and_deleted() {
    let platform = Platform::start();
    let person = platform.person();
    let files = [("index.html", "one"), ("_redirects", "/old /new 999\n")];
    let first = person.deploy(&person.site("shop", &files), "shop")["deployment_id"].to_string();
    let second = person.deploy(&person.site("shop-two", &[("index.html", "two")]), "shop")["deployment_id"].to_string();
    let set = ["project", "set", "--project", "shop", "--not-found", "single-page", "--html", "drop"];
    person.run(&set).succeeded();
    let set = ["project", "set", "--project", "shop", "--html", "default", "--json"];
    let settings = &person.run(&set).succeeded().json()["settings"];
    assert_eq!((&settings["not_found"], &settings["html_handling"]), (&"single_page".into(), &"auto".into()));
    let set = ["project", "set", "--project", "shop", "--dialect", "gitlab", "--undecodable-paths", "refuse"];
    let more = ["--index-redirects", "yes", "--navigation-prefers-assets", "yes", "--redirects-first", "yes"];
    let shown = person.run(&[&set[..], &more].concat()).succeeded().stdout;
    for row in [
        "dialect\tgitlab",
        "undecodable paths\trefuse",
        "index redirects\ttrue",
        "navigation prefers assets\ttrue",
        "redirects first\ttrue",
    ] {
        assert!(shown.contains(row), "{row}: {shown}");
    }
    let set = ["project", "set", "--project", "shop", "--dialect", "default", "--index-redirects", "no", "--json"];
    let settings = &person.run(&set).succeeded().json()["settings"];
    assert_eq!((&settings["dialect"], &settings["index_redirects"]), (&"best".into(), &false.into()));
    person.run(&["project", "set", "--project", "shop"]).failed(2, &["nothing to change"]);
    assert!(person.run(&["deployment", "problems", &first]).succeeded().stdout.starts_with("_redirects:1\t"));
    assert!(person.run(&["deployment", "show", &second]).succeeded().stdout.contains("status\tdeployed"));
    person.run(&["deployment", "delete", &second]).failed(5, &["serve"]);
    assert!(person.run(&["deployment", "delete", &first]).succeeded().stdout.starts_with("deleted deployment"));
    person.run(&["deployment", "delete", &first]).failed(4, &[]);
    person.run(&["build", "--project", "shop"]).failed(5, &["repository"]);
}

#[test]
fn env_vars_of_the_older_system_are_imported() {
    let platform = Platform::start();
    let person = platform.person();
    person.deploy(&person.site("shop", &[("index.html", "one")]), "shop");
    // The example of the Fernet specification: key, token, and what the token holds.
    let key = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
    let token = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
    let file = person.site("old", &[("vars", &format!("GREETING={token}\n"))]).join("vars");
    let import = ["env", "import", file.to_str().unwrap(), "--plain", "--project", "shop"];
    person.run_with_input(&import, "wrong\n").failed(1, &["key"]);
    person.run_with_input(&import, &format!("{key}\n")).succeeded();
    assert!(person.run(&["env", "show", "GREETING", "--project", "shop"]).succeeded().stdout.contains("hello"));
}

#[test]
fn anybody_may_ask_how_the_server_is_and_its_users_what_they_have() {
    let platform = Platform::start();
    let health = platform.stranger().run(&["health"]).succeeded().stdout;
    assert!(health.contains("database\tok\t") && health.contains("miaobu\tok\t"), "{health}");
    let person = platform.person();
    person.deploy(&person.site("shop", &[("index.html", "one")]), "shop");
    let counts = person.run(&["statistics", "--json"]).succeeded().json();
    assert_eq!((counts["total_projects"].as_i64(), counts["builds_this_month"].as_i64()), (Some(1), Some(1)));
    person.run(&["domains", "add", "www.example.com", "--project", "shop"]).succeeded();
    let shown = person.run(&["domains", "show", "www.example.com", "--project", "shop"]).succeeded().stdout;
    assert!(shown.contains("_miaobu.www.example.com"), "{shown}");
}
