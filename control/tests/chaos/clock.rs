//! The machine's clock jumps while a server works.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use super::promises::Promised;
use crate::support::Site;
use crate::support::process::{Server, command};

/// How long something takes on a loaded machine that would take an hour if it stuck.
const SOON: Duration = Duration::from_secs(60);

#[test]
fn a_clock_that_jumps_by_an_hour_fails_nothing_and_holds_nothing_up() {
    for jump in ["3600", "-3600"] {
        let folder = tempfile::tempdir().expect("a folder");
        let skew = folder.path().join("skew");
        let start = |data: &std::path::Path| {
            Server::start_with(|arguments| {
                let mut program = command(data, arguments);
                program.env("MIAOBU_CLOCK_SKEW", &skew);
                program
            })
        };
        let data = folder.path().join("data");
        let server = start(&data);
        server.ask("POST", "/projects", json!({ "slug": "shop" }).to_string().as_bytes()).expect("an answer");
        let mut promised = Promised::default();
        let begun = Instant::now();
        for round in 0..6 {
            let page = format!("page {round}");
            let id = server.begin("shop", &Site::page(&page));
            // The job is on its way.
            match round {
                1 => fs::write(&skew, jump).expect("written"),
                3 => fs::write(&skew, "0").expect("written"),
                _ => {}
            }
            promised.pages.insert(id, page);
            promised.finished.push(id);
            promised.active = Some(id);
            promised.hold(&server);
        }
        // Set back or forward while nobody works, and then again.
        drop(server);
        for skewed in [jump, "0"] {
            fs::write(&skew, skewed).expect("written");
            let server = start(&data);
            let page = format!("after {skewed}");
            let id = server.begin("shop", &Site::page(&page));
            promised.pages.insert(id, page);
            promised.finished.push(id);
            promised.active = Some(id);
            promised.hold(&server);
        }
        assert!(begun.elapsed() < SOON, "{jump}: {:?}", begun.elapsed());
    }
}
