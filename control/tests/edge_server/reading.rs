//! Requests as RFC 9112 reads them, and the edge with it: a second opinion, written without its parser.

/// A whole request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub body: String,
}

/// Reads the requests that stand in a row, up to the first that is none, or after which the connection has to end.
pub fn read_requests(mut bytes: &[u8]) -> Vec<Seen> {
    let mut requests = Vec::new();
    while let Some((request, rest, goes_on)) = read_request(bytes) {
        requests.push(request);
        if !goes_on {
            break;
        }
        bytes = rest;
    }
    requests
}

/// The first request, what follows it, and whether anything may.
pub fn read_request(mut bytes: &[u8]) -> Option<(Seen, &[u8], bool)> {
    while let Some(rest) = bytes.strip_prefix(b"\r\n").or_else(|| bytes.strip_prefix(b"\n")) {
        bytes = rest;
    }
    let (line, mut rest) = cut_line(bytes)?;
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !is_token(method) || target.is_empty() {
        return None;
    }
    let mut goes_on = version == b"HTTP/1.1";
    if !goes_on && version != b"HTTP/1.0" {
        return None;
    }
    let (mut length, mut chunked, mut hosts) = (None, false, 0);
    loop {
        let (line, after) = cut_line(rest)?;
        rest = after;
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if !is_token(name) || value.iter().any(|byte| matches!(byte, 0 | b'\r')) {
            return None;
        }
        match name.to_ascii_lowercase().as_slice() {
            b"content-length" => {
                let digits =
                    str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
                let value: usize = digits.parse().ok()?;
                if length.is_some_and(|length| length != value) {
                    // Of no meaning beside a coding.
                    length = Some(usize::MAX);
                } else {
                    length = Some(value);
                }
            }
            b"transfer-encoding" if chunked || !value.eq_ignore_ascii_case(b"chunked") => return None,
            b"transfer-encoding" => chunked = true,
            b"connection" if value.eq_ignore_ascii_case(b"close") => goes_on = false,
            b"host" => hosts += 1,
            _ => {}
        }
    }
    if hosts != 1 && !target.starts_with(b"http") {
        return None;
    }
    let (body, rest) =
        if chunked { read_chunks(rest)? } else { rest.split_at_checked(length.unwrap_or(0)).map(own)? };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let request = Seen { method: text(method), target: text(target), body: text(&body) };
    Some((request, rest, goes_on && !chunked))
}

fn own<'b>((body, rest): (&'b [u8], &'b [u8])) -> (Vec<u8>, &'b [u8]) {
    (body.to_vec(), rest)
}

/// A line without its end, which may lack the carriage return.
fn cut_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = &bytes[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), &bytes[end + 1..]))
}

fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

fn read_chunks(mut bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
        let line = &bytes[..end];
        let size = line.split(|byte| *byte == b';').next()?.trim_ascii_end();
        if size.is_empty() || line.contains(&b'\n') {
            return None;
        }
        let size = usize::from_str_radix(str::from_utf8(size).ok().filter(|size| !size.starts_with('+'))?, 16).ok()?;
        bytes = &bytes[end + 2..];
        if size == 0 {
            break;
        }
        let (data, rest) = bytes.split_at_checked(size)?;
        body.extend_from_slice(data);
        bytes = rest.strip_prefix(b"\r\n")?;
    }
    // Trailers say nothing about the message's end.
    loop {
        let (line, rest) = cut_line(bytes)?;
        bytes = rest;
        if line.is_empty() {
            return Some((body, bytes));
        }
    }
}
