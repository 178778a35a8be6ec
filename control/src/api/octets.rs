//! Request bodies of bytes, read while they arrive.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt as _;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use tokio::runtime::Handle;

use super::body::{media_type_is, unsupported};

/// The media type of bytes.
const OCTETS: &str = "application/octet-stream";

/// How much of a refused body is still read.
const MAX_DRAINED_BYTES: usize = 64 * 1024 * 1024;

/// For how long a refused body is still read.
const MAX_DRAIN: Duration = Duration::from_secs(10);

/// A body of bytes; it has no limit here, the service knows what it expects.
pub struct Octets(poem::Body);

impl Octets {
    /// The bytes as they arrive; an error when the client breaks off.
    pub fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        Drained { inner: Some(Box::pin(self.0.into_bytes_stream())) }
    }
}

type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// A stream whose rest is read and thrown away when nobody wants it any more.
///
/// A client that still writes when the connection is closed gets a reset, and with it often loses the answer that says
/// why its body was refused.
struct Drained {
    inner: Option<ByteStream>,
}

impl Stream for Drained {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let next = inner.as_mut().poll_next(context);
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            self.inner = None;
        }
        next
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        if let (Some(rest), Ok(runtime)) = (self.inner.take(), Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(MAX_DRAIN, drain(rest)));
        }
    }
}

async fn drain(mut rest: ByteStream) {
    let mut drained = 0;
    while let Some(Ok(bytes)) = rest.next().await {
        drained += bytes.len();
        if drained > MAX_DRAINED_BYTES {
            return;
        }
    }
}

impl<'a> ApiExtractor<'a> for Octets {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn request_meta() -> Option<MetaRequest> {
        let schema = MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
        let content = vec![MetaMediaType { content_type: OCTETS, schema }];
        Some(MetaRequest { description: None, content, required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        if !media_type_is(request, OCTETS) {
            return Err(unsupported(OCTETS).into());
        }
        Ok(Self(body.take()?))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn what_nobody_reads_is_drained() {
        let (sent, mut seen) = mpsc::unbounded_channel();
        let chunks = stream::iter(0..3).map(move |number| {
            sent.send(number).map_err(io::Error::other)?;
            Ok::<_, io::Error>(Bytes::from_static(b"x"))
        });
        let mut stream = Box::pin(Octets(poem::Body::from_bytes_stream(chunks)).into_stream());
        assert!(stream.next().await.is_some_and(|chunk| chunk.is_ok()));
        drop(stream);
        let mut numbers = Vec::new();
        while let Some(number) = seen.recv().await {
            numbers.push(number);
        }
        assert_eq!(numbers, [0, 1, 2]);
    }
}
