//! What happens to a program whose reader goes away.

#![allow(unsafe_code, reason = "signal has no safe form in std")]

/// Ends the process without a word when it writes into a pipe that nobody reads any more, like every other tool in a
/// pipeline. Not for a server: it would end with its first lost connection.
pub fn end_quietly() {
    // SAFETY: SIG_DFL is no handler, so that no code of ours runs in a signal.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}
