//! The outgoing client, and where it must never go.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use miaobu_control::egress::{EgressConfig, Reach, Resolver, SystemResolver, client};
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server that counts who comes.
pub struct Server {
    pub addr: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    /// Listens on `address`, and speaks TLS when given an acceptor. Answers with the path asked for.
    pub async fn start(address: &str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let accepted = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&accepted);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let tls = tls.clone();
                tokio::spawn(async move {
                    let answer = service_fn(|request: Request<hyper::body::Incoming>| async move {
                        let text = format!("{} over {:?}", request.uri(), request.version());
                        Ok::<_, io::Error>(http::Response::new(text))
                    });
                    let http = hyper::server::conn::http1::Builder::new();
                    match tls {
                        None => drop(http.serve_connection(TokioIo::new(stream), answer).await),
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                drop(http.serve_connection(TokioIo::new(stream), answer).await);
                            }
                        }
                    }
                });
            }
        });
        Self { addr, accepted }
    }

    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// Answers each question with the next of some answers.
#[derive(Debug)]
pub struct Names {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Names {
    pub fn new(answers: &[&[&str]]) -> Arc<Self> {
        let addresses = |answer: &&[&str]| answer.iter().map(|address| address.parse().expect("an address")).collect();
        Arc::new(Self { answers: answers.iter().map(addresses).collect(), asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.answers[number % self.answers.len()].clone())
    }
}

/// A certificate for `name`, and its issuer.
pub fn certificate(name: &str) -> (TlsAcceptor, rustls::pki_types::CertificateDer<'static>) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("a key that fits");
    (TlsAcceptor::from(Arc::new(config)), cert.der().clone())
}

async fn get(config: &EgressConfig, reach: Reach, url: &str) -> Result<String, String> {
    let uri: Uri = url.parse().map_err(|error| format!("{error}"))?;
    let client = client::<Empty<Bytes>>(config, reach);
    let request = Request::get(uri).body(Empty::new()).expect("a request");
    let answer = client.request(request).await.map_err(|error| {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        text
    })?;
    let body = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// Ways to write an address of this machine or of its network.
const SPELLINGS: &[&str] = &[
    "127.0.0.1",
    "127.0.0.2",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "0",
    "0.0.0.0",
    "0x0",
    "00",
    "0.0",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7F.0.0.1",
    "0x7f.1",
    "0177.0.0.1",
    "0177.0.0.01",
    "127.0.0.0x1",
    "127.0x0.0x0.01",
    "127.000.000.001",
    "0000000000000000000000000177.0.0.1",
    "localhost",
    "LOCALHOST",
    "LocalHost",
    "localhost.",
    "ip6-localhost",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::]",
    "[::0]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[::ffff:127.0.0.1]",
    "[::FFFF:7F00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "169.254.169.254",
    "169.254.170.2",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "100.100.100.200",
    "1684301000",
    "10.0.0.1",
    "10.1",
    "012.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "192.168.1",
    "0300.0250.0.1",
    "0xc0a80001",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "public.example@127.0.0.1",
    "8.8.8.8@localhost",
    "127.0.0.1%00",
    "127%2e0%2e0%2e1",
    "\u{2460}\u{2461}\u{2466}.0.0.1",
];

/// A server on 127.0.0.1, and listeners on its port at other addresses of this machine, where somebody else may have it.
async fn server_and(others: &[&str]) -> (Server, Vec<TcpListener>) {
    for _ in 0..100 {
        let server = Server::start("127.0.0.1:0", None).await;
        let bound = others.iter().map(|address| TcpListener::bind((*address, server.addr.port())));
        if let Ok(bound) = futures_util::future::try_join_all(bound).await {
            return (server, bound);
        }
    }
    panic!("no port is free at 127.0.0.1 and {others:?}");
}

#[tokio::test]
async fn no_spelling_of_a_private_address_is_connected_to() {
    let (server, others) = server_and(&["127.0.0.2", "::1"]).await;
    let port = server.addr.port();
    assert!(SPELLINGS.len() >= 60);
    let config = EgressConfig { resolver: Arc::new(SystemResolver), ..EgressConfig::default() };
    for spelling in SPELLINGS {
        for scheme in ["http", "https"] {
            let got = get(&config, Reach::Public, &format!("{scheme}://{spelling}:{port}/secret")).await;
            let error = got.expect_err(spelling);
            assert!(!error.contains("took too long"), "{spelling} was tried: {error}");
        }
    }
    assert_eq!(server.accepted(), 0);
    for other in others {
        let other = other.into_std().expect("a socket");
        assert_eq!(other.accept().expect_err("nobody came").kind(), io::ErrorKind::WouldBlock);
    }
    let allowed = get(&config, Reach::Anywhere, &format!("http://127.0.0.1:{port}/own")).await;
    assert_eq!(allowed.as_deref(), Ok("/own over HTTP/1.1"), "what the platform set is reached");
}

#[tokio::test]
async fn a_name_that_changes_its_mind_leads_nowhere() {
    let (private, others) = server_and(&["127.0.0.2"]).await;
    let (port, public) = (private.addr.port(), &others[0]);
    // Here 127.0.0.2 stands for a public address.
    let config = |answers: &[&[&str]]| EgressConfig {
        reachable_networks: vec!["127.0.0.2/32".parse().expect("a network")],
        resolver: Names::new(answers),
        ..EgressConfig::default()
    };
    let url = format!("http://rebind.example:{port}/secret");
    let both = config(&[&["127.0.0.2", "127.0.0.1"]]);
    assert!(get(&both, Reach::Public, &url).await.expect_err("one of two").contains("not a public address"));
    let turning = config(&[&["127.0.0.2"], &["127.0.0.1"], &["::1"], &["169.254.169.254"], &["::ffff:127.0.0.1"]]);
    for round in 0..50 {
        let asking = get(&turning, Reach::Public, &url);
        if round % 5 == 0 {
            // The name was asked once, and the connection goes to what it said then.
            let answering = async {
                let (stream, peer) = public.accept().await.expect("the address that was looked at");
                assert_eq!(peer.ip(), IpAddr::from([127, 0, 0, 1]));
                drop(stream);
            };
            let (got, ()) = tokio::join!(asking, answering);
            got.expect_err("the connection was dropped");
        } else {
            assert!(asking.await.expect_err("a private address").contains("not a public address"), "{round}");
        }
    }
    assert_eq!(private.accepted(), 0);
}

#[tokio::test]
async fn ports_of_other_protocols_are_not_connected_to() {
    let config = EgressConfig { resolver: Names::new(&[&["1.1.1.1"]]), ..EgressConfig::default() };
    for port in [1, 21, 22, 25, 53, 110, 143, 389, 445, 587, 993, 1023] {
        let error = get(&config, Reach::Public, &format!("http://mail.example:{port}/")).await.expect_err("refused");
        assert!(error.contains(&format!("port {port} belongs to another protocol")), "{error}");
    }
}

#[tokio::test]
async fn tls_reaches_the_named_server_and_no_other() {
    let (acceptor, issuer) = certificate("secure.example");
    let server = Server::start("127.0.0.1:0", Some(acceptor)).await;
    let config = |extra_roots| EgressConfig {
        reachable_networks: vec!["127.0.0.0/8".parse().expect("a network")],
        extra_roots,
        resolver: Names::new(&[&["127.0.0.1"]]),
    };
    let url = |host: &str| format!("https://{host}:{}/x", server.addr.port());
    let trusting = config(vec![issuer]);
    assert_eq!(get(&trusting, Reach::Public, &url("secure.example")).await.as_deref(), Ok("/x over HTTP/1.1"));
    for (config, host) in [(&trusting, "other.example"), (&config(Vec::new()), "secure.example")] {
        let error = get(config, Reach::Public, &url(host)).await.expect_err(host);
        assert!(error.contains("certificate"), "{error}");
    }
    assert_eq!(server.accepted(), 3);
}
