//! The native edge, over real sockets.

mod bodies;
mod bytes;
mod client;
mod connections;
mod countries;
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
