//! The control plane from outside.

mod edge_server;
