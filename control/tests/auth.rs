//! Codes, sessions and tokens.

use chrono::TimeDelta;
use miaobu_control::domain::{Credential, PageRequest};
use miaobu_control::service::{Error, NewToken};

use crate::support::TestApp;

const PAGE: PageRequest = PageRequest { limit: 20, after: None };

fn code_of<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(Error::Unauthenticated { code } | Error::Forbidden { code, .. } | Error::Conflict { code, .. }) => code,
        Err(Error::NotFound) => "not_found",
        Err(Error::Invalid { problems }) => problems[0].code,
        other => panic!("{other:?}"),
    }
}

fn new_token(name: &str, expires_in_days: Option<u32>) -> NewToken<'_> {
    NewToken { name, expires_in_days, scopes: None, projects: None }
}

#[tokio::test]
async fn a_code_is_good_for_one_login_within_a_day() {
    let app = TestApp::new().await;
    let auth = &app.services.auth;
    let code = auth.issue_login_code().await.expect("a code");
    let session = auth.login(&code.to_lowercase().replace('-', "")).await.expect("a session");
    assert_eq!(session.user.login, "admin");
    assert_eq!(code_of(auth.login(&code).await), "invalid_code");
    assert_eq!(code_of(auth.login("AAAA-AAAA-AAAA").await), "invalid_code");
    let late = auth.issue_login_code().await.expect("a code");
    app.advance(TimeDelta::hours(24));
    assert_eq!(code_of(auth.login(&late).await), "invalid_code");
}

#[tokio::test]
async fn one_code_used_twice_at_once_lets_one_in() {
    let app = TestApp::new().await;
    let auth = &app.services.auth;
    let code = auth.issue_login_code().await.expect("a code");
    let (one, two) = tokio::join!(auth.login(&code), auth.login(&code));
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1);
}

#[tokio::test]
async fn every_login_is_the_same_first_user() {
    let app = TestApp::new().await;
    let (one, two) = (app.login().await, app.login().await);
    assert_eq!(one.user_id, two.user_id);
    assert_ne!(one.credential, two.credential);
}

#[tokio::test]
async fn a_session_ends_with_its_time_and_with_logging_out() {
    let app = TestApp::new().await;
    let auth = &app.services.auth;
    let code = auth.issue_login_code().await.expect("a code");
    let session = auth.login(&code).await.expect("a session");
    let actor = auth.authenticate(&session.secret).await.expect("an actor");
    assert!(actor.has_session());
    let other = app.login().await;
    auth.logout(&actor).await.expect("logged out");
    assert_eq!(code_of(auth.authenticate(&session.secret).await), "invalid_token");
    auth.user(&other).await.expect("the other session goes on");

    let code = auth.issue_login_code().await.expect("a code");
    let session = auth.login(&code).await.expect("a session");
    app.clock.advance(session.expires_at - app.now());
    assert_eq!(code_of(auth.authenticate(&session.secret).await), "invalid_token");
}

#[tokio::test]
async fn a_token_works_until_it_is_revoked_or_too_old() {
    let app = TestApp::new().await;
    let auth = &app.services.auth;
    let ada = app.login().await;
    let new = auth.create_token(&ada, new_token("laptop", Some(1))).await.expect("a token");
    assert!(new.secret.starts_with("mb_live_") && new.secret.contains(&new.token.hint));
    let actor = auth.authenticate(&new.secret).await.expect("an actor");
    assert_eq!((actor.user_id, actor.credential), (ada.user_id, Credential::Token(new.token.id)));
    app.advance(TimeDelta::days(1));
    assert_eq!(code_of(auth.authenticate(&new.secret).await), "invalid_token");

    let new = auth.create_token(&ada, new_token("desktop", None)).await.expect("a token");
    auth.revoke_token(&ada, new.token.id).await.expect("revoked");
    assert_eq!(code_of(auth.authenticate(&new.secret).await), "invalid_token");
    assert_eq!(code_of(auth.revoke_token(&ada, new.token.id).await), "not_found");
    let names: Vec<_> = auth.list_tokens(&ada, PAGE).await.expect("tokens").items.into_iter().map(|t| t.name).collect();
    assert_eq!(names, ["laptop"]);
}

#[tokio::test]
async fn the_last_use_of_a_token_is_noted_to_the_minute() {
    let app = TestApp::new().await;
    let auth = &app.services.auth;
    let ada = app.login().await;
    let secret = auth.create_token(&ada, new_token("laptop", None)).await.expect("a token").secret;
    let first_use = app.now();
    for seconds in [0, 59] {
        app.advance(TimeDelta::seconds(seconds));
        auth.authenticate(&secret).await.expect("an actor");
        let listed = auth.list_tokens(&ada, PAGE).await.expect("tokens");
        assert_eq!(listed.items[0].last_used_at, Some(first_use));
    }
    app.advance(TimeDelta::seconds(1));
    auth.authenticate(&secret).await.expect("an actor");
    let listed = auth.list_tokens(&ada, PAGE).await.expect("tokens");
    assert_eq!(listed.items[0].last_used_at, Some(first_use + TimeDelta::minutes(1)));
}

#[tokio::test]
async fn a_token_may_not_make_list_or_revoke_tokens_nor_log_out() {
    let app = TestApp::new().await;
    let auth = &app.services.auth;
    let new = auth.create_token_for_operator("ci", None).await.expect("a token");
    assert_eq!(new.token.expires_at, None);
    let token = auth.authenticate(&new.secret).await.expect("an actor");
    assert_eq!(code_of(auth.create_token(&token, new_token("x", None)).await), "session_required");
    assert_eq!(code_of(auth.list_tokens(&token, PAGE).await), "session_required");
    assert_eq!(code_of(auth.revoke_token(&token, new.token.id).await), "session_required");
    assert_eq!(code_of(auth.logout(&token).await), "session_required");
}

#[tokio::test]
async fn a_token_needs_a_sound_name_and_expiry() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    for (name, days, code) in [
        ("", None, "invalid_name"),
        (" ", None, "invalid_name"),
        ("a\nb", None, "invalid_name"),
        ("x", Some(0), "out_of_range"),
        ("x", Some(3651), "out_of_range"),
    ] {
        assert_eq!(
            code_of(app.services.auth.create_token(&ada, new_token(name, days)).await),
            code,
            "{name:?} {days:?}"
        );
    }
    assert_eq!(code_of(app.services.auth.create_token(&ada, new_token(&"x".repeat(101), None)).await), "invalid_name");
}

#[tokio::test]
async fn nobody_sees_or_revokes_the_token_of_another() {
    let app = TestApp::new().await;
    let auth = &app.services.auth;
    let ada = app.login().await;
    let stranger = app.stranger().await;
    let secret = auth.create_token_for_operator("theirs", Some("stranger")).await.expect("a token");
    assert_eq!(auth.list_tokens(&ada, PAGE).await.expect("tokens").items, []);
    assert_eq!(code_of(auth.revoke_token(&ada, secret.token.id).await), "not_found");
    assert_ne!(stranger.user_id, ada.user_id);
    assert_eq!(code_of(auth.create_token_for_operator("x", Some("nobody")).await), "not_found");
}

#[tokio::test]
async fn what_is_no_secret_of_ours_lets_nobody_in() {
    let app = TestApp::new().await;
    app.login().await;
    for text in ["", "mb_live_", "mb_sess_", "Bearer x", "mb_live_0000000000000000000000000000000000000O", "\0"] {
        assert_eq!(code_of(app.services.auth.authenticate(text).await), "invalid_token", "{text:?}");
    }
}
