//! What reading a deployment's files taught: the sizes of their coded forms, and the links of pages.
//!
//! All of it follows from a file's content, so the next deployment takes over what this one knows.
//!
//! Layout, little-endian: `MBR1`, count u32, then per blob: sha-256, three sizes u32, length of the links u16, links.

use std::collections::HashMap;

use bytes::Bytes;

use super::{Context, Error, Result, refinements_key};
use crate::domain::{DeploymentId, Sha256};

const MAGIC: &[u8; 4] = b"MBR1";

/// What is known of one blob.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Refinement {
    /// Size in each coding, in the order of `Coding::ALL`; 0 where it is not stored.
    pub(crate) coded_sizes: [u32; 3],
    /// The value of the `Link` header of a page.
    pub(crate) link: Option<String>,
}

/// What is known, by blob.
pub(crate) type Refinements = HashMap<Sha256, Refinement>;

/// Stores what is known of a deployment's blobs.
pub(crate) async fn put(context: &Context, id: DeploymentId, refinements: &Refinements) -> Result<()> {
    let key = refinements_key(id).map_err(Error::internal)?;
    Ok(context.objects.put(&key, encode(refinements)).await?)
}

/// Returns what is known of a deployment's blobs: nothing, where nobody has read them. What is damaged is not known.
pub(crate) async fn get(context: &Context, id: DeploymentId) -> Result<Refinements> {
    let key = refinements_key(id).map_err(Error::internal)?;
    let Some(object) = context.objects.get(&key).await? else { return Ok(Refinements::new()) };
    let read = tokio::task::spawn_blocking(move || Ok(decode(&object.into_bytes()?).unwrap_or_default()));
    read.await.map_err(Error::internal)?.map_err(|error: std::io::Error| Error::internal(error))
}

fn encode(refinements: &Refinements) -> Bytes {
    let mut bytes = Vec::with_capacity(8 + refinements.len() * 48);
    bytes.extend(MAGIC);
    bytes.extend((refinements.len() as u32).to_le_bytes());
    for (digest, refinement) in refinements {
        let link = refinement.link.as_deref().unwrap_or_default();
        bytes.extend(digest.0);
        bytes.extend(refinement.coded_sizes.iter().flat_map(|size| size.to_le_bytes()));
        bytes.extend((link.len() as u16).to_le_bytes());
        bytes.extend(link.bytes());
    }
    bytes.into()
}

fn decode(bytes: &[u8]) -> Option<Refinements> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let count = u32::from_le_bytes(take(&mut rest)?);
    let mut refinements = Refinements::new();
    for _ in 0..count {
        let digest = Sha256(take(&mut rest)?);
        let mut coded_sizes = [0; 3];
        for size in &mut coded_sizes {
            *size = u32::from_le_bytes(take(&mut rest)?);
        }
        let length = usize::from(u16::from_le_bytes(take(&mut rest)?));
        let (link, after) = rest.split_at_checked(length)?;
        rest = after;
        let link = Some(std::str::from_utf8(link).ok()?).filter(|link| !link.is_empty()).map(str::to_owned);
        refinements.insert(digest, Refinement { coded_sizes, link });
    }
    rest.is_empty().then_some(refinements)
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
    fn refinements_come_back_whole_and_damaged_ones_do_not() {
        let one = Refinement { coded_sizes: [1, 0, u32::MAX], link: Some("</a.js>; rel=\"preload\"".to_owned()) };
        let known = [(Sha256::of(b"a"), one), (Sha256::of(b"b"), Refinement::default())].into_iter().collect();
        let bytes = encode(&known);
        assert_eq!(decode(&bytes), Some(known));
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), None, "cut to {length}");
        }
    }
}
