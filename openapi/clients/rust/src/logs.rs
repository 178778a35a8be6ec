//! A deployment's log, followed to its end.

use std::collections::VecDeque;

use progenitor_client::{ClientHooks as _, ClientInfo as _, OperationInfo};
use reqwest::Response;
use reqwest::header::ACCEPT;

use crate::retry::{Backoff, Retries};
use crate::types::{LogLine, Problem};
use crate::{Client, Error};

/// How often a log that brings nothing new is opened again.
const ATTEMPTS: Retries = Retries::attempts(8);

/// What a log brings.
#[derive(Debug, Clone)]
pub enum LogEvent {
    /// A line.
    Line(LogLine),
    /// The server dropped lines here.
    Gap,
}

/// Follows a deployment's log; made by [`Client::follow_logs`].
#[derive(Debug)]
pub struct Logs<'a> {
    client: &'a Client,
    deployment_id: i64,
    last: i64,
    stream: Option<Stream>,
    backoff: Backoff,
    is_over: bool,
}

#[derive(Debug)]
struct Stream {
    response: Response,
    parser: Parser,
}

impl Client {
    /// Follows a deployment's log from the line after `after` (0 for all of it) until the deployment ends. A stream that
    /// breaks is opened again where it broke off: no line is missed, and none comes twice.
    pub fn follow_logs(&self, deployment_id: i64, after: i64) -> Logs<'_> {
        let backoff = Backoff::new(ATTEMPTS);
        Logs { client: self, deployment_id, last: after, stream: None, backoff, is_over: false }
    }
}

impl Logs<'_> {
    /// Returns what comes next; `None` when the deployment has ended.
    pub async fn next(&mut self) -> Result<Option<LogEvent>, Error<Problem>> {
        while !self.is_over {
            match self.step().await {
                Ok(Some(event)) => return Ok(Some(event)),
                Ok(None) => {}
                Err(error @ (Error::CommunicationError(_) | Error::ResponseBodyError(_))) => {
                    self.stream = None;
                    if !self.backoff.wait(None).await {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn step(&mut self) -> Result<Option<LogEvent>, Error<Problem>> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let response = open(self.client, self.deployment_id, self.last).await?;
                self.stream.insert(Stream { response, parser: Parser::default() })
            }
        };
        if let Some(event) = stream.parser.events.pop_front() {
            return self.take(&event).map_err(|error| Error::InvalidResponsePayload(event.data.into(), error));
        }
        match stream.response.chunk().await.map_err(Error::ResponseBodyError)? {
            Some(chunk) => stream.parser.push(&chunk),
            // It ended without saying so.
            None => {
                self.stream = None;
                if !self.backoff.wait(None).await {
                    return Err(Error::Custom("the log broke off again and again".to_owned()));
                }
            }
        }
        Ok(None)
    }

    fn take(&mut self, event: &Event) -> Result<Option<LogEvent>, serde_json::Error> {
        match event.name.as_str() {
            "" | "message" => {
                let line: LogLine = serde_json::from_str(&event.data)?;
                self.last = line.seq;
                self.backoff.reset();
                return Ok(Some(LogEvent::Line(line)));
            }
            "gap" => return Ok(Some(LogEvent::Gap)),
            "end" => self.is_over = true,
            _ => {}
        }
        Ok(None)
    }
}

async fn open(client: &Client, deployment_id: i64, last: i64) -> Result<Response, Error<Problem>> {
    let url = format!("{}/api/v1/public/deployments/{deployment_id}/logs", client.baseurl());
    let request = client.client().get(url).header(ACCEPT, "text/event-stream").header("last-event-id", last);
    let info = OperationInfo { operation_id: "follow_logs" };
    let response = client.exec(request.build()?, &info).await?;
    if response.status().is_success() {
        return Ok(response);
    }
    Err(Error::ErrorResponse(crate::ResponseValue::from_response(response).await?))
}

#[derive(Debug, Default, PartialEq)]
struct Event {
    name: String,
    data: String,
}

/// Takes a `text/event-stream` apart, however its bytes arrive.
#[derive(Debug, Default)]
struct Parser {
    rest: Vec<u8>,
    event: Event,
    events: VecDeque<Event>,
}

impl Parser {
    fn push(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            self.line(line.trim_end_matches(['\r', '\n']));
        }
    }

    fn line(&mut self, line: &str) {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            self.events.extend(Some(event).filter(|event| *event != Event::default()));
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" if self.event.data.is_empty() => value.clone_into(&mut self.event.data),
            "data" => self.event.data.extend(["\n", value]),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_whole_however_their_bytes_arrive() {
        let text = ": alive\n\nid: 1\ndata: a\ndata:b\n\nevent: end\r\ndata: {}\r\n\r\nevent: cut";
        let event = |name: &str, data: &str| Event { name: name.to_owned(), data: data.to_owned() };
        let expected = [event("", "a\nb"), event("end", "{}")];
        for size in 1..text.len() {
            let mut parser = Parser::default();
            text.as_bytes().chunks(size).for_each(|chunk| parser.push(chunk));
            assert!(parser.events.iter().eq(expected.iter()), "{size}");
        }
    }
}
