//! A cluster through its API.
//!
//! Only GET is ever sent, and only what [`permissions::Access`] lists: no Secret, no watch, no exec, no `nodes/proxy`.
//! The interface is synchronous; what is asynchronous stays on a thread of its own inside.

mod certificate;
mod connection;
mod error;
mod fault;
mod kubeconfig;
pub mod permissions;
mod plugin;
mod proxy;
mod resolve;
mod wording;

pub use connection::{Connection, RequestTimeout};
pub use error::LiveError;
pub use fault::Fault;
