//! What one HTTP/1 request gets.

use miaobu_edge::RouteRecord;

use super::support::Edge;

const HOST: &str = "site.localhost";
const PAGE: &[u8] = b"<!doctype html><title>Hello</title>";

async fn small_site() -> Edge {
    let edge = Edge::start().await;
    let image = vec![7; 300];
    edge.deploy(HOST, 1, &[("/index.html", PAGE), ("/docs/index.html", b"docs"), ("/a.png", &image)]).await;
    edge
}

#[tokio::test]
async fn a_file_is_served_with_the_headers_that_were_decided_and_no_others() {
    let edge = small_site().await;
    let answer = edge.get(HOST, "/").await;
    assert_eq!((answer.status, &answer.body[..]), (200, PAGE));
    let mut names: Vec<_> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let expected = [
        "accept-ranges",
        "cache-control",
        "content-length",
        "content-type",
        "date",
        "etag",
        "referrer-policy",
        "x-content-type-options",
        "x-miaobu-deployment",
    ];
    assert_eq!(names, expected);
    assert_eq!(answer.header("x-miaobu-deployment"), Some("1"));
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
}

#[tokio::test]
async fn nobody_is_asked_to_stay_with_tls_who_came_without() {
    let edge = Edge::start().await;
    let record = edge.store(1, &[("/index.html", PAGE)]).await;
    edge.point(HOST, &RouteRecord { hsts: true, ..record }).await;
    for path in ["/", "/missing"] {
        assert_eq!(edge.get(HOST, path).await.header("strict-transport-security"), None, "{path}");
    }
}

#[tokio::test]
async fn head_gets_the_headers_of_get_and_no_body() {
    let edge = small_site().await;
    let mut client = edge.connect().await;
    let head = client.ask("HEAD", HOST, "/a.png", "").await;
    let get = client.ask("GET", HOST, "/a.png", "").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("300")));
    let without_date = |headers: Vec<(String, String)>| headers.into_iter().filter(|(name, _)| name != "date");
    assert!(without_date(head.headers).eq(without_date(get.headers)));
    assert_eq!(get.body, vec![7; 300]);
}

#[tokio::test]
async fn a_good_copy_is_confirmed_without_a_body() {
    let edge = small_site().await;
    let mut client = edge.connect().await;
    let etag = client.ask("GET", HOST, "/", "").await.header("etag").expect("an etag").to_owned();
    let answer = client.ask("GET", HOST, "/", &format!("if-none-match: {etag}\r\n")).await;
    assert_eq!((answer.status, answer.header("etag")), (304, Some(etag.as_str())));
    let listed = format!("if-none-match: \"other\"\r\nif-none-match: W/{etag}\r\n");
    assert_eq!(client.ask("GET", HOST, "/", &listed).await.status, 304, "a field sent twice is one list");
    assert_eq!(client.ask("GET", HOST, "/", "if-none-match: \"other\"\r\n").await.status, 200);
}

#[tokio::test]
async fn a_range_of_a_file_is_sent_alone() {
    let edge = Edge::start().await;
    let content = |length: usize| (0..length).map(|at| (at * 31 / 7) as u8).collect::<Vec<_>>();
    let (small, large) = (content(300), content(3 * 1024 * 1024 + 5));
    edge.deploy(HOST, 1, &[("/small.bin", &small), ("/large.bin", &large)]).await;
    let mut client = edge.connect().await;
    for (path, file) in [("/small.bin", &small), ("/large.bin", &large)] {
        for range in [0..1, 10..file.len() - 10, file.len() - 1..file.len(), 0..file.len()] {
            let field = format!("range: bytes={}-{}\r\n", range.start, range.end - 1);
            let answer = client.ask("GET", HOST, path, &field).await;
            assert_eq!(answer.status, 206, "{path} {field}");
            assert!(answer.body == file[range.clone()], "{path} {field}");
            let expected = format!("bytes {}-{}/{}", range.start, range.end - 1, file.len());
            assert_eq!(answer.header("content-range"), Some(expected.as_str()));
        }
        let beyond = client.ask("GET", HOST, path, &format!("range: bytes={}-\r\n", file.len())).await;
        assert_eq!((beyond.status, beyond.body.len()), (416, 0), "{path}");
    }
}

#[tokio::test]
async fn files_can_only_be_read() {
    let edge = small_site().await;
    let mut client = edge.connect().await;
    let answer = client.ask("DELETE", HOST, "/", "").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
    client.send(format!("POST / HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 5\r\n\r\nhello")).await;
    assert_eq!(client.answer().await.status, 405);
    assert_eq!(client.ask("GET", HOST, "/", "").await.status, 200, "the body does not become the next request");
}

#[tokio::test]
async fn other_spellings_are_redirected_and_missing_files_are_not_found() {
    let edge = small_site().await;
    let answer = edge.get(HOST, "/docs?page=2").await;
    assert_eq!((answer.status, answer.header("location")), (308, Some("/docs/?page=2")));
    let missing = edge.get(HOST, "/missing.js").await;
    assert_eq!((missing.status, missing.header("cache-control")), (404, Some("no-store")));
}

#[tokio::test]
async fn an_unknown_host_is_told_so() {
    let edge = small_site().await;
    let answer = edge.get("other.localhost:8787", "/").await;
    assert_eq!((answer.status, answer.header("x-miaobu-deployment")), (421, None));
    assert!(answer.text().contains("other.localhost"), "{}", answer.text());
}

#[tokio::test]
async fn hosts_are_found_however_they_are_spelled() {
    let edge = small_site().await;
    for host in ["SITE.localhost", "site.localhost:8787", "site.localhost.", "Site.Localhost.:80"] {
        assert_eq!(edge.get(host, "/").await.status, 200, "{host}");
    }
    assert_eq!(edge.get("[::1]:8787", "/").await.status, 421);
}

#[tokio::test]
async fn the_target_names_the_host_when_it_is_absolute() {
    let edge = small_site().await;
    assert_eq!(edge.get("other.localhost", &format!("http://{HOST}:8787/docs/")).await.text(), "docs");
    assert_eq!(edge.get("other.localhost", &format!("http://{HOST}")).await.body, PAGE);
    assert_eq!(edge.get(HOST, "http://other.localhost/").await.status, 421);
}

#[tokio::test]
async fn requests_that_could_be_read_in_two_ways_end_their_connection() {
    let edge = small_site().await;
    let requests = [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost:\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: site.localhost\r\nhost: site.localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: site.localhost/other\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: user@site.localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: site.localhost\r\nhost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: site.localhost\r\n folded: x\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: site.localhost\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        "GET / HTTP/1.1\r\nhost: site.localhost\r\ncontent-length: +3\r\n\r\nabc",
        "GET / HTTP/1.1\r\nhost: site.localhost\r\ntransfer-encoding: identity, x\r\n\r\n",
        "GET / HTTP/1.0\r\nhost: site.localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: site.localhost\r\nx: a\0b\r\n\r\n",
    ];
    for request in requests {
        let mut client = edge.connect().await;
        client.send(request).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 400, "{request:?}");
        let follower = format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n");
        let _ = tokio::io::AsyncWriteExt::write_all(&mut client.stream, follower.as_bytes()).await;
        assert!(client.is_closed().await, "{request:?}");
    }
}

#[tokio::test]
async fn a_request_with_two_lengths_is_the_last_of_its_connection() {
    let edge = small_site().await;
    for lengths in
        ["content-length: 4\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 4"]
    {
        let mut client = edge.connect().await;
        let next = format!("GET /a.png HTTP/1.1\r\nhost: {HOST}\r\n\r\n");
        client.send(format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n{lengths}\r\n\r\n0\r\n\r\n{next}")).await;
        assert_eq!(client.answer().await.header("connection"), Some("close"));
        assert!(client.is_closed().await);
    }
}

#[tokio::test]
async fn methods_of_proxies_are_not_known() {
    let edge = small_site().await;
    assert_eq!(edge.get(HOST, "/").await.status, 200);
    let mut client = edge.connect().await;
    client.send(format!("TRACE / HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
    assert_eq!(client.answer().await.status, 501);
    let mut client = edge.connect().await;
    client.send(format!("CONNECT {HOST}:80 HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
    assert_eq!(client.answer().await.status, 501);
}

#[tokio::test]
async fn heads_have_a_size_limit() {
    let edge = small_site().await;
    let fits = format!("x-long: {}\r\n", "a".repeat(30_000));
    assert_eq!(edge.ask("GET", HOST, "/", &fits).await.status, 200);
    let too_long = format!("x-long: {}\r\n", "a".repeat(100_000));
    let mut client = edge.connect().await;
    let request = format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n{too_long}\r\n");
    let _ = tokio::io::AsyncWriteExt::write_all(&mut client.stream, request.as_bytes()).await;
    // The rest of the head meets a closed socket, so the answer itself may be lost to a reset.
    if let Some(answer) = client.answer_to("GET").await {
        assert_eq!(answer.status, 431);
    }
    assert!(client.is_closed().await);
    let many = "x: y\r\n".repeat(101);
    assert_eq!(edge.ask("GET", HOST, "/", &many).await.status, 431);
    assert_eq!(edge.get(HOST, &format!("/{}", "a".repeat(20_000))).await.status, 414);
}

#[tokio::test]
async fn an_old_client_gets_one_answer_a_connection() {
    let edge = small_site().await;
    let mut client = edge.connect().await;
    client.send(format!("GET / HTTP/1.0\r\nhost: {HOST}\r\n\r\n")).await;
    assert_eq!(client.answer().await.body, PAGE);
    assert!(client.is_closed().await);
    let mut nameless = edge.connect().await;
    nameless.send("GET / HTTP/1.0\r\n\r\n").await;
    assert_eq!(nameless.answer().await.status, 400);
}
