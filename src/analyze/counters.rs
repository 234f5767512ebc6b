//! What the counters of the apiservers that answered show. Series: `k8s.io/apiserver` `pkg/audit/metrics.go`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::apiserver::flags::constant;
use super::apiserver::instances::Instances;
use super::fact::Fact;
use super::units::whole;
use super::version::Version;
use crate::snapshot::{AuditCounters, Reading, Scope, Snapshot};
use crate::verdict::{Evidence, Rank};

/// The audit counters of one apiserver process since it started.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// The apiserver, if there is only one, else when the process started.
    pub name: String,
    /// Requests served.
    pub requests: Fact<i64>,
    /// Audit events handed to the backends, those later lost included.
    pub events: Fact<i64>,
    /// Whether requests led to audit events; unknown while none was served.
    pub produces_events: Fact<bool>,
    /// Requests for which the policy was evaluated. 0 while requests were served: no policy or no backend.
    pub evaluated: Fact<i64>,
    /// Requests for which the policy chose a level other than None.
    pub recorded: Fact<i64>,
    /// Events dropped because the buffer of a backend in mode batch was full.
    pub lost_buffered: Fact<i64>,
    /// Events dropped because the webhook did not take them.
    pub lost_webhook: Fact<i64>,
    /// Events that could not be written to the log.
    pub lost_log: Fact<i64>,
    /// Events dropped because they were too large.
    pub lost_truncate: Fact<i64>,
    /// Requests rejected because auditing failed in mode blocking-strict.
    pub rejected: Fact<i64>,
    /// Seconds since the process started.
    pub uptime_seconds: Fact<i64>,
    /// Events a day since the process started; unknown in its first hour.
    pub events_per_day: Fact<i64>,
}

/// The counters of every apiserver that answered, and one unknown entry for those that did not.
pub fn counters(snapshot: &Snapshot, instances: &Instances) -> Fact<Vec<Counters>> {
    let samples = distinct(snapshot);
    let gap = snapshot.metrics.iter().find_map(Reading::gap);
    if samples.is_empty() {
        return match gap {
            Some(gap) => Fact::unknown(gap.to_string()),
            None if snapshot.scope == Scope::Manifests => {
                Fact::unknown("files hold no counters; run against the cluster to read /metrics")
            }
            None => Fact::unknown("/metrics was not read"),
        };
    }
    let expected = instances.live_leases.unwrap_or_default().max(instances.list.len()).max(samples.len());
    let only = match instances.list.as_slice() {
        [only] if samples.len() == 1 && expected == 1 && instances.count_unknown.is_none() => {
            Some(only.name.clone())
        }
        _ => None,
    };
    let reader = |sample: &&AuditCounters| match foreign(sample) {
        Some(why) => unknown("another program", &why),
        None => known(sample, only.clone(), snapshot.captured_at),
    };
    let mut list: Vec<Counters> = samples.iter().map(reader).collect();
    if let Some(reason) = &instances.count_unknown {
        list.push(unknown("further apiservers", reason));
    } else if expected > samples.len() {
        let missing = expected - samples.len();
        let why = gap.map_or_else(
            || "the load balancer kept sending requests to the same instances; run again, or against each address".to_owned(),
            ToString::to_string,
        );
        list.push(unknown(
            &format!("{missing} of {expected} apiservers"),
            &format!("{} of {expected} live apiservers answered /metrics: {why}", samples.len()),
        ));
    }
    Fact::at(
        list,
        Rank::Observed,
        "/metrics",
        format!("{} of {expected} live apiservers answered", samples.len()),
    )
}

/// One sample of each process. Without the time at which it started a process cannot be told from another.
fn distinct(snapshot: &Snapshot) -> Vec<&AuditCounters> {
    let mut samples: Vec<&AuditCounters> = Vec::new();
    for sample in snapshot.metrics.iter().filter_map(Reading::value) {
        let started = sample.process_start_seconds;
        let seen = samples.iter().any(|other| {
            started.is_none()
                || other.process_start_seconds.is_none()
                || other.process_start_seconds == started
        });
        if !seen {
            samples.push(sample);
        }
    }
    samples
}

/// Why a sample is not a kube-apiserver's: behind the same path another server of the same library may answer.
fn foreign(sample: &AuditCounters) -> Option<String> {
    let version = sample.git_version.as_deref()?;
    Version::parse(version).is_none().then(|| {
        format!(
            "/metrics was answered by another program than a kube-apiserver (its version is {version}); read it from the apiserver directly"
        )
    })
}

/// Events a day of the only apiserver, or the highest of all: whichever instance has it needs the most space.
pub fn highest_rate(counters: &Fact<Vec<Counters>>) -> Fact<i64> {
    match counters {
        Fact::Unknown(unknown) => Fact::Unknown(unknown.clone()),
        Fact::Known(known) => known
            .value
            .iter()
            .map(|sample| &sample.events_per_day)
            .max_by_key(|rate| rate.value().copied())
            .cloned()
            .unwrap_or_else(|| Fact::unknown("/metrics was not read")),
    }
}

fn known(sample: &AuditCounters, name: Option<String>, now: Option<Timestamp>) -> Counters {
    let started = sample.process_start_seconds.and_then(whole).and_then(|s| Timestamp::from_second(s).ok());
    let name = name.unwrap_or_else(|| match started {
        Some(started) => format!("apiserver started {started}"),
        None => "apiserver".into(),
    });
    let uptime = match (started, now) {
        (Some(started), Some(now)) if now >= started => Fact::at(
            now.duration_since(started).as_secs(),
            Rank::Observed,
            "/metrics process_start_time_seconds",
            format!("started {started}"),
        ),
        _ => Fact::unknown("/metrics does not show when the process started"),
    };
    let events = series(sample.events, "apiserver_audit_event_total");
    let levels = |counted: &dyn Fn(&str) -> bool| {
        let sum: f64 = sample.levels.iter().filter(|(level, _)| counted(level)).map(|(_, count)| count).sum();
        let detail = if sample.levels.is_empty() {
            "apiserver_audit_level_total has no sample".to_owned()
        } else {
            sample
                .levels
                .iter()
                .map(|(level, count)| format!("{level} {count}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        // The labelled family is absent until its first sample; the unlabelled one proves that it would be there.
        needs_events(sample, whole(sum).unwrap_or(i64::MAX), "apiserver_audit_level_total", detail)
    };
    let lost = |plugin: &str| {
        let count = sample.errors.get(plugin).copied().unwrap_or(0.0);
        let series = format!("apiserver_audit_error_total{{plugin=\"{plugin}\"}}");
        needs_events(sample, whole(count).unwrap_or(i64::MAX), &series, format!("{count}"))
    };
    let rate = uptime.clone().zip(events.clone()).and_then(|(uptime, events)| {
        if uptime < 3600 {
            return Fact::unknown(
                "the process started less than an hour ago, so its event rate means little yet",
            );
        }
        let rate = i128::from(events) * 86_400 / i128::from(uptime);
        Fact::known(i64::try_from(rate).unwrap_or(i64::MAX), Rank::Inferred, Vec::new())
    });
    let requests = series(sample.requests, "apiserver_request_total");
    let produces_events = events.clone().and_then(|events| match events {
        1.. => constant(true),
        _ => requests.clone().and_then(|requests| match requests {
            1.. => constant(false),
            _ => Fact::unknown("it has not served a request since it started; run again"),
        }),
    });
    Counters {
        name,
        requests,
        produces_events,
        evaluated: levels(&|_| true),
        recorded: levels(&|level| level != "None"),
        lost_buffered: lost("buffered"),
        lost_webhook: lost("webhook"),
        lost_log: lost("log"),
        lost_truncate: lost("truncate"),
        rejected: series(sample.rejected, "apiserver_audit_requests_rejected_total"),
        uptime_seconds: uptime,
        events_per_day: rate,
        events,
    }
}

fn series(value: Option<f64>, name: &str) -> Fact<i64> {
    match value.and_then(whole) {
        Some(value) => Fact::at(value, Rank::Observed, format!("/metrics {name}"), value.to_string()),
        None => Fact::unknown(format!(
            "/metrics has no {name}: the endpoint is filtered, or it is not an apiserver's; read it from the apiserver directly"
        )),
    }
}

fn needs_events(sample: &AuditCounters, value: i64, at: &str, detail: String) -> Fact<i64> {
    match sample.events {
        // Every event comes from a request whose level was counted: events without levels mean that series are missing.
        Some(events) if events > 0.0 && sample.levels.is_empty() => Fact::unknown(
            "/metrics shows audit events but no apiserver_audit_level_total: the endpoint is filtered; read it from the apiserver directly",
        ),
        Some(_) => {
            Fact::known(value, Rank::Observed, vec![Evidence { at: format!("/metrics {at}"), detail }])
        }
        None => series(None, "apiserver_audit_event_total"),
    }
}

fn unknown(name: &str, reason: &str) -> Counters {
    let fact = || Fact::unknown(reason);
    Counters {
        name: name.to_owned(),
        requests: fact(),
        events: fact(),
        produces_events: Fact::unknown(reason),
        evaluated: fact(),
        recorded: fact(),
        lost_buffered: fact(),
        lost_webhook: fact(),
        lost_log: fact(),
        lost_truncate: fact(),
        rejected: fact(),
        uptime_seconds: fact(),
        events_per_day: fact(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(requests: Option<f64>, events: Option<f64>) -> Counters {
        known(&AuditCounters { requests, events, ..AuditCounters::default() }, None, None)
    }

    #[test]
    fn no_events_mean_something_only_after_requests() {
        for (requests, events, expected) in [
            (Some(9.0), Some(3.0), Some(true)),
            (None, Some(3.0), Some(true)),
            (Some(9.0), Some(0.0), Some(false)),
            (Some(0.0), Some(0.0), None),
            (None, Some(0.0), None),
            (Some(9.0), None, None),
        ] {
            let produces = sample(requests, events).produces_events;
            assert_eq!(produces.value().copied(), expected, "{requests:?} {events:?}");
        }
    }
}
