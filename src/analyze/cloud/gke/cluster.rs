//! What the settings of the cluster itself say.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::told::{Scene, Told};
use super::told;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// Which logs the agent and the control plane send to Cloud Logging.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Components {
    /// Every component that is on, also those that are not known here: `SYSTEM_COMPONENTS`, `KCP_SSHD`.
    pub on: Fact<Vec<String>>,
    /// Whether the logs of system Pods and of the nodes are sent.
    pub system: Fact<bool>,
    /// Whether what workloads write is sent.
    pub workloads: Fact<bool>,
    /// Whether accesses to the control plane's own machines are recorded: `KCP_SSHD`, `KCP_CONNECTION`.
    pub control_plane_access: Fact<bool>,
    /// Every component that is monitored.
    pub monitored: Fact<Vec<String>>,
}

/// How connections are recorded.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Whether the subnetwork of the nodes logs flows.
    pub flow_logs: Fact<bool>,
    /// Whether connections between Pods of one node pass through the network that logs them.
    pub intra_node_visibility: Fact<bool>,
    /// Whether the cluster runs Dataplane V2, which can log what network policies decide.
    pub dataplane_v2: Fact<bool>,
    /// Whether Dataplane V2 counts flows.
    pub flow_metrics: Fact<bool>,
    /// Whether Dataplane V2 shows flows one by one.
    pub flow_relay: Fact<bool>,
}

/// The groups of nodes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodePools {
    /// Pools whose nodes may not write to Cloud Logging.
    pub without_logging_scope: Fact<Vec<String>>,
    /// How much the logging agent of each pool can take: `default-pool: MAX_THROUGHPUT`.
    pub logging_variants: Fact<Vec<String>>,
}

/// What Google looks for in the cluster.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecurityPosture {
    /// `DISABLED`, `BASIC`, `ENTERPRISE`.
    pub mode: Fact<String>,
    /// `VULNERABILITY_DISABLED`, `VULNERABILITY_BASIC`, `VULNERABILITY_ENTERPRISE`.
    pub vulnerabilities: Fact<String>,
}

type Described<'s> = Result<Told<'s>, String>;

/// The settings of the cluster.
pub(super) fn described<'s>(scene: &Scene<'s>) -> Described<'s> {
    let told = scene.told("gke/describe", "")?;
    match told.text("name") {
        Some(_) => Ok(told),
        None => Err(format!("{} is no cluster: it has no name", told.evidence("", "").at)),
    }
}

fn on<T>(described: &Described<'_>, fact: impl FnOnce(&Told<'_>) -> Fact<T>) -> Fact<T> {
    match described {
        Ok(told) => fact(told),
        Err(reason) => Fact::unknown(reason.clone()),
    }
}

/// Whether Google manages the nodes as well.
pub(super) fn autopilot(described: &Described<'_>) -> Fact<bool> {
    on(described, |told| told.switch("autopilot.enabled", false))
}

/// Which logs are sent.
pub(super) fn components(described: &Described<'_>) -> Components {
    let list = on(described, logged);
    let has = |wanted: &[&str]| {
        let named = wanted.join(" or ");
        match list.clone().map(|list| list.iter().any(|one| wanted.contains(&one.as_str()))) {
            Fact::Known(mut known) => {
                for evidence in &mut known.evidence {
                    evidence.detail = format!("{named}: {}", if known.value { "on" } else { "off" });
                }
                Fact::Known(known)
            }
            unknown @ Fact::Unknown(_) => unknown,
        }
    };
    Components {
        system: has(&["SYSTEM_COMPONENTS"]),
        workloads: has(&["WORKLOADS"]),
        control_plane_access: has(&["KCP_SSHD", "KCP_CONNECTION"]),
        monitored: on(described, |told| {
            listed(told, "monitoringConfig.componentConfig").unwrap_or_else(|| {
                Fact::unknown("the answer says nothing of what is monitored (monitoringConfig)")
            })
        }),
        on: list,
    }
}

/// Which components are logged: `loggingConfig`, else the older `loggingService`, which knows all or nothing.
fn logged(told: &Told<'_>) -> Fact<Vec<String>> {
    const SERVICE: &str = "loggingService";
    if let Some(list) = listed(told, "loggingConfig.componentConfig") {
        return list;
    }
    match told.text(SERVICE) {
        Some("none") => told.fact(Vec::new(), SERVICE, "none"),
        Some(service @ ("logging.googleapis.com/kubernetes" | "logging.googleapis.com")) => {
            let all = ["SYSTEM_COMPONENTS", "WORKLOADS"].map(str::to_owned).to_vec();
            told.fact(all, SERVICE, service)
        }
        Some(other) => Fact::unknown(format!(
            "what the service {other} takes is not known ({})",
            told.evidence(SERVICE, "").at
        )),
        None => Fact::unknown(
            "the answer has neither loggingConfig nor loggingService; give all that `gcloud container clusters describe` prints",
        ),
    }
}

/// The components of a configuration: where it is there, what it does not name is off.
fn listed(told: &Told<'_>, path: &str) -> Option<Fact<Vec<String>>> {
    let at = format!("{path}.enableComponents");
    told.get(path)?;
    let Some(components) = told.get(&at) else { return Some(told.fact(Vec::new(), &at, "nothing is on")) };
    let names: Option<Vec<String>> = components.as_array().map(|all| {
        all.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect()
    });
    Some(match names {
        Some(mut names) => {
            names.sort();
            names.dedup();
            let shown = if names.is_empty() { "nothing is on".to_owned() } else { names.join(", ") };
            told.fact(names, &at, shown)
        }
        None => Fact::unknown(format!("{} is no list", told.evidence(&at, "").at)),
    })
}

/// How connections are recorded.
pub(super) fn network(scene: &Scene<'_>, described: &Described<'_>) -> Network {
    const OBSERVED: &str = "monitoringConfig.advancedDatapathObservabilityConfig";
    Network {
        flow_logs: on(described, |cluster| flow_logs(scene, cluster)),
        intra_node_visibility: on(described, |told| {
            told.switch("networkConfig.enableIntraNodeVisibility", false)
        }),
        dataplane_v2: on(described, |told| {
            let provider = told.text("networkConfig.datapathProvider").unwrap_or("not set");
            told.fact(provider == "ADVANCED_DATAPATH", "networkConfig.datapathProvider", provider)
        }),
        flow_metrics: on(described, |told| told.switch(&format!("{OBSERVED}.enableMetrics"), false)),
        flow_relay: on(described, |told| told.switch(&format!("{OBSERVED}.enableRelay"), false)),
    }
}

fn flow_logs(scene: &Scene<'_>, cluster: &Told<'_>) -> Fact<bool> {
    let Some(path) = cluster.text("networkConfig.subnetwork") else {
        return Fact::unknown(
            "the answer does not name the subnetwork of the nodes (networkConfig.subnetwork)",
        );
    };
    let subnet = match told(scene, "gke/subnet", path) {
        Ok(subnet) => subnet,
        Err(reason) => return Fact::unknown(reason),
    };
    if subnet.text("name").is_none() {
        return Fact::unknown(format!("{} is no subnetwork: it has no name", subnet.evidence("", "").at));
    }
    let old = subnet.switch("enableFlowLogs", false);
    let is_on = match subnet.get("logConfig.enable") {
        // Before logConfig there was a switch beside it.
        None if old.value() == Some(&true) => old,
        _ => subnet.switch("logConfig.enable", false),
    };
    if is_on.value() == Some(&true) { sampled(&subnet).unwrap_or(is_on) } else { is_on }
}

/// What becomes of flow logs that are on where not every flow has a chance to be logged; none if every one has.
fn sampled(subnet: &Told<'_>) -> Option<Fact<bool>> {
    const SAMPLING: &str = "logConfig.flowSampling";
    const FILTER: &str = "logConfig.filterExpr";
    let share = subnet.get(SAMPLING).map(|share| (share.as_f64(), share));
    let filter = subnet.get(FILTER).map(|filter| (filter.as_str().map(str::trim), filter));
    match (share, filter) {
        (Some((Some(0.0), _)), _) => Some(subnet.fact(false, SAMPLING, "none of the flows is taken")),
        (_, Some((Some("false"), _))) => Some(subnet.fact(false, FILTER, "none of the flows matches")),
        (Some((share, shown)), _) if share.is_none_or(|share| share < 0.0) => {
            Some(Fact::unknown(format!("{} is {shown}, no share", subnet.evidence(SAMPLING, "").at)))
        }
        (_, None | Some((Some("" | "true"), _))) => None,
        (_, Some((_, shown))) => Some(Fact::unknown(format!(
            "only flows that match {shown} are logged ({}); look whether these are enough",
            subnet.evidence(FILTER, "").at
        ))),
    }
}

/// The groups of nodes.
pub(super) fn node_pools(described: &Described<'_>) -> NodePools {
    NodePools {
        without_logging_scope: on(described, without_scope),
        logging_variants: on(described, |told| {
            let Some(pools) = told.items("nodePools") else { return no_pools(told) };
            let variant = |pool: &Value| {
                let named = pool.pointer("/config/loggingConfig/variantConfig/variant");
                named.and_then(Value::as_str).unwrap_or("DEFAULT").to_owned()
            };
            let list = pools.iter().map(|pool| format!("{}: {}", name(pool), variant(pool))).collect();
            told.fact(list, "nodePools", "config.loggingConfig.variantConfig.variant")
        }),
    }
}

fn name(pool: &Value) -> &str {
    pool.get("name").and_then(Value::as_str).unwrap_or("(without a name)")
}

fn no_pools<T>(told: &Told<'_>) -> Fact<T> {
    Fact::unknown(format!("the answer names no node pools ({})", told.evidence("nodePools", "").at))
}

fn without_scope(told: &Told<'_>) -> Fact<Vec<String>> {
    const ENOUGH: [&str; 3] = ["logging.write", "logging.admin", "cloud-platform"];
    let Some(pools) = told.items("nodePools").filter(|pools| !pools.is_empty()) else {
        return no_pools(told);
    };
    let (mut without, mut evidence, mut untold) = (Vec::new(), Vec::new(), None);
    for pool in pools {
        let path = format!("nodePools[{}].config.oauthScopes", name(pool));
        match pool.pointer("/config/oauthScopes").and_then(Value::as_array) {
            None => {
                untold =
                    Some(format!("the answer does not tell the scopes of {}", told.evidence(&path, "").at));
            }
            Some(scopes) => {
                let may_write = scopes
                    .iter()
                    .filter_map(Value::as_str)
                    .any(|scope| ENOUGH.contains(&scope.rsplit('/').next().unwrap_or_default()));
                let shown = if may_write { "may write logs" } else { "logging.write is not among them" };
                if !may_write {
                    without.push(name(pool).to_owned());
                }
                evidence.push((may_write, told.evidence(&path, shown)));
            }
        }
    }
    match untold {
        Some(reason) if without.is_empty() => Fact::unknown(reason),
        _ => {
            let some_without = !without.is_empty();
            evidence.retain(|(may_write, _)| !(some_without && *may_write));
            let evidence = evidence.into_iter().map(|(_, evidence)| evidence).collect();
            Fact::known(without, Rank::Configured, evidence)
        }
    }
}

/// What Google looks for.
pub(super) fn security_posture(described: &Described<'_>) -> SecurityPosture {
    let word = |path: &'static str| {
        on(described, |told| match told.text(path) {
            Some(mode) => told.fact(mode.to_owned(), path, mode),
            None => Fact::unknown(format!("the answer does not tell it ({})", told.evidence(path, "").at)),
        })
    };
    SecurityPosture {
        mode: word("securityPostureConfig.mode"),
        vulnerabilities: word("securityPostureConfig.vulnerabilityMode"),
    }
}
