use super::{ByteRange, Ranges, Selection, combine, parse, select};
use proptest::prelude::*;

fn part(start: u64, end: u64) -> Selection {
    Selection::Part(ByteRange { start, end })
}

#[test]
fn a_range_header_selects_a_part_the_whole_or_nothing() {
    use Selection::{Unsatisfiable, Whole};
    for (header, size, expected) in [
        ("bytes=0-9", 100, part(0, 9)),
        ("bytes=90-", 100, part(90, 99)),
        ("bytes=-7", 100, part(93, 99)),
        ("bytes=-700", 100, part(0, 99)),
        ("bytes=99-500", 100, part(99, 99)),
        ("bytes= 5 - 6 ", 100, part(5, 6)),
        ("bytes=0-18446744073709551615", 100, part(0, 99)),
        ("bytes=0-99999999999999999999999", 100, part(0, 99)),
        ("bytes=100-", 100, Unsatisfiable),
        ("bytes=9-3", 100, Unsatisfiable),
        ("bytes=-0", 100, Unsatisfiable),
        ("bytes=0-", 0, Unsatisfiable),
        ("bytes=-1", 0, Unsatisfiable),
        ("bytes=99999999999999999999999-", 100, Unsatisfiable),
        ("bytes=0-1,5-6", 100, Whole),
        ("bytes=0-1,2-6", 100, part(0, 6)),
        ("bytes=5-6,0-5", 100, part(0, 6)),
        ("bytes=300-400,5-6", 100, part(5, 6)),
        ("items=0-1", 100, Whole),
        ("bytes", 100, Whole),
        ("bytes=", 100, Whole),
        ("bytes=-", 100, Whole),
        ("bytes=+1-2", 100, Whole),
        ("bytes=1-2-3", 100, Whole),
    ] {
        assert_eq!(select(header, size), expected, "{header} of {size}");
    }
}

#[test]
fn a_header_with_a_crowd_of_ranges_is_ignored() {
    let crowd = vec!["0-1"; 65].join(",");
    assert_eq!(parse(&crowd, 100), Ranges::Malformed);
    assert_eq!(select(&format!("bytes={crowd}"), 100), Selection::Whole);
}

#[test]
fn joined_ranges_stand_where_the_earliest_part_stood() {
    let range = |(start, end)| ByteRange { start, end };
    for (given, expected) in [
        (vec![(0, 4), (10, 14)], vec![(0, 4), (10, 14)]),
        (vec![(10, 14), (0, 4), (5, 9)], vec![(0, 14)]),
        (vec![(50, 60), (0, 4), (2, 8)], vec![(50, 60), (0, 8)]),
        (vec![(0, 4), (50, 60), (3, 8)], vec![(0, 8), (50, 60)]),
        (vec![(0, 1), (4, 5), (8, 9), (1, 8)], vec![(0, 9)]),
    ] {
        let mut ranges = given.iter().copied().map(range).collect();
        combine(&mut ranges);
        assert_eq!(ranges, expected.into_iter().map(range).collect::<Vec<_>>(), "{given:?}");
    }
}

proptest! {
    #[test]
    fn a_selected_part_lies_within_the_file(header in "(bytes=)?[0-9,\\- a]{0,24}", size in 0u64..300) {
        if let Selection::Part(range) = select(&header, size) {
            prop_assert!(range.start <= range.end && range.end < size, "{header} of {size}: {range:?}");
            prop_assert!(range.length() <= size);
        }
    }

    #[test]
    fn joining_keeps_the_bytes_and_leaves_gaps_between(given in prop::collection::vec((0u64..40, 0u64..8), 0..8)) {
        let before: Vec<_> = given.iter().map(|(start, length)| ByteRange { start: *start, end: start + length }).collect();
        let mut after = before.clone();
        combine(&mut after);
        let covers = |ranges: &[ByteRange], byte| ranges.iter().any(|range| range.start <= byte && byte <= range.end);
        for byte in 0..64 {
            prop_assert_eq!(covers(&before, byte), covers(&after, byte));
        }
        after.sort_by_key(|range| range.start);
        prop_assert!(after.windows(2).all(|pair| pair[0].end + 1 < pair[1].start), "{:?}", after);
    }

    #[test]
    fn any_text_is_read(header: String, size: u64) {
        let _ = select(&header, size);
    }
}
