//! What the operations' own descriptions say about them, for the checks that hold for all.

use std::collections::{BTreeSet, HashMap};

use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderValue, Method};
use poem::{EndpointExt as _, Request};
use poem_openapi::OpenApi;
use poem_openapi::registry::{MetaApi, MetaOperation, MetaParamIn, MetaPath, Registry};

use super::gate::Gated;
use super::problem::{ApiError, FieldProblem};
use crate::domain::Scope;

/// The methods of each path, by the router's pattern.
#[derive(Debug, Default)]
pub struct Methods(HashMap<String, HeaderValue>);

impl Methods {
    /// Returns the methods of every path of `T`.
    pub fn of<T: OpenApi>() -> Self {
        let mut methods: HashMap<String, BTreeSet<String>> = HashMap::new();
        for (pattern, operation) in operations(T::meta()) {
            let known = methods.entry(pattern).or_default();
            known.insert(operation.method.to_string());
            if operation.method == Method::GET {
                known.insert(Method::HEAD.to_string());
            }
        }
        let values = methods.into_iter().filter_map(|(pattern, known)| {
            let list = known.into_iter().collect::<Vec<_>>().join(", ");
            Some((pattern, HeaderValue::from_str(&list).ok()?))
        });
        Self(values.collect())
    }

    /// Returns the `Allow` header of the path with this pattern.
    pub fn allowed(&self, pattern: &str) -> Option<HeaderValue> {
        self.0.get(pattern).cloned()
    }
}

/// Every operation with the router's pattern of its path: the document says `{project}` where the router says `:param0`.
fn operations(apis: Vec<MetaApi>) -> impl Iterator<Item = (String, MetaOperation)> {
    apis.into_iter().flat_map(|api| api.paths).flat_map(|path| {
        let mut pattern = String::new();
        let mut count = 0;
        for segment in path.path.split('/').skip(1) {
            pattern.push('/');
            if segment.starts_with('{') {
                pattern.push_str(&format!(":param{count}"));
                count += 1;
            } else {
                pattern.push_str(segment);
            }
        }
        path.operations.into_iter().map(move |operation| (pattern.clone(), operation))
    })
}

/// An API whose every operation stands behind the gate.
pub struct Guarded<T>(pub T);

impl<T: OpenApi> OpenApi for Guarded<T> {
    /// A path may belong to two files of operations; in the document it is one entry, or the first would be lost.
    fn meta() -> Vec<MetaApi> {
        let mut paths: Vec<MetaPath> = Vec::new();
        for path in T::meta().into_iter().flat_map(|api| api.paths) {
            match paths.iter_mut().find(|known| known.path == path.path) {
                Some(known) => known.operations.extend(path.operations),
                None => paths.push(path),
            }
        }
        vec![MetaApi { paths }]
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn add_routes(self, table: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {
        let mut routes = HashMap::new();
        self.0.add_routes(&mut routes);
        for (pattern, operation) in operations(T::meta()) {
            let Some(endpoint) = routes.get_mut(&pattern).and_then(|methods| methods.remove(&operation.method)) else {
                continue;
            };
            let method = operation.method.clone();
            let gated = Gated::new(Operation::of(operation), endpoint).boxed();
            table.entry(pattern).or_default().insert(method, gated);
        }
    }
}

/// What an operation asks of its caller's credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Nothing.
    Nothing,
    /// A session.
    Session,
    /// A scope.
    Scope(Scope),
}

/// What the gate has to know of an operation.
#[derive(Debug)]
pub struct Operation {
    /// Its id.
    pub id: &'static str,
    /// Its method.
    pub method: Method,
    /// What it asks for; `None` when the declaration cannot be read, which lets nobody in.
    pub asks: Option<Asks>,
    /// Whether it compares `If-Match` with what it changes.
    pub reads_if_match: bool,
    /// Its query parameters.
    queries: Vec<String>,
}

/// Whether an operation compares `If-Match` with what it changes: it says that it may fail for that.
pub fn reads_if_match(description: &str) -> bool {
    description.contains("precondition_failed")
}

impl Operation {
    fn of(operation: MetaOperation) -> Self {
        let declared = operation.security.iter().flat_map(|schemes| schemes.keys()).next();
        let asks = match declared.map(|scheme| scheme.split_once('#').map_or("", |(_, scope)| scope)) {
            None => Some(Asks::Nothing),
            Some("session") => Some(Asks::Session),
            Some(text) => Scope::from_text(text).map(Asks::Scope),
        };
        let queries = operation.params.into_iter().filter(|param| param.in_type == MetaParamIn::Query);
        Self {
            id: operation.operation_id.unwrap_or_default(),
            method: operation.method,
            asks,
            reads_if_match: operation.description.is_some_and(reads_if_match),
            queries: queries.map(|param| param.name).collect(),
        }
    }

    /// Refuses query parameters that the operation does not have, and those given twice.
    ///
    /// Called once the caller is known: a stranger learns nothing about an operation but that it needs a credential.
    pub fn check_query(&self, request: &Request) -> Result<(), ApiError> {
        let mut seen = BTreeSet::new();
        let mut problems = Vec::new();
        for pair in request.uri().query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let name = pair.split('=').next().unwrap_or_default();
            let pointer = format!("/{name}");
            if !self.queries.iter().any(|known| known == name) {
                let detail = format!("there is no query parameter {name:?} here");
                problems.push(FieldProblem::new(pointer, "unknown_parameter", detail));
            } else if !seen.insert(name) {
                let detail = format!("the query parameter {name:?} is given twice");
                problems.push(FieldProblem::new(pointer, "repeated_parameter", detail));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(ApiError::invalid(problems)) }
    }
}
