//! A server whose visitors take all the connections there are.

use std::process::Command;

use serde_json::json;

use crate::support::Site;
use crate::support::process::{Kept, Server, command, visit, with_settings_of};

/// Files that the server may have open: half of them for visitors of the edge, a quarter for callers of the API.
const DESCRIPTORS: usize = 160;

fn limited(arguments: &[&str], folder: &std::path::Path) -> Command {
    let program = command(folder, arguments);
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit -n {DESCRIPTORS}; exec \"$0\" \"$@\"")).arg(program.get_program());
    shell.args(program.get_args());
    with_settings_of(&program, &mut shell);
    shell
}

#[test]
fn visitors_who_take_all_connections_keep_nobody_from_those_that_there_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start_with(|arguments| limited(arguments, folder.path()));
    server.ask("POST", "/projects", json!({"slug": "shop"}).to_string().as_bytes()).expect("an answer");
    let site = Site::new(&[("index.html", "first"), ("later.txt", "not read before")]);
    let id = server.deploy("shop", &site).0.expect("a deployment");
    while visit(&server.edge, "shop.localhost").is_none_or(|(status, _)| status != 200) {}
    let visitor = "host: shop.localhost\r\n";
    let caller =
        format!("host: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n", server.token);
    let mut at_edge = Kept::open(&server.edge);
    let mut at_api = Kept::open(&server.api);
    assert_eq!(at_edge.ask("GET /", visitor, "").expect("an answer").body, "first");
    assert_eq!(at_api.ask("GET /api/v1/public/projects", &caller, "").expect("an answer").status, 200);

    let crowd: Vec<_> =
        [&server.edge, &server.api].iter().flat_map(|addr| (0..DESCRIPTORS).map(|_| Kept::open(addr))).collect();
    assert_eq!(visit(&server.edge, "shop.localhost"), None, "there is no place left, and it is said at once");
    for round in 0..20 {
        assert_eq!(at_edge.ask("GET /", visitor, "").expect("an answer").body, "first", "{round}");
        let project = json!({ "slug": format!("other-{round}") }).to_string();
        assert_eq!(
            at_api.ask("POST /api/v1/public/projects", &caller, &project).expect("an answer").status,
            201,
            "{round}"
        );
    }
    assert_eq!(at_edge.ask("GET /later.txt", visitor, "").expect("an answer").body, "not read before");
    // Jobs have files to open as well.
    let again = at_api.ask(&format!("POST /api/v1/public/deployments/{id}/redeploy"), &caller, "").expect("an answer");
    assert_eq!(again.status, 202, "{}", again.body);
    let again: serde_json::Value = serde_json::from_str(&again.body).expect("JSON");
    let path = format!("GET /api/v1/public/deployments/{}?wait=30", again["data"]["id"]);
    let ended = at_api.ask(&path, &caller, "").expect("an answer");
    assert!(ended.body.contains("\"status\":\"deployed\"") && ended.body.contains("\"active\":true"), "{}", ended.body);

    drop(crowd);
    let served = std::iter::repeat_with(|| visit(&server.edge, "shop.localhost")).find_map(|answer| answer);
    assert_eq!(served.expect("it goes on for ever").1, "first");
    let (status, _) = server.ask("GET", "/projects", b"").expect("an answer");
    assert_eq!(status, 200);
}
