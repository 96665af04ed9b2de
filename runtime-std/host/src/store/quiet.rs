//! Threads that a damaged database drives into a panic or an endless loop: kept from saying so on standard error, where
//! one sentence says it better, and from the processor.

#![allow(unsafe_code, reason = "gettid and setpriority have no safe form in std")]

use std::panic;
use std::sync::Once;
use std::thread;

/// Name of the threads that open databases.
pub(super) const OPENER: &str = "store-open";

/// From now on, panics of the threads that read a database are not printed. What they lead to is an error that is.
pub(super) fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let thread = thread::current();
            let is_reader = thread.name().is_some_and(|name| name == OPENER || name.starts_with("sled"));
            if !is_reader {
                before(info);
            }
        }));
    });
}

/// The calling thread, as the operating system knows it.
pub(super) fn thread_id() -> libc::pid_t {
    // SAFETY: gettid has no argument and cannot fail.
    unsafe { libc::gettid() }
}

/// Gives a thread of this process the processor only when nobody else wants it.
pub(super) fn lower(thread: libc::pid_t) {
    // SAFETY: setpriority touches no memory. A thread that has ended since is an error that changes nothing.
    let _ = unsafe { libc::setpriority(libc::PRIO_PROCESS, thread.cast_unsigned(), 19) };
}
