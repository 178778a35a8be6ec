//! A name server on this machine, with the TXT records that a test sets.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Debug, Default)]
struct Shared {
    records: Mutex<HashMap<String, Vec<String>>>,
    broken: AtomicBool,
    stopped: AtomicBool,
}

/// It answers until it is dropped.
#[derive(Debug)]
pub struct DnsServer {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl DnsServer {
    pub fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let address = socket.local_addr().expect("an address");
        let shared = Arc::<Shared>::default();
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut query) {
                if server.stopped.load(Ordering::SeqCst) {
                    return;
                }
                if let Some(answer) = answer(&server, &query[..length]) {
                    socket.send_to(&answer, peer).expect("sent");
                }
            }
        });
        Self { address, shared }
    }

    /// Sets the texts at a name; none takes the name away.
    pub fn set(&self, name: &str, texts: &[&str]) {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self.shared.records.lock().expect("sound").insert(name.to_owned(), texts);
    }

    /// Makes it answer that it is broken.
    pub fn set_broken(&self, broken: bool) {
        self.shared.broken.store(broken, Ordering::SeqCst);
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread, so that it sees that it is over.
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        drop(socket.send_to(&[0], self.address));
    }
}

/// RFC 1035, section 4: a header of 12 bytes, the question as it came, and an answer for each text.
fn answer(shared: &Shared, query: &[u8]) -> Option<Vec<u8>> {
    let mut labels = Vec::new();
    let mut at = 12;
    while let length @ 1.. = usize::from(*query.get(at)?) {
        labels.push(String::from_utf8(query.get(at + 1..at + 1 + length)?.to_vec()).ok()?.to_ascii_lowercase());
        at += 1 + length;
    }
    let question = query.get(12..at + 5)?;
    let is_txt = question.ends_with(&[0, 16, 0, 1]);
    let records = shared.records.lock().expect("sound");
    let texts = records.get(&labels.join(".")).filter(|_| is_txt).cloned().unwrap_or_default();
    let code = match (shared.broken.load(Ordering::SeqCst), texts.is_empty()) {
        (true, _) => 2,
        (false, true) => 3,
        (false, false) => 0,
    };
    let count = if code == 0 { texts.len() as u8 } else { 0 };
    let mut bytes = query[..2].to_vec();
    bytes.extend([0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0]);
    bytes.extend(question);
    for text in texts.iter().filter(|_| code == 0) {
        let parts: Vec<&[u8]> = text.as_bytes().chunks(255).collect();
        let length = (text.len() + parts.len()) as u16;
        bytes.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 0]);
        bytes.extend(length.to_be_bytes());
        for part in parts {
            bytes.push(part.len() as u8);
            bytes.extend(part);
        }
    }
    Some(bytes)
}
