//! Flow logs: Cilium's Hubble, Calico, the network policy agent of AWS, GKE.

use super::{Collector, ConfigText, Snapshot, config_map, unread, unseen, why_unread};
use crate::analyze::collectors::chain::Target;
use crate::analyze::collectors::facts::links;
use crate::analyze::collectors::fields::Fields;
use crate::analyze::fact::Fact;
use crate::snapshot::{Scope, Workload};
use crate::verdict::Rank;

/// Networks and agents that can log flows by settings that are not read, by the names of their `DaemonSets`.
const UNJUDGED: [(&str, &str); 8] = [
    ("antrea-agent", "Antrea logs flows if its FlowExporter and FlowAggregator are on"),
    ("ovnkube-node", "OVN-Kubernetes logs what annotations of namespaces ask for"),
    ("ovs-ovn", "Kube-OVN logs what its policies ask for"),
    ("netobserv-ebpf-agent", "the agent of Network Observability exports flows"),
    ("retina-agent", "Retina exports flows if its Hubble is set up so"),
    ("anetd", "the Dataplane V2 of GKE logs what NetworkLogging and the settings of the cluster ask for"),
    ("pixie-pem", "Pixie keeps connections where its own settings say"),
    ("vizier-pem", "Pixie keeps connections where its own settings say"),
];

/// Whether flows are logged, and whether the log leaves the node.
pub(super) fn flows(snapshot: &Snapshot, collectors: &[Collector<'_>]) -> (Fact<bool>, Fact<bool>) {
    if let Some(reason) = unseen(snapshot) {
        return (Fact::unknown(reason.clone()), Fact::unknown(reason));
    }
    let daemons: Vec<&Workload> = snapshot.workloads.daemon_sets.value().into_iter().flatten().collect();
    let named = |name: &str| daemons.iter().find(|one| one.name == name).copied();
    let mut found: Vec<(Fact<bool>, Fact<bool>)> = Vec::new();
    if let Some(agent) = named("cilium") {
        found.push(cilium(snapshot, collectors, agent));
    }
    found.extend(calico(snapshot, collectors, named("calico-node")));
    found.extend(gke(snapshot));
    if let Some(agent) = named("aws-node") {
        found.push(aws(snapshot, collectors, agent));
    }
    let told_by_gke = found.iter().any(|(logged, _)| logged.value() == Some(&true));
    for (name, why) in UNJUDGED {
        if let Some(agent) = named(name).filter(|_| !told_by_gke) {
            let reason = format!("{why}, which is not read ({})", agent.at);
            found.push((Fact::unknown(reason.clone()), Fact::unknown(reason)));
        }
    }
    found.into_iter().reduce(|(a, b), (c, d)| (a.or(c), b.or(d))).unwrap_or_else(|| {
        if snapshot.scope == Scope::Manifests {
            let reason =
                "the input shows no network plugin; add its manifests with -f, or run against the cluster";
            return (Fact::unknown(reason), Fact::unknown(reason));
        }
        let none = Fact::at(
            false,
            Rank::Configured,
            "the DaemonSets of the cluster",
            "none of them is known to log connections",
        );
        (none.clone(), none)
    })
}

fn no(at: &str, detail: &str) -> (Fact<bool>, Fact<bool>) {
    let fact = Fact::at(false, Rank::Configured, at, detail);
    (fact.clone(), fact)
}

fn unknown(reason: impl Into<String>) -> (Fact<bool>, Fact<bool>) {
    let reason = reason.into();
    (Fact::unknown(reason.clone()), Fact::unknown(reason))
}

fn cilium(snapshot: &Snapshot, collectors: &[Collector<'_>], agent: &Workload) -> (Fact<bool>, Fact<bool>) {
    const NAME: &str = "cilium-config";
    let texts = config_map(snapshot, &agent.namespace, NAME);
    if texts.is_empty() {
        let why = why_unread(snapshot, &agent.namespace, NAME)
            .unwrap_or_else(|| format!("the ConfigMap {}/{NAME} was not read", agent.namespace));
        return unknown(why);
    }
    let value = |key: &str| -> Option<(&ConfigText, &str)> {
        let text = texts.iter().find(|text| text.config_map.key == key)?;
        Some((*text, text.text.trim())).filter(|(_, value)| !value.is_empty())
    };
    let place = texts.first().map_or(agent.at.as_str(), |text| text.at.as_str());
    match value("enable-hubble") {
        Some((_, "true")) => {}
        Some((text, _)) => return no(&text.at, "Hubble is off"),
        None => {
            return unknown(format!("whether Hubble is on is not told: enable-hubble is not set ({place})"));
        }
    }
    if let Some((text, _)) = value("hubble-flowlogs-config-path") {
        return unknown(format!("exporters are set in another ConfigMap, which is not read ({})", text.at));
    }
    let Some((text, path)) = value("hubble-export-file-path") else {
        return no(place, "hubble-export-file-path is not set: flows are kept in memory only");
    };
    for list in ["hubble-export-allowlist", "hubble-export-denylist"] {
        if let Some((text, _)) = value(list) {
            return unknown(format!("which flows {list} leaves out is not judged ({})", text.at));
        }
    }
    let logged = Fact::at(true, Rank::Configured, text.at.clone(), format!("flows are exported to {path}"));
    let shipped = if ["stdout", "/dev/stdout"].contains(&path) {
        let target = Target::Containers {
            namespace: agent.namespace.clone(),
            pod: format!("{}-x2x7k", agent.name),
            container: "cilium-agent".into(),
            exact: true,
        };
        links(snapshot, collectors, &target).shipped
    } else {
        // The chart mounts /var/run/cilium of the node at the same path.
        file(snapshot, collectors, path)
    };
    (logged.clone(), logged.and(shipped))
}

fn file(snapshot: &Snapshot, collectors: &[Collector<'_>], path: &str) -> Fact<bool> {
    let path = path.replacen("/var/run/", "/run/", 1);
    let of = |path: String| links(snapshot, collectors, &Target::File { path, is_audit: false }).shipped;
    match path.strip_prefix("/run/") {
        Some(rest) => of(path.clone()).or(of(format!("/var/run/{rest}"))),
        None => of(path),
    }
}

fn calico(
    snapshot: &Snapshot,
    collectors: &[Collector<'_>],
    agent: Option<&Workload>,
) -> Option<(Fact<bool>, Fact<bool>)> {
    let felix = snapshot.resources.iter().filter(|one| one.kind == "FelixConfiguration");
    let mut of_cluster = felix.filter(|one| one.name == "default");
    let Some(felix) = of_cluster.next() else {
        let agent = agent?;
        if let Some(gap) = unread(snapshot, "felixconfigurations") {
            return Some(unknown(gap.to_string()));
        }
        if snapshot.scope == Scope::Manifests {
            return Some(unknown("the input shows no FelixConfiguration; add it with -f"));
        }
        return Some(no(&agent.at, "Calico without a FelixConfiguration writes no flow logs"));
    };
    let spec = Fields::spec(felix);
    match spec.flag("flowLogsFileEnabled") {
        Some(true) if agent.is_none() => Some(unknown(format!(
            "flowLogsFileEnabled is on, but no DaemonSet calico-node is seen that would write the log ({})",
            spec.at_key("flowLogsFileEnabled")
        ))),
        Some(true) => {
            let logged: Fact<bool> = spec.known("flowLogsFileEnabled", true, "flowLogsFileEnabled is on");
            let folder =
                spec.text("flowLogsFileDirectory").unwrap_or_else(|| "/var/log/calico/flowlogs".into());
            let shipped = file(snapshot, collectors, &format!("{folder}/flows.log"));
            Some((logged.clone(), logged.and(shipped)))
        }
        _ => {
            let fact: Fact<bool> = spec.known("flowLogsFileEnabled", false, "flowLogsFileEnabled is not on");
            Some((fact.clone(), fact))
        }
    }
}

fn gke(snapshot: &Snapshot) -> Option<(Fact<bool>, Fact<bool>)> {
    let logging = snapshot.resources.iter().find(|one| one.kind == "NetworkLogging")?;
    let spec = Fields::spec(logging);
    let allow = spec.at_path(&["cluster", "allow"]);
    let on = |key: &str| allow.as_ref().and_then(|allow| allow.flag(key)).unwrap_or(false);
    if on("log") && on("delegate") {
        return Some(unknown(format!("annotations of policies decide what is logged ({})", spec.at())));
    }
    let at = allow.as_ref().map_or_else(|| spec.at(), |allow| allow.at_key("log"));
    let detail = if on("log") {
        "connections that policies allow are logged"
    } else {
        "connections that policies allow are not logged"
    };
    let logged = Fact::at(on("log"), Rank::Configured, at, detail);
    let shipped = logged.clone().and(Fact::at(
        true,
        Rank::Documented,
        logging.at.clone(),
        "GKE sends them to Cloud Logging",
    ));
    Some((logged, shipped))
}

fn aws(snapshot: &Snapshot, collectors: &[Collector<'_>], agent: &Workload) -> (Fact<bool>, Fact<bool>) {
    let policy = agent.containers.iter().find(|one| {
        one.args.iter().chain(&one.command).any(|word| word.contains("enable-policy-event-logs"))
    });
    let Some(policy) = policy else {
        if agent.containers.is_empty() {
            return unknown(format!("the containers of the VPC CNI are not seen ({})", agent.at));
        }
        return no(&agent.at, "the VPC CNI has no --enable-policy-event-logs, which is off by default");
    };
    let on = |flag: &str| {
        let words = policy.args.iter().chain(&policy.command);
        let mut values = words.filter_map(|word| word.trim_start_matches('-').strip_prefix(flag));
        values.next_back().is_some_and(|value| value.is_empty() || value == "=true")
    };
    let at = agent.field(&format!("spec.template.spec.containers[{}]", policy.index));
    if !on("enable-policy-event-logs") {
        return no(&at, "--enable-policy-event-logs is off");
    }
    let logged = Fact::at(true, Rank::Configured, at.clone(), "--enable-policy-event-logs is on");
    let shipped = if on("enable-cloudwatch-logs") {
        Fact::at(true, Rank::Configured, at, "--enable-cloudwatch-logs is on")
    } else {
        file(snapshot, collectors, "/var/log/aws-routed-eni/network-policy-agent.log")
    };
    (logged.clone(), logged.and(shipped))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::manifests::read_texts;

    #[test]
    fn flow_logs_of_calico_need_its_agent() {
        const FELIX: &str = "apiVersion: crd.projectcalico.org/v1
kind: FelixConfiguration
metadata: {name: default}
spec: {flowLogsFileEnabled: true}
";
        const AGENT: &str = "---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: calico-node, namespace: kube-system}
spec: {template: {spec: {containers: [{name: calico-node, image: calico/node}]}}}
";
        let logged = |text: &str| {
            let snapshot = read_texts(&[("x.yaml".to_owned(), text.to_owned())]).unwrap();
            flows(&snapshot, &[]).0.value().copied()
        };
        assert_eq!(logged(FELIX), None);
        assert_eq!(logged(&format!("{FELIX}{AGENT}")), Some(true));
    }
}
