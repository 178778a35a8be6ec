//! Reading an image in place, and writing one. All numbers are little-endian.
//!
//! Offsets of a damaged image may wrap around; what is read then is some other part of the image, or nothing.

/// The `u32` at `offset`.
#[inline(never)]
pub fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().copied().map(u32::from_le_bytes)
}

/// The `u16` at `offset`.
pub fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().copied().map(u16::from_le_bytes)
}

/// The bytes at `offset` that a `u16` length goes before.
#[inline(never)]
pub fn block_at(bytes: &[u8], offset: u32) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let length = usize::from(u16_at(bytes, start)?);
    bytes.get(start.checked_add(2)?..)?.get(..length)
}

/// Splits off a text that a `u8` length goes before.
#[inline(never)]
pub fn short_text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((core::str::from_utf8(text).ok()?, rest))
}

/// Appends `block` with its length before it and returns its offset; `None` when it is too long for that.
#[cfg(feature = "build")]
pub fn push_block(out: &mut Vec<u8>, block: &[u8]) -> Option<u32> {
    let offset = u32::try_from(out.len()).ok()?;
    out.extend(u16::try_from(block.len()).ok()?.to_le_bytes());
    out.extend(block);
    Some(offset)
}

/// Appends `text` with its length before it; `None` when it is longer than 255 bytes.
#[cfg(feature = "build")]
pub fn push_short_text(out: &mut Vec<u8>, text: &str) -> Option<()> {
    out.push(u8::try_from(text.len()).ok()?);
    out.extend(text.bytes());
    Some(())
}
