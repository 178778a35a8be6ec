//! Rules that pass requests on to other servers.

use miaobu_edge::{Kind, RouteRecord};

use super::support::Edge;
use crate::egress::{Names, Server, certificate};

const HOST: &str = "site.localhost";

async fn edge_with(networks: &[&str], redirects: &str) -> Edge {
    let edge = Edge::start_with(|config| {
        config.egress.reachable_networks = networks.iter().map(|network| network.parse().expect("a network")).collect();
    })
    .await;
    let record = edge.store_configured(1, redirects, &[("/a.txt", b"a")]).await;
    edge.point(HOST, &record).await;
    edge
}

#[tokio::test]
async fn a_rule_passes_requests_on_to_a_server_within_reach() {
    let server = Server::start("127.0.0.1:0", None).await;
    let edge = edge_with(&["127.0.0.0/8"], &format!("/api/* http://{}/v1/:splat 200", server.addr)).await;
    let answer = edge.get(HOST, "/api/items?q=1").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "/v1/items?q=1 over HTTP/1.1"));
    assert_eq!(answer.header("x-miaobu-deployment"), Some("1"));
    assert_eq!(edge.get(HOST, "/a.txt").await.text(), "a");
}

#[tokio::test]
async fn a_rule_reaches_a_server_over_tls() {
    let (acceptor, issuer) = certificate("secure.example");
    let server = Server::start("127.0.0.1:0", Some(acceptor)).await;
    let edge = Edge::start_with(|config| {
        config.egress.reachable_networks = vec!["127.0.0.1".parse().expect("a network")];
        config.egress.extra_roots = vec![issuer];
        config.egress.resolver = Names::new(&[&["127.0.0.1"]]);
    })
    .await;
    let endpoint = format!("https://secure.example:{}", server.addr.port());
    let record = edge.store_configured(1, &format!("/api/* {endpoint}/:splat 200"), &[]).await;
    edge.point(HOST, &record).await;
    assert_eq!(edge.get(HOST, "/api/x").await.text(), "/x over HTTP/1.1");
    edge.point("api.localhost", &RouteRecord::of_function(Kind::Node, "api", &endpoint, 2)).await;
    assert_eq!(edge.get("api.localhost", "/y").await.text(), "/y over HTTP/1.1", "functions too");
}

#[tokio::test]
async fn a_rule_leads_to_no_private_address_even_where_a_connection_to_it_is_open() {
    let server = Server::start("127.0.0.1:0", None).await;
    let function = format!("http://{}", server.addr);
    let edge = edge_with(&[], &format!("/api/* {function}/:splat 200\n/meta http://169.254.169.254/latest 200")).await;
    edge.point("api.localhost", &RouteRecord::of_function(Kind::Node, "api", &function, 2)).await;
    let mut client = edge.connect().await;
    assert_eq!(client.ask("GET", "api.localhost", "/own", "").await.status, 200);
    let accepted = server.accepted();
    for path in ["/api/secret", "/meta"] {
        let answer = client.ask("GET", HOST, path, "accept: application/json\r\n").await;
        assert_eq!(answer.status, 502, "{path}");
        assert!(answer.text().contains("\"function_unreachable\""), "{}", answer.text());
    }
    assert_eq!(server.accepted(), accepted);
}

#[tokio::test]
async fn rules_that_lead_to_each_other_end() {
    let edge = Edge::start_with(|config| {
        config.egress.reachable_networks = vec!["127.0.0.1".parse().expect("a network")];
        config.egress.resolver = Names::new(&[&["127.0.0.1"]]);
    })
    .await;
    let port = edge.addr.port();
    for (id, host, other) in [(1, "a.localhost", "b.localhost"), (2, "b.localhost", "a.localhost")] {
        let record = edge.store_configured(id, &format!("/* http://{other}:{port}/:splat 200"), &[]).await;
        edge.point(host, &record).await;
    }
    assert_eq!(edge.get("a.localhost", "/round").await.status, 508);
}

#[tokio::test]
async fn no_byte_that_others_added_hides_how_often_a_request_came_round() {
    let server = Server::start("127.0.0.1:0", None).await;
    let edge = edge_with(&["127.0.0.0/8"], &format!("/api/* http://{}/:splat 200", server.addr)).await;
    for (passed, status) in [(&b"other, miaobu,miaobu"[..], 200), (b"miaobu , \xff, miaobu,miaobu", 508)] {
        let mut client = edge.connect().await;
        let head = [b"GET /api/x HTTP/1.1\r\nhost: site.localhost\r\ncdn-loop: ", passed, b"\r\n\r\n"].concat();
        client.send(head).await;
        assert_eq!(client.answer().await.status, status, "{}", passed.escape_ascii());
    }
}
