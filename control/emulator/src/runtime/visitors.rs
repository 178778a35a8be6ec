//! What visitors reach.

use std::sync::Arc;

use async_trait::async_trait;
use miaobu_aliyun::Ambient;

use super::Runtime;
use crate::esa::{Env, Esa};
use crate::http::{Request, Response, Service};
use crate::openapi::Gateway;

/// One environment's point of presence.
#[derive(Debug)]
pub(crate) struct Visitors {
    pub env: Env,
    pub esa: Arc<Gateway<Esa>>,
    pub ambient: Arc<dyn Ambient>,
    pub runtime: Arc<Runtime>,
}

#[async_trait]
impl Service for Visitors {
    async fn answer(&self, request: Request) -> Option<Response> {
        let host = request.header("host").unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
        let routines = self.esa.actions.routines();
        let serves = self.esa.actions.serves(&name, self.ambient.now());
        let program = serves.then(|| routines.program(self.env, &name, self.ambient.random())).flatten();
        let Some(program) = program else {
            let words = format!("nothing is sent to a routine for {name}\n");
            return Some(Response::new(404, "text/plain; charset=utf-8", words));
        };
        let mut answer = self.runtime.answer(&program, &request).await;
        if request.method == "HEAD" {
            answer.body = bytes::Bytes::new();
        }
        // So that a test can tell which version answered.
        Some(answer.with("x-emulated-version", program.version))
    }
}
