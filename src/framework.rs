//! Compliance frameworks: which checks and themes answer which control, and what that comes to.
//!
//! Only framework files map; checks know nothing of frameworks. A control may ask for a check with parameters of its own,
//! so one fact can pass in one framework and fail in another: both verdicts are shown. Users add frameworks of their own
//! with the same format.
//!
//! | module | does |
//! | --- | --- |
//! | [`load`] | files into frameworks, or diagnostics with positions |
//! | [`choice`] | which frameworks fit a cluster, and which of them are reported, in which edition |
//! | [`conflicts`] | which controls ask for the contrary of which |
//! | [`result`] | what controls came to, as reports tell it |

pub mod choice;
pub mod conflicts;
pub mod load;
pub mod result;
mod verdicts;

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::analyze::version::Version;
use crate::check::{CheckSet, Params};

pub use load::frameworks;
pub use result::{CheckResult, ControlResult, FrameworkResult, ThemeGap};
pub use verdicts::{Context, Verdicts};

/// A framework.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Framework {
    /// `cis-kubernetes`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where ids and demands were taken from.
    pub source: String,
    /// Whether it is reported without being asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// The distribution for whose clusters it is written, as facts name it; others see it only if they ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution: Option<String>,
    /// The framework in whose place it stands on clusters of that distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// Whether its editions hold beside each other, so that all are reported where none is named.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub side_by_side: bool,
    /// Its editions, oldest first.
    pub editions: Vec<Edition>,
    #[serde(serialize_with = "controls")]
    controls: Controls,
    /// The file it came from.
    #[serde(skip)]
    pub file: String,
}

/// The controls of a framework. Those of a built-in file are read when they are first needed: most runs report few frameworks.
#[derive(Debug, Clone)]
struct Controls {
    read: OnceLock<Vec<Control>>,
    text: &'static str,
}

fn controls<S: serde::Serializer>(controls: &Controls, serializer: S) -> Result<S::Ok, S::Error> {
    controls.get().serialize(serializer)
}

impl Controls {
    fn get(&self) -> &[Control] {
        self.read.get_or_init(|| load::controls(self.text))
    }
}

/// An edition of a framework.
#[derive(Debug, Clone, Serialize)]
pub struct Edition {
    /// `1.12`.
    pub id: String,
    /// Minor versions of Kubernetes it is written for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kubernetes: Vec<u32>,
}

/// A control and what answers it.
#[derive(Debug, Clone, Serialize)]
pub struct Control {
    /// Its id in the framework.
    pub id: String,
    /// What it asks for, in our words.
    pub title: String,
    /// The editions in which it has this id; none for all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub editions: Vec<String>,
    /// The control of which it is a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// Every check that answers one of these themes answers the control.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub themes: Vec<String>,
    /// Classes of requests (`checks/requests.yaml`) that must be recorded: the checks that judge these classes answer it,
    /// for these alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// Single checks that answer it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckReference>,
    /// What a person has to confirm, because no machine can: with nothing worse, the control comes to `attestation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attest: Option<String>,
    /// What asks for the contrary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<Conflict>,
}

/// Controls that ask for contrary things. It is written at one of them and holds for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// The other controls: `cis-kubernetes/3.2.2`.
    pub with: Vec<String>,
    /// What the one asks for and what the others, in a sentence without a full stop.
    pub why: String,
}

/// A check with the parameters that a control asks for.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReference {
    /// The check.
    pub id: String,
    /// Parameters other than its defaults.
    #[serde(skip_serializing_if = "Params::is_empty")]
    pub params: Params,
    /// Whether it can only fail the control: that it passes does not yet fulfil it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub precondition: bool,
}

impl Control {
    /// Whether an edition has it.
    pub fn is_in(&self, edition: &str) -> bool {
        self.editions.is_empty() || self.editions.iter().any(|known| known == edition)
    }
}

impl Framework {
    /// Its controls, in its order.
    pub fn controls(&self) -> &[Control] {
        self.controls.get()
    }

    /// The edition written for a version of Kubernetes; if none is, the oldest for versions older than all that are named,
    /// else the newest.
    pub fn edition_for(&self, version: Option<Version>) -> Option<&Edition> {
        let named = version.and_then(|version| {
            self.editions.iter().rev().find(|edition| edition.kubernetes.contains(&version.minor))
        });
        let oldest = self.editions.iter().flat_map(|edition| &edition.kubernetes).min();
        named.or_else(|| match (version, oldest) {
            (Some(version), Some(oldest)) if version.minor < *oldest => self.editions.first(),
            _ => self.editions.last(),
        })
    }

    /// What is to be said of an edition that is not written for this version.
    pub fn note_on(&self, edition: &Edition, version: Option<Version>) -> Option<String> {
        if edition.kubernetes.is_empty() {
            return None;
        }
        let written: Vec<String> = edition.kubernetes.iter().map(|minor| format!("1.{minor}")).collect();
        let written = written.join(", ");
        let id = &edition.id;
        match version {
            Some(version) if edition.kubernetes.contains(&version.minor) => None,
            Some(version) => {
                Some(format!("edition {id} is written for Kubernetes {written}, not for {version}"))
            }
            None => Some(format!(
                "edition {id} is written for Kubernetes {written}; the cluster's version is not known"
            )),
        }
    }
}

/// Framework and control: `cis-kubernetes/3.2.2`.
pub fn full_id(framework: &Framework, control: &Control) -> String {
    format!("{}/{}", framework.id, control.id)
}

/// The control of that full id, in the newest edition that has it.
pub fn find_control<'f>(all: &'f [Framework], full_id: &str) -> Option<&'f Control> {
    let (framework, control) = full_id.split_once('/')?;
    let framework = all.iter().find(|known| known.id == framework)?;
    framework.controls().iter().rev().find(|known| known.id == control)
}

/// The parameter by which a check says which classes of requests it judges.
const CLASSES: &str = "classes";

/// The checks that judge classes of requests, each with those of the classes that are its own.
pub fn of_classes(checks: &CheckSet, classes: &[String]) -> Vec<CheckReference> {
    let references = checks.active().filter_map(|check| {
        let own = check.params.get(CLASSES)?.as_array()?;
        let wanted: Vec<Value> =
            own.iter().filter(|id| classes.iter().any(|class| id.as_str() == Some(class))).cloned().collect();
        (!wanted.is_empty()).then(|| CheckReference {
            id: check.id.clone(),
            params: Params::from([(CLASSES.to_owned(), Value::Array(wanted))]),
            precondition: false,
        })
    });
    references.collect()
}
