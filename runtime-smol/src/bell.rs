//! Wakes a task of the same thread.

use std::cell::RefCell;
use std::task::{Context, Waker};

/// A place where at most one task waits. What it waits for stands elsewhere, in a `Cell`.
#[derive(Debug, Default)]
pub(crate) struct Bell(RefCell<Option<Waker>>);

impl Bell {
    /// Wakes the task that listens; it must listen again to be woken again.
    pub(crate) fn ring(&self) {
        let waker = self.0.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Has the task of `cx` woken by the next ring. Look at what you wait for after this call, or be sure that
    /// nothing ran since you did.
    pub(crate) fn listen(&self, cx: &Context<'_>) {
        let mut slot = self.0.borrow_mut();
        match &mut *slot {
            Some(waker) => waker.clone_from(cx.waker()),
            None => *slot = Some(cx.waker().clone()),
        }
    }

    /// Until the next `listen`, a ring wakes nobody: the task runs already.
    pub(crate) fn mute(&self) {
        self.0.borrow_mut().take();
    }
}
