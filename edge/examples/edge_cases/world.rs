//! A deployed site in memory, and requests to it as a visitor sends them.

use miaobu_edge::build::{SiteBuilder, SiteFile, SiteSettings};
use miaobu_edge::record::site_key;
use miaobu_edge::{Decision, Failure, Head, Kind, Lookup, Method, Request, RouteRecord, Settings, Site, decide, fail};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::home::Home;
use super::outcome::{NO_MODULE, Outcome};
use super::parts;

/// A file of a deployment.
pub struct StoredFile {
    /// Its path, which begins with `/`.
    pub path: String,
    /// Its content.
    pub body: Vec<u8>,
    /// Its stored variants, in the order of `Coding::ALL`.
    pub coded: [Option<Vec<u8>>; 3],
}

/// A deployed site.
pub struct World {
    /// How it is served.
    pub settings: SiteSettings,
    /// Its files.
    pub files: Vec<StoredFile>,
    /// Whether the project has a function too.
    pub has_function: bool,
}

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub method: String,
    pub host: String,
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub secure: bool,
    pub country: Option<String>,
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The URL and method with which another server was asked.
    pub proxied: Option<(String, String)>,
}

impl Answered {
    /// The value of a header; repeated ones are joined.
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> =
            self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
        if values.is_empty() { None } else { Some(values.join(", ")) }
    }
}

/// Where the function of a case is said to be.
pub const FUNCTION: &str = "http://function.test";

/// A world as a deployment leaves it.
pub struct Deployed {
    /// The route record, JSON.
    pub record: RouteRecord,
    /// The site blob.
    pub blob: Vec<u8>,
    /// Objects by their keys.
    pub objects: Vec<(String, Vec<u8>)>,
    site: Site,
}

impl World {
    /// Deploys it under a number.
    pub fn deploy(&self, id: i64) -> Result<Deployed, String> {
        let folder = format!("projects/case/{id}");
        let mut builder = SiteBuilder::new(self.settings.clone());
        let mut objects = Vec::new();
        for file in &self.files {
            let coded_sizes = [0, 1, 2].map(|coding| file.coded[coding].as_ref().map_or(0, |body| body.len() as u32));
            let sha256 = Sha256::digest(&file.body).into();
            let (path, size) = (file.path.as_str(), file.body.len() as u64);
            let added =
                builder.add(&SiteFile { path, sha256: &sha256, size, coded_sizes, link: None, retained: false });
            added.map_err(|error| error.to_string())?;
            objects.push((format!("{folder}{path}"), file.body.clone()));
            for (suffix, body) in ["br", "zst", "gz"].into_iter().zip(&file.coded) {
                objects.extend(body.as_ref().map(|body| (format!("{folder}.{suffix}{path}"), body.clone())));
            }
        }
        let blob = builder.finish().map_err(|error| error.to_string())?;
        let site = Site::load(blob.clone()).map_err(|error| error.to_string())?;
        let mut record = RouteRecord::of_static("case", &folder, id);
        record.site = Some(site_key(id));
        if self.has_function {
            record.kind = Kind::Node;
            record.fc_endpoint = FUNCTION.to_owned();
        }
        Ok(Deployed { record, blob, objects, site })
    }
}

/// The core itself, its decisions carried out here.
pub struct Native;

impl Home for Native {
    fn look(&mut self, suite: &str, case: &Value) -> Result<Outcome, String> {
        Ok(parts::runner(suite).map_or(Outcome::Unclaimed { why: NO_MODULE }, |run| run(case)))
    }

    fn ask(&mut self, deployed: &Deployed, asked: &Asked) -> Result<Answered, String> {
        let lookup = Lookup::Found { record: &deployed.record, site: Some(&deployed.site) };
        let mut request = Request::new(Method::parse(&asked.method), &asked.host, &asked.target);
        request.secure = asked.secure;
        request.country = asked.country.as_deref();
        for (name, value) in &asked.headers {
            request.header(name, value);
        }
        let value = |name: &str| asked.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let named: Vec<_> = deployed.site.field_names().filter_map(|name| Some((name, value(name)?))).collect();
        for (name, value) in named {
            request.named_field(name, value);
        }
        let settings = Settings::default();
        let decision = decide(&lookup, &request, &settings);
        if let Decision::Serve(serve) = &decision
            && serve.with_body
            && !deployed.objects.iter().any(|(key, _)| *key == serve.object.key())
        {
            return Ok(carry_out(fail(Failure::ObjectMissing, &lookup, &request, &settings), deployed, asked));
        }
        Ok(carry_out(decision, deployed, asked))
    }
}

fn carry_out(decision: Decision<'_>, deployed: &Deployed, asked: &Asked) -> Answered {
    match decision {
        Decision::Serve(serve) => {
            let stored = deployed.objects.iter().find(|(key, _)| *key == serve.object.key());
            let mut body = stored.map(|(_, body)| body.clone()).filter(|_| serve.with_body).unwrap_or_default();
            if let Some(range) = serve.range.filter(|_| serve.with_body) {
                body = body[range.start as usize..=range.end as usize].to_vec();
            }
            answered(&serve.head, body)
        }
        Decision::NotModified(head) | Decision::Redirect(head) => answered(&head, Vec::new()),
        Decision::Refuse { head, body } => answered(&head, body.as_bytes().to_vec()),
        Decision::Proxy(proxy) => {
            let mut answer = answered(&proxy.head, Vec::new());
            answer.status = 200;
            answer.proxied = Some((proxy.url, asked.method.clone()));
            answer
        }
        // A whole site has no shards.
        Decision::Probe(_) | Decision::Shard(_) | Decision::ReadForm { .. } => Answered::default(),
    }
}

fn answered(head: &Head<'_>, body: Vec<u8>) -> Answered {
    let mut answer = Answered { status: head.status, body, ..Answered::default() };
    head.for_each_header(|name, value| answer.headers.push((name.to_owned(), value.to_owned())));
    answer
}
