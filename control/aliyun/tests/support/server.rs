use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use miaobu_aliyun::encode::decode;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    pub path: String,
    /// Decoded, in the order of the wire.
    pub query: Vec<(String, String)>,
    /// With names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, wanted: &str) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    pub fn parameter(&self, wanted: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    pub fn form(&self) -> Vec<(String, String)> {
        pairs(std::str::from_utf8(&self.body).unwrap())
    }

    pub fn action(&self) -> &str {
        self.header("x-acs-action").unwrap_or_default()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// What a server does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answers.
    Answer { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    /// Says that the body is longer than it is.
    Truncated(Vec<u8>),
    /// Begins a body and says no more, without closing.
    Stalled(Vec<u8>),
    /// Says nothing, without closing.
    Silence,
    /// Closes.
    Close,
    /// Answers once as many others wait here.
    Together(Arc<Barrier>, Box<Reply>),
}

impl Reply {
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200, body)
    }

    pub fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.into() }
    }

    /// The refusal of a service with an OpenAPI.
    pub fn refusal(status: u16, code: &str) -> Self {
        let body = format!(r#"{{"RequestId":"R-1","HostId":"h","Code":"{code}","Message":"said {code}"}}"#);
        Self::status(status, body)
    }

    /// The refusal of object storage.
    pub fn xml(status: u16, code: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>m</Message><RequestId>R-2</RequestId></Error>");
        Self::status(status, format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}"))
    }

    pub fn with(self, name: &str, value: impl Into<String>) -> Self {
        match self {
            Self::Answer { status, mut headers, body } => {
                headers.push((name.to_owned(), value.into()));
                Self::Answer { status, headers, body }
            }
            other => other,
        }
    }
}

type Handler = dyn Fn(&Received) -> Reply + Send + Sync;

/// A server on this machine; it ends with this value.
pub struct Server {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    _task: JoinSet<()>,
}

impl Server {
    /// Answers each request with the next reply, and one past the end in a way that no test expects.
    pub async fn script(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Mutex<VecDeque<Reply>> = Mutex::new(replies.into_iter().collect());
        Self::start(move |_| replies.lock().unwrap().pop_front().unwrap_or_else(|| Reply::refusal(418, "PastTheEnd")))
            .await
    }

    pub async fn start(handler: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let mut task = JoinSet::new();
        task.spawn(accept(listener, Arc::new(handler), received.clone()));
        Self { address, received, _task: task }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

async fn accept(listener: TcpListener, handler: Arc<Handler>, received: Arc<Mutex<Vec<Received>>>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (handler, received) = (handler.clone(), received.clone());
        // A client that hangs up in the middle of its request is no matter of the server's.
        connections.spawn(async move { serve(stream, &*handler, &received).await });
    }
}

async fn serve(stream: TcpStream, handler: &Handler, received: &Mutex<Vec<Received>>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let request = read(&mut stream).await?;
    let mut reply = handler(&request);
    received.lock().unwrap().push(request.clone());
    while let Reply::Together(barrier, then) = reply {
        barrier.wait().await;
        reply = *then;
    }
    let head = |status, length, headers: &[(String, String)]| {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("HTTP/1.1 {status} Status\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n")
    };
    match reply {
        Reply::Answer { status, headers, body } => {
            // The answer to HEAD may tell a length that does not come.
            let told = headers.iter().position(|(name, _)| name == "content-length");
            let mut headers = headers;
            let length = told.map_or(body.len().to_string(), |index| headers.remove(index).1);
            stream.write_all(head(status, length, &headers).as_bytes()).await?;
            stream.write_all(&body).await?;
        }
        Reply::Truncated(body) => {
            stream.write_all(head(200, (body.len() + 10).to_string(), &[]).as_bytes()).await?;
            stream.write_all(&body).await?;
        }
        Reply::Stalled(body) => {
            stream.write_all(head(200, (body.len() + 10).to_string(), &[]).as_bytes()).await?;
            stream.write_all(&body).await?;
            stream.flush().await?;
            std::future::pending::<()>().await;
        }
        Reply::Silence => std::future::pending().await,
        Reply::Close => return Ok(()),
        Reply::Together(..) => unreachable!("followed above"),
    }
    stream.flush().await?;
    stream.shutdown().await
}

async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Received> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let value = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    assert_eq!(value("transfer-encoding"), None, "the clients always know how long what they send is");
    let length = value("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Ok(Received { method, path: path.to_owned(), query: pairs(query), headers, body })
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(a, b)| (decode(a), decode(b))).collect()
}
