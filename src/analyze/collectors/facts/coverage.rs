//! On how many nodes logs are taken in.

use super::nodes::{self, NodeClass};
use super::{Collector, Snapshot};
use crate::analyze::collectors::chain::{self, Target};
use crate::analyze::fact::Fact;
use crate::analyze::units::whole_count;
use crate::snapshot::{Node, Workload};
use crate::verdict::{Evidence, Rank};

/// How many nodes are named.
const NAMED: usize = 3;

/// On which nodes a source arises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arises {
    /// On every node.
    Everywhere,
    /// On the control plane.
    ControlPlane,
}

/// Something that runs on nodes.
#[derive(Debug, Clone)]
pub(crate) struct Runner<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it stands.
    pub at: &'a str,
    /// Its workload, where it is seen.
    pub workload: Option<&'a Workload>,
    /// Others of which one must run on the same node, if it does not bring logs off the node by itself.
    pub beside: Option<&'a [&'a Workload]>,
    /// Whether it is certain that it does there what it is for.
    pub sure: bool,
}

/// How many nodes are covered.
#[derive(Debug, Clone)]
pub(crate) struct Coverage {
    /// Nodes on which the source arises.
    pub nodes: Fact<i64>,
    /// Those on which something takes it in.
    pub covered: Fact<i64>,
    /// The others, by class and reason, as a phrase; empty if there are none.
    pub missed: Fact<String>,
}

/// The coverage of a source by all collectors that read it.
pub(super) fn coverage(
    snapshot: &Snapshot,
    collectors: &[Collector<'_>],
    target: &Target,
    arises: Arises,
) -> Coverage {
    let mut runners: Vec<Runner<'_>> = Vec::new();
    let mut doubt: Option<String> = None;
    for (collector, reached) in carriers(snapshot, collectors, target) {
        match reached {
            Fact::Known(known) if known.value => runners.push(runner(collector, true)),
            Fact::Known(_) => {}
            Fact::Unknown(unknown) => {
                doubt.get_or_insert(unknown.reason);
                runners.push(runner(collector, false));
            }
        }
    }
    of_runners(snapshot, &runners, doubt, arises)
}

/// The coverage by what runs on nodes; `doubt` is why some of it may not count.
pub(crate) fn of_runners(
    snapshot: &Snapshot,
    runners: &[Runner<'_>],
    doubt: Option<String>,
    arises: Arises,
) -> Coverage {
    let all_unknown = |reason: String| Coverage {
        nodes: Fact::unknown(reason.clone()),
        covered: Fact::unknown(reason.clone()),
        missed: Fact::unknown(reason),
    };
    let nodes = match snapshot.nodes.as_result() {
        Ok(nodes) => nodes,
        Err(gap) => return all_unknown(gap.to_string()),
    };
    let concerned: Vec<&Node> = nodes
        .iter()
        .filter(|node| match (arises, nodes::class(node)) {
            (_, NodeClass::Virtual) | (Arises::ControlPlane, NodeClass::Windows) => false,
            (Arises::Everywhere, _) => true,
            (Arises::ControlPlane, _) => node.control_plane,
        })
        .collect();
    if concerned.is_empty() && arises == Arises::ControlPlane {
        return all_unknown("no node of the control plane is visible".into());
    }
    let total = whole_count(concerned.len());
    let reaches = |node: &Node, certain: bool| {
        runners.iter().any(|runner| {
            (runner.sure || !certain) && runner.workload.is_some() && why_not(runner, node).is_none()
        })
    };
    let covered = concerned.iter().filter(|node| reaches(node, true)).count();
    let possible = concerned.iter().filter(|node| reaches(node, false)).count();
    let evidence = vec![Evidence {
        at: match arises {
            Arises::Everywhere => "the nodes".into(),
            Arises::ControlPlane => "the nodes of the control plane".into(),
        },
        detail: format!("{} are there", concerned.len()),
    }];
    let nodes_fact = Fact::known(total, Rank::Observed, evidence.clone());
    if possible > covered
        && let Some(reason) = doubt
    {
        return Coverage {
            nodes: nodes_fact,
            covered: Fact::unknown(reason.clone()),
            missed: Fact::unknown(reason),
        };
    }
    if let Some(unplaced) = runners.iter().find(|runner| runner.workload.is_none())
        && covered < concerned.len()
    {
        let reason = format!("on which nodes {} runs is not seen: its workload is not read", unplaced.name);
        return Coverage {
            nodes: nodes_fact,
            covered: Fact::unknown(reason.clone()),
            missed: Fact::unknown(reason),
        };
    }
    let missed: Vec<&&Node> = concerned.iter().filter(|node| !reaches(node, true)).collect();
    let mut evidence = evidence;
    evidence.extend(runners.iter().filter_map(|runner| places(runner, &missed)));
    Coverage {
        nodes: nodes_fact,
        covered: Fact::known(whole_count(covered), Rank::Evaluated, evidence.clone()),
        missed: Fact::known(phrase(runners, &missed, &concerned), Rank::Evaluated, evidence),
    }
}

/// The collectors that bring the source off the node. Where none does, those that read it, so that what is said of nodes
/// does not hang on what is wrong behind them.
fn carriers<'a>(
    snapshot: &Snapshot,
    collectors: &'a [Collector<'a>],
    target: &Target,
) -> Vec<(&'a Collector<'a>, Fact<bool>)> {
    let of_nodes = collectors.iter().filter(|collector| collector.on_nodes);
    // Which pods are selected is another question than on which nodes something runs.
    let mut target = target.clone();
    if let Target::Containers { exact, .. } = &mut target {
        *exact = false;
    }
    let links: Vec<_> = of_nodes
        .filter_map(|collector| {
            Some((collector, chain::through_one(snapshot, collectors, collector, &target)?))
        })
        .collect();
    let any_ships = links.iter().any(|(_, links)| links.shipped.value() != Some(&false));
    links
        .into_iter()
        .map(|(collector, links)| (collector, if any_ships { links.shipped } else { links.read }))
        .collect()
}

/// Why something does not do its work on a node, and the workload that does not run there; none if it does.
fn why_not<'a>(runner: &Runner<'a>, node: &Node) -> Option<(&'a Workload, String)> {
    let absent = |workload: &'a Workload| {
        let placement = &workload.placement;
        let why = nodes::why_not(placement, node).or_else(|| {
            let is_foreign = nodes::class(node) == NodeClass::Windows && !nodes::chooses_windows(placement);
            is_foreign.then(|| "it is not made for Windows".to_owned())
        });
        why.map(|why| (workload, why))
    };
    absent(runner.workload?).or_else(|| {
        let all: Option<Vec<_>> = runner.beside?.iter().map(|workload| absent(workload)).collect();
        all?.into_iter().next()
    })
}

fn runner<'a>(collector: &'a Collector<'_>, sure: bool) -> Runner<'a> {
    let beside = collector.taken_up_by.as_deref();
    Runner {
        name: &collector.name,
        at: &collector.at,
        // Without one that is seen nothing is known of nodes.
        workload: collector.workload.filter(|_| beside.is_none_or(|beside| !beside.is_empty())),
        beside,
        sure,
    }
}

/// Where something says on which nodes it runs.
fn places(runner: &Runner<'_>, missed: &[&&Node]) -> Option<Evidence> {
    runner.workload?;
    let Some(node) = missed.first() else {
        return Some(Evidence { at: runner.at.to_owned(), detail: format!("{} runs there", runner.name) });
    };
    let (workload, why) = why_not(runner, node)?;
    let tolerations = "spec.template.spec.tolerations";
    let at = if why.contains("nodeSelector") {
        workload.field("spec.template.spec.nodeSelector")
    } else if workload.marks.contains_key(tolerations) || workload.marks.is_empty() {
        workload.field(tolerations)
    } else {
        workload.field("spec.template.spec")
    };
    let is_own = runner.workload.is_some_and(|own| std::ptr::eq(own, workload));
    let name = if is_own { runner.name.to_owned() } else { workload.title() };
    Some(Evidence { at, detail: format!("{name} does not run on {}: {why}", node.name) })
}

/// Which nodes are not covered: "control plane 3 of 3 (cp1, cp2, cp3: the taint … is not tolerated)".
fn phrase(runners: &[Runner<'_>], missed: &[&&Node], all: &[&Node]) -> String {
    let classes = [
        (NodeClass::ControlPlane, "control plane"),
        (NodeClass::Worker, "workers"),
        (NodeClass::Windows, "Windows"),
    ];
    let mut parts = Vec::new();
    for (class, name) in classes {
        let of_class: Vec<&&&Node> = missed.iter().filter(|node| nodes::class(node) == class).collect();
        let Some(first) = of_class.first() else { continue };
        let total = all.iter().filter(|node| nodes::class(node) == class).count();
        let names: Vec<&str> = of_class.iter().take(NAMED).map(|node| node.name.as_str()).collect();
        let more = of_class.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let why = runners
            .iter()
            .find_map(|runner| why_not(runner, first))
            .map_or_else(String::new, |(_, why)| format!(": {why}"));
        parts.push(format!("{name} {} of {total} ({}{more}{why})", of_class.len(), names.join(", ")));
    }
    parts.join("; ")
}
