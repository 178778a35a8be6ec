//! The embedded engines: the product on one machine, not stand-ins.

mod edge_kv;
mod object_store;

pub use edge_kv::LocalEdgeKv;
pub use object_store::LocalObjectStore;
