//! A routine that reports what the runtime of the edge supports. Each request asks for one thing, for an execution may ask only
//! few times for something itself: `?probe=NAME`, see [`report`].

mod runtime;

use js_sys::{Array, Date, Function, JsString, Promise, Reflect, global};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use runtime::{CACHE, EdgeKV, Request, Response, fetch, object};

/// What the documentation of the runtime names, and what others have.
const GLOBALS: [&str; 26] = [
    "fetch",
    "Headers",
    "Request",
    "Response",
    "URL",
    "URLSearchParams",
    "URLPattern",
    "ReadableStream",
    "WritableStream",
    "TransformStream",
    "CompressionStream",
    "DecompressionStream",
    "TextEncoder",
    "TextDecoder",
    "atob",
    "btoa",
    "crypto",
    "setTimeout",
    "console",
    "WebAssembly",
    "EdgeKV",
    "cache",
    "HTMLStream",
    "caches",
    "process",
    "WebSocketPair",
];
const MEMBERS: [&str; 9] =
    ["Module", "Instance", "Memory", "Table", "Global", "compile", "instantiate", "validate", "compileStreaming"];
/// More sub-requests than any account was seen to have.
const MOST: u32 = 40;

/// Reports one thing as an object. `probe` is one of `request`, `runtime`, `kv` (with `namespace` and `key`), `cache`, `fetch`
/// (with `address`) and `time`. What fails is told, and is no failure of this.
#[wasm_bindgen]
pub async fn report(request: Request, probe: String, first: String, second: String) -> JsValue {
    let found = match probe.as_str() {
        "request" => Ok(told_of(&request)),
        "runtime" => Ok(runtime()),
        "kv" => kv(&first, &second).await,
        "cache" => cached(&first).await,
        "fetch" => Ok(sub_requests(&first).await),
        "time" => Ok(time()),
        other => Err(JsValue::from_str(&format!("there is no probe {other}"))),
    };
    found.unwrap_or_else(|error| object(&[("error", words(&error))]).into())
}

fn told_of(request: &Request) -> JsValue {
    let names = Array::new();
    if let Ok(keys) = member(&request.headers(), "keys").and_then(|keys| Ok(keys.dyn_into::<Function>()?))
        && let Ok(found) = keys.call0(&request.headers())
    {
        for name in Array::from(&found).iter() {
            names.push(&name);
        }
    }
    let members = [
        ("url", request.url().into()),
        ("method", request.method().into()),
        ("headers", names.into()),
        ("info", request.info()),
    ];
    object(&members).into()
}

fn runtime() -> JsValue {
    let kinds = |of: &JsValue, names: &[&str]| {
        let kind = |name: &&str| member(of, name).map_or(JsValue::UNDEFINED, |value| value.js_typeof());
        let pairs: Vec<_> = names.iter().map(|name| (*name, kind(name))).collect();
        object(&pairs)
    };
    let all = global();
    let engine = member(&all, "WebAssembly").unwrap_or(JsValue::UNDEFINED);
    object(&[("globals", kinds(&all, &GLOBALS).into()), ("webassembly", kinds(&engine, &MEMBERS).into())]).into()
}

/// Whether a key can be written, read and deleted, and what a key is that nobody wrote.
async fn kv(namespace: &str, key: &str) -> Result<JsValue, JsValue> {
    let store = EdgeKV::open(namespace)?;
    let text = object(&[("type", "text".into())]);
    let put = settled(store.put(key, "self-test")).await;
    let got = settled(store.get(key, &text)).await;
    let deleted = settled(store.delete(key)).await;
    Ok(object(&[("put", put), ("get", got), ("delete", deleted)]).into())
}

async fn cached(address: &str) -> Result<JsValue, JsValue> {
    let headers = object(&[("cache-control", "max-age=60".into())]);
    let answer = Response::with_body("self-test", &object(&[("headers", headers.into())]))?;
    let put = settled(CACHE.with(|cache| cache.put(address, &answer))).await;
    let got = JsFuture::from(CACHE.with(|cache| cache.get(address))?).await?;
    let text = match got.dyn_into::<Response>() {
        Ok(answer) => settled(answer.text()).await,
        Err(other) => words(&other),
    };
    Ok(object(&[("put", put), ("get", text)]).into())
}

/// How often something else may be asked for in one execution, and what the first answer and the first failure are.
async fn sub_requests(address: &str) -> JsValue {
    let (mut made, mut status, mut failure) = (0, JsValue::UNDEFINED, JsValue::UNDEFINED);
    let options = object(&[("redirect", "manual".into())]);
    while made < MOST {
        let asked = match fetch(address, &options) {
            Ok(promise) => JsFuture::from(promise).await,
            Err(error) => Err(error),
        };
        match asked {
            Ok(answer) => {
                let answer: Response = answer.unchecked_into();
                status = answer.status().into();
                // What is not read may hold the next one up.
                settled(answer.text()).await;
            }
            Err(error) => {
                failure = words(&error);
                break;
            }
        }
        made += 1;
    }
    object(&[("made", made.into()), ("status", status), ("failure", failure)]).into()
}

/// Whether clocks go on while code runs.
fn time() -> JsValue {
    let started = Date::now();
    let mut rounds = 0_u32;
    while Date::now() <= started && rounds < 2_000_000 {
        rounds += 1;
    }
    object(&[
        ("now", started.into()),
        ("rounds_until_it_moved", rounds.into()),
        ("moved", (Date::now() > started).into()),
    ])
    .into()
}

/// Returns what a promise came to; what it failed with is told as `error: …`.
async fn settled(promise: Result<Promise, JsValue>) -> JsValue {
    let outcome = match promise {
        Ok(promise) => JsFuture::from(promise).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(value) if value.is_undefined() => "undefined".into(),
        Ok(value) => value,
        Err(error) => JsString::from("error: ").concat(&words(&error)).into(),
    }
}

fn words(error: &JsValue) -> JsValue {
    let text = member(error, "message").ok().and_then(|message| message.as_string());
    text.or_else(|| error.as_string()).unwrap_or_else(|| format!("{error:?}")).into()
}

fn member(of: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    Reflect::get(of, &name.into())
}
