//! Settings as they were written, before anything is made of them.

use std::collections::BTreeMap;

/// The documented defaults.
const DEFAULTS: &str = include_str!("../config.default.toml");

/// Each setting: its name in the file, and its variable.
const SETTINGS: &[(&str, &str)] = &[
    ("data_dir", "MIAOBU_DATA_DIR"),
    ("base_domain", "MIAOBU_BASE_DOMAIN"),
    ("database_url", "MIAOBU_DATABASE_URL"),
    ("redis_url", "MIAOBU_REDIS_URL"),
    ("api.addr", "MIAOBU_API_ADDR"),
    ("api.public_hosts", "MIAOBU_API_PUBLIC_HOSTS"),
    ("api.secure_cookies", "MIAOBU_API_SECURE_COOKIES"),
    ("api.allowed_origins", "MIAOBU_API_ALLOWED_ORIGINS"),
    ("api.behind_proxy", "MIAOBU_API_BEHIND_PROXY"),
    ("api.metrics", "MIAOBU_API_METRICS"),
    ("dns.servers", "MIAOBU_DNS_SERVERS"),
    ("secrets.keys", "MIAOBU_SECRET_KEYS"),
    ("edge.addr", "MIAOBU_EDGE_ADDR"),
    ("edge.metrics_addr", "MIAOBU_EDGE_METRICS_ADDR"),
    ("edge.threads", "MIAOBU_EDGE_THREADS"),
    ("edge.deployment_header", "MIAOBU_EDGE_DEPLOYMENT_HEADER"),
    ("edge.request_body_limit_bytes", "MIAOBU_EDGE_REQUEST_BODY_LIMIT_BYTES"),
    ("edge.function_timeout_seconds", "MIAOBU_EDGE_FUNCTION_TIMEOUT_SECONDS"),
    ("edge.websocket_idle_timeout_seconds", "MIAOBU_EDGE_WEBSOCKET_IDLE_TIMEOUT_SECONDS"),
    ("edge.max_connections", "MIAOBU_EDGE_MAX_CONNECTIONS"),
    ("edge.max_connections_per_address", "MIAOBU_EDGE_MAX_CONNECTIONS_PER_ADDRESS"),
    ("edge.country_header", "MIAOBU_EDGE_COUNTRY_HEADER"),
    ("edge.reachable_networks", "MIAOBU_EDGE_REACHABLE_NETWORKS"),
    ("edge.public_scheme", "MIAOBU_EDGE_PUBLIC_SCHEME"),
    ("edge.public_port", "MIAOBU_EDGE_PUBLIC_PORT"),
    ("limits.min_free_bytes", "MIAOBU_LIMITS_MIN_FREE_BYTES"),
    ("limits.min_free_percent", "MIAOBU_LIMITS_MIN_FREE_PERCENT"),
    ("limits.artifacts_bytes", "MIAOBU_LIMITS_ARTIFACTS_BYTES"),
    ("limits.cache_bytes", "MIAOBU_LIMITS_CACHE_BYTES"),
    ("limits.logs_bytes", "MIAOBU_LIMITS_LOGS_BYTES"),
    ("limits.database_bytes", "MIAOBU_LIMITS_DATABASE_BYTES"),
    ("limits.logs_kept_days", "MIAOBU_LIMITS_LOGS_KEPT_DAYS"),
    ("limits.max_deployment_bytes", "MIAOBU_LIMITS_MAX_DEPLOYMENT_BYTES"),
    ("limits.kept_deployments", "MIAOBU_LIMITS_KEPT_DEPLOYMENTS"),
    ("limits.requests_per_minute", "MIAOBU_LIMITS_REQUESTS_PER_MINUTE"),
    ("limits.anonymous_requests_per_minute", "MIAOBU_LIMITS_ANONYMOUS_REQUESTS_PER_MINUTE"),
    ("limits.logins_per_minute", "MIAOBU_LIMITS_LOGINS_PER_MINUTE"),
    ("limits.deployments_per_hour", "MIAOBU_LIMITS_DEPLOYMENTS_PER_HOUR"),
    ("objects.store", "MIAOBU_OBJECTS_STORE"),
    ("objects.endpoint", "MIAOBU_OBJECTS_ENDPOINT"),
    ("objects.region", "MIAOBU_OBJECTS_REGION"),
    ("objects.bucket", "MIAOBU_OBJECTS_BUCKET"),
    ("objects.addressing", "MIAOBU_OBJECTS_ADDRESSING"),
    ("objects.access_key_id", "MIAOBU_OBJECTS_ACCESS_KEY_ID"),
    ("objects.access_key_secret", "MIAOBU_OBJECTS_ACCESS_KEY_SECRET"),
    ("aliyun.access_key_id", "MIAOBU_ALIYUN_ACCESS_KEY_ID"),
    ("aliyun.access_key_secret", "MIAOBU_ALIYUN_ACCESS_KEY_SECRET"),
    ("aliyun.security_token", "MIAOBU_ALIYUN_SECURITY_TOKEN"),
    ("esa.site", "MIAOBU_ESA_SITE"),
    ("esa.endpoint", "MIAOBU_ESA_ENDPOINT"),
    ("esa.record", "MIAOBU_ESA_RECORD"),
    ("esa.kv_namespace", "MIAOBU_ESA_KV_NAMESPACE"),
    ("esa.kv_keys", "MIAOBU_ESA_KV_KEYS"),
    ("esa.kv_propagation_seconds", "MIAOBU_ESA_KV_PROPAGATION_SECONDS"),
    ("esa.routine", "MIAOBU_ESA_ROUTINE"),
    ("esa.routine_build", "MIAOBU_ESA_ROUTINE_BUILD"),
    ("esa.rule", "MIAOBU_ESA_RULE"),
    ("esa.staging_address", "MIAOBU_ESA_STAGING_ADDRESS"),
    ("esa.edge_address", "MIAOBU_ESA_EDGE_ADDRESS"),
    ("esa.objects_url", "MIAOBU_ESA_OBJECTS_URL"),
    ("alidns.zone", "MIAOBU_ALIDNS_ZONE"),
    ("alidns.endpoint", "MIAOBU_ALIDNS_ENDPOINT"),
    ("alidns.target", "MIAOBU_ALIDNS_TARGET"),
    ("telemetry.otlp_endpoint", "MIAOBU_TELEMETRY_OTLP_ENDPOINT"),
    ("telemetry.otlp_headers", "MIAOBU_TELEMETRY_OTLP_HEADERS"),
    ("telemetry.service_name", "MIAOBU_TELEMETRY_SERVICE_NAME"),
    ("telemetry.sample_percent", "MIAOBU_TELEMETRY_SAMPLE_PERCENT"),
    ("jobs.workers", "MIAOBU_JOBS_WORKERS"),
    ("jobs.per_project", "MIAOBU_JOBS_PER_PROJECT"),
    ("jobs.background", "MIAOBU_JOBS_BACKGROUND"),
    ("jobs.lease_seconds", "MIAOBU_JOBS_LEASE_SECONDS"),
    ("log.filter", "MIAOBU_LOG"),
    ("log.format", "MIAOBU_LOG_FORMAT"),
];

/// Variables with which every program is told of its collector of traces; what names ours wins over them.
pub const STANDARD: &[(&str, &str)] = &[
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp_endpoint"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "telemetry.otlp_headers"),
    ("OTEL_SERVICE_NAME", "telemetry.service_name"),
];

/// Variables that other programs of the platform read, or this one elsewhere.
const OTHERS: &[&str] =
    &["MIAOBU_CACHE_DIR", "MIAOBU_CONFIG", "MIAOBU_FAILPOINT", "MIAOBU_TOKEN", "MIAOBU_URL", "MIAOBU_WORKERD"];

/// What was written for each setting, the last word only.
pub struct Written {
    values: BTreeMap<&'static str, String>,
    /// What is wrong so far.
    pub problems: Vec<String>,
    /// Variables that look like settings and are none.
    pub unknown_variables: Vec<String>,
}

impl Written {
    /// Reads the defaults, then the file, then the variables.
    pub fn read(file: Option<&str>, variables: &[(String, String)], problems: Vec<String>) -> Self {
        let mut written = Self { values: BTreeMap::new(), problems, unknown_variables: Vec::new() };
        written.read_file(DEFAULTS);
        if let Some(file) = file {
            written.read_file(file);
        }
        for (variable, name) in STANDARD {
            let given = variables.iter().find(|(given, value)| given == variable && !value.is_empty());
            given.into_iter().for_each(|(_, value)| drop(written.values.insert(name, value.clone())));
        }
        for (variable, value) in variables {
            match SETTINGS.iter().find(|(_, known)| known == variable) {
                Some((name, _)) => drop(written.values.insert(name, value.clone())),
                None if STANDARD.iter().any(|(known, _)| known == variable) => {}
                None if OTHERS.contains(&variable.as_str()) => {}
                None => written.unknown_variables.push(variable.clone()),
            }
        }
        written
    }

    /// Returns what `parse` makes of a setting; what it refuses becomes a problem.
    pub fn take<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.values.get(name).map_or("", String::as_str);
        match parse(text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problem(name, &problem);
                None
            }
        }
    }

    /// Notes what is wrong with a setting.
    pub fn problem(&mut self, name: &str, problem: &str) {
        let variable = SETTINGS.iter().find(|(known, _)| *known == name).map_or("", |(_, variable)| variable);
        self.problems.push(format!("{name} ({variable}): {problem}"));
    }

    fn read_file(&mut self, text: &str) {
        match text.parse::<toml::Table>() {
            Ok(table) => self.read_table("", table),
            Err(error) => self.problems.push(format!("the file is not TOML: {}", error.message())),
        }
    }

    fn read_table(&mut self, prefix: &str, table: toml::Table) {
        for (key, value) in table {
            let name = format!("{prefix}{key}");
            let text = match value {
                toml::Value::Table(table) => {
                    self.read_table(&format!("{name}."), table);
                    continue;
                }
                toml::Value::Array(values) => {
                    values.iter().map(scalar).collect::<Option<Vec<_>>>().map(|texts| texts.join(","))
                }
                other => scalar(&other),
            };
            let Some(text) = text else {
                self.problems.push(format!("{name}: is neither text nor a whole number, true or false"));
                continue;
            };
            match SETTINGS.iter().find(|(known, _)| *known == name) {
                Some((name, _)) => drop(self.values.insert(name, text)),
                None => self.problems.push(format!("{name}: there is no such setting")),
            }
        }
    }
}

fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_documented_default() {
        let written = Written::read(None, &[], Vec::new());
        assert_eq!(written.problems, Vec::<String>::new());
        for (name, variable) in SETTINGS {
            assert!(written.values.contains_key(name), "{name} has no default");
            assert!(DEFAULTS.contains(variable), "{variable} is not named in the defaults");
        }
    }
}
