//! Percent-encoding as signatures want it: RFC 3986, where only `A-Z a-z 0-9 - _ . ~` stay as they are.

/// Names and values of a query or a form, decoded.
pub type Pairs = Vec<(String, String)>;

const HEXADECIMAL: &[u8; 16] = b"0123456789ABCDEF";

/// Returns `text` with every byte encoded that is not unreserved.
pub fn percent(text: &str) -> String {
    encode(text, false)
}

/// Returns `path` encoded as [`percent`] does, but with its slashes kept.
pub fn percent_path(path: &str) -> String {
    encode(path, true)
}

/// Returns `text` with what was encoded as it was, a `+` as a space; what is no encoding stays.
pub fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let decoded = digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (byte, taken) = match (decoded, first) {
            (Some(byte), _) => (byte, 3),
            (None, b'+') => (b' ', 1),
            (None, other) => (*other, 1),
        };
        bytes.push(byte);
        rest = rest.get(taken..).unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns the pairs as a query or an `application/x-www-form-urlencoded` body, in their order: `a=1&b=`.
pub fn query(pairs: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(&percent(name));
        text.push('=');
        text.push_str(&percent(value));
    }
    text
}

/// Returns the pairs as [`query`] does, sorted by their encoded names and then values, as every signature wants them.
pub fn sorted_query(pairs: &[(String, String)]) -> String {
    sorted(pairs).into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Returns the pairs sorted like [`sorted_query`], where a pair without a value is written as its bare name.
pub fn sorted_query_bare(pairs: &[(String, String)]) -> String {
    let written = |(name, value): (String, String)| if value.is_empty() { name } else { format!("{name}={value}") };
    sorted(pairs).into_iter().map(written).collect::<Vec<_>>().join("&")
}

fn sorted(pairs: &[(String, String)]) -> Pairs {
    let mut encoded: Pairs = pairs.iter().map(|(name, value)| (percent(name), percent(value))).collect();
    encoded.sort();
    encoded
}

fn encode(text: &str, keep_slashes: bool) -> String {
    let mut encoded = String::with_capacity(text.len() + text.len() / 4);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            b'/' if keep_slashes => encoded.push('/'),
            _ => {
                encoded.push('%');
                for digit in [byte >> 4, byte & 15] {
                    encoded.push(HEXADECIMAL.get(usize::from(digit)).copied().map_or('0', char::from));
                }
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        for text in ["", "a b+c", "你/好?", "%41", "100%", "~-_.", "\u{0}\u{7f}"] {
            assert_eq!(decode(&percent(text)), text);
            assert_eq!(decode(&percent_path(text)), text);
        }
        assert_eq!(percent("a b*/~é"), "a%20b%2A%2F~%C3%A9");
        assert_eq!(percent_path("/a b/"), "/a%20b/");
    }

    #[test]
    fn what_is_no_encoding_stays_as_it_is() {
        for (text, decoded) in [("a+b", "a b"), ("%zz", "%zz"), ("%4", "%4"), ("%", "%"), ("%C3%A9", "é")] {
            assert_eq!(decode(text), decoded);
        }
    }

    #[test]
    fn pairs_are_sorted_by_what_they_are_encoded_as() {
        let pairs: Pairs = [("b", "1"), ("a", ""), ("b", "0"), ("A", "~")].map(|(a, b)| (a.into(), b.into())).into();
        assert_eq!(query(&pairs), "b=1&a=&b=0&A=~");
        assert_eq!(sorted_query(&pairs), "A=~&a=&b=0&b=1");
        assert_eq!(sorted_query_bare(&pairs), "A=~&a&b=0&b=1");
    }
}
