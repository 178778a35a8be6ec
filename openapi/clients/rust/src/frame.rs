//! The form in which `uploadBlobs` takes blobs: a row of frames, each a header and the blob's bytes.

/// How many bytes stand before a blob in a batch: its digest, and its length as a big-endian number.
pub const FRAME_HEADER_BYTES: usize = 32 + 8;

/// Returns what stands before a blob of `length` bytes in a batch.
pub fn frame_header(sha256: &[u8; 32], length: u64) -> [u8; FRAME_HEADER_BYTES] {
    let mut header = [0; FRAME_HEADER_BYTES];
    header[..32].copy_from_slice(sha256);
    header[32..].copy_from_slice(&length.to_be_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_the_digest_and_the_length() {
        let header = frame_header(&[7; 32], 0x0102);
        assert_eq!(header[..32], [7; 32]);
        assert_eq!(header[32..], [0, 0, 0, 0, 0, 0, 1, 2]);
    }
}
