//! Examples in both formats.

mod corpus;
