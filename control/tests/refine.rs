//! What follows a deployment: coded forms of its files, links of its pages, and files of earlier deployments.

use std::io::Read as _;

use miaobu_control::domain::{Actor, Deployment, Project};
use miaobu_control::provider::{ObjectKey, ObjectStore as _};
use miaobu_edge::{Decision, Lookup, Method, Request, RouteRecord, Settings, Site as EdgeSite, decide};

use crate::support::{Site, TestApp};

/// What a visitor of `shop.localhost` gets.
struct Visit {
    status: u16,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Visit {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

async fn site(app: &TestApp) -> (RouteRecord, EdgeSite) {
    let record = app.route("shop.localhost").await.expect("a record");
    let key = record.site.clone().expect("a site");
    let blob = app.edge_kv.get(&key).await.expect("readable").expect("a blob");
    let copy = app.object(&format!("{}.site", record.oss_path)).await;
    assert_eq!(copy.as_deref(), Some(&blob[..]), "the copy is the newest");
    (record, EdgeSite::load(blob.to_vec()).expect("a sound blob"))
}

async fn visit(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> Visit {
    let (record, site) = site(app).await;
    let lookup = Lookup::Found { record: &record, site: Some(&site) };
    let mut request = Request::new(Method::Get, "shop.localhost", path);
    fields.iter().for_each(|(name, value)| request.header(name, value));
    let decision = decide(&lookup, &request, &Settings::default());
    let head = decision.head().expect("an answer");
    let mut headers = Vec::new();
    head.for_each_header(|name, value| headers.push((name.to_owned(), value.to_owned())));
    let status = head.status;
    let body = match &decision {
        Decision::Serve(serve) => {
            let body = app.object(&serve.object.key()).await;
            assert_eq!(serve.size, body.as_ref().map(|body| body.len() as u64), "the size that the site lists");
            body
        }
        _ => None,
    };
    Visit { status, headers, body }
}

fn script(text: &str) -> String {
    format!("console.log({text:?});\n").repeat(200)
}

async fn shop() -> (TestApp, Actor, Project) {
    let app = TestApp::new().await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    (app, ada, project)
}

async fn deploy(app: &TestApp, ada: &Actor, project: &Project, files: &[(&str, &str)]) -> Deployment {
    app.deploy(ada, project, &Site::new(files)).await
}

#[tokio::test]
async fn text_is_served_in_the_coding_that_the_visitor_prefers() {
    let (app, ada, project) = shop().await;
    let app_js = script("hello");
    deploy(&app, &ada, &project, &[("index.html", "<p>short</p>"), ("app.js", &app_js), ("a.png", &app_js)]).await;

    let brotli = visit(&app, "/app.js", &[("accept-encoding", "gzip, br, zstd")]).await;
    assert_eq!((brotli.header("content-encoding"), brotli.header("vary")), (Some("br"), Some("Accept-Encoding")));
    let mut decoded = Vec::new();
    brotli::BrotliDecompress(&mut &brotli.body.expect("a body")[..], &mut decoded).expect("brotli");
    assert!(decoded == app_js.as_bytes());

    let gzip = visit(&app, "/app.js", &[("accept-encoding", "gzip")]).await;
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    let mut decoded = Vec::new();
    flate2::read::GzDecoder::new(&gzip.body.expect("a body")[..]).read_to_end(&mut decoded).expect("gzip");
    assert!(decoded == app_js.as_bytes());

    let zstd = visit(&app, "/app.js", &[("accept-encoding", "zstd")]).await;
    assert_eq!(zstd.header("content-encoding"), Some("zstd"));
    let mut decoded = Vec::with_capacity(app_js.len());
    zstd_safe::decompress(&mut decoded, &zstd.body.expect("a body")).expect("zstd");
    assert!(decoded == app_js.as_bytes());

    for path in ["/", "/a.png"] {
        let plain = visit(&app, path, &[("accept-encoding", "gzip, br, zstd")]).await;
        assert_eq!((plain.status, plain.header("content-encoding"), plain.header("vary")), (200, None, None), "{path}");
    }
}

#[tokio::test]
async fn a_page_says_in_its_head_what_to_load_early() {
    let (app, ada, project) = shop().await;
    let page = "<head><link rel=\"preload\" href=\"/app.css\" as=\"style\"></head>";
    deploy(&app, &ada, &project, &[("index.html", page), ("plain.html", "<p>"), ("app.css", "")]).await;
    assert_eq!(visit(&app, "/", &[]).await.header("link"), Some("</app.css>; rel=\"preload\"; as=style"));
    assert_eq!(visit(&app, "/plain", &[]).await.header("link"), None);
}

#[tokio::test]
async fn a_file_that_an_earlier_deployment_had_is_not_compressed_again() {
    let (app, ada, project) = shop().await;
    let (shared, page) = (script("shared"), "<link rel=preload href=/app.css>");
    deploy(&app, &ada, &project, &[("index.html", page), ("shared.js", &shared)]).await;
    let coded: Vec<_> = app.objects_below("blobs").await.into_iter().filter(|key| key.ends_with(".br")).collect();
    let [coded] = &coded[..] else { panic!("one file is compressed: {coded:?}") };
    let length = app.object(coded).await.expect("an object").len();
    let mark = vec![b'x'; length];
    app.objects.put(&ObjectKey::parse(coded.as_str()).expect("a key"), mark.clone().into()).await.expect("stored");

    deploy(&app, &ada, &project, &[("index.html", page), ("moved.js", &shared), ("new.js", &script("new"))]).await;
    let visited = visit(&app, "/moved.js", &[("accept-encoding", "br")]).await;
    assert!(visited.body == Some(mark), "what was stored before");
    assert_eq!(visit(&app, "/new.js", &[("accept-encoding", "br")]).await.header("content-encoding"), Some("br"));
    assert!(visit(&app, "/", &[]).await.header("link").is_some());
}

#[tokio::test]
async fn scripts_of_an_earlier_page_stay_reachable() {
    let (app, ada, project) = shop().await;
    let old = script("old");
    deploy(&app, &ada, &project, &[("index.html", "1"), ("assets/app-Di1rgTda.js", &old), ("about.html", "1")]).await;
    let second = deploy(&app, &ada, &project, &[("index.html", "2"), ("assets/app-Di2rgTda.js", "2")]).await;
    let kept = visit(&app, "/assets/app-Di1rgTda.js", &[]).await;
    assert_eq!((kept.status, kept.body.as_deref()), (200, Some(old.as_bytes())));
    assert_eq!(kept.header("x-robots-tag"), Some("noindex"));
    assert_eq!(kept.header("cache-control"), Some("public, max-age=31536000, immutable"));
    let coded = visit(&app, "/assets/app-Di1rgTda.js", &[("accept-encoding", "br")]).await;
    assert_eq!(coded.header("content-encoding"), Some("br"));
    assert_eq!(visit(&app, "/assets/app-Di2rgTda.js", &[]).await.header("x-robots-tag"), None);
    assert_eq!(visit(&app, "/about", &[]).await.status, 404, "pages are not retained");

    // The deployment that had the script goes; whoever retains it does so for itself.
    for number in 3..6 {
        deploy(&app, &ada, &project, &[("index.html", &number.to_string())]).await;
    }
    assert_eq!(visit(&app, "/assets/app-Di1rgTda.js", &[]).await.status, 404);
    let own = format!("projects/shop/{}/assets/app-Di1rgTda.js", second.id);
    assert_eq!(app.object(&own).await, None, "the second is purged by now");
}

#[tokio::test]
async fn a_purged_deployment_leaves_nothing_coded() {
    let (app, ada, project) = shop().await;
    let first = deploy(&app, &ada, &project, &[("index.html", &script("first"))]).await;
    assert_eq!(app.objects_below(&format!("projects/shop/{}.br", first.id)).await.len(), 1);
    for number in 0..3 {
        deploy(&app, &ada, &project, &[("index.html", &script(&number.to_string()))]).await;
    }
    let id = first.id;
    for folder in ["br", "gz", "zst"] {
        assert_eq!(app.objects_below(&format!("projects/shop/{id}.{folder}")).await, Vec::<String>::new());
    }
    assert_eq!(app.object(&format!("manifests/{id}.refined")).await, None);
    for key in [format!("d-{id}"), format!("d-{id}-r")] {
        assert_eq!(app.edge_kv.get(&key).await.expect("readable"), None, "{key}");
    }
    app.advance(chrono::TimeDelta::minutes(61));
    deploy(&app, &ada, &project, &[("index.html", "last")]).await;
    let left = app.objects_below("blobs").await;
    assert_eq!(left.iter().filter(|key| key.ends_with(".br")).count(), 2, "{left:?}");
}
