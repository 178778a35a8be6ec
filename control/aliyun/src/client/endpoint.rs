//! Where a service is.

use reqwest::Url;

/// An address without a path: scheme, host, and a port when it is not the usual one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Endpoint {
    /// Returns the endpoint that `text` names: `https://host`, `http://host:port`, or a host alone, which means HTTPS.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let invalid =
            || format!("{text:?} is not the address of a service, such as https://esa.cn-hangzhou.aliyuncs.com");
        let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url: Url = full.parse().map_err(|_| invalid())?;
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.username().is_empty();
        let host = url.host_str().filter(|_| bare && matches!(url.scheme(), "http" | "https")).ok_or_else(invalid)?;
        Ok(Self { scheme: url.scheme().to_owned(), host: host.to_owned(), port: url.port() })
    }

    /// The host, with the port when it is not the usual one: what the `Host` header says.
    pub(crate) fn authority(&self) -> String {
        self.port.map_or_else(|| self.host.clone(), |port| format!("{}:{port}", self.host))
    }

    /// The endpoint as the start of an address.
    pub(crate) fn base(&self) -> String {
        format!("{}://{}", self.scheme, self.authority())
    }

    /// The same endpoint with a label before its host.
    pub(crate) fn with_label(&self, label: &str) -> Self {
        Self { host: format!("{label}.{}", self.host), ..self.clone() }
    }

    /// Whether the host is a number or this machine: a label before it would lead nowhere.
    pub(crate) fn takes_no_label(&self) -> bool {
        let number = self.host.starts_with('[') || self.host.parse::<std::net::Ipv4Addr>().is_ok();
        number || self.host == "localhost"
    }

    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']);
        let address = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        address || host == "localhost" || host.ends_with(".localhost")
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.scheme == "http"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_host_or_an_address_without_a_path() {
        for (text, base) in [
            ("esa.cn-hangzhou.aliyuncs.com", "https://esa.cn-hangzhou.aliyuncs.com"),
            ("https://oss.example.com/", "https://oss.example.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://example.com:443", "https://example.com"),
            ("http://[::1]:99", "http://[::1]:99"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().base(), base);
        }
        for text in ["", "https://", "ftp://example.com", "https://example.com/path", "https://a@example.com", "a b"] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_bucket_is_never_put_before_a_number_or_this_machine() {
        for (text, takes_no_label) in [
            ("http://127.0.0.1:80", true),
            ("http://[::1]", true),
            ("http://localhost:8080", true),
            ("oss.localhost", false),
            ("oss-cn-hangzhou.aliyuncs.com", false),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().takes_no_label(), takes_no_label, "{text}");
        }
    }
}
