use super::*;

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn without_any_settings_there_is_a_working_server() {
    let config = Config::parse(None, &[]).expect("the defaults are sound");
    assert_eq!(config.api.addr.to_string(), "127.0.0.1:8080");
    assert_eq!(config.edge.addr.to_string(), "127.0.0.1:8787");
    assert_eq!(config.base_domain.as_str(), "localhost");
    assert_eq!(config.edge.threads, None);
    assert!(matches!(config.database, Location::Sqlite(path) if path == Path::new("./.miaobu/miaobu.db")));
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let file =
        "data_dir = \"/a\"\nbase_domain = \"file.example\"\n[api]\npublic_hosts = [\"A.example\", \"b.example\"]\n";
    let config = Config::parse(Some(file), &variables(&[("MIAOBU_BASE_DOMAIN", "env.example")])).expect("sound");
    assert_eq!(config.base_domain.as_str(), "env.example");
    assert_eq!(config.objects_dir(), Path::new("/a/objects"));
    assert_eq!(config.api.presented.public_hosts, ["a.example", "b.example"]);
}

#[test]
fn every_problem_is_reported_at_once_by_the_name_of_its_setting() {
    let file = "nonsense = 1\n[edge]\nthread = 2\npublic_scheme = \"ftp\"\n";
    let wrong = [
        ("MIAOBU_API_ADDR", "nowhere"),
        ("MIAOBU_BASE_DOMAIN", "a..b"),
        ("MIAOBU_DATABASE_URL", "mysql://secret@host"),
        ("MIAOBU_REDIS_URL", "http://secret@host"),
        ("MIAOBU_LIMITS_MIN_FREE_PERCENT", "-1"),
        ("MIAOBU_LOG_FORMAT", "xml"),
    ];
    let invalid = Config::parse(Some(file), &variables(&wrong)).expect_err("all of this is wrong");
    let begins = [
        "edge.thread: there is no such setting",
        "nonsense: there is no such setting",
        "base_domain (MIAOBU_BASE_DOMAIN): hostname \"a..b\"",
        "database_url (MIAOBU_DATABASE_URL): begins with neither",
        "redis_url (MIAOBU_REDIS_URL): is not a sound redis://",
        "api.addr (MIAOBU_API_ADDR): \"nowhere\" is not an address",
        "edge.public_scheme (MIAOBU_EDGE_PUBLIC_SCHEME): \"ftp\"",
        "limits.min_free_percent (MIAOBU_LIMITS_MIN_FREE_PERCENT): \"-1\"",
        "log.format (MIAOBU_LOG_FORMAT): \"xml\"",
    ];
    assert_eq!(invalid.problems.len(), begins.len(), "{:?}", invalid.problems);
    for (problem, begin) in invalid.problems.iter().zip(begins) {
        assert!(problem.starts_with(begin), "{problem:?} does not begin with {begin:?}");
    }
    assert!(!invalid.to_string().contains("secret"), "a password may stand in a database's URL");
}

#[test]
fn the_edges_bounds_are_read() {
    let file = "[edge]\nfunction_timeout_seconds = 5\ncountry_header = \"CF-IPCountry\"\nreachable_networks = \"10.1.0.0/16, fd00::/8\"\n";
    let config = Config::parse(Some(file), &[]).expect("sound").edge;
    assert_eq!((config.function_timeout.as_secs(), config.request_body_limit_bytes), (5, 100 * 1024 * 1024));
    assert!(config.reachable_networks[0].contains([10, 1, 2, 3].into()) && config.reachable_networks.len() == 2);
    assert_eq!(config.country_header.expect("named"), "cf-ipcountry");
    assert_eq!(Config::parse(None, &[]).expect("sound").edge.country_header, None);
    let wrong = variables(&[
        ("MIAOBU_EDGE_REACHABLE_NETWORKS", "10.1.0.0/16,here"),
        ("MIAOBU_EDGE_MAX_CONNECTIONS", "0"),
        ("MIAOBU_EDGE_COUNTRY_HEADER", "no header"),
    ]);
    let problems = Config::parse(None, &wrong).expect_err("all are wrong").problems;
    let expected = ["max_connections", "\"no header\" is not the name of a header", "\"here\" is not a network"];
    assert_eq!(problems.len(), expected.len(), "{problems:?}");
    for (problem, part) in problems.iter().zip(expected) {
        assert!(problem.contains(part), "{problem:?} does not say {part:?}");
    }
}

#[test]
fn variables_that_are_no_settings_are_named_and_those_of_other_programs_are_not() {
    let given = variables(&[("MIAOBU_API_ADR", "x"), ("MIAOBU_TOKEN", "x"), ("MIAOBU_URL", "x")]);
    let config = Config::parse(None, &given).expect("sound");
    assert_eq!(config.unknown_variables, ["MIAOBU_API_ADR"]);
}

#[test]
fn databases_and_addresses_are_read_in_each_spelling() {
    let location = |url: &str| {
        let config = Config::parse(None, &variables(&[("MIAOBU_DATABASE_URL", url)]));
        config.map(|config| config.database)
    };
    for url in ["sqlite:/x/y.db", "sqlite:///x/y.db"] {
        assert!(matches!(location(url), Ok(Location::Sqlite(path)) if path == Path::new("/x/y.db")), "{url}");
    }
    assert!(matches!(location("sqlite:y.db"), Ok(Location::Sqlite(path)) if path == Path::new("y.db")));
    assert!(matches!(location("postgres://u:p@h/d"), Ok(Location::Postgres(_))));
    assert!(location("sqlite:").is_err());
    assert_eq!(address("localhost:0").expect("an address").to_string(), "127.0.0.1:0");
    assert_eq!(address("[::1]:80").expect("an address").to_string(), "[::1]:80");
    assert!(address("127.0.0.1").is_err());
}

#[test]
fn engines_elsewhere_are_named_whole_or_not_at_all_and_their_secrets_are_never_printed() {
    let config = Config::parse(None, &[]).expect("sound");
    assert!(config.bucket.is_none() && config.esa.is_none());
    let file = "[aliyun]\naccess_key_id = \"id\"\naccess_key_secret = \"hush\"\nsecurity_token = \"hush\"\n\
        [objects]\nstore = \"oss\"\nendpoint = \"oss-cn-hangzhou.aliyuncs.com\"\nregion = \"cn-hangzhou\"\nbucket = \"sites\"\n\
        [esa]\nsite = \"sites.example\"\nobjects_url = \"https://objects.sites.example/\"\n";
    let config = Config::parse(Some(file), &[]).expect("sound");
    assert!(!format!("{config:?}").contains("hush"));
    let (bucket, esa) = (config.bucket.expect("a bucket"), config.esa.expect("an edge"));
    assert_eq!((bucket.location.bucket.as_str(), bucket.credentials.access_key_id.as_str()), ("sites", "id"));
    assert_eq!(esa.record, "origin.sites.example");
    assert_eq!((esa.namespace.as_str(), esa.routine.as_str()), ("miaobu", "miaobu"));
    assert_eq!(esa.objects_url, "https://objects.sites.example");

    let lacking = "[objects]\nstore = \"s3\"\naccess_key_id = \"own\"\n[esa]\nsite = \"sites.example\"\n";
    let problems = Config::parse(Some(lacking), &[]).expect_err("much is missing").problems;
    for name in ["objects.endpoint", "objects.region", "objects.bucket", "aliyun.access_key_id"] {
        assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name}: {problems:?}");
    }
    let named = "[aliyun]\naccess_key_id = \"id\"\naccess_key_secret = \"hush\"\n[alidns]\nzone = \"example.com\"\n";
    let config = |more: &str| Config::parse(Some(&format!("base_domain = \"sites.example.com\"\n{named}{more}")), &[]);
    let alidns = config("target = \"edge.example\"\n").expect("sound").alidns.expect("a zone");
    assert_eq!((alidns.target.as_str(), alidns.endpoint.as_str()), ("edge.example", "alidns.aliyuncs.com"));
    let lacking = config("").expect_err("nothing to lead to").problems;
    assert!(lacking.len() == 1 && lacking[0].starts_with("alidns.target"), "{lacking:?}");
    let elsewhere =
        Config::parse(Some(&format!("base_domain = \"myexample.com\"\n{named}target = \"e.example\"\n")), &[]);
    let elsewhere = elsewhere.expect_err("another zone").problems;
    assert!(elsewhere.len() == 1 && elsewhere[0].starts_with("alidns.zone"), "{elsewhere:?}");

    let build = |name: &str| Config::parse(Some(file), &variables(&[("MIAOBU_ESA_ROUTINE_BUILD", name)]));
    assert_eq!(esa.routine_build, RoutineBuild::WebAssembly);
    let esa = build("javascript").expect("sound").esa.expect("an edge");
    assert_eq!(esa.routine_build, RoutineBuild::JavaScript);
    let problems = build("wasm2js").expect_err("no form").problems;
    assert!(problems.len() == 1 && problems[0].contains("neither webassembly nor javascript"), "{problems:?}");

    let wrong = "[objects]\nstore = \"disk\"\n[esa]\nsite = \"a.example\"\nrouten = 1\n";
    assert_eq!(Config::parse(Some(wrong), &[]).expect_err("wrong").problems.len(), 3);
}
