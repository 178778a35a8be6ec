use super::{Conditions, Precondition, Validators, evaluate, http_date, is_fresh, none_match_holds, range_holds};
use crate::head::EntityTag;
use proptest::prelude::*;

const TAG: &str = "\"00000000000000ab\"";

#[test]
fn if_none_match_is_read_as_a_list_of_weakly_compared_tags() {
    for (header, expected) in [
        (TAG.to_owned(), true),
        (format!("W/{TAG}"), true),
        (format!("\"x\", {TAG}"), true),
        (format!("\"a,b\" ,\tW/{TAG} , \"y\""), true),
        (format!(",,{TAG}"), true),
        ("*".to_owned(), true),
        (" * ".to_owned(), true),
        (String::new(), false),
        ("\"x\"".to_owned(), false),
        (TAG.replace('"', ""), false),
        (format!("\"x, {TAG}"), false),
        (format!("w/{TAG}"), false),
        ("\"00000000000000AB\"".to_owned(), false),
        ("W/".to_owned(), false),
        ("W/*".to_owned(), false),
        ("\"".to_owned(), false),
    ] {
        assert_eq!(none_match_holds(&header, EntityTag::of(0xab)), expected, "{header}");
    }
}

#[test]
fn conditions_are_evaluated_in_the_order_of_the_standard() {
    use Precondition::{Failed, Holds, NotModified};
    let (before, at, after) =
        ("Tue, 05 Mar 2024 10:00:00 GMT", "Tue, 05 Mar 2024 10:00:01 GMT", "Tue, 05 Mar 2024 10:00:02 GMT");
    let current = Validators { entity_tag: Some(TAG), modified: http_date(at) };
    let none = Conditions::default();
    let other = "\"x\"";
    let weak = format!("W/{TAG}");
    for (conditions, expected) in [
        (none, Holds),
        (Conditions { if_match: Some(TAG), ..none }, Holds),
        (Conditions { if_match: Some("*"), ..none }, Holds),
        (Conditions { if_match: Some("\"x\", \"y\""), ..none }, Failed),
        (Conditions { if_match: Some(&weak), ..none }, Failed),
        (Conditions { if_match: Some(TAG), if_unmodified_since: Some(before), ..none }, Holds),
        (Conditions { if_match: Some(TAG), if_none_match: Some(TAG), ..none }, NotModified),
        (Conditions { if_match: Some(other), if_none_match: Some(TAG), ..none }, Failed),
        (Conditions { if_unmodified_since: Some(before), ..none }, Failed),
        (Conditions { if_unmodified_since: Some(at), ..none }, Holds),
        (Conditions { if_unmodified_since: Some("yesterday"), ..none }, Holds),
        (Conditions { if_modified_since: Some(before), ..none }, Holds),
        (Conditions { if_modified_since: Some(at), ..none }, NotModified),
        (Conditions { if_modified_since: Some(after), ..none }, NotModified),
        (Conditions { if_modified_since: Some("0"), ..none }, Holds),
        (Conditions { if_none_match: Some(other), if_modified_since: Some(after), ..none }, Holds),
        (Conditions { if_none_match: Some(&weak), if_modified_since: Some(before), ..none }, NotModified),
    ] {
        assert_eq!(evaluate(conditions, current), expected, "{conditions:?}");
    }
    let dateless = Validators { entity_tag: Some(TAG), modified: None };
    assert_eq!(evaluate(Conditions { if_modified_since: Some(after), ..none }, dateless), Holds);
    assert_eq!(evaluate(Conditions { if_unmodified_since: Some(before), ..none }, dateless), Holds);
}

#[test]
fn a_range_needs_the_very_same_state() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let current = Validators { entity_tag: Some(TAG), modified: http_date(date) };
    for (if_range, expected) in [
        (TAG, true),
        (" \"00000000000000ab\"", true),
        ("\"x\"", false),
        ("W/\"00000000000000ab\"", false),
        (date, true),
        ("Sun, 06 Nov 1994 08:49:38 GMT", false),
        ("*", false),
        ("", false),
    ] {
        assert_eq!(range_holds(if_range, current), expected, "{if_range}");
    }
}

#[test]
fn a_reload_is_never_fresh() {
    let conditions = Conditions { if_none_match: Some(TAG), ..Conditions::default() };
    let current = Validators { entity_tag: Some(TAG), modified: None };
    for (cache_control, expected) in
        [(None, true), (Some("max-age=0"), true), (Some("max-age=0, no-cache"), false), (Some("x-no-cache"), true)]
    {
        assert_eq!(is_fresh(conditions, cache_control, current), expected, "{cache_control:?}");
    }
}

#[test]
fn all_three_forms_of_a_date_are_read() {
    for (text, expected) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
        ("Sun, 06 Nov 1994 08111111111111111111111111111:49:37 GMT", None),
        ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
        ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
        ("Thu, 29 Feb 2024 23:59:60 GMT", Some(1_709_251_200)),
        ("Fri, 31 Dec 1999 23:59:59 GMT", Some(946_684_799)),
        ("Sun, 06 Nov 1994 08:49:37", None),
        ("Sun, 06 Nov 1994 08:49:37 CET", None),
        ("Sun, 06 nov 1994 08:49:37 GMT", None),
        ("Sun, 06 anF 1994 08:49:37 GMT", None),
        ("Sun, 32 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 24:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49 GMT", None),
        ("Sun, 06 Nov +994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT GMT", None),
        ("784111777", None),
        ("", None),
    ] {
        assert_eq!(http_date(text), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn any_headers_get_an_answer(list: String, date: String, tag in "\"[a-c,]{0,3}\"") {
        let conditions = Conditions {
            if_match: Some(&list),
            if_unmodified_since: Some(&date),
            if_none_match: Some(&list),
            if_modified_since: Some(&date),
        };
        let current = Validators { entity_tag: Some(&tag), modified: Some(0) };
        let _ = (evaluate(conditions, current), range_holds(&list, current));
    }

    #[test]
    fn days_follow_each_other(day in 1u32..28, month in 0usize..12, year in 1000u32..9999) {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let date = |day: u32| http_date(&format!("Mon, {day:02} {} {year} 12:00:00 GMT", MONTHS[month]));
        prop_assert_eq!(date(day + 1), date(day).map(|seconds| seconds + 86_400));
    }
}
