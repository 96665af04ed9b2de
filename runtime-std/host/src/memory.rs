//! Memory that is free, and still held.

#![allow(unsafe_code, reason = "malloc_trim has no safe form")]

/// Gives memory that was freed back to the operating system, where the allocator keeps it: after a start, which reads
/// every record into memory once. Takes some milliseconds.
pub fn release() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: glibc allows it at any time, from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}
