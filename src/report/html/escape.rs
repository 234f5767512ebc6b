//! What becomes of every value that a template puts in: nothing in it is markup, and nothing in it is hidden.

use std::fmt::{self, Write};

use askama::filters::{Escaper, Html};

use crate::report::style::visible;

/// Escapes for HTML, and shows what is none to be seen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Escape;

impl Escaper for Escape {
    fn write_escaped_str<W: Write>(&self, dest: W, text: &str) -> fmt::Result {
        Html.write_escaped_str(dest, &visible(text))
    }
}
