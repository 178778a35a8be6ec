//! Protection, splits and skew pins, from the services to what the edge makes of the records.

use chrono::TimeDelta;
use miaobu_control::domain::{
    Actor, DeploymentId, Environment, Project, ProjectKind, ProjectSettings, ProtectionTarget, Slug,
};
use miaobu_control::service::{Error, NewShareLink, PasswordChange, ProjectRef};
use miaobu_control::store::projects;
use miaobu_edge::variants::choose;
use miaobu_edge::{Decision, Lookup, Method, Request, RouteRecord, Settings, decide};

use crate::support::{Site, TestApp};

use Environment::{Preview, Production, Staging};

const PASSWORD: &str = "correct horse battery";

struct Shop {
    app: TestApp,
    ada: Actor,
    project: Project,
    name: ProjectRef,
}

impl Shop {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let ada = app.login().await;
        let project = app.project(&ada, "shop").await;
        let name = ProjectRef::Id(project.id);
        Self { app, ada, project, name }
    }

    async fn deploy(&self, text: &str) -> DeploymentId {
        self.app.deploy(&self.ada, &self.project, &Site::page(text)).await.id
    }

    async fn protect(&self, target: ProtectionTarget, password: PasswordChange) {
        let protections = &self.app.services.protections;
        protections.protect(&self.ada, &self.name, target, password, |_| true).await.expect("protected");
    }

    async fn record(&self, host: &str) -> RouteRecord {
        self.app.route(host).await.expect("a record")
    }

    async fn share(&self, target: ProtectionTarget, seconds: u32) -> (i64, String) {
        let new = NewShareLink {
            target,
            branch: None,
            deployment_id: None,
            path: "/new".to_owned(),
            expires_in_seconds: seconds,
        };
        let created = self.app.services.protections.share(&self.ada, &self.name, new).await.expect("a link");
        (created.link.id, created.url)
    }

    /// Whether a request with these fields gets past the protection of `host`; its `set-cookie` if it was let in just now.
    async fn ask(&self, host: &str, target: &str, fields: &[(&str, &str)], form: Option<&str>) -> Visit {
        let record = self.record(host).await;
        let method = if form.is_some() { "POST" } else { "GET" };
        let mut request = Request::new(Method::parse(method), host, target);
        request.now = u64::try_from(self.app.now().timestamp()).ok();
        request.form = form;
        fields.iter().for_each(|(name, value)| request.header(name, value));
        // The site is left out: a visitor who is let in is told that it can't be read.
        let decision = decide(&Lookup::Found { record: &record, site: None }, &request, &Settings::default());
        let head = decision.head().expect("an answer of the edge's own");
        let mut visit = Visit { open: head.status == 503, cookie: String::new(), location: String::new() };
        if matches!(decision, Decision::Redirect(_)) {
            head.for_each_header(|name, value| match name {
                "set-cookie" => value.split(';').next().unwrap_or_default().clone_into(&mut visit.cookie),
                "location" => value.clone_into(&mut visit.location),
                _ => {}
            });
        }
        visit
    }

    async fn opens(&self, host: &str, fields: &[(&str, &str)]) -> bool {
        self.ask(host, "/", fields, None).await.open
    }

    async fn enter(&self, host: &str, password: &str) -> String {
        let form = format!("to=%2F&password={}", password.replace(' ', "+"));
        self.ask(host, "/_miaobu/unlock", &[], Some(&form)).await.cookie
    }
}

struct Visit {
    open: bool,
    cookie: String,
    location: String,
}

fn code_of<T>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(Error::Conflict { code, .. }) => code,
        Err(Error::NotFound) => "not_found",
        Err(Error::Invalid { problems }) => problems[0].code,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it was not refused"),
    }
}

#[tokio::test]
async fn each_target_is_protected_for_itself() {
    let shop = Shop::new().await;
    let id = shop.deploy("one").await;
    shop.app.services.deployments.promote(&shop.ada, id, Staging).await.expect("promoted");
    let pinned = format!("shop-d{id}.localhost");
    let hosts = ["shop.localhost", "shop-staging.localhost", pinned.as_str()];
    let open = async || {
        let mut open = Vec::new();
        for host in hosts {
            open.push(shop.opens(host, &[]).await);
        }
        open
    };
    assert_eq!(open().await, [true, true, true]);
    shop.protect(ProtectionTarget::Staging, PasswordChange::Keep).await;
    assert_eq!(open().await, [true, false, true]);
    shop.protect(ProtectionTarget::Pinned, PasswordChange::Keep).await;
    assert_eq!(open().await, [true, false, false]);
    // What is deployed later is protected from its first moment.
    let later = shop.deploy("two").await;
    assert!(!shop.opens(&format!("shop-d{later}.localhost"), &[]).await);
    assert!(shop.opens("shop.localhost", &[]).await);
    let protections = &shop.app.services.protections;
    protections.unprotect(&shop.ada, &shop.name, ProtectionTarget::Staging, |_| true).await.expect("unprotected");
    assert_eq!(open().await, [true, true, false]);
    assert_eq!(
        code_of(protections.unprotect(&shop.ada, &shop.name, ProtectionTarget::Staging, |_| true).await),
        "not_found"
    );
}

#[tokio::test]
async fn a_password_opens_until_there_is_another() {
    let shop = Shop::new().await;
    shop.deploy("one").await;
    shop.protect(ProtectionTarget::Production, PasswordChange::Set(PASSWORD.to_owned())).await;
    let host = "shop.localhost";
    assert_eq!(shop.enter(host, "correct horse batterz").await, "");
    let cookie = shop.enter(host, PASSWORD).await;
    assert!(shop.opens(host, &[("cookie", &cookie)]).await);
    // Keeping it keeps visitors in.
    shop.protect(ProtectionTarget::Production, PasswordChange::Keep).await;
    assert!(shop.opens(host, &[("cookie", &cookie)]).await);
    shop.protect(ProtectionTarget::Production, PasswordChange::Set("another password".to_owned())).await;
    assert!(!shop.opens(host, &[("cookie", &cookie)]).await);
    assert_eq!(shop.enter(host, PASSWORD).await, "");
    let cookie = shop.enter(host, "another password").await;
    assert!(shop.opens(host, &[("cookie", &cookie)]).await);
    shop.app.advance(TimeDelta::days(8));
    assert!(!shop.opens(host, &[("cookie", &cookie)]).await, "a week later");
    shop.protect(ProtectionTarget::Production, PasswordChange::Remove).await;
    assert_eq!(shop.enter(host, "another password").await, "");
}

#[tokio::test]
async fn a_cookie_of_one_project_or_environment_opens_no_other() {
    let shop = Shop::new().await;
    let id = shop.deploy("one").await;
    shop.app.services.deployments.promote(&shop.ada, id, Staging).await.expect("promoted");
    let other = shop.app.project(&shop.ada, "other").await;
    shop.app.deploy(&shop.ada, &other, &Site::page("other")).await;
    let password = || PasswordChange::Set(PASSWORD.to_owned());
    for target in [ProtectionTarget::Production, ProtectionTarget::Staging] {
        shop.protect(target, password()).await;
    }
    let protections = &shop.app.services.protections;
    let name = ProjectRef::Id(other.id);
    protections.protect(&shop.ada, &name, ProtectionTarget::Production, password(), |_| true).await.expect("protected");
    let cookie = shop.enter("shop.localhost", PASSWORD).await;
    let fields = [("cookie", cookie.as_str())];
    assert!(shop.opens("shop.localhost", &fields).await);
    assert!(!shop.opens("shop-staging.localhost", &fields).await);
    assert!(!shop.opens("other.localhost", &fields).await);
}

#[tokio::test]
async fn a_share_link_opens_its_target_until_it_ends_or_is_revoked() {
    let shop = Shop::new().await;
    shop.deploy("one").await;
    let host = "shop.localhost";
    let protections = &shop.app.services.protections;
    let new = || NewShareLink {
        target: ProtectionTarget::Production,
        branch: None,
        deployment_id: None,
        path: "/".to_owned(),
        expires_in_seconds: 60,
    };
    assert_eq!(code_of(protections.share(&shop.ada, &shop.name, new()).await), "not_protected");
    shop.protect(ProtectionTarget::Production, PasswordChange::Keep).await;
    shop.protect(ProtectionTarget::Pinned, PasswordChange::Keep).await;
    for (changed, code) in [
        (NewShareLink { path: "//evil\\".to_owned() + " ", ..new() }, "invalid_path"),
        (NewShareLink { path: "x".to_owned(), ..new() }, "invalid_path"),
        (NewShareLink { target: ProtectionTarget::Pinned, ..new() }, "required"),
        (NewShareLink { target: ProtectionTarget::Preview, ..new() }, "required"),
        (
            NewShareLink { target: ProtectionTarget::Pinned, deployment_id: Some(DeploymentId(999)), ..new() },
            "not_found",
        ),
    ] {
        assert_eq!(code_of(protections.share(&shop.ada, &shop.name, changed).await), code);
    }
    let (id, url) = shop.share(ProtectionTarget::Production, 3600).await;
    let target = url.strip_prefix("http://shop.localhost:8787").expect("production's address");
    let visit = shop.ask(host, target, &[], None).await;
    assert_eq!(visit.location, "/new");
    assert!(shop.opens(host, &[("cookie", &visit.cookie)]).await);
    shop.protect(ProtectionTarget::Production, PasswordChange::Set(PASSWORD.to_owned())).await;
    assert!(shop.opens(host, &[("cookie", &visit.cookie)]).await, "a password is no reason to end links");
    protections.unshare(&shop.ada, &shop.name, id).await.expect("revoked");
    assert!(!shop.opens(host, &[("cookie", &visit.cookie)]).await);
    assert_eq!(shop.ask(host, target, &[], None).await.cookie, "");
    assert_eq!(code_of(protections.unshare(&shop.ada, &shop.name, id).await), "not_found");

    let (_, url) = shop.share(ProtectionTarget::Production, 3600).await;
    let target = url.strip_prefix("http://shop.localhost:8787").expect("production's address");
    shop.app.advance(TimeDelta::seconds(3601));
    assert_eq!(shop.ask(host, target, &[], None).await.cookie, "");
    assert_eq!(protections.get(&shop.ada, &shop.name).await.expect("shown").share_links, []);
}

#[tokio::test]
async fn a_bypass_token_passes_every_protection_of_its_project() {
    let shop = Shop::new().await;
    let id = shop.deploy("one").await;
    shop.protect(ProtectionTarget::Production, PasswordChange::Keep).await;
    shop.protect(ProtectionTarget::Pinned, PasswordChange::Keep).await;
    let protections = &shop.app.services.protections;
    let created = protections.create_bypass(&shop.ada, &shop.name, "ci").await.expect("a token");
    let fields = [("x-miaobu-bypass", created.secret.as_str())];
    assert!(shop.opens("shop.localhost", &fields).await);
    assert!(shop.opens(&format!("shop-d{id}.localhost"), &fields).await);
    protections.revoke_bypass(&shop.ada, &shop.name, created.token.id).await.expect("revoked");
    assert!(!shop.opens("shop.localhost", &fields).await);
    for _ in 0..20 {
        protections.create_bypass(&shop.ada, &shop.name, "ci").await.expect("a token");
    }
    assert_eq!(code_of(protections.create_bypass(&shop.ada, &shop.name, "ci").await), "too_many");
}

#[tokio::test]
async fn nobody_elses_project_can_be_protected_or_split() {
    let shop = Shop::new().await;
    let id = shop.deploy("one").await;
    let eve = shop.app.stranger().await;
    let (protections, splits) = (&shop.app.services.protections, &shop.app.services.splits);
    let name = &shop.name;
    let target = ProtectionTarget::Production;
    assert_eq!(code_of(protections.get(&eve, name).await), "not_found");
    assert_eq!(code_of(protections.protect(&eve, name, target, PasswordChange::Keep, |_| true).await), "not_found");
    assert_eq!(code_of(protections.create_bypass(&eve, name, "x").await), "not_found");
    assert_eq!(code_of(splits.set(&eve, name, Production, (id, 50), |_| true).await), "not_found");
    assert_eq!(code_of(splits.set_skew(&eve, name, Some(60), |_| true).await), "not_found");
    let own = shop.app.project(&eve, "eves").await;
    shop.app.deploy(&eve, &own, &Site::page("eve")).await;
    assert_eq!(code_of(splits.set(&eve, &ProjectRef::Id(own.id), Production, (id, 50), |_| true).await), "not_found");
}

#[tokio::test]
async fn passwords_of_a_wrong_length_are_refused_and_none_is_stored_or_printed() {
    let shop = Shop::new().await;
    let id = shop.deploy("one").await;
    let protections = &shop.app.services.protections;
    for password in ["", "1234567", &"x".repeat(201)] {
        let change = PasswordChange::Set(password.to_owned());
        let refused = protections.protect(&shop.ada, &shop.name, ProtectionTarget::Pinned, change, |_| true).await;
        assert_eq!(code_of(refused), "invalid_length");
    }
    shop.protect(ProtectionTarget::Pinned, PasswordChange::Set(PASSWORD.to_owned())).await;
    let record = shop.record(&format!("shop-d{id}.localhost")).await;
    assert!(!record.to_json().contains(PASSWORD) && record.to_json().contains(&record.protection.0));
    assert!(!format!("{record:?}").contains(&record.protection.0));
    let shown = protections.get(&shop.ada, &shop.name).await.expect("shown");
    assert!(shown.targets.iter().any(|target| target.has_password), "{shown:?}");
}

#[tokio::test]
async fn a_split_gives_its_share_a_second_deployment_until_the_pointer_moves() {
    let shop = Shop::new().await;
    let splits = &shop.app.services.splits;
    let first = shop.deploy("one").await;
    let set = |id, percent| splits.set(&shop.ada, &shop.name, Production, (id, percent), |_| true);
    assert_eq!(code_of(set(first, 10).await), "same_deployment");
    let second = shop.deploy("two").await;
    shop.app.services.deployments.promote(&shop.ada, first, Production).await.expect("promoted");
    assert_eq!(code_of(splits.get(&shop.ada, &shop.name, Production).await), "not_found");
    assert_eq!(code_of(splits.set(&shop.ada, &shop.name, Staging, (second, 10), |_| true).await), "nothing_active");
    assert_eq!(
        code_of(splits.set(&shop.ada, &shop.name, Preview, (second, 10), |_| true).await),
        "no_split_of_previews"
    );
    let split = set(second, 25).await.expect("split");
    let sides = async || {
        let record = shop.record("shop.localhost").await;
        let second = (0..10_000u32)
            .filter(|random| {
                let mut request = Request::new(Method::Get, "shop.localhost", "/");
                request.random = Some(*random);
                choose(&record, &request).is_some()
            })
            .count();
        (record.deployment_id, second)
    };
    assert_eq!(sides().await, (first.0, 2_500));
    let record = shop.record("shop.localhost").await;
    let variant = record.variant(0).expect("the second");
    assert_eq!((variant.deployment_id, variant.oss_path), (second.0, format!("projects/shop/{second}")));
    assert_eq!(variant.site, shop.record(&format!("shop-d{second}.localhost")).await.site);
    assert_eq!(shop.record(&format!("shop-d{first}.localhost")).await.split, "", "pinned names are not split");
    let more = set(second, 60).await.expect("changed");
    assert_eq!((more.id, more.percent, sides().await), (split.id, 60, (first.0, 6_000)));
    // It is kept, however many newer ones there are.
    for text in ["three", "four", "five", "six"] {
        let (announced, upload) =
            shop.app.announce_in(&shop.ada, &shop.project, &Site::page(text), Staging, None).await;
        shop.app.send(&shop.ada, announced.id, &upload, &Site::page(text)).await;
        shop.app.run_jobs().await;
    }
    assert_eq!(sides().await, (first.0, 6_000));
    let other = shop.app.services.deployments.list(
        &shop.ada,
        &shop.name,
        Default::default(),
        miaobu_control::domain::PageRequest { limit: 1, after: None },
    );
    let newest = other.await.expect("a list").items[0].id;
    assert_eq!(code_of(splits.end(&shop.ada, &shop.name, Production, Some(newest)).await), "not_in_split");
    let kept = splits.end(&shop.ada, &shop.name, Production, Some(second)).await.expect("ended");
    assert_eq!((kept.id, kept.active, sides().await), (second, true, (second.0, 0)));
    assert_eq!(code_of(splits.end(&shop.ada, &shop.name, Production, None).await), "not_found");

    set(newest, 50).await.expect("split");
    let third = shop.deploy("seven").await;
    assert_eq!(sides().await, (third.0, 0), "a new deployment ends the split");
    set(newest, 50).await.expect("split");
    assert_eq!(splits.end(&shop.ada, &shop.name, Production, None).await.expect("ended").id, third);
    assert_eq!(sides().await, (third.0, 0));
}

#[tokio::test]
async fn visitors_may_stay_with_what_their_environment_served_while_it_is_young_and_there() {
    let shop = Shop::new().await;
    let splits = &shop.app.services.splits;
    let first = shop.deploy("one").await;
    let site = Site::page("staging");
    let (staged, upload) = shop.app.announce_in(&shop.ada, &shop.project, &site, Staging, None).await;
    shop.app.send(&shop.ada, staged.id, &upload, &site).await;
    shop.app.run_jobs().await;
    let second = shop.deploy("two").await;
    let pinned = async |id: DeploymentId| {
        let record = shop.record("shop.localhost").await;
        let target = format!("/app.js?dpl={id}");
        let mut request = Request::new(Method::Get, "shop.localhost", &target);
        request.now = u64::try_from(shop.app.now().timestamp()).ok();
        choose(&record, &request).and_then(|number| record.variant(number)).map(|variant| variant.deployment_id)
    };
    assert_eq!(pinned(first).await, None, "it is off until it is asked for");
    assert_eq!(splits.skew(&shop.ada, &shop.name).await.expect("read"), None);
    splits.set_skew(&shop.ada, &shop.name, Some(3600), |_| true).await.expect("set");
    assert_eq!(splits.skew(&shop.ada, &shop.name).await.expect("read"), Some(3600));
    assert_eq!(pinned(first).await, Some(first.0));
    assert_eq!(pinned(second).await, None, "it is the record's own");
    assert_eq!(pinned(staged.id).await, None, "production never served it");
    assert_eq!(shop.record(&format!("shop-d{first}.localhost")).await.pins, "");
    shop.app.advance(TimeDelta::seconds(3600));
    assert_eq!(pinned(first).await, None, "too old, by the record itself");
    splits.set_skew(&shop.ada, &shop.name, Some(36_000), |_| true).await.expect("set");
    assert_eq!(pinned(first).await, Some(first.0));
    for text in ["three", "four", "five"] {
        shop.deploy(text).await;
    }
    shop.app.run_jobs().await;
    assert_eq!(pinned(first).await, None, "purged");
    splits.set_skew(&shop.ada, &shop.name, None, |_| true).await.expect("set");
    assert_eq!(shop.record("shop.localhost").await.pins, "");
}

#[tokio::test]
async fn requests_of_functions_are_neither_split_nor_kept_with_a_deployment() {
    let shop = Shop::new().await;
    let splits = &shop.app.services.splits;
    let id = shop.deploy("one").await;
    let slug = Slug::parse("functions").expect("a slug");
    let mut tx = shop.app.context.db.begin().await.expect("a transaction");
    let (owner, team, now) = (shop.ada.user_id, shop.project.team_id, shop.app.now());
    let inserted =
        projects::insert(&mut tx, owner, team, &slug, ProjectKind::Node, ProjectSettings::default(), now).await;
    let project = ProjectRef::Id(inserted.expect("inserted").expect("a new slug"));
    tx.commit().await.expect("committed");
    let refused = splits.set(&shop.ada, &project, Production, (id, 50), |_| true).await;
    assert_eq!(code_of(refused), "no_split_of_functions");
    assert_eq!(code_of(splits.set_skew(&shop.ada, &project, Some(60), |_| true).await), "no_split_of_functions");
    splits.set_skew(&shop.ada, &project, None, |_| true).await.expect("nothing to turn off");
}
