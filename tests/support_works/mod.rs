//! Proves the recorded API server itself, with a client that shares no code with it.

mod client;
mod config_and_tool;
mod faults;
mod lists_and_ha;
mod serving;
