//! Requests that end alike, put together and in words.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::catalogue::Who;
use super::super::matches::Attributes;
use super::describe::{self, Span, shortened};
use super::identity::Everyone;
use super::target::Target;
use super::walk::{Block, Part, Sender};

/// Requests that fare alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Requests {
    /// Verbs.
    pub verbs: Vec<String>,
    /// Resources as `pods/exec` or `deployments.apps`, or paths.
    pub resources: Vec<String>,
    /// In which namespaces.
    pub namespaces: Span,
    /// With which names.
    pub names: Span,
    /// Sent by whom.
    pub senders: Vec<String>,
    /// One of these requests.
    pub witness: Attributes,
}

impl Requests {
    /// In words: `get, list secrets in kube-system by nodes (system:nodes)`.
    pub fn words(&self) -> String {
        format!(
            "{} {}{}{} by {}",
            shortened(&self.verbs),
            shortened(&self.resources),
            self.names.with_names(),
            self.namespaces.in_namespaces(),
            shortened(&self.senders)
        )
    }
}

/// Requests by how they end: `E`.
pub(super) struct Gathered<E> {
    by_end: BTreeMap<Alike<E>, BTreeMap<String, Seen>>,
}

/// What requests have in common that are told in one go: how they end, namespaces, names and senders.
type Alike<E> = (E, Rc<(Span, Span)>, Rc<[String]>);

/// What is done to a resource.
struct Seen {
    verbs: BTreeSet<String>,
    witness: Attributes,
}

impl<E> Default for Gathered<E> {
    fn default() -> Self {
        Self { by_end: BTreeMap::new() }
    }
}

impl<E: Ord + Copy> Gathered<E> {
    /// Adds what these senders do to some targets about which they are answered alike.
    pub(super) fn add<'t, const N: usize>(
        &mut self,
        end: E,
        everyone: &Everyone,
        targets: impl IntoIterator<Item = &'t Target>,
        cell: &Block<N>,
        part: &Part<N>,
        asked: &[Who],
    ) {
        let mut targets = targets.into_iter().peekable();
        if targets.peek().is_none() {
            return;
        }
        let spans = cell.spans.get_or_init(|| {
            let names = match Span::of(&cell.names) {
                _ if cell.tied => Span::None,
                // Verbs without a name go together with those for which any will do.
                Span::None => Span::Any,
                span => span,
            };
            Rc::new((Span::of(&cell.namespaces), names))
        });
        let senders = describe::senders(everyone, cell, part, asked);
        let resources = self.by_end.entry((end, Rc::clone(spans), senders)).or_default();
        for target in targets {
            let seen = resources.entry(target.what()).or_insert_with(|| Seen {
                verbs: BTreeSet::new(),
                witness: witness(everyone, target, cell, part.first()),
            });
            if !seen.verbs.contains(target.verb()) {
                seen.verbs.insert(target.verb().to_owned());
            }
        }
    }

    /// In the order of the ends. Resources to which the same is done stand together.
    pub(super) fn list(self) -> Vec<(E, Requests)> {
        let mut list = Vec::new();
        for ((end, spans, senders), resources) in self.by_end {
            let (namespaces, names) = &*spans;
            let mut by_verbs: BTreeMap<BTreeSet<String>, (Vec<String>, Attributes)> = BTreeMap::new();
            for (resource, seen) in resources {
                let (resources, _) = by_verbs.entry(seen.verbs).or_insert_with(|| (Vec::new(), seen.witness));
                resources.push(resource);
            }
            for (verbs, (resources, witness)) in by_verbs {
                let requests = Requests {
                    verbs: in_usual_order(&verbs),
                    resources,
                    namespaces: namespaces.clone(),
                    names: names.clone(),
                    senders: senders.to_vec(),
                    witness,
                };
                list.push((end, requests));
            }
        }
        list
    }
}

/// A request to the target about the objects of a cell, by a sender.
pub(super) fn witness<const N: usize>(
    everyone: &Everyone,
    target: &Target,
    cell: &Block<N>,
    sender: Option<(usize, &Sender)>,
) -> Attributes {
    let mut attributes = target.attributes(cell.namespaces.first(), cell.names.first());
    let Some((identity, sender)) = sender else { return attributes };
    if let Some(identity) = everyone.identities.get(identity) {
        attributes.user = identity.user.clone();
        attributes.groups = identity.groups.clone();
    }
    let joined = sender.joins.iter().filter_map(|join| everyone.groups.get(join.ones().next()?));
    for group in joined {
        if !attributes.groups.contains(group) {
            attributes.groups.push(group.clone());
        }
    }
    attributes
}

fn in_usual_order(verbs: &BTreeSet<String>) -> Vec<String> {
    const USUAL: [&str; 8] =
        ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
    let usual = USUAL.iter().filter(|verb| verbs.contains(**verb)).map(|verb| (*verb).to_owned());
    let others = verbs.iter().filter(|verb| !USUAL.contains(&verb.as_str())).cloned();
    usual.chain(others).collect()
}
