//! What the scripted server knows, and its answers when nothing is scripted.

use std::collections::{BTreeMap, VecDeque};

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::http::{Answer, Head, Request};
use super::{Fault, TOKEN};

const NOW: &str = "2026-01-02T03:04:05.678Z";

/// State and journal of one server.
pub struct World {
    pub port: u16,
    pub faults: VecDeque<(&'static str, Fault)>,
    /// Every operation in the order of arrival, faults included.
    pub journal: Vec<&'static str>,
    pub projects: Vec<String>,
    /// By hash: what has arrived.
    pub blobs: BTreeMap<String, Vec<u8>>,
    deployments: Vec<Scheduled>,
    /// What each further deployment ends as, `deployed` when nothing is said.
    pub endings: VecDeque<&'static str>,
    /// The deployment that the edge shows, whatever the API says.
    pub edge_shows: Option<i64>,
}

struct Scheduled {
    project: String,
    request: Value,
    status: &'static str,
    active: bool,
}

impl World {
    pub fn new(port: u16) -> Self {
        Self {
            port,
            faults: VecDeque::new(),
            journal: Vec::new(),
            projects: Vec::new(),
            blobs: BTreeMap::new(),
            deployments: Vec::new(),
            endings: VecDeque::new(),
            edge_shows: None,
        }
    }

    /// How often an operation was asked for.
    pub fn count(&self, operation: &str) -> usize {
        self.journal.iter().filter(|known| **known == operation).count()
    }

    /// Notes the request; returns the fault that waits for it.
    pub fn fault_for(&mut self, head: &Head) -> Option<Fault> {
        let operation = operation(head);
        self.journal.push(operation);
        let index = self.faults.iter().position(|(wanted, _)| *wanted == operation)?;
        self.faults.remove(index).map(|(_, fault)| fault)
    }

    pub fn answer(&mut self, request: &Request) -> Answer {
        let head = &request.head;
        if head.header("host").is_some_and(|host| host.contains(".localhost")) {
            return self.edge();
        }
        let authorization = head.header("authorization");
        if operation(head) != "login" && authorization != Some(&format!("Bearer {TOKEN}")) {
            return Answer::problem(401, "invalid_token");
        }
        let parts: Vec<&str> = head.path.split('/').skip(5).collect();
        match (operation(head), parts.as_slice()) {
            ("login", _) => Answer::data(200, json!({"session_token": TOKEN, "expires_at": NOW, "user": user()})),
            ("getUser", _) => Answer::data(200, user()),
            ("unlinkIdentity", [_, "7"]) => Answer { status: 204, headers: Vec::new(), body: Vec::new() },
            ("unlinkIdentity", [_, "8"]) => Answer::problem(409, "last_way_in"),
            ("getProject", [slug]) if self.has(slug) => Answer::data(200, self.project(slug)),
            ("createProject", _) => self.create_project(&request.body),
            ("createDeployment", [slug, _]) if self.has(slug) => self.create(slug, &request.body),
            (operation, [id, rest @ ..]) => match id.parse() {
                Ok(id) if self.deployments.len() as i64 >= id => self.deployment_answer(operation, id, rest, request),
                _ => Answer::problem(404, "not_found"),
            },
            _ => Answer::problem(404, "not_found"),
        }
    }

    fn deployment_answer(&mut self, operation: &str, id: i64, rest: &[&str], request: &Request) -> Answer {
        match operation {
            "getDeployment" => Answer::data(200, self.deployment(id)),
            "getUpload" => Answer::data(200, self.upload(id)),
            "uploadBlobs" => self.receive_batch(&request.body),
            "uploadBlob" => {
                let offset = request.head.parameter("offset").unwrap().parse().unwrap();
                self.receive_part(rest[1], offset, &request.body)
            }
            "finishDeployment" => self.finish(id),
            _ => Answer::problem(404, "not_found"),
        }
    }

    fn edge(&self) -> Answer {
        let active = self.deployments.iter().position(|deployment| deployment.active).map(|index| index as i64 + 1);
        match self.edge_shows.or(active) {
            Some(id) => {
                let headers = vec![("x-miaobu-deployment", id.to_string())];
                Answer { status: 200, headers, body: b"hello".to_vec() }
            }
            None => Answer { status: 421, headers: Vec::new(), body: Vec::new() },
        }
    }

    fn has(&self, slug: &str) -> bool {
        self.projects.iter().any(|known| known == slug)
    }

    fn project(&self, slug: &str) -> Value {
        json!({
            "id": 1, "team_id": 1, "slug": slug, "kind": "static", "status": "creating", "url": self.site(slug), "active_deployment_id": null,
            "settings": {"html_handling": "auto", "not_found": "404_page", "spa_fallback": "navigation", "redirects_first": false, "redirect_status": "308",
                "dialect": "best", "index_redirects": false, "undecodable_paths": "keep", "navigation_prefers_assets": false},
            "created_at": NOW, "updated_at": NOW,
        })
    }

    fn site(&self, label: &str) -> String {
        format!("http://{label}.localhost:{}", self.port)
    }

    fn create_project(&mut self, body: &[u8]) -> Answer {
        let request: Value = serde_json::from_slice(body).unwrap();
        let slug = request["slug"].as_str().unwrap();
        self.projects.push(slug.to_owned());
        Answer::data(201, self.project(slug))
    }

    fn create(&mut self, slug: &str, body: &[u8]) -> Answer {
        let request = serde_json::from_slice(body).unwrap();
        self.deployments.push(Scheduled { project: slug.to_owned(), request, status: "uploading", active: false });
        let id = self.deployments.len() as i64;
        Answer::data(201, json!({"deployment": self.deployment(id), "upload": self.upload(id)}))
    }

    fn deployment(&self, id: i64) -> Value {
        let deployment = &self.deployments[id as usize - 1];
        let files = deployment.request["files"].as_array().unwrap();
        let mut value = json!({
            "id": id, "project_id": 1, "project": deployment.project, "environment": "production",
            "status": deployment.status, "source": "upload", "active": deployment.active,
            "file_count": files.len(), "size_bytes": files.iter().filter_map(|file| file["size_bytes"].as_i64()).sum::<i64>(),
            "url": self.site(&deployment.project), "pinned_url": self.site(&format!("{}-d{id}", deployment.project)),
            "created_at": NOW, "branch": null, "commit_sha": null, "commit_message": null, "commit_sequence": null, "env_version": 0, "error": null,
            "deployed_at": null, "deadline_at": null,
        });
        if deployment.status == "failed" {
            value["error"] = json!({"code": "storage_full", "message": "the disk is full"});
        }
        value
    }

    fn upload(&self, id: i64) -> Value {
        let files = self.deployments[id as usize - 1].request["files"].as_array().unwrap();
        let sizes: BTreeMap<&str, i64> =
            files.iter().map(|file| (file["sha256"].as_str().unwrap(), file["size_bytes"].as_i64().unwrap())).collect();
        let received = |hash: &str| self.blobs.get(hash).map_or(-1, |blob| blob.len() as i64);
        let missing: Vec<(&str, i64, i64)> = sizes
            .into_iter()
            .map(|(hash, size)| (hash, size, received(hash)))
            .filter(|(_, size, received)| received < size)
            .map(|(hash, size, received)| (hash, size, received.max(0)))
            .collect();
        let bytes: i64 = missing.iter().map(|(_, size, received)| size - received).sum();
        let list: Vec<Value> = missing
            .iter()
            .map(|(hash, size, received)| json!({"sha256": hash, "size_bytes": size, "received_bytes": received}))
            .collect();
        json!({"missing": list, "missing_bytes": bytes})
    }

    fn receive_batch(&mut self, mut body: &[u8]) -> Answer {
        let mut count = 0;
        while let Some((head, rest)) = body.split_at_checked(40) {
            let length = u64::from_be_bytes(*head.last_chunk().unwrap()) as usize;
            let Some((content, rest)) = rest.split_at_checked(length) else { break };
            if head[..32] != *Sha256::digest(content) {
                return Answer::problem(422, "hash_mismatch");
            }
            self.blobs.insert(HEXLOWER.encode(&head[..32]), content.to_vec());
            count += 1;
            body = rest;
        }
        Answer::data(200, json!({"received_blobs": count, "received_bytes": 0, "missing_blobs": 0}))
    }

    fn receive_part(&mut self, hash: &str, offset: usize, body: &[u8]) -> Answer {
        let blob = self.blobs.entry(hash.to_owned()).or_default();
        if blob.len() != offset {
            return Answer::problem(409, "offset_mismatch");
        }
        blob.extend_from_slice(body);
        Answer::data(200, json!({"sha256": hash, "received_bytes": blob.len(), "complete": false}))
    }

    fn finish(&mut self, id: i64) -> Answer {
        if self.upload(id)["missing"] != json!([]) {
            return Answer::problem(409, "blobs_missing");
        }
        let ending = self.endings.pop_front().unwrap_or("deployed");
        if ending == "deployed" {
            self.deployments.iter_mut().for_each(|other| other.active = false);
        }
        let deployment = &mut self.deployments[id as usize - 1];
        // `overtaken` stands for a newer deployment having become the active one meanwhile.
        deployment.status = if ending == "overtaken" { "deployed" } else { ending };
        deployment.active = ending == "deployed";
        Answer::data(202, self.deployment(id))
    }
}

fn user() -> Value {
    let identity = |id: i64| json!({"id": id, "provider": "github", "subject": format!("4{id}"), "created_at": NOW});
    json!({"id": 1, "login": "ada", "name": null, "email": null, "identities": [identity(7), identity(8)], "created_at": NOW})
}

fn operation(head: &Head) -> &'static str {
    let parts: Vec<&str> = head.path.split('/').skip(1).collect();
    match (head.method.as_str(), parts.as_slice()) {
        ("POST", ["api", "v1", "auth", "login"]) => "login",
        ("GET", ["api", "v1", "public", "user"]) => "getUser",
        ("DELETE", ["api", "v1", "public", "user", "identities", _]) => "unlinkIdentity",
        ("GET", ["api", "v1", "public", "projects", _]) => "getProject",
        ("POST", ["api", "v1", "public", "projects"]) => "createProject",
        ("POST", ["api", "v1", "public", "projects", _, "deployments"]) => "createDeployment",
        ("GET", ["api", "v1", "public", "deployments", _]) => "getDeployment",
        ("GET", ["api", "v1", "public", "deployments", _, "upload"]) => "getUpload",
        ("PUT", ["api", "v1", "public", "deployments", _, "blobs"]) => "uploadBlobs",
        ("PUT", ["api", "v1", "public", "deployments", _, "blobs", _]) => "uploadBlob",
        ("POST", ["api", "v1", "public", "deployments", _, "finish"]) => "finishDeployment",
        _ => "other",
    }
}
