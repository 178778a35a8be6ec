//! The core carried out natively, as plainly as can be: a yardstick for the other homes, not a server.
//!
//!     native OUT
//!
//! serves what `make_site` left in `OUT`, one thread and one request a connection, prints its URL, and ends with its
//! standard input. Functions it does not call.

use miaobu_edge::record::{KeyEncoding, key, site_object};
use miaobu_edge::variants::{choose, has_hashed, misses};
use miaobu_edge::{Decision, Failure, Head, Lookup, Method, Request, RouteRecord, Settings, Site, decide, fail};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

fn main() -> io::Result<()> {
    let out = PathBuf::from(std::env::args().nth(1).ok_or(io::Error::other("usage: native OUT"))?);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let out = out.clone();
            std::thread::spawn(move || answer(&stream, &out));
        }
    });
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a host has the clock")]
fn answer(mut stream: &TcpStream, out: &Path) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut lines = reader.by_ref().lines();
    let line = lines.next().unwrap_or(Ok(String::new()))?;
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let host = fields.iter().find(|(name, _)| name == "host").map_or("", |(_, value)| value);
    let mut request = Request::new(Method::parse(method), host, target);
    request.method_name = Some(method);
    request.id = Some("0000000000000000");
    fields.iter().for_each(|(name, value)| request.header(name, value));

    request.now = SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs());
    request.random = request.now.map(|now| now as u32);

    let settings = Settings::default();
    let (record, site) = select(out, look_up(out, host), &request);
    let lookup = match &record {
        None => Lookup::Unknown,
        Some(Err(())) => Lookup::Damaged,
        Some(Ok(record)) => match &site {
            Some(Err(())) => Lookup::Damaged,
            site => Lookup::Found { record, site: site.as_ref().and_then(|site| site.as_ref().ok()) },
        },
    };
    if let Lookup::Found { site: Some(site), .. } = lookup {
        for name in site.field_names() {
            let named = fields.iter().filter(|(other, _)| other == name);
            named.for_each(|(_, value)| request.named_field(name, value));
        }
    }
    let object = |key: &str| fs::read(out.join("objects").join(key)).ok();
    let mut form = String::new();
    let mut decision = decide(&lookup, &request, &settings);
    if let Decision::ReadForm { limit } = decision {
        let length = fields.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
        let length = length.unwrap_or_default();
        if length <= limit as u64 {
            reader.take(length).read_to_string(&mut form)?;
        }
        request.form = Some(&form);
        decision = decide(&lookup, &request, &settings);
    }
    let failed = |failure| match fail(failure, &lookup, &request, &settings) {
        Decision::Serve(page) if !page.with_body => (render(&page.head), Vec::new()),
        Decision::Serve(page) => match object(&page.object.key()) {
            Some(body) => (render(&page.head), body),
            None => own(&fail(failure, &lookup.without_site(), &request, &settings)),
        },
        decision => own(&decision),
    };
    let (head, body) = match decision {
        Decision::Serve(serve) if !serve.with_body => (render(&serve.head), Vec::new()),
        Decision::Serve(serve) => match object(&serve.object.key()) {
            Some(body) if serve.size.is_some_and(|size| size != body.len() as u64) => failed(Failure::ObjectMissing),
            Some(body) => {
                let part = serve.range.map_or(0..body.len(), |range| range.start as usize..range.end as usize + 1);
                let length = match serve.head.content_length {
                    Some(_) => String::new(),
                    None => format!("content-length: {}\r\n", body.len()),
                };
                (render(&serve.head) + &length, body.get(part).unwrap_or_default().to_vec())
            }
            None => failed(Failure::ObjectMissing),
        },
        Decision::Probe(probe) => {
            let found =
                probe.candidates.iter().find_map(|candidate| Some((candidate, object(&candidate.object.key())?)));
            match found {
                Some((candidate, body)) => {
                    let head = format!("{}content-length: {}\r\n", render(&candidate.head), body.len());
                    (head, if probe.with_body { body } else { Vec::new() })
                }
                None => own(&probe.missing),
            }
        }
        Decision::Proxy(_) => failed(Failure::FunctionUnreachable),
        decision => own(&decision),
    };
    stream.write_all(format!("HTTP/1.1 {head}connection: close\r\n\r\n").as_bytes())?;
    stream.write_all(&body)
}

type Stored<T> = Option<Result<T, ()>>;

/// The deployment that a request gets, of those that a record leads to.
fn select(
    out: &Path,
    own: (Stored<RouteRecord>, Stored<Site>),
    request: &Request<'_>,
) -> (Stored<RouteRecord>, Stored<Site>) {
    let Some(Ok(record)) = &own.0 else {
        return own;
    };
    let variant = |number| {
        let variant: RouteRecord = record.variant(number)?;
        let site = site_of(out, &variant);
        Some((Some(Ok(variant)), site))
    };
    let chosen = choose(record, request);
    let found = chosen.and_then(variant);
    let (_, site) = found.as_ref().unwrap_or(&own);
    if matches!(site, Some(Ok(site)) if misses(record, site, request)) {
        let other = if chosen.is_none() { variant(0) } else { None };
        let (_, site) = other.as_ref().unwrap_or(&own);
        if matches!(site, Some(Ok(site)) if has_hashed(site, request)) {
            return other.unwrap_or(own);
        }
    }
    found.unwrap_or(own)
}

fn look_up(out: &Path, host: &str) -> (Stored<RouteRecord>, Stored<Site>) {
    let name = key(host, KeyEncoding::Plain);
    let kv = |key: &str| fs::read(out.join("kv").join(key)).ok();
    let record = Some(name).filter(|name| !name.is_empty() && !name.contains('/')).and_then(|name| kv(&name));
    let record = record.map(|bytes| RouteRecord::parse(&bytes).map_err(drop));
    let site = match &record {
        Some(Ok(record)) => site_of(out, record),
        _ => None,
    };
    (record, site)
}

fn site_of(out: &Path, record: &RouteRecord) -> Stored<Site> {
    // What leads to shards is for hosts that read these; the copy is whole.
    let whole = |bytes: &Vec<u8>| !Site::load(bytes.clone()).is_ok_and(|site| site.is_sharded());
    let kept = fs::read(out.join("kv").join(record.site.as_ref()?)).ok().filter(whole);
    let copies = [kept, fs::read(out.join("objects").join(site_object(&record.oss_path))).ok()];
    let mut sites = copies.into_iter().flatten().map(|bytes| Site::load(bytes).map_err(drop));
    let first = sites.next();
    if matches!(first, Some(Ok(_))) { first } else { sites.find(Result::is_ok).or(first) }
}

fn own(decision: &Decision<'_>) -> (String, Vec<u8>) {
    match decision {
        Decision::Refuse { head, body } => (render(head), body.as_bytes().to_vec()),
        decision => (decision.head().map(render).unwrap_or_default(), Vec::new()),
    }
}

fn render(head: &Head<'_>) -> String {
    let mut text = format!("{} \r\n", head.status);
    head.for_each_header(|name, value| text.extend([name, ": ", value, "\r\n"]));
    text
}
