//! What holds for every request, whatever it asks for.

use serde_json::json;

use crate::api_support::Api;

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let api = Api::new().await;
    for path in ["/nothing", "/api/v1/public/nothing", "/api/v1/public/projects/a/b/c"] {
        let answer = api.call("GET", path).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "unknown_path"), "{path}");
    }
}

#[tokio::test]
async fn an_unknown_method_is_told_the_known_ones() {
    let api = Api::new().await;
    let answer = api.call("PUT", "/api/v1/public/projects/a").send().await;
    assert_eq!((answer.status, answer.code().as_str()), (405, "method_not_allowed"));
    assert_eq!(answer.header("allow"), "DELETE, GET, HEAD, PATCH");
}

#[tokio::test]
async fn every_operation_but_the_open_ones_needs_a_credential() {
    let api = Api::new().await;
    let document: serde_json::Value =
        serde_json::from_str(&miaobu_control::api::openapi_document()).expect("the document is JSON");
    let mut walked = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let path = path.replace("{project}", "a").replace("{sha256}", &"0".repeat(64));
        let path =
            path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect::<Vec<_>>().join("/");
        for (method, operation) in methods.as_object().expect("methods") {
            if operation["x-required-scope"] == "none" {
                continue;
            }
            let method = method.to_ascii_uppercase();
            for (credential, code) in [
                ("", "authentication_required"),
                ("Basic YTpi", "authentication_required"),
                ("Bearer", "authentication_required"),
                ("Bearer mb_live_nonsense", "invalid_token"),
                ("Bearer mb_sess_nonsense", "invalid_token"),
            ] {
                let call = api.call(&method, &path).header("authorization", credential);
                let answer = call.send().await;
                assert_eq!((answer.status, answer.code().as_str()), (401, code), "{method} {path} {credential:?}");
                assert_eq!(answer.header("www-authenticate"), "Bearer");
            }
            walked += 1;
        }
    }
    assert_eq!(walked, 87);
}

#[tokio::test]
async fn bodies_are_refused_with_every_reason_at_once() {
    let api = Api::new().await;
    let path = "/api/v1/public/projects";
    let send = async |body: &str| api.as_user("POST", path).body("application/json", body.to_owned()).send().await;

    let answer = send("{").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_json"));
    let answer = send("").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_json"));
    let answer = send(r#"{"slag":1,"settings":{"not_found":"page","a/b":2}}"#).await;
    assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_request"));
    let refused = answer.refused();
    let refused: Vec<_> = refused.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
    assert_eq!(
        refused,
        [
            ("/slag", "unknown_field"),
            ("/settings/not_found", "unknown_value"),
            ("/settings/a~1b", "unknown_field"),
            ("/slug", "missing_field"),
        ]
    );
    let large = format!(r#"{{"slug":"{}"}}"#, "a".repeat(1024 * 1024));
    let answer = send(&large).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
    let declared = api.as_user("POST", path).header("content-length", "1048577").body("application/json", "{}");
    assert_eq!(declared.send().await.status, 413);
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        let answer = api.as_user("POST", path).body(media_type, r#"{"slug":"site"}"#).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (415, "unsupported_media_type"), "{media_type}");
    }
    let answer = api.as_user("POST", path).body("application/json; charset=utf-8", r#"{"slug":"site"}"#).send().await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn query_parameters_are_checked() {
    let api = Api::new().await;
    let refused = async |query: &str| {
        let answer = api.as_user("GET", &format!("/api/v1/public/projects?{query}")).send().await;
        assert_eq!(answer.status, 422, "{query}");
        answer.refused()
    };
    let one = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
    assert_eq!(refused("limt=5").await, one("/limt", "unknown_parameter"));
    assert_eq!(refused("limit=5&limit=6").await, one("/limit", "repeated_parameter"));
    for wrong in ["limit=0", "limit=101", "limit=many", "limit=", "limit=99999999999"] {
        assert_eq!(refused(wrong).await, one("/limit", "invalid_parameter"), "{wrong}");
    }
}

#[tokio::test]
async fn a_request_to_the_name_of_a_stranger_is_refused() {
    let api = Api::new().await;
    let status = async |host: &str| api.call("GET", "/health").header("host", host).send().await.status;
    for known in ["localhost:8080", "127.0.0.1", "[::1]:8080", "miaobu.test:8080"] {
        assert_eq!(status(known).await, 200, "{known}");
    }
    let answer = api.call("GET", "/health").header("host", "rebound.example:8080").send().await;
    assert_eq!((answer.status, answer.code().as_str()), (421, "unknown_host"));
}

#[tokio::test]
async fn answers_tell_browsers_to_do_nothing_with_them() {
    let api = Api::new().await;
    let answer = api.as_user("GET", "/api/v1/public/projects").send().await;
    assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!((answer.header("x-frame-options"), answer.header("referrer-policy")), ("DENY", "no-referrer"));
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
    assert_eq!((answer.header("cache-control"), answer.header("strict-transport-security")), ("no-store", ""));
    let refused = api.call("GET", "/api/v1/public/nothing").send().await;
    assert_eq!((refused.status, refused.header("x-content-type-options")), (404, "nosniff"));
    let secure = Api::with(|config| config.secure_cookies = true).await.call("GET", "/health").send().await;
    assert!(secure.header("strict-transport-security").starts_with("max-age="), "over https only https");
    assert_eq!(api.call("GET", "/health").send().await.header("cache-control"), "");
}

#[tokio::test]
async fn health_is_told_without_an_envelope() {
    let api = Api::new().await;
    let answer = api.call("GET", "/health").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["status"], "ok");
    assert!(answer.json()["parts"].as_array().is_some_and(|parts| !parts.is_empty()));
}

#[tokio::test]
async fn the_documentation_is_served() {
    let api = Api::new().await;
    let document = api.call("GET", "/openapi.json").send().await;
    assert_eq!(document.text(), miaobu_control::api::openapi_document());
    for path in ["/docs", "/redoc"] {
        let page = api.call("GET", path).send().await;
        assert_eq!(page.status, 200);
        assert!(page.text().contains("x-required-scope"), "{path} has the corrected document");
        assert!(!page.text().contains("fonts.googleapis.com/css"), "{path} asks nobody else");
        assert!(page.header("content-security-policy").contains("script-src 'sha256-"), "{path}");
    }
    let home = api.call("GET", "/").send().await;
    assert_eq!((home.status, home.header("location")), (303, "/docs"));
    let problem = api.call("GET", "/problems/slug_taken").send().await;
    assert!(problem.text().starts_with("slug_taken: "));
    assert_eq!(api.call("GET", "/problems/nonsense").send().await.status, 404);
}

#[tokio::test]
async fn every_code_that_the_code_uses_is_explained() {
    let api = Api::new().await;
    let codes = crate::api_support::codes_in_the_sources();
    assert!(codes.len() > 20 && codes.contains("slug_taken") && codes.contains("unknown_host"), "{codes:?}");
    for code in codes {
        assert_eq!(api.call("GET", &format!("/problems/{code}")).send().await.status, 200, "{code} is not explained");
    }
    let answer = api.as_user("POST", "/api/v1/public/projects").json(&json!({ "slug": "api" })).send().await;
    assert_eq!(answer.json()["type"], "/problems/invalid_request");
}
