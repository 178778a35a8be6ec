//! What all calls have in common: how they are sent, what is made of the answer, and what is tried again.

mod clock;
mod retries;

use std::sync::Arc;

use miaobu_aliyun::esa::Esa;
use miaobu_aliyun::esa::kv::{CreateKvNamespace, DeleteKv, GetKv, PutKv};
use miaobu_aliyun::{Error, ErrorKind};

use crate::support::{Reply, Server, TestAmbient, acs3_is_signed, settings};

/// A client of a server that answers by a script.
pub struct World {
    pub server: Server,
    pub ambient: Arc<TestAmbient>,
    pub esa: Esa,
}

impl World {
    pub async fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let server = Server::script(replies).await;
        let ambient = Arc::new(TestAmbient::new());
        let esa = Esa::new(&server.endpoint(), settings(&ambient)).unwrap();
        Self { server, ambient, esa }
    }

    /// Makes a call that may be repeated whatever happened.
    pub async fn safe(&self) -> Result<i64, Error> {
        let put = PutKv { namespace: "routes".into(), key: "a".into(), value: "v".into(), ..PutKv::default() };
        self.esa.call(&put).await.map(|stored| stored.length)
    }

    /// Makes a call that does something more the second time.
    pub async fn unsafe_(&self) -> Result<String, Error> {
        let create = CreateKvNamespace { namespace: "routes".into(), description: None };
        self.esa.call(&create).await.map(|namespace| namespace.namespace_id)
    }
}

#[tokio::test]
async fn parameters_go_where_the_operation_wants_them_and_all_is_signed() {
    let world = World::new([Reply::ok(r#"{"Length":"14","Value":"v","RequestId":"r"}"#)]).await;
    let put = PutKv {
        namespace: "routes".into(),
        key: "app.example.com".into(),
        value: r#"{"a":"b c+é&="}"#.into(),
        expiration_ttl: Some(3600),
        base64: Some(false),
        expiration: None,
    };
    assert_eq!(world.esa.call(&put).await.unwrap().length, 14);
    let [request] = &world.server.received()[..] else { panic!("one request") };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/"));
    assert_eq!(request.header("x-acs-version"), Some("2024-09-10"));
    assert_eq!(request.header("x-acs-date"), Some("2026-01-15T08:30:00Z"));
    assert_eq!(request.header("x-acs-signature-nonce").map(str::len), Some(32));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    let mut query: Vec<_> = request.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    query.sort_unstable();
    let expected =
        [("Base64", "false"), ("ExpirationTtl", "3600"), ("Key", "app.example.com"), ("Namespace", "routes")];
    assert_eq!(query, expected);
    assert_eq!(request.form(), [("Value".to_owned(), put.value.clone())]);
    assert!(acs3_is_signed(request));
}

#[tokio::test]
async fn calls_that_the_service_takes_by_get_only_are_sent_so() {
    let world = World::new([Reply::ok(r#"{"Value":"v"}"#), Reply::ok("{}")]).await;
    let (namespace, key) = ("routes".to_owned(), "a b".to_owned());
    let get = GetKv { namespace: namespace.clone(), key: key.clone(), base64: None };
    assert_eq!(world.esa.call(&get).await.unwrap().value, "v");
    world.esa.call(&DeleteKv { namespace, key }).await.unwrap();
    for request in world.server.received() {
        assert_eq!(request.method, "GET");
        assert_eq!(request.header("content-type"), None);
        assert!(acs3_is_signed(&request));
    }
}

#[tokio::test]
async fn a_refusal_tells_code_words_and_request() {
    let world = World::new([Reply::refusal(404, "InvalidKey.NotFound")]).await;
    let get = GetKv { namespace: "routes".into(), key: "a".into(), base64: None };
    let error = world.esa.call(&get).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!((error.service, error.operation, error.status), ("ESA", "GetKv", Some(404)));
    assert_eq!(error.code.as_deref(), Some("InvalidKey.NotFound"));
    assert_eq!(error.request_id.as_deref(), Some("R-1"));
    assert_eq!(error.to_string(), "ESA GetKv: InvalidKey.NotFound: said InvalidKey.NotFound (request R-1)");
    assert!(!error.is_retryable() && !error.may_have_happened());
}

#[tokio::test]
async fn a_refusal_that_is_no_json_is_told_by_its_status_and_its_beginning() {
    let page = format!("<html>{}</html>", "blocked ".repeat(100));
    let world = World::new([Reply::status(403, page)]).await;
    let error = world.safe().await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Denied, None));
    assert!(error.to_string().starts_with("ESA PutKv: HTTP 403: <html>blocked"), "{error}");
    assert!(error.to_string().len() < 300, "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::script([Reply::ok("{}")]).await;
    let world = World::new([Reply::status(307, "").with("location", elsewhere.endpoint())]).await;
    assert_eq!(world.safe().await.unwrap_err().kind, ErrorKind::Rejected);
    assert!(elsewhere.received().is_empty(), "credentials go to the endpoint only");
}

#[tokio::test]
async fn nothing_that_is_printed_holds_a_secret() {
    let world = World::new([Reply::Close, Reply::Close, Reply::Close, Reply::Close]).await;
    let error = world.safe().await.unwrap_err();
    let printed = format!("{error} {error:?} {:?} {:?}", world.esa, settings(&world.ambient));
    assert!(!printed.contains(crate::support::KEY_SECRET) && !printed.contains("Signature"), "{printed}");
}
