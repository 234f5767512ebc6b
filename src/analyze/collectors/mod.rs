//! Collectors, from the node to where logs end up.
//!
//! | module | does |
//! | --- | --- |
//! | [`model`] | one model for what all configurations say |
//! | [`config`] | the files and variables a collector sees |
//! | [`dialect`] | the languages of configurations; each has a module of its own that reads it into the model |
//! | [`settings`] | YAML with places and variables, for dialects in it |
//! | [`open_telemetry`] | the OpenTelemetry Collector |
//! | [`datadog`] | the Datadog agent, by its environment or resource |
//! | [`elastic_agent`] | the Elastic Agent without Fleet |
//! | [`filebeat`] | Filebeat and the other Beats |
//! | [`glob`], [`endpoint`], [`service`] | paths, addresses and the services that are known |

pub mod config;
pub mod datadog;
pub mod dialect;
pub mod elastic_agent;
pub mod endpoint;
pub mod filebeat;
pub mod glob;
pub mod model;
pub mod open_telemetry;
pub mod service;
pub mod settings;
