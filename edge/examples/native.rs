//! The core carried out natively, as plainly as can be: a yardstick for the other homes, not a server.
//!
//!     native OUT
//!
//! serves what `make_site` left in `OUT`, one thread and one request a connection, prints its URL, and ends with its
//! standard input. Functions it does not call.

use miaobu_edge::record::{KeyEncoding, key, site_object};
use miaobu_edge::{Decision, Failure, Head, Lookup, Method, Request, RouteRecord, Settings, Site, decide, fail};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;

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

fn answer(mut stream: &TcpStream, out: &std::path::Path) -> io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
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

    let settings = Settings::default();
    let (record, site) = look_up(out, host);
    let lookup = match &record {
        None => Lookup::Unknown,
        Some(Err(())) => Lookup::Damaged,
        Some(Ok(record)) => match &site {
            Some(Err(())) => Lookup::Damaged,
            site => Lookup::Found { record, site: site.as_ref().and_then(|site| site.as_ref().ok()) },
        },
    };
    let object = |key: &str| fs::read(out.join("objects").join(key)).ok();
    let (head, body) = match decide(&lookup, &request, &settings) {
        Decision::Serve(serve) if !serve.with_body => (render(&serve.head), Vec::new()),
        Decision::Serve(serve) => match object(&serve.object.key()) {
            Some(body) if serve.size.is_some_and(|size| size != body.len() as u64) => {
                own(&fail(Failure::ObjectMissing, &lookup, &request, &settings))
            }
            Some(body) => {
                let part = serve.range.map_or(0..body.len(), |range| range.start as usize..range.end as usize + 1);
                let length = match serve.head.content_length {
                    Some(_) => String::new(),
                    None => format!("content-length: {}\r\n", body.len()),
                };
                (render(&serve.head) + &length, body.get(part).unwrap_or_default().to_vec())
            }
            None => own(&fail(Failure::ObjectMissing, &lookup, &request, &settings)),
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
        Decision::Proxy(_) => own(&fail(Failure::FunctionUnreachable, &lookup, &request, &settings)),
        decision => own(&decision),
    };
    stream.write_all(format!("HTTP/1.1 {head}connection: close\r\n\r\n").as_bytes())?;
    stream.write_all(&body)
}

type Stored<T> = Option<Result<T, ()>>;

fn look_up(out: &std::path::Path, host: &str) -> (Stored<RouteRecord>, Stored<Site>) {
    let name = key(host, KeyEncoding::Plain);
    let kv = |key: &str| fs::read(out.join("kv").join(key)).ok();
    let record = Some(name).filter(|name| !name.is_empty() && !name.contains('/')).and_then(|name| kv(&name));
    let record = record.map(|bytes| RouteRecord::parse(&bytes).map_err(drop));
    let Some(Ok(found)) = &record else {
        return (record, None);
    };
    let Some(site) = &found.site else {
        return (record, None);
    };
    let copies = [kv(site), fs::read(out.join("objects").join(site_object(&found.oss_path))).ok()];
    let mut sites = copies.into_iter().flatten().map(|bytes| Site::load(bytes).map_err(drop));
    let first = sites.next();
    let site = if matches!(first, Some(Ok(_))) { first } else { sites.find(Result::is_ok).or(first) };
    (record, site)
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
