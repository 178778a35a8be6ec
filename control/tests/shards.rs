//! Sites that are too large for one value of the edge KV.

use miaobu_control::domain::DeploymentStatus::Purged;
use miaobu_edge::record::{shard_key, site_object};
use miaobu_edge::{Decision, Lookup, Method, Request, Settings, decide};

use crate::support::{Site, TestApp};

const LIMIT: usize = 2_000;

fn large_site(text: &str) -> Site {
    let mut site = Site::page(text);
    site.0.extend((0..150).map(|page| (format!("pages/{page}.html"), format!("{text} {page}").into_bytes())));
    site
}

#[tokio::test]
async fn a_site_longer_than_a_value_is_written_in_shards_before_what_leads_to_them() {
    let app = TestApp::with_longest_value(LIMIT).await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    app.deploy(&ada, &project, &large_site("one")).await;
    let record = app.route("shop.localhost").await.expect("a record");
    let key = record.site.clone().expect("a site");
    let main = app.edge_kv.get(&key).await.expect("readable").expect("a main blob");
    let whole = app.object(&site_object(&record.oss_path)).await.expect("a whole copy");
    assert!(whole.len() > LIMIT && main.len() <= LIMIT, "{} {}", whole.len(), main.len());
    let mut site = miaobu_edge::Site::load(main.to_vec()).expect("a sound blob");
    for page in 0..150 {
        let target = format!("/pages/{page}");
        let request = Request::new(Method::Get, "shop.localhost", &target);
        let lookup = Lookup::Found { record: &record, site: Some(&site) };
        if let Decision::Shard(number) = decide(&lookup, &request, &Settings::default()) {
            let key = shard_key(&key, number);
            let shard = app.edge_kv.get(&key).await.expect("readable").expect("a shard");
            assert!(shard.len() <= LIMIT, "{key}: {}", shard.len());
            let copy = app.object(&format!("{}.shards/{key}", record.oss_path)).await;
            assert_eq!(copy.as_deref(), Some(&*shard), "{key}");
            assert!(site.add_shard(shard.to_vec()), "{key}");
        }
        let lookup = Lookup::Found { record: &record, site: Some(&site) };
        match decide(&lookup, &request, &Settings::default()) {
            Decision::Serve(serve) => assert_eq!(serve.object.key(), format!("{}{target}.html", record.oss_path)),
            decision => panic!("{target}: {decision:?}"),
        }
    }
}

#[tokio::test]
async fn shards_go_with_their_deployment() {
    let app = TestApp::with_longest_value(LIMIT).await;
    let ada = app.login().await;
    let project = app.project(&ada, "shop").await;
    let first = app.deploy(&ada, &project, &large_site("first")).await.id;
    let shards = format!("projects/shop/{first}.shards");
    let keys = app.objects_below(&shards).await;
    assert!(keys.len() > 1, "{keys:?}");
    for number in 0..3 {
        app.deploy(&ada, &project, &large_site(&number.to_string())).await;
    }
    assert_eq!(app.get(&ada, first).await.status, Purged);
    assert_eq!(app.objects_below(&shards).await, Vec::<String>::new());
    for key in keys.iter().filter_map(|key| key.rsplit('/').next()) {
        assert_eq!(app.edge_kv.get(key).await.expect("readable"), None, "{key}");
    }
}
