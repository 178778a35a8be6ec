//! Queries by the rules of Node's `querystring`, and percent-encoding.

use crate::rules::path_to_regexp::in_object_order;

/// Most pairs of a query that are read.
const QUERY_LIMIT: usize = 1000;

/// A query as names with one or more values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, Vec<String>)>);

impl Query {
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        for pair in text.split('&').take(QUERY_LIMIT).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (unescape(name), unescape(value));
            match query.0.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => query.0.push((name, vec![value])),
            }
        }
        query
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    pub fn push(&mut self, name: &str, value: String) {
        self.0.push((name.to_owned(), vec![value]));
    }

    /// The names with their values, in the order in which they are printed.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &[String])> {
        let names = in_object_order(self.0.iter().map(|(name, _)| name.as_str()));
        names.into_iter().filter_map(|name| {
            let (_, values) = self.0.iter().find(|(known, _)| known == name)?;
            Some((name, values.as_slice()))
        })
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut String> {
        self.0.iter_mut().flat_map(|(_, values)| values)
    }

    pub fn print(&self) -> String {
        let mut pairs = Vec::new();
        for (name, values) in self.pairs() {
            for value in values {
                pairs.push(format!("{}={}", escape(name, "!'()*-._~"), escape(value, "!'()*-._~")));
            }
        }
        pairs.join("&")
    }
}

/// Percent-encodes everything but letters, digits and `kept`.
pub(super) fn escape(text: &str, kept: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped += &format!("%{byte:02X}");
        }
    }
    escaped
}

fn unescape(text: &str) -> String {
    String::from_utf8_lossy(&decode(&text.replace('+', " ")).0).into_owned()
}

/// The decoded text, `None` when an escape is broken or does not make UTF-8.
pub(super) fn decode_strictly(text: &str) -> Option<String> {
    let (bytes, is_valid) = decode(text);
    String::from_utf8(bytes).ok().filter(|_| is_valid)
}

/// The decoded bytes, broken escapes kept as they are, and whether there were none of those.
fn decode(text: &str) -> (Vec<u8>, bool) {
    let mut bytes = Vec::with_capacity(text.len());
    let mut is_valid = true;
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        if let [high, low, after @ ..] = tail
            && let (Some(high), Some(low)) = (digit(high), digit(low))
            && let Ok(byte) = u8::try_from(high * 16 + low)
        {
            bytes.push(byte);
            rest = after;
        } else {
            bytes.push(b'%');
            is_valid = false;
        }
    }
    (bytes, is_valid)
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn queries_keep_broken_escapes_and_list_numbers_first() {
        let query = Query::parse("b=it's&10=x&2=%41+%zz&b=2&&c");
        assert_eq!(query.print(), "2=A%20%25zz&10=x&b=it's&b=2&c=");
    }
}
