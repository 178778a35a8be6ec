//! The native edge, over real sockets.

mod client;
mod connections;
mod damage;
mod drain;
mod frames;
mod functions;
mod hostile;
mod http1;
mod http2;
mod http2_hostile;
mod malformed;
mod outside;
mod plain;
mod reading;
mod recorder;
mod routes;
mod smuggling;
mod streaming;
mod support;
mod websocket;
