//! Bounds on what expressions may take.

use std::sync::mpsc;
use std::time::Duration;

/// The stack that loading and judging run on: the deepest accepted expression needs a part of it even in debug builds.
pub(super) const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Runs something on a stack that is large enough for every expression that is accepted.
pub fn on_big_stack<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, run);
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(value)) => value,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => std::panic::resume_unwind(Box::new(format!("no thread could be started: {error}"))),
        }
    })
}

/// Runs something on such a stack, and gives up waiting after a while: none then. The thread goes on until the process ends.
pub fn within<T: Send + 'static>(limit: Duration, run: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        // Nobody listens any more once the limit has passed.
        let _ = sender.send(run());
    });
    let thread = thread.ok()?;
    match receiver.recv_timeout(limit) {
        Ok(value) => Some(value),
        Err(mpsc::RecvTimeoutError::Timeout) => None,
        Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => None,
        },
    }
}
