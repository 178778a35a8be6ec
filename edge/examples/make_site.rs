//! Turns a folder into what a deployment leaves behind: objects and edge KV, as two folders of plain files.
//!
//!     make_site FOLDER OUT HOST SLUG ID [shell] [noindex] [older]
//!
//! `OUT/objects` then holds the object store, keys as paths, and `OUT/kv` the values under their keys. `older` leaves the
//! site blob out, as the older system's records do.

use miaobu_edge::build::{SiteBuilder, SiteSettings};
use miaobu_edge::record::{KeyEncoding, RouteRecord, key, site_key, site_object};
use miaobu_edge::{Shell, Site};
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, out, host, slug, id, options @ ..] = arguments.as_slice() else {
        return Err("usage: make_site FOLDER OUT HOST SLUG ID [shell] [noindex] [older]".into());
    };
    let has = |option: &str| options.iter().any(|given| given == option);
    let id: i64 = id.parse()?;
    let oss_path = format!("projects/{slug}/{id}");
    let objects = Path::new(out).join("objects");
    let shell = if has("shell") { Shell::Navigations } else { Shell::Off };
    let mut builder = SiteBuilder::new(SiteSettings { shell, ..SiteSettings::default() });
    add_folder(&mut builder, Path::new(folder), "", &objects.join(&oss_path))?;
    let mut record = RouteRecord {
        updated_at: "2026-01-02T03:04:05.678Z".to_owned(),
        noindex: has("noindex"),
        ..RouteRecord::of_static(slug, &oss_path, id)
    };
    let kv = Path::new(out).join("kv");
    fs::create_dir_all(&kv)?;
    if !has("older") {
        let blob = builder.finish()?;
        fs::write(objects.join(site_object(&oss_path)), &blob)?;
        fs::write(kv.join(site_key(id)), &blob)?;
        println!("{} files, {} bytes of site", Site::load(blob.clone())?.file_count(), blob.len());
        record.site = Some(site_key(id));
    }
    fs::write(kv.join(key(host, KeyEncoding::Plain)), record.to_json())?;
    Ok(())
}

fn add_folder(builder: &mut SiteBuilder, folder: &Path, prefix: &str, objects: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(objects)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let path = format!("{prefix}/{}", name.to_str().ok_or("a name that is not UTF-8")?);
        if entry.file_type()?.is_dir() {
            add_folder(builder, &entry.path(), &path, &objects.join(name))?;
        } else {
            let content = fs::read(entry.path())?;
            builder.file(&path, &Sha256::digest(&content).into(), content.len() as u64)?;
            fs::write(objects.join(name), content)?;
        }
    }
    Ok(())
}
