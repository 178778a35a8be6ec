//! Teams, invitations, passwords and sessions over HTTP.

use serde_json::{Value, json};

use crate::api_support::{Answer, Api};

const TEAMS: &str = "/api/v1/public/teams";

struct Team {
    api: Api,
    id: i64,
}

impl Team {
    async fn new() -> Self {
        let api = Api::new().await;
        let made = api.as_user("POST", TEAMS).json(&json!({ "name": "Engines" })).send().await;
        assert_eq!(made.status, 201, "{}", made.text());
        let id = made.json()["data"]["id"].as_i64().expect("an id");
        Self { api, id }
    }

    fn path(&self, rest: &str) -> String {
        format!("{TEAMS}/{}{rest}", self.id)
    }

    async fn invite(&self, email: &str, role: &str) -> String {
        let body = json!({ "email": email, "role": role });
        let answer = self.api.as_user("POST", &self.path("/invitations")).json(&body).send().await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["data"]["secret"].as_str().expect("a secret").to_owned()
    }

    /// Makes an account by an invitation and returns its session.
    async fn join(&self, login: &str, role: &str) -> String {
        let invitation = self.invite(&format!("{login}@example.com"), role).await;
        let answer = self.register(&invitation, login).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["data"]["session_token"].as_str().expect("a session").to_owned()
    }

    async fn register(&self, invitation: &str, login: &str) -> Answer {
        let body = json!({ "invitation": invitation, "login": login, "password": "correct horse" });
        self.api.call("POST", "/api/v1/auth/register").json(&body).send().await
    }

    async fn ask(&self, bearer: &str, method: &str, path: &str, body: Value) -> (u16, String) {
        let call = self.api.call(method, path).bearer(bearer);
        let answer = if body.is_null() { call.send().await } else { call.json(&body).send().await };
        (answer.status, if answer.status < 400 { String::new() } else { answer.code() })
    }
}

#[tokio::test]
async fn everybody_has_a_team_of_their_own_that_stays() {
    let api = Api::new().await;
    let teams = api.as_user("GET", TEAMS).send().await.json();
    let own = &teams["data"][0];
    assert_eq!((&own["personal"], &own["role"], &own["name"]), (&json!(true), &json!("owner"), &json!("admin")));
    let deleted = api.as_user("DELETE", &format!("{TEAMS}/{}", own["id"])).send().await;
    assert_eq!(deleted.code(), "personal_team");
}

#[tokio::test]
async fn members_do_what_their_role_says() {
    let team = Team::new().await;
    let new = json!({ "slug": "shop", "team_id": team.id });
    let made = team.api.as_user("POST", "/api/v1/public/projects").json(&new).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    let project = "/api/v1/public/projects/shop";
    let small = (403, "role_too_small".to_owned());
    let cases = [("vera", "viewer", false, false), ("dora", "deployer", true, false), ("adam", "admin", true, true)];
    for (login, role, deploys, changes) in cases {
        let session = team.join(login, role).await;
        let fine = (200, String::new());
        assert_eq!(team.ask(&session, "GET", project, Value::Null).await, fine, "{role}");
        let deploy = team.ask(&session, "POST", &format!("{project}/deployments"), json!({ "files": [] })).await;
        assert_eq!(deploy == small, !deploys, "{role}: {deploy:?}");
        let change = team.ask(&session, "PATCH", project, json!({ "settings": {} })).await;
        assert_eq!(change, if changes { fine } else { small.clone() }, "{role}");
        let invite = team.ask(&session, "POST", &team.path("/invitations"), json!({ "email": "x@y.zz" })).await;
        assert_eq!(invite == small, !changes, "{role}: {invite:?}");
        assert_eq!(team.ask(&session, "DELETE", &team.path(""), Value::Null).await, small, "{role}");
        let make = json!({ "slug": format!("of-{login}"), "team_id": team.id });
        let make = team.ask(&session, "POST", "/api/v1/public/projects", make).await;
        assert_eq!(make == small, !changes, "{role}: {make:?}");
    }
    let foreign = team.api.foreign_token().await;
    assert_eq!(team.ask(&foreign, "GET", project, Value::Null).await, (404, "not_found".to_owned()));
    assert_eq!(team.ask(&foreign, "GET", &team.path(""), Value::Null).await, (404, "not_found".to_owned()));
}

#[tokio::test]
async fn an_invitation_is_for_one_address_and_one_use() {
    let team = Team::new().await;
    let secret = team.invite("Grace@Example.com", "deployer").await;
    let newer = team.invite("grace@example.com", "viewer").await;
    assert_eq!(team.register(&secret, "grace").await.code(), "not_found", "the newer one takes its place");
    assert_eq!(team.register(&newer, "admin").await.code(), "login_taken");
    assert_eq!(team.register(&newer, "grace").await.status, 200);
    assert_eq!(team.register(&newer, "grace2").await.code(), "not_found", "it is used up");
    let again = json!({ "email": "grace@example.com" });
    let again = team.api.as_user("POST", &team.path("/invitations")).json(&again).send().await;
    assert_eq!(again.code(), "already_member");

    let for_ada = team.invite("ada@example.com", "viewer").await;
    let grace = json!({ "login": "grace", "password": "correct horse" });
    let login = team.api.call("POST", "/api/v1/auth/login/password").json(&grace).send().await;
    let session = login.json()["data"]["session_token"].as_str().expect("a session").to_owned();
    let accept = json!({ "secret": for_ada });
    let accepted = team.ask(&session, "POST", "/api/v1/public/invitations/accept", accept.clone()).await;
    assert_eq!(accepted, (409, "other_address".to_owned()));
    let foreign = team.api.foreign_token().await;
    let accepted =
        team.api.call("POST", "/api/v1/public/invitations/accept").bearer(&foreign).json(&accept).send().await;
    assert_eq!((accepted.status, &accepted.json()["data"]["role"]), (200, &json!("viewer")));
    let user = team.api.call("GET", "/api/v1/public/user").bearer(&foreign).send().await.json();
    assert_eq!(user["data"]["email"], "ada@example.com", "whoever has the secret reads the mail");
}

#[tokio::test]
async fn an_invitation_ends_after_a_week_or_when_it_is_withdrawn() {
    let team = Team::new().await;
    let late = team.invite("late@example.com", "viewer").await;
    team.api.app.advance(chrono::TimeDelta::days(8));
    assert_eq!(team.register(&late, "late").await.code(), "not_found");
    let withdrawn = team.invite("gone@example.com", "viewer").await;
    let open = team.api.as_user("GET", &team.path("/invitations")).send().await.json();
    assert_eq!(open["data"].as_array().map(Vec::len), Some(1));
    assert!(!open.to_string().contains("mb_inv_"));
    let path = team.path(&format!("/invitations/{}", open["data"][0]["id"]));
    assert_eq!(team.api.as_user("DELETE", &path).send().await.status, 204);
    assert_eq!(team.register(&withdrawn, "gone").await.code(), "not_found");
}

#[tokio::test]
async fn a_team_keeps_an_owner_and_only_owners_make_owners() {
    let team = Team::new().await;
    let adam = team.join("adam", "admin").await;
    let members = team.api.as_user("GET", &team.path("/members")).send().await.json();
    let id = |login: &str| {
        let members = members["data"].as_array().expect("members");
        members.iter().find(|member| member["login"] == login).expect("a member")["user_id"].as_i64().expect("an id")
    };
    let (adam_path, owner_path) =
        (team.path(&format!("/members/{}", id("adam"))), team.path(&format!("/members/{}", id("admin"))));
    let owner = json!({ "role": "owner" });
    let small = (403, "role_too_small".to_owned());
    assert_eq!(team.ask(&adam, "PATCH", &adam_path, owner.clone()).await, small);
    assert_eq!(team.ask(&adam, "DELETE", &owner_path, Value::Null).await, small);
    assert_eq!(
        team.ask(&adam, "POST", &team.path("/invitations"), json!({"email": "o@x.yz", "role": "owner"})).await,
        small
    );
    let token = team.api.token.clone();
    let last = (409, "last_owner".to_owned());
    assert_eq!(team.ask(&token, "DELETE", &owner_path, Value::Null).await, last);
    assert_eq!(team.ask(&token, "PATCH", &owner_path, json!({ "role": "admin" })).await, last);
    assert_eq!(team.ask(&token, "PATCH", &adam_path, owner).await, (200, String::new()));
    assert_eq!(team.ask(&token, "DELETE", &owner_path, Value::Null).await, (204, String::new()), "one may leave");
    assert_eq!(team.ask(&token, "GET", &team.path(""), Value::Null).await, (404, "not_found".to_owned()));
    assert_eq!(team.ask(&adam, "DELETE", &team.path("?dry_run=true"), Value::Null).await, (204, String::new()));
    assert_eq!(team.ask(&adam, "DELETE", &team.path(""), Value::Null).await, (204, String::new()));
    assert_eq!(team.ask(&adam, "GET", &team.path(""), Value::Null).await, (404, "not_found".to_owned()));
}

#[tokio::test]
async fn a_password_opens_sessions_and_a_new_one_ends_the_others() {
    let team = Team::new().await;
    let first = team.join("grace", "viewer").await;
    let login = async |login: &str, password: &str| {
        let body = json!({ "login": login, "password": password });
        team.api.call("POST", "/api/v1/auth/login/password").json(&body).send().await
    };
    let wrong = login("grace", "wrong horse").await;
    let nobody = login("nobody", "wrong horse").await;
    assert_eq!((wrong.status, wrong.code().as_str()), (401, "invalid_password"));
    assert_eq!(wrong.body, nobody.body, "who has an account is not told");
    assert_eq!(login("admin", "").await.status, 401, "no password is not an empty one");
    let second = login("grace", "correct horse").await;
    let second = second.json()["data"]["session_token"].as_str().expect("a session").to_owned();
    let path = "/api/v1/public/user/password";
    let change = |present: &str| json!({ "present_password": present, "new_password": "battery staple" });
    assert_eq!(team.ask(&second, "PUT", path, change("nope")).await, (422, "invalid_request".to_owned()));
    assert_eq!(team.ask(&second, "PUT", path, change("correct horse")).await, (204, String::new()));
    assert_eq!(team.ask(&first, "GET", "/api/v1/public/user", Value::Null).await.0, 401, "the other session ended");
    assert_eq!(login("grace", "correct horse").await.status, 401);
    assert_eq!(login("grace", "battery staple").await.status, 200);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one() {
    let api = Api::new().await;
    let (one, two) = (api.session().await, api.session().await);
    let listed = api.call("GET", "/api/v1/public/user/sessions").bearer(&one).send().await.json();
    let sessions = listed["data"].as_array().expect("sessions").clone();
    assert_eq!(sessions.iter().filter(|session| session["current"] == true).count(), 1);
    let other = sessions.iter().find(|session| session["current"] == false).expect("the other");
    let path = format!("/api/v1/public/user/sessions/{}", other["id"]);
    let foreign = api.as_user("DELETE", &path).send().await;
    assert_eq!(foreign.code(), "session_required");
    assert_eq!(api.call("DELETE", &path).bearer(&one).send().await.status, 204);
    assert_eq!(api.call("GET", "/api/v1/public/user").bearer(&two).send().await.status, 401);
    assert_eq!(api.call("DELETE", &path).bearer(&one).send().await.status, 404);
}

#[tokio::test]
async fn a_profile_is_patched_and_an_address_belongs_to_one_account() {
    let team = Team::new().await;
    team.join("grace", "viewer").await;
    let path = "/api/v1/public/user";
    let patch = |body: Value| team.api.as_user("PATCH", path).json(&body).send();
    let named = patch(json!({ "name": "Ada", "email": "Ada@example.com" })).await;
    assert_eq!(named.json()["data"]["email"], "ada@example.com");
    let cleared = patch(json!({ "name": null })).await.json();
    assert_eq!((&cleared["data"]["name"], &cleared["data"]["email"]), (&Value::Null, &json!("ada@example.com")));
    assert_eq!(patch(json!({ "email": "grace@example.com" })).await.code(), "email_taken");
    assert_eq!(
        patch(json!({ "email": "nonsense" })).await.refused(),
        [("/email".to_owned(), "invalid_email".to_owned())]
    );
}

#[tokio::test]
async fn an_account_is_opened_by_every_provider_that_it_is_linked_with_and_each_person_has_one() {
    let team = Team::new().await;
    let grace = team.join("grace", "viewer").await;
    let (api, accounts) = (&team.api, &team.api.app.services.accounts);
    let session = api.session().await;
    let ada = api.app.services.auth.authenticate(&session).await.expect("an actor");
    for (provider, subject) in [("github", "41"), ("gitlab", "41"), ("github", "41")] {
        accounts.link_identity(&ada, provider, subject).await.expect("linked");
        api.app.advance(chrono::TimeDelta::seconds(1));
    }
    let shown = api.call("GET", "/api/v1/public/user").bearer(&session).send().await.json();
    let providers: Vec<_> = shown["data"]["identities"].as_array().expect("a list").iter().collect();
    assert_eq!(
        (providers.len(), &providers[0]["provider"], &providers[1]["subject"]),
        (2, &json!("github"), &json!("41"))
    );

    let opened = accounts.login_by_identity("gitlab", "41").await.expect("asked").expect("an account");
    let same = api.call("GET", "/api/v1/public/user").bearer(&opened.secret).send().await.json();
    assert_eq!(same["data"]["id"], shown["data"]["id"]);
    assert!(accounts.login_by_identity("gitlab", "42").await.expect("asked").is_none());
    let token = api.actor().await;
    assert!(accounts.link_identity(&token, "github", "43").await.is_err(), "a token that leaked opens no account");
    let grace = api.app.services.auth.authenticate(&grace).await.expect("an actor");
    let taken = accounts.link_identity(&grace, "github", "41").await;
    assert!(matches!(taken, Err(miaobu_control::service::Error::Conflict { code: "identity_taken", .. })), "{taken:?}");
}

#[tokio::test]
async fn an_identity_is_unlinked_but_never_the_last_way_into_an_account() {
    let api = Api::new().await;
    let (path, accounts) = ("/api/v1/public/user", &api.app.services.accounts);
    let session = api.session().await;
    let ada = api.app.services.auth.authenticate(&session).await.expect("an actor");
    for (provider, subject) in [("github", "41"), ("gitlab", "42")] {
        accounts.link_identity(&ada, provider, subject).await.expect("linked");
    }
    let by_github = accounts.login_by_identity("github", "41").await.expect("asked").expect("an account").secret;
    let shown = api.call("GET", path).bearer(&session).send().await;
    let of = |index: usize| format!("{path}/identities/{}", shown.json()["data"]["identities"][index]["id"]);
    let unlink = async |path: &str| api.call("DELETE", path).bearer(&session).send().await;

    assert_eq!(
        api.as_user("DELETE", &of(0)).send().await.code(),
        "session_required",
        "a leaked token takes nothing away"
    );
    let stale = api.call("DELETE", &of(0)).bearer(&session).header("if-match", "\"another\"").send().await;
    assert_eq!((stale.status, stale.code().as_str()), (412, "precondition_failed"));
    let seen = api.call("DELETE", &of(0)).bearer(&session).header("if-match", shown.header("etag")).send().await;
    assert_eq!(seen.status, 204, "{}", seen.text());
    assert_eq!(unlink(&of(0)).await.code(), "not_found", "it is gone");
    assert!(accounts.login_by_identity("github", "41").await.expect("asked").is_none());
    assert_eq!(api.call("GET", path).bearer(&by_github).send().await.status, 401, "who came in by it is out");

    assert_eq!(unlink(&of(1)).await.code(), "last_way_in");
    let password = json!({ "new_password": "correct horse battery" });
    let set = api.call("PUT", &format!("{path}/password")).bearer(&session).json(&password).send().await;
    assert_eq!((set.status, unlink(&of(1)).await.status), (204, 204));
    let left = api.call("GET", path).bearer(&session).send().await.json();
    assert_eq!(left["data"]["identities"], json!([]));

    let team = api.call("GET", TEAMS).bearer(&session).send().await.json()["data"][0]["id"].clone();
    let events = api.call("GET", &format!("{TEAMS}/{team}/audit-events")).bearer(&session).send().await;
    let events = events.json()["data"].as_array().expect("events").clone();
    let actions: Vec<_> = events.iter().map(|event| event["action"].as_str().expect("text")).collect();
    assert_eq!(
        actions,
        ["unlinkIdentity", "setPassword", "unlinkIdentity"],
        "one's own team has what one did with the account"
    );
}

#[tokio::test]
async fn of_two_identities_that_go_at_once_one_stays() {
    let api = Api::new().await;
    let session = api.session().await;
    let ada = api.app.services.auth.authenticate(&session).await.expect("an actor");
    for round in 0..8 {
        let subjects = [format!("{round}-a"), format!("{round}-b")];
        for subject in &subjects {
            api.app.services.accounts.link_identity(&ada, "github", subject).await.expect("linked");
        }
        let shown = api.call("GET", "/api/v1/public/user").bearer(&session).send().await.json();
        let ids: Vec<_> =
            shown["data"]["identities"].as_array().expect("a list").iter().map(|one| one["id"].clone()).collect();
        let unlink = |id: &Value| {
            let path = format!("/api/v1/public/user/identities/{id}");
            let call = api.call("DELETE", &path).bearer(&session);
            async move { call.send().await.status }
        };
        let answers = futures_util::future::join_all(ids.iter().map(unlink)).await;
        assert_eq!(answers.iter().filter(|status| **status == 409).count(), 1, "{answers:?}");
    }
}
