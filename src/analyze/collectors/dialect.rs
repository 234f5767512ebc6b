//! The languages in which collectors are configured.

use super::config::Config;
use super::model::Pipeline;

/// A language of configurations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// Fluent Bit, classic and YAML.
    FluentBit,
    /// Fluentd.
    Fluentd,
    /// Vector in YAML, TOML or JSON.
    Vector,
    /// The OpenTelemetry Collector and its distributions.
    OpenTelemetry,
    /// Grafana Alloy, and Grafana Agent in flow mode.
    Alloy,
    /// Promtail, and the `logs` part of Grafana Agent in static mode.
    Promtail,
    /// Filebeat and the other Beats.
    Filebeat,
    /// Elastic Agent without Fleet.
    ElasticAgent,
    /// Logstash.
    Logstash,
    /// The Datadog agent, by its environment.
    Datadog,
    /// The ConfigMap container-azm-ms-agentconfig of Azure's agent.
    AzureAgentConfig,
    /// syslog-ng and `AxoSyslog`.
    SyslogNg,
    /// rsyslog.
    Rsyslog,
    /// The agent of `VictoriaLogs`, by its arguments.
    Vlagent,
}

/// A configuration that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Where reading ended.
    pub at: String,
    /// Why, in one line, without quoting what may be a credential.
    pub why: String,
}

impl Unreadable {
    /// Reading ended here.
    pub fn new(at: impl Into<String>, why: impl Into<String>) -> Self {
        Self { at: at.into(), why: why.into() }
    }
}

impl Dialect {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::FluentBit => "Fluent Bit",
            Self::Fluentd => "Fluentd",
            Self::Vector => "Vector",
            Self::OpenTelemetry => "OpenTelemetry Collector",
            Self::Alloy => "Alloy",
            Self::Promtail => "Promtail",
            Self::Filebeat => "Filebeat",
            Self::ElasticAgent => "Elastic Agent",
            Self::Logstash => "Logstash",
            Self::Datadog => "Datadog agent",
            Self::AzureAgentConfig => "Azure Monitor agent",
            Self::SyslogNg => "syslog-ng",
            Self::Rsyslog => "rsyslog",
            Self::Vlagent => "vlagent",
        }
    }

    /// Reads a configuration.
    ///
    /// # Errors
    /// It is not one that the program would start with, or a part without which nothing can be told is not seen.
    pub fn read(self, config: &Config) -> Result<Pipeline, Unreadable> {
        match self {
            Self::Vector => super::vector::read(config),
            Self::Fluentd => super::fluentd::read(config),
            Self::FluentBit => super::fluent_bit::read(config),
            Self::OpenTelemetry => super::open_telemetry::read(config),
            Self::Filebeat => super::filebeat::read(config),
            Self::ElasticAgent => super::elastic_agent::read(config),
            Self::Datadog => super::datadog::read(config),
            Self::Alloy => super::alloy::read(config),
            Self::Promtail => super::promtail::read(config),
            Self::AzureAgentConfig => super::azure_agent::read_config(config),
            Self::Logstash => super::logstash::read(config),
            Self::Rsyslog => super::rsyslog::read(config),
            Self::Vlagent => super::vlagent::read(config),
            Self::SyslogNg => super::syslog_ng::read(config),
        }
    }
}
