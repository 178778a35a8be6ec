//! Code packages that run.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use miaobu_aliyun::Credentials;
use miaobu_aliyun::fc::{
    AliasSettings, AuthType, Code, CustomDomainSettings, CustomRuntimeConfig, Fc, FunctionSettings, HttpTriggerConfig,
    Route, RouteConfig,
};
use miaobu_aliyun::oss::{Attributes, Payload};

use crate::support::{KEY, World};

/// A file of a package: its name, its mode, what it holds.
type File<'a> = (&'a str, u32, &'a str);

fn zip(files: &[File<'_>]) -> Vec<u8> {
    let (mut bytes, mut list) = (Vec::new(), Vec::new());
    for (name, mode, content) in files {
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::default());
        packer.write_all(content.as_bytes()).unwrap();
        let packed = packer.finish().unwrap();
        let mut checksum = flate2::Crc::new();
        checksum.update(content.as_bytes());
        let mut common = Vec::new();
        common.extend([20, 0, 0, 0, 8, 0, 0, 0, 0, 0]);
        common.extend(checksum.sum().to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        list.extend(b"PK\x01\x02\x14\x03");
        list.extend(&common);
        list.extend([0; 6]);
        list.extend((mode << 16).to_le_bytes());
        list.extend((bytes.len() as u32).to_le_bytes());
        list.extend(name.as_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(packed);
    }
    let start = bytes.len() as u32;
    bytes.extend(&list);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([files.len() as u16, files.len() as u16].map(u16::to_le_bytes).concat());
    bytes.extend([list.len() as u32, start].map(u32::to_le_bytes).concat());
    bytes.extend([0, 0]);
    bytes
}

fn fc(world: &World) -> Fc {
    Fc::new(&world.emulator.fc(), world.settings(Credentials::new(KEY.0, KEY.1))).unwrap()
}

fn settings(zip: &[u8], config: Option<CustomRuntimeConfig>) -> FunctionSettings {
    FunctionSettings {
        function_name: Some("app".into()),
        runtime: Some("custom.debian12".into()),
        handler: Some("index.handler".into()),
        code: Some(Code { zip_file: Some(BASE64.encode(zip)), ..Code::default() }),
        custom_runtime_config: config,
        ..FunctionSettings::default()
    }
}

/// A function that is at hand on every machine: an emulator, which answers on the port that it is told.
fn answering() -> FunctionSettings {
    let words = ["--folder", "./state", "--fc-port", "9000", "--functions-port", "0", "--console-port", "0"];
    let more = ["--oss-port", "0", "--esa-port", "0", "--alidns-port", "0", "--sts-port", "0"];
    let visited = ["--edge-port", "0", "--staging-port", "0"];
    let words = words.iter().chain(&more).chain(&visited).map(|word| (*word).to_owned());
    let config = CustomRuntimeConfig {
        command: Some(vec![env!("CARGO_BIN_EXE_miaobu-emulator").into()]),
        args: Some(words.collect()),
        port: Some(9000),
        ..CustomRuntimeConfig::default()
    };
    FunctionSettings { timeout: Some(30), ..settings(&zip(&[("a/b.txt", 0o644, "text")]), Some(config)) }
}

fn open() -> HttpTriggerConfig {
    HttpTriggerConfig { methods: vec!["GET".into()], auth_type: AuthType::Anonymous, disable_url_internet: false }
}

async fn address(fc: &Fc) -> String {
    fc.create_http_trigger("app", "http", "LATEST", &open()).await.unwrap().http_trigger.url_internet
}

/// What is said under an address: the status, and the code of a refusal.
async fn said(url: &str) -> (u16, String) {
    let answer = reqwest::get(url).await.unwrap();
    let status = answer.status().as_u16();
    let body: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
    (status, body["Code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn the_address_of_a_trigger_answers_from_a_process_until_the_function_is_gone() {
    let world = World::new().await;
    let fc = fc(&world);
    fc.create_function(&answering()).await.unwrap();
    let url = address(&fc).await;
    let answer = reqwest::get(format!("{url}/nothing")).await.unwrap();
    assert_eq!(answer.headers()["content-disposition"], "attachment");
    let instance = answer.headers()["x-fc-instance-id"].clone();
    assert!(answer.headers().contains_key("x-fc-code-checksum"));
    // What it says is what an emulator says to such a path.
    assert!(answer.text().await.unwrap().contains("IncompleteSignature"));
    let again = reqwest::get(&url).await.unwrap();
    assert_eq!(again.headers()["x-fc-instance-id"], instance, "a process answers more than once");
    let refused = reqwest::Client::new().post(&url).send().await.unwrap();
    assert_eq!(refused.status(), 403, "the trigger has GET only");
    let long = format!("{url}/?{}", "x".repeat(5000));
    assert_eq!(said(&long).await, (400, "InvalidArgument".into()));
    let closed = HttpTriggerConfig { disable_url_internet: true, ..open() };
    fc.update_http_trigger("app", "http", "LATEST", &closed).await.unwrap();
    assert_eq!(said(&url).await, (403, "AccessDenied".into()));
    fc.delete_trigger("app", "http").await.unwrap();
    fc.delete_function("app").await.unwrap();
    let address = url.trim_start_matches("http://").to_owned();
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(&address).is_ok() {
        assert!(Instant::now() < deadline, "somebody still listens");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_change_takes_another_process_and_a_version_stays_as_it_was() {
    let world = World::new().await;
    let client = fc(&world);
    client.create_function(&answering()).await.unwrap();
    let url = address(&client).await;
    let instance = async || reqwest::get(&url).await.unwrap().headers().get("x-fc-instance-id").cloned();
    let first = instance().await.unwrap();
    client.publish_version("app", "first").await.unwrap();
    let broken = settings(&zip(&[("bootstrap", 0o755, "#!/bin/sh\nexit 3\n")]), None);
    let update = FunctionSettings {
        code: broken.code,
        custom_runtime_config: Some(CustomRuntimeConfig::default()),
        ..FunctionSettings::default()
    };
    client.update_function("app", &update).await.unwrap();
    assert_eq!(said(&url).await, (412, "CAExited".into()));
    let live =
        AliasSettings { alias_name: Some("live".into()), version_id: Some("1".into()), ..AliasSettings::default() };
    client.create_alias("app", &live).await.unwrap();
    client.update_http_trigger("app", "http", "live", &open()).await.unwrap();
    let frozen = instance().await.expect("the version still runs");
    assert_ne!(frozen, first);
    let world = world.restart().await;
    let trigger = fc(&world).trigger("app", "http").await.unwrap();
    let again = reqwest::get(&trigger.http_trigger.url_internet).await.unwrap();
    assert!(again.headers().contains_key("x-fc-instance-id"), "it is there again after a restart");
}

#[tokio::test]
async fn code_that_cannot_be_started_is_refused_as_the_service_refuses_it() {
    let world = World::new().await;
    let fc = fc(&world);
    fc.create_function(&settings(&zip(&[("bootstrap", 0o755, "#!/bin/sh\nexit 3\n")]), None)).await.unwrap();
    let url = address(&fc).await;
    assert_eq!(said(&url).await, (412, "CAExited".into()));
    let missing = CustomRuntimeConfig { command: Some(vec!["./nothing".into()]), ..CustomRuntimeConfig::default() };
    for (files, config, code) in [
        (vec![("other", 0o755, "")], None, "CAFileNotFound"),
        (vec![("other", 0o755, "")], Some(missing), "CAFileNotFound"),
        (vec![("bootstrap", 0o644, "#!/bin/sh\n")], None, "CAFilePermission"),
        (vec![("../bootstrap", 0o755, "#!/bin/sh\n")], None, "CAFileNotFound"),
        (vec![("link", 0o120_777, "../../etc")], None, "CAFileNotFound"),
    ] {
        let FunctionSettings { code: package, .. } = settings(&zip(&files), None);
        let config = Some(config.unwrap_or_default());
        let update = FunctionSettings { code: package, custom_runtime_config: config, ..FunctionSettings::default() };
        fc.update_function("app", &update).await.unwrap();
        assert_eq!(said(&url).await, (412, code.into()), "{files:?}");
    }
}

#[tokio::test]
async fn a_package_may_lie_in_a_bucket_and_is_given_back() {
    let world = World::new().await;
    let (fc, bucket) = (fc(&world), world.bucket().await);
    let package = zip(&[("bootstrap", 0o755, "#!/bin/sh\nexit 3\n")]);
    let code =
        Code { oss_bucket_name: Some("sites".into()), oss_object_name: Some("app.zip".into()), ..Code::default() };
    let settings = FunctionSettings { code: Some(code), ..settings(b"", None) };
    let error = fc.create_function(&settings).await.unwrap_err();
    assert!(error.message.contains("unable to access object"), "{error:?}");
    bucket.put("app.zip", &Payload::from(bytes::Bytes::from(package.clone())), &Attributes::default()).await.unwrap();
    let made = fc.create_function(&settings).await.unwrap();
    assert_eq!(made.code_size, package.len() as i64);
    let code = fc.function_code("app", None).await.unwrap();
    assert_eq!(code.checksum, made.code_checksum);
    assert_eq!(reqwest::get(&code.url).await.unwrap().bytes().await.unwrap(), package);
    assert_eq!(said(&address(&fc).await).await, (412, "CAExited".into()), "and it is what runs");
}

#[tokio::test]
async fn a_custom_domain_leads_to_the_function_of_the_longest_path() {
    let world = World::new().await;
    let fc = fc(&world);
    fc.create_function(&answering()).await.unwrap();
    world.emulator.outside().lead("*.app.example", "5492000000000000.cn-hangzhou.fc.aliyuncs.com");
    let route =
        |path: &str, function: &str| Route { path: path.into(), function_name: function.into(), ..Route::default() };
    let domain = CustomDomainSettings {
        domain_name: Some("*.app.example".into()),
        protocol: Some("HTTP".into()),
        route_config: Some(RouteConfig { routes: vec![route("/*", "app"), route("/gone/*", "none")] }),
        cert_config: None,
    };
    fc.create_custom_domain(&domain).await.unwrap();
    let ask = async |host: &str, path: &str| {
        let request = reqwest::Client::new().get(format!("{}{path}", world.emulator.functions()));
        let answer = request.header("host", host).send().await.unwrap();
        let is_saved = answer.headers().contains_key("content-disposition");
        let body: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        (body["Code"].as_str().unwrap().to_owned(), is_saved)
    };
    assert_eq!(ask("one.app.example", "/").await, ("IncompleteSignature".into(), false), "from the process");
    assert_eq!(ask("one.app.example", "/gone/a").await, ("FunctionNotFound".into(), false));
    assert_eq!(ask("other.example", "/").await, ("DomainNameNotFound".into(), false));
}

#[tokio::test]
async fn there_are_as_many_processes_as_the_account_may_have() {
    let world = World::with(|settings| settings.instances = 0).await;
    let fc = fc(&world);
    fc.create_function(&answering()).await.unwrap();
    assert_eq!(said(&address(&fc).await).await, (429, "ResourceExhausted".into()));
    let error = fc.invoke("app", None, bytes::Bytes::new()).await.unwrap_err();
    assert_eq!(error.code.as_deref(), Some("ResourceExhausted"));
}
