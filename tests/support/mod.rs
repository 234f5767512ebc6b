//! What the integration tests stand on: a recorded API server over real TLS, the kubeconfig
//! files that lead to it, and a runner for the built binary.
#![allow(dead_code, reason = "a toolbox: not every test binary needs every tool")]

pub mod cluster;
pub mod collectors;
pub mod http;
pub mod kubeconfig;
pub mod large;
pub mod logging;
pub mod nodes;
pub mod pki;
pub mod recordings;
pub mod reply;
pub mod report;
pub mod routes;
pub mod seen;
pub mod server;
pub mod stage;
pub mod tool;
pub mod wire;
