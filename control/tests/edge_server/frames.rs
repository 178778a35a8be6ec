//! A visitor that says exactly what a test wants it to in HTTP/2, frame by frame (RFC 9113).

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// The code with which a server ends a connection that asks too much of it.
pub const ENHANCE_YOUR_CALM: u32 = 11;

/// One HTTP/2 connection, past the preface and our empty settings.
pub struct Frames {
    pub stream: TcpStream,
}

/// A frame as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frames {
    pub async fn connect(addr: SocketAddr) -> Self {
        Self::connect_with(addr, &[]).await
    }

    /// Connects with these settings of ours.
    pub async fn connect_with(addr: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let mut stream = TcpStream::connect(addr).await.expect("the edge accepts");
        stream.set_nodelay(true).expect("a socket");
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.expect("the edge reads");
        let mut frames = Self { stream };
        let settings: Vec<u8> =
            settings.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect();
        frames.send(&frame(SETTINGS, 0, 0, &settings)).await.expect("the edge reads");
        frames
    }

    /// Sends bytes; fails once the edge has ended the connection.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Returns the next frame, `None` at the connection's end.
    pub async fn next(&mut self) -> Option<Frame> {
        next(&mut self.stream).await
    }

    /// Reads to the connection's end and returns the code of the edge's last word, if it said one.
    pub async fn last_word(&mut self) -> Option<u32> {
        let mut code = None;
        while let Some(frame) = self.next().await {
            if frame.kind == GOAWAY {
                code = frame.payload[4..8].try_into().ok().map(u32::from_be_bytes);
            }
        }
        code
    }
}

/// Returns the next frame that comes out of `stream`, `None` at its end.
pub async fn next(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.ok()?;
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    stream.read_exact(&mut payload).await.ok()?;
    let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    Some(Frame { kind: head[3], flags: head[4], stream: id, payload })
}

/// A frame as it goes over the wire.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The header block of a request (RFC 7541), with nothing compressed.
pub fn request(method: &str, host: &str, path: &str) -> Vec<u8> {
    let fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", host)];
    fields.iter().flat_map(|(name, value)| field(0, name, value.as_bytes())).collect()
}

/// A field as it is written out; a `form` of 0x40 has the decoder remember it.
pub fn field(form: u8, name: &str, value: &[u8]) -> Vec<u8> {
    [&[form][..], &length(name.len()), name.as_bytes(), &length(value.len()), value].concat()
}

/// A length with a prefix of seven bits (RFC 7541, 5.1).
fn length(mut value: usize) -> Vec<u8> {
    if value < 127 {
        return vec![value as u8];
    }
    let mut bytes = vec![127];
    value -= 127;
    while value >= 128 {
        bytes.push((value % 128 + 128) as u8);
        value /= 128;
    }
    bytes.push(value as u8);
    bytes
}
