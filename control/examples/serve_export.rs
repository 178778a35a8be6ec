//! Serves what `make_site` of the edge crate left in a folder: `serve_export OUT`.
//!
//! The comparison of the routine's homes (`edge/tests/parity.mjs`) takes this as the native one. Prints the URL once it
//! listens, and ends with its standard input.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use miaobu_control::edge_server::{EdgeConfig, EdgeServer};
use miaobu_control::provider::local::{LocalEdgeKv, LocalObjectStore};
use miaobu_control::provider::{EdgeKv as _, KvEntry};
use miaobu_control::store::{Access, Db, Location};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::args().nth(1).ok_or("usage: serve_export OUT")?);
    let db = Db::open(&Location::Sqlite(out.join("miaobu.db")), Access::ReadWrite).await?;
    let kv = Arc::new(LocalEdgeKv::new(db));
    let mut entries = Vec::new();
    for file in fs::read_dir(out.join("kv"))? {
        let file = file?;
        let key = file.file_name().into_string().map_err(|_| "a key that is not UTF-8")?;
        entries.push(KvEntry { key, value: Some(fs::read(file.path())?.into()), generation: 1 });
    }
    kv.write(entries).await?;
    let objects = LocalObjectStore::open(out.join("objects"))?;
    let config = EdgeConfig::new(([127, 0, 0, 1], 0).into());
    let server = EdgeServer::bind(config, Arc::clone(&kv) as _, Arc::new(objects)).await?;
    println!("http://{}", server.local_addr());
    let (stop, stopped) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = stop.send(());
    });
    server
        .serve(async {
            let _ = stopped.await;
        })
        .await;
    Ok(())
}
