//! Which controls ask for the contrary of which.

use std::collections::BTreeMap;

use super::{Framework, full_id};

/// A control that asks for the contrary, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contrary {
    /// Framework and control: `cis-kubernetes/3.2.2`.
    pub control: String,
    /// What the one asks for and what the other.
    pub why: String,
}

/// The contraries of every control. A conflict is written at one of its controls and holds for all.
#[derive(Debug, Default)]
pub struct Conflicts(BTreeMap<String, Vec<Contrary>>);

impl Conflicts {
    /// All conflicts that these frameworks name.
    pub fn of(frameworks: &[Framework]) -> Self {
        let mut found = Self::default();
        for framework in frameworks.iter().filter(|framework| framework.may_name_conflicts()) {
            for control in framework.controls() {
                let Some(conflict) = &control.conflict else { continue };
                let here = full_id(framework, control);
                for other in &conflict.with {
                    found.add(&here, other, &conflict.why);
                    found.add(other, &here, &conflict.why);
                }
            }
        }
        found
    }

    fn add(&mut self, control: &str, other: &str, why: &str) {
        let known = self.0.entry(control.to_owned()).or_default();
        // One control can stand in a file several times, once for each of its editions.
        if !known.iter().any(|contrary| contrary.control == other && contrary.why == why) {
            known.push(Contrary { control: other.to_owned(), why: why.to_owned() });
        }
    }

    /// What asks for the contrary of a control.
    pub fn with(&self, full_id: &str) -> &[Contrary] {
        self.0.get(full_id).map_or(&[], Vec::as_slice)
    }
}

impl Framework {
    /// Whether it can name conflicts, without reading its controls for that.
    fn may_name_conflicts(&self) -> bool {
        self.controls.read.get().is_some() || self.controls.text.contains("conflict:")
    }
}

/// What belongs to the same reason, each reason once, in the order in which they come.
pub fn by_reason<'a, T>(conflicts: impl IntoIterator<Item = (&'a str, T)>) -> Vec<(&'a str, Vec<T>)> {
    let mut groups: Vec<(&str, Vec<T>)> = Vec::new();
    for (why, item) in conflicts {
        match groups.iter_mut().find(|(known, _)| *known == why) {
            Some((_, items)) => items.push(item),
            None => groups.push((why, vec![item])),
        }
    }
    groups
}
