//! Takes destinations apart and puts them together again, by the rules of Node's older URL parser (`url.parse`,
//! `url.format`, `querystring`): a destination is a template, and every escape it gets or loses on the way shows in the
//! lowered route.

use super::punycode::encode_label;
use super::query::{Query, decode_strictly, escape};

/// Longest hostname; a longer one counts as empty.
const HOSTNAME_LIMIT: usize = 255;
const SLASHED: [&str; 7] = ["http:", "https:", "ftp:", "gopher:", "file:", "ws:", "wss:"];

/// A destination in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Url {
    pub protocol: Option<String>,
    /// `//` was written.
    pub slashes: bool,
    pub auth: Option<String>,
    pub port: Option<String>,
    pub hostname: Option<String>,
    pub pathname: Option<String>,
    pub query: Query,
    /// With its `#`.
    pub hash: Option<String>,
}

impl Url {
    /// Takes `text` apart; `None` when it cannot be a URL at all.
    pub fn parse(text: &str) -> Option<Self> {
        let text =
            slashes_unified(text.trim_matches(|char: char| char <= ' ' || matches!(char, '\u{a0}' | '\u{feff}')));
        if let Some(url) = Self::parse_plain_path(&text) {
            return Some(url);
        }
        let mut url = Self::default();
        let mut rest = text.as_str();
        let scheme = rest.find(|char: char| !(char.is_ascii_alphanumeric() || ".+-".contains(char)));
        let mut written_scheme = None;
        if let Some(end) = scheme.filter(|end| *end > 0 && rest.get(*end..).is_some_and(|rest| rest.starts_with(':'))) {
            let (scheme, after) = rest.split_at(end + 1);
            written_scheme = Some(scheme);
            url.protocol = Some(scheme.to_ascii_lowercase());
            rest = after;
        }
        let is_script = url.protocol.as_deref() == Some("javascript:");
        let mut has_slashes = false;
        if url.protocol.is_some() || names_user_and_host(rest) {
            has_slashes = rest.starts_with("//");
            if has_slashes && !is_script {
                rest = rest.get(2..)?;
                url.slashes = true;
            }
        }
        let has_host = has_slashes || written_scheme.is_some_and(|scheme| !SLASHED.contains(&scheme));
        let rest = if has_host && !is_script { url.take_host(rest)? } else { rest.to_owned() };
        let rest = if is_script { rest } else { auto_escaped(&rest) };
        url.take_path(&rest);
        Some(url)
    }

    /// A path with an optional query, which nothing of is escaped.
    fn parse_plain_path(text: &str) -> Option<Self> {
        let is_space = |char: char| char.is_whitespace() || char == '\u{feff}';
        if text.contains('#') || text.split('?').next()?.contains('@') || text.contains(is_space) {
            return None;
        }
        if !text.starts_with('/') || text.starts_with("///") {
            return None;
        }
        let (pathname, query) = text.split_once('?').unwrap_or((text, ""));
        Some(Self { pathname: Some(pathname.to_owned()), query: Query::parse(query), ..Self::default() })
    }

    /// Reads the authority at the start of `rest`; returns what follows it.
    fn take_host(&mut self, rest: &str) -> Option<String> {
        let (mut host_end, mut user_end) = (None, None);
        let mut cleaned = String::with_capacity(rest.len());
        let mut tail = "";
        for (index, char) in rest.char_indices() {
            match char {
                '\t' | '\n' | '\r' => continue,
                '#' | '/' | '?' => {
                    host_end = host_end.or(Some(cleaned.len()));
                    tail = rest.get(index..)?;
                    break;
                }
                '@' => {
                    user_end = Some(cleaned.len());
                    host_end = None;
                }
                ' ' | '"' | '%' | '\'' | ';' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' => {
                    host_end = host_end.or(Some(cleaned.len()));
                }
                _ => {}
            }
            cleaned.push(char);
        }
        if let Some(end) = user_end {
            self.auth = Some(decode_strictly(cleaned.get(..end)?)?);
        }
        let start = user_end.map_or(0, |end| end + 1);
        let end = host_end.unwrap_or(cleaned.len());
        let host = cleaned.get(start..end)?;
        let mut rest = format!("{}{tail}", cleaned.get(end..)?);
        let host = self.without_port(host);
        let is_ipv6 = host.starts_with('[') && host.ends_with(']');
        if is_ipv6 {
            self.hostname = host.get(1..host.len() - 1).map(str::to_ascii_lowercase);
            if !rest.starts_with('/') {
                rest.insert(0, '/');
            }
            return Some(rest);
        }
        let hostname = match host.find(['/', '\\', '#', '?', ':']) {
            Some(end) => {
                rest = format!("/{}{rest}", host.get(end..)?);
                host.get(..end)?
            }
            None => host,
        };
        if hostname.contains(['\0', '<', '>', '@', '[', ']', '|']) {
            return None;
        }
        let hostname = to_ascii(&hostname.to_lowercase())?;
        let fits = hostname.len() <= HOSTNAME_LIMIT;
        self.hostname = Some(if fits { hostname } else { String::new() });
        Some(rest)
    }

    fn without_port<'a>(&mut self, host: &'a str) -> &'a str {
        let digits = host.trim_end_matches(|char: char| char.is_ascii_digit());
        let Some(name) = digits.strip_suffix(':') else {
            return host;
        };
        let port = host.get(digits.len()..).unwrap_or_default();
        if !port.is_empty() {
            self.port = Some(port.to_owned());
        }
        name
    }

    fn take_path(&mut self, rest: &str) {
        let (rest, hash) = match rest.find('#') {
            Some(index) => (rest.get(..index).unwrap_or_default(), rest.get(index..)),
            None => (rest, None),
        };
        self.hash = hash.map(str::to_owned);
        let (pathname, query) = rest.split_once('?').unwrap_or((rest, ""));
        self.query = Query::parse(query);
        self.pathname = (!pathname.is_empty()).then(|| pathname.to_owned());
        let is_slashed = self.protocol.as_deref().is_some_and(|protocol| SLASHED.contains(&protocol));
        if is_slashed && self.pathname.is_none() && self.hostname.as_deref().is_some_and(|name| !name.is_empty()) {
            self.pathname = Some("/".to_owned());
        }
    }

    /// Puts the parts together.
    pub fn print(&self) -> String {
        let mut host = String::new();
        if let Some(hostname) = self.hostname.as_deref().filter(|hostname| !hostname.is_empty()) {
            if let Some(auth) = self.auth.as_deref().filter(|auth| !auth.is_empty()) {
                host = format!("{}@", escape(auth, "!'()*-.:_~"));
            }
            let bare = !hostname.contains(':') || hostname.starts_with('[') && hostname.ends_with(']');
            host += &if bare { hostname.to_owned() } else { format!("[{hostname}]") };
            if let Some(port) = &self.port {
                host += &format!(":{port}");
            }
        }
        let mut search = self.query.print();
        if !search.is_empty() {
            search = format!("?{}", search.replace('#', "%23"));
        }
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let mut pathname = self.pathname.as_deref().unwrap_or_default().replace('#', "%23").replace('?', "%3F");
        if self.slashes || SLASHED.contains(&protocol) {
            if self.slashes || !host.is_empty() {
                if !pathname.is_empty() && !pathname.starts_with('/') {
                    pathname.insert(0, '/');
                }
                host.insert_str(0, "//");
            } else if protocol.starts_with("file") {
                host = "//".to_owned();
            }
        }
        let hash = self.hash.as_deref().unwrap_or_default();
        let sign = if hash.is_empty() || hash.starts_with('#') { "" } else { "#" };
        format!("{protocol}{host}{pathname}{search}{sign}{hash}")
    }
}

/// The hostname with its labels in their ASCII form; `None` when a label has none.
fn to_ascii(hostname: &str) -> Option<String> {
    let labels: Option<Vec<String>> = hostname.split(['.', '。']).map(encode_label).collect();
    Some(labels?.join("."))
}

/// Backslashes before the query count as slashes, as browsers have it.
fn slashes_unified(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let (path, rest) = text.split_at(end);
    path.replace('\\', "/") + rest
}

/// `//user@host`, which is an authority even without a scheme.
fn names_user_and_host(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix("//") else {
        return false;
    };
    let Some((user, host)) = rest.split_once('@') else {
        return false;
    };
    !user.is_empty() && !user.contains('/') && host.chars().next().is_some_and(|char| !"@/".contains(char))
}

fn auto_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\t' | '\n' | '\r' | ' ' | '"' | '\'' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' => {
                escaped += &format!("%{:02X}", u32::from(char));
            }
            _ => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::Url;

    #[test]
    fn takes_destinations_apart_as_node_does() {
        for (text, hostname, pathname, printed) in [
            ("https://:a.example.com/x?a=b", Some(""), Some("/:a.example.com/x"), "https:///:a.example.com/x?a=b"),
            ("https://User:p@A.example:81/x#h", Some("a.example"), Some("/x"), "https://User:p@a.example:81/x#h"),
            ("https://a b/c", Some("a"), Some("%20b/c"), "https://a/%20b/c"),
            ("https://a.example?x=1", Some("a.example"), Some("/"), "https://a.example/?x=1"),
            ("//a.example/x", None, Some("//a.example/x"), "//a.example/x"),
            ("//u@a.example/x", Some("a.example"), Some("/x"), "//u@a.example/x"),
            ("\\\\a\\b?\\", None, Some("//a/b"), "//a/b?%5C="),
            ("/a{b}", None, Some("/a{b}"), "/a{b}"),
            ("/a{b}#c", None, Some("/a%7Bb%7D"), "/a%7Bb%7D#c"),
            ("index.html", None, Some("index.html"), "index.html"),
            ("http:/x", None, Some("/x"), "http:/x"),
            ("http://[::1]:80/x", Some("::1"), Some("/x"), "http://[::1]:80/x"),
            ("http://a:80:90/", Some("a"), Some("/:80/"), "http://a:90/:80/"),
            ("mailto:a@b", Some("b"), None, "mailto:a@b"),
            ("?a=1", None, None, "?a=1"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.hostname.as_deref(), url.pathname.as_deref()), (hostname, pathname), "{text}");
            assert_eq!(url.print(), printed, "{text}");
        }
        for (hostname, ascii) in [("ünï.example", "xn--n-nga1b.example"), ("例子.中国", "xn--fsqu00a.xn--fiqs8s")]
        {
            let url = Url::parse(&format!("https://{hostname}/")).unwrap();
            assert_eq!(url.hostname.as_deref(), Some(ascii));
        }
    }
}
