//! Servers that answer by a script, a world whose clock is moved by hand, and signatures computed again.

mod ambient;
mod server;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use miaobu_aliyun::{Credentials, Patience, Settings};

pub use ambient::TestAmbient;
pub use server::{Received, Reply, Server};
pub use verify::{acs3_is_signed, oss4_is_signed};

pub const KEY_ID: &str = "LTAItestAccessKeyId0001";
pub const KEY_SECRET: &str = "testAccessKeySecret0001";

/// Returns settings that never wait for real, but for a peer that is silent.
pub fn settings(ambient: &Arc<TestAmbient>) -> Settings {
    let patience = Patience {
        answer: Duration::from_secs(2),
        silence: Duration::from_secs(1),
        attempts: 4,
        ..Patience::default()
    };
    Settings { ambient: ambient.clone(), patience, ..Settings::new(Credentials::new(KEY_ID, KEY_SECRET)) }
}
