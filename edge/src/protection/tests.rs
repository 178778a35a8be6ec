use super::{ACCESS_SECONDS, Password, Protection, own_target, without_own_cookies};
use crate::decision::{Decision, Lookup, Settings, decide};
use crate::record::{Hidden, Kind, RouteRecord};
use crate::request::{Method, Request};
use crate::secret::sha256;
use proptest::prelude::*;

const NOW: u64 = 1_800_000_000;
const TOKEN: &str = "mb_bypass_0123456789";

fn password() -> Password {
    Password::new("correct horse", [1; 16], 10)
}

fn text(key: u8, password: Option<Password>, links: &[u64]) -> String {
    let bypass = [sha256(b"another"), sha256(TOKEN.as_bytes())];
    Protection::to_text(&[key; 32], password.as_ref(), links, &bypass)
}

fn protected_by(protection: String) -> RouteRecord {
    RouteRecord {
        protection: Hidden(protection),
        ..RouteRecord::of_function(Kind::Node, "docs", "https://f.example", 42)
    }
}

fn access(link: u64, until: u64) -> String {
    Protection::parse(&record().protection).expect("a protection").access_cookie("docs", link, until)
}

fn share(link: u64, until: u64) -> String {
    Protection::parse(&record().protection).expect("a protection").share_token("docs", link, until)
}

fn record() -> RouteRecord {
    protected_by(text(7, Some(password()), &[3, 5]))
}

/// One line that says what became of a request, and the headers of an answer of ours.
fn ask_of(
    record: &RouteRecord,
    method: &str,
    target: &str,
    fields: &[(&str, &str)],
    form: Option<&str>,
) -> (String, Vec<String>) {
    let mut request = Request::new(Method::parse(method), "docs.localhost", target);
    request.now = Some(NOW);
    request.secure = true;
    request.form = form;
    fields.iter().for_each(|(name, value)| request.header(name, value));
    let decision = decide(&Lookup::Found { record, site: None }, &request, &Settings::default());
    let mut headers = Vec::new();
    let mut visit = |name: &str, value: &str| headers.push(format!("{name}: {value}"));
    let line = match &decision {
        Decision::Proxy(proxy) => {
            proxy.head.for_each_header(&mut visit);
            format!("proxy {}", proxy.url)
        }
        Decision::ReadForm { .. } => "form".to_owned(),
        Decision::Refuse { head, body } => {
            head.for_each_header(&mut visit);
            let to = body.split("name=\"to\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
            format!("{} {}", head.status, to.unwrap_or_default())
        }
        Decision::Redirect(head) => {
            head.for_each_header(&mut visit);
            format!("{} {}", head.status, head.location.as_deref().expect("where to"))
        }
        decision => panic!("{decision:?}"),
    };
    (line, headers)
}

fn ask(method: &str, target: &str, fields: &[(&str, &str)]) -> String {
    ask_of(&record(), method, target, fields, None).0
}

fn with_cookie(record: &RouteRecord, value: &str) -> String {
    ask_of(record, "GET", "/", &[("cookie", &format!("a=b; __miaobu_access={value}"))], None).0
}

const OPEN: &str = "proxy https://f.example/";

#[test]
fn visitors_who_are_not_let_in_get_the_form_and_nothing_else() {
    for (method, target, expected) in [
        ("GET", "/", "401 /"),
        ("GET", "/a/../b?c=%22&d", "401 /b?c=%22&amp;d"),
        ("HEAD", "/x", "401 "),
        ("POST", "/x", "401 /x"),
        ("OPTIONS", "/x", "401 /x"),
        ("GET", "//evil.example", "401 /evil.example"),
        ("GET", "/_miaobu/unlock", "401 /"),
        ("GET", "/x?_miaobu_share=5.1.ab&y", "401 /x?y"),
    ] {
        assert_eq!(ask(method, target, &[]), expected, "{method} {target}");
    }
    let (_, headers) = ask_of(&record(), "GET", "/", &[], None);
    for header in ["cache-control: no-store", "x-robots-tag: noindex", "www-authenticate: Cookie"] {
        assert!(headers.iter().any(|found| found == header), "{header} {headers:?}");
    }
}

#[test]
fn the_password_opens_and_its_cookie_keeps_open() {
    assert_eq!(ask("POST", "/_miaobu/unlock", &[]), "form");
    let unlock = |form| ask_of(&record(), "POST", "/_miaobu/unlock", &[], Some(form));
    assert_eq!(unlock("password=wrong+horse&to=%2Fa").0, "401 /a");
    assert_eq!(unlock("to=%2Fa").0, "401 /a");
    assert_eq!(unlock("").0, "401 /");
    let (line, headers) = unlock("to=%2Fa%3Fb%3D1&password=correct+horse");
    assert_eq!(line, "303 /a?b=1");
    assert!(headers.contains(&"cache-control: no-store".to_owned()));
    let cookie = headers.iter().find_map(|header| header.strip_prefix("set-cookie: __miaobu_access=")).unwrap();
    let (value, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(attributes, " Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure");
    assert_eq!(with_cookie(&record(), value), OPEN);
}

#[test]
fn nobody_is_sent_to_another_site() {
    for (target, expected) in [
        ("%2F%2Fevil.example", "303 /evil.example"),
        ("%2F%5C%5Cevil.example", "303 /evil.example"),
        ("%2F.%2F%2Fevil.example", "303 /evil.example"),
        ("%5Cevil.example", "303 /"),
        ("https%3A%2F%2Fevil.example", "303 /"),
        ("%2Fa%0D%0Aset-cookie%3Ax", "303 /a%0D%0Aset-cookie:x"),
        ("%2F%09%2Fevil.example", "303 /%09/evil.example"),
        ("%FF", "303 /"),
        ("", "303 /"),
    ] {
        let form = format!("password=correct+horse&to={target}");
        assert_eq!(ask_of(&record(), "POST", "/_miaobu/unlock", &[], Some(&form)).0, expected, "{target}");
    }
    let token = share(3, NOW + 1);
    assert_eq!(ask("GET", &format!("//evil.example/?_miaobu_share={token}"), &[]), "303 /evil.example/");
}

#[test]
fn answers_to_those_let_in_are_kept_nowhere() {
    let cookie = access(0, NOW + 1);
    let (_, headers) = ask_of(&record(), "GET", "/", &[("cookie", &format!("__miaobu_access={cookie}"))], None);
    assert!(headers.contains(&"cache-control: no-store".to_owned()), "{headers:?}");
    assert!(headers.contains(&"x-robots-tag: noindex".to_owned()), "{headers:?}");
}

#[test]
fn a_share_link_opens_until_it_ends_or_is_revoked() {
    let link = |id, until| format!("/a?x=1&_miaobu_share={}&y", share(id, until));
    let (line, headers) = ask_of(&record(), "GET", &link(3, NOW + 60), &[], None);
    assert_eq!(line, "303 /a?x=1&y");
    let cookie = headers.iter().find_map(|header| header.strip_prefix("set-cookie: __miaobu_access=")).unwrap();
    assert!(cookie.contains("Max-Age=60;"), "the cookie ends with the link: {cookie}");
    let value = cookie.split(';').next().unwrap();
    assert_eq!(with_cookie(&record(), value), OPEN);
    assert_eq!(with_cookie(&protected_by(text(7, Some(password()), &[5])), value), "401 /");
    assert_eq!(with_cookie(&protected_by(text(7, None, &[3])), value), OPEN);
    let (_, headers) = ask_of(&record(), "GET", &link(5, NOW + 10 * ACCESS_SECONDS), &[], None);
    assert!(headers.iter().any(|header| header.contains("Max-Age=604800;")), "{headers:?}");
    for (id, until) in [(3, NOW), (3, 0), (4, NOW + 60), (0, NOW + 60)] {
        assert_eq!(ask("GET", &link(id, until), &[]), "401 /a?x=1&amp;y", "{id} {until}");
    }
}

#[test]
fn a_bypass_token_opens_under_both_its_names() {
    for (name, token, expected) in [
        ("x-miaobu-bypass", TOKEN, OPEN),
        ("x-vercel-protection-bypass", TOKEN, OPEN),
        ("x-miaobu-bypass", "another", OPEN),
        ("x-miaobu-bypass", "mb_bypass_0123456788", "401 /"),
        ("x-miaobu-bypass", "", "401 /"),
        ("authorization", TOKEN, "401 /"),
    ] {
        assert_eq!(ask("GET", "/", &[(name, token)]), expected, "{name} {token}");
    }
}

#[test]
fn another_password_and_another_project_end_cookies() {
    let value = access(0, NOW + 1);
    assert_eq!(with_cookie(&record(), &value), OPEN);
    assert_eq!(with_cookie(&RouteRecord { project_slug: "other".to_owned(), ..record() }, &value), "401 /");
    let other = Password::new("correct horse", [2; 16], 10);
    for changed in [text(7, Some(other), &[]), text(7, None, &[0]), text(8, Some(password()), &[])] {
        assert_eq!(&with_cookie(&protected_by(changed), &value)[..3], "401");
    }
    for ended in [NOW, NOW - 1, 0] {
        assert_eq!(with_cookie(&record(), &access(0, ended)), "401 /");
    }
    // A link's token is no cookie, nor the other way round.
    assert_eq!(with_cookie(&record(), &share(3, NOW + 1)), "401 /");
}

#[test]
fn without_the_time_nothing_but_a_bypass_token_opens() {
    let value = format!("__miaobu_access={}", access(0, u64::MAX));
    let record = record();
    let mut request = Request::new(Method::Get, "docs.localhost", "/");
    request.header("cookie", &value);
    let lookup = Lookup::Found { record: &record, site: None };
    assert!(matches!(decide(&lookup, &request, &Settings::default()), Decision::Refuse { .. }));
}

#[test]
fn a_function_sees_neither_cookie_nor_token_nor_share_link() {
    let value = access(0, NOW + 1);
    let cookies = format!("a=b; __miaobu_access={value};__miaobu_split=7; c=d");
    let mut request = Request::new(Method::Get, "docs.localhost", "/x?_miaobu_share=1.2.3&y=1");
    request.now = Some(NOW);
    request.header("cookie", &cookies);
    request.header("x-miaobu-bypass", TOKEN);
    for record in [record(), protected_by(String::new())] {
        let lookup = Lookup::Found { record: &record, site: None };
        let Decision::Proxy(proxy) = decide(&lookup, &request, &Settings::default()) else { panic!() };
        assert_eq!(proxy.url, "https://f.example/x?y=1");
        assert!(proxy.set_request_headers.contains(&("cookie", "a=b; c=d".into())));
        for name in ["x-miaobu-bypass", "x-vercel-protection-bypass"] {
            assert!(proxy.remove_request_headers.contains(&name), "{name}");
        }
    }
    assert_eq!(without_own_cookies("__miaobu_access=1"), Some(String::new()));
    assert_eq!(without_own_cookies("a=__miaobu_access").as_deref(), Some("a=__miaobu_access"));
    assert_eq!(without_own_cookies("a=b"), None);
}

#[test]
fn secrets_are_not_printed() {
    let record = record();
    let printed = format!("{:?} {:?} {record:?}", Protection::parse(&record.protection), password());
    assert!(!printed.contains("7, 7") && !printed.contains("0707") && !printed.contains("1, 1"), "{printed}");
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(key: [u8; 32], salt: [u8; 16], verifier: [u8; 32], rounds in 1u64..20_000, has: bool, links: Vec<u64>, bypass: Vec<[u8; 32]>) {
        let password = has.then_some(Password { salt, rounds, verifier });
        let text = Protection::to_text(&key, password.as_ref(), &links, &bypass);
        let read = Protection::parse(&text).unwrap();
        prop_assert!(read.key == key && read.password == password);
        prop_assert!(super::list(read.links).map(|link| link.parse::<u64>().unwrap()).eq(links));
        prop_assert_eq!(super::list(read.bypass).count(), bypass.len());
    }

    #[test]
    fn no_cookie_that_was_not_signed_opens(value in "[0-9a-f.;=% ]{0,90}", link in 0u64..6, until: u64, code in "[0-9a-f]{64}") {
        for value in [value, format!("{link}.{until}.{code}")] {
            prop_assert_eq!(with_cookie(&record(), &value), "401 /");
            prop_assert_eq!(&ask("GET", &format!("/?_miaobu_share={}", value.replace([' ', ';', '%'], "")), &[])[..3], "401");
        }
    }

    #[test]
    fn no_flipped_bit_of_a_signed_value_is_accepted(bit in 0usize..81 * 8, of_link: bool) {
        let signed = if of_link { share(3, NOW + 9) } else { access(3, NOW + 9) };
        let mut bytes = signed.into_bytes();
        let place = bit / 8 % bytes.len();
        bytes[place] ^= 1 << (bit % 8);
        let Ok(flipped) = String::from_utf8(bytes) else { return Ok(()) };
        let answer = if of_link { ask("GET", &format!("/?_miaobu_share={flipped}"), &[]) } else { with_cookie(&record(), &flipped) };
        prop_assert_eq!(&answer[..3], "401");
    }

    #[test]
    fn clean_targets_stay_inside(target in "[/\\\\?&a=.%_]{0,12}") {
        let clean = own_target(&target);
        prop_assert!(clean.starts_with('/') && !clean.starts_with("//") && !clean.starts_with("/\\"), "{}", clean);
    }
}
