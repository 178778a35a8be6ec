use super::{Site, SiteError};
use crate::build::{SiteBuilder, SiteSettings, seal};
use proptest::prelude::*;

fn blob(paths: &[String]) -> Vec<u8> {
    let mut builder = SiteBuilder::new(SiteSettings::default());
    for (index, path) in paths.iter().enumerate() {
        builder.file(path, &[index as u8; 32], index as u64).unwrap();
    }
    builder.finish().unwrap()
}

fn sample() -> Vec<u8> {
    blob(&["/index.html", "/404.html", "/assets/a-1234abcd.js", "/x/index.html"].map(str::to_owned))
}

#[test]
fn every_truncation_is_refused() {
    let whole = sample();
    for length in 0..whole.len() {
        assert!(Site::load(whole[..length].to_vec()).is_err(), "{length} bytes");
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let whole = sample();
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Site::load(damaged).is_err(), "bit {bit}");
    }
}

#[test]
fn a_blob_with_trailing_bytes_is_refused() {
    let mut long = sample();
    long.push(0);
    assert_eq!(Site::load(long).map(drop), Err(SiteError::Shape));
}

/// Puts the right checksum on bytes that the builder did not write.
#[test]
fn a_section_that_is_not_known_is_skipped_only_when_it_says_so() {
    for (kind, expected) in [
        (99, Err(SiteError::Version)),
        (u32::MAX >> 1, Err(SiteError::Version)),
        (99 | 1 << 31, Err(SiteError::Section)),
    ] {
        let mut blob = sample();
        // The header set section is the sixth in the table; without it the blob lacks a section that it needs.
        let entry = super::format::HEADER_LENGTH + 5 * super::format::SECTION_ENTRY_LENGTH;
        blob[entry..entry + 4].copy_from_slice(&u32::to_le_bytes(kind));
        seal(&mut blob);
        assert_eq!(Site::load(blob).map(drop), expected, "{kind}");
    }
}

#[test]
fn a_newer_version_is_refused() {
    let mut newer = sample();
    newer[8] = 2;
    assert_eq!(Site::load(newer).map(drop), Err(SiteError::Version));
}

/// Looks up everything there is to look up.
fn exercise(site: &Site) {
    for path in ["/", "/index.html", "/404.html", "/assets/a-1234abcd.js", "/x/", "/nowhere"] {
        if let Some(file) = site.file(path) {
            site.for_each_header(file.header_set, |_, _| {});
        }
    }
    for set in [0, 1, 0xfff, u16::MAX] {
        site.for_each_header(set, |_, _| {});
    }
}

proptest! {
    #[test]
    fn forged_bytes_with_a_right_checksum_are_read_within_bounds(at in 24usize..400, bytes in proptest::collection::vec(any::<u8>(), 1..9)) {
        let mut forged = sample();
        for (offset, byte) in bytes.into_iter().enumerate() {
            if let Some(place) = forged.get_mut(at + offset) {
                *place = byte;
            }
        }
        seal(&mut forged);
        if let Ok(site) = Site::load(forged) {
            exercise(&site);
        }
    }

    #[test]
    fn any_bytes_load_or_fail(bytes: Vec<u8>) {
        if let Ok(site) = Site::load(bytes) {
            exercise(&site);
        }
    }

    #[test]
    fn exactly_the_files_put_in_are_found(paths in proptest::collection::btree_set("(/[a-z]{1,3}){1,3}(\\.html|/index\\.html|\\.js|)", 0..60), other in "(/[a-z]{1,3}){1,3}") {
        let paths: Vec<String> = paths.into_iter().collect();
        let site = Site::load(blob(&paths)).unwrap();
        prop_assert_eq!(site.file_count(), paths.len());
        for (index, path) in paths.iter().enumerate() {
            prop_assert_eq!(site.file(path).map(|file| file.size), Some(index as u64));
        }
        prop_assert_eq!(site.file(&other).is_some(), paths.contains(&other));
    }
}
