//! The management API. Nothing stands here yet.
