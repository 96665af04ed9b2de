//! The smol adapter: sockets, timer, store and sources around the core.
