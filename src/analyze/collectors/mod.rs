//! Collectors, from the node to where logs end up.
//!
//! | module | does |
//! | --- | --- |
//! | [`model`] | one model for what all configurations say |
//! | [`config`] | the files and variables a collector sees |
//! | [`dialect`] | the languages of configurations; each has a module of its own that reads it into the model |
//! | [`fields`] | fields of custom resources and where they stand |
//! | [`azure_agent`] | the settings of Azure Monitor's agent |
//! | [`fluent_operator`] | `FluentBit` and what it selects, of fluent-operator |
//! | [`kube_logging`] | `Logging`, flows, outputs and tailers of kube-logging |
//! | [`glob`], [`endpoint`], [`service`] | paths, addresses and the services that are known |

pub mod azure_agent;
pub mod config;
pub mod dialect;
pub mod endpoint;
pub mod fields;
pub mod fluent_operator;
pub mod glob;
pub mod kube_logging;
pub mod model;
pub mod service;
