//! Which apiservers there are, and which sources speak of each.
//!
//! The ladder of evidence: `/flagz` before the pod before a declaration. A lower rung never overwrites a higher one; it
//! confirms or contradicts it ([`super::agreement`]). The live Leases say how many apiservers there are: one that no
//! source speaks of becomes an instance of which nothing is known, so that no check can pass over its head.

use jiff::{SignedDuration, Timestamp};

use super::audit::Paths;
use super::flags::{FlagSource, Flags, Rung};
use super::invocation::{self, Arguments, Given, Value};
use super::matching::{self, Host};
use crate::analyze::version::Version;
use crate::snapshot::redact::REDACTED;
use crate::snapshot::{
    Container, DeclarationKind, DeclaredApiServer, Flagz, GapReason, Lease, Mount, Pod, Reading, Scope,
    Snapshot,
};

/// One apiserver and what speaks of it.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The name in findings.
    pub name: String,
    /// Its flags.
    pub flags: Flags,
    /// Its mounts.
    pub paths: Paths,
    /// Where its node is a container itself: what of the machine lies where in it.
    pub node_mounts: Vec<Mount>,
    /// What declares it, if a distribution with habits of its own does.
    pub declared_by: Option<DeclarationKind>,
    /// Whether RKE2 runs it, which has habits of its own with audit policies.
    pub rke2: bool,
    node: Option<String>,
    address: Option<String>,
}

/// The apiservers of a snapshot.
#[derive(Debug, Clone)]
pub struct Instances {
    /// All that are known to exist.
    pub list: Vec<Instance>,
    /// How many live Leases there are, if they were read.
    pub live_leases: Option<usize>,
    /// Why the number of apiservers is not known, if it is not.
    pub count_unknown: Option<String>,
}

/// Puts together what the snapshot says of each apiserver.
pub fn instances(snapshot: &Snapshot) -> Instances {
    let cluster_version = snapshot.version.value().and_then(|text| Version::parse(text));
    let kubeadm = snapshot.kubeadm_config.value().and_then(Option::as_ref);
    let mut list: Vec<Instance> = Vec::new();
    for pod in snapshot.pods.value().into_iter().flatten() {
        for container in &pod.containers {
            list.push(of_pod(pod, container, cluster_version));
        }
    }
    let pods = list.len();
    attach_openshift_config(&mut list, &snapshot.declared);
    for declared in &snapshot.declared {
        let repeats_a_pod = match declared.kind {
            DeclarationKind::Rke2Node => {
                list.iter().any(|instance| instance.node.is_some() && instance.node == declared.node_name)
            }
            DeclarationKind::OpenshiftConfig => pods > 0,
            _ => false,
        };
        if !repeats_a_pod {
            list.push(of_declaration(declared, cluster_version));
        }
    }
    match (kubeadm, snapshot.scope) {
        (Some(kubeadm), _) if !list.is_empty() => {
            for instance in &mut list {
                if instance.flags.sources.iter().any(|source| source.rung == Rung::Pod) {
                    instance.flags.sources.push(declared_source(kubeadm));
                }
            }
        }
        // Files: what is declared is what was asked about. In a running cluster it is only an intention.
        (Some(kubeadm), Scope::Manifests) => list.push(of_declaration(kubeadm, cluster_version)),
        _ => {}
    }
    let leases = live_leases(snapshot);
    if let Ok(leases) = &leases {
        add_unread(&mut list, leases, snapshot);
    }
    attach_flagz(&mut list, snapshot, cluster_version, leases.as_ref().ok().map(Vec::len));
    let count_unknown = why_count_is_unknown(snapshot, &leases, list.len());
    if let Some(reason) = &count_unknown
        && !list.is_empty()
    {
        list.push(unread("further apiservers", None, reason));
    }
    name_apart(&mut list);
    Instances { live_leases: leases.ok().map(|leases| leases.len()), list, count_unknown }
}

/// The Leases that are being renewed, or why they are not known.
fn live_leases(snapshot: &Snapshot) -> Result<Vec<&Lease>, String> {
    let leases = snapshot.leases.as_result().map_err(ToString::to_string)?;
    // A snapshot made of files has no time of its own: the newest renewal stands for it.
    let now = snapshot.captured_at.or_else(|| leases.iter().filter_map(|lease| lease.renew_time).max());
    let live: Vec<&Lease> = leases.iter().filter(|lease| is_live(lease, now)).collect();
    if live.is_empty() {
        return Err(if leases.is_empty() {
            "no apiserver publishes a Lease in kube-system (gate APIServerIdentity, on since 1.26)".into()
        } else {
            "no apiserver has renewed its Lease in kube-system within the Lease's duration".into()
        });
    }
    Ok(live)
}

fn is_live(lease: &Lease, now: Option<Timestamp>) -> bool {
    let (Some(now), Some(renewed)) = (now, lease.renew_time) else { return true };
    let duration = SignedDuration::from_secs(lease.duration_seconds.unwrap_or(3600).clamp(0, 86_400));
    now.duration_since(renewed) <= duration
}

/// Why it is not known how many apiservers there are. Without Leases it is known if every control-plane node shows its own;
/// files are about what they hold, unless they show more control-plane nodes than that.
fn why_count_is_unknown(
    snapshot: &Snapshot,
    leases: &Result<Vec<&Lease>, String>,
    seen: usize,
) -> Option<String> {
    let reason = leases.as_ref().err()?;
    let nodes = snapshot.nodes.value().map_or(&[][..], Vec::as_slice);
    let control_plane = nodes.iter().filter(|node| node.control_plane).count();
    if control_plane > seen && seen > 0 {
        return Some(format!(
            "there are {control_plane} control-plane nodes and {seen} of their apiservers can be seen; {reason}"
        ));
    }
    if snapshot.scope == Scope::Manifests && snapshot.leases.value().is_none() {
        return None;
    }
    let refused = snapshot.leases.gap().is_some_and(|gap| gap.reason != GapReason::NotFound);
    if !refused && control_plane > 0 && control_plane == seen {
        return None;
    }
    Some(format!("how many apiservers run is not known: {reason}"))
}

fn of_pod(pod: &Pod, container: &Container, cluster_version: Option<Version>) -> Instance {
    let arguments = invocation::of_container(pod, container);
    let address = arguments
        .given
        .iter()
        .rev()
        .find(|given| given.name == "advertise-address")
        .and_then(|given| given.value.text().map(str::to_owned))
        .or_else(|| pod.pod_ip.clone());
    let at = format!("{} spec.containers[{}]", pod.at, container.index);
    let source = FlagSource { rung: Rung::Pod, label: "its pod".into(), at, arguments };
    Instance {
        name: pod.name.clone(),
        flags: Flags {
            sources: vec![source],
            version: Version::of_image(&container.image).or(cluster_version),
            unread: None,
        },
        paths: Paths::Mounts(container.mounts.clone()),
        node_mounts: Vec::new(),
        declared_by: None,
        rke2: container.image.contains("hardened-kubernetes"),
        node: pod.node_name.clone(),
        address,
    }
}

fn declared_source(declared: &DeclaredApiServer) -> FlagSource {
    let label = match declared.kind {
        DeclarationKind::KubeadmConfig => "kubeadm-config".to_owned(),
        _ => declared.name.clone(),
    };
    let arguments = invocation::of_declaration(declared);
    FlagSource { rung: Rung::Declared, label, at: declared.at.clone(), arguments }
}

fn of_declaration(declared: &DeclaredApiServer, cluster_version: Option<Version>) -> Instance {
    let version = declared.kubernetes_version.as_deref().and_then(Version::parse).or(cluster_version);
    Instance {
        name: declared.name.clone(),
        flags: Flags { sources: vec![declared_source(declared)], version, unread: None },
        paths: match (&declared.mounts, declared.kind) {
            (Some(mounts), _) => Paths::Mounts(mounts.clone()),
            (None, DeclarationKind::K3sConfig | DeclarationKind::K3sNode) => Paths::Host,
            (None, _) => Paths::Unknown("the volumes of the apiserver's pod are not declared here".into()),
        },
        node_mounts: declared.node_mounts.clone(),
        declared_by: Some(declared.kind),
        rke2: matches!(declared.kind, DeclarationKind::Rke2Config | DeclarationKind::Rke2Node),
        node: declared.node_name.clone(),
        address: None,
    }
}

/// `--openshift-config` points at the operator's ConfigMap: where that was read, its arguments belong to the pod.
fn attach_openshift_config(list: &mut [Instance], declared: &[DeclaredApiServer]) {
    let Some(config) = declared.iter().find(|declared| declared.kind == DeclarationKind::OpenshiftConfig)
    else {
        return;
    };
    for instance in list {
        let points_there =
            instance.flags.sources.iter().any(|source| source.last("openshift-config").is_some());
        if points_there {
            instance.flags.sources.push(declared_source(config));
        }
    }
}

fn unread(name: &str, node: Option<&str>, reason: &str) -> Instance {
    Instance {
        name: name.to_owned(),
        flags: Flags { sources: Vec::new(), version: None, unread: Some(reason.to_owned()) },
        paths: Paths::Unknown(reason.to_owned()),
        node_mounts: Vec::new(),
        declared_by: None,
        rke2: false,
        node: node.map(str::to_owned),
        address: None,
    }
}

/// Adds an instance for every live Lease that no pod and no declaration belongs to.
fn add_unread(list: &mut Vec<Instance>, leases: &[&Lease], snapshot: &Snapshot) {
    let hosts: Vec<Host<'_>> =
        list.iter().map(|instance| Host { node: instance.node.as_deref(), name: &instance.name }).collect();
    let missing = matching::unmatched(leases, &hosts);
    for lease in missing.into_iter().filter_map(|index| leases.get(index)) {
        let host = lease.hostname.as_deref();
        let name = host.map_or_else(|| lease.name.clone(), |host| format!("apiserver on {host}"));
        list.push(unread(&name, host, &why_unread(lease, snapshot)));
    }
}

fn why_unread(lease: &Lease, snapshot: &Snapshot) -> String {
    let lease_name = &lease.name;
    let pods = match snapshot.pods.as_result() {
        Ok(_) => "no pod of it is visible".to_owned(),
        Err(gap) => gap.to_string(),
    };
    let flagz = match snapshot.flagz.iter().find_map(Reading::gap) {
        Some(gap) => gap.to_string(),
        None => "it did not answer /flagz".to_owned(),
    };
    let kubeadm = match snapshot.kubeadm_config.value() {
        Some(Some(_)) => "; the ConfigMap kube-system/kubeadm-config says what should run, not what does",
        _ => "",
    };
    format!(
        "Lease {lease_name} shows a live apiserver, but its flags were not read: {pods}; {flagz}{kubeadm}"
    )
}

/// Gives each `/flagz` answer to the instance that gave it, as far as that can be told. `live` is the number of live
/// Leases, if that is known.
fn attach_flagz(
    list: &mut Vec<Instance>,
    snapshot: &Snapshot,
    version: Option<Version>,
    live: Option<usize>,
) {
    let answers: Vec<&Flagz> = snapshot.flagz.iter().filter_map(Reading::value).collect();
    let alone = answers.len() == 1 && list.len() == 1 && live == Some(1);
    for answer in answers {
        let address = advertised(answer);
        let source = flagz_source(answer);
        let Some(position) = whose(list, address, alone) else {
            // Somebody nobody else speaks of, unless all that are alive are already there.
            if live.is_none_or(|live| list.len() < live) && (address.is_some() || list.is_empty()) {
                list.push(answering(address, source, version));
            }
            continue;
        };
        let Some(instance) = list.get_mut(position) else { continue };
        instance.address = address.map(str::to_owned).or_else(|| instance.address.take());
        instance.flags.sources.insert(0, source);
        if instance.flags.unread.take().is_some() {
            instance.flags.version = version;
            instance.paths = Paths::Unknown(NO_MOUNTS.into());
        }
    }
}

/// Why `/flagz` alone does not say whether a file outlives its container.
const NO_MOUNTS: &str = "/flagz shows paths but not what is mounted there";

/// The address that an answer names; Go prints one that is not set as `<nil>`.
fn advertised(answer: &Flagz) -> Option<&str> {
    answer
        .flags
        .get("advertise-address")
        .map(String::as_str)
        .filter(|address| !matches!(*address, "" | "<nil>"))
}

/// The instance that gave an answer: by its address; or the only one, if nothing contradicts that; or one of those of
/// which nothing else is known.
fn whose(list: &[Instance], address: Option<&str>, alone: bool) -> Option<usize> {
    let by_address =
        list.iter().position(|instance| instance.address.is_some() && instance.address.as_deref() == address);
    let contradicted = |instance: &Instance| {
        address.is_some() && instance.address.is_some() && instance.address.as_deref() != address
    };
    by_address.or_else(|| (alone && !list.iter().any(contradicted)).then_some(0)).or_else(|| {
        list.iter().position(|instance| instance.flags.unread.is_some() && instance.address.is_none())
    })
}

fn answering(address: Option<&str>, source: FlagSource, version: Option<Version>) -> Instance {
    Instance {
        name: address.map_or_else(|| "apiserver".to_owned(), |address| format!("apiserver at {address}")),
        flags: Flags { sources: vec![source], version, unread: None },
        paths: Paths::Unknown(NO_MOUNTS.into()),
        node_mounts: Vec::new(),
        declared_by: None,
        node: None,
        address: address.map(str::to_owned),
        rke2: false,
    }
}

fn flagz_source(answer: &Flagz) -> FlagSource {
    let given = answer
        .flags
        .iter()
        .map(|(name, value)| Given {
            name: name.clone(),
            value: if value == "CLASSIFIED" || value == REDACTED {
                Value::Unreadable("the server does not show its value".into())
            } else {
                Value::Text(value.clone())
            },
            at: "/flagz".into(),
            written: format!("{name}={value}"),
        })
        .collect();
    // Every registered flag is listed; one that is missing does not exist in this version.
    let arguments = Arguments { given, open: None };
    FlagSource { rung: Rung::Flagz, label: "/flagz".into(), at: "/flagz".into(), arguments }
}

/// Subjects tell instances apart: those of one name get the file they stand in, then a number.
fn name_apart(list: &mut [Instance]) {
    let names: Vec<String> = list.iter().map(|instance| instance.name.clone()).collect();
    let twice = |name: &str| names.iter().filter(|other| *other == name).count() > 1;
    for instance in list.iter_mut() {
        if twice(&instance.name)
            && let Some(source) = instance.flags.primary()
        {
            let file = source.at.split([':', ' ']).next().unwrap_or_default();
            instance.name = format!("{} ({file})", instance.name);
        }
    }
    let mut seen: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for instance in list.iter_mut() {
        let count = seen.entry(instance.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            instance.name = format!("{} #{count}", instance.name);
        }
    }
}
