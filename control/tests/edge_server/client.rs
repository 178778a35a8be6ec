//! A visitor that says exactly what a test wants it to, byte for byte.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One HTTP/1 connection.
pub struct Client {
    pub stream: TcpStream,
    read: Vec<u8>,
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Client {
    pub async fn connect(addr: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(addr).await.expect("the edge accepts"), read: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("the edge reads");
    }

    /// Sends a request without a body and reads its answer.
    pub async fn ask(&mut self, method: &str, host: &str, path: &str, headers: &str) -> Answer {
        self.send(format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n")).await;
        self.answer_to(method).await.expect("an answer")
    }

    /// Reads the answer to a GET.
    pub async fn answer(&mut self) -> Answer {
        self.answer_to("GET").await.expect("an answer")
    }

    /// Reads the answer to a request, `None` when the edge closed the connection without one.
    pub async fn answer_to(&mut self, method: &str) -> Option<Answer> {
        let end = loop {
            if let Some(at) = find(&self.read, b"\r\n\r\n") {
                break at;
            }
            if !self.more().await {
                assert!(self.read.is_empty(), "half an answer: {:?}", String::from_utf8_lossy(&self.read));
                return None;
            }
        };
        let head = String::from_utf8(self.read.drain(..end + 4).collect()).expect("a head of ASCII");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.get(9..12)).and_then(|code| code.parse().ok());
        let headers = lines
            .map(|line| line.split_once(": ").expect("a header line"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut answer = Answer { status: status.expect("a status"), headers, body: Vec::new() };
        if method != "HEAD" && !matches!(answer.status, 100..=199 | 204 | 304) {
            answer.body = self.body(&answer).await;
        }
        Some(answer)
    }

    async fn body(&mut self, answer: &Answer) -> Vec<u8> {
        if answer.header("transfer-encoding") == Some("chunked") {
            return self.chunks().await;
        }
        match answer.header("content-length") {
            Some(length) => self.take(length.parse().expect("a length")).await,
            None => {
                while self.more().await {}
                std::mem::take(&mut self.read)
            }
        }
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = find(&self.read, b"\r\n") {
                    break at;
                }
                assert!(self.more().await, "the answer ends within a chunk");
            };
            let line: Vec<u8> = self.read.drain(..end + 2).collect();
            let length = usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).expect("a chunk's length");
            body.extend(self.take(length).await);
            self.take(2).await;
            if length == 0 {
                return body;
            }
        }
    }

    /// Reads exactly `length` bytes.
    pub async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.read.len() < length {
            assert!(self.more().await, "{} of {length} bytes came", self.read.len());
        }
        self.read.drain(..length).collect()
    }

    /// Whether the edge closes the connection without sending more.
    pub async fn is_closed(&mut self) -> bool {
        self.read.is_empty() && !self.more().await
    }

    async fn more(&mut self) -> bool {
        let mut buffer = vec![0; 64 * 1024];
        // A reset is an end too: whether one comes depends on what was still unread.
        let length = self.stream.read(&mut buffer).await.unwrap_or(0);
        self.read.extend_from_slice(&buffer[..length]);
        length > 0
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
