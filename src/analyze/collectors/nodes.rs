//! On which nodes the pods of a `DaemonSet` run, as its controller decides it.

use std::collections::BTreeMap;

use crate::snapshot::workload::{NodeRequirement, NodeTerm, Placement, Toleration};
use crate::snapshot::{Node, Taint};

/// Taints that the controller of `DaemonSet`s tolerates in every pod
/// (`k8s.io/kubernetes` `pkg/controller/daemon/util/daemonset_util.go`).
const ALWAYS_TOLERATED: [&str; 7] = [
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/unschedulable",
    "node.cloudprovider.kubernetes.io/uninitialized",
];

/// Tolerated in pods on the host's network only.
const NETWORK_UNAVAILABLE: &str = "node.kubernetes.io/network-unavailable";

/// The taint that kubeadm and others put on control-plane nodes.
pub const CONTROL_PLANE_TAINT: &str = "node-role.kubernetes.io/control-plane";

/// Why a pod does not run on a node; none if it does.
pub fn why_not(placement: &Placement, node: &Node) -> Option<String> {
    for (key, value) in &placement.node_selector {
        if node.labels.get(key) != Some(value) {
            return Some(format!("the nodeSelector asks for {key}={value}"));
        }
    }
    if let Some(terms) = &placement.terms
        && !terms.iter().any(|term| term_holds(term, node))
    {
        return Some("the node affinity does not hold".into());
    }
    let untolerated = node.taints.iter().find(|taint| !is_tolerated(placement, taint))?;
    let value = if untolerated.value.is_empty() { String::new() } else { format!("={}", untolerated.value) };
    Some(format!("the taint {}{value}:{} is not tolerated", untolerated.key, untolerated.effect))
}

/// Whether a taint keeps pods away and these tolerate it.
fn is_tolerated(placement: &Placement, taint: &Taint) -> bool {
    !["NoSchedule", "NoExecute"].contains(&taint.effect.as_str())
        || ALWAYS_TOLERATED.contains(&taint.key.as_str())
        || placement.host_network && taint.key == NETWORK_UNAVAILABLE
        || placement.tolerations.iter().any(|toleration| tolerates(toleration, taint))
}

/// `k8s.io/api` `core/v1` `Toleration.ToleratesTaint`.
fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let effect = toleration.effect.is_empty() || toleration.effect == taint.effect;
    let key = toleration.key.is_empty() || toleration.key == taint.key;
    let value = match toleration.operator.as_str() {
        "Exists" => true,
        // Without a key only `Exists` is valid.
        "" | "Equal" => !toleration.key.is_empty() && toleration.value == taint.value,
        _ => false,
    };
    effect && key && value
}

fn term_holds(term: &NodeTerm, node: &Node) -> bool {
    // A term without conditions matches nothing.
    !(term.labels.is_empty() && term.fields.is_empty())
        && term.labels.iter().all(|one| requirement_holds(one, &node.labels))
        && term.fields.iter().all(|one| {
            let fields = BTreeMap::from([("metadata.name".to_owned(), node.name.clone())]);
            requirement_holds(one, &fields)
        })
}

fn requirement_holds(requirement: &NodeRequirement, labels: &BTreeMap<String, String>) -> bool {
    let found = labels.get(&requirement.key);
    let number = |text: &str| text.parse::<i64>().ok();
    let bound = requirement.values.first().and_then(|value| number(value));
    match requirement.operator.as_str() {
        "In" => found.is_some_and(|value| requirement.values.contains(value)),
        "NotIn" => found.is_none_or(|value| !requirement.values.contains(value)),
        "Exists" => found.is_some(),
        "DoesNotExist" => found.is_none(),
        "Gt" => found.and_then(|value| number(value)).zip(bound).is_some_and(|(value, bound)| value > bound),
        "Lt" => found.and_then(|value| number(value)).zip(bound).is_some_and(|(value, bound)| value < bound),
        _ => false,
    }
}

/// Whether pods ask for nodes with Windows.
pub fn chooses_windows(placement: &Placement) -> bool {
    const OS: &str = "kubernetes.io/os";
    let terms = placement.terms.iter().flatten().flat_map(|term| &term.labels);
    placement.node_selector.get(OS).is_some_and(|os| os == "windows")
        || terms
            .filter(|one| one.key == OS && one.operator == "In")
            .any(|one| one.values.iter().any(|os| os == "windows"))
}

/// What kind of node it is, for coverage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeClass {
    /// No machine on which a `DaemonSet` could run: virtual kubelets, Fargate.
    Virtual,
    /// Windows.
    Windows,
    /// A control-plane node.
    ControlPlane,
    /// Any other.
    Worker,
}

/// The class of a node.
pub fn class(node: &Node) -> NodeClass {
    let label = |key: &str, value: &str| node.labels.get(key).is_some_and(|found| found == value);
    let is_virtual = label("type", "virtual-kubelet")
        || label("eks.amazonaws.com/compute-type", "fargate")
        || node.taints.iter().any(|taint| taint.key == "virtual-kubelet.io/provider");
    if is_virtual {
        NodeClass::Virtual
    } else if node.os == "windows" || label("kubernetes.io/os", "windows") {
        NodeClass::Windows
    } else if node.control_plane {
        NodeClass::ControlPlane
    } else {
        NodeClass::Worker
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(taints: &[(&str, &str, &str)], labels: &[(&str, &str)]) -> Node {
        Node {
            name: "n1".into(),
            control_plane: false,
            kubelet_version: String::new(),
            os_image: String::new(),
            provider: String::new(),
            provider_scope: String::new(),
            markers: Vec::new(),
            os: "linux".into(),
            labels: labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            taints: taints
                .iter()
                .map(|(key, value, effect)| Taint {
                    key: (*key).into(),
                    value: (*value).into(),
                    effect: (*effect).into(),
                })
                .collect(),
        }
    }

    fn tolerating(tolerations: &[(&str, &str, &str, &str)]) -> Placement {
        Placement {
            tolerations: tolerations
                .iter()
                .map(|(key, operator, value, effect)| Toleration {
                    key: (*key).into(),
                    operator: (*operator).into(),
                    value: (*value).into(),
                    effect: (*effect).into(),
                })
                .collect(),
            ..Placement::default()
        }
    }

    #[test]
    fn taints_are_tolerated_as_the_scheduler_reads_them() {
        let tainted = node(&[(CONTROL_PLANE_TAINT, "", "NoSchedule")], &[]);
        for (tolerations, expected) in [
            (&[][..], false),
            (&[("", "Exists", "", "")][..], true),
            (&[("", "", "", "")][..], false),
            (&[(CONTROL_PLANE_TAINT, "Exists", "", "NoSchedule")][..], true),
            (&[(CONTROL_PLANE_TAINT, "", "", "")][..], true),
            (&[(CONTROL_PLANE_TAINT, "Equal", "true", "NoSchedule")][..], false),
            (&[(CONTROL_PLANE_TAINT, "Exists", "", "NoExecute")][..], false),
            (&[("node-role.kubernetes.io/master", "Exists", "", "")][..], false),
        ] {
            assert_eq!(why_not(&tolerating(tolerations), &tainted).is_none(), expected, "{tolerations:?}");
        }
        let soft = node(
            &[("x", "", "PreferNoSchedule"), ("node.kubernetes.io/unschedulable", "", "NoSchedule")],
            &[],
        );
        assert_eq!(why_not(&Placement::default(), &soft), None);
        let network = node(&[(NETWORK_UNAVAILABLE, "", "NoSchedule")], &[]);
        assert!(why_not(&Placement::default(), &network).is_some());
        assert_eq!(why_not(&Placement { host_network: true, ..Placement::default() }, &network), None);
    }

    #[test]
    fn selectors_and_affinity_choose_nodes() {
        let gpu = node(&[], &[("pool", "gpu"), ("size", "7"), ("kubernetes.io/os", "linux")]);
        let requirement = |key: &str, operator: &str, values: &[&str]| NodeRequirement {
            key: key.into(),
            operator: operator.into(),
            values: values.iter().map(|value| (*value).into()).collect(),
        };
        let with = |terms: Vec<Vec<NodeRequirement>>| Placement {
            terms: Some(terms.into_iter().map(|labels| NodeTerm { labels, fields: Vec::new() }).collect()),
            ..Placement::default()
        };
        for (terms, expected) in [
            (vec![vec![requirement("pool", "In", &["gpu"])]], true),
            (vec![vec![requirement("pool", "NotIn", &["gpu"])]], false),
            (vec![vec![requirement("zone", "NotIn", &["a"])]], true),
            (vec![vec![requirement("zone", "Exists", &[])], vec![requirement("size", "Gt", &["6"])]], true),
            (vec![vec![requirement("size", "Gt", &["6"]), requirement("size", "Lt", &["7"])]], false),
            (vec![vec![]], false),
            (vec![], false),
        ] {
            assert_eq!(why_not(&with(terms.clone()), &gpu).is_none(), expected, "{terms:?}");
        }
        let selector = Placement {
            node_selector: BTreeMap::from([("pool".into(), "cpu".into())]),
            ..Placement::default()
        };
        assert_eq!(why_not(&selector, &gpu).as_deref(), Some("the nodeSelector asks for pool=cpu"));
    }
}
