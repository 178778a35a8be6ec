use super::{Hmac, Sha256, equal, sha256, stretch};
use proptest::prelude::*;
use sha2::Digest as _;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn hashes_are_those_of_the_standard() {
    for (message, expected) in [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
        ),
    ] {
        assert_eq!(hex(&sha256(message.as_bytes())), expected, "{message}");
    }
    let million = vec![b'a'; 1_000_000];
    assert_eq!(hex(&sha256(&million)), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

#[test]
fn codes_are_those_of_rfc_4231() {
    let long = [0xaa; 131];
    let cases: [(&[u8], &[u8], &str); 6] = [
        (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        (
            &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25],
            &[0xcd; 50],
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        ),
        (
            &long,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            &long,
            b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        ),
    ];
    for (key, message, expected) in cases {
        assert_eq!(hex(&Hmac::new(key).code(message)), expected);
    }
}

#[test]
fn stretched_passwords_are_those_of_others() {
    // RFC 7914, 11; its vectors are of 64 bytes, of which the first block is all there is here.
    let expected = "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc";
    assert_eq!(hex(&stretch(b"passwd", b"salt", 1)), expected);
    let expected = "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a";
    assert_eq!(hex(&stretch(b"password", b"salt", 4_096)), expected);
}

proptest! {
    #[test]
    fn bytes_taken_in_any_parts_give_the_hash_of_the_whole(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..150), 0..4)) {
        let mut hash = Sha256::new();
        parts.iter().for_each(|part| hash.update(part));
        let expected: [u8; 32] = sha2::Sha256::digest(parts.concat()).into();
        prop_assert_eq!(hash.finish(), expected);
    }

    #[test]
    fn only_equal_secrets_are_equal(one in proptest::collection::vec(0u8..3, 0..4), two in proptest::collection::vec(0u8..3, 0..4)) {
        prop_assert_eq!(equal(&one, &two), one == two);
    }
}
