//! Facts about each kube-apiserver.

pub mod agreement;
pub mod audit;
pub mod flags;
pub mod instances;
pub mod invocation;
mod matching;
pub mod problems;

use schemars::JsonSchema;
use serde::Serialize;

use self::agreement::Disagreement;
use self::audit::{Audit, Context};
use self::flags::constant;
use self::instances::Instance;
use super::fact::Fact;
use super::units::whole;

/// One kube-apiserver.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiServer {
    /// Its pod's name, its host, or what declares it.
    pub name: String,
    /// Its Kubernetes version: `1.36`.
    pub version: Fact<String>,
    /// What it records and where.
    pub audit: Audit,
    /// `--event-ttl`: how long events are kept, in seconds.
    pub event_ttl_seconds: Fact<i64>,
    /// `--enable-logs-handler`: `/logs/` serves the container's `/var/log` through the API.
    pub logs_handler: Fact<bool>,
    /// `-v`: the verbosity of the apiserver's own log.
    pub verbosity: Fact<i64>,
    /// What shows its flags, the most direct first: `its pod`, `/flagz`, `kubeadm-config`.
    pub sources: Fact<Vec<String>>,
    /// Where its sources contradict each other.
    pub disagreements: Fact<Vec<Disagreement>>,
}

/// What bears on one instance beside what speaks of it.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// Audit events a day, as counted.
    pub events_per_day: Fact<i64>,
    /// Why a policy file that is set proves nothing here.
    pub policy_doubt: Option<String>,
    /// A source of its flags that was not read.
    pub gap: Option<&'a str>,
}

/// The facts about one instance.
pub fn api_server(instance: &Instance, surroundings: Surroundings<'_>) -> ApiServer {
    let flags = &instance.flags;
    let Surroundings { events_per_day, policy_doubt, gap } = surroundings;
    let context = Context { paths: instance.paths.clone(), events_per_day, policy_doubt };
    ApiServer {
        name: instance.name.clone(),
        version: match (flags.version, &flags.unread) {
            (Some(version), None) => constant(version.to_string()),
            (_, Some(reason)) => Fact::unknown(reason.clone()),
            (None, None) => Fact::unknown("no source shows the version of this apiserver"),
        },
        audit: audit::audit(flags, &context),
        event_ttl_seconds: flags.seconds("event-ttl").map(|seconds| whole(seconds).unwrap_or(i64::MAX)),
        logs_handler: flags.bool("enable-logs-handler"),
        verbosity: flags.int("v"),
        sources: agreement::sources(flags, gap),
        disagreements: agreement::disagreements(flags, gap),
    }
}
