//! Collectors, from the node to where logs end up.
//!
//! | module | does |
//! | --- | --- |
//! | [`model`] | one model for what all configurations say |
//! | [`config`] | the files and variables a collector sees |
//! | [`dialect`] | the languages of configurations; each has a module of its own that reads it into the model |
//! | [`collector`] | the collectors there are; [`resolve`] finds their configuration, `operators` what custom resources say |
//! | [`chain`] | from a source to where its logs end up, link by link |
//! | [`facts`] | all of it as facts |
//! | [`products`] | what is recognised, by its image |
//! | [`fluentd`] | reads Fluentd's configurations |
//! | [`fluent_bit`] | Fluent Bit, classic and YAML |
//! | [`settings`] | YAML with places and variables, for dialects in it |
//! | [`open_telemetry`] | the OpenTelemetry Collector |
//! | [`datadog`] | the Datadog agent, by its environment or resource |
//! | [`elastic_agent`] | the Elastic Agent without Fleet |
//! | [`filebeat`] | Filebeat and the other Beats |
//! | [`alloy`] | Grafana Alloy |
//! | [`logstash`] | Logstash |
//! | [`rsyslog`] | rsyslog |
//! | [`syslog_ng`] | syslog-ng and `AxoSyslog` |
//! | `scan` | texts and how far they are read, for dialects that are no YAML |
//! | [`promtail`] | Promtail, and Grafana Agent in static mode |
//! | `loki` | what Promtail and Alloy have in common |
//! | [`fields`] | fields of custom resources and where they stand |
//! | [`azure_agent`] | the settings of Azure Monitor's agent |
//! | [`fluent_operator`] | `FluentBit` and what it selects, of fluent-operator |
//! | [`kube_logging`] | `Logging`, flows, outputs and tailers of kube-logging |
//! | [`glob`], [`endpoint`], [`service`] | paths, addresses and the services that are known |
//! | [`vector`] | Vector |
//! | [`vlagent`] | the agent of `VictoriaLogs`, by its arguments |
//! | [`cluster_log_forwarder`] | OpenShift's `ClusterLogForwarder` |

pub mod alloy;
pub mod azure_agent;
pub mod chain;
pub mod cluster_log_forwarder;
pub mod collector;
pub mod config;
pub mod datadog;
pub mod dialect;
pub mod elastic_agent;
pub mod endpoint;
pub mod facts;
pub mod fields;
pub mod filebeat;
pub mod fluent_bit;
pub mod fluent_operator;
pub mod fluentd;
pub mod glob;
pub mod kube_logging;
pub mod logstash;
mod loki;
pub mod model;
pub mod nodes;
pub mod open_telemetry;
pub mod operators;
pub mod paths;
pub mod products;
pub mod promtail;
pub mod resolve;
pub mod rsyslog;
mod scan;
pub mod service;
pub mod settings;
pub mod syslog_ng;
pub mod vector;
pub mod vlagent;
pub mod wanted;
