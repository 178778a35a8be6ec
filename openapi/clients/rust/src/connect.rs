//! Connections to a server.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, InvalidHeaderValue};

use crate::{Client, Retries};

/// How long making a connection may take. Requests have no limit of their own: an upload takes what it takes, and
/// `getDeployment` waits when asked to.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How to reach a server. The process must have installed a default `rustls` provider before a client is made.
#[derive(Clone, Default)]
pub struct Connection {
    base_url: String,
    token: Option<String>,
    user_agent: Option<String>,
    retries: Retries,
}

/// A client could not be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The token has characters that no header can carry.
    Token(InvalidHeaderValue),
    /// The HTTP client could not be set up.
    Client(reqwest::Error),
}

impl Connection {
    /// Returns a connection to the server at `base_url`, such as `http://127.0.0.1:8080`, with no credential.
    pub fn to(base_url: impl Into<String>) -> Self {
        Self { base_url: base_url.into().trim_end_matches('/').to_owned(), ..Self::default() }
    }

    /// Authenticates with an API token or a session's token.
    pub fn with_token(self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// Names the program to the server.
    pub fn with_user_agent(self, name: impl Into<String>) -> Self {
        Self { user_agent: Some(name.into()), ..self }
    }

    /// Says how often a request is tried.
    pub fn with_retries(self, retries: Retries) -> Self {
        Self { retries, ..self }
    }

    /// Returns the client. Nothing is sent yet.
    pub fn client(self) -> Result<Client, ConnectError> {
        let mut headers = HeaderMap::new();
        if let Some(token) = self.token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(ConnectError::Token)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let mut builder = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).default_headers(headers);
        if let Some(name) = self.user_agent {
            builder = builder.user_agent(name);
        }
        let client = builder.build().map_err(ConnectError::Client)?;
        Ok(Client::new_with_client(&self.base_url, client, self.retries))
    }
}

impl std::fmt::Display for ConnectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "the token has characters that no header can carry",
            Self::Client(_) => "the HTTP client could not be set up",
        })
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Token(error) => Some(error),
            Self::Client(error) => Some(error),
        }
    }
}
