//! Turns a folder into what a deployment leaves behind: objects and edge KV, as two folders of plain files.
//!
//!     make_site FOLDER OUT HOST SLUG ID [shell] [noindex] [hsts] [older] [coded] [dated] [retained] [limit=BYTES] [many]
//!               [protection=TEXT] [split=TEXT] [pins=TEXT]
//!
//! `OUT/objects` then holds the object store, keys as paths, and `OUT/kv` the values under their keys. `older` leaves the
//! site blob out, as the older system's records do. `coded` stores stand-ins for the coded forms of text: what matters to
//! the edge is that they are other bytes. `dated` says when the deployment was made. `retained` adds a script that only an
//! earlier deployment has. What the site's own files say, `_redirects` and the like, is heeded. A blob longer than `limit` is
//! written in shards, as a real one past what a value of the edge KV holds. `many` adds 100,000 files, few of which are
//! stored, and 10,000 redirects in place of the site's own. The last three go into the record as they are.

use miaobu_edge::build::config::{self, ConfigFile, configure};
use miaobu_edge::build::{Blobs, KV_VALUE_LIMIT, SiteBuilder, SiteFile, SiteSettings, links};
use miaobu_edge::record::{Hidden, KeyEncoding, RouteRecord, key, shard_key, shard_objects, site_key, site_object};
use miaobu_edge::{Coding, Shell, Site};
use sha2::{Digest, Sha256};
use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, out, host, slug, id, options @ ..] = arguments.as_slice() else {
        return Err("usage: make_site FOLDER OUT HOST SLUG ID [OPTION…]".into());
    };
    let has = |option: &str| options.iter().any(|given| given == option);
    let id: i64 = id.parse()?;
    let oss_path = format!("projects/{slug}/{id}");
    let objects = Path::new(out).join("objects");
    let shell = if has("shell") { Shell::Navigations } else { Shell::Off };
    let modified = has("dated").then_some(1_767_323_045);
    let limit = options.iter().find_map(|option| option.strip_prefix("limit="));
    let limit = limit.map_or(Ok(KV_VALUE_LIMIT), str::parse)?;
    let mut files = Vec::new();
    list_folder(Path::new(folder), "", &mut files)?;
    let (configuration, files): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|path| config::FILES.contains(&path.as_str()));
    let texts = configuration
        .iter()
        .map(|path| Ok((path.as_str(), fs::read_to_string(format!("{folder}{path}"))?)))
        .collect::<Result<Vec<_>, std::io::Error>>()?;
    let many: String = (0..9_999).map(|rule| format!("/old/{rule} /many/{rule}.txt 301\n")).collect();
    let many = many + "/old/* /moved/:splat 302\n/show/:id /many/:id.txt 200\n/many/77.txt /forced 301!\n";
    let mut texts: Vec<_> = texts.iter().map(|(path, text)| ConfigFile { path, text }).collect();
    if has("many") {
        texts.retain(|file| file.path != "/_redirects");
        texts.push(ConfigFile { path: "/_redirects", text: &many });
    }
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
    if has("many") {
        for number in 0..100_000 {
            let (path, content) = (format!("/many/{number}.txt"), number.to_string().into_bytes());
            builder.file(&path, &Sha256::digest(&content).into(), content.len() as u64)?;
            if number % 10_000 < 3 {
                store(&objects.join(format!("{oss_path}{path}")), &content)?;
            }
        }
    }
    let text = |name: &str| options.iter().find_map(|option| option.strip_prefix(name)).unwrap_or_default().to_owned();
    let mut record = RouteRecord {
        protection: Hidden(text("protection=")),
        split: text("split="),
        pins: text("pins="),
        updated_at: "2026-01-02T03:04:05.678Z".to_owned(),
        noindex: has("noindex"),
        hsts: has("hsts"),
        ..RouteRecord::of_static(slug, &oss_path, id)
    };
    let kv = Path::new(out).join("kv");
    fs::create_dir_all(&kv)?;
    if !has("older") {
        let Blobs { whole, shards } = builder.finish_within(limit)?;
        let site = site_key(id);
        fs::write(objects.join(site_object(&oss_path)), &whole)?;
        fs::write(kv.join(&site), shards.as_ref().map_or(&whole, |shards| &shards.main))?;
        println!("{} files, {} bytes of site", Site::load(whole.clone())?.file_count(), whole.len());
        for (number, shard) in (0..).zip(shards.iter().flat_map(|shards| &shards.shards)) {
            let key = shard_key(&site, number);
            store(&objects.join(shard_objects(&oss_path)).join(&key), shard)?;
            fs::write(kv.join(&key), shard)?;
        }
        match shards {
            Some(shards) => println!("{} shards", shards.shards.len()),
            None if whole.len() > limit => return Err("no number of shards fits the limit".into()),
            None => {}
        }
        record.site = Some(site);
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
