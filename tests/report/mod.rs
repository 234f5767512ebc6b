//! The forms of a report, through the command line, read back by other people's programs.

mod csv;
mod escaping;
mod forms;
pub mod hostile;
mod html;
mod junit;
mod markdown;
mod openreports;
mod places;
mod prometheus;
mod readers;
mod sarif;
mod stage;
mod targets;
