//! The one integration-test binary: every test module is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::pedantic,
    clippy::disallowed_types,
    clippy::iter_over_hash_type,
    unreachable_pub,
    reason = "tests from end to end: a panic is how they fail, and what they print says what was skipped"
)]

mod baseline;
mod checks;
mod cli;
mod cloud;
mod collection;
mod config;
mod corpus;
mod docs;
mod faults;
mod fix;
mod frameworks;
mod fuzz_corpus;
mod live;
mod policy_cli;
mod policy_coverage;
mod policy_data;
mod policy_eval;
mod policy_vectors;
mod release;
mod report;
mod support;
mod support_works;
mod truth;
mod waivers;
