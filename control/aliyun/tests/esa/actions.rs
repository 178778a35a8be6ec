//! Every operation against what the service's own description says of it.

use std::collections::BTreeSet;

use miaobu_aliyun::esa::code::*;
use miaobu_aliyun::esa::hostnames::*;
use miaobu_aliyun::esa::kv::*;
use miaobu_aliyun::esa::purge::*;
use miaobu_aliyun::esa::routes::*;
use miaobu_aliyun::esa::routine::*;
use miaobu_aliyun::esa::sites::*;
use miaobu_aliyun::rpc::{Form, Operation};

/// A line an operation: its name, the methods that it takes, and its parameters, `?` before those of the query, `=` before
/// those of the form, `!` after those that it needs.
const DESCRIPTION: &str = include_str!("actions.txt");

/// What an operation of the crate sends.
struct Sent {
    action: &'static str,
    method: String,
    parameters: BTreeSet<String>,
}

fn sent<O: Operation + Default>() -> Sent {
    let serde_json::Value::Object(members) = serde_json::to_value(O::default()).unwrap() else {
        panic!("{} is no object", O::ACTION)
    };
    let place = |name: &String| match O::FORM {
        Form::Nothing => '?',
        Form::Everything => '=',
        Form::Only(names) if names.contains(&name.as_str()) => '=',
        Form::Only(_) => '?',
    };
    let parameters = members.keys().map(|name| format!("{}{name}", place(name))).collect();
    Sent { action: O::ACTION, method: O::METHOD.to_string(), parameters }
}

macro_rules! all {
    ($($operation:ident)*) => { vec![$(sent::<$operation>()),*] };
}

fn operations() -> Vec<Sent> {
    all![
        ApplyCustomHostnameCertificate
        BatchDeleteKv
        BatchPutKv
        BatchPutKvWithHighCapacity
        CommitRoutineStagingCode
        CreateCustomHostname
        CreateKvNamespace
        CreateRecord
        CreateRoutine
        CreateRoutineCodeDeployment
        CreateRoutineRelatedRecord
        CreateRoutineRoute
        DeleteCustomHostname
        DeleteKv
        DeleteKvNamespace
        DeleteRecord
        DeleteRoutine
        DeleteRoutineCodeVersion
        DeleteRoutineEnvironmentVariables
        DeleteRoutineRelatedRecord
        DeleteRoutineRoute
        DescribePurgeTasks
        GetCustomHostname
        GetErService
        GetKv
        GetKvAccount
        GetKvDetail
        GetKvNamespace
        GetMatchSite
        GetPurgeQuota
        GetRecord
        GetRoutine
        GetRoutineAccessToken
        GetRoutineCodeVersion
        GetRoutineCodeVersionInfo
        GetRoutineRoute
        GetRoutineStagingCodeUploadInfo
        GetRoutineStagingEnvIp
        GetSite
        ListCustomHostnames
        ListKvs
        ListRecords
        ListRoutineCodeVersions
        ListRoutineEnvironmentVariables
        ListRoutineRelatedRecords
        ListRoutineRoutes
        ListSiteRoutes
        ListSites
        ListUserRoutines
        OpenErService
        PublishRoutineCodeVersion
        PurgeCaches
        PutKv
        PutKvWithHighCapacity
        SetRoutineEnvironmentVariables
        UpdateCustomHostname
        UpdateRecord
        UpdateRoutineConfigDescription
        UpdateRoutineRoute
        VerifyCustomHostname
    ]
}

#[test]
fn every_operation_sends_parameters_that_the_service_knows_where_it_wants_them() {
    let operations = operations();
    assert_eq!(operations.len(), DESCRIPTION.lines().count());
    for (sent, line) in operations.iter().zip(DESCRIPTION.lines()) {
        let mut words = line.split(' ');
        assert_eq!(words.next(), Some(sent.action));
        assert!(words.next().unwrap().split('|').any(|method| method == sent.method), "{line}: {}", sent.method);
        let known: Vec<_> = words.collect();
        for parameter in &sent.parameters {
            let needed = format!("{parameter}!");
            assert!(known.iter().any(|known| known == parameter || **known == needed), "{line}: {parameter}");
        }
        for needed in known.iter().filter_map(|known| known.strip_suffix('!')) {
            assert!(sent.parameters.contains(needed), "{line}: {needed}");
        }
    }
}
