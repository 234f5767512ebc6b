//! The examples of a check: real inputs and the verdict they must lead to.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

use super::judge::{Judge, worst};
use super::{Check, Params, load};
use crate::analyze::tree::FactTree;
use crate::analyze::{Facts, analyze};
use crate::audit::{Plan, audit};
use crate::config::file::WaiverForm;
use crate::snapshot::cloud::{Cloud, CloudAnswer, CloudProvider, CloudSign, call};
use crate::snapshot::rbac::Rbac;
use crate::snapshot::redact::redact;
use crate::snapshot::{Gap, GapReason, Permission, Reading, Scope, Snapshot, io};
use crate::source::cloud::file;
use crate::source::{flagz, manifests, metrics};
use crate::verdict::{Finding, Status};
use crate::waiver::Acceptance;

/// An example of a check.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// The verdict it must lead to.
    pub expect: Status,
    /// The severity of evidence does not matter, but its place does: the first evidence must be here.
    #[serde(default)]
    pub at: Option<String>,
    /// Parameters other than the defaults.
    #[serde(default)]
    pub params: Params,
    /// Manifests, as `-f` would read them.
    #[serde(default)]
    pub manifests: Option<String>,
    /// A snapshot file, relative to the check's file.
    #[serde(default)]
    pub snapshot: Option<PathBuf>,
    /// What a running cluster answers beside the objects in `manifests`.
    #[serde(default)]
    pub cluster: Option<ClusterInput>,
    /// What the cloud provider answers.
    #[serde(default)]
    pub cloud: Option<CloudInput>,
    /// Waivers, as the configuration file spells them.
    #[serde(default)]
    pub waivers: Vec<WaiverForm>,
    /// The day of the run, for waivers.
    #[serde(default)]
    pub today: Option<Date>,
}

/// What a cloud provider answers.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CloudInput {
    /// The provider, where no answer tells it.
    #[serde(default)]
    pub provider: Option<CloudProvider>,
    /// JSON documents as `--cloud-file` would read them.
    #[serde(default)]
    pub answers: Vec<serde_json::Value>,
    /// Calls that are refused for want of a permission, by id: `eks/describe-cluster`.
    #[serde(default)]
    pub forbidden: Vec<String>,
}

/// What a running cluster answers.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClusterInput {
    /// `gitVersion` of `/version`.
    #[serde(default)]
    pub version: Option<String>,
    /// The time of reading.
    #[serde(default)]
    pub time: Option<Timestamp>,
    /// Answers of `/metrics`, one for each instance that answered.
    #[serde(default)]
    pub metrics: Vec<String>,
    /// Answers of `/flagz`, one for each instance that answered.
    #[serde(default)]
    pub flagz: Vec<String>,
    /// What is refused with 403: `leases`, `pods`, `nodes`, `kubeadm-config`, `kubelet-config`, `metrics`, `flagz`,
    /// `rbac`, `services`.
    #[serde(default)]
    pub forbidden: Vec<String>,
}

#[derive(Deserialize)]
struct Examples {
    examples: Vec<Example>,
}

/// How an example came out.
#[derive(Debug)]
pub struct Outcome {
    /// The example's name.
    pub name: String,
    /// What is wrong with it; none if it came out as expected.
    pub problem: Option<String>,
    /// The findings it led to.
    pub findings: Vec<Finding>,
}

/// The examples of a check.
///
/// # Errors
/// Their text has not the form of examples.
pub fn examples(check: &Check) -> Result<Vec<Example>, String> {
    if check.examples.is_empty() {
        return Ok(Vec::new());
    }
    let parsed: Examples = serde_yaml::from_str(&check.examples)
        .map_err(|error| format!("{}: in the examples: {}", check.file, error.without_snippet()))?;
    Ok(parsed.examples)
}

/// The snapshot that an example stands for.
///
/// # Errors
/// One of its inputs cannot be read.
pub fn snapshot(example: &Example, folder: &Path) -> Result<Snapshot, String> {
    if let Some(path) = &example.snapshot {
        let path = folder.join(path);
        let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        return io::from_bytes(&bytes).map_err(|error| format!("{}: {error}", path.display()));
    }
    let mut snapshot = match &example.manifests {
        Some(text) => {
            manifests::read_texts(&[("example.yaml".to_owned(), text.clone())]).map_err(|e| e.to_string())?
        }
        None => Snapshot::empty(Scope::Cluster, "example"),
    };
    if let Some(cluster) = &example.cluster {
        answer(&mut snapshot, cluster)?;
    }
    if let Some(cloud) = &example.cloud {
        ask(&mut snapshot, cloud)?;
    }
    redact(&mut snapshot);
    Ok(snapshot)
}

fn ask(snapshot: &mut Snapshot, cloud: &CloudInput) -> Result<(), String> {
    if let Some(provider) = cloud.provider {
        let sign = CloudSign { is_sure: true, ..CloudSign::new(provider, "--provider", provider.as_str()) };
        snapshot.cloud.signs.push(sign);
    }
    let mut found = Cloud::default();
    for document in &cloud.answers {
        let answers =
            file::answers("example.json", document.to_string().as_bytes()).map_err(|e| e.to_string())?;
        if answers.is_empty() {
            return Err("`answers` holds something that is no answer of a provider".into());
        }
        found.answers.extend(answers);
    }
    for id in &cloud.forbidden {
        let call = call(id).ok_or_else(|| format!("`forbidden` does not know `{id}`"))?;
        let grant = Permission::Cloud { action: call.permission.to_owned() };
        let gap = Gap::new(GapReason::Forbidden, call.what, "").with_grant(grant);
        found.answers.push(CloudAnswer {
            call: id.clone(),
            of: String::new(),
            at: call.command.to_owned(),
            reading: Reading::missing(gap),
        });
    }
    file::put(found, snapshot).map_err(|error| error.to_string())
}

fn answer(snapshot: &mut Snapshot, cluster: &ClusterInput) -> Result<(), String> {
    snapshot.scope = Scope::Cluster;
    snapshot.captured_at = cluster.time.or(snapshot.captured_at);
    if let Some(version) = &cluster.version {
        snapshot.version = Reading::read(version.clone());
    }
    // What a running cluster does not show was looked for and not found.
    if snapshot.pods.value().is_none() {
        snapshot.pods = Reading::read(Vec::new());
    }
    let rbac = &mut snapshot.rbac;
    for roles in [&mut rbac.roles, &mut rbac.cluster_roles].into_iter().filter(|one| one.value().is_none()) {
        *roles = Reading::read(Vec::new());
    }
    let bindings = [&mut rbac.role_bindings, &mut rbac.cluster_role_bindings];
    for bindings in bindings.into_iter().filter(|one| one.value().is_none()) {
        *bindings = Reading::read(Vec::new());
    }
    for workloads in snapshot.workloads.kinds_mut() {
        if workloads.value().is_none() {
            *workloads = Reading::read(Vec::new());
        }
    }
    let services = &mut snapshot.exposure.services;
    if services.value().is_none() {
        *services = Reading::read(Vec::new());
    }
    for text in &cluster.metrics {
        snapshot.metrics.push(Reading::read(metrics::parse(text.as_bytes())?));
    }
    for text in &cluster.flagz {
        snapshot.flagz.push(Reading::read(flagz::parse(text.as_bytes())?));
    }
    for what in &cluster.forbidden {
        let gap = |words: &str, grant| Gap::new(GapReason::Forbidden, words, "").with_grant(grant);
        let resource = |verb, group, plural| Permission::resource(verb, group, plural, Some("kube-system"));
        match what.as_str() {
            "leases" => {
                snapshot.leases = Reading::missing(gap(
                    "the Leases of the apiservers",
                    resource("list", "coordination.k8s.io", "leases"),
                ));
            }
            "pods" => {
                snapshot.pods =
                    Reading::missing(gap("the pods of the control plane", resource("list", "", "pods")));
            }
            "nodes" => {
                snapshot.nodes =
                    Reading::missing(gap("the nodes", Permission::resource("list", "", "nodes", None)));
            }
            "kubeadm-config" => {
                snapshot.kubeadm_config =
                    Reading::missing(gap("ConfigMap kubeadm-config", resource("get", "", "configmaps")));
            }
            "kubelet-config" => {
                snapshot.kubelet_configs =
                    Reading::missing(gap("ConfigMap kubelet-config", resource("get", "", "configmaps")));
            }
            "metrics" => {
                snapshot.metrics.push(Reading::missing(gap("/metrics", Permission::url("/metrics"))));
            }
            "rbac" => {
                let missing = |what: &str, plural| {
                    let grant = Permission::resource("list", "rbac.authorization.k8s.io", plural, None);
                    gap(what, grant)
                };
                snapshot.rbac = Rbac {
                    roles: Reading::missing(missing("the Roles", "roles")),
                    cluster_roles: Reading::missing(missing("the ClusterRoles", "clusterroles")),
                    role_bindings: Reading::missing(missing("the RoleBindings", "rolebindings")),
                    cluster_role_bindings: Reading::missing(missing(
                        "the ClusterRoleBindings",
                        "clusterrolebindings",
                    )),
                };
            }
            "services" => {
                let grant = Permission::resource("list", "", "services", None);
                snapshot.exposure.services = Reading::missing(gap("the Services", grant));
            }
            "flagz" => snapshot.flagz.push(Reading::missing(gap("/flagz", Permission::url("/flagz")))),
            other => return Err(format!("`forbidden` does not know `{other}`")),
        }
    }
    Ok(())
}

/// Runs all examples of a check.
///
/// # Errors
/// The examples cannot be read.
pub fn test(check: &Check) -> Result<Vec<Outcome>, String> {
    let folder = Path::new(&check.file).parent().unwrap_or(Path::new("")).to_owned();
    let outcomes = examples(check)?.into_iter().map(|example| {
        let name = example.name.clone();
        match snapshot(&example, &folder).and_then(|snapshot| judge(check, &example, &snapshot)) {
            Ok((problem, findings)) => Outcome { name, problem, findings },
            Err(problem) => Outcome { name, problem: Some(problem), findings: Vec::new() },
        }
    });
    Ok(outcomes.collect())
}

/// The facts that an example comes to. Those on waivers are known only when all else has been judged, by the built-in
/// checks here.
///
/// # Errors
/// A waiver of the example is none.
pub fn facts(example: &Example, snapshot: &Snapshot) -> Result<Facts, String> {
    if example.waivers.is_empty() && snapshot.waivers.is_empty() {
        return Ok(analyze(snapshot));
    }
    let checks =
        load::builtin().map_err(|faults| faults.iter().map(ToString::to_string).collect::<String>())?;
    let mut plan = Plan::everything(checks, Vec::new());
    let waivers = example.waivers.iter().enumerate();
    plan.acceptance = Acceptance {
        waivers: waivers
            .map(|(index, form)| form.waiver(&format!("waivers[{index}]")))
            .collect::<Result<_, _>>()?,
        annotations: true,
        today: example.today.unwrap_or(Acceptance::default().today),
        comments: true,
    };
    Ok(audit(&plan, snapshot).map_err(|error| error.to_string())?.facts)
}

fn judge(
    check: &Check,
    example: &Example,
    snapshot: &Snapshot,
) -> Result<(Option<String>, Vec<Finding>), String> {
    if let Some(name) = example.params.keys().find(|name| !check.params.contains_key(*name)) {
        return Err(format!("the check has no parameter `{name}`"));
    }
    let tree = FactTree::new(&facts(example, snapshot)?).map_err(|error| error.to_string())?;
    let findings = Judge::new(&tree).judge(check, &example.params);
    let verdict = worst(&findings);
    let mut problem = None;
    if verdict != Some(example.expect) {
        let reasons: Vec<String> = findings
            .iter()
            .map(|finding| format!("{} {}: {}", finding.subject, finding.status, finding.reason))
            .collect();
        let verdict = verdict.map_or("nothing".to_owned(), |status| status.to_string());
        problem = Some(format!("expected {}, got {verdict} ({})", example.expect, reasons.join("; ")));
    } else if let Some(at) = &example.at {
        let decisive = findings.iter().filter(|finding| finding.status == example.expect);
        let places: Vec<&str> =
            decisive.flat_map(|finding| &finding.evidence).map(|evidence| evidence.at.as_str()).collect();
        if !places.contains(&at.as_str()) {
            problem = Some(format!("expected evidence at {at}, got {}", places.join(", ")));
        }
    }
    Ok((problem, findings))
}
