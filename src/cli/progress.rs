//! A sign of life on a terminal when reading takes longer than a second.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Shows one changing line on standard error, if that is a terminal.
pub(crate) struct Progress {
    started: Instant,
    shown: Mutex<bool>,
    enabled: bool,
}

impl Progress {
    /// Starts the clock.
    pub(crate) fn new(quiet: bool) -> Self {
        Self {
            started: Instant::now(),
            shown: Mutex::new(false),
            enabled: !quiet && io::stderr().is_terminal(),
        }
    }

    /// Says what is being done, once the first second has passed.
    pub(crate) fn step(&self, what: &str) {
        if !self.enabled || self.started.elapsed() < Duration::from_secs(1) {
            return;
        }
        if let Ok(mut shown) = self.shown.lock() {
            *shown = true;
            let seconds = self.started.elapsed().as_secs();
            let _ = write!(io::stderr().lock(), "\r\x1b[K{what} ({seconds} s)");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.lock().is_ok_and(|shown| *shown) {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}
