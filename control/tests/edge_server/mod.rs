//! The native edge, over real sockets.

mod client;
mod connections;
mod drain;
mod functions;
mod http1;
mod http2;
mod outside;
mod routes;
mod support;
mod websocket;
