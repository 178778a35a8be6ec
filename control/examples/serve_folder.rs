//! Serves the files of a folder by the edge alone: `serve_folder FOLDER DATA_DIR [ADDR] [HOST]`.
//!
//! The files are deployed into DATA_DIR, without a control plane, and served under HOST (`site.localhost`). Prints the
//! address once it listens, serves until it is killed.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use miaobu_control::edge_server::{EdgeConfig, EdgeServer};
use miaobu_control::provider::local::{LocalEdgeKv, LocalObjectStore};
use miaobu_control::provider::{EdgeKv as _, KvEntry, ObjectKey, ObjectStore as _};
use miaobu_control::store::{Access, Db, Location};
use miaobu_edge::RouteRecord;
use miaobu_edge::build::{SiteBuilder, SiteSettings};
use miaobu_edge::record::{KeyEncoding, key, site_key, site_object};
use sha2::{Digest as _, Sha256};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DEPLOYMENT: i64 = 1;
const FOLDER: &str = "projects/site/1";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: serve_folder FOLDER DATA_DIR [ADDR] [HOST]")?);
    let data_dir = PathBuf::from(arguments.next().ok_or("DATA_DIR is missing")?);
    let addr = arguments.next().as_deref().unwrap_or("127.0.0.1:8787").parse()?;
    let host = arguments.next().unwrap_or_else(|| "site.localhost".to_owned());

    fs::create_dir_all(&data_dir)?;
    let db = Db::open(&Location::Sqlite(data_dir.join("miaobu.db")), Access::ReadWrite).await?;
    let kv = Arc::new(LocalEdgeKv::new(db));
    let objects = LocalObjectStore::open(data_dir.join("objects"))?;
    let server = EdgeServer::bind(EdgeConfig::new(addr), Arc::clone(&kv) as _, Arc::new(objects.clone())).await?;
    let blob = store(&folder, &data_dir, &objects).await?;
    let record = RouteRecord { site: Some(site_key(DEPLOYMENT)), ..RouteRecord::of_static("site", FOLDER, DEPLOYMENT) };
    let entry = |key, value| KvEntry { key, value: Some(value), generation: DEPLOYMENT };
    kv.write(vec![entry(site_key(DEPLOYMENT), blob), entry(key(&host, KeyEncoding::Plain), record.to_json().into())])
        .await?;
    println!("http://{host}:{}", server.local_addr().port());
    server.serve(std::future::pending()).await;
    Ok(())
}

/// Links every file into the object store, and returns the site blob.
async fn store(folder: &Path, data_dir: &Path, objects: &LocalObjectStore) -> Result<Bytes, Box<dyn Error>> {
    let mut builder = SiteBuilder::new(SiteSettings::default());
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in fs::read_dir(current)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
                continue;
            }
            let path = format!("/{}", entry.path().strip_prefix(folder)?.to_str().ok_or("a name is not UTF-8")?);
            let content = fs::read(entry.path())?;
            builder.file(&path, &Sha256::digest(&content).into(), content.len() as u64)?;
            let stored = data_dir.join("objects").join(format!("{FOLDER}{path}"));
            fs::create_dir_all(stored.parent().ok_or("a file has a folder")?)?;
            if !stored.exists() {
                fs::hard_link(entry.path(), &stored).or_else(|_| fs::write(&stored, &content))?;
            }
        }
    }
    let blob = Bytes::from(builder.finish()?);
    objects.put(&ObjectKey::parse(site_object(FOLDER))?, blob.clone()).await?;
    Ok(blob)
}
