//! Services of the RPC style: one path, the operation named in a header, parameters in the query or a form.

use std::fmt;
use std::marker::PhantomData;

use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::client::Repeat;
use crate::encode::{Pairs, query};
use crate::openapi::{Body, Call, OpenApi};
use crate::{Error, ErrorKind, Settings};

/// A service of the RPC style.
pub trait Api: fmt::Debug + Send + Sync + 'static {
    /// What errors call it.
    const NAME: &'static str;
    /// The version of its API.
    const VERSION: &'static str;
}

/// A request to a service of the RPC style. Its members are the parameters under the names that they serialise with;
/// those that are `null` are left out, lists and objects become JSON text.
pub trait Operation: Serialize + Send + Sync {
    /// The service.
    type Api: Api;
    /// What comes back.
    type Answer: DeserializeOwned + Send;
    /// What the service calls the operation.
    const ACTION: &'static str;
    /// How it is sent; services refuse others.
    const METHOD: Method;
    /// What a second time would do.
    const REPEAT: Repeat;
    /// Which parameters go into the form.
    const FORM: Form;
}

/// Which parameters go into the form; the others go into the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// None.
    Nothing,
    /// Those of these names.
    Only(&'static [&'static str]),
    /// All.
    Everything,
}

/// A client of one service of the RPC style.
pub struct Rpc<A> {
    api: OpenApi,
    service: PhantomData<A>,
}

impl<A: Api> Rpc<A> {
    /// Returns a client of the service at `endpoint`: `https://host`, `http://host:port`, or a host alone. Fails with
    /// [`ErrorKind::Invalid`] when it is no such thing.
    pub fn new(endpoint: &str, settings: Settings) -> Result<Self, Error> {
        Ok(Self { api: OpenApi::new(A::NAME, A::VERSION, endpoint, settings)?, service: PhantomData })
    }

    /// Carries `operation` out and returns its answer.
    ///
    /// Calls that were throttled, or met a service that is busy or out of reach, are repeated with growing pauses. One
    /// that may have been carried out is repeated only when a second time makes no difference.
    pub async fn call<O: Operation<Api = A>>(&self, operation: &O) -> Result<O::Answer, Error> {
        let (query_pairs, form) = parameters(operation).map_err(|error| {
            let message = "the request does not serialise to an object";
            Error::new(A::NAME, O::ACTION, ErrorKind::Invalid, message).because(error)
        })?;
        let body = (!form.is_empty())
            .then(|| Body { content_type: "application/x-www-form-urlencoded", bytes: query(&form).into() });
        let call = Call {
            action: O::ACTION,
            method: O::METHOD,
            path: "/",
            query: &query_pairs,
            headers: &[],
            body,
            repeat: O::REPEAT,
        };
        self.api.call(&call).await
    }

    pub(crate) fn core(&self) -> &crate::client::Core {
        self.api.core()
    }
}

impl<A: Api> fmt::Debug for Rpc<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", A::NAME, self.api.core().endpoint.base())
    }
}

/// Returns the parameters of `operation`: those of the query and those of the form, by their names.
pub fn parameters<O: Operation>(operation: &O) -> Result<(Pairs, Pairs), serde_json::Error> {
    let Value::Object(members) = serde_json::to_value(operation)? else { return Ok(Default::default()) };
    let (mut query, mut form) = (Vec::new(), Vec::new());
    for (name, value) in members {
        let value = match value {
            Value::Null => continue,
            Value::String(text) => text,
            // Numbers and truth values are written as JSON writes them; the rest is JSON text by contract.
            value => value.to_string(),
        };
        let in_form = match O::FORM {
            Form::Nothing => false,
            Form::Everything => true,
            Form::Only(names) => names.contains(&name.as_str()),
        };
        if in_form { &mut form } else { &mut query }.push((name, value));
    }
    Ok((query, form))
}

/// Implements [`Operation`] for a request of the service in scope as `Service`.
macro_rules! operation {
    ($request:ident, $method:ident, $repeat:ident, $form:expr => $answer:ty) => {
        impl $crate::rpc::Operation for $request {
            type Api = Service;
            type Answer = $answer;
            const ACTION: &'static str = stringify!($request);
            const METHOD: reqwest::Method = reqwest::Method::$method;
            const REPEAT: $crate::Repeat = $crate::Repeat::$repeat;
            const FORM: $crate::rpc::Form = $form;
        }
    };
}
pub(crate) use operation;
