//! The API, in the CLI's words. Provisional transport.

mod failure;

pub use failure::cause;

use chrono::{DateTime, Utc};
use reqwest::{Client, Method, RequestBuilder, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

use crate::args::Environment;
use crate::errors::{Failure, Kind};
use crate::loopback;
use crate::scan::{Hash, ScannedFile};
use crate::upload::Missing;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployment {
    pub id: i64,
    pub project: String,
    pub environment: String,
    pub branch: Option<String>,
    pub status: String,
    pub commit_message: Option<String>,
    pub file_count: i64,
    pub size_bytes: i64,
    pub url: String,
    pub pinned_url: String,
    pub active: bool,
    pub error: Option<DeploymentError>,
    pub created_at: DateTime<Utc>,
}
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeploymentError {
    pub code: String,
    pub message: String,
}
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Project {
    pub id: i64,
    pub slug: String,
    pub url: String,
    pub active_deployment_id: Option<i64>,
    pub created_at: DateTime<Utc>,
}
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    pub id: i64,
    pub login: String,
}
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogLine {
    pub seq: i64,
    pub at: DateTime<Utc>,
    pub level: String,
    pub text: String,
}
#[derive(Debug)]
pub struct NewDeployment<'a> {
    pub environment: Environment,
    pub branch: Option<&'a str>,
    pub commit_sha: Option<&'a str>,
    pub commit_message: Option<&'a str>,
    pub files: &'a [ScannedFile],
}
#[derive(Debug)]
pub struct Session {
    api: Api,
    pub login: String,
}
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    url: String,
}
#[derive(Deserialize)]
struct Data<T> {
    data: T,
}
#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

pub fn client_builder(url: &Url) -> reqwest::ClientBuilder {
    let mut builder =
        Client::builder().user_agent(concat!("miaobu/", env!("CARGO_PKG_VERSION"))).dns_resolver(loopback::Resolver);
    if loopback::is_loopback(url) {
        builder = builder.no_proxy();
    }
    if url.scheme() == "http" {
        builder = builder.tls_certs_only([]);
    }
    builder
}

impl Api {
    pub fn new(url: &str, token: Option<&str>) -> Result<Self, Failure> {
        let parsed: Url = url.parse().map_err(|_| Failure::usage("url"))?;
        let mut headers = reqwest::header::HeaderMap::new();
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().map_err(|_| Failure::usage("token"))?;
            headers.insert("authorization", value);
        }
        let client = client_builder(&parsed)
            .default_headers(headers)
            .connect_timeout(Duration::from_secs(5))
            .build()
            .map_err(|e| Failure::usage(e.to_string()))?;
        Ok(Self { client, url: url.to_owned() })
    }
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/api/v1{path}", self.url))
    }
    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let answer = request.send().await.map_err(|error| failure::unanswered(&self.url, &error))?;
        let status = answer.status();
        let retry_after =
            answer.headers().get("retry-after").and_then(|v| v.to_str().ok()?.parse().ok()).map(Duration::from_secs);
        let bytes = answer.bytes().await.map_err(|error| failure::unanswered(&self.url, &error))?;
        if status.is_success() {
            let bytes = if bytes.is_empty() { b"null".to_vec().into() } else { bytes };
            return serde_json::from_slice(&bytes).map_err(|_| failure::not_ours(&self.url, Some(status)));
        }
        let Ok(problem) = serde_json::from_slice::<Value>(&bytes) else {
            return Err(failure::not_ours(&self.url, Some(status)));
        };
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        let refusal = failure::Refusal {
            code: text("code"),
            detail: text("detail"),
            hint: problem["hint"].as_str().map(str::to_owned),
            fields: vec![],
        };
        Err(failure::refused(&self.url, status, refusal, retry_after))
    }
    async fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
        limit: u32,
    ) -> Result<Vec<T>, Failure> {
        let mut all: Vec<T> = vec![];
        let mut cursor: Option<String> = None;
        loop {
            let left = limit as usize - all.len();
            let mut url: Url = format!("{}/api/v1{path}", self.url).parse().map_err(|_| Failure::usage("x"))?;
            for (k, v) in query {
                url.query_pairs_mut().append_pair(k, v);
            }
            url.query_pairs_mut().append_pair("limit", &left.min(100).to_string());
            if let Some(c) = &cursor {
                url.query_pairs_mut().append_pair("cursor", c);
            }
            let page: Page<T> = self.send(self.client.get(url)).await?;
            all.extend(page.data);
            all.truncate(limit as usize);
            cursor = page.next_cursor;
            if cursor.is_none() || all.len() >= limit as usize {
                return Ok(all);
            }
        }
    }
    pub async fn login(&self, code: &str) -> Result<Session, Failure> {
        let d: Data<Value> = self.send(self.request(Method::POST, "/auth/login").json(&json!({"code": code}))).await?;
        Ok(Session {
            api: Api::new(&self.url, d.data["session_token"].as_str())?,
            login: d.data["user"]["login"].as_str().unwrap_or("").to_owned(),
        })
    }
    pub async fn user(&self) -> Result<User, Failure> {
        Ok(self.send::<Data<User>>(self.request(Method::GET, "/public/user")).await?.data)
    }
    pub async fn projects(&self, limit: u32) -> Result<Vec<Project>, Failure> {
        self.pages("/public/projects", &[], limit).await
    }
    pub async fn project(&self, p: &str) -> Result<Project, Failure> {
        Ok(self.send::<Data<Project>>(self.request(Method::GET, &format!("/public/projects/{p}"))).await?.data)
    }
    pub async fn has_project(&self, p: &str) -> Result<bool, Failure> {
        match self.project(p).await {
            Ok(_) => Ok(true),
            Err(f) if f.kind == Kind::NotFound => Ok(false),
            Err(f) => Err(f),
        }
    }
    pub async fn create_project(&self, slug: &str) -> Result<(), Failure> {
        self.send::<Value>(self.request(Method::POST, "/public/projects").json(&json!({"slug": slug})))
            .await
            .map(|_| ())
    }
    pub async fn deployments(
        &self,
        p: &str,
        environment: Option<Environment>,
        limit: u32,
    ) -> Result<Vec<Deployment>, Failure> {
        let q: Vec<_> = environment.iter().map(|e| ("environment", format!("{e:?}").to_lowercase())).collect();
        self.pages(&format!("/public/projects/{p}/deployments"), &q, limit).await
    }
    pub async fn create_deployment(
        &self,
        p: &str,
        new: &NewDeployment<'_>,
    ) -> Result<(Deployment, Vec<Missing>), Failure> {
        #[derive(Deserialize)]
        struct Created {
            deployment: Deployment,
            upload: Up,
        }
        let files: Vec<Value> = new
            .files
            .iter()
            .map(|f| json!({"path": f.path, "sha256": data_encoding::HEXLOWER.encode(&f.hash), "size_bytes": f.size}))
            .collect();
        let mut body = json!({"environment": format!("{:?}", new.environment).to_lowercase(), "files": files});
        for (k, v) in [("branch", new.branch), ("commit_sha", new.commit_sha), ("commit_message", new.commit_message)] {
            if let Some(v) = v {
                body[k] = v.into();
            }
        }
        let d: Data<Created> =
            self.send(self.request(Method::POST, &format!("/public/projects/{p}/deployments")).json(&body)).await?;
        Ok((d.data.deployment, d.data.upload.list()))
    }
    pub async fn missing(&self, id: i64) -> Result<Vec<Missing>, Failure> {
        Ok(self
            .send::<Data<Up>>(self.request(Method::GET, &format!("/public/deployments/{id}/upload")))
            .await?
            .data
            .list())
    }
    pub async fn put_batch(&self, id: i64, body: reqwest::Body) -> Result<(), Failure> {
        self.send::<Value>(
            self.request(Method::PUT, &format!("/public/deployments/{id}/blobs"))
                .header("content-type", "application/octet-stream")
                .body(body),
        )
        .await
        .map(|_| ())
    }
    pub async fn put_part(&self, id: i64, hash: &Hash, offset: u64, body: reqwest::Body) -> Result<(), Failure> {
        self.send::<Value>(
            self.request(
                Method::PUT,
                &format!("/public/deployments/{id}/blobs/{}?offset={offset}", data_encoding::HEXLOWER.encode(hash)),
            )
            .header("content-type", "application/octet-stream")
            .body(body),
        )
        .await
        .map(|_| ())
    }
    pub async fn finish(&self, id: i64) -> Result<(), Failure> {
        self.send::<Value>(self.request(Method::POST, &format!("/public/deployments/{id}/finish"))).await.map(|_| ())
    }
    pub async fn deployment(&self, id: i64, wait: Option<u64>) -> Result<Deployment, Failure> {
        let w = wait.map(|w| format!("?wait={w}")).unwrap_or_default();
        Ok(self
            .send::<Data<Deployment>>(self.request(Method::GET, &format!("/public/deployments/{id}{w}")))
            .await?
            .data)
    }
    pub async fn promote(&self, id: i64, e: Environment) -> Result<Deployment, Failure> {
        Ok(self
            .send::<Data<Deployment>>(
                self.request(Method::POST, &format!("/public/deployments/{id}/promote"))
                    .json(&json!({"environment": format!("{e:?}").to_lowercase()})),
            )
            .await?
            .data)
    }
    pub async fn rollback(&self, p: &str, e: Environment, to: Option<i64>) -> Result<Deployment, Failure> {
        let mut body = json!({"environment": format!("{e:?}").to_lowercase()});
        if let Some(to) = to {
            body["deployment_id"] = to.into();
        }
        Ok(self
            .send::<Data<Deployment>>(self.request(Method::POST, &format!("/public/projects/{p}/rollback")).json(&body))
            .await?
            .data)
    }
    pub async fn logs(&self, id: i64, after: i64, limit: u32) -> Result<Vec<LogLine>, Failure> {
        Ok(self
            .send::<Page<LogLine>>(
                self.request(Method::GET, &format!("/public/deployments/{id}/logs?after={after}&limit={limit}")),
            )
            .await?
            .data)
    }
}
#[derive(Deserialize)]
struct Up {
    missing: Vec<UpBlob>,
}
#[derive(Deserialize)]
struct UpBlob {
    sha256: String,
    size_bytes: u64,
    received_bytes: u64,
}
impl Up {
    fn list(self) -> Vec<Missing> {
        self.missing
            .iter()
            .filter_map(|b| {
                let mut hash = [0; 32];
                data_encoding::HEXLOWER.decode_mut(b.sha256.as_bytes(), &mut hash).ok()?;
                Some(Missing { hash, size: b.size_bytes, received: b.received_bytes })
            })
            .collect()
    }
}
impl Session {
    pub async fn create_token(&self, name: &str) -> Result<String, Failure> {
        let d: Data<Value> =
            self.api.send(self.api.request(Method::POST, "/tokens").json(&json!({"name": name}))).await?;
        Ok(d.data["token"].as_str().unwrap_or_default().to_owned())
    }
    pub async fn logout(&self) -> Result<(), Failure> {
        self.api.send::<Value>(self.api.request(Method::POST, "/auth/logout")).await.map(|_| ())
    }
}
