//! Interoperability: real BGP daemons, each started here with its own configuration, sockets and temporary
//! directory, dial the built `bgplite` over loopback and must hold exactly the list it serves.
//!
//! | module | decides |
//! |---|---|
//! | [`matrix`] | which daemon meets which server, and what each must hold before and after a reload |
//! | [`wire`] | what the bytes on a peer's socket must be, read by a small speaker with literal bytes |
//! | [`daemon`] | how each daemon is configured, asked and stopped: one driver each behind one trait |
//! | [`lab`] | one test's world: directory, ports, child processes, the server, prefixes and routes |
//!
//! Every test has its own server, ports and directory, so tests run in parallel. Loopback and high ports
//! need no privilege; only OpenBGPD insists on root. A missing daemon skips its tests, unless `CI=true`:
//! then it fails them. `BGPLITE_BIN` names another server binary than the one built here.

mod daemon;
mod lab;
mod matrix;
mod wire;
