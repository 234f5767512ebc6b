//! Collectors, from the node to where logs end up.
//!
//! | module | does |
//! | --- | --- |
//! | [`model`] | one model for what all configurations say |
//! | [`config`] | the files and variables a collector sees |
//! | [`dialect`] | the languages of configurations; each has a module of its own that reads it into the model |
//! | [`alloy`] | Grafana Alloy |
//! | [`promtail`] | Promtail, and Grafana Agent in static mode |
//! | `loki` | what Promtail and Alloy have in common |
//! | [`glob`], [`endpoint`], [`service`] | paths, addresses and the services that are known |

pub mod alloy;
pub mod config;
pub mod dialect;
pub mod endpoint;
pub mod glob;
mod loki;
pub mod model;
pub mod promtail;
pub mod service;
