//! From a source of logs to where they end up, link by link: mounted, read, kept, routed, shipped.
//!
//! Each link is told for itself and only for what passed the one before. Of several collectors, inputs and routes one that
//! brings the logs through is enough, so a link holds if it holds on some way, and fails only if it fails on all.

mod hop;
mod input;
mod output;
mod steps;

use schemars::JsonSchema;
use serde::Serialize;

use self::input::{mount_of, taken_in};
use self::output::leaves;
use self::steps::{is_complete, is_whole, longest_line, passes};
use super::collector::Collector;
use super::model::{Input, Output, Pipeline, Receiver, Route, Source, Step};
use super::{glob, paths};
use crate::analyze::fact::Fact;
use crate::snapshot::Snapshot;
use crate::verdict::{Evidence, Rank};

/// How many collectors logs are followed through.
const MAX_HOPS: usize = 3;

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// The output of containers in a namespace.
    Containers {
        /// The namespace.
        namespace: String,
        /// A pod in it.
        pod: String,
        /// Its container.
        container: String,
        /// Whether it is this one that matters, and does not stand for any other.
        exact: bool,
    },
    /// A file of the node.
    File {
        /// Its path on the node.
        path: String,
        /// Whether it is an audit log of the API server, which some collectors find by themselves.
        is_audit: bool,
    },
    /// The journal of the node's services.
    Journal,
    /// Kubernetes events.
    Events,
}

/// How far logs come. A link is told only for what passed the one before.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Links {
    /// Whether a collector sees it where it lies: its folder of the node is mounted, or it comes through the API.
    pub mounted: Fact<bool>,
    /// Whether an input takes it in.
    pub read: Fact<bool>,
    /// Whether filters let it through.
    pub kept: Fact<bool>,
    /// Whether it reaches an output.
    pub routed: Fact<bool>,
    /// Whether an output takes it off the node: not to nothing, its own output or a file.
    pub shipped: Fact<bool>,
    /// Whether it leaves the cluster.
    pub off_cluster: Fact<bool>,
    /// Whether nothing on the way samples, limits or drops by content.
    pub whole: Fact<bool>,
    /// Whether the input takes in every file, however old, and every line but long ones.
    pub complete: Fact<bool>,
    /// Bytes of the longest line that gets on whole; 0 if none does, 1099511627776 if nothing limits it.
    pub longest_line: Fact<i64>,
}

/// The length of lines that nothing limits: a tebibyte, more than any file has.
pub const ANY_LENGTH: i64 = 1 << 40;

/// How long lines may be that get on, where it is told whether any do.
pub(super) fn any_length(gets_on: Fact<bool>) -> Fact<i64> {
    gets_on.map(|gets_on| if gets_on { ANY_LENGTH } else { 0 })
}

/// The longer of two.
fn longer(one: Fact<i64>, other: Fact<i64>) -> Fact<i64> {
    match (one.value(), other.value()) {
        (Some(length), Some(limit)) if limit > length => other,
        (Some(_), Some(_)) | (Some(&ANY_LENGTH), _) => one,
        (_, Some(&ANY_LENGTH)) | (Some(_), None) => other,
        (None, _) => one,
    }
}

fn yes(at: &str, detail: impl Into<String>) -> Fact<bool> {
    Fact::at(true, Rank::Evaluated, at, detail)
}

fn no(at: &str, detail: impl Into<String>) -> Fact<bool> {
    Fact::at(false, Rank::Evaluated, at, detail)
}

/// How far logs come with all collectors together; none if there is no way to follow.
pub fn follow(snapshot: &Snapshot, collectors: &[Collector<'_>], target: &Target) -> Option<Links> {
    collectors.iter().flat_map(|collector| ways(snapshot, collectors, collector, target)).reduce(Links::or)
}

impl Links {
    /// The same for every link.
    pub(super) fn all(fact: &Fact<bool>) -> Self {
        Self {
            mounted: fact.clone(),
            read: fact.clone(),
            kept: fact.clone(),
            routed: fact.clone(),
            shipped: fact.clone(),
            off_cluster: fact.clone(),
            whole: fact.clone(),
            complete: fact.clone(),
            longest_line: any_length(fact.clone()),
        }
    }

    /// Both ways together: a link holds if it holds on one of them.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            mounted: self.mounted.or(other.mounted),
            read: self.read.or(other.read),
            kept: self.kept.or(other.kept),
            routed: self.routed.or(other.routed),
            shipped: self.shipped.or(other.shipped),
            off_cluster: self.off_cluster.or(other.off_cluster),
            whole: self.whole.or(other.whole),
            complete: self.complete.or(other.complete),
            longest_line: longer(self.longest_line, other.longest_line),
        }
    }
}

/// How far what is looked for comes through one collector; none if it has nothing to do with it.
pub fn through_one(
    snapshot: &Snapshot,
    collectors: &[Collector<'_>],
    collector: &Collector<'_>,
    target: &Target,
) -> Option<Links> {
    ways(snapshot, collectors, collector, target).into_iter().reduce(Links::or)
}

/// Every way through one collector.
fn ways(
    snapshot: &Snapshot,
    all: &[Collector<'_>],
    collector: &Collector<'_>,
    target: &Target,
) -> Vec<Links> {
    let pipeline = match &collector.pipeline {
        Ok(pipeline) => pipeline,
        Err(unreadable) => {
            let reason = format!("{} ({})", unreadable.why, unreadable.at);
            let mounted = mounted_without_input(collector, target);
            let Some(mounted) = mounted else { return Vec::new() };
            let behind = match mounted.value() {
                Some(false) => mounted.clone(),
                _ => Fact::unknown(reason),
            };
            return vec![Links { mounted, ..Links::all(&behind) }];
        }
    };
    let candidates: Vec<&Input> =
        pipeline.inputs.iter().filter(|input| fits(&input.source, target)).collect();
    if candidates.is_empty() {
        let Some(mounted) = mounted_without_input(collector, target) else { return Vec::new() };
        let read = mounted.clone().and(hidden_or(pipeline, no(&collector.at, "no input of it is for them")));
        return vec![Links { mounted, ..Links::all(&read) }];
    }
    candidates
        .into_iter()
        .flat_map(|input| through((snapshot, all), collector, pipeline, input, target))
        .collect()
}

/// What is followed on its way out.
struct Passing<'a> {
    /// The cluster, with the Services that lead to collectors.
    snapshot: &'a Snapshot,
    /// Every collector, any of which may be the next one.
    all: &'a [Collector<'a>],
    /// The namespace that it is about, if it is about one.
    namespace: Option<&'a str>,
    /// See [`passes`].
    exact: bool,
}

/// Whether an input takes in all there is of its kind: the journal may be limited to units, events to warnings.
fn all_of(source: &Source, at: &str) -> Fact<bool> {
    match source {
        Source::Journal { only, .. } if !only.is_empty() => {
            let shown: Vec<&str> = only.iter().filter_map(|unit| unit.value().map(String::as_str)).collect();
            no(at, format!("only {}", shown.join(", ")))
        }
        Source::Events { only_warnings: true, .. } => no(at, "only warnings"),
        _ => Fact::known(true, Rank::Evaluated, Vec::new()),
    }
}

/// What cannot be seen may change what is seen.
fn hidden_or(pipeline: &Pipeline, fact: Fact<bool>) -> Fact<bool> {
    match pipeline.unread.first() {
        Some(unread) => Fact::unknown(format!("{} ({})", unread.why, unread.at)),
        None => fact,
    }
}

/// Whether an input is of the kind that could bring these logs.
fn fits(source: &Source, target: &Target) -> bool {
    match (source, target) {
        (Source::Files { include, exclude: _ }, Target::Containers { .. } | Target::File { .. }) => {
            include.iter().any(|glob| glob.value().is_none_or(|glob| may_concern(glob, target)))
        }
        (Source::Containers { .. }, Target::Containers { .. }) => true,
        (Source::Journal { .. }, Target::Journal) | (Source::Events { .. }, Target::Events) => true,
        _ => false,
    }
}

/// Whether a glob is meant for these logs: it matches them, or lies where they lie, so that what is wrong with it is worth
/// telling.
fn may_concern(glob: &str, target: &Target) -> bool {
    match target {
        Target::Containers { .. } => {
            ["/container", "/pod", "/docker"].iter().any(|part| glob.contains(part)) || glob.contains("**")
        }
        Target::File { path, is_audit } => {
            let name = path.rsplit('/').next().unwrap_or_default();
            glob.contains(name)
                || glob.contains("**")
                || *is_audit && glob.contains("audit")
                || glob::matches(glob, path)
        }
        Target::Journal | Target::Events => false,
    }
}

/// Whether a collector sees logs at all, where none of its inputs is for them; none if the question does not arise.
fn mounted_without_input(collector: &Collector<'_>, target: &Target) -> Option<Fact<bool>> {
    match target {
        Target::Events => Some(yes(&collector.at, "events come through the API")),
        _ if !collector.on_nodes => None,
        Target::Journal => {
            let folders = ["/var/log/journal", "/run/log/journal"];
            Some(folders.iter().map(|folder| mount_of(collector, folder)).reduce(Fact::or)?)
        }
        Target::Containers { namespace, pod, container, .. } => {
            Some(mount_of(collector, &paths::container_log(namespace, pod, container).file))
        }
        Target::File { path, .. } => Some(mount_of(collector, path)),
    }
}

/// The ways of one input.
fn through(
    (snapshot, all): (&Snapshot, &[Collector<'_>]),
    collector: &Collector<'_>,
    pipeline: &Pipeline,
    input: &Input,
    target: &Target,
) -> Vec<Links> {
    let (mounted, read) = taken_in(collector, input, target);
    let read = mounted.clone().and(read);
    let read = match read.value() {
        Some(false) if mounted.value() == Some(&true) => hidden_or(pipeline, read),
        _ => read,
    };
    let (namespace, exact) = match target {
        Target::Containers { namespace, exact, .. } => (Some(namespace.as_str()), *exact),
        _ => (None, true),
    };
    let passing = Passing { snapshot, all, namespace, exact };
    let routes = match &input.routes {
        Fact::Unknown(unknown) => {
            let behind = read.clone().and(Fact::unknown(unknown.reason.clone()));
            return vec![Links { mounted, read, ..Links::all(&behind) }];
        }
        Fact::Known(known) => known,
    };
    let seen = || hidden_or(pipeline, yes(&input.at, "all of the configuration is seen"));
    let outputs = routes.value.iter().map(|route| (route, pipeline.outputs.get(route.output)));
    // What is handed on to a hop goes the further ways of this very pipeline.
    let outputs: Vec<_> = outputs
        .filter(|(_, output)| !output.is_some_and(|output| matches!(output.receiver, Receiver::Hop(_))))
        .collect();
    if outputs.is_empty() {
        let detail = format!("{} reaches no output", input.id);
        let mut evidence = routes.evidence.clone();
        evidence.push(Evidence { at: input.at.clone(), detail });
        let kept = read.clone().and(seen());
        let routed = hidden_or(pipeline, Fact::known(false, Rank::Evaluated, evidence));
        let routed = kept.clone().and(routed);
        return vec![Links { mounted, read, kept, ..Links::all(&routed) }];
    }
    let way = |(route, output): (&Route, Option<&Output>)| {
        let steps: Vec<&Step> = input.steps.iter().chain(&route.steps).collect();
        let kept = read.clone().and(passes(&steps, namespace, exact)).and(seen());
        let Some(output) = output else {
            let routed = kept.clone().and(no_such_output(input));
            return Links { mounted: mounted.clone(), read: read.clone(), kept, ..Links::all(&routed) };
        };
        let routed = kept.clone().and(yes(&output.at, format!("{} leads to {}", input.id, output.id)));
        let left = leaves(&passing, collector, output, MAX_HOPS);
        let shipped = routed.clone().and(left.shipped);
        let off_cluster = shipped.clone().and(left.off_cluster);
        let whole = shipped.clone().and(is_whole(&steps)).and(left.whole);
        let longest_line = match (shipped.value(), longest_line(&steps)) {
            (Some(true), limit) if limit.value() != Some(&ANY_LENGTH) => limit,
            _ => any_length(shipped.clone()),
        };
        let complete = shipped.clone().and(is_complete(&steps)).and(all_of(&input.source, &input.at));
        Links {
            mounted: mounted.clone(),
            read: read.clone(),
            kept,
            routed,
            shipped,
            off_cluster,
            whole,
            complete,
            longest_line,
        }
    };
    outputs.into_iter().map(way).collect()
}

/// A way to an output that the pipeline does not have.
fn no_such_output(input: &Input) -> Fact<bool> {
    Fact::unknown(format!("{} leads to an output that is not read ({})", input.id, input.at))
}

#[cfg(test)]
mod tests;
