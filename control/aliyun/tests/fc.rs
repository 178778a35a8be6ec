//! Function Compute.

use std::sync::Arc;

use miaobu_aliyun::ErrorKind;
use miaobu_aliyun::fc::{
    AliasSettings, Code, CustomDomainSettings, CustomRuntimeConfig, Fc, FunctionSettings, HttpTriggerConfig,
    LayerSettings, PageRequest, Route, RouteConfig, ScalingConfig,
};
use serde_json::{Value, json};

use crate::support::{Reply, Server, TestAmbient, acs3_is_signed, settings};

async fn fc(replies: impl IntoIterator<Item = Reply>) -> (Server, Fc) {
    let server = Server::script(replies).await;
    let fc = Fc::new(&server.endpoint(), settings(&Arc::new(TestAmbient::new()))).unwrap();
    (server, fc)
}

fn refusal(status: u16, code: &str) -> Reply {
    let body = json!({ "Code": code, "Message": "m", "RequestId": "1-64e70cf1" });
    Reply::status(status, body.to_string()).with("x-fc-request-id", "1-64e70cf1")
}

#[tokio::test]
async fn a_function_is_made_of_what_is_given_and_nothing_else() {
    let made = json!({
        "functionName": "app", "functionArn": "acs:fc:r:1:functions/app", "codeChecksum": "11051210869376104954",
        "codeSize": 7, "state": "Active", "lastUpdateStatus": "Successful", "memorySize": 512, "role": null,
        "layers": [{ "arn": "acs:fc:r:official:layers/Nodejs20/versions/3", "size": 1 }],
        "environmentVariables": { "PORT": "9000" },
    });
    let (server, fc) = fc([Reply::ok(made.to_string()), Reply::ok(made.to_string())]).await;
    let function = FunctionSettings {
        function_name: Some("app".into()),
        runtime: Some("custom.debian12".into()),
        handler: Some("index.handler".into()),
        code: Some(Code {
            oss_bucket_name: Some("code".into()),
            oss_object_name: Some("app/1.zip".into()),
            ..Code::default()
        }),
        memory_size: Some(512),
        cpu: Some(0.35),
        layers: Some(vec!["acs:fc:r:official:layers/Nodejs20/versions/3".into()]),
        environment_variables: Some([("PORT".to_owned(), "9000".to_owned())].into()),
        custom_runtime_config: Some(CustomRuntimeConfig {
            command: Some(vec!["node".into(), "server.js".into()]),
            port: Some(9000),
            ..CustomRuntimeConfig::default()
        }),
        ..FunctionSettings::default()
    };
    let answer = fc.create_function(&function).await.unwrap();
    assert_eq!((answer.code_checksum.as_str(), answer.layers[0].size), ("11051210869376104954", 1));
    fc.update_function("app", &function).await.unwrap();
    let received = server.received();
    assert!(received.iter().all(acs3_is_signed));
    assert_eq!((received[0].method.as_str(), received[0].path.as_str()), ("POST", "/2023-03-30/functions"));
    assert_eq!(received[0].header("x-acs-version"), Some("2023-03-30"));
    let sent: Value = serde_json::from_slice(&received[0].body).unwrap();
    let expected = json!({
        "functionName": "app", "runtime": "custom.debian12", "handler": "index.handler",
        "code": { "ossBucketName": "code", "ossObjectName": "app/1.zip" }, "memorySize": 512, "cpu": 0.35,
        "layers": ["acs:fc:r:official:layers/Nodejs20/versions/3"], "environmentVariables": { "PORT": "9000" },
        "customRuntimeConfig": { "command": ["node", "server.js"], "port": 9000 },
    });
    assert_eq!(sent, expected);
    assert_eq!((received[1].method.as_str(), received[1].path.as_str()), ("PUT", "/2023-03-30/functions/app"));
    let sent: Value = serde_json::from_slice(&received[1].body).unwrap();
    assert_eq!(sent.get("functionName"), None, "a function keeps its name");
}

#[tokio::test]
async fn a_triggers_settings_are_json_inside_of_json() {
    let config = r#"{"methods":["GET"],"authType":"anonymous","disableURLInternet":true}"#;
    let made = json!({
        "triggerName": "http", "triggerType": "http", "triggerConfig": config, "qualifier": "LATEST",
        "httpTrigger": { "urlInternet": "https://app-abcdefghij.r.fcapp.run", "urlIntranet": "" },
    });
    let (server, fc) = fc([Reply::ok(made.to_string())]).await;
    let config = HttpTriggerConfig { methods: vec!["GET".into()], ..HttpTriggerConfig::default() };
    let trigger = fc.create_http_trigger("app", "http", "LATEST", &config).await.unwrap();
    assert_eq!(trigger.http_trigger.url_internet, "https://app-abcdefghij.r.fcapp.run");
    assert_eq!(trigger.http_config(), Some(config));
    let sent: Value = serde_json::from_slice(&server.received()[0].body).unwrap();
    let inner = r#"{"methods":["GET"],"authType":"anonymous","disableURLInternet":true}"#;
    assert_eq!(sent["triggerConfig"], inner);
    assert_eq!(sent["triggerType"], "http");
}

#[tokio::test]
async fn a_domain_is_named_in_the_path_and_signed_as_it_is_sent() {
    let domain = json!({ "domainName": "*.example.com", "protocol": "HTTP", "accountId": 5492,
                         "routeConfig": { "routes": [{ "path": "/*", "functionName": "app" }] } });
    let (server, fc) = fc([Reply::ok(domain.to_string()), refusal(404, "DomainNameNotFound")]).await;
    let route = Route { path: "/*".into(), function_name: "app".into(), ..Route::default() };
    let settings = CustomDomainSettings {
        route_config: Some(RouteConfig { routes: vec![route.clone()] }),
        ..CustomDomainSettings::default()
    };
    let domain = fc.update_custom_domain("*.example.com", &settings).await.unwrap();
    assert_eq!((domain.account_id.as_str(), domain.route_config.routes), ("5492", vec![route]));
    fc.delete_custom_domain("*.example.com").await.unwrap();
    for request in server.received() {
        assert_eq!(request.path, "/2023-03-30/custom-domains/%2A.example.com");
        assert!(acs3_is_signed(&request));
    }
}

#[tokio::test]
async fn refusals_have_their_kinds_and_removing_what_is_not_there_is_none() {
    let (_server, fc) = fc([
        refusal(404, "FunctionNotFound"),
        refusal(409, "FunctionAlreadyExists"),
        refusal(400, "DomainNameNotResolved"),
        refusal(404, "FunctionNotFound"),
        refusal(409, "FunctionNotEmpty"),
    ])
    .await;
    let error = fc.function("app", None).await.unwrap_err();
    assert_eq!((error.kind, error.request_id.as_deref()), (ErrorKind::NotFound, Some("1-64e70cf1")));
    let error = fc.create_function(&FunctionSettings::default()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    let error = fc.create_custom_domain(&CustomDomainSettings::default()).await.unwrap_err();
    assert_eq!((error.kind, error.has_code("DomainNameNotResolved")), (ErrorKind::Rejected, true));
    fc.delete_function("app").await.unwrap();
    assert_eq!(fc.delete_function("app").await.unwrap_err().kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn making_is_not_repeated_once_it_may_have_happened_and_changing_is() {
    let (server, client) = fc([Reply::Close, Reply::ok("{}")]).await;
    assert!(client.create_function(&FunctionSettings::default()).await.unwrap_err().may_have_happened());
    assert_eq!(server.received().len(), 1);
    let (server, client) = fc([Reply::Close, Reply::ok("{}")]).await;
    client.update_function("app", &FunctionSettings::default()).await.unwrap();
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn every_operation_has_its_path() {
    let page = PageRequest { prefix: Some("a b".into()), limit: Some(50), next_token: None };
    let (server, fc) = fc(vec![Reply::ok("{}"); 21]).await;
    fc.functions(&page).await.unwrap();
    fc.function("f", Some("1")).await.unwrap();
    fc.function_code("f", None).await.unwrap();
    fc.put_scaling_config("f", &ScalingConfig { min_instances: 1, enable_on_demand_scaling: None }).await.unwrap();
    fc.delete_scaling_config("f").await.unwrap();
    fc.trigger("f", "t").await.unwrap();
    fc.triggers("f", &PageRequest::default()).await.unwrap();
    fc.update_http_trigger("f", "t", "LATEST", &HttpTriggerConfig::default()).await.unwrap();
    fc.delete_trigger("f", "t").await.unwrap();
    fc.custom_domains(&PageRequest::default()).await.unwrap();
    fc.custom_domain("d").await.unwrap();
    fc.publish_version("f", "first").await.unwrap();
    fc.versions("f", &PageRequest::default()).await.unwrap();
    fc.delete_version("f", "1").await.unwrap();
    fc.create_alias("f", &AliasSettings::default()).await.unwrap();
    fc.update_alias("f", "live", &AliasSettings::default()).await.unwrap();
    fc.alias("f", "live").await.unwrap();
    fc.delete_alias("f", "live").await.unwrap();
    fc.create_layer_version("l", &LayerSettings::default()).await.unwrap();
    fc.layer_version("l", 2).await.unwrap();
    fc.delete_layer_version("l", 2).await.unwrap();
    let received = server.received();
    let sent: Vec<_> = received
        .iter()
        .map(|request| {
            let path = request.path.strip_prefix("/2023-03-30/").unwrap();
            format!("{} {} {path}", request.action(), request.method)
        })
        .collect();
    let expected = [
        "ListFunctions GET functions",
        "GetFunction GET functions/f",
        "GetFunctionCode GET functions/f/code",
        "PutScalingConfig PUT functions/f/scaling-config",
        "DeleteScalingConfig DELETE functions/f/scaling-config",
        "GetTrigger GET functions/f/triggers/t",
        "ListTriggers GET functions/f/triggers",
        "UpdateTrigger PUT functions/f/triggers/t",
        "DeleteTrigger DELETE functions/f/triggers/t",
        "ListCustomDomains GET custom-domains",
        "GetCustomDomain GET custom-domains/d",
        "PublishFunctionVersion POST functions/f/versions",
        "ListFunctionVersions GET functions/f/versions",
        "DeleteFunctionVersion DELETE functions/f/versions/1",
        "CreateAlias POST functions/f/aliases",
        "UpdateAlias PUT functions/f/aliases/live",
        "GetAlias GET functions/f/aliases/live",
        "DeleteAlias DELETE functions/f/aliases/live",
        "CreateLayerVersion POST layers/l/versions",
        "GetLayerVersion GET layers/l/versions/2",
        "DeleteLayerVersion DELETE layers/l/versions/2",
    ];
    assert_eq!(sent, expected);
    assert!(received.iter().all(acs3_is_signed));
    let query: Vec<_> = received[0].query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(query, [("prefix", "a b"), ("limit", "50"), ("fcVersion", "v3")]);
    assert_eq!(received[1].parameter("qualifier"), Some("1"));
}
