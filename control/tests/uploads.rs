//! The upload protocol, also with bad input.

mod archives;
mod parts;

use std::io;

use bytes::Bytes;
use chrono::TimeDelta;
use miaobu_control::domain::{CommitInfo, DeploymentStatus, Environment, ManifestFile, Sha256, SitePath};
use miaobu_control::service::{Error, NewDeployment, ProjectRef};

use crate::support::{Site, TestApp, frames, stream};

/// The code of a refusal, and what it says.
fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> (&'static str, String) {
    match result {
        Err(Error::Conflict { code, message, .. } | Error::Unavailable { code, message, .. }) => (code, message),
        Err(Error::Invalid { problems }) => (problems[0].code, problems[0].detail.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_second_deployment_sends_only_what_changed() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let first = Site::new(&[("index.html", "one"), ("a.js", "same"), ("b.js", "same")]);
    let (deployment, upload) = app.announce(&ada, &project, &first).await;
    assert_eq!(deployment.status, DeploymentStatus::Uploading);
    assert_eq!((upload.missing.len(), upload.missing_bytes), (2, 7), "equal files are one blob");
    app.send(&ada, deployment.id, &upload, &first).await;
    app.run_jobs().await;
    let second = Site::new(&[("index.html", "two"), ("a.js", "same"), ("b.js", "same")]);
    let (_, upload) = app.announce(&ada, &project, &second).await;
    let missing: Vec<_> = upload.missing.iter().map(|blob| blob.sha256).collect();
    assert_eq!(missing, [Sha256::of(b"two")]);
}

#[tokio::test]
async fn a_batch_tells_what_it_brought_and_what_is_missing() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let site = Site::new(&[("a", "one"), ("b", "three"), ("c", "")]);
    let (deployment, upload) = app.announce(&ada, &project, &site).await;
    let uploads = &app.services.uploads;
    let first = frames([site.blob(Sha256::of(b"three")), site.blob(Sha256::of(b""))]);
    let receipt = uploads.receive_batch(&ada, deployment.id, stream(first.clone())).await.expect("received");
    assert_eq!((receipt.received_blobs, receipt.received_bytes, receipt.missing_blobs), (2, 5, 1));
    let again = uploads.receive_batch(&ada, deployment.id, stream(first)).await.expect("received again");
    assert_eq!((again.received_blobs, again.missing_blobs), (2, 1));
    let (code, _) = refusal(uploads.finish(&ada, deployment.id).await);
    assert_eq!(code, "blobs_missing");
    let left = uploads.status(&ada, deployment.id).await.expect("the rest");
    assert_eq!(left.missing.iter().map(|blob| blob.sha256).collect::<Vec<_>>(), [Sha256::of(b"one")]);
    app.send(&ada, deployment.id, &upload, &site).await;
    let again = uploads.finish(&ada, deployment.id).await.expect("finished again");
    assert_eq!(again.status, DeploymentStatus::Deploying);
    assert_eq!(app.spooled_files(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn what_arrived_before_a_broken_connection_is_kept() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let site = Site::new(&[("a", "first file"), ("b", "second file")]);
    let (deployment, upload) = app.announce(&ada, &project, &site).await;
    let blobs: Vec<_> = upload.missing.iter().map(|blob| site.blob(blob.sha256)).collect();
    let whole = frames(blobs);
    let half = Bytes::copy_from_slice(&whole[..whole.len() - 3]);
    let broken = futures_util::stream::iter([Ok(half), Err(io::Error::other("connection reset"))]);
    let (code, _) = refusal(app.services.uploads.receive_batch(&ada, deployment.id, broken).await);
    assert_eq!(code, "truncated_batch");
    let rest = app.services.uploads.status(&ada, deployment.id).await.expect("the rest");
    assert_eq!(rest.missing.len(), 1);
    // Whoever begins anew goes on where the first attempt ended.
    let (_, upload) = app.announce(&ada, &project, &site).await;
    assert_eq!(upload.missing, rest.missing);
    assert_eq!(app.spooled_files(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_file_that_changed_meanwhile_is_named() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let site = Site::new(&[("good", "good"), ("dir/changed.txt", "before")]);
    let (deployment, _) = app.announce(&ada, &project, &site).await;
    let body = frames([(Sha256::of(b"good"), &b"good"[..]), (Sha256::of(b"before"), &b"after!"[..])]);
    let refused = app.services.uploads.receive_batch(&ada, deployment.id, stream(body)).await;
    let (code, detail) = refusal(refused);
    assert_eq!(code, "hash_mismatch");
    assert!(detail.contains("dir/changed.txt"), "{detail}");
    let rest = app.services.uploads.status(&ada, deployment.id).await.expect("the rest");
    assert_eq!(rest.missing.len(), 1, "the good one is kept");
    assert_eq!(app.spooled_files(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn blobs_that_the_manifest_does_not_have_are_refused() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let (deployment, _) = app.announce(&ada, &project, &Site::page("x")).await;
    let mut wrong_size = frames([(Sha256::of(b"x"), &b"x"[..])]);
    wrong_size[39] = 2;
    let mut endless = frames([(Sha256::of(b"x"), &b"x"[..])]);
    endless[32..40].copy_from_slice(&u64::MAX.to_be_bytes());
    let foreign = frames([(Sha256::of(b"foreign"), &b"foreign"[..])]);
    for body in [foreign, wrong_size, endless] {
        let refused = app.services.uploads.receive_batch(&ada, deployment.id, stream(body)).await;
        assert_eq!(refusal(refused).0, "unexpected_blob");
    }
    for body in [vec![0; 7], vec![0; 39]] {
        let refused = app.services.uploads.receive_batch(&ada, deployment.id, stream(body)).await;
        assert_eq!(refusal(refused).0, "truncated_batch");
    }
}

#[tokio::test]
async fn a_manifest_is_refused_with_every_problem_at_its_place() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let file = |path: &str| ManifestFile {
        path: SitePath::parse(path).expect("a path"),
        sha256: Sha256::of(b"x"),
        size_bytes: 1,
    };
    let name = ProjectRef::Id(project.id);
    let create = |files, environment, branch: Option<&str>, commit| {
        let new = NewDeployment { environment, branch: branch.map(str::to_owned), commit, files };
        app.services.uploads.create(&ada, &name, new)
    };
    let problems = |result| match result {
        Err(Error::Invalid { problems }) => {
            problems.into_iter().map(|problem| (problem.pointer, problem.code)).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let place = |pointer: &str, code| (pointer.to_owned(), code);
    let none = problems(create(vec![], Environment::Production, None, CommitInfo::default()).await);
    assert_eq!(none, [place("/files", "no_files")]);
    let commit = CommitInfo { sha: Some("no hash".into()), message: Some("m".repeat(2001)), sequence: None };
    let files = vec![file("a"), file("A"), file("b"), file("b/c")];
    let all = problems(create(files, Environment::Preview, None, commit).await);
    let expected = [
        place("/branch", "required"),
        place("/commit_sha", "invalid_commit"),
        place("/commit_message", "invalid_message"),
        place("/files/1/path", "case_clash"),
        place("/files/3/path", "file_and_folder"),
    ];
    assert_eq!(all, expected);
    let mut large = file("large");
    large.size_bytes = (1 << 30) + 1;
    let large = problems(create(vec![large], Environment::Production, Some("b\n"), CommitInfo::default()).await);
    assert_eq!(large, [place("/branch", "invalid_branch"), place("/files", "deployment_too_large")]);
    let page = miaobu_control::domain::PageRequest { limit: 5, after: None };
    let listed = app.services.deployments.list(&ada, &ProjectRef::Id(project.id), Default::default(), page).await;
    assert_eq!(listed.expect("a list").items, [], "nothing is half done");
}

#[tokio::test]
async fn a_deployment_that_has_left_uploading_takes_no_files() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let site = Site::page("x");
    let (deployment, upload) = app.announce(&ada, &project, &site).await;
    app.services.deployments.cancel(&ada, deployment.id).await.expect("cancelled");
    let body = frames(upload.missing.iter().map(|blob| site.blob(blob.sha256)));
    let refused = app.services.uploads.receive_batch(&ada, deployment.id, stream(body)).await;
    assert_eq!(refusal(refused).0, "not_uploading");
    assert_eq!(refusal(app.services.uploads.finish(&ada, deployment.id).await).0, "not_uploading");
    assert_eq!(app.services.uploads.status(&ada, deployment.id).await.expect("a status").missing, []);
}

#[tokio::test]
async fn an_upload_that_goes_on_is_not_given_up() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let site = Site::page("x");
    let (deployment, upload) = app.announce(&ada, &project, &site).await;
    app.advance(TimeDelta::hours(23));
    let body = frames([site.blob(upload.missing[0].sha256)]);
    app.services.uploads.receive_batch(&ada, deployment.id, stream(body)).await.expect("received");
    app.advance(TimeDelta::hours(23));
    app.sweep().await;
    assert_eq!(app.get(&ada, deployment.id).await.status, DeploymentStatus::Uploading);
}

#[tokio::test]
async fn a_full_disk_refuses_new_files_and_loses_nothing() {
    let app = TestApp::with_limits(|limits| limits.min_free_bytes = u64::MAX / 2).await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let new = NewDeployment {
        environment: Environment::Production,
        branch: None,
        commit: CommitInfo::default(),
        files: Site::page("x").manifest(),
    };
    let name = ProjectRef::Id(project.id);
    assert_eq!(refusal(app.services.uploads.create(&ada, &name, new).await).0, "storage_full");
    let page = miaobu_control::domain::PageRequest { limit: 5, after: None };
    let listed = app.services.deployments.list(&ada, &name, Default::default(), page).await;
    assert_eq!(listed.expect("a list").items, []);
    let parts = app.services.health.check().await;
    let disk = parts.iter().find(|part| part.name == "disk").expect("the part");
    assert!(!disk.ok && !disk.needed && disk.detail.is_some());
    assert!(parts.iter().filter(|part| part.name != "disk").all(|part| part.ok), "{parts:?}");
}
