//! Which apiserver answers is up to the load balancer, so with several of them `/metrics` and `/flagz` are asked again
//! over new connections until every one has answered, or until it is no longer worth it.

use std::collections::{BTreeMap, BTreeSet};

use tokio::task::JoinSet;

use super::answer::Failure;
use super::client::{Client, Connector};
use super::gather;
use crate::snapshot::{AuditCounters, Flagz, Gap, GapReason, Lease, Reading};

/// How many connections are opened for each live apiserver, at most.
const CONNECTIONS_EACH: usize = 3;

/// The most apiservers that are looked for.
const MAX_INSTANCES: usize = 16;

/// How many apiservers there seem to be, for how long to go on asking.
///
/// Whether a Lease is fresh is judged later. Here the youngest one is the clock, so that the clock of this machine does
/// not matter; a Lease without a time counts.
pub(super) fn live(leases: &[Lease]) -> usize {
    let youngest = leases.iter().filter_map(|lease| lease.renew_time).max();
    let is_live = |lease: &Lease| match (lease.renew_time, youngest, lease.duration_seconds) {
        (Some(renewed), Some(youngest), Some(seconds)) => {
            youngest.duration_since(renewed).as_secs() <= seconds.max(0)
        }
        _ => true,
    };
    leases.iter().filter(|lease| is_live(lease)).count()
}

/// What the instances answered, each once.
#[derive(Debug, Default)]
pub(super) struct Instances {
    /// By the start of the process, in bits: a float has no order.
    metrics: BTreeMap<Option<u64>, AuditCounters>,
    flagz: BTreeMap<Identity, Flagz>,
    metrics_gap: Option<Gap>,
    flagz_gap: Option<Gap>,
    /// Instances known by their address whose `/metrics` came over the same connection.
    complete: BTreeSet<String>,
}

/// What an answer of `/flagz` is told apart by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identity {
    /// `--advertise-address`.
    Address(String),
    /// The start of the process that answered `/metrics` on the same connection.
    Process(u64),
    /// Nothing but its content.
    Content(Vec<(String, String)>),
}

/// What came over one connection.
struct Sample {
    flagz: Option<Result<Flagz, Failure>>,
    metrics: Option<Result<AuditCounters, Failure>>,
}

impl Instances {
    /// Adds the answers of the first round, which may be of two instances.
    pub(super) fn first(flagz: Result<Flagz, Failure>, metrics: Result<AuditCounters, Failure>) -> Self {
        let mut instances = Self::default();
        instances.add(Sample { flagz: Some(flagz), metrics: None });
        instances.add(Sample { flagz: None, metrics: Some(metrics) });
        instances
    }

    fn add(&mut self, sample: Sample) {
        let process = match &sample.metrics {
            Some(Ok(counters)) => counters.process_start_seconds.map(f64::to_bits),
            _ => None,
        };
        let has_metrics = matches!(sample.metrics, Some(Ok(_)));
        match sample.metrics {
            Some(Ok(counters)) => {
                // An instance that was asked twice keeps the later counters.
                self.metrics.insert(process, counters);
            }
            Some(Err(failure)) => {
                self.metrics_gap.get_or_insert(failure.gap);
            }
            None => {}
        }
        match sample.flagz {
            Some(Ok(flagz)) => {
                let address = address(&flagz);
                if let (Some(address), true) = (&address, has_metrics) {
                    self.complete.insert(address.clone());
                }
                let identity =
                    address.map(Identity::Address).or(process.map(Identity::Process)).unwrap_or_else(|| {
                        Identity::Content(flagz.flags.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
                    });
                // The same flags from an instance that is known by its process are no further instance.
                let known = matches!(identity, Identity::Content(_))
                    && self.flagz.values().any(|other| other.flags == flagz.flags);
                if !known {
                    // And an answer that nothing told apart may have been this instance's.
                    if matches!(identity, Identity::Process(_)) {
                        self.flagz.retain(|key, other| {
                            !matches!(key, Identity::Content(_)) || other.flags != flagz.flags
                        });
                    }
                    self.flagz.insert(identity, flagz);
                }
            }
            Some(Err(failure)) => {
                self.flagz_gap.get_or_insert(failure.gap);
            }
            None => {}
        }
    }

    /// How many instances are still missing, of those that may yet answer.
    fn missing(&self, live: usize) -> usize {
        let short = |read: usize, gap: Option<&Gap>| match gap {
            Some(gap) if read == 0 && !may_change(gap.reason) => 0,
            _ => live.saturating_sub(read),
        };
        short(self.metrics.len(), self.metrics_gap.as_ref())
            .max(short(self.flagz.len(), self.flagz_gap.as_ref()))
    }

    /// Asks over new connections until `live` instances have answered.
    pub(super) async fn complete(&mut self, connector: &Connector, live: usize) {
        let live = live.min(MAX_INSTANCES);
        if live < 2 {
            return;
        }
        let mut budget = live * CONNECTIONS_EACH;
        let mut eagerness = 1;
        loop {
            let batch = (self.missing(live) * eagerness).min(budget);
            if batch == 0 {
                return;
            }
            budget -= batch;
            // Chance has to find the last ones; asking for more at once costs requests but no time.
            eagerness = 2;
            let mut tasks = JoinSet::new();
            for _ in 0..batch {
                // What cannot be built now could not have been built for the first round.
                let Ok(client) = connector.connect() else { return };
                let (want_flagz, want_metrics) = self.wanted(live);
                let complete = self.complete.clone();
                tasks.spawn(async move { sample(&client, want_flagz, want_metrics, &complete).await });
            }
            while let Some(sample) = tasks.join_next().await {
                if let Ok(sample) = sample {
                    self.add(sample);
                }
            }
        }
    }

    /// Which of `/flagz` and `/metrics` are worth asking for again.
    fn wanted(&self, live: usize) -> (bool, bool) {
        let wanted = |read: usize, gap: Option<&Gap>| {
            read < live && !(read == 0 && gap.is_some_and(|gap| !may_change(gap.reason)))
        };
        (
            wanted(self.flagz.len(), self.flagz_gap.as_ref()),
            wanted(self.metrics.len(), self.metrics_gap.as_ref()),
        )
    }

    /// One reading for each instance that answered; one gap if some did not.
    pub(super) fn readings(self, live: usize) -> (Vec<Reading<Flagz>>, Vec<Reading<AuditCounters>>) {
        fn with_gap<T>(read: impl Iterator<Item = T>, gap: Option<Gap>, live: usize) -> Vec<Reading<T>> {
            let mut readings: Vec<Reading<T>> = read.map(Reading::read).collect();
            if readings.len() < live.max(1) {
                readings.extend(gap.map(Reading::missing));
            }
            readings
        }
        (
            with_gap(self.flagz.into_values(), self.flagz_gap, live),
            with_gap(self.metrics.into_values(), self.metrics_gap, live),
        )
    }
}

/// Whether another instance, or the same one later, may answer otherwise.
fn may_change(reason: GapReason) -> bool {
    matches!(
        reason,
        GapReason::Timeout | GapReason::Unreachable | GapReason::ServerError | GapReason::Throttled
    )
}

fn address(flagz: &Flagz) -> Option<String> {
    // An unset address is written as `<nil>`.
    flagz
        .flags
        .get("advertise-address")
        .filter(|address| !address.is_empty() && !address.starts_with('<'))
        .cloned()
}

async fn sample(
    client: &Client,
    want_flagz: bool,
    want_metrics: bool,
    complete: &BTreeSet<String>,
) -> Sample {
    // First the small answer: if it shows an instance of which everything is known, the large one is not fetched.
    let flagz = if want_flagz { Some(gather::flagz(client).await) } else { None };
    let known =
        matches!(&flagz, Some(Ok(read)) if address(read).is_some_and(|address| complete.contains(&address)));
    let metrics = if want_metrics && !known { Some(gather::metrics(client).await) } else { None };
    Sample { flagz, metrics }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(renewed: Option<&str>, duration: Option<i64>) -> Lease {
        Lease {
            name: "apiserver-x".into(),
            hostname: None,
            renew_time: renewed.map(|text| text.parse().unwrap()),
            duration_seconds: duration,
        }
    }

    #[test]
    fn stale_leases_do_not_count() {
        let young = lease(Some("2026-11-21T07:00:00Z"), Some(3600));
        let stale = lease(Some("2026-11-21T05:00:00Z"), Some(3600));
        assert_eq!(live(&[young.clone(), stale.clone(), young.clone()]), 2);
        assert_eq!(live(&[young, lease(None, Some(3600)), lease(Some("2026-11-21T05:00:00Z"), None)]), 3);
        assert_eq!(live(&[stale]), 1);
        assert_eq!(live(&[]), 0);
    }

    fn flags(address: Option<&str>, path: &str) -> Flagz {
        let mut flags = BTreeMap::from([("audit-log-path".to_owned(), path.to_owned())]);
        flags.extend(address.map(|address| ("advertise-address".to_owned(), address.to_owned())));
        Flagz { flags, structured: true }
    }

    fn counters(start: f64, events: f64) -> AuditCounters {
        AuditCounters { process_start_seconds: Some(start), events: Some(events), ..AuditCounters::default() }
    }

    fn failed(reason: GapReason) -> Failure {
        Failure::new(super::super::permissions::Access::Metrics, reason, "x")
    }

    #[test]
    fn each_instance_is_kept_once_and_the_later_counters_win() {
        let mut instances = Instances::first(Ok(flags(Some("10.0.0.1"), "/a")), Ok(counters(1.0, 5.0)));
        for (address, start, events) in
            [("10.0.0.2", 2.0, 1.0), ("10.0.0.1", 1.0, 6.0), ("10.0.0.2", 2.0, 2.0)]
        {
            instances.add(Sample {
                flagz: Some(Ok(flags(Some(address), "/a"))),
                metrics: Some(Ok(counters(start, events))),
            });
        }
        assert_eq!(instances.missing(3), 1);
        let (flagz, metrics) = instances.readings(3);
        assert_eq!(flagz.len(), 2);
        let events: Vec<_> = metrics.iter().map(|reading| reading.value().unwrap().events).collect();
        assert_eq!(events, [Some(6.0), Some(2.0)]);
    }

    #[test]
    fn without_an_address_the_process_tells_instances_apart() {
        let mut instances = Instances::first(Ok(flags(None, "/a")), Ok(counters(1.0, 0.0)));
        for start in [1.0, 2.0, 2.0] {
            instances
                .add(Sample { flagz: Some(Ok(flags(None, "/a"))), metrics: Some(Ok(counters(start, 0.0))) });
        }
        assert_eq!(instances.metrics.len(), 2);
        assert_eq!(instances.flagz.len(), 2, "the first answer is one of the two");
    }

    #[test]
    fn a_refusal_is_not_asked_for_again_and_leaves_one_gap() {
        let instances = Instances::first(Err(failed(GapReason::NotFound)), Err(failed(GapReason::Forbidden)));
        assert_eq!(instances.missing(3), 0);
        let (flagz, metrics) = instances.readings(3);
        assert_eq!((flagz.len(), metrics.len()), (1, 1));
        assert_eq!(metrics[0].gap().unwrap().reason, GapReason::Forbidden);

        let instances = Instances::first(Err(failed(GapReason::NotFound)), Err(failed(GapReason::Timeout)));
        assert_eq!(instances.missing(3), 3);
        assert_eq!(instances.wanted(3), (false, true));
    }

    #[test]
    fn a_gap_is_kept_only_where_somebody_is_missing() {
        let mut instances = Instances::first(Err(failed(GapReason::Timeout)), Ok(counters(1.0, 0.0)));
        instances.add(Sample { flagz: Some(Ok(flags(Some("10.0.0.1"), "/a"))), metrics: None });
        instances.add(Sample { flagz: None, metrics: Some(Err(failed(GapReason::Timeout))) });
        let (flagz, metrics) = instances.readings(2);
        assert_eq!((flagz.len(), flagz.iter().filter(|r| r.gap().is_some()).count()), (2, 1));
        assert_eq!(metrics.len(), 2);
        let instances = Instances::first(Ok(flags(None, "/a")), Ok(counters(1.0, 0.0)));
        assert_eq!(instances.readings(1).0.len(), 1);
    }
}
