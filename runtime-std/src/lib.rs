//! The thread-per-peer adapter. Nothing stands here yet.
