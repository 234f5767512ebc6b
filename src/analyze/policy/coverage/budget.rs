//! How much work a policy may take.

use std::cell::Cell;

use super::TooLarge;

/// How many comparisons all questions about a policy may cost together. Policies in use need some hundred thousand.
const BUDGET: u64 = 120_000_000;

/// What of that is left.
#[derive(Debug, Clone)]
pub(super) struct Budget(Cell<u64>);

impl Budget {
    pub(super) fn new() -> Self {
        Self(Cell::new(BUDGET))
    }

    pub(super) fn spend(&self, cost: u64) -> Result<(), TooLarge> {
        self.0.set(self.0.get().checked_sub(cost).ok_or(TooLarge)?);
        Ok(())
    }
}
