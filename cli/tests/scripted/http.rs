//! As much of HTTP/1.1 as the program speaks.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

pub struct Head {
    pub method: String,
    pub path: String,
    pub query: String,
    headers: Vec<(String, String)>,
}

pub struct Request {
    pub head: Head,
    pub body: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Head {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, v)| v)
    }
}

impl Answer {
    pub fn data(status: u16, data: Value) -> Self {
        Self::json(status, "application/json", &json!({ "data": data }))
    }

    pub fn problem(status: u16, code: &str) -> Self {
        let detail = format!("the server says {code}");
        let problem = json!({
            "type": "about:blank", "title": code, "status": status, "detail": detail, "instance": "/",
            "code": code, "request_id": "00000000-0000-7000-8000-000000000000", "errors": [],
        });
        Self::json(status, "application/problem+json", &problem)
    }

    pub fn json(status: u16, kind: &str, body: &Value) -> Self {
        Self { status, headers: vec![("content-type", kind.to_owned())], body: body.to_string().into() }
    }
}

pub fn read_head(stream: &mut TcpStream) -> io::Result<Option<Head>> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        text.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned()));
    Ok(Some(Head {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.collect(),
    }))
}

/// Reads the body, or its first `limit` bytes.
pub fn read_body(stream: &mut TcpStream, head: &Head, limit: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if let Some(length) = head.header("content-length") {
        let length: usize = length.parse().unwrap();
        stream.take(length.min(limit) as u64).read_to_end(&mut body)?;
        return Ok(body);
    }
    if head.header("transfer-encoding") != Some("chunked") {
        return Ok(body);
    }
    loop {
        let size = usize::from_str_radix(&read_line(stream)?, 16).map_err(io::Error::other)?;
        let wanted = size.min(limit - body.len());
        if (&mut *stream).take(wanted as u64).read_to_end(&mut body)? < wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if body.len() == limit {
            return Ok(body);
        }
        read_line(stream)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

pub fn write(stream: &mut TcpStream, answer: &Answer) -> io::Result<()> {
    let mut text = format!("HTTP/1.1 {} Status\r\ncontent-length: {}\r\n", answer.status, answer.body.len());
    for (name, value) in &answer.headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += "\r\n";
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(&answer.body);
    stream.write_all(&bytes)
}

fn read_line(stream: &mut TcpStream) -> io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&line).trim().to_owned())
}
