//! How far logs come: the path of each source from the node to where it leaves the cluster, link by link.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::analyze::Facts;
use crate::analyze::collectors::chain::ANY_LENGTH;
use crate::analyze::collectors::facts::{CollectorFacts, LogSource};
use crate::analyze::fact::Fact;
use crate::snapshot::redact::scrub;
use crate::verdict::Evidence;

/// The paths, or why there are none.
pub(super) struct Paths<'a> {
    /// Name and product.
    pub(super) collectors: Vec<(Cow<'a, str>, &'a str)>,
    pub(super) collectors_unknown: Option<Cow<'a, str>>,
    pub(super) sources: Vec<Path<'a>>,
    pub(super) unknown: Option<Cow<'a, str>>,
}

/// The path of one source.
pub(super) struct Path<'a> {
    pub(super) name: Cow<'a, str>,
    /// Where it begins: `node`, or `API` for events.
    pub(super) start: &'static str,
    /// How far it comes, in words.
    pub(super) verdict: String,
    pub(super) state: State,
    /// Why it comes no further; empty if it leaves the cluster.
    pub(super) why: String,
    pub(super) links: Vec<Link<'a>>,
    /// What else is known of it.
    pub(super) more: Vec<Told<'a>>,
}

/// How a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It holds.
    Holds,
    /// It holds for some of what arises.
    Partly,
    /// It is the one that breaks the path.
    Breaks,
    /// The path is broken before it.
    Behind,
    /// Not known.
    Unknown,
}

impl State {
    /// The class of the style sheet.
    pub(super) fn style(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Partly => "partly",
            Self::Breaks => "breaks",
            Self::Behind => "behind",
            Self::Unknown => "open",
        }
    }

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Partly => "in part",
            Self::Breaks => "broken",
            Self::Behind => "not reached",
            Self::Unknown => "not known",
        }
    }
}

/// A link and the station it leads to.
pub(super) struct Link<'a> {
    pub(super) name: &'static str,
    /// What is asked of it.
    pub(super) asks: &'static str,
    pub(super) state: State,
    pub(super) reason: Cow<'a, str>,
    /// What it rests on beside what the links before rest on.
    pub(super) evidence: Vec<Place<'a>>,
    pub(super) rank: &'static str,
    /// Where its line begins and its station stands, in percent of the width.
    pub(super) from: String,
    pub(super) to: String,
}

/// A piece of evidence.
pub(super) struct Place<'a> {
    pub(super) at: Cow<'a, str>,
    pub(super) detail: Cow<'a, str>,
}

impl<'a> From<&'a Evidence> for Place<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        Self { at: scrub(&evidence.at), detail: scrub(&evidence.detail) }
    }
}

/// Something else that is known or not.
pub(super) struct Told<'a> {
    pub(super) name: &'static str,
    pub(super) state: State,
    pub(super) words: String,
    pub(super) evidence: Vec<Place<'a>>,
}

impl<'a> Paths<'a> {
    pub(super) fn new(facts: &'a Facts) -> Self {
        Self {
            collectors: facts.collectors.value().into_iter().flatten().map(collector).collect(),
            collectors_unknown: facts.collectors.reason().map(scrub),
            sources: facts.logs.value().into_iter().flatten().map(path).collect(),
            unknown: facts.logs.reason().map(scrub),
        }
    }
}

fn collector(collector: &CollectorFacts) -> (Cow<'_, str>, &str) {
    (scrub(&collector.name), &collector.product)
}

fn path(source: &LogSource) -> Path<'_> {
    let links = links(source);
    let (verdict, state) = verdict(&links);
    let more = more(source);
    Path {
        name: scrub(&source.name),
        start: if source.kind == "events" { "API" } else { "node" },
        verdict,
        state,
        why: why(&links, &more),
        links,
        more,
    }
}

fn links(source: &LogSource) -> Vec<Link<'_>> {
    let told = &source.links;
    let no = |fact: &Fact<bool>| fact.value() == Some(&false);
    let some = |fact: &Fact<Vec<String>>| fact.value().is_some_and(|list| !list.is_empty());
    let mut trail = Trail { seen: BTreeSet::new(), broken: false, open: "", links: Vec::new() };
    trail.add("mount", "whether a collector sees it where it lies", &told.mounted, false);
    trail.add("input", "whether an input takes it in", &told.read, no(&told.complete) && !no(&told.shipped));
    trail.nodes(source);
    let loses =
        no(&told.whole) && !no(&told.shipped) || some(&source.lost_namespaces) || some(&source.opted_out);
    trail.add("filters", "whether filters let it through", &told.kept, loses);
    trail.add("route", "whether it reaches an output", &told.routed, false);
    trail.add("output", "whether an output takes it off the node", &told.shipped, false);
    trail.add("off cluster", "whether it leaves the cluster", &told.off_cluster, false);
    let mut links = trail.links;
    let stations = links.len().saturating_add(1);
    for (number, link) in links.iter_mut().enumerate() {
        link.from = place(number, stations);
        link.to = place(number.saturating_add(1), stations);
    }
    links
}

/// The links of a path so far.
struct Trail<'a> {
    seen: BTreeSet<&'a Evidence>,
    broken: bool,
    /// Why the link before is not known.
    open: &'a str,
    links: Vec<Link<'a>>,
}

impl<'a> Trail<'a> {
    fn add(&mut self, name: &'static str, asks: &'static str, fact: &'a Fact<bool>, in_part: bool) {
        match fact {
            Fact::Unknown(unknown) => self.push(name, asks, State::Unknown, &unknown.reason, &[], ""),
            Fact::Known(known) => {
                let state = match (known.value, in_part) {
                    (true, false) => State::Holds,
                    (true, true) => State::Partly,
                    (false, _) => State::Breaks,
                };
                self.push(name, asks, state, "", &known.evidence, known.rank.as_str());
            }
        }
    }

    /// Whether what takes it in runs where it arises. What comes through the API arises on no node.
    fn nodes(&mut self, source: &'a LogSource) {
        let (name, asks) = ("nodes", "whether that is so on every node where it arises");
        match (&source.nodes, &source.covered) {
            (Fact::Known(nodes), _) if nodes.value == 0 => {}
            (Fact::Known(nodes), Fact::Known(covered)) => {
                let state = match covered.value {
                    0 => State::Breaks,
                    some if some < nodes.value => State::Partly,
                    _ => State::Holds,
                };
                self.push(name, asks, state, "", &covered.evidence, covered.rank.as_str());
            }
            (nodes, covered) => {
                let reason = covered.reason().or(nodes.reason()).unwrap_or_default();
                self.push(name, asks, State::Unknown, reason, &[], "");
            }
        }
    }

    fn push(
        &mut self,
        name: &'static str,
        asks: &'static str,
        state: State,
        reason: &'a str,
        evidence: &'a [Evidence],
        rank: &'static str,
    ) {
        let state = if self.broken { State::Behind } else { state };
        self.broken |= state == State::Breaks;
        let is_told = state != State::Behind;
        let evidence = evidence.iter().filter(|one| is_told && self.seen.insert(one));
        let evidence = evidence.map(Place::from).collect();
        // What leaves one link open mostly leaves open all behind it: it is said once.
        let repeats = std::mem::replace(&mut self.open, reason) == reason;
        self.links.push(Link {
            name,
            asks,
            state,
            reason: scrub(if is_told && !repeats { reason } else { "" }),
            evidence,
            rank: if is_told { rank } else { "" },
            from: String::new(),
            to: String::new(),
        });
    }
}

/// The place of a station among all, in percent of the width.
fn place(number: usize, stations: usize) -> String {
    let half = number.saturating_mul(2).saturating_add(1);
    let thousandths = half.saturating_mul(100_000) / stations.saturating_mul(2).max(1);
    format!("{}.{:03}%", thousandths / 1000, thousandths % 1000)
}

/// How far a path goes.
fn verdict(links: &[Link<'_>]) -> (String, State) {
    let first = |state: State| links.iter().find(|link| link.state == state).map(|link| link.name);
    if let Some(name) = first(State::Breaks) {
        let words = match name {
            "mount" => "no collector sees it".to_owned(),
            "nodes" => "no collector runs where it arises".to_owned(),
            "off cluster" => "stays in the cluster".to_owned(),
            name => format!("ends at the {name}"),
        };
        return (words, State::Breaks);
    }
    match first(State::Unknown) {
        Some("mount") => ("not known".to_owned(), State::Unknown),
        Some(name) => (format!("not known from {name} on"), State::Unknown),
        None if first(State::Partly).is_some() => ("leaves the cluster in part".to_owned(), State::Partly),
        None => ("leaves the cluster".to_owned(), State::Holds),
    }
}

/// Why not all of it leaves: what decided on the link that breaks the path, else why one is not known, else what is left out.
fn why(links: &[Link<'_>], more: &[Told<'_>]) -> String {
    let first = |state: State| links.iter().find(|link| link.state == state);
    if let Some(link) = first(State::Breaks) {
        return link
            .evidence
            .last()
            .map_or_else(String::new, |last| format!("{} ({})", last.detail, last.at));
    }
    if let Some(link) = first(State::Unknown) {
        return link.reason.clone().into_owned();
    }
    let left_out = more.iter().filter(|told| matches!(told.state, State::Partly | State::Breaks));
    left_out.map(|told| told.words.as_str()).collect::<Vec<_>>().join("; ")
}

/// What beside the links is known of a source that gets anywhere.
fn more(source: &LogSource) -> Vec<Told<'_>> {
    let mut list = Vec::new();
    if let (Fact::Known(nodes), Fact::Known(covered)) = (&source.nodes, &source.covered)
        && nodes.value > 0
    {
        let missed = source.missed.value().map(String::as_str).unwrap_or_default();
        let words = format!("taken in on {} of {}", covered.value, nodes.value);
        list.push(Told {
            name: "nodes",
            state: match covered.value {
                0 => State::Breaks,
                some if some < nodes.value => State::Partly,
                _ => State::Holds,
            },
            words: scrub(&if missed.is_empty() { words } else { format!("{words}; not on {missed}") })
                .into_owned(),
            evidence: Vec::new(),
        });
    }
    let links = &source.links;
    if links.shipped.value() == Some(&true) {
        let parts = [
            (
                "content",
                &links.whole,
                "nothing is sampled, limited or dropped by content",
                "some of it is dropped on the way",
            ),
            (
                "files and lines",
                &links.complete,
                "every file and line is taken in",
                "some files or lines are not taken in",
            ),
        ];
        for (name, fact, holds, breaks) in parts {
            let state = state_of(fact);
            let words = match state {
                State::Holds => holds.to_owned(),
                State::Unknown => scrub(fact.reason().unwrap_or_default()).into_owned(),
                State::Partly | State::Breaks | State::Behind => breaks.to_owned(),
            };
            let state = if state == State::Breaks { State::Partly } else { state };
            list.push(Told { name, state, words, evidence: only_failed(fact) });
        }
        if let Some(limit) = links.longest_line.value().filter(|limit| (1..ANY_LENGTH).contains(*limit)) {
            list.push(Told {
                name: "longest line",
                state: State::Holds,
                words: format!("{limit} bytes get on whole"),
                evidence: Vec::new(),
            });
        }
    }
    for (name, fact, what) in [
        ("namespaces", &source.lost_namespaces, "nothing is shipped of "),
        ("opted out", &source.opted_out, "withdrawn by label or annotation: "),
    ] {
        let Fact::Known(known) = fact else { continue };
        if !known.value.is_empty() {
            list.push(Told {
                name,
                state: State::Partly,
                words: scrub(&format!("{what}{}", known.value.join(", "))).into_owned(),
                evidence: known.evidence.iter().map(Place::from).collect(),
            });
        }
    }
    list
}

fn state_of(fact: &Fact<bool>) -> State {
    match fact.value() {
        Some(true) => State::Holds,
        Some(false) => State::Breaks,
        None => State::Unknown,
    }
}

/// The evidence of what does not hold.
fn only_failed(fact: &Fact<bool>) -> Vec<Place<'_>> {
    match fact {
        Fact::Known(known) if !known.value => known.evidence.iter().map(Place::from).collect(),
        Fact::Known(_) | Fact::Unknown(_) => Vec::new(),
    }
}
