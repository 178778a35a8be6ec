//! Function Compute: what is kept of functions.

use miaobu_aliyun::fc::{
    AliasSettings, Code, CustomDomainSettings, Fc, FunctionSettings, HttpTriggerConfig, PageRequest, Route,
    RouteConfig, ScalingConfig,
};
use miaobu_aliyun::{Credentials, Error, ErrorKind};

use crate::support::{KEY, World};

fn fc_as(world: &World, credentials: Credentials) -> Fc {
    Fc::new(&world.emulator.fc(), world.settings(credentials)).unwrap()
}

fn fc(world: &World) -> Fc {
    fc_as(world, Credentials::new(KEY.0, KEY.1))
}

fn app(zip: &[u8]) -> FunctionSettings {
    FunctionSettings {
        function_name: Some("app".into()),
        runtime: Some("custom.debian12".into()),
        handler: Some("index.handler".into()),
        code: Some(Code { zip_file: Some(data_encoding::BASE64.encode(zip)), ..Code::default() }),
        layers: Some(vec!["acs:fc:cn-hangzhou:official:layers/Nodejs20/versions/3".into()]),
        environment_variables: Some([("PORT".to_owned(), "9000".to_owned())].into()),
        ..FunctionSettings::default()
    }
}

fn code(result: Result<impl Sized, Error>) -> String {
    result.err().unwrap().code.unwrap()
}

#[tokio::test]
async fn a_function_keeps_what_an_update_does_not_name() {
    let world = World::new().await;
    let fc = fc(&world);
    let made = fc.create_function(&app(b"123456789")).await.unwrap();
    assert_eq!((made.code_checksum.as_str(), made.code_size), ("11051210869376104954", 9));
    assert_eq!((made.state.as_str(), made.layers.len()), ("Active", 1));
    assert_eq!(code(fc.create_function(&app(b"x")).await), "FunctionAlreadyExists");
    let update = FunctionSettings { timeout: Some(60), ..FunctionSettings::default() };
    let changed = fc.update_function("app", &update).await.unwrap();
    assert_eq!((changed.timeout, changed.code_checksum), (60, made.code_checksum));
    assert_eq!(changed.environment_variables["PORT"], "9000");
    let variables = Some([("HOST".to_owned(), "x".to_owned())].into());
    let update = FunctionSettings { environment_variables: variables, ..FunctionSettings::default() };
    let changed = fc.update_function("app", &update).await.unwrap();
    assert_eq!(changed.environment_variables.keys().collect::<Vec<_>>(), ["HOST"], "a map is replaced as a whole");
    let page = fc.functions(&PageRequest { prefix: Some("ap".into()), ..PageRequest::default() }).await.unwrap();
    assert_eq!((page.functions.len(), page.next_token), (1, None));
    fc.delete_function("app").await.unwrap();
    fc.delete_function("app").await.unwrap();
    let error = fc.function("app", None).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::NotFound, Some("FunctionNotFound")));
}

#[tokio::test]
async fn functions_have_their_rules() {
    let world = World::new().await;
    let fc = fc(&world);
    let refused = async |settings: FunctionSettings| code(fc.create_function(&settings).await);
    assert_eq!(refused(FunctionSettings { handler: None, ..app(b"x") }).await, "InvalidArgument");
    assert_eq!(refused(FunctionSettings { code: None, ..app(b"x") }).await, "InvalidArgument");
    assert_eq!(refused(FunctionSettings { function_name: Some("1app".into()), ..app(b"x") }).await, "InvalidArgument");
    assert_eq!(refused(FunctionSettings { memory_size: Some(32_768), ..app(b"x") }).await, "InvalidArgument");
    let wrong = Code { checksum: Some("1".into()), ..app(b"x").code.unwrap() };
    assert_eq!(refused(FunctionSettings { code: Some(wrong), ..app(b"x") }).await, "InvalidArgument");
    let stranger = fc_as(&world, Credentials::new(KEY.0, "wrong"));
    let error = stranger.function("app", None).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Denied, Some("SignatureNotMatch")));
}

#[tokio::test]
async fn a_function_with_a_trigger_has_an_address_and_stays() {
    let world = World::new().await;
    let fc = fc(&world);
    fc.create_function(&app(b"x")).await.unwrap();
    let config = HttpTriggerConfig::default();
    let trigger = fc.create_http_trigger("app", "http", "LATEST", &config).await.unwrap();
    assert!(trigger.http_trigger.url_internet.starts_with("http://127.0.0.1:"), "{trigger:?}");
    assert_eq!(code(fc.create_http_trigger("app", "http", "LATEST", &config).await), "TriggerAlreadyExists");
    let closed = HttpTriggerConfig { methods: vec!["GET".into()], ..config };
    fc.update_http_trigger("app", "http", "LATEST", &closed).await.unwrap();
    assert_eq!(fc.trigger("app", "http").await.unwrap().http_config(), Some(closed));
    assert_eq!(fc.triggers("app", &PageRequest::default()).await.unwrap().triggers.len(), 1);
    assert_eq!(code(fc.delete_function("app").await), "FunctionNotEmpty");
    fc.delete_trigger("app", "http").await.unwrap();
    fc.delete_trigger("app", "http").await.unwrap();
    fc.delete_function("app").await.unwrap();
}

#[tokio::test]
async fn a_domain_has_to_lead_here_before_it_is_added() {
    let world = World::new().await;
    let fc = fc(&world);
    let route = Route { path: "/*".into(), function_name: "app".into(), ..Route::default() };
    let domain = CustomDomainSettings {
        domain_name: Some("*.app.example".into()),
        protocol: Some("HTTP".into()),
        route_config: Some(RouteConfig { routes: vec![route.clone()] }),
        cert_config: None,
    };
    let error = fc.create_custom_domain(&domain).await.unwrap_err();
    assert!(error.has_code("DomainNameNotResolved"));
    let expected = error.message.split('\'').nth(3).unwrap().trim_end_matches('.').to_owned();
    world.emulator.outside().lead("*.app.example", &expected);
    fc.create_custom_domain(&domain).await.unwrap();
    assert_eq!(code(fc.create_custom_domain(&domain).await), "DomainNameAlreadyExists");
    assert_eq!(fc.custom_domain("*.app.example").await.unwrap().route_config.routes, [route]);
    let secure = CustomDomainSettings { protocol: Some("HTTPS".into()), ..CustomDomainSettings::default() };
    assert_eq!(code(fc.update_custom_domain("*.app.example", &secure).await), "InvalidArgument");
    fc.delete_custom_domain("*.app.example").await.unwrap();
    assert_eq!(code(fc.custom_domain("*.app.example").await), "DomainNameNotFound");
}

#[tokio::test]
async fn versions_and_aliases_outlive_the_servers() {
    let world = World::new().await;
    let client = fc(&world);
    client.create_function(&app(b"x")).await.unwrap();
    let live = |version: &str| AliasSettings {
        alias_name: Some("live".into()),
        version_id: Some(version.into()),
        ..AliasSettings::default()
    };
    assert_eq!(code(client.create_alias("app", &live("1")).await), "VersionNotFound");
    assert_eq!(client.publish_version("app", "first").await.unwrap().version_id, "1");
    assert_eq!(client.publish_version("app", "second").await.unwrap().version_id, "2");
    client.create_alias("app", &live("1")).await.unwrap();
    client.update_alias("app", "live", &live("2")).await.unwrap();
    client.put_scaling_config("app", &ScalingConfig { min_instances: 1, ..ScalingConfig::default() }).await.unwrap();
    let world = world.restart().await;
    let client = fc(&world);
    assert_eq!(client.alias("app", "live").await.unwrap().version_id, "2");
    assert_eq!(client.versions("app", &PageRequest::default()).await.unwrap().versions[0].description, "second");
    client.delete_scaling_config("app").await.unwrap();
    client.delete_scaling_config("app").await.unwrap();
    client.delete_alias("app", "live").await.unwrap();
    client.delete_version("app", "1").await.unwrap();
    assert_eq!(code(client.delete_function("app").await), "FunctionNotEmpty");
}
