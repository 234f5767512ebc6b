//! A cluster through its API.
//!
//! Only GET is ever sent, and only what [`permissions::Access`] lists: no Secret, no watch, no exec, no `nodes/proxy`.
//! The interface is synchronous; what is asynchronous stays on a thread of its own inside.
//!
//! | step | modules |
//! | --- | --- |
//! | flags and kubeconfig to a cluster and an identity | `connection`, `kubeconfig`, `flags`, `resolve`, `credentials`, `proxy`, `plugin`, `provider` |
//! | one request within its limits, and what a failure means | `client`, `answer`, `fault`, `list` |
//! | what is asked, in which order | [`permissions`], `gather`, `discovery`, `cluster`, `instances`, `openshift`, `policies` |
//! | the way in, and what makes it impossible | `read`, `error` |

mod answer;
mod certificate;
mod client;
mod cluster;
mod connection;
mod credentials;
mod discovery;
mod error;
mod fault;
mod flags;
mod gather;
mod instances;
mod kubeconfig;
mod list;
mod logging;
mod openshift;
pub mod permissions;
mod plugin;
mod policies;
mod provider;
mod proxy;
mod read;
mod resolve;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use super::wording;

pub use connection::{Connection, RequestTimeout};
pub use error::LiveError;
pub use fault::Fault;
pub use provider::provider_signs;
pub use read::{DEFAULT_TIMEOUT, Options, ReadStats, TRACE_LEVEL, read};
pub use resolve::contexts;
