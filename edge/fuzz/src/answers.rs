//! What holds of every answer.

use miaobu_edge::{Decision, Failure, Head, Lookup, ObjectKey, Request, RouteRecord, Settings, decide, fail};

/// Decides, and checks whatever can be said of any answer.
pub fn check(record: &RouteRecord, lookup: &Lookup<'_>, request: &Request<'_>) {
    let settings = Settings::default();
    let decision = decide(lookup, request, &settings);
    assert_eq!(
        format!("{decision:?}"),
        format!("{:?}", decide(lookup, request, &settings)),
        "two answers to one request"
    );
    check_decision(record, &decision);
    for failure in [Failure::StorageUnavailable, Failure::ObjectMissing, Failure::FunctionUnreachable] {
        check_decision(record, &fail(failure, lookup, request, &settings));
    }
}

fn check_decision(record: &RouteRecord, decision: &Decision<'_>) {
    match decision {
        Decision::Serve(serve) => {
            check_object(record, &serve.object);
            check_head(&serve.head);
            if let (Some(range), Some(size)) = (serve.range, serve.size) {
                assert!(range.start <= range.end && range.end < size, "{range:?} of {size} bytes");
            }
        }
        Decision::Probe(probe) => {
            assert!(probe.candidates.len() <= 3, "more places than an execution may ask for");
            for candidate in &probe.candidates {
                check_object(record, &candidate.object);
                check_head(&candidate.head);
            }
            assert!(!matches!(*probe.missing, Decision::Probe(_)), "probing without end");
            check_decision(record, &probe.missing);
        }
        Decision::Proxy(proxy) => {
            check_head(&proxy.head);
            let scheme = ["https://", "http://"].into_iter().find(|scheme| proxy.url.starts_with(scheme));
            assert!(scheme.is_some(), "{}", proxy.url);
            assert!(proxy.url.bytes().all(|byte| byte > b' ' && byte != 0x7f), "{:?}", proxy.url);
            if !proxy.external {
                assert!(proxy.url.starts_with(&record.fc_endpoint), "{} is not the function's", proxy.url);
            }
        }
        Decision::Shard(number) => assert!(*number < 256, "shard {number}"),
        Decision::NotModified(head) | Decision::Redirect(head) => check_head(head),
        Decision::ReadForm { limit } => assert!(*limit <= 64 * 1024, "a form of {limit} bytes"),
        Decision::Refuse { head, body } => {
            check_head(head);
            assert!(head.status >= 200 && (body.is_empty() || head.content_length == Some(body.len() as u64)));
        }
    }
}

/// An object lies under the record's folder or beside it in a coding, and is named without tricks.
fn check_object(record: &RouteRecord, object: &ObjectKey<'_>) {
    let key = object.key();
    let rest = key.strip_prefix(&record.oss_path).expect("a key of the deployment");
    let folders = ["/", ".br/", ".zst/", ".gz/"];
    let name = folders.into_iter().find_map(|folder| rest.strip_prefix(folder)).expect("a key below the folder");
    assert!(!name.split('/').any(|segment| matches!(segment, "" | "." | "..")), "{key}");
    assert!(!name.bytes().any(|byte| byte < b' ' || byte == b'\\'), "{key:?}");
    assert!(object.url_path().bytes().all(|byte| byte.is_ascii_graphic()), "{:?}", object.url_path());
}

fn check_head(head: &Head<'_>) {
    assert!((200..600).contains(&head.status), "status {}", head.status);
    let mut seen = Vec::new();
    head.for_each_header(|name, value| {
        assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'), "{name:?}");
        assert!(!name.bytes().any(|byte| byte.is_ascii_uppercase()), "{name:?}");
        assert!(!value.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{name}: {value:?}");
        assert!(!seen.contains(&name.to_owned()), "{name} stands twice");
        seen.push(name.to_owned());
        if name == "location" {
            assert!(!value.starts_with("//") && !value.starts_with("/\\"), "{value} leads to another host");
        }
    });
}
