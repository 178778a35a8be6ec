//! What the program says of itself: metrics, traces, log lines, health.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::net::TcpListener;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::api_support::Api;
use crate::support::collector::Collector;
use crate::support::process::{Process, Server, command, get};
use crate::support::redis::Redis;
use crate::support::{Site, TestApp};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn metric(text: &str, sample: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')?.parse().ok())
}

fn attribute<'a>(of: &'a Value, name: &str) -> &'a Value {
    let attributes = of["attributes"].as_array().expect("attributes");
    attributes.iter().find(|attribute| attribute["key"] == name).map_or(&Value::Null, |found| &found["value"])
}

#[test]
fn what_is_done_through_api_and_edge_is_counted_traced_and_logged() {
    let (folder, collector) = (tempfile::tempdir().expect("a folder"), Collector::start());
    let log = folder.path().join("log");
    let mut server = Server::start_with(|arguments| {
        let mut program = command(&folder.path().join("data"), arguments);
        program.env("MIAOBU_LOG", "info").env("MIAOBU_LOG_FORMAT", "json");
        program.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}/", collector.addr));
        program.env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hush").env("OTEL_SERVICE_NAME", "ours");
        program.stderr(File::options().create(true).append(true).open(&log).expect("a file"));
        program
    });
    server.head = format!("traceparent: 00-{TRACE}-b7ad6b7169203331-01\r\nx-request-id: r-7\r\n");
    server.ask("POST", "/projects", json!({"slug": "shop"}).to_string().as_bytes()).expect("an answer");
    server.deploy("shop", &Site::page("hello"));
    assert_eq!(server.visit("shop.localhost").expect("an answer"), (200, "hello".to_owned()));
    assert_eq!(server.visit("shop.localhost").expect("an answer").0, 200);
    assert_eq!(server.visit("nobody.localhost").expect("an answer").0, 421);

    let (status, metrics) = get(&server.api, "/metrics").expect("an answer");
    assert_eq!(status, 200);
    for (sample, least) in [
        ("miaobu_http_requests_total{operation=\"createProject\",status=\"201\"}", 1.0),
        ("miaobu_http_request_duration_seconds_count{operation=\"createProject\",status=\"201\"}", 1.0),
        ("miaobu_job_runs_total{kind=\"deploy\",outcome=\"done\"}", 1.0),
        ("miaobu_job_run_duration_seconds_count{kind=\"deploy\",outcome=\"done\"}", 1.0),
        ("miaobu_provider_calls_total{provider=\"local\",operation=\"edge_kv.write\"}", 1.0),
        ("miaobu_provider_call_duration_seconds_count{provider=\"local\",operation=\"objects.copy_all\"}", 1.0),
        ("miaobu_edge_requests_total{decision=\"file\"}", 2.0),
        ("miaobu_edge_requests_total{decision=\"unknown_host\"}", 1.0),
        ("miaobu_edge_cache_lookups_total{result=\"hit\"}", 1.0),
        ("miaobu_edge_cache_lookups_total{result=\"miss\"}", 1.0),
        ("miaobu_edge_cache_hit_ratio", 0.1),
        ("miaobu_edge_threads", 1.0),
        ("miaobu_part_up{part=\"database\"}", 1.0),
        ("miaobu_part_up{part=\"edge\"}", 1.0),
        ("miaobu_storage_used_bytes{class=\"artifacts\"}", 0.0),
        ("miaobu_storage_used_bytes{class=\"cache\"}", 5.0),
        ("miaobu_storage_used_bytes{class=\"database\"}", 4096.0),
        ("miaobu_job_queue_age_seconds", 0.0),
        ("miaobu_job_leases_lost_total", 0.0),
        ("miaobu_log_lines_dropped_total", 0.0),
        ("miaobu_spans_dropped_total", 0.0),
    ] {
        let value = metric(&metrics, sample).unwrap_or_else(|| panic!("{sample} is missing:\n{metrics}"));
        assert!(value >= least, "{sample} {value}");
    }
    are_well_formed(&metrics);

    server.process().signal(Signal::TERM);
    assert!(server.process().wait().success());
    let spans = collector.spans();
    let ours: Vec<&Value> = spans.iter().filter(|span| span["traceId"] == TRACE).collect();
    let named = |name: &str| {
        let found = ours.iter().find(|span| span["name"] == name);
        *found.unwrap_or_else(|| panic!("{name}: {ours:#?}"))
    };
    let created = named("createProject");
    assert_eq!((&created["kind"], &created["parentSpanId"]), (&json!(2), &json!("b7ad6b7169203331")));
    assert_eq!(attribute(created, "http.response.status_code"), &json!({"intValue": "201"}));
    assert_eq!(attribute(created, "miaobu.request_id"), &json!({"stringValue": "r-7"}));
    assert_eq!(attribute(&created["resource"], "service.name"), &json!({"stringValue": "ours"}));
    let nanos = |name: &str| created[name].as_str().expect("text").parse::<u128>().expect("a number");
    assert!(nanos("startTimeUnixNano") < nanos("endTimeUnixNano"));
    // The job is part of the request that queued it, and what it asked of providers is part of the job.
    let (finished, job) = (named("finishDeployment"), named("job deploy"));
    assert_eq!((&job["kind"], &job["parentSpanId"]), (&json!(5), &finished["spanId"]));
    assert_eq!(attribute(job, "miaobu.job.outcome"), &json!({"stringValue": "done"}));
    let copied = named("objects.copy_all");
    assert_eq!((&copied["kind"], &copied["parentSpanId"]), (&json!(3), &job["spanId"]));
    assert!(collector.heads().iter().all(|head| head.contains("/v1/traces") && head.contains("Bearer hush")));

    let log = std::fs::read_to_string(&log).expect("readable");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let line = lines.iter().find(|line| line["operation"] == "createProject").expect("a line of the request");
    assert_eq!(
        (&line["request_id"], &line["trace_id"], &line["level"]),
        (&json!("r-7"), &json!(TRACE), &json!("info"))
    );
    assert!(line["time"].is_string() && line["message"] == "answered" && line["status"] == 201, "{line}");
    assert!(!log.contains("hush"));
}

/// Every family is told of once, before its samples, and no sample comes twice.
fn are_well_formed(metrics: &str) {
    let (mut kinds, mut samples) = (BTreeMap::new(), BTreeSet::new());
    let mut helped = BTreeSet::new();
    for line in metrics.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["#", "HELP", name, ..] => assert!(helped.insert(name), "{line}"),
            ["#", "TYPE", name, kind] => assert!(kinds.insert(name, kind).is_none() && helped.contains(name), "{line}"),
            _ => {
                let (sample, value) = line.rsplit_once(' ').expect("a value");
                assert!(value.parse::<f64>().is_ok() && samples.insert(sample), "{line}");
                let name = sample.split('{').next().expect("a name");
                let parts = ["_bucket", "_sum", "_count"];
                let family =
                    parts.iter().find_map(|part| name.strip_suffix(part)).filter(|name| kinds.contains_key(name));
                let family = family.unwrap_or(name);
                let kind = kinds.get(family).unwrap_or_else(|| panic!("{line} has no family"));
                assert_eq!(*kind == "counter", name.ends_with("_total"), "{line}");
            }
        }
    }
}

#[test]
fn a_collector_that_never_answers_costs_nothing_but_spans() {
    let folder = tempfile::tempdir().expect("a folder");
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", silent.local_addr().expect("an address"));
    let mut serve = command(folder.path(), &["serve"]);
    serve.env("MIAOBU_TELEMETRY_OTLP_ENDPOINT", endpoint);
    serve.env("MIAOBU_LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE", "0");
    let mut process = Process::spawn(serve);
    let api = process.line("api").strip_prefix("http://").expect("a URL").to_owned();
    // More than the queue holds, while the first batch waits for an answer; each is answered all the same.
    let dropped = loop {
        for _ in 0..100 {
            assert_eq!(get(&api, "/api/v1/public/user").expect("an answer").0, 401);
        }
        let (_, metrics) = get(&api, "/metrics").expect("an answer");
        let dropped = metric(&metrics, "miaobu_spans_dropped_total").expect("counted");
        if dropped > 0.0 {
            break dropped;
        }
    };
    assert!(dropped > 0.0);
    let asked = std::time::Instant::now();
    process.signal(Signal::TERM);
    assert!(process.wait().success());
    assert!(asked.elapsed() < std::time::Duration::from_secs(60), "the end waits for no collector");
}

#[tokio::test]
async fn health_says_which_part_is_down_since_when() {
    let api = Api::new().await;
    let start = api.app.now();
    let parts = |answer: &Value| {
        let parts = answer["parts"].as_array().expect("parts").iter();
        parts.map(|part| (part["name"].as_str().expect("a name").to_owned(), part.clone())).collect::<BTreeMap<_, _>>()
    };
    let answer = api.call("GET", "/health").send().await.json();
    assert_eq!(answer["status"], "ok");
    let known = parts(&answer);
    assert!(known.keys().map(String::as_str).eq(["database", "disk", "jobs", "objects"]), "{answer}");
    let text = |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    assert!(known.values().all(|part| part["since"] == text(start) && part["latency_ms"].is_i64()), "{answer}");

    // What reaches a part only now and then is told of by its last call.
    api.app.context.telemetry.metrics.called("esa", "edge_kv.write", Default::default(), None);
    api.app.context.telemetry.metrics.called(
        "oss",
        "objects.get",
        Default::default(),
        Some(miaobu_control::provider::ErrorKind::Unavailable),
    );
    api.app.advance(chrono::TimeDelta::seconds(10));
    let degraded = api.call("GET", "/health").send().await;
    assert_eq!((degraded.status, degraded.json()["status"].clone()), (200, json!("degraded")));
    let known = parts(&degraded.json());
    assert_eq!((&known["esa"]["status"], &known["oss"]["status"]), (&json!("ok"), &json!("down")));
    assert_eq!((&known["oss"]["needed"], &known["oss"]["since"]), (&json!(false), &json!(text(api.app.now()))));

    api.app.context.db.close().await;
    let lost = api.app.now();
    for _ in 0..2 {
        let down = api.call("GET", "/health").send().await;
        assert_eq!((down.status, down.code().as_str()), (503, "unhealthy"));
        let refused = down.json()["errors"].to_string();
        assert!(refused.contains("/parts/database") && refused.contains(&text(lost)), "{refused}");
        assert!(!refused.contains("/parts/objects"), "{refused}");
        api.app.advance(chrono::TimeDelta::seconds(5));
    }
    let metrics = api.call("GET", "/metrics").send().await;
    assert_eq!(metrics.status, 200, "metrics are wanted most when something is down");
    assert!(metrics.text().contains("miaobu_part_up{part=\"database\"} 0"));
    let since = format!("miaobu_part_since_timestamp_seconds{{part=\"database\"}} {}", lost.timestamp());
    assert!(metrics.text().contains(&since));
}

#[tokio::test]
async fn a_redis_that_is_away_is_no_reason_to_take_the_server_away() {
    let Some(mut redis) = Redis::new() else { return };
    redis.start();
    let limits = redis.limits();
    assert!(limits.connect().await);
    let app = TestApp::sharing(limits.clone()).await;
    let part = async || {
        let parts = app.services.health.check().await;
        parts.into_iter().find(|part| part.name == "redis").expect("the part")
    };
    assert!(part().await.ok);
    redis.kill();
    app.advance(chrono::TimeDelta::seconds(1));
    // Whoever asks next finds out.
    assert!(limits.draw(&[]).await.is_none());
    let down = part().await;
    assert!(!down.ok && !down.needed && down.since == app.now());
}
