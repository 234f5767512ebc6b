//! Facts: what can be said about a cluster's logging, with evidence, and what cannot, with reasons.
//!
//! Everything here is a pure function of the snapshot. Facts make no judgement; that is what checks are for. Their form
//! is an interface: checks, built-in and users' own, are written against [`schema`].

pub mod access;
pub mod alerting;
pub mod apiserver;
pub mod cloud;
pub mod collectors;
pub mod counters;
pub mod fact;
pub mod kubelet;
pub mod network;
pub mod policy;
pub mod sensors;
pub mod stores;
pub mod tree;
pub mod units;
pub mod version;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;
use serde_json::Value;

use self::access::Access;
use self::alerting::{Alerting, Elsewhere};
use self::apiserver::agreement::Drift;
use self::apiserver::flags::Rung;
use self::apiserver::instances::{Instance, Instances};
use self::apiserver::{ApiServer, Surroundings, agreement};
use self::cloud::{Cloud, CloudFacts};
use self::collectors::facts::{Collection, CollectorFacts, Destination, LogSource};
use self::counters::Counters;
use self::fact::Fact;
use self::kubelet::Kubelet;
use self::network::Network;
use self::policy::facts::{BodyRecord, NoiseRecord, Policy, PolicyFacts, RequestRecord};
use self::sensors::Runtime;
use self::stores::facts::StoreFacts;
use self::version::Version;
use crate::snapshot::cloud::CloudProvider;
use crate::snapshot::{GapReason, Node, Reading, Scope, Snapshot};
use crate::verdict::{Evidence, Rank};
use crate::waiver::facts::WaiverFacts;

/// The version of the facts' form. Checks name facts, so a change that breaks them raises it.
pub const FACTS_VERSION: i64 = 1;

/// All facts about a cluster.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// The version of this form.
    pub facts_version: i64,
    /// Whether a running cluster or files were read.
    pub scope: Scope,
    /// The cluster's Kubernetes.
    pub kubernetes: Kubernetes,
    /// The control plane as a whole.
    pub control_plane: ControlPlane,
    /// Every kube-apiserver that is known to exist, read or not.
    pub api_servers: Fact<Vec<ApiServer>>,
    /// Audit counters of every apiserver process that answered, and an unknown entry for those that did not.
    pub counters: Fact<Vec<Counters>>,
    /// Kubelet configurations.
    pub kubelets: Fact<Vec<Kubelet>>,
    /// Collectors of logs.
    pub collectors: Fact<Vec<CollectorFacts>>,
    /// Sources of logs, and how far what arises there comes.
    pub logs: Fact<Vec<LogSource>>,
    /// Where logs go.
    pub destinations: Fact<Vec<Destination>>,
    /// Who may read logs and change what carries them.
    pub access: Access,
    /// Stores of logs in the cluster.
    pub stores: Fact<Vec<StoreFacts>>,
    /// Sensors of what processes do.
    pub runtime: Runtime,
    /// Rules on logs, and who is told.
    pub alerting: Alerting,
    /// Logs of connections and accesses.
    pub network: Network,
    /// What the cloud provider says of the cluster.
    pub cloud: CloudFacts,
    /// The audit policies of the apiservers.
    pub policies: Fact<Vec<Policy>>,
    /// What these record of each class of requests that security depends on.
    pub requests: Fact<Vec<RequestRecord>>,
    /// Which bodies they log that hold credentials or personal data.
    pub bodies: Fact<Vec<BodyRecord>>,
    /// Which requests they record that come often and say little.
    pub noise: Fact<Vec<NoiseRecord>>,
    /// Waivers that count, with what became of each; none before the findings are judged that they are about.
    pub waivers: Fact<Vec<WaiverFacts>>,
}

/// What runs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Kubernetes {
    /// Version as the server gives it: `v1.36.2`.
    pub version: Fact<String>,
    /// The distribution, as nodes and version show it: `kubeadm`, `k3s`, `rke2`, `openshift`, `eks`, `gke`, `aks`, `microk8s`, `talos`, `k0s`, `other`.
    pub distribution: Fact<String>,
}

/// The control plane as a whole.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ControlPlane {
    /// Whether for at least one apiserver it could be told if it records anything.
    pub audit_told: Fact<bool>,
    /// Apiservers whose flags were read.
    pub api_servers_read: i64,
    /// Apiservers that are alive, by their Leases.
    pub live_leases: Fact<i64>,
    /// Audit flags that differ between apiservers.
    pub drift: Fact<Vec<Drift>>,
    /// Flags on events, verbosity, log format, log serving and feature gates that differ between apiservers.
    pub other_drift: Fact<Vec<Drift>>,
}

/// Computes all facts.
pub fn analyze(snapshot: &Snapshot) -> Facts {
    let instances = apiserver::instances::instances(snapshot);
    let version = snapshot.version.value().and_then(|text| Version::parse(text));
    let counters = counters::counters(snapshot, &instances);
    let rate = counters::highest_rate(&counters);
    let list: Vec<ApiServer> = instances
        .list
        .iter()
        .map(|instance| {
            let events_per_day = if instance.flags.unread.is_some() {
                Fact::unknown(unread_reason(instance))
            } else {
                rate.clone()
            };
            let policy_doubt = policy_doubt(instance, snapshot, &counters);
            let gap = unread_source(instance, snapshot);
            let surroundings = Surroundings { events_per_day, policy_doubt, gap: gap.as_deref() };
            apiserver::api_server(instance, surroundings)
        })
        .collect();
    let kubelet_version =
        version.or_else(|| instances.list.iter().find_map(|instance| instance.flags.version));
    let is_visible = instances.list.iter().any(|instance| instance.flags.unread.is_none());
    let mut cloud = cloud::cloud(snapshot, is_visible);
    let kubernetes = kubernetes(snapshot, version, &cloud);
    let distribution = kubernetes.distribution.value().map(String::as_str);
    let recorded = policy::facts::facts(snapshot, &instances, distribution, cloud.recorded.as_ref());
    cloud.tell_limits(recorded.limits.as_ref());
    let PolicyFacts { policies, requests, bodies, noise, limits: _ } = recorded;
    let access = access::access(snapshot, distribution);
    let in_cluster = stores::facts::found(snapshot);
    let found = collectors::collector::collectors(snapshot);
    let Collection { collectors, logs, destinations } =
        collectors::facts::facts(snapshot, &instances, &found, &in_cluster);
    let stores = stores::facts::facts(snapshot, &in_cluster);
    let elsewhere = Elsewhere { collectors: &found, instances: &instances, distribution };
    let alerting = alerting::facts(snapshot, &elsewhere);
    Facts {
        facts_version: FACTS_VERSION,
        scope: snapshot.scope,
        kubernetes,
        control_plane: control_plane(snapshot, &instances, &list, &counters, &cloud),
        api_servers: match (cloud.runs_apiservers(), is_visible) {
            (Some(by), false) => Fact::known(Vec::new(), Rank::Documented, by),
            _ if list.is_empty() => Fact::unknown(no_apiserver(snapshot)),
            _ => Fact::known(list, Rank::Observed, Vec::new()),
        },
        counters,
        kubelets: kubelet::kubelets(snapshot, kubelet_version),
        cloud: cloud.facts,
        collectors,
        runtime: sensors::facts(snapshot, &instances, &found),
        alerting,
        network: network::facts(snapshot, &found),
        logs,
        destinations,
        access,
        stores,
        policies,
        requests,
        bodies,
        noise,
        waivers: Fact::known(Vec::new(), Rank::Configured, Vec::new()),
    }
}

/// The JSON Schema of the facts in the form that expressions see.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Facts>();
    schema.insert("title".into(), "Facts of kubectl logaudit".into());
    let mut schema = schema.to_value();
    let_facts_be_missing(&mut schema);
    schema
}

/// An unknown fact is a missing key, so that no fact is required.
fn let_facts_be_missing(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(mut required)) = map.remove("required") {
                let properties = map.get("properties");
                let is_fact =
                    |name: &str| properties.and_then(|all| all.get(name)?.get(fact::SCHEMA_MARKER)).is_some();
                required.retain(|name| name.as_str().is_none_or(|name| !is_fact(name)));
                map.insert("required".into(), required.into());
            }
            map.values_mut().for_each(let_facts_be_missing);
        }
        Value::Array(items) => items.iter_mut().for_each(let_facts_be_missing),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A source of an instance's flags that is there, or may be, and was not read: what the others say is then not all.
fn unread_source(instance: &Instance, snapshot: &Snapshot) -> Option<String> {
    // Gate ComponentFlagz: alpha in 1.32, on by default since 1.36.
    const OFFERED: u32 = 32;
    const ON_BY_DEFAULT: u32 = 36;
    let mut objects = snapshot.kubeadm_config.gap().into_iter().chain(snapshot.pods.gap());
    if let Some(gap) = objects.find(|gap| gap.reason != GapReason::NotAsked) {
        return Some(gap.to_string());
    }
    if instance.flags.sources.iter().any(|source| source.rung == Rung::Flagz) {
        return None;
    }
    let since = |minor: u32| instance.flags.version.is_none_or(|version| version.minor >= minor);
    let gap = snapshot.flagz.iter().find_map(Reading::gap);
    match gap {
        Some(gap) if since(ON_BY_DEFAULT) || since(OFFERED) && gap.reason != GapReason::NotFound => {
            Some(gap.to_string())
        }
        _ if snapshot.flagz.iter().any(|answer| answer.value().is_some()) => Some(
            "this apiserver did not answer /flagz: the load balancer kept sending requests to others; run again, or against its own address"
                .into(),
        ),
        _ => None,
    }
}

fn unread_reason(instance: &Instance) -> String {
    instance.flags.unread.clone().unwrap_or_default()
}

fn control_plane(
    snapshot: &Snapshot,
    instances: &Instances,
    list: &[ApiServer],
    counters: &Fact<Vec<Counters>>,
    cloud: &Cloud,
) -> ControlPlane {
    let told_by_flags = list.iter().find_map(|server| {
        let recording = server
            .audit
            .policy_set
            .clone()
            .and(server.audit.log.enabled.clone().or(server.audit.webhook.enabled.clone()));
        recording.value().is_some().then_some(recording)
    });
    let told_by_counters = counters
        .value()
        .and_then(|list| list.iter().find(|sample| sample.events.value().is_some()))
        .map(|sample| sample.events.clone().map(|_| true));
    let audit_told = match (told_by_flags, told_by_counters) {
        (Some(told), _) => told.map(|_| true),
        (None, Some(told)) => told,
        (None, None) if cloud.runs_apiservers().is_some() => {
            Fact::known(true, Rank::Configured, cloud.runs_apiservers().unwrap_or_default())
        }
        (None, None) => Fact::known(false, Rank::Observed, what_hid_it(snapshot, list, counters)),
    };
    let read = instances.list.iter().filter(|instance| instance.flags.unread.is_none()).count();
    ControlPlane {
        audit_told,
        api_servers_read: i64::try_from(read).unwrap_or(i64::MAX),
        live_leases: match (instances.live_leases, &instances.count_unknown) {
            (Some(count), _) => Fact::at(
                i64::try_from(count).unwrap_or(i64::MAX),
                Rank::Observed,
                "Leases in kube-system with the label apiserver.kubernetes.io/identity=kube-apiserver",
                format!("{count} renewed within their duration"),
            ),
            (None, Some(reason)) => Fact::unknown(reason.clone()),
            (None, None) => Fact::unknown("the input holds no Leases of apiservers"),
        },
        drift: agreement::drift(&instances.list),
        other_drift: agreement::other_drift(&instances.list),
    }
}

/// Why it could be told of no apiserver whether it records.
fn what_hid_it(snapshot: &Snapshot, list: &[ApiServer], counters: &Fact<Vec<Counters>>) -> Vec<Evidence> {
    let of_flags = list.iter().filter_map(|server| {
        let reason = server.audit.policy_set.reason().or(server.audit.backends.reason())?;
        Some(Evidence { at: server.name.clone(), detail: reason.to_owned() })
    });
    let mut evidence: Vec<Evidence> = of_flags.collect();
    if list.is_empty() {
        evidence.push(Evidence { at: snapshot.cluster.name.clone(), detail: no_apiserver(snapshot) });
    }
    let mut samples = counters.value().into_iter().flatten();
    let of_counters = counters.reason().or_else(|| samples.find_map(|sample| sample.events.reason()));
    evidence.extend(of_counters.map(|reason| Evidence { at: "/metrics".into(), detail: reason.to_owned() }));
    evidence
}

fn no_apiserver(snapshot: &Snapshot) -> String {
    if snapshot.scope == Scope::Manifests {
        return "the input shows no kube-apiserver; add its static pod manifest or its kubeadm, kind, k3s or RKE2 configuration with -f, or run against the cluster".into();
    }
    let pods = match snapshot.pods.gap() {
        Some(gap) => gap.to_string(),
        None => "kube-system has no pod of it".to_owned(),
    };
    let flagz = snapshot.flagz.iter().filter_map(Reading::gap);
    let gaps = flagz.chain(snapshot.leases.gap()).map(ToString::to_string);
    let all: Vec<String> = std::iter::once(pods).chain(gaps).collect();
    format!("no kube-apiserver is visible: {}", all.join("; "))
}

/// Some distributions put a policy that records nothing in the place of a missing one: then only counters can prove it.
fn policy_doubt(instance: &Instance, snapshot: &Snapshot, counters: &Fact<Vec<Counters>>) -> Option<String> {
    // rancher/rke2 pkg/executor/staticpod: where the file is missing, one with the single rule `level: None` is written.
    let rke2 = instance.rke2
        || self::distribution(snapshot.version.value().map_or("", String::as_str), &[]) == Some("rke2");
    let path = instance.flags.text("audit-policy-file");
    path.value().filter(|path| rke2 && !path.is_empty())?;
    let shown = instance.flags.shown_text("audit-policy-file");
    let path = shown.value().map_or("…", String::as_str);
    let proven = counters.value().is_some_and(|list| {
        !list.is_empty() && list.iter().all(|sample| sample.recorded.value().is_some_and(|count| *count > 0))
    });
    if proven {
        return None;
    }
    let advice = if snapshot.scope == Scope::Manifests {
        "run against the cluster, where the counters of /metrics decide"
    } else {
        "grant `get` on the nonResourceURL `/metrics`, whose counters decide"
    };
    Some(format!(
        "--audit-policy-file={path} proves nothing under RKE2: where that file is missing, RKE2 writes one that records nothing; {advice}"
    ))
}

fn kubernetes(snapshot: &Snapshot, version: Option<Version>, cloud: &Cloud) -> Kubernetes {
    let text = match snapshot.version.as_result() {
        Ok(text) => Fact::at(text.clone(), Rank::Observed, "/version gitVersion", text.clone()),
        Err(gap) => Fact::unknown(gap.to_string()),
    };
    let git_version = snapshot.version.value().map_or("", String::as_str);
    let nodes = snapshot.nodes.value().map_or(&[][..], Vec::as_slice);
    let provider = cloud.identity.provider.filter(|_| cloud.identity.is_sure);
    let distribution = provider
        .map(CloudProvider::as_str)
        .or_else(|| distribution(git_version, nodes))
        .or_else(|| snapshot.kubeadm_config.value().and_then(Option::as_ref).map(|_| "kubeadm"));
    Kubernetes {
        distribution: match (distribution, version.is_some() || !nodes.is_empty()) {
            (Some(name), _) => Fact::known(name.to_owned(), Rank::Inferred, Vec::new()),
            (None, true) => Fact::known("other".to_owned(), Rank::Inferred, Vec::new()),
            (None, false) => Fact::unknown("neither version nor nodes are visible"),
        },
        version: text,
    }
}

fn distribution(git_version: &str, nodes: &[Node]) -> Option<&'static str> {
    const SUFFIXES: [(&str, &str); 5] =
        [("+k3s", "k3s"), ("+rke2", "rke2"), ("+k0s", "k0s"), ("-eks-", "eks"), ("-gke.", "gke")];
    const MARKERS: [(&str, &str); 7] = [
        ("k3s.io/", "k3s"),
        ("rke2.io/", "rke2"),
        ("microk8s.io/", "microk8s"),
        ("node.openshift.io/", "openshift"),
        ("eks.amazonaws.com/", "eks"),
        ("cloud.google.com/gke", "gke"),
        ("kubernetes.azure.com/", "aks"),
    ];
    let versions =
        || std::iter::once(git_version).chain(nodes.iter().map(|node| node.kubelet_version.as_str()));
    SUFFIXES
        .iter()
        .find(|(suffix, _)| versions().any(|version| version.contains(suffix)))
        .or_else(|| {
            MARKERS.iter().find(|(marker, _)| {
                nodes.iter().any(|node| node.markers.iter().any(|key| key.starts_with(marker)))
            })
        })
        .map(|(_, name)| *name)
        .or_else(|| nodes.iter().any(|node| node.os_image.contains("Talos")).then_some("talos"))
}
