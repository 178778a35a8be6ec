//! Function Compute 3.0, API 2023-03-30.
//!
//! A function is code and settings; its HTTP trigger gives it an address of its own, under which browsers download instead of
//! showing; people are sent to a custom domain.

mod domains;
mod functions;
mod invocations;
mod layers;
mod triggers;
mod versions;

use bytes::Bytes;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::client::Repeat;
use crate::encode::{Pairs, percent};
use crate::openapi::{Body, Call, OpenApi};
use crate::{Error, ErrorKind, Settings};

pub use domains::{CertConfig, CustomDomain, CustomDomainPage, CustomDomainSettings, Route, RouteConfig};
pub use functions::{
    Code, CustomRuntimeConfig, Function, FunctionCode, FunctionPage, FunctionSettings, HealthCheckConfig,
    LayerReference, LogConfig, ScalingConfig, VpcConfig,
};
pub use invocations::Invocation;
pub use layers::{Layer, LayerPage, LayerSettings};
pub use triggers::{AuthType, HttpTrigger, HttpTriggerConfig, Trigger, TriggerPage};
pub use versions::{Alias, AliasPage, AliasSettings, Version, VersionPage};

const VERSION: &str = "2023-03-30";

/// A client of Function Compute. Its usual endpoint is `fcv3.{region}.aliyuncs.com`.
#[derive(Debug)]
pub struct Fc {
    api: OpenApi,
}

/// An answer that says nothing but that it was done.
#[derive(Debug, Default, Deserialize)]
struct Done {}

/// Which page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// What names begin with.
    pub prefix: Option<String>,
    /// How many at most: 100.
    pub limit: Option<u32>,
    /// What the page before gave for the next one.
    pub next_token: Option<String>,
}

/// What is asked.
struct Ask<'a, B> {
    action: &'static str,
    method: Method,
    /// The path's segments, not encoded.
    path: &'a [&'a str],
    query: Pairs,
    body: Option<&'a B>,
    repeat: Repeat,
}

impl Fc {
    /// Returns a client of the service at `endpoint`: `https://host`, `http://host:port`, or a host alone. Fails with
    /// [`ErrorKind::Invalid`] when it is no such thing.
    pub fn new(endpoint: &str, settings: Settings) -> Result<Self, Error> {
        Ok(Self { api: OpenApi::new("FC", VERSION, endpoint, settings)? })
    }

    async fn get<T: DeserializeOwned>(&self, action: &'static str, path: &[&str], query: Pairs) -> Result<T, Error> {
        self.ask::<(), T>(Ask { action, method: Method::GET, path, query, body: None, repeat: Repeat::Safe }).await
    }

    async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        action: &'static str,
        path: &[&str],
        body: &B,
    ) -> Result<T, Error> {
        let (query, repeat) = (Vec::new(), Repeat::Unsafe);
        self.ask(Ask { action, method: Method::POST, path, query, body: Some(body), repeat }).await
    }

    async fn put<B: Serialize, T: DeserializeOwned>(
        &self,
        action: &'static str,
        path: &[&str],
        body: &B,
    ) -> Result<T, Error> {
        let (query, repeat) = (Vec::new(), Repeat::Safe);
        self.ask(Ask { action, method: Method::PUT, path, query, body: Some(body), repeat }).await
    }

    /// Deletes; that there is nothing is no error.
    async fn remove(&self, action: &'static str, path: &[&str]) -> Result<(), Error> {
        let (query, repeat) = (Vec::new(), Repeat::Safe);
        let ask = Ask { action, method: Method::DELETE, path, query, body: None, repeat };
        match self.ask::<(), Done>(ask).await {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    async fn ask<B: Serialize, T: DeserializeOwned>(&self, ask: Ask<'_, B>) -> Result<T, Error> {
        let Ask { action, method, path, query, body, repeat } = ask;
        let body = body.map(serde_json::to_vec).transpose().map_err(|error| {
            Error::new("FC", action, ErrorKind::Invalid, "the request does not serialise").because(error)
        })?;
        let body = body.map(|text| Body { content_type: "application/json; charset=utf-8", bytes: Bytes::from(text) });
        let path: String = path.iter().map(|segment| format!("/{}", percent(segment))).collect();
        let path = format!("/{VERSION}{path}");
        self.api.call(&Call { action, method, path: &path, query: &query, headers: &[], body, repeat }).await
    }
}

impl PageRequest {
    fn query(&self) -> Pairs {
        let limit = self.limit.map(|limit| limit.to_string());
        let pairs = [("prefix", self.prefix.clone()), ("limit", limit), ("nextToken", self.next_token.clone())];
        pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

fn qualified(qualifier: Option<&str>) -> Pairs {
    qualifier.map(|qualifier| ("qualifier".to_owned(), qualifier.to_owned())).into_iter().collect()
}
