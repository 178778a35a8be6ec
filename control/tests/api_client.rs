//! The generated Rust client against a listening server.

use std::net::Ipv4Addr;

use miaobu_client::types::{Environment, ManifestFile, NewDeployment, NewProject};
use miaobu_client::{Client, Connection, frame_header, problem};
use miaobu_control::api::{ApiConfig, routes};
use miaobu_control::domain::Sha256;
use poem::Server;
use poem::listener::TcpAcceptor;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::support::{Site, TestApp};

struct Live {
    app: TestApp,
    url: String,
    client: Client,
    /// Ends the server when the test ends.
    _tasks: JoinSet<()>,
}

impl Live {
    async fn new() -> Self {
        // Another test of this process may have installed it already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let app = TestApp::new().await;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let acceptor = TcpAcceptor::from_tokio(listener).expect("an acceptor");
        let endpoint = routes(app.services.clone(), ApiConfig::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(async { Server::new_with_acceptor(acceptor).run(endpoint).await.expect("served") });
        let token = app.services.auth.create_token_for_operator("test", None).await.expect("a token").secret;
        let client = Connection::to(&url).with_token(token).client().expect("a client");
        Self { app, url, client, _tasks: tasks }
    }

    async fn start(&self, site: &Site) -> i64 {
        let new = NewDeployment {
            environment: Some(Environment::Production),
            branch: None,
            commit_sequence: None,
            commit_sha: None,
            commit_message: Some("first".to_owned()),
            files: site
                .manifest()
                .iter()
                .map(|file| ManifestFile {
                    path: file.path.to_string(),
                    sha256: file.sha256.to_hex(),
                    size_bytes: file.size_bytes as i64,
                })
                .collect(),
        };
        let started = self.client.create_deployment().project("my-site").body(new).send().await.expect("started");
        started.into_inner().data.deployment.id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_deploys_a_folder() {
    let live = Live::new().await;
    let client = &live.client;
    let new = NewProject { slug: "my-site".to_owned(), settings: None, team_id: None };
    let project = client.create_project().body(new).send().await.expect("a project").into_inner().data;
    assert_eq!(project.active_deployment_id, None);

    let site = Site::page("hello");
    let id = live.start(&site).await;
    let mut batch = Vec::new();
    for file in site.manifest() {
        let (digest, bytes) = site.blob(file.sha256);
        batch.extend(frame_header(&digest.0, bytes.len() as u64));
        batch.extend(bytes);
    }
    let receipt = client.upload_blobs().deployment_id(id).body(batch).send().await.expect("sent").into_inner().data;
    assert_eq!((receipt.received_blobs, receipt.missing_blobs), (2, 0));
    client.finish_deployment().deployment_id(id).send().await.expect("finished");
    live.app.run_jobs().await;
    let deployment = client.get_deployment().deployment_id(id).wait(5).send().await.expect("read").into_inner().data;
    assert_eq!(deployment.status.to_string(), "deployed");
    assert!(deployment.active && deployment.error.is_none() && deployment.deployed_at.is_some());
    let page = client.list_deployments().project("my-site").limit(1).send().await.expect("listed").into_inner();
    assert_eq!((page.data.len(), page.next_cursor), (1, None));
    let log = client.get_deployment_logs().deployment_id(id).send().await.expect("read").into_inner();
    assert_eq!(log.data.first().map(|line| line.seq), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_reads_problems() {
    let live = Live::new().await;
    let missing = live.client.get_project().project("no-site").send().await.expect_err("there is none");
    let told = problem(&missing).expect("a problem of the server's");
    assert_eq!((told.status, told.code.as_str()), (404, "not_found"));
    let new = NewProject { slug: "api".to_owned(), settings: None, team_id: None };
    let refused = live.client.create_project().body(new).send().await.expect_err("reserved");
    let told = problem(&refused).expect("a problem of the server's");
    assert_eq!((told.errors[0].pointer.as_str(), told.errors[0].code.as_str()), ("/slug", "reserved_slug"));
    let anonymous = Connection::to(&live.url).client().expect("a client");
    let unknown = anonymous.get_user().send().await.expect_err("nobody");
    assert_eq!(problem(&unknown).map(|told| told.code.as_str()), Some("authentication_required"));
}

/// The refusal comes while most of the body is still on its way; it must arrive all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_in_the_middle_of_a_body_reaches_the_client() {
    let live = Live::new().await;
    let new = NewProject { slug: "my-site".to_owned(), settings: None, team_id: None };
    live.client.create_project().body(new).send().await.expect("a project");
    let id = live.start(&Site::page("hello")).await;
    for _ in 0..5 {
        let mut batch = frame_header(&Sha256::of(b"nobody asked").0, 24 << 20).to_vec();
        batch.resize(batch.len() + (24 << 20), 7);
        let refused = live.client.upload_blobs().deployment_id(id).body(batch).send().await.expect_err("unexpected");
        assert_eq!(problem(&refused).map(|told| told.code.as_str()), Some("unexpected_blob"), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_batch_is_kept_when_the_connection_breaks() {
    use tokio::io::AsyncWriteExt as _;

    let live = Live::new().await;
    let new = NewProject { slug: "my-site".to_owned(), settings: None, team_id: None };
    live.client.create_project().body(new).send().await.expect("a project");
    let site = Site::page("hello");
    let id = live.start(&site).await;
    let token = live.app.services.auth.create_token_for_operator("raw", None).await.expect("a token").secret;
    let address = live.url.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await.expect("connected");
    let (digest, bytes) = site.blob(site.manifest()[0].sha256);
    let head = format!(
        "PUT /api/v1/public/deployments/{id}/blobs HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/octet-stream\r\ncontent-length: 1000\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await.expect("written");
    connection.write_all(&frame_header(&digest.0, bytes.len() as u64)).await.expect("written");
    connection.write_all(bytes).await.expect("written");
    connection.shutdown().await.expect("closed");
    drop(connection);
    let actor = live.app.services.auth.authenticate(&token).await.expect("an actor");
    let kept = async {
        loop {
            let upload = live.app.services.uploads.status(&actor, miaobu_control::domain::DeploymentId(id)).await;
            if upload.expect("the upload").missing.len() == 1 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), kept).await.expect("the whole frame is kept");
}
