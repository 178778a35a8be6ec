//! Calls of both styles.

use miaobu_aliyun::sign::acs3::{self, Request};
use miaobu_aliyun::sign::sha256_hex;

use super::{KEY_ID, KEY_SECRET, pairs};

struct Case {
    name: &'static str,
    key: (&'static str, &'static str),
    method: &'static str,
    path: &'static str,
    query: &'static [(&'static str, &'static str)],
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    /// Of the canonical request.
    sha256: &'static str,
    signature: &'static str,
}

const TEST: (&str, &str) = ("testAccessKeyId", "testAccessKeySecret");
const YOURS: (&str, &str) = ("YourAccessKeyId", "YourAccessKeySecret");
const LONG: (&str, &str) = (KEY_ID, KEY_SECRET);

const CASES: &[Case] = &[
    Case {
        name: "py-getkv-get",
        key: TEST,
        method: "GET",
        path: "/",
        query: &[("Key", "app.example.com"), ("Namespace", "routes")],
        headers: &[
            ("host", "esa.cn-hangzhou.aliyuncs.com"),
            ("x-acs-version", "2024-09-10"),
            ("x-acs-action", "GetKv"),
            ("user-agent", "esa-vector/1.0"),
            ("x-acs-date", "2026-01-15T08:30:00Z"),
            ("x-acs-signature-nonce", "0123456789abcdef0123456789abcdef"),
            ("accept", "application/json"),
            ("x-acs-credentials-provider", "static_ak"),
        ],
        body: "",
        sha256: "0cf69c3670c720901b7390b53030febf46a6cd3d67f0dcf52238b04911cc9b0c",
        signature: "d497e26ad5fa849674667103d8e7cdc0b92369bf1517f2c1a9524bd505d89811",
    },
    Case {
        name: "py-putkv-post-form",
        key: TEST,
        method: "POST",
        path: "/",
        query: &[("ExpirationTtl", "3600"), ("Key", "app.example.com"), ("Namespace", "routes")],
        headers: &[
            ("host", "esa.cn-hangzhou.aliyuncs.com"),
            ("x-acs-version", "2024-09-10"),
            ("x-acs-action", "PutKv"),
            ("user-agent", "esa-vector/1.0"),
            ("x-acs-date", "2026-01-15T08:31:05Z"),
            ("x-acs-signature-nonce", "11111111222222223333333344444444"),
            ("accept", "application/json"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-acs-credentials-provider", "static_ak"),
        ],
        body: "Value=%7B%22type%22%3A%22static%22%2C%22oss_path%22%3A%22projects%2Fdemo%2F42%22%2C%22note%22%3A%22a+b~c%2Ad%2Be%2F%C3%A9%22%7D",
        sha256: "2c12018fa8356437e4336845080f45d2c73baa28edd1fb61a279443865c25e35",
        signature: "6f6bf6af8edfa71a1060913900117883b9a05742dd1c84be481e6f703c2e5402",
    },
    Case {
        name: "py-purgecaches-post-sts",
        key: TEST,
        method: "POST",
        path: "/",
        query: &[
            ("Content", "{\"CacheKeys\":[],\"Hostnames\":[\"app.example.com\",\"www.例子.example\"]}"),
            ("SiteId", "1234567890123"),
            ("Type", "hostname"),
        ],
        headers: &[
            ("host", "esa.cn-hangzhou.aliyuncs.com"),
            ("x-acs-version", "2024-09-10"),
            ("x-acs-action", "PurgeCaches"),
            ("user-agent", "esa-vector/1.0"),
            ("x-acs-date", "2026-01-15T08:32:10Z"),
            ("x-acs-signature-nonce", "aaaaaaaabbbbbbbbccccccccdddddddd"),
            ("accept", "application/json"),
            ("x-acs-credentials-provider", "static_sts"),
            ("x-acs-accesskey-id", "testAccessKeyId"),
            ("x-acs-security-token", "testSecurityToken"),
        ],
        body: "",
        sha256: "190f7e3ef14ee785fdbc7d87ab5a161f9e31cbaddf865030cbb7d677ebcd26ba",
        signature: "37b095f2f7ea528011fb7cd97e6a58cb9597f7f772acb6acac494763e612370e",
    },
    Case {
        name: "py-publish-post-form",
        key: TEST,
        method: "POST",
        path: "/",
        query: &[],
        headers: &[
            ("host", "esa.cn-hangzhou.aliyuncs.com"),
            ("x-acs-version", "2024-09-10"),
            ("x-acs-action", "PublishRoutineCodeVersion"),
            ("user-agent", "esa-vector/1.0"),
            ("x-acs-date", "2026-01-15T08:33:00Z"),
            ("x-acs-signature-nonce", "99999999888888887777777766666666"),
            ("accept", "application/json"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-acs-credentials-provider", "static_ak"),
        ],
        body: "CodeVersion=1710120201067203242&Env=production&Name=edge-router",
        sha256: "d826337f98ce43954a17718d19d2ed20461df13f03e13b2c15a448e9a881b725",
        signature: "d3112ca627cde88cc5fce996de32ef9bc127d5c2412a22770ba15d5dab66ffc9",
    },
    Case {
        name: "node-getkv-get",
        key: TEST,
        method: "GET",
        path: "/",
        query: &[("Namespace", "routes"), ("Key", "app.example.com")],
        headers: &[
            ("host", "esa.cn-hangzhou.aliyuncs.com"),
            ("x-acs-version", "2024-09-10"),
            ("x-acs-action", "GetKv"),
            ("x-acs-date", "2026-01-15T08:30:00Z"),
            ("x-acs-signature-nonce", "0123456789abcdef0123456789abcdef"),
        ],
        body: "",
        sha256: "61ba05631789614829c8a7756a3c67dd54af44c57532cbe55b0ac1d4e4561571",
        signature: "bd2d0d70bf570461939d35160ea70bbcd1e1687d9141dcaa7b1cd65e25d60285",
    },
    Case {
        name: "node-putkv-post-form",
        key: TEST,
        method: "POST",
        path: "/",
        query: &[("Namespace", "routes"), ("Key", "app.example.com"), ("ExpirationTtl", "3600")],
        headers: &[
            ("host", "esa.cn-hangzhou.aliyuncs.com"),
            ("x-acs-version", "2024-09-10"),
            ("x-acs-action", "PutKv"),
            ("x-acs-date", "2026-01-15T08:31:05Z"),
            ("x-acs-signature-nonce", "11111111222222223333333344444444"),
            ("content-type", "application/x-www-form-urlencoded"),
        ],
        body: "Value=%7B%22type%22%3A%22static%22%2C%22oss_path%22%3A%22projects%2Fdemo%2F42%22%7D",
        sha256: "26ed8fbb9d9ff0bbe8af3aa4689c754ec976e7619e32c4734c05f36274cdb635",
        signature: "a9eecd94c05ec2e4c3ef25274d59e1de14a44cd6c71e8aaae9c0015339a573bc",
    },
    Case {
        name: "node-assets-version-post-json",
        key: TEST,
        method: "POST",
        path: "/",
        query: &[],
        headers: &[
            ("host", "esa.cn-hangzhou.aliyuncs.com"),
            ("x-acs-version", "2024-09-10"),
            ("x-acs-action", "CreateRoutineWithAssetsCodeVersion"),
            ("x-acs-date", "2026-01-15T08:34:00Z"),
            ("x-acs-signature-nonce", "5555555566666666777777778888aaaa"),
            ("content-type", "application/json; charset=utf-8"),
        ],
        body: "{\"Name\":\"edge-router\",\"CodeDescription\":\"build 42\",\"ExtraInfo\":\"{\\\"Source\\\":\\\"CLI\\\"}\"}",
        sha256: "f6b0e2006a2104f543f6a25c0343d05779264c88f482324165e64feb44d469e5",
        signature: "530e09c19a67516863e245e2151b7285ef26829f5127580569a2cace454a96d6",
    },
    Case {
        name: "node-special-chars",
        key: TEST,
        method: "GET",
        path: "/",
        query: &[
            ("Prefix", "a b+c*d~e!f'(g)/h=i&j%k,l:m;n@é中"),
            ("PageNumber", "1"),
            ("PageSize", "100"),
            ("Namespace", "routes"),
        ],
        headers: &[
            ("host", "esa.cn-hangzhou.aliyuncs.com"),
            ("x-acs-version", "2024-09-10"),
            ("x-acs-action", "ListKvs"),
            ("x-acs-date", "2026-01-15T08:35:00Z"),
            ("x-acs-signature-nonce", "ccccccccddddddddeeeeeeeeffffffff"),
        ],
        body: "",
        sha256: "dfb641bc0fe4cc5096f60802bb2977a99be8bd53ccb9aa2bd8bd203d9d65d8a9",
        signature: "15fc39e4350bad790b4af2102ef51d2db2c061e95fb5e3e042c9f62f89ad9944",
    },
    Case {
        name: "vendor-doc-runinstances",
        key: YOURS,
        method: "POST",
        path: "/",
        query: &[("ImageId", "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"), ("RegionId", "cn-shanghai")],
        headers: &[
            ("host", "ecs.cn-shanghai.aliyuncs.com"),
            ("x-acs-action", "RunInstances"),
            ("x-acs-date", "2023-10-26T10:22:32Z"),
            ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
            ("x-acs-version", "2014-05-26"),
        ],
        body: "",
        sha256: "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259",
        signature: "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
    },
    Case {
        name: "fc-create-function",
        key: LONG,
        method: "POST",
        path: "/2023-03-30/functions",
        query: &[],
        headers: &[
            ("host", "fcv3.cn-hangzhou.aliyuncs.com"),
            ("x-acs-action", "CreateFunction"),
            ("x-acs-version", "2023-03-30"),
            ("x-acs-date", "2025-06-07T08:09:10Z"),
            ("x-acs-signature-nonce", "00000000000000000000000000000001"),
            ("content-type", "application/json; charset=utf-8"),
        ],
        body: "{\"functionName\":\"proj-demo-api\",\"runtime\":\"custom.debian10\",\"handler\":\"index.handler\",\"memorySize\":512,\"cpu\":0.35,\"code\":{\"ossBucketName\":\"bkt\",\"ossObjectName\":\"b/1.zip\"}}",
        sha256: "ff53a983cc2ef288610e57c62052962b40c423cb78b17f00d9240184786509f4",
        signature: "e0530c54109b8c740fdf58ed851c36427d21598704adc58ff2420f2702d84f52",
    },
    Case {
        name: "fc-list-functions-query",
        key: LONG,
        method: "GET",
        path: "/2023-03-30/functions",
        query: &[("prefix", "a b+c/é"), ("limit", "50"), ("fcVersion", "v3")],
        headers: &[
            ("host", "fcv3.cn-hangzhou.aliyuncs.com"),
            ("x-acs-action", "ListFunctions"),
            ("x-acs-version", "2023-03-30"),
            ("x-acs-date", "2025-06-07T08:09:10Z"),
            ("x-acs-signature-nonce", "00000000000000000000000000000002"),
        ],
        body: "",
        sha256: "36a942aaae35e63de140f8efab18817acf04ba41cd730092bbf25bf5f5b7e54c",
        signature: "372d324e327ed90ac98448d707fddd493b2bec423ef633147f841112db74e5e9",
    },
    Case {
        name: "fc-delete-domain-sts",
        key: LONG,
        method: "DELETE",
        path: "/2023-03-30/custom-domains/%2A.example.com",
        query: &[],
        headers: &[
            ("host", "fcv3.cn-hangzhou.aliyuncs.com"),
            ("x-acs-action", "DeleteCustomDomain"),
            ("x-acs-version", "2023-03-30"),
            ("x-acs-date", "2025-06-07T08:09:10Z"),
            ("x-acs-signature-nonce", "00000000000000000000000000000003"),
            ("x-acs-security-token", "testSecurityToken"),
            ("x-acs-accesskey-id", "LTAItestAccessKeyId0001"),
        ],
        body: "",
        sha256: "58affa7575f3deebf5ac0569a0298aa521ecce3b70b06dd739893a46e751bfb7",
        signature: "0bda84082b88ba10adabf83ae9bb09443b16734532b6d64429216741b16852e3",
    },
    Case {
        name: "fc-update-trigger-unicode",
        key: LONG,
        method: "PUT",
        path: "/2023-03-30/functions/proj-demo-api/triggers/http",
        query: &[],
        headers: &[
            ("host", "fcv3.cn-hangzhou.aliyuncs.com"),
            ("x-acs-action", "UpdateTrigger"),
            ("x-acs-version", "2023-03-30"),
            ("x-acs-date", "2025-06-07T08:09:10Z"),
            ("x-acs-signature-nonce", "00000000000000000000000000000004"),
            ("content-type", "application/json; charset=utf-8"),
        ],
        body: "{\"triggerConfig\": \"{\\\"methods\\\":[\\\"GET\\\",\\\"POST\\\"],\\\"authType\\\":\\\"anonymous\\\"}\", \"description\": \"línea 一\"}",
        sha256: "2f2e660f7b094d279509337765b8a83c0313cee2d7ab52d7a7cd4ed2409dad4e",
        signature: "8ecdaa647288750139868d896b2f1c311926a043ad5298e64d302dec371c2d20",
    },
];

#[test]
fn a_call_is_signed_as_the_vendors_libraries_sign_it() {
    for case in CASES {
        let body_sha256 = sha256_hex(case.body.as_bytes());
        let mut headers = pairs(case.headers);
        headers.push(("x-acs-content-sha256".to_owned(), body_sha256.clone()));
        let (key_id, key_secret) = case.key;
        let query = pairs(case.query);
        let request = Request {
            method: case.method,
            path: case.path,
            query: &query,
            headers: &headers,
            body_sha256: &body_sha256,
        };
        let (canonical, names) = acs3::canonical_request(&request);
        assert_eq!(acs3::string_to_sign(&canonical), format!("ACS3-HMAC-SHA256\n{}", case.sha256), "{}", case.name);
        let expected =
            format!("ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={}", case.signature);
        assert_eq!(acs3::authorization(&request, key_id, key_secret), expected, "{}", case.name);
    }
}

#[test]
fn headers_are_signed_in_the_order_of_their_lower_case_names_and_without_spaces_around_values() {
    let headers = pairs(&[("X-Acs-Version", " 1 "), ("Host", "h"), ("content-type", "t\t")]);
    let request = Request { method: "GET", path: "/", query: &[], headers: &headers, body_sha256: "00" };
    let (canonical, names) = acs3::canonical_request(&request);
    assert_eq!(names, "content-type;host;x-acs-version");
    assert_eq!(canonical, format!("GET\n/\n\ncontent-type:t\nhost:h\nx-acs-version:1\n\n{names}\n00"));
}
