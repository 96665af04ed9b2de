//! Runnable programs around BGPLite; each is a binary of this package.
