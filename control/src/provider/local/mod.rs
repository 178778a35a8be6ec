//! The embedded engines: the product on one machine, not stand-ins.
