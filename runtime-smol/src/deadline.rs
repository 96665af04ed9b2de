//! The one timer.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use bgplite_core::server::Input;
use bgplite_core::time::Instant;
use smol::{Timer, future};

use crate::bell::Bell;
use crate::shell::Shell;

/// When the core wants to be called, and when it will be.
#[derive(Debug, Default)]
pub(crate) struct Deadline {
    wanted: Cell<Option<Instant>>,
    armed: Cell<Option<Instant>>,
    bell: Bell,
}

impl Deadline {
    /// The core wants to be called at `wanted`. The timer is touched only if it would be late: one that is early
    /// costs a call for nothing, and deadlines mostly move away.
    pub(crate) fn want(&self, wanted: Option<Instant>) {
        self.wanted.set(wanted);
        if self.is_late() {
            self.bell.ring();
        }
    }

    fn is_late(&self) -> bool {
        match (self.wanted.get(), self.armed.get()) {
            (Some(wanted), Some(armed)) => wanted < armed,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }
}

/// Calls the core whenever it wants to be called.
pub(crate) async fn run(shell: Rc<Shell>) {
    let mut timer = Timer::never();
    loop {
        let deadline = &shell.deadline;
        deadline.armed.set(deadline.wanted.get());
        match deadline.wanted.get().and_then(|at| shell.clock.system_instant(at)) {
            Some(at) => timer.set_at(at),
            None => timer.clear(),
        }
        let is_due = poll_fn(|cx| {
            deadline.bell.listen(cx);
            if deadline.is_late() {
                return Poll::Ready(false);
            }
            Pin::new(&mut timer).poll(cx).map(|_| true)
        })
        .await;
        if is_due {
            shell.handle(Input::Timeout);
            // Deadlines in a row must not keep the sockets waiting.
            future::yield_now().await;
        }
    }
}
