//! A server that speaks the upload protocol and misbehaves on demand: what a healthy server cannot be made to do.

mod http;
mod world;

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use http::{Answer, Request};
pub use world::World;

pub const TOKEN: &str = "mb_live_scripted";

/// What a request meets instead of its usual answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// An error answer with this status and code.
    Refuse(u16, &'static str),
    /// The connection ends after so many bytes of the body, of which whole frames are kept.
    BreakAfter(usize),
}

/// A running server; the operating system takes its port back when the test process ends.
pub struct Scripted {
    pub url: String,
    world: Arc<Mutex<World>>,
}

impl Scripted {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let world = Arc::new(Mutex::new(World::new(port)));
        let shared = Arc::clone(&world);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let world = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &world));
            }
        });
        Self { url: format!("http://127.0.0.1:{port}"), world }
    }

    pub fn person(&self) -> crate::support::Person {
        crate::support::Person::new(&self.url, Some(TOKEN))
    }

    /// The next requests whose operation is `operation` meet these faults, in this order.
    pub fn script(&self, operation: &'static str, faults: &[Fault]) {
        self.world().faults.extend(faults.iter().map(|fault| (operation, fault.clone())));
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

fn serve(mut stream: TcpStream, world: &Mutex<World>) {
    // A broken connection is the other side's affair.
    while let Ok(Some(head)) = http::read_head(&mut stream) {
        let fault = world.lock().unwrap().fault_for(&head);
        let limit = match fault {
            Some(Fault::BreakAfter(bytes)) => bytes,
            _ => usize::MAX,
        };
        let Ok(body) = http::read_body(&mut stream, &head, limit) else { return };
        let whole = body.len() < limit;
        let answer = match fault {
            Some(Fault::Refuse(status, code)) => Answer::problem(status, code),
            _ => world.lock().unwrap().answer(&Request { head, body }),
        };
        if !whole || http::write(&mut stream, &answer).is_err() {
            return;
        }
    }
}
