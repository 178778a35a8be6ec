//! ESA's operations and answers.

mod actions;

use std::sync::Arc;

use bytes::Bytes;
use miaobu_aliyun::ErrorKind;
use miaobu_aliyun::esa::code::{
    CreateRoutineCodeDeployment, GetRoutineStagingCodeUploadInfo, OssPostConfig, Share, Strategy,
};
use miaobu_aliyun::esa::hostnames::{
    CertStatus, GetCustomHostname, HostnameStatus, ListCustomHostnames, VerifyCustomHostname,
};
use miaobu_aliyun::esa::kv::{BatchPutKv, ListKvs, Pair};
use miaobu_aliyun::esa::purge::{DescribePurgeTasks, PurgeCaches, PurgeStatus};
use miaobu_aliyun::esa::routine::GetRoutine;
use miaobu_aliyun::esa::{Env, Esa};

use crate::support::{Reply, Server, TestAmbient, acs3_is_signed, settings};

async fn esa(replies: impl IntoIterator<Item = Reply>) -> (Server, Esa) {
    let server = Server::script(replies).await;
    let esa = Esa::new(&server.endpoint(), settings(&Arc::new(TestAmbient::new()))).unwrap();
    (server, esa)
}

#[tokio::test]
async fn lists_and_objects_are_sent_as_json_text() {
    let (server, esa) = esa([
        Reply::ok(r#"{"SuccessKeys":["a"],"FailKeys":["b"]}"#),
        Reply::ok(r#"{"TaskId":15940956620}"#),
        Reply::ok(r#"{"DeploymentId":"7","Strategy":"percentage"}"#),
    ])
    .await;
    let pair = |key: &str| Pair { key: key.into(), value: "1".into(), ..Pair::default() };
    let batch = BatchPutKv { namespace: "n".into(), kv_list: vec![pair("a"), pair("b")] };
    let batch = esa.call(&batch).await.unwrap();
    assert_eq!((batch.success_keys, batch.fail_keys), (vec!["a".to_owned()], vec!["b".to_owned()]));
    let purge = PurgeCaches::hostnames(12, vec!["a.example.com".into()]);
    assert_eq!(esa.call(&purge).await.unwrap().task_id, "15940956620");
    let share = |code_version: &str, percentage| Share { code_version: code_version.into(), percentage };
    let deployment = CreateRoutineCodeDeployment {
        name: "router".into(),
        env: Env::Production,
        strategy: Strategy::Percentage,
        code_versions: vec![share("1710120201067203242", 5), share("1710120201067203241", 95)],
    };
    assert_eq!(esa.call(&deployment).await.unwrap().deployment_id, "7");

    let received = server.received();
    assert!(received.iter().all(acs3_is_signed));
    let form = |index: usize, wanted: &str| {
        let form: &crate::support::Received = &received[index];
        form.form().into_iter().find(|(name, _)| name == wanted).map(|(_, value)| value)
    };
    let list = r#"[{"Key":"a","Value":"1"},{"Key":"b","Value":"1"}]"#;
    assert_eq!(form(0, "KvList").as_deref(), Some(list));
    assert_eq!(received[1].parameter("Content"), Some(r#"{"Hostnames":["a.example.com"]}"#));
    assert_eq!(received[1].parameter("Type"), Some("hostname"));
    assert_eq!(received[1].parameter("EdgeComputePurge"), Some("true"));
    let shares = r#"[{"CodeVersion":"1710120201067203242","Percentage":5},{"CodeVersion":"1710120201067203241","Percentage":95}]"#;
    assert_eq!(form(2, "CodeVersions").as_deref(), Some(shares));
    assert_eq!((form(2, "Env").as_deref(), form(2, "Strategy").as_deref()), (Some("production"), Some("percentage")));
}

#[tokio::test]
async fn a_hostname_has_its_states() {
    let hostname = |more: &str| {
        Reply::ok(format!(
            r#"{{"RequestId":"r","CustomHostnameModel":{{"HostnameId":9007199254740991,"Hostname":"a.example.org",
            "SiteId":"12","CasId":null,"SslFlag":"on","CertType":"free",{more}}}}}"#
        ))
    };
    let (_server, esa) = esa([
        hostname(r#""Status":"pending","VerifyHost":"_esa_custom_hostname.a.example.org","VerifyCode":"verify_1""#),
        hostname(r#""Status":"conflicted","ConflictWith":"existing_site","CertStatus":"ApplyFailed""#),
        hostname(r#""Status":"offline","OfflineReason":"missing_icp","CertStatus":"OK""#),
        hostname(r#""Status":"hibernating","CertStatus":"Melting""#),
    ])
    .await;
    let get = async || esa.call(&GetCustomHostname { hostname_id: 1 }).await.unwrap().custom_hostname_model;
    let pending = get().await;
    assert_eq!((pending.hostname_id, pending.site_id), (9_007_199_254_740_991, 12));
    assert_eq!((pending.status, pending.cert_status), (HostnameStatus::Pending, CertStatus::Unknown));
    assert_eq!(pending.verify_host, "_esa_custom_hostname.a.example.org");
    let conflicted = get().await;
    assert_eq!((conflicted.status, conflicted.cert_status), (HostnameStatus::Conflicted, CertStatus::ApplyFailed));
    let offline = get().await;
    assert_eq!((offline.status, offline.offline_reason.as_str()), (HostnameStatus::Offline, "missing_icp"));
    assert_eq!(offline.cert_status, CertStatus::Ok);
    assert_eq!(get().await.status, HostnameStatus::Unknown, "a state of the future is no failure");
}

#[tokio::test]
async fn a_hostname_that_is_not_proved_is_no_failure_and_not_verified() {
    let unproved = r#"{"Code":"CustomHostname.VerifyUnpassed","Message":"m","Passed":true}"#;
    let (_server, esa) =
        esa([Reply::ok(r#"{"Passed":true}"#), Reply::ok(r#"{"Passed":false}"#), Reply::ok(unproved)]).await;
    let verify = VerifyCustomHostname { hostname_id: 1 };
    assert!(esa.call(&verify).await.unwrap().passed());
    assert!(!esa.call(&verify).await.unwrap().passed());
    assert!(!esa.call(&verify).await.unwrap().passed());
}

#[tokio::test]
async fn pages_are_read_as_they_are_written() {
    let (_server, esa) = esa([
        Reply::ok(r#"{"Keys":[{"Name":"a","UpdateTime":"2026-01-15T08:00:00Z"}],"PageNumber":1,"TotalCount":120}"#),
        Reply::ok(r#"{"Hostnames":[{"HostnameId":3,"Hostname":"b","Status":"active"}],"TotalCount":1}"#),
        Reply::ok(r#"{"Tasks":[{"TaskId":"1","Type":"hostname","Status":"Refreshing","Process":"40%"}]}"#),
    ])
    .await;
    let keys = esa.call(&ListKvs { namespace: "n".into(), ..ListKvs::default() }).await.unwrap();
    assert_eq!((keys.keys[0].name.as_str(), keys.total_count), ("a", 120));
    let hostnames = esa.call(&ListCustomHostnames { site_id: 1, ..ListCustomHostnames::default() }).await.unwrap();
    assert_eq!((hostnames.hostnames[0].hostname_id, hostnames.hostnames[0].status), (3, HostnameStatus::Active));
    let tasks = esa.call(&DescribePurgeTasks { site_id: 1, ..DescribePurgeTasks::default() }).await.unwrap();
    assert_eq!((tasks.tasks[0].status, tasks.tasks[0].process.as_str()), (PurgeStatus::Refreshing, "40%"));
}

#[tokio::test]
async fn a_routine_tells_which_versions_run() {
    let answer = r#"{"Description":"bWlhb2J1","Envs":[{"Env":"production","CodeDeploy":{"DeployId":"9","Strategy":
        "percentage","CodeVersions":[{"CodeVersion":1710120201067203242,"Percentage":100}]}},{"Env":"staging"}]}"#;
    let (_server, esa) = esa([Reply::ok(answer)]).await;
    let routine = esa.call(&GetRoutine { name: "router".into() }).await.unwrap();
    let running = &routine.envs[0].code_deploy.code_versions[0];
    assert_eq!((running.code_version.as_str(), running.percentage), ("1710120201067203242", 100));
    assert!(routine.envs[1].code_deploy.code_versions.is_empty());
}

#[tokio::test]
async fn code_is_uploaded_by_the_form_that_was_prepared_with_the_file_last() {
    let storage = Server::script([Reply::xml(503, "InternalError"), Reply::ok(r#"{"Status":"OK"}"#)]).await;
    let info = format!(
        r#"{{"CodeVersion":"1","OssPostConfig":{{"Url":"{}/","OSSAccessKeyId":"id","key":"site_er_js/a.unstable.js",
        "policy":"cG9s","Signature":"sig=","callback":"Y2I=","x:codeDescription":"ZA==","XOssSecurityToken":""}}}}"#,
        storage.endpoint()
    );
    let (_server, esa) = esa([Reply::ok(info)]).await;
    let ask = GetRoutineStagingCodeUploadInfo { name: "router".into(), code_description: None };
    let form = esa.call(&ask).await.unwrap().oss_post_config;
    let code = "export default { fetch() {} }\r\n";
    esa.upload_code(&form, Bytes::from(code)).await.unwrap();
    let received = storage.received();
    assert_eq!(received.len(), 2, "a service that is broken is asked again");
    let upload = received.last().unwrap();
    assert_eq!(upload.header("authorization"), None, "the form alone says who may");
    let boundary = upload.header("content-type").unwrap().split_once("boundary=").unwrap().1;
    let parts: Vec<_> = upload.text().split(&format!("--{boundary}")).collect();
    let names = parts.iter().filter_map(|part| part.split("name=\"").nth(1)?.split('"').next());
    let expected = ["OSSAccessKeyId", "Signature", "callback", "x:codeDescription", "policy", "key", "file"];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    assert!(parts[7].ends_with(&format!("\r\n\r\n{code}\r\n")), "{:?}", parts[7]);
}

#[tokio::test]
async fn an_upload_that_the_form_does_not_allow_tells_why() {
    let storage = Server::script([Reply::xml(403, "AccessDenied")]).await;
    let (_server, esa) = esa([]).await;
    let form = OssPostConfig { url: storage.endpoint(), ..OssPostConfig::default() };
    let error = esa.upload_code(&form, Bytes::from("code")).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Denied, Some("AccessDenied")));
    assert_eq!(error.request_id.as_deref(), Some("R-2"));
}
