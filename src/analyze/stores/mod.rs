//! Stores of logs: how long they keep what they are given, and what protects it there.
//!
//! | module | does |
//! | --- | --- |
//! | [`model`] | what is said of every store |
//! | [`loki`] | Loki, by its configuration |
//! | [`victoria_logs`] | `VictoriaLogs`, by its arguments and custom resources |
//! | [`elastic`] | Elasticsearch and `OpenSearch` without an operator |
//! | [`resources`] | `LokiStack`, Elasticsearch of ECK, `OpenSearch`, and stores that only say their retention themselves |
//! | [`workloads`] | finds stores among workloads, and which volumes they keep logs on |
//! | [`exposure`] | what leads to them from outside the cluster |
//! | [`facts`] | all of it as facts |

pub mod elastic;
pub mod exposure;
pub mod facts;
pub mod loki;
pub mod model;
pub mod resources;
pub mod victoria_logs;
pub mod workloads;

#[cfg(test)]
mod tests;
