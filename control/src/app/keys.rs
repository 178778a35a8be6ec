//! The keys that seal secrets.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use super::StartError;
use crate::config::Config;
use crate::random::SystemRandom;
use crate::service::Vault;

/// Returns the vault with the configured keys, or those in the data folder, where one is made when there is none: no key
/// that anybody else could know ever seals anything.
pub fn open(config: &Config) -> Result<Vault, StartError> {
    let path = config.data_dir.join("secret-keys");
    let text = match &config.secret_keys {
        Some(keys) => keys.reveal().to_owned(),
        None => read_or_make(&path).map_err(|source| StartError::DataDir { path: path.clone(), source })?,
    };
    Vault::parse(&text).map_err(|source| StartError::Keys { path, source })
}

fn read_or_make(path: &std::path::Path) -> io::Result<String> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            let key = Vault::new_key("first", &SystemRandom);
            file.write_all(key.as_bytes())?;
            file.sync_all()?;
            Ok(key)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => std::fs::read_to_string(path),
        Err(error) => Err(error),
    }
}
