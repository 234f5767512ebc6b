//! What the fuzz targets do with their input.
//!
//! The functions stand in a file that includes nothing of libFuzzer: the tests of the program include the same file and
//! run every input of the corpus through it (`tests/fuzz_corpus`).

pub mod bodies;
