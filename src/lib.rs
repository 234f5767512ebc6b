//! x
pub mod analyze;
pub mod check;
pub mod snapshot;
pub mod source;
pub mod suggest;
pub mod verdict;
