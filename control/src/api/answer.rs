//! Successful answers: one object or one page in a `data` envelope.
//!
//! Bodies are serialised straight from the typed value: the list of missing blobs of a large site has tens of
//! thousands of entries, and a JSON tree of it would take ten times the memory.

use poem::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use poem::{Body, IntoResponse, Response};
use poem_openapi::registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::{ParseFromJSON, ToJSON, Type};
use poem_openapi::{ApiResponse, Object};
use serde::Serialize;

use super::problem::ApiError;
use super::values::Nullable;
use crate::domain::{Page, Sha256};

/// What an operation returns.
pub type ApiResult<T> = Result<T, ApiError>;

/// The media type of every JSON body.
pub const JSON: &str = "application/json";

/// One object.
#[derive(Debug, Object, Serialize)]
pub struct Data<T: ParseFromJSON + ToJSON + Serialize> {
    /// The object.
    pub data: T,
}

/// A part of a list, newest first unless the operation says otherwise.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Page")]
pub struct PageView<T: ParseFromJSON + ToJSON + Serialize> {
    /// The objects of this page.
    pub data: Vec<T>,
    /// Give it as `cursor` to read the next page; null on the last one.
    pub next_cursor: Nullable<String>,
}

/// One object, answered with `STATUS`.
#[derive(Debug)]
pub struct Answer<T, const STATUS: u16 = 200> {
    object: T,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// An object that was made; `Location` says where it is.
pub type Created<T> = Answer<T, 201>;

/// Work that goes on; `Location` says where to watch it.
pub type Accepted<T> = Answer<T, 202>;

impl<T, const STATUS: u16> Answer<T, STATUS> {
    /// Returns the answer with `object`.
    pub fn new(object: impl Into<T>) -> Self {
        Self { object: object.into(), headers: Vec::new() }
    }

    /// Adds a header; one that HTTP cannot carry is left out.
    pub fn with_header(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.push((name, value));
        }
        self
    }

    /// Says where the object is.
    pub fn at(self, location: impl AsRef<str>) -> Self {
        self.with_header(header::LOCATION, location)
    }
}

/// Renders `body` as JSON.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => Response::builder().status(status).content_type(JSON).body(Body::from_vec(bytes)),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl<T: ParseFromJSON + ToJSON + Serialize, const STATUS: u16> IntoResponse for Answer<T, STATUS> {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(STATUS).unwrap_or(StatusCode::OK);
        let body = serde_json::to_vec(&Data { data: self.object });
        let Ok(body) = body else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
        let tag = (STATUS == 200).then(|| HeaderValue::from_str(&entity_tag(&body)).ok()).flatten();
        let mut response = Response::builder().status(status).content_type(JSON).body(Body::from_vec(body));
        response.headers_mut().extend(self.headers);
        if let Some(tag) = tag {
            response.headers_mut().entry(header::ETAG).or_insert(tag);
        }
        response
    }
}

impl<T: ParseFromJSON + ToJSON + Serialize, const STATUS: u16> ApiResponse for Answer<T, STATUS> {
    fn meta() -> MetaResponses {
        let (description, headers) = match STATUS {
            201 => ("Made.", vec![meta_header("Location", "Where the object is.", true)]),
            202 => ("Accepted; the work goes on.", vec![meta_header("Location", "Where to watch the work.", true)]),
            _ => ("The object.", vec![meta_header("ETag", "Send it as `If-Match` to change what you saw.", true)]),
        };
        success(STATUS, description, Some(Data::<T>::schema_ref()), headers)
    }

    fn register(registry: &mut Registry) {
        Data::<T>::register(registry);
    }
}

/// The strong entity tag of an answer with this body.
fn entity_tag(body: &[u8]) -> String {
    format!("\"{}\"", &Sha256::of(body).to_hex()[..32])
}

/// The entity tag that an answer with `object` has.
pub fn entity_tag_of<T: ParseFromJSON + ToJSON + Serialize>(object: T) -> String {
    entity_tag(&serde_json::to_vec(&Data { data: object }).unwrap_or_default())
}

/// One page of a list.
#[derive(Debug)]
pub struct Listing<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl<T> Listing<T> {
    /// Returns the answer with `page` of the list at `uri`; `filter` binds its cursor to this list.
    pub fn new<D>(page: Page<D>, uri: &Uri, filter: &str, view: impl FnMut(D) -> T) -> Self {
        let next_cursor = page.next.map(|cursor| cursor.encode(filter));
        let next_link = next_cursor.as_deref().and_then(|cursor| next_link(uri, cursor));
        let headers = next_link.map(|link| (header::LINK, link)).into_iter().collect();
        Self { items: page.items.into_iter().map(view).collect(), next_cursor, headers }
    }

    /// Says which state of the whole list the page shows.
    pub fn with_tag(mut self, tag: Option<String>) -> Self {
        self.headers.extend(tag.and_then(|tag| Some((header::ETAG, HeaderValue::try_from(tag).ok()?))));
        self
    }
}

/// Returns the `Link` header (RFC 8288) for the page after the one at `uri`.
fn next_link(uri: &Uri, cursor: &str) -> Option<HeaderValue> {
    let others = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.starts_with("cursor="));
    let mut query: Vec<&str> = others.filter(|pair| !pair.is_empty()).collect();
    let cursor = format!("cursor={cursor}");
    query.push(&cursor);
    HeaderValue::from_str(&format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&"))).ok()
}

impl<T: ParseFromJSON + ToJSON + Serialize> IntoResponse for Listing<T> {
    fn into_response(self) -> Response {
        let view = PageView { data: self.items, next_cursor: self.next_cursor.into() };
        let mut response = json(StatusCode::OK, &view);
        response.headers_mut().extend(self.headers);
        response
    }
}

impl<T: ParseFromJSON + ToJSON + Serialize> ApiResponse for Listing<T> {
    fn meta() -> MetaResponses {
        let link = meta_header("Link", "The next page (`rel=\"next\"`); absent on the last one.", false);
        success(200, "A page of the list.", Some(PageView::<T>::schema_ref()), vec![link])
    }

    fn register(registry: &mut Registry) {
        PageView::<T>::register(registry);
    }
}

/// Done; there is nothing to say.
#[derive(Debug, Default)]
pub struct NoContent(pub Vec<(HeaderName, HeaderValue)>);

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        response.headers_mut().extend(self.0);
        response
    }
}

impl ApiResponse for NoContent {
    fn meta() -> MetaResponses {
        success(204, "Done.", None, vec![])
    }

    fn register(_: &mut Registry) {}
}

/// Describes the one success answer of an operation.
pub fn success(
    status: u16,
    description: &'static str,
    schema: Option<poem_openapi::registry::MetaSchemaRef>,
    headers: Vec<MetaHeader>,
) -> MetaResponses {
    let content = schema.map(|schema| MetaMediaType { content_type: JSON, schema }).into_iter().collect();
    let response = MetaResponse { description, status: Some(status), status_range: None, content, headers };
    MetaResponses { responses: vec![response] }
}

fn meta_header(name: &str, description: &str, required: bool) -> MetaHeader {
    MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required,
        deprecated: false,
        schema: String::schema_ref(),
    }
}
