//! The one integration-test binary: every test module is linked once.

mod checks;
mod support;
mod support_works;
