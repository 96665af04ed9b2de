//! The deterministic world around the core. What it holds so far is in its modules.
