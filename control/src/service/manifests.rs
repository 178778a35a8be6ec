//! Manifests as objects: compact, since a large site's is read at each step of its deployment.
//!
//! Layout, little-endian: `MBM1`, count u32, then per file: length of the path u16, path, sha-256, size u64.

use bytes::Bytes;

use super::{Context, Error, Result, manifest_key, retained_key};
use crate::domain::{DeploymentId, Manifest, ManifestFile, Sha256, SitePath};
use crate::provider::{ObjectKey, ObjectStore};

const MAGIC: &[u8; 4] = b"MBM1";

/// Stores a deployment's manifest.
pub(crate) async fn put(context: &Context, id: DeploymentId, manifest: &Manifest) -> Result<()> {
    let key = manifest_key(id).map_err(Error::internal)?;
    Ok(context.objects.put(&key, encode(manifest)).await?)
}

/// Stores the list of files that a deployment has only for visitors with an older page.
pub(crate) async fn put_retained(context: &Context, id: DeploymentId, files: &Manifest) -> Result<()> {
    let key = retained_key(id).map_err(Error::internal)?;
    Ok(context.objects.put(&key, encode(files)).await?)
}

/// Returns a deployment's manifest, `None` when there is none.
pub(crate) async fn get(context: &Context, id: DeploymentId) -> Result<Option<Manifest>> {
    get_from(&*context.objects, id).await
}

/// The same from another store than that of the server.
pub(crate) async fn get_from(objects: &dyn ObjectStore, id: DeploymentId) -> Result<Option<Manifest>> {
    read(objects, &manifest_key(id).map_err(Error::internal)?).await
}

/// Returns the list of files that a deployment has only for visitors with an older page, `None` when there is none yet.
pub(crate) async fn get_retained(context: &Context, id: DeploymentId) -> Result<Option<Manifest>> {
    read(&*context.objects, &retained_key(id).map_err(Error::internal)?).await
}

async fn read(objects: &dyn ObjectStore, key: &ObjectKey) -> Result<Option<Manifest>> {
    let Some(object) = objects.get(key).await? else { return Ok(None) };
    let damaged = std::io::Error::other(format!("{key} is damaged"));
    let decoded = tokio::task::spawn_blocking(move || decode(&object.into_bytes()?).ok_or(damaged));
    Ok(Some(decoded.await.map_err(Error::internal)?.map_err(Error::internal)?))
}

fn encode(manifest: &Manifest) -> Bytes {
    let files = manifest.files();
    let length: usize = files.iter().map(|file| file.path.as_str().len() + 42).sum();
    let mut bytes = Vec::with_capacity(length + 8);
    bytes.extend(MAGIC);
    bytes.extend((files.len() as u32).to_le_bytes());
    for file in files {
        let path = file.path.as_str().as_bytes();
        bytes.extend((path.len() as u16).to_le_bytes());
        bytes.extend(path);
        bytes.extend(file.sha256.0);
        bytes.extend(file.size_bytes.to_le_bytes());
    }
    Bytes::from(bytes)
}

fn decode(bytes: &[u8]) -> Option<Manifest> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let count = u32::from_le_bytes(take(&mut rest)?) as usize;
    let mut files = Vec::with_capacity(count.min(Manifest::MAX_FILES));
    for _ in 0..count {
        let length = usize::from(u16::from_le_bytes(take(&mut rest)?));
        let (path, after) = rest.split_at_checked(length)?;
        rest = after;
        files.push(ManifestFile {
            path: SitePath::parse(std::str::from_utf8(path).ok()?).ok()?,
            sha256: Sha256(take(&mut rest)?),
            size_bytes: u64::from_le_bytes(take(&mut rest)?),
        });
    }
    rest.is_empty().then(|| Manifest::sorted(files))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_comes_back_whole_and_a_damaged_one_does_not() {
        let file = |path: &str, size_bytes| ManifestFile {
            path: SitePath::parse(path).expect("valid"),
            sha256: Sha256::of(path.as_bytes()),
            size_bytes,
        };
        let manifest = Manifest::new(vec![file("index.html", 5), file("ü/b", 0), file("c", 4_000_000_000)]);
        let manifest = manifest.expect("valid");
        let bytes = encode(&manifest);
        assert_eq!(decode(&bytes), Some(manifest));
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), None, "cut to {length}");
        }
        assert_eq!(decode(&[&bytes[..], b"x"].concat()), None);
    }
}
