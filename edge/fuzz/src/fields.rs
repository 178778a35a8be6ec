//! Header fields that visitors send: conditions, ranges, lists with weights.

use miaobu_edge::conditional::{Conditions, Validators, http_date, is_fresh};
use miaobu_edge::negotiate::{best_coding, best_language};
use miaobu_edge::range::{Selection, select};

/// The first byte is a size; the rest is the field.
pub fn fields(data: &[u8]) {
    let (size, rest) = super::choose(data);
    let size = size as u64;
    let Ok(field) = std::str::from_utf8(rest) else { return };
    if let Selection::Part(part) = select(field, size) {
        assert!(part.start <= part.end && part.end < size && part.length() <= size, "{part:?} of {size} bytes");
    }
    let codings = ["br", "gzip", "identity"];
    assert!(best_coding(field, &codings).is_none_or(|chosen| chosen < codings.len()));
    let languages = ["de", "zh-hk", "en"];
    assert!(best_language(field, &languages).is_none_or(|chosen| chosen < languages.len()));
    let _ = http_date(field);
    let conditions = Conditions {
        if_match: Some(field),
        if_none_match: Some(field),
        if_modified_since: Some(field),
        if_unmodified_since: Some(field),
    };
    let _ = is_fresh(conditions, Some(field), Validators::default());
}
