//! Whether the sources of one apiserver agree, and whether the apiservers agree with each other.

use schemars::JsonSchema;
use serde::Serialize;

use super::flags::{FLAGS, FlagSource, Flags, Rung, default_of, same_value};
use super::instances::Instance;
use crate::analyze::fact::Fact;
use crate::snapshot::DeclarationKind;
use crate::verdict::{Evidence, Rank};

/// Flags without a form of their own in [`FLAGS`] that matter for what is recorded or shown.
const OTHERS: [&str; 3] = ["enable-logs-handler", "v", "logging-format"];

/// Compared between apiservers only: `/flagz` writes feature gates in another form than a command line does.
const BETWEEN_INSTANCES: [&str; 1] = ["feature-gates"];

/// Two sources of one apiserver that say different things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Disagreement {
    /// The flag.
    pub flag: String,
    /// The more direct source and what it says.
    pub runs: String,
    /// The other source and what it says.
    pub declared: String,
}

/// A flag that differs between apiservers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// The flag.
    pub flag: String,
    /// Which apiserver has which value.
    pub values: String,
}

/// The sources that show all flags of one apiserver. `gap` is a source that could not be read: with it there may be more.
pub fn sources(flags: &Flags, gap: Option<&str>) -> Fact<Vec<String>> {
    if let Some(reason) = &flags.unread {
        return Fact::unknown(reason.clone());
    }
    let complete: Vec<&FlagSource> =
        flags.sources.iter().filter(|source| source.arguments.open.is_none()).collect();
    match (complete.len(), gap) {
        (0, _) => Fact::unknown("no source shows all flags of this apiserver"),
        (1, Some(gap)) => Fact::unknown(gap),
        _ => Fact::known(
            complete.iter().map(|source| source.label.clone()).collect(),
            Rank::Configured,
            complete
                .iter()
                .map(|source| Evidence {
                    at: source.at.clone(),
                    detail: format!("{} shows its flags", source.label),
                })
                .collect(),
        ),
    }
}

/// Where the sources of one apiserver contradict each other; unknown with fewer than two sources, and where those that were
/// read agree but `gap` was not.
pub fn disagreements(flags: &Flags, gap: Option<&str>) -> Fact<Vec<Disagreement>> {
    if let Some(reason) = &flags.unread {
        return Fact::unknown(reason.clone());
    }
    let complete: Vec<&FlagSource> =
        flags.sources.iter().filter(|source| source.arguments.open.is_none()).collect();
    let [first, others @ ..] = complete.as_slice() else {
        return Fact::unknown("no source shows all flags of this apiserver");
    };
    if others.is_empty() {
        return Fact::unknown(format!(
            "only {} speaks of this apiserver, so there is nothing to compare it with",
            first.label
        ));
    }
    let mut found = Vec::new();
    let mut evidence = Vec::new();
    for other in others {
        for name in compared() {
            let (Some(left), Some(right)) = (value_in(first, name, flags), value_in(other, name, flags))
            else {
                continue;
            };
            if !same_value(name, &left.0, &right.0) {
                found.push(Disagreement {
                    flag: name.into(),
                    runs: format!("{}: {}", first.label, left.1.detail),
                    declared: format!("{}: {}", other.label, right.1.detail),
                });
                evidence.extend([left.1, right.1]);
            }
        }
    }
    if let Some(gap) = gap.filter(|_| found.is_empty()) {
        return Fact::unknown(gap);
    }
    if evidence.is_empty() {
        let labels: Vec<&str> = complete.iter().map(|source| source.label.as_str()).collect();
        evidence.push(Evidence { at: first.at.clone(), detail: format!("{} agree", labels.join(", ")) });
    }
    Fact::known(found, Rank::Configured, evidence)
}

/// Audit flags that differ between the apiservers that were read; unknown while one was not read and those that were agree.
pub fn drift(instances: &[Instance]) -> Fact<Vec<Drift>> {
    drift_of(instances, &|name| name.starts_with("audit-"))
}

/// Other flags about logging that differ, likewise.
pub fn other_drift(instances: &[Instance]) -> Fact<Vec<Drift>> {
    drift_of(instances, &|name| !name.starts_with("audit-"))
}

fn drift_of(instances: &[Instance], chosen: &dyn Fn(&str) -> bool) -> Fact<Vec<Drift>> {
    // A declaration of a whole cluster stands for all of its apiservers, and two of them for two clusters.
    let (clusters, servers): (Vec<&Instance>, Vec<&Instance>) =
        instances.iter().partition(|instance| instance.declared_by.is_some_and(declares_a_cluster));
    let read: Vec<&Instance> =
        servers.iter().copied().filter(|instance| instance.flags.unread.is_none()).collect();
    if read.len() < 2 {
        return match (servers.as_slice(), clusters.as_slice()) {
            ([], []) => Fact::unknown("no apiserver is visible"),
            ([only], _) if only.flags.unread.is_none() => {
                Fact::known(Vec::new(), Rank::Configured, vec![one_only(only)])
            }
            ([], clusters) => Fact::known(
                Vec::new(),
                Rank::Configured,
                clusters.iter().map(|cluster| one_for_all(cluster)).collect(),
            ),
            _ => Fact::unknown("fewer than two apiservers were read, and there are or may be more"),
        };
    }
    let mut found = Vec::new();
    let mut evidence = Vec::new();
    let mut unknown = None;
    for name in compared().chain(BETWEEN_INSTANCES).filter(|name| chosen(name)) {
        let mut values: Vec<(String, String, Evidence)> = Vec::new();
        for instance in &read {
            match instance.flags.get(name) {
                Fact::Known(known) => {
                    let shown = if known.value.hidden {
                        "from a variable".to_owned()
                    } else {
                        known.value.text.clone()
                    };
                    let at = known.evidence.into_iter().next();
                    let at =
                        at.unwrap_or_else(|| Evidence { at: instance.name.clone(), detail: shown.clone() });
                    values.push((known.value.text, format!("{}={shown:?}", instance.name), at));
                }
                Fact::Unknown(why) => unknown = Some(why.reason),
            }
        }
        let Some((first, ..)) = values.first() else { continue };
        if values.iter().any(|(value, ..)| !same_value(name, first, value)) {
            let shown: Vec<&str> = values.iter().map(|(_, shown, _)| shown.as_str()).collect();
            found.push(Drift { flag: name.into(), values: shown.join(", ") });
            evidence.extend(values.into_iter().map(|(_, _, evidence)| evidence));
        }
    }
    if found.is_empty() {
        if let Some(unread) = servers.iter().find_map(|instance| instance.flags.unread.clone()) {
            return Fact::unknown(unread);
        }
        if let Some(why) = unknown {
            return Fact::unknown(why);
        }
        evidence.extend(
            read.iter()
                .filter_map(|instance| instance.flags.primary())
                .map(|source| Evidence { at: source.at.clone(), detail: "same flags as the others".into() }),
        );
    }
    Fact::known(found, Rank::Configured, evidence)
}

/// Whether a kind of declaration is about a whole cluster rather than about one server.
fn declares_a_cluster(kind: DeclarationKind) -> bool {
    use DeclarationKind::{
        K3sConfig, K3sNode, KindConfig, KopsCluster, KubeadmConfig, KubeadmControlPlane, OpenshiftConfig,
        Rke1Cluster, Rke2Config, Rke2Node,
    };
    match kind {
        KubeadmConfig | KindConfig | KubeadmControlPlane | KopsCluster | Rke1Cluster | OpenshiftConfig => {
            true
        }
        K3sConfig | K3sNode | Rke2Config | Rke2Node => false,
    }
}

fn one_for_all(instance: &Instance) -> Evidence {
    Evidence {
        at: instance.flags.primary().map(|source| source.at.clone()).unwrap_or_default(),
        detail: "one declaration for all apiservers of its cluster".into(),
    }
}

fn one_only(instance: &Instance) -> Evidence {
    Evidence {
        at: instance.flags.primary().map(|source| source.at.clone()).unwrap_or_default(),
        detail: "the only apiserver".into(),
    }
}

fn compared() -> impl Iterator<Item = &'static str> {
    FLAGS.iter().map(|flag| flag.name).chain(OTHERS)
}

/// A flag's value in one source, its default where it is not given; none where that cannot be told.
fn value_in(source: &FlagSource, name: &str, flags: &Flags) -> Option<(String, Evidence)> {
    match source.last(name) {
        Some(given) => {
            let text = given.value.text()?.to_owned();
            Some((text, Evidence { at: given.at.clone(), detail: given.written.clone() }))
        }
        // `/flagz` lists every flag the version has.
        None if source.rung == Rung::Flagz => None,
        None => {
            let default = default_of(name, flags.version)?;
            Some((
                default.to_owned(),
                Evidence { at: source.at.clone(), detail: format!("--{name} is not given") },
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::invocation::Arguments;
    use super::*;

    #[test]
    fn one_source_is_all_there_is_only_if_no_other_was_refused() {
        let source = |open: Option<&str>| FlagSource {
            rung: Rung::Pod,
            label: "its pod".into(),
            at: "Pod p".into(),
            arguments: Arguments { given: Vec::new(), open: open.map(str::to_owned) },
        };
        let count = |sources: Vec<FlagSource>, gap| {
            super::sources(&Flags { sources, version: None, unread: None }, gap).value().map(Vec::len)
        };
        assert_eq!(count(vec![source(None)], None), Some(1));
        assert_eq!(count(vec![source(None)], Some("forbidden")), None);
        assert_eq!(count(vec![source(None), source(None)], Some("forbidden")), Some(2));
        assert_eq!(count(vec![source(Some("a script"))], None), None);
    }
}
