//! Writing a blob's frame.

use super::BuildError;
use crate::site::format;

/// A blob being written: the fixed header, the section table, and the sections behind it.
pub struct Blob {
    header: Vec<u8>,
    table: Vec<(u32, usize, usize)>,
    body: Vec<u8>,
}

impl Blob {
    pub fn new(flags: u32, files: usize, seed: u64, bucket_bits: u32) -> Result<Self, BuildError> {
        let files = u32::try_from(files).map_err(|_| BuildError::TooManyFiles)?;
        let mut header = format::MAGIC.to_vec();
        header.extend(format::VERSION.to_le_bytes());
        header.extend([0; 12]);
        header.extend(flags.to_le_bytes());
        header.extend(files.to_le_bytes());
        header.extend(seed.to_le_bytes());
        header.extend(bucket_bits.to_le_bytes());
        Ok(Self { header, table: Vec::new(), body: Vec::new() })
    }

    pub fn section(&mut self, kind: u32, bytes: impl IntoIterator<Item = u8>) {
        self.body.resize(self.body.len().next_multiple_of(8), 0);
        let start = self.body.len();
        self.body.extend(bytes);
        self.table.push((kind, start, self.body.len() - start));
    }

    pub fn finish(self) -> Result<Vec<u8>, BuildError> {
        let mut blob = self.header;
        blob.extend((self.table.len() as u32).to_le_bytes());
        let body_at = (blob.len() + self.table.len() * format::SECTION_ENTRY_LENGTH).next_multiple_of(8);
        for (kind, start, length) in self.table {
            for word in [kind, format::SECTION_VERSION, (body_at + start) as u32, length as u32] {
                blob.extend(word.to_le_bytes());
            }
        }
        blob.resize(body_at, 0);
        blob.extend(self.body);
        u32::try_from(blob.len()).map_err(|_| BuildError::TooManyFiles)?;
        seal(&mut blob);
        Ok(blob)
    }
}

/// Writes the length and the checksum that a blob of these bytes has, whatever else is in them: for tests of damage that
/// a checksum would hide.
pub fn seal(blob: &mut [u8]) {
    let length = blob.len() as u32;
    patch(blob, 12, &length.to_le_bytes());
    let checksum = crate::hash::hash(blob.get(format::CHECKED_FROM..).unwrap_or_default(), 0);
    patch(blob, 16, &checksum.to_le_bytes());
}

fn patch(blob: &mut [u8], offset: usize, bytes: &[u8]) {
    if let Some(place) = blob.get_mut(offset..offset + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}
