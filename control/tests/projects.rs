//! Projects and their names.

use chrono::TimeDelta;
use miaobu_control::domain::{HtmlHandling, PageRequest, ProjectSettings, SettingsPatch};
use miaobu_control::service::{DeploymentFilter, Error, NewProject, ProjectRef};
use miaobu_control::store::Session as _;

use crate::support::{Site, TestApp};

fn new(slug: &str) -> NewProject {
    NewProject { slug: slug.to_owned(), settings: ProjectSettings::default(), team: None }
}

#[tokio::test]
async fn a_project_is_found_by_its_slug_and_its_id() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    for name in ["shop".to_owned(), project.id.to_string()] {
        let found = app.services.projects.get(&ada, &name.parse().expect("a name")).await.expect("the project");
        assert_eq!(found, project);
    }
    assert_eq!(app.services.projects.url(&project.slug), "http://shop.localhost:8787");
}

#[tokio::test]
async fn a_taken_slug_conflicts_also_between_users() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let stranger = app.stranger().await;
    app.project(&ada, "shop").await;
    for actor in [&ada, &stranger] {
        let again = app.services.projects.create(actor, new("shop")).await;
        assert!(matches!(again, Err(Error::Conflict { code: "slug_taken", .. })), "{again:?}");
    }
}

#[tokio::test]
async fn a_slug_that_is_none_is_a_problem_at_its_field() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    for (slug, code) in [
        ("", "invalid_slug"),
        ("Shop", "invalid_slug"),
        ("-shop", "invalid_slug"),
        ("shop'; DROP TABLE projects; --", "invalid_slug"),
        ("admin", "reserved_slug"),
        ("shop-staging", "reserved_slug"),
        ("shop-d12", "reserved_slug"),
    ] {
        match app.services.projects.create(&ada, new(slug)).await {
            Err(Error::Invalid { problems }) => {
                assert_eq!((problems[0].pointer.as_str(), problems[0].code), ("/slug", code), "{slug:?}");
            }
            other => panic!("{slug:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_project_of_another_is_as_one_that_is_not_there() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let stranger = app.stranger().await;
    let project = app.project(&ada, "shop").await;
    let deployment = app.deploy(&ada, &project, &Site::page("x")).await;
    for name in [ProjectRef::Id(project.id), ProjectRef::Slug("shop".into()), ProjectRef::Slug("missing".into())] {
        let services = &app.services;
        assert!(matches!(services.projects.get(&stranger, &name).await, Err(Error::NotFound)));
        let patched = services.projects.update_settings(&stranger, &name, SettingsPatch::default(), |_| true).await;
        assert!(matches!(patched, Err(Error::NotFound)));
        let page = PageRequest { limit: 20, after: None };
        let listed = services.deployments.list(&stranger, &name, DeploymentFilter::default(), page).await;
        assert!(matches!(listed, Err(Error::NotFound)));
    }
    assert!(matches!(app.services.deployments.get(&stranger, deployment.id).await, Err(Error::NotFound)));
    assert!(matches!(app.services.deployments.cancel(&stranger, deployment.id).await, Err(Error::NotFound)));
    assert!(matches!(app.services.logs.page(&stranger, deployment.id, 0, 10).await, Err(Error::NotFound)));
    assert!(matches!(app.services.uploads.status(&stranger, deployment.id).await, Err(Error::NotFound)));
    assert!(matches!(app.services.uploads.finish(&stranger, deployment.id).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn projects_come_newest_first_page_by_page() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    // Two share a moment: the id decides.
    for slug in ["one", "two", "three", "four", "five"] {
        app.project(&ada, slug).await;
        if slug != "two" {
            app.advance(TimeDelta::milliseconds(1));
        }
    }
    let stranger = app.stranger().await;
    app.project(&stranger, "theirs").await;
    let mut slugs = Vec::new();
    let mut page = PageRequest { limit: 2, after: None };
    loop {
        let found = app.services.projects.list(&ada, None, page).await.expect("a page");
        slugs.extend(found.items.iter().map(|project| project.slug.to_string()));
        match found.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    assert_eq!(slugs, ["five", "four", "three", "two", "one"]);
}

#[tokio::test]
async fn a_change_of_settings_leaves_the_others_alone() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    app.advance(TimeDelta::seconds(5));
    let name = ProjectRef::Id(project.id);
    let patch = SettingsPatch { html_handling: Some(HtmlHandling::Drop), ..SettingsPatch::default() };
    let changed = app.services.projects.update_settings(&ada, &name, patch, |_| true).await.expect("changed");
    assert_eq!(changed.settings, ProjectSettings { html_handling: HtmlHandling::Drop, ..project.settings });
    assert!(changed.updated_at > project.updated_at);
    assert_eq!(app.services.projects.get(&ada, &name).await.expect("the project"), changed);
    app.advance(TimeDelta::seconds(5));
    let same = app.services.projects.update_settings(&ada, &name, patch, |_| true).await.expect("unchanged");
    assert_eq!(same, changed);
}

#[tokio::test]
async fn settings_that_were_stored_when_there_were_fewer_have_the_defaults_of_the_others() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let mut tx = app.context.db.begin().await.expect("a transaction");
    let older = r#"UPDATE projects SET settings = '{"html_handling":"drop","not_found":"404_page",
        "spa_fallback":"navigation","redirects_first":false,"redirect_status":"308"}'"#;
    tx.query(older).execute().await.expect("changed");
    tx.commit().await.expect("committed");
    let found = app.services.projects.get(&ada, &ProjectRef::Id(project.id)).await.expect("the project");
    assert_eq!(found.settings, ProjectSettings { html_handling: HtmlHandling::Drop, ..ProjectSettings::default() });
    app.deploy(&ada, &found, &Site::page("one")).await;
}
