//! Large blobs in parts.

use std::io;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use miaobu_control::domain::{DeploymentStatus, Sha256};
use miaobu_control::service::PartReceipt;

use super::refusal;
use crate::support::{Site, TestApp, stream};

#[tokio::test]
async fn a_blob_arrives_in_parts() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let site = Site::new(&[("large", &"0123456789".repeat(1000))]);
    let digest = Sha256::of(&site.0[0].1);
    let (deployment, _) = app.announce(&ada, &project, &site).await;
    let part = |range: std::ops::Range<usize>, offset| {
        let bytes = site.0[0].1[range].to_vec();
        app.services.uploads.receive_part(&ada, deployment.id, digest, offset, stream(bytes))
    };
    let receipt = part(0..4000, 0).await.expect("received");
    assert_eq!(receipt, PartReceipt { received_bytes: 4000, complete: false });
    let (code, message) = refusal(part(0..4000, 0).await);
    assert_eq!(code, "offset_mismatch");
    assert!(message.contains("4000"), "{message}");
    let left = app.services.uploads.status(&ada, deployment.id).await.expect("the rest");
    assert_eq!((left.missing[0].received_bytes, left.missing_bytes), (4000, 6000));
    let receipt = part(4000..10_000, 4000).await.expect("received");
    assert_eq!(receipt, PartReceipt { received_bytes: 10_000, complete: true });
    let again = part(0..1, 0).await.expect("received long ago");
    assert!(again.complete);
    app.services.uploads.finish(&ada, deployment.id).await.expect("finished");
    app.run_jobs().await;
    assert_eq!(app.get(&ada, deployment.id).await.status, DeploymentStatus::Deployed);
    assert_eq!(app.spooled_files(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_part_that_breaks_off_is_gone_on_with_by_the_next_deployment() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let site = Site::new(&[("large", "0123456789")]);
    let digest = Sha256::of(b"0123456789");
    let (deployment, _) = app.announce(&ada, &project, &site).await;
    let broken = futures_util::stream::iter([Ok(Bytes::from_static(b"0123")), Err(io::Error::other("reset"))]);
    let refused = app.services.uploads.receive_part(&ada, deployment.id, digest, 0, broken).await;
    assert_eq!(refusal(refused).0, "truncated_batch");
    let (next, upload) = app.announce(&ada, &project, &site).await;
    assert_eq!(upload.missing[0].received_bytes, 4);
    let rest = app.services.uploads.receive_part(&ada, next.id, digest, 4, stream(b"456789".to_vec())).await;
    assert!(rest.expect("received").complete);
}

#[tokio::test]
async fn a_blob_whose_parts_do_not_fit_its_hash_begins_anew_and_names_the_file() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let site = Site::new(&[("large.bin", "0123456789")]);
    let digest = Sha256::of(b"0123456789");
    let (deployment, _) = app.announce(&ada, &project, &site).await;
    let send = |bytes: &[u8], offset| {
        app.services.uploads.receive_part(&ada, deployment.id, digest, offset, stream(bytes.to_vec()))
    };
    let (code, detail) = refusal(send(b"012345678X", 0).await);
    assert_eq!(code, "hash_mismatch");
    assert!(detail.contains("large.bin"), "{detail}");
    assert_eq!(refusal(send(b"01234567890", 0).await).0, "unexpected_blob");
    let left = app.services.uploads.status(&ada, deployment.id).await.expect("the rest");
    let received = left.missing[0].received_bytes;
    let rest = &b"0123456789"[received as usize..];
    assert!(send(rest, received).await.expect("received").complete);
    let foreign = app.services.uploads.receive_part(&ada, deployment.id, Sha256::of(b"?"), 0, stream(vec![])).await;
    assert_eq!(refusal(foreign).0, "unexpected_blob");
}

#[tokio::test]
async fn two_requests_for_one_offset_leave_one_part() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let site = Site::new(&[("large", "0123456789")]);
    let digest = Sha256::of(b"0123456789");
    let (deployment, _) = app.announce(&ada, &project, &site).await;
    let send = || app.services.uploads.receive_part(&ada, deployment.id, digest, 0, stream(b"01234".to_vec()));
    let (one, two) = tokio::join!(send(), send());
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1);
    let left = app.services.uploads.status(&ada, deployment.id).await.expect("the rest");
    assert_eq!(left.missing[0].received_bytes, 5);
}

#[tokio::test]
async fn a_part_that_nobody_goes_on_with_is_removed_after_a_day() {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let site = Site::new(&[("large", "0123456789")]);
    let digest = Sha256::of(b"0123456789");
    let (deployment, _) = app.announce(&ada, &project, &site).await;
    let part = app.services.uploads.receive_part(&ada, deployment.id, digest, 0, stream(b"0123".to_vec()));
    part.await.expect("received");
    // The file system keeps its own time.
    let written = std::fs::metadata(&app.spooled_files()[0]).expect("the part").modified().expect("a time");
    app.advance(DateTime::<Utc>::from(written) - app.now() + TimeDelta::hours(23));
    app.sweep().await;
    assert_eq!(app.spooled_files().len(), 1);
    app.advance(TimeDelta::hours(2));
    app.sweep().await;
    assert_eq!(app.spooled_files(), Vec::<std::path::PathBuf>::new());
}
