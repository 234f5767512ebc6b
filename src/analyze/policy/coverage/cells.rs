//! Namespaces and names: the parts into which the rules divide them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use fixedbitset::FixedBitSet;

use super::TooLarge;
use super::budget::Budget;
use super::identity::{fresh, is_label};
use super::target::{Names, Naming, Scope, Target};
use super::walk::{Question, Step};

/// Which objects are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Objects<'q> {
    /// Namespaces; empty for all.
    pub(super) namespaces: &'q [String],
    /// Names; empty for all.
    pub(super) names: &'q [String],
}

impl Objects<'_> {
    /// All of them.
    pub(super) const ANY: Self = Self { namespaces: &[], names: &[] };
}

/// Some values of a dimension that the rules do not tell apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Values {
    /// Those that rules or the question name; `""` is none.
    pub(super) named: Vec<String>,
    /// One that nobody names and that stands for all such.
    pub(super) other: Option<String>,
    /// Those that rules or the question name and that fare otherwise.
    pub(super) elsewhere: Vec<String>,
}

impl Values {
    /// One of them.
    pub(super) fn first(&self) -> &str {
        self.other.as_ref().or(self.named.first()).map_or("", String::as_str)
    }
}

/// Namespaces and names that the steps do not tell apart, the steps that accept them, and whether both are the same.
pub(super) type Cells = (Rc<Values>, Rc<Values>, FixedBitSet, bool);

impl<const N: usize> Question<'_, '_, N> {
    /// Namespaces and names, grouped by the steps that accept them.
    pub(super) fn cells(&self, target: &Target, budget: &Budget) -> Result<Vec<Cells>, TooLarge> {
        let Target::Resource { scope, verb, .. } = target else {
            let all = self.all_steps().enumerate().map(|(index, _)| index).collect();
            let none = Rc::new(none());
            return Ok(vec![(Rc::clone(&none), none, all, false)]);
        };
        let naming = target.naming();
        let mut cells = Vec::new();
        let named_namespaces: BTreeSet<&str> =
            self.all_steps().flat_map(|step| step.namespaces).map(String::as_str).collect();
        let named_names: BTreeSet<&str> = self
            .all_steps()
            .filter_map(|step| match &step.names {
                Names::Any => None,
                Names::These(names) => Some(names),
            })
            .flatten()
            .copied()
            .collect();
        let spans = matches!(verb.as_str(), "list" | "watch");
        let untied = *scope != Scope::Namespaces || naming != Naming::Always;
        if untied {
            let namespaces = match scope {
                Scope::Cluster | Scope::Namespaces => vec![(String::new(), false)],
                Scope::Namespaced => {
                    candidates(&named_namespaces, self.objects.namespaces, is_label, spans, "some-namespace")
                }
                Scope::Either => {
                    candidates(&named_namespaces, self.objects.namespaces, is_label, true, "some-namespace")
                }
            };
            let names = match naming {
                Naming::Never => vec![(String::new(), false)],
                Naming::Maybe => candidates(&named_names, self.objects.names, is_segment, true, "some-name"),
                Naming::Always => {
                    candidates(&named_names, self.objects.names, is_segment, false, "some-name")
                }
            };
            let namespaces = self.group(namespaces, budget, |step, value| is_in(step.namespaces, value))?;
            let names = self.group(names, budget, |step, name| step.names.accept(name))?;
            for (namespace_values, by_namespace) in &namespaces {
                for (name_values, by_name) in &names {
                    // Values and set are copied.
                    budget.spend(32 + steps_of(by_name))?;
                    let mut accepted = by_namespace.clone();
                    accepted.intersect_with(by_name);
                    cells.push((Rc::clone(namespace_values), Rc::clone(name_values), accepted, false));
                }
            }
        }
        if *scope == Scope::Namespaces && (naming == Naming::Always || verb == "watch") {
            let named: BTreeSet<&str> = named_namespaces.union(&named_names).copied().collect();
            let asked: Vec<String> = match (self.objects.namespaces, self.objects.names) {
                ([], names) => names.to_vec(),
                (namespaces, []) => namespaces.to_vec(),
                (namespaces, names) => {
                    namespaces.iter().filter(|namespace| names.contains(namespace)).cloned().collect()
                }
            };
            let both = candidates(&named, &asked, is_label, false, "some-namespace");
            let both = self.group(both, budget, |step, value| {
                is_in(step.namespaces, value) && step.names.accept(value)
            })?;
            cells.extend(
                both.into_iter().map(|(values, accepted)| (Rc::clone(&values), values, accepted, true)),
            );
        }
        Ok(cells)
    }

    /// Puts values together that the same steps accept.
    fn group(
        &self,
        values: Vec<(String, bool)>,
        budget: &Budget,
        accepts: impl Fn(&Step<'_>, &str) -> bool,
    ) -> Result<Vec<(Rc<Values>, FixedBitSet)>, TooLarge> {
        let mut groups: Vec<(Values, FixedBitSet)> = Vec::new();
        let mut numbers: BTreeMap<FixedBitSet, usize> = BTreeMap::new();
        let steps: usize = self.steps.iter().map(|steps| steps.len()).sum();
        for (value, is_other) in values {
            budget.spend(2 * steps as u64 + 1)?;
            let mut accepted = FixedBitSet::with_capacity(steps);
            for (index, step) in self.all_steps().enumerate() {
                accepted.set(index, accepts(step, &value));
            }
            let next = groups.len();
            let at = *numbers.entry(accepted.clone()).or_insert(next);
            if at == next {
                groups.push((Values::default(), accepted));
            }
            let Some((group, _)) = groups.get_mut(at) else { continue };
            if is_other {
                group.other = Some(value);
            } else {
                group.named.push(value);
            }
        }
        let named: Vec<Vec<String>> = groups.iter().map(|(values, _)| values.named.clone()).collect();
        if let Some(at) = groups.iter().position(|(values, _)| values.other.is_some())
            && let Some((values, _)) = groups.get_mut(at)
        {
            let others = named.into_iter().enumerate().filter(|(index, _)| *index != at);
            values.elsewhere = others.flat_map(|(_, named)| named).collect();
        }
        Ok(groups.into_iter().map(|(values, accepted)| (Rc::new(values), accepted)).collect())
    }
}

/// Whether a rule with these namespaces accepts one; without any it accepts all.
fn is_in(namespaces: &[String], namespace: &str) -> bool {
    namespaces.is_empty() || namespaces.iter().any(|known| known == namespace)
}

fn steps_of(set: &FixedBitSet) -> u64 {
    set.len() as u64
}

fn none() -> Values {
    Values { named: vec![String::new()], other: None, elsewhere: Vec::new() }
}

/// The values of a dimension to ask about: those that are named and can occur, one that is not named, and none; each with
/// whether it is the one that stands for the rest. If the question names some, only those.
fn candidates(
    named: &BTreeSet<&str>,
    asked: &[String],
    can_occur: fn(&str) -> bool,
    may_be_empty: bool,
    like: &str,
) -> Vec<(String, bool)> {
    if !asked.is_empty() {
        let possible =
            asked.iter().filter(|value| if value.is_empty() { may_be_empty } else { can_occur(value) });
        return possible.map(|value| (value.clone(), false)).collect();
    }
    let empty = may_be_empty.then(|| (String::new(), false));
    let named_values =
        named.iter().filter(|value| can_occur(value)).map(|value| ((*value).to_owned(), false));
    empty.into_iter().chain(named_values).chain([(fresh(named, like), true)]).collect()
}

/// Whether a text can stand between two slashes of a path, as names do.
pub(super) fn is_segment(text: &str) -> bool {
    !text.is_empty() && !text.contains(['/', '%']) && text != "." && text != ".."
}
