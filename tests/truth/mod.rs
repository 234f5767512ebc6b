//! What the report may claim: nothing passes without evidence, nothing secret is shown, and the known cases come out right.

mod canaries;
mod completeness;
mod flips;
mod startups;
mod truth_table;
