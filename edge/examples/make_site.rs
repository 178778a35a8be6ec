//! Turns a folder into what a deployment leaves behind: objects and edge KV, as two folders of plain files.
//!
//!     make_site FOLDER OUT HOST SLUG ID [shell] [noindex] [older] [coded] [dated] [retained]
//!
//! `OUT/objects` then holds the object store, keys as paths, and `OUT/kv` the values under their keys. `older` leaves the
//! site blob out, as the older system's records do. `coded` stores stand-ins for the coded forms of text: what matters to
//! the edge is that they are other bytes. `dated` says when the deployment was made. `retained` adds a script that only an
//! earlier deployment has. What the site's own files say, `_redirects` and the like, is heeded.

use miaobu_edge::build::config::{self, ConfigFile, configure};
use miaobu_edge::build::{SiteBuilder, SiteFile, SiteSettings, links};
use miaobu_edge::record::{KeyEncoding, RouteRecord, key, site_key, site_object};
use miaobu_edge::{Coding, Shell, Site};
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, out, host, slug, id, options @ ..] = arguments.as_slice() else {
        return Err(
            "usage: make_site FOLDER OUT HOST SLUG ID [shell] [noindex] [older] [coded] [dated] [retained]".into()
        );
    };
    let has = |option: &str| options.iter().any(|given| given == option);
    let id: i64 = id.parse()?;
    let oss_path = format!("projects/{slug}/{id}");
    let objects = Path::new(out).join("objects");
    let shell = if has("shell") { Shell::Navigations } else { Shell::Off };
    let modified = has("dated").then_some(1_767_323_045);
    let mut files = Vec::new();
    list_folder(Path::new(folder), "", &mut files)?;
    let (configuration, files): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|path| config::FILES.contains(&path.as_str()));
    let texts = configuration
        .iter()
        .map(|path| Ok((path.as_str(), fs::read_to_string(format!("{folder}{path}"))?)))
        .collect::<Result<Vec<_>, std::io::Error>>()?;
    let texts: Vec<_> = texts.iter().map(|(path, text)| ConfigFile { path, text }).collect();
    let configured = configure(&texts, SiteSettings { shell, modified, ..SiteSettings::default() });
    for diagnostic in &configured.diagnostics {
        eprintln!("{diagnostic}");
    }
    let mut builder = SiteBuilder::new(configured.settings);
    for path in &files {
        let content = fs::read(format!("{folder}{path}"))?;
        store(&objects.join(format!("{oss_path}{path}")), &content)?;
        let coded_sizes = if has("coded") { store_coded(&objects.join(&oss_path), path, &content)? } else { [0; 3] };
        let link = if path.ends_with(".html") { links::extract(&content) } else { None };
        let sha256 = Sha256::digest(&content).into();
        let size = content.len() as u64;
        builder.add(&SiteFile { path, sha256: &sha256, size, coded_sizes, link: link.as_deref(), retained: false })?;
    }
    if has("retained") {
        let (path, content) = ("/assets/app-0Ld_er-1.js", b"console.log(0)".repeat(40));
        let folder = objects.join(&oss_path);
        store(&folder.join("assets/app-0Ld_er-1.js"), &content)?;
        let coded_sizes = store_coded(&folder, path, &content)?;
        let (sha256, size) = (Sha256::digest(&content).into(), content.len() as u64);
        builder.add(&SiteFile { path, sha256: &sha256, size, coded_sizes, link: None, retained: true })?;
    }
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

fn list_folder(folder: &Path, prefix: &str, files: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}/{}", entry.file_name().to_str().ok_or("a name that is not UTF-8")?);
        if entry.file_type()?.is_dir() {
            list_folder(&entry.path(), &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn store(file: &Path, content: &[u8]) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(file.parent().ok_or("no folder")?)?;
    Ok(fs::write(file, content)?)
}

/// Which codings a file gets depends on its name, so that every combination occurs.
fn store_coded(folder: &Path, path: &str, content: &[u8]) -> Result<[u32; 3], Box<dyn Error>> {
    let mut sizes = [0; 3];
    let text = content.len() > 20 && !path.ends_with(".bin");
    for (index, coding) in Coding::ALL.into_iter().enumerate() {
        if text && path.len() >> index & 1 == 0 {
            let coded = [coding.name().as_bytes(), b":", &content[..content.len() / 2]].concat();
            let beside = format!("{}.{}{path}", folder.display(), coding.suffix());
            store(Path::new(&beside), &coded)?;
            sizes[index] = coded.len() as u32;
        }
    }
    Ok(sizes)
}
