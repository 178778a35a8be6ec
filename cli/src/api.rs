//! The API in the CLI's words: the only place that knows the generated client.

mod accounts;
mod failure;
mod guards;
mod jobs;
mod objects;
mod operators;
mod resources;
mod routine;

use std::time::Duration;

use data_encoding::HEXLOWER;
use miaobu_client::{Client, Error, ResponseValue, Retries, types};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{ClientBuilder, Url};

pub use failure::cause;
pub use guards::NewShareLink;
pub use miaobu_client::types::{Deployment, DeploymentStatus, LogLine, Project, User};
pub use miaobu_client::types::{ExplainRequest, ExplainedRule, Explanation, RequestHeader};

use crate::args::Environment;
use crate::credentials::Secret;
use crate::errors::{Failure, Kind};
use crate::loopback;
use crate::retry::new_key;
use crate::scan::{Hash, ScannedFile};
use crate::upload::Missing;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
// A peer that vanished without a word is noticed by these; an upload that is merely slow is not cut off.
const KEEPALIVE: Duration = Duration::from_secs(15);
const LARGEST_PAGE: u32 = 100;

/// The API of one server, on behalf of one caller.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    url: String,
}

/// A login that has yet to become a token.
#[derive(Debug)]
pub struct Session {
    api: Api,
    /// Who logged in.
    pub login: String,
}

/// What is asked for with a new deployment.
#[derive(Debug)]
pub struct NewDeployment<'a> {
    /// The same for every try, so that only one of them makes a deployment.
    pub key: &'a str,
    pub environment: Environment,
    pub branch: Option<&'a str>,
    pub commit_sha: Option<&'a str>,
    pub commit_message: Option<&'a str>,
    pub commit_sequence: Option<i64>,
    pub files: &'a [ScannedFile],
}

/// Returns what every HTTP client of the program has in common, for requests to `url`.
pub fn client_builder(url: &Url) -> ClientBuilder {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("miaobu/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(loopback::Resolver)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none());
    let builder = if loopback::is_loopback(url) { builder.no_proxy() } else { builder };
    // Reading the system's certificates takes longer than a small deployment.
    if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder }
}

impl Api {
    /// Returns a client for the server at `url`, a valid address.
    pub fn new(url: &str, token: Option<&Secret>) -> Result<Self, Failure> {
        let parsed = url.parse().map_err(|_| Failure::usage(format!("{url:?} is not a server's address")))?;
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value: HeaderValue = format!("Bearer {}", token.reveal()).parse().map_err(|_| {
                Failure::new(Kind::NotLoggedIn, "invalid_token", "the token has characters that no token has")
                    .hint("check MIAOBU_TOKEN, or log in again with `miaobu login`")
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = client_builder(&parsed)
            .default_headers(headers)
            .tcp_keepalive(KEEPALIVE)
            .build()
            .map_err(|error| Failure::new(Kind::Failed, "no_client", cause(&error)))?;
        Ok(Self { client: Client::new_with_client(url, client, Retries::attempts(1)), url: url.to_owned() })
    }

    /// Exchanges a one-time code for a session.
    pub async fn login(&self, code: &str) -> Result<Session, Failure> {
        let body = types::Login { code: code.to_owned() };
        self.session(self.answer(self.client.login().body(body).send().await)?.data)
    }

    fn session(&self, session: types::Session) -> Result<Session, Failure> {
        let api = Self::new(&self.url, Some(&Secret::new(session.session_token)))?;
        Ok(Session { api, login: session.user.login })
    }

    /// Returns whose token is in use.
    pub async fn user(&self) -> Result<User, Failure> {
        Ok(self.answer(self.client.get_user().send().await)?.data)
    }

    /// Lists the caller's newest projects, at most `limit`.
    pub async fn projects(&self, limit: u32) -> Result<Vec<Project>, Failure> {
        all_pages(limit, async |limit, cursor| {
            let request = self.client.list_projects().limit(limit);
            let request = cursor.into_iter().fold(request, |request, cursor: String| request.cursor(cursor));
            let page = self.answer(request.send().await)?;
            Ok((page.data, page.next_cursor))
        })
        .await
    }

    /// Returns a project by slug or id.
    pub async fn project(&self, project: &str) -> Result<Project, Failure> {
        Ok(self.answer(self.client.get_project().project(project).send().await)?.data)
    }

    /// Whether the caller has this project.
    pub async fn has_project(&self, project: &str) -> Result<bool, Failure> {
        match self.project(project).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.kind == Kind::NotFound => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Makes a project.
    pub async fn create_project(&self, slug: &str) -> Result<(), Failure> {
        let body = types::NewProject { slug: slug.to_owned(), settings: None, team_id: None };
        self.answer(self.client.create_project().idempotency_key(new_key()).body(body).send().await).map(drop)
    }

    /// Lists the newest deployments of a project, at most `limit`.
    pub async fn deployments(
        &self,
        project: &str,
        environment: Option<Environment>,
        limit: u32,
    ) -> Result<Vec<Deployment>, Failure> {
        all_pages(limit, async |limit, cursor| {
            let request = self.client.list_deployments().project(project).limit(limit);
            let request = environment.into_iter().fold(request, |request, only| request.environment(only));
            let request = cursor.into_iter().fold(request, |request, cursor: String| request.cursor(cursor));
            let page = self.answer(request.send().await)?;
            Ok((page.data, page.next_cursor))
        })
        .await
    }

    /// Makes a deployment; returns it and what the server lacks of its files.
    pub async fn create_deployment(
        &self,
        project: &str,
        new: &NewDeployment<'_>,
    ) -> Result<(Deployment, Vec<Missing>), Failure> {
        let body = types::NewDeployment {
            environment: Some(new.environment.into()),
            branch: new.branch.map(str::to_owned),
            commit_sha: new.commit_sha.map(str::to_owned),
            commit_message: new.commit_message.map(str::to_owned),
            commit_sequence: new.commit_sequence,
            files: new.files.iter().map(manifest_file).collect(),
        };
        let request = self.client.create_deployment().project(project).idempotency_key(new.key).body(body);
        let started = self.answer(request.send().await)?.data;
        Ok((started.deployment, self.missing_blobs(&started.upload)?))
    }

    /// Returns what the server still lacks of a deployment.
    pub async fn missing(&self, id: i64) -> Result<Vec<Missing>, Failure> {
        let upload = self.answer(self.client.get_upload().deployment_id(id).send().await)?.data;
        self.missing_blobs(&upload)
    }

    /// Sends frames: hash, length and content of a file each.
    pub async fn put_batch(&self, id: i64, frames: reqwest::Body) -> Result<(), Failure> {
        self.answer(self.client.upload_blobs().deployment_id(id).body(frames).send().await).map(drop)
    }

    /// Sends a part of a large file from `offset` on.
    pub async fn put_part(&self, id: i64, hash: &Hash, offset: u64, part: reqwest::Body) -> Result<(), Failure> {
        let request = self.client.upload_blob().deployment_id(id).sha256(HEXLOWER.encode(hash)).offset(offset as i64);
        self.answer(request.body(part).send().await).map(drop)
    }

    /// Says that everything is uploaded.
    pub async fn finish(&self, id: i64) -> Result<(), Failure> {
        self.answer(self.client.finish_deployment().deployment_id(id).idempotency_key(new_key()).send().await).map(drop)
    }

    /// Returns a deployment; with `wait` when its status is final or that many seconds have passed.
    pub async fn deployment(&self, id: i64, wait: Option<i32>) -> Result<Deployment, Failure> {
        let request = self.client.get_deployment().deployment_id(id);
        let request = wait.into_iter().fold(request, |request, seconds| request.wait(seconds));
        Ok(self.answer(request.send().await)?.data)
    }

    /// Makes a deployment the active one.
    pub async fn promote(&self, id: i64, environment: Environment) -> Result<Deployment, Failure> {
        let body = types::Promotion { environment: Some(environment.into()) };
        Ok(self
            .answer(
                self.client.promote_deployment().deployment_id(id).idempotency_key(new_key()).body(body).send().await,
            )?
            .data)
    }

    /// Makes an earlier deployment the active one: `to`, or the one active before the present one.
    pub async fn rollback(
        &self,
        project: &str,
        environment: Environment,
        to: Option<i64>,
    ) -> Result<Deployment, Failure> {
        let body = types::Rollback { environment: Some(environment.into()), deployment_id: to };
        Ok(self
            .answer(self.client.rollback_project().project(project).idempotency_key(new_key()).body(body).send().await)?
            .data)
    }

    /// Tells what a request would get, and why.
    pub async fn explain(&self, request: ExplainRequest) -> Result<Explanation, Failure> {
        Ok(self.answer(self.client.explain_request().body(request).send().await)?.data)
    }

    /// Returns at most `limit` lines of a deployment's log after line `after`.
    pub async fn logs(&self, id: i64, after: i64, limit: u32) -> Result<Vec<LogLine>, Failure> {
        let request = self.client.get_deployment_logs().deployment_id(id).after(after).limit(limit);
        Ok(self.answer(request.send().await)?.data)
    }

    fn missing_blobs(&self, upload: &types::Upload) -> Result<Vec<Missing>, Failure> {
        let missing = upload.missing.iter().map(|blob| {
            let mut hash = [0; 32];
            let digits = blob.sha256.as_bytes();
            let whole = digits.len() == 64 && HEXLOWER.decode_mut(digits, &mut hash).is_ok();
            let (size, received) = (u64::try_from(blob.size_bytes).ok()?, u64::try_from(blob.received_bytes).ok()?);
            (whole && received <= size).then_some(Missing { hash, size, received })
        });
        missing.collect::<Option<_>>().ok_or_else(|| failure::not_ours(&self.url, None))
    }

    fn answer<T>(&self, answer: Result<ResponseValue<T>, Error<types::Problem>>) -> Result<T, Failure> {
        answer.map(ResponseValue::into_inner).map_err(|error| match error {
            Error::ErrorResponse(refused) => {
                let (status, retry_after) = (refused.status(), retry_after(refused.headers()));
                let problem = refused.into_inner();
                let fields = problem.errors.into_iter().map(|field| (field.pointer, field.detail)).collect();
                let refusal =
                    failure::Refusal { code: problem.code, detail: problem.detail, hint: problem.hint, fields };
                failure::refused(&self.url, status, refusal, retry_after)
            }
            Error::CommunicationError(error) | Error::ResponseBodyError(error) | Error::InvalidUpgrade(error) => {
                failure::unanswered(&self.url, &error)
            }
            Error::UnexpectedResponse(answer) => failure::not_ours(&self.url, Some(answer.status())),
            Error::InvalidResponsePayload(..) => failure::not_ours(&self.url, None),
            Error::InvalidRequest(what) | Error::Custom(what) => Failure::new(Kind::Failed, "invalid_request", what),
        })
    }
}

impl Session {
    /// Makes an API token; returns its secret, which is shown this once.
    pub async fn create_token(&self, name: &str) -> Result<Secret, Failure> {
        let body = types::NewToken { name: name.to_owned(), expires_in_days: None, scopes: None, projects: None };
        let created =
            self.api.answer(self.api.client.create_token().idempotency_key(new_key()).body(body).send().await)?.data;
        Ok(Secret::new(created.token))
    }

    /// Ends the session.
    pub async fn logout(&self) -> Result<(), Failure> {
        self.api.answer(self.api.client.logout().send().await)
    }
}

impl From<Environment> for types::Environment {
    fn from(environment: Environment) -> Self {
        match environment {
            Environment::Production => Self::Production,
            Environment::Staging => Self::Staging,
            Environment::Preview => Self::Preview,
        }
    }
}

/// Reads page after page until there are `limit` objects or no more.
async fn all_pages<T>(
    limit: u32,
    page: impl AsyncFn(u32, Option<String>) -> Result<(Vec<T>, Option<String>), Failure>,
) -> Result<Vec<T>, Failure> {
    let limit = limit as usize;
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let left = u32::try_from(limit - all.len()).unwrap_or(LARGEST_PAGE).min(LARGEST_PAGE);
        let (objects, next) = page(left, cursor).await?;
        all.extend(objects);
        all.truncate(limit);
        if next.is_none() || all.len() == limit {
            return Ok(all);
        }
        cursor = next;
    }
}

fn manifest_file(file: &ScannedFile) -> types::ManifestFile {
    types::ManifestFile { path: file.path.clone(), sha256: HEXLOWER.encode(&file.hash), size_bytes: file.size as i64 }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}
