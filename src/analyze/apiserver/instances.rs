//! Which apiservers there are, and which sources speak of each.
//!
//! The ladder of evidence: `/flagz` before the pod before a declaration. A lower rung never overwrites a higher one; it
//! confirms or contradicts it ([`super::agreement`]). The live Leases say how many apiservers there are: one that no
//! source speaks of becomes an instance of which nothing is known, so that no check can pass over its head.

use jiff::{SignedDuration, Timestamp};

use super::audit::Paths;
use super::flags::{FlagSource, Flags, Rung};
use super::invocation::{self, Arguments, Given, Value};
use crate::analyze::version::Version;
use crate::snapshot::redact::REDACTED;
use crate::snapshot::{
    Container, DeclarationKind, DeclaredApiServer, Flagz, GapReason, Lease, Pod, Reading, Scope, Snapshot,
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
    /// What declares it, if a distribution with habits of its own does.
    pub declared_by: Option<DeclarationKind>,
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
    let mut count_unknown = None;
    if let Ok(leases) = &leases {
        add_unread(&mut list, leases, snapshot);
    }
    attach_flagz(&mut list, snapshot, cluster_version, leases.as_ref().map_or(0, Vec::len));
    if snapshot.scope == Scope::Cluster || snapshot.leases.value().is_some() {
        count_unknown = why_count_is_unknown(snapshot, &leases, pods);
    }
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

/// Without Leases the number of apiservers is still known if every control-plane node shows its pod.
fn why_count_is_unknown(
    snapshot: &Snapshot,
    leases: &Result<Vec<&Lease>, String>,
    pods: usize,
) -> Option<String> {
    let reason = leases.as_ref().err()?;
    let refused = snapshot.leases.gap().is_some_and(|gap| gap.reason != GapReason::NotFound);
    if !refused && let Some(nodes) = snapshot.nodes.value() {
        let control_plane = nodes.iter().filter(|node| node.control_plane).count();
        if control_plane > 0 && control_plane == pods {
            return None;
        }
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
        declared_by: None,
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
        declared_by: Some(declared.kind),
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
        declared_by: None,
        node: node.map(str::to_owned),
        address: None,
    }
}

/// Adds an instance for every live Lease that no pod and no declaration belongs to.
fn add_unread(list: &mut Vec<Instance>, leases: &[&Lease], snapshot: &Snapshot) {
    let same_host = |instance: &Instance, host: &str| {
        let short = |name: &str| name.split('.').next().unwrap_or(name).to_lowercase();
        instance.node.as_deref().is_some_and(|node| short(node) == short(host))
            || instance.name.strip_prefix("kube-apiserver-").is_some_and(|node| short(node) == short(host))
    };
    let unmatched: Vec<&&Lease> = leases
        .iter()
        .filter(|lease| {
            !lease
                .hostname
                .as_deref()
                .is_some_and(|host| list.iter().any(|instance| same_host(instance, host)))
        })
        .collect();
    let spare = list
        .iter()
        .filter(|instance| {
            !leases
                .iter()
                .any(|lease| lease.hostname.as_deref().is_some_and(|host| same_host(instance, host)))
        })
        .count();
    // Where hostnames and node names differ throughout, the numbers decide.
    let missing = unmatched.len().saturating_sub(spare);
    for lease in unmatched.into_iter().rev().take(missing) {
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

/// Gives each `/flagz` answer to the instance that gave it, as far as that can be told.
fn attach_flagz(list: &mut Vec<Instance>, snapshot: &Snapshot, version: Option<Version>, live: usize) {
    let answers: Vec<&Flagz> = snapshot.flagz.iter().filter_map(Reading::value).collect();
    let only_one = answers.len() == 1 && list.len() == 1 && live <= 1;
    for answer in answers {
        let address = answer.flags.get("advertise-address").filter(|address| !address.is_empty());
        let position = if only_one {
            Some(0)
        } else {
            list.iter()
                .position(|instance| instance.address.is_some() && instance.address.as_ref() == address)
                .or_else(|| {
                    // An answer that no pod gave comes from one of the apiservers of which nothing else is known.
                    list.iter()
                        .position(|instance| instance.flags.unread.is_some() && instance.address.is_none())
                })
        };
        let known =
            list.iter().any(|instance| instance.address.is_some() && instance.address.as_ref() == address);
        let source = flagz_source(answer);
        match position.and_then(|position| list.get_mut(position)) {
            Some(instance) => {
                instance.address = address.cloned();
                instance.flags.sources.insert(0, source);
                if instance.flags.unread.take().is_some() {
                    instance.flags.version = version;
                    instance.paths =
                        Paths::Unknown("/flagz shows paths but not what is mounted there".into());
                }
            }
            None if !known => {
                list.push(Instance {
                    name: address
                        .map_or_else(|| "apiserver".to_owned(), |address| format!("apiserver at {address}")),
                    flags: Flags { sources: vec![source], version, unread: None },
                    paths: Paths::Unknown("/flagz shows paths but not what is mounted there".into()),
                    declared_by: None,
                    node: None,
                    address: address.cloned(),
                });
            }
            None => {}
        }
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
