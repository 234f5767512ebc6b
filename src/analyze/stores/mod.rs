//! Stores of logs: how long they keep what they are given, and what protects it there.
//!
//! | module | does |
//! | --- | --- |
//! | [`model`] | what is said of every store |
//! | [`loki`] | Loki, by its configuration |
//! | [`victoria_logs`] | `VictoriaLogs`, by its arguments and custom resources |
//! | [`resources`] | `LokiStack`, Elasticsearch of ECK, `OpenSearch`, and stores that only say their retention themselves |

pub mod loki;
pub mod model;
pub mod resources;
pub mod victoria_logs;

#[cfg(test)]
mod tests;
