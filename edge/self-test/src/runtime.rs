//! The runtime of the edge, as far as a routine may use it: the web's own types, `EdgeKV` and `cache`.

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// A namespace of the key-value store.
    pub type EdgeKV;

    #[wasm_bindgen(constructor, catch)]
    fn with_options(options: &Object) -> Result<EdgeKV, JsValue>;

    /// Resolves to the value, or to `undefined` where there is none.
    #[wasm_bindgen(method, catch)]
    pub fn get(this: &EdgeKV, key: &str, options: &Object) -> Result<Promise, JsValue>;

    /// Stores a text.
    #[wasm_bindgen(method, catch)]
    pub fn put(this: &EdgeKV, key: &str, value: &str) -> Result<Promise, JsValue>;

    /// Resolves to whether there was one.
    #[wasm_bindgen(method, catch)]
    pub fn delete(this: &EdgeKV, key: &str) -> Result<Promise, JsValue>;

    /// What is kept at this point of presence.
    pub type Cache;

    #[wasm_bindgen(thread_local_v2, js_name = cache)]
    pub static CACHE: Cache;

    /// Keeps an answer for as long as its `Cache-Control` says.
    #[wasm_bindgen(method, catch)]
    pub fn put(this: &Cache, address: &str, answer: &Response) -> Result<Promise, JsValue>;

    /// Resolves to the answer, or to `undefined`.
    #[wasm_bindgen(method, catch)]
    pub fn get(this: &Cache, address: &str) -> Result<Promise, JsValue>;

    /// A request.
    pub type Request;

    #[wasm_bindgen(method, getter)]
    pub fn url(this: &Request) -> String;

    #[wasm_bindgen(method, getter)]
    pub fn method(this: &Request) -> String;

    #[wasm_bindgen(method, getter)]
    pub fn headers(this: &Request) -> JsValue;

    /// What the edge tells of the visitor.
    #[wasm_bindgen(method, getter)]
    pub fn info(this: &Request) -> JsValue;

    /// An answer.
    pub type Response;

    #[wasm_bindgen(constructor, catch)]
    pub fn with_body(body: &str, options: &Object) -> Result<Response, JsValue>;

    #[wasm_bindgen(method, getter)]
    pub fn status(this: &Response) -> u16;

    #[wasm_bindgen(method, catch)]
    pub fn text(this: &Response) -> Result<Promise, JsValue>;

    /// Asks an address.
    #[wasm_bindgen(catch)]
    pub fn fetch(address: &str, options: &Object) -> Result<Promise, JsValue>;
}

impl EdgeKV {
    /// Opens a namespace.
    pub fn open(namespace: &str) -> Result<Self, JsValue> {
        Self::with_options(&object(&[("namespace", namespace.into())]))
    }
}

/// Returns an object with these members.
pub fn object(members: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in members {
        // A plain object takes any member.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object
}
