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
            Self::Breaks => "breaks",
            Self::Behind => "behind",
            Self::Unknown => "open",
        }
    }

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
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

/// The stations, and what is asked of the link to each.
const STATIONS: [(&str, &str); 6] = [
    ("mount", "whether a collector sees it where it lies"),
    ("input", "whether an input takes it in"),
    ("filters", "whether filters let it through"),
    ("route", "whether it reaches an output"),
    ("output", "whether an output takes it off the node"),
    ("off cluster", "whether it leaves the cluster"),
];

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
    let told = &source.links;
    let facts = [&told.mounted, &told.read, &told.kept, &told.routed, &told.shipped, &told.off_cluster];
    let mut seen: BTreeSet<&Evidence> = BTreeSet::new();
    let mut links: Vec<Link<'_>> = Vec::new();
    let mut broken = false;
    let mut open: Option<&str> = None;
    for (number, (fact, (name, asks))) in facts.into_iter().zip(STATIONS).enumerate() {
        let state = match fact.value() {
            Some(true) => State::Holds,
            Some(false) if broken => State::Behind,
            Some(false) => State::Breaks,
            None => State::Unknown,
        };
        broken |= state == State::Breaks;
        let (evidence, rank) = match fact {
            Fact::Known(known) if state != State::Behind => (
                known.evidence.iter().filter(|one| seen.insert(one)).map(Place::from).collect(),
                known.rank.as_str(),
            ),
            Fact::Known(_) | Fact::Unknown(_) => (Vec::new(), ""),
        };
        // What leaves one link open mostly leaves open all behind it: it is said once.
        let reason = fact.reason().filter(|reason| open.replace(*reason) != Some(*reason));
        links.push(Link {
            name,
            asks,
            state,
            reason: scrub(reason.unwrap_or_default()),
            evidence,
            rank,
            from: place(number),
            to: place(number.saturating_add(1)),
        });
    }
    let (verdict, state) = verdict(&links);
    Path {
        name: scrub(&source.name),
        start: if source.kind == "events" { "API" } else { "node" },
        verdict,
        state,
        why: why(&links),
        links,
        more: more(source),
    }
}

/// The place of a station, in percent of the width: there are seven with the start.
fn place(number: usize) -> String {
    let thousandths = number.saturating_mul(2).saturating_add(1).saturating_mul(100_000) / 14;
    format!("{}.{:03}%", thousandths / 1000, thousandths % 1000)
}

/// How far a path goes.
fn verdict(links: &[Link<'_>]) -> (String, State) {
    let first = |state: State| links.iter().find(|link| link.state == state).map(|link| link.name);
    if let Some(name) = first(State::Breaks) {
        let words = match name {
            "mount" => "no collector sees it".to_owned(),
            "off cluster" => "stays in the cluster".to_owned(),
            name => format!("ends at the {name}"),
        };
        return (words, State::Breaks);
    }
    match first(State::Unknown) {
        Some("mount") => ("not known".to_owned(), State::Unknown),
        Some(name) => (format!("not known from {name} on"), State::Unknown),
        None => ("leaves the cluster".to_owned(), State::Holds),
    }
}

/// Why a path comes no further: what decided on the link that breaks it, else why a link is not known.
fn why(links: &[Link<'_>]) -> String {
    let first = |state: State| links.iter().find(|link| link.state == state);
    if let Some(link) = first(State::Breaks) {
        return link
            .evidence
            .last()
            .map_or_else(String::new, |last| format!("{} ({})", last.detail, last.at));
    }
    first(State::Unknown).map_or_else(String::new, |link| link.reason.clone().into_owned())
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
            state: if covered.value >= nodes.value { State::Holds } else { State::Breaks },
            words: scrub(&if missed.is_empty() { words } else { format!("{words}; not on {missed}") })
                .into_owned(),
            evidence: covered.evidence.iter().map(Place::from).collect(),
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
                State::Breaks | State::Behind => breaks.to_owned(),
            };
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
                state: State::Breaks,
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
