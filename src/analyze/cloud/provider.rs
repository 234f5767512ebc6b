//! Which provider runs the control plane, and which cluster it is there.
//!
//! Nothing is concluded from `providerID` alone: clusters that people run themselves on the same clouds have it too.

use serde_json::Value;

use crate::snapshot::cloud::{CloudAnswer, CloudProvider, CloudSign};
use crate::snapshot::{Node, Snapshot};
use crate::verdict::Evidence;

/// The provider and the cluster as the provider knows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Identity {
    /// The provider; none if nothing tells it, or if what tells it contradicts itself.
    pub provider: Option<CloudProvider>,
    /// Whether that is certain enough to ask this provider.
    pub is_sure: bool,
    /// The cluster's name.
    pub cluster: Option<String>,
    /// Region or zone.
    pub location: Option<String>,
    /// AWS account, Azure subscription or Google Cloud project.
    pub account: Option<String>,
    /// Resource group of Azure.
    pub group: Option<String>,
    /// The server's name, without scheme and port.
    pub host: Option<String>,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// A provider whose settings are not read, and why.
    pub other: Option<(&'static str, &'static str)>,
}

/// Providers of which the cluster shows something, and whose log settings are not read.
const OTHERS: [(&str, &str, &str); 4] = [
    (
        "doks.digitalocean.com/",
        "doks",
        "DigitalOcean offers no audit log and no logs of the control plane; keep a record of changes in the cluster itself, such as admission webhooks that log",
    ),
    (
        "oci.oraclecloud.com/",
        "oke",
        "OKE sends audit events to OCI Audit, which is not read here; look there for their retention and for who reads them",
    ),
    (
        "ibm-cloud.kubernetes.io/",
        "iks",
        "IBM Cloud sends audit events to a webhook that is set for each cluster, which is not read here; `ibmcloud ks cluster master audit-webhook get` shows it",
    ),
    (
        "alibabacloud.com/",
        "ack",
        "Alibaba Cloud keeps the logs of the control plane in its Log Service, which is not read here; look there for what is switched on",
    ),
];

/// Works out the provider from everything that tells it.
pub fn identity(snapshot: &Snapshot) -> Identity {
    // An apiserver that can be seen is not a provider's. What somebody says with a flag stands all the same.
    let is_seen = snapshot.pods.value().is_some_and(|pods| !pods.is_empty());
    let of_cluster = if is_seen { Vec::new() } else { in_cluster(snapshot) };
    let told: Vec<&CloudSign> = snapshot.cloud.signs.iter().collect();
    let answered = answered(snapshot);
    let signs = || told.iter().copied().chain(&answered).chain(&of_cluster);
    let sure = |provider| {
        let mut of_it = signs().filter(|sign| sign.provider == Some(provider));
        if of_it.clone().any(|sign| sign.is_sure) {
            return true;
        }
        of_it.clone().count() >= 2 && of_it.any(|sign| !sign.at.ends_with(PROVIDER_ID))
    };
    let given = told.iter().find(|sign| sign.at.starts_with("--")).and_then(|sign| sign.provider);
    let all_sure: Vec<CloudProvider> =
        CloudProvider::ALL.into_iter().filter(|provider| sure(*provider)).collect();
    let hinted = || {
        let is_hint = |sign: &&CloudSign| !sign.at.ends_with(PROVIDER_ID);
        let mut hints = signs().filter(is_hint).filter_map(|sign| sign.provider);
        let first = hints.next()?;
        hints.all(|other| other == first).then_some(first)
    };
    let provider = match (given, all_sure.as_slice()) {
        (Some(given), _) => Some(given),
        (None, [one]) => Some(*one),
        (None, []) => hinted(),
        (None, _) => None,
    };
    let is_sure = given.is_some() || all_sure.len() == 1;
    let of_provider = || signs().filter(|sign| sign.provider.is_none() || sign.provider == provider);
    let first = |of: fn(&CloudSign) -> &Option<String>| of_provider().find_map(|sign| of(sign).clone());
    // What was given comes first, then the provider's own word, then names.
    Identity {
        provider,
        is_sure,
        cluster: first(|sign| &sign.cluster),
        location: first(|sign| &sign.location),
        account: first(|sign| &sign.account),
        group: first(|sign| &sign.group),
        host: snapshot.cluster.server.as_deref().map(host),
        evidence: of_provider()
            .filter(|sign| sign.provider.is_some())
            .map(|sign| Evidence { at: sign.at.clone(), detail: sign.detail.clone() })
            .collect(),
        other: if provider.is_none() && !is_seen { other(snapshot) } else { None },
    }
}

/// The name in the address of a server: `https://name:443/path`.
fn host(server: &str) -> String {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    let name = rest.split(['/', ':']).next().unwrap_or_default();
    name.to_ascii_lowercase()
}

/// How the place of a sign ends that is no proof by itself.
const PROVIDER_ID: &str = "spec.providerID";

/// What the provider itself answered, live or in a file.
fn answered(snapshot: &Snapshot) -> Vec<CloudSign> {
    snapshot.cloud.answers.iter().filter_map(sign_of).collect()
}

/// Which cluster an answer is of, if it holds a cluster's settings.
pub fn sign_of(answer: &CloudAnswer) -> Option<CloudSign> {
    let value = answer.reading.value()?;
    let text =
        |key: &str| value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let name = text("name")?;
    let sign = |provider: CloudProvider| CloudSign {
        is_sure: true,
        cluster: Some(name),
        ..CloudSign::new(provider, answer.at.clone(), format!("{} knows the cluster", provider.title()))
    };
    match answer.call.as_str() {
        "eks/describe-cluster" => {
            let arn = text("arn").unwrap_or_default();
            let part =
                |index: usize| arn.split(':').nth(index).filter(|part| !part.is_empty()).map(str::to_owned);
            Some(CloudSign { location: part(3), account: part(4), ..sign(CloudProvider::Eks) })
        }
        "aks/show" => {
            let id = text("id").unwrap_or_default();
            let after = |name: &str| {
                let mut parts = id.split('/').skip_while(|part| !part.eq_ignore_ascii_case(name));
                parts.nth(1).map(str::to_owned)
            };
            Some(CloudSign {
                location: text("location"),
                account: after("subscriptions"),
                group: after("resourceGroups"),
                ..sign(CloudProvider::Aks)
            })
        }
        "gke/describe" => {
            let link = text("selfLink").unwrap_or_default();
            let project = link.split('/').skip_while(|part| *part != "projects").nth(1);
            Some(CloudSign {
                location: text("location"),
                account: project.map(str::to_owned),
                ..sign(CloudProvider::Gke)
            })
        }
        _ => None,
    }
}

/// What of a cluster's place an answer says otherwise than it is known: `region us-east-1, not eu-west-1`.
pub fn contradiction(known: &Identity, told: &CloudSign) -> Option<String> {
    if let (Some(known), Some(told)) = (known.provider.filter(|_| known.is_sure), told.provider)
        && known != told
    {
        return Some(format!("a cluster of {}, not of {}", told.title(), known.title()));
    }
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = [
        ("name", &known.cluster, &told.cluster),
        ("region", &known.location, &told.location),
        ("account", &known.account, &told.account),
        ("resource group", &known.group, &told.group),
    ];
    parts.into_iter().find_map(|(what, known, told)| {
        let (known, found) = (known.as_deref()?, told.as_deref()?);
        // Azure's names differ in case, and a project has a number beside its name.
        let either = what == "account" && is_number(known) != is_number(found);
        (!known.eq_ignore_ascii_case(found) && !either).then(|| format!("{what} {found}, not {known}"))
    })
}

/// What the cluster shows.
fn in_cluster(snapshot: &Snapshot) -> Vec<CloudSign> {
    const VERSIONS: [(&str, CloudProvider); 2] =
        [("-eks-", CloudProvider::Eks), ("-gke.", CloudProvider::Gke)];
    const LABELS: [(&str, CloudProvider); 3] = [
        ("eks.amazonaws.com/", CloudProvider::Eks),
        ("kubernetes.azure.com/", CloudProvider::Aks),
        ("cloud.google.com/gke", CloudProvider::Gke),
    ];
    const SCHEMES: [(&str, CloudProvider); 3] =
        [("aws", CloudProvider::Eks), ("azure", CloudProvider::Aks), ("gce", CloudProvider::Gke)];
    const AGENTS: [(&str, CloudProvider); 7] = [
        ("aws-node", CloudProvider::Eks),
        ("cloud-node-manager", CloudProvider::Aks),
        ("azure-ip-masq-agent", CloudProvider::Aks),
        ("csi-azuredisk-node", CloudProvider::Aks),
        ("fluentbit-gke", CloudProvider::Gke),
        ("gke-metrics-agent", CloudProvider::Gke),
        ("pdcsi-node", CloudProvider::Gke),
    ];
    let mut signs = Vec::new();
    let nodes = snapshot.nodes.value().map_or(&[][..], Vec::as_slice);
    let version = snapshot.version.value().map_or("", String::as_str);
    for (mark, provider) in VERSIONS {
        if version.contains(mark) {
            signs.push(CloudSign::new(provider, "/version gitVersion", version));
        }
    }
    for (prefix, provider) in LABELS {
        let marked = |node: &&Node| node.markers.iter().any(|key| key.starts_with(prefix));
        if let Some(node) = nodes.iter().find(marked) {
            let key = node.markers.iter().find(|key| key.starts_with(prefix)).map_or("", String::as_str);
            signs.push(CloudSign::new(provider, format!("Node {} metadata.labels", node.name), key));
        }
    }
    for (scheme, provider) in SCHEMES {
        if let Some(node) = nodes.iter().find(|node| node.provider == scheme) {
            let scope = &node.provider_scope;
            let account = match provider {
                CloudProvider::Eks => None,
                CloudProvider::Aks => scope.strip_prefix("subscriptions/"),
                CloudProvider::Gke => Some(scope.as_str()),
            };
            let account = account.and_then(|rest| rest.split('/').next()).filter(|name| !name.is_empty());
            signs.push(CloudSign {
                account: account.map(str::to_owned),
                ..CloudSign::new(
                    provider,
                    format!("Node {} {PROVIDER_ID}", node.name),
                    format!("{scheme}://{scope}"),
                )
            });
        }
    }
    let of_system = snapshot.workloads.all().filter(|workload| workload.namespace == "kube-system");
    for workload in of_system {
        if let Some((_, provider)) = AGENTS.iter().find(|(name, _)| workload.name == *name) {
            signs.push(CloudSign::new(*provider, workload.title(), "runs on every cluster of this provider"));
        }
    }
    signs
}

fn other(snapshot: &Snapshot) -> Option<(&'static str, &'static str)> {
    let nodes = snapshot.nodes.value().map_or(&[][..], Vec::as_slice);
    let host = snapshot.cluster.server.as_deref().unwrap_or_default();
    if host.contains(".k8s.ondigitalocean.com") {
        return OTHERS.first().map(|(_, name, reason)| (*name, *reason));
    }
    OTHERS
        .iter()
        .find(|(label, ..)| nodes.iter().any(|node| node.markers.iter().any(|key| key.starts_with(label))))
        .map(|(_, name, reason)| (*name, *reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::manifests;

    fn of(manifests: &str) -> Identity {
        let texts = [("cluster.yaml".to_owned(), manifests.to_owned())];
        identity(&manifests::read_texts(&texts).unwrap())
    }

    fn node(labels: &str, id: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Node\nmetadata: {{name: n1, labels: {{{labels}}}}}\nspec: {{providerID: '{id}'}}\n"
        )
    }

    #[test]
    fn a_machine_of_a_cloud_is_no_managed_cluster() {
        for id in [
            "aws:///eu-west-1a/i-0123",
            "gce://acme/europe-west1-b/vm",
            "azure:///subscriptions/s/resourceGroups/g/providers/x",
        ] {
            let found = of(&node("", id));
            assert_eq!((found.provider, found.is_sure), (None, false), "{id}");
        }
    }

    #[test]
    fn two_signs_of_the_cluster_are_enough() {
        let found = of(&node("eks.amazonaws.com/nodegroup: a", "aws:///eu-west-1a/i-0123"));
        assert_eq!((found.provider, found.is_sure), (Some(CloudProvider::Eks), true));
        let found = of(&node(
            "kubernetes.azure.com/cluster: MC_g_c_r",
            "azure:///subscriptions/s1/resourceGroups/MC_g_c_r/providers/x",
        ));
        assert_eq!(
            (found.provider, found.is_sure, found.account.as_deref()),
            (Some(CloudProvider::Aks), true, Some("s1"))
        );
        // One is a hint.
        let found = of(&node("cloud.google.com/gke-nodepool: a", ""));
        assert_eq!((found.provider, found.is_sure), (Some(CloudProvider::Gke), false));
    }

    #[test]
    fn an_apiserver_that_is_seen_is_nobody_elses() {
        let pod = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver-cp1, namespace: kube-system}\nspec: {containers: [{name: kube-apiserver, image: 'kube-apiserver:v1.30.0-eks-1-30-10', command: [kube-apiserver]}]}\n";
        let found = of(&(node("eks.amazonaws.com/nodegroup: a", "aws:///eu-west-1a/i-0123") + pod));
        assert_eq!(found.provider, None);
    }

    #[test]
    fn signs_that_contradict_each_other_tell_nothing() {
        let found = of(&(node("eks.amazonaws.com/nodegroup: a", "aws:///x/i")
            + "---\n"
            + &node("cloud.google.com/gke-nodepool: a", "gce://p/z/vm")));
        assert_eq!(found.provider, None);
    }

    #[test]
    fn other_providers_are_named() {
        let found = of(&node("doks.digitalocean.com/node-pool: a", "digitalocean://1"));
        assert_eq!(found.other.map(|(name, _)| name), Some("doks"));
    }
}
