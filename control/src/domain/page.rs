//! Pages of lists, by keyset on (created_at, id), newest first.

use chrono::{DateTime, TimeZone, Utc};

/// Where a page begins: after the row with this time and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The creation time of the last row of the page before.
    pub created_at: DateTime<Utc>,
    /// Its id.
    pub id: i64,
}

/// The text is not a cursor that this list gave out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the cursor was not made by this list with this filter")]
pub struct InvalidCursor;

impl Cursor {
    /// Returns the cursor as opaque text, bound to `filter` (whatever makes this list differ from others).
    pub fn encode(&self, filter: &str) -> String {
        let mut bytes = Vec::with_capacity(24);
        bytes.extend(self.created_at.timestamp_millis().to_be_bytes());
        bytes.extend(self.id.to_be_bytes());
        bytes.extend(checksum(&bytes, filter));
        data_encoding::BASE64URL_NOPAD.encode(&bytes)
    }

    /// Returns the cursor that [`Cursor::encode`] wrote with the same filter.
    pub fn decode(text: &str, filter: &str) -> Result<Self, InvalidCursor> {
        let bytes = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| InvalidCursor)?;
        let (body, sum) = bytes.split_at_checked(16).ok_or(InvalidCursor)?;
        if sum != checksum(body, filter) {
            return Err(InvalidCursor);
        }
        let number = |range| <[u8; 8]>::try_from(&body[range]).map(i64::from_be_bytes).map_err(|_| InvalidCursor);
        let created_at = Utc.timestamp_millis_opt(number(0..8)?).single().ok_or(InvalidCursor)?;
        Ok(Self { created_at, id: number(8..16)? })
    }
}

/// Guards against mixing up lists and against typing errors; a cursor grants nothing, so it needs no secret.
fn checksum(body: &[u8], filter: &str) -> [u8; 8] {
    use sha2::Digest as _;
    let digest = sha2::Sha256::new().chain_update(body).chain_update(filter).finalize();
    let mut sum = [0; 8];
    sum.copy_from_slice(&digest[..8]);
    sum
}

/// What part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// How many rows, 1 to 100.
    pub limit: u32,
    /// Where to begin; `None` for the newest.
    pub after: Option<Cursor>,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_whole_and_only_for_its_own_list() {
        let cursor =
            Cursor { created_at: Utc.timestamp_millis_opt(1_700_000_000_123).single().expect("valid"), id: 42 };
        let text = cursor.encode("projects:1");
        assert_eq!(Cursor::decode(&text, "projects:1"), Ok(cursor));
        assert_eq!(Cursor::decode(&text, "projects:2"), Err(InvalidCursor));
        assert_eq!(Cursor::decode(&text[1..], "projects:1"), Err(InvalidCursor));
        assert_eq!(Cursor::decode("", "projects:1"), Err(InvalidCursor));
        assert_eq!(Cursor::decode("%%", "projects:1"), Err(InvalidCursor));
    }
}
