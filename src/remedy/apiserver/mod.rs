//! Flags and mounts of apiservers, in the dialect of whatever starts them.
//!
//! | module | does |
//! | --- | --- |
//! | [`settings`] | which flags and mounts mend what fails |
//! | [`kubeadm`] | kubeadm, kind, Cluster API |
//! | [`distributions`] | k3s, RKE2, Talos, kops, RKE1, OpenShift |
//! | [`static_pod`] | the manifest of a static pod |

pub mod distributions;
pub mod kubeadm;
pub mod settings;
pub mod static_pod;

use self::settings::{Habits, Settings};
use super::Remedy;
use super::situation::Situation;
use crate::snapshot::{DeclarationKind, Scope};

/// Where Talos puts the policy.
const TALOS_POLICY: &str = "/system/config/kubernetes/kube-apiserver/auditpolicy.yaml";

/// What starts apiservers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// kubeadm's `ClusterConfiguration`.
    Kubeadm,
    /// A kind `Cluster`.
    Kind,
    /// A `KubeadmControlPlane` of the Cluster API.
    ClusterApi,
    /// k3s.
    K3s,
    /// RKE2.
    Rke2,
    /// Talos.
    Talos,
    /// OpenShift, whose operator sets all flags.
    OpenShift,
    /// kops.
    Kops,
    /// RKE1.
    Rke1,
    /// The manifest of a static pod.
    StaticPod,
    /// Something else: flags are set by hand.
    ByHand,
}

impl Dialect {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kubeadm => "kubeadm",
            Self::Kind => "kind",
            Self::ClusterApi => "the Cluster API",
            Self::K3s => "k3s",
            Self::Rke2 => "RKE2",
            Self::Talos => "Talos",
            Self::OpenShift => "OpenShift",
            Self::Kops => "kops",
            Self::Rke1 => "RKE1",
            Self::StaticPod => "static pods",
            Self::ByHand => "an apiserver that is set up by hand",
        }
    }

    fn habits(self) -> Habits {
        let habits = |policy, log| Habits { policy, log, mounts: true };
        match self {
            Self::K3s => Habits {
                mounts: false,
                ..habits(
                    "/var/lib/rancher/k3s/server/audit-policy.yaml",
                    "/var/lib/rancher/k3s/server/logs/audit.log",
                )
            },
            Self::Rke2 => Habits {
                mounts: false,
                ..habits("/etc/rancher/rke2/audit-policy.yaml", "/var/lib/rancher/rke2/server/logs/audit.log")
            },
            Self::Talos => {
                Habits { mounts: false, ..habits(TALOS_POLICY, "/var/log/audit/kube/kube-apiserver.log") }
            }
            Self::Kops => habits(
                "/srv/kubernetes/kube-apiserver/audit-policy.yaml",
                "/var/log/audit/kube-apiserver.log",
            ),
            Self::Rke1 => habits("/etc/kubernetes/audit-policy.yaml", "/var/log/kube-audit/audit-log.json"),
            _ => habits("/etc/kubernetes/audit-policy.yaml", "/var/log/kubernetes/audit/audit.log"),
        }
    }
}

/// What starts the apiservers of a snapshot: what declares them, else the distribution, else their manifests.
pub fn dialects(situation: &Situation<'_>) -> Vec<Dialect> {
    let mut found: Vec<Dialect> = situation
        .declared()
        .map(|declared| match declared.kind {
            DeclarationKind::KubeadmConfig => Dialect::Kubeadm,
            DeclarationKind::KindConfig => Dialect::Kind,
            DeclarationKind::KubeadmControlPlane => Dialect::ClusterApi,
            DeclarationKind::K3sConfig | DeclarationKind::K3sNode => Dialect::K3s,
            DeclarationKind::Rke2Config | DeclarationKind::Rke2Node => Dialect::Rke2,
            DeclarationKind::OpenshiftConfig => Dialect::OpenShift,
            DeclarationKind::KopsCluster => Dialect::Kops,
            DeclarationKind::Rke1Cluster => Dialect::Rke1,
        })
        .collect();
    let of_distribution = match situation.distribution() {
        Some("kubeadm") => Some(Dialect::Kubeadm),
        Some("k3s") => Some(Dialect::K3s),
        Some("rke2") => Some(Dialect::Rke2),
        Some("talos") => Some(Dialect::Talos),
        Some("openshift") => Some(Dialect::OpenShift),
        _ => None,
    };
    let shows_pods = situation.snapshot.pods.value().is_some_and(|pods| !pods.is_empty());
    if situation.snapshot.scope == Scope::Manifests && shows_pods {
        found.push(Dialect::StaticPod);
    } else if found.is_empty() {
        found.extend(of_distribution);
    }
    // Talos keeps its policy in the configuration of the machine.
    let policies = &situation.snapshot.policies;
    if found.is_empty() && policies.iter().any(|policy| policy.paths.iter().any(|path| path == TALOS_POLICY))
    {
        found.push(Dialect::Talos);
    }
    let sees_any = situation.facts.api_servers.value().is_some_and(|servers| !servers.is_empty());
    if found.is_empty() && sees_any {
        found.push(Dialect::ByHand);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Flags and mounts.
pub fn remedies(situation: &Situation<'_>) -> Vec<Remedy> {
    let dialects = dialects(situation);
    let Some(first) = dialects.first() else { return Vec::new() };
    let sees_any = situation.facts.api_servers.value().is_some_and(|servers| !servers.is_empty());
    if !sees_any || !Settings::is_asked_for(situation) || dialects.contains(&Dialect::OpenShift) {
        return Vec::new();
    }
    let settings = Settings::of(situation, first.habits());
    let mut remedy = Remedy {
        title: format!(
            "Flags of the apiservers, for {}",
            dialects.iter().map(|dialect| dialect.name()).collect::<Vec<_>>().join(" and ")
        ),
        changes: settings.changes(),
        does: settings.words(),
        costs: vec![
            "Each apiserver restarts once: on a cluster with a single one the API is away for about a minute.".into(),
            settings.space(),
        ],
        is_ground: true,
        ..Remedy::default()
    };
    for dialect in dialects {
        let (files, steps) = match dialect {
            Dialect::Kubeadm => kubeadm::configuration(situation, &settings),
            Dialect::Kind => kubeadm::kind(situation, &settings),
            Dialect::ClusterApi => kubeadm::cluster_api(situation, &settings),
            Dialect::K3s => distributions::k3s(&settings),
            Dialect::Rke2 => distributions::rke2(&settings),
            Dialect::Talos => distributions::talos(&settings),
            Dialect::Kops => distributions::kops(situation, &settings),
            Dialect::Rke1 => distributions::rke1(&settings),
            Dialect::StaticPod => static_pod::manifests(situation, &settings),
            Dialect::OpenShift | Dialect::ByHand => (Vec::new(), by_hand(&settings)),
        };
        remedy.files.extend(files);
        remedy.apply.extend(steps);
    }
    vec![remedy]
}

/// The flags as a list, for whatever starts the apiserver.
fn by_hand(settings: &Settings) -> Vec<String> {
    let mut steps =
        vec!["What starts these apiservers is not known here. Give each of them these flags:".to_owned()];
    steps.extend(settings.flags.iter().map(|(flag, value)| format!("`--{flag}={value}`")));
    for path in &settings.paths {
        let how = if path.read_only { "read-only" } else { "writable" };
        steps.push(format!(
            "Where it runs in a container, mount `{}` of the host at the same path, {how}.",
            path.path
        ));
    }
    steps.push("Restart them one after the other.".into());
    steps
}
