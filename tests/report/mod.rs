//! The forms of a report, through the command line.

mod hostile;
mod html;
mod targets;
