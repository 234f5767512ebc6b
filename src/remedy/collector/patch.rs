//! Patches of a collector that is there: of its workload, and of the texts that configure it.

use serde_json::{Value, json};

use super::{Wants, fluent_bit, open_telemetry, vector};
use crate::analyze::collectors::collector::Collector;
use crate::analyze::collectors::paths::is_or_below;
use crate::remedy::apiserver::settings::folder;
use crate::remedy::change::{Change, HostPath, WorkloadPatch};
use crate::remedy::quote::{file_name, word};
use crate::remedy::situation::Situation;
use crate::remedy::{File, Remedy, set};
use crate::snapshot::redact::has_blanks;
use crate::snapshot::{ConfigMapKey, ConfigText, Container, Medium, Workload};

/// A language in which configurations are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    FluentBit,
    Vector,
    OpenTelemetry,
}

impl Language {
    fn of(product: &str) -> Option<Self> {
        match product {
            "Fluent Bit" => Some(Self::FluentBit),
            "Vector" => Some(Self::Vector),
            "OpenTelemetry Collector" => Some(Self::OpenTelemetry),
            _ => None,
        }
    }

    /// Where the collector keeps what must survive a restart.
    fn state(self) -> &'static str {
        match self {
            Self::FluentBit => fluent_bit::STATE,
            Self::Vector => vector::STATE,
            Self::OpenTelemetry => open_telemetry::STATE,
        }
    }

    fn edit(self, text: &str, wants: &Wants) -> Option<String> {
        match self {
            Self::FluentBit => fluent_bit::edit(text, wants),
            Self::Vector => vector::edit(text, wants),
            Self::OpenTelemetry => open_telemetry::edit(text, wants),
        }
    }
}

/// What a collector lacks. The audit log is read by one collector, the first: two would ship it twice.
pub fn remedy(
    situation: &Situation<'_>,
    collector: &Collector<'_>,
    wants: &Wants,
    is_first: bool,
) -> Option<Remedy> {
    let (workload, container) = (collector.workload?, collector.container?);
    let wants = if is_first {
        wants.clone()
    } else {
        Wants { audit: Vec::new(), journal: false, routed: false, destination: None, ..wants.clone() }
    };
    let language = Language::of(&collector.product);
    // What fields of a record the program of the OpenTelemetry Collector sees depends on operators of each input.
    let wants = Wants { masks: wants.masks && language != Some(Language::OpenTelemetry), ..wants };
    let tolerates_all = situation.fails_any(&["LA-COL-004", "LA-COL-005", "LA-COL-031"]);
    let mut patch =
        WorkloadPatch { tolerates_all, container: container.name.clone(), ..WorkloadPatch::default() };
    let mut changes = Vec::new();
    let mut files = Vec::new();
    let mut apply = Vec::new();
    if let Some(language) = language.filter(|_| !wants.is_empty()) {
        let texts = texts(situation, workload, container);
        if texts.iter().any(|text| has_blanks(&text.text)) {
            apply.push("Its configuration holds credentials, which are left out of what is read here, so that it cannot be written anew: change it by what is said of each check below.".into());
        } else {
            let edited: Vec<(ConfigMapKey, String)> = texts
                .iter()
                .filter_map(|text| Some((text.config_map.clone(), language.edit(&text.text, &wants)?)))
                .collect();
            if !edited.is_empty() {
                patch.folders = folders(container, language, &wants);
                if wants.destination.is_some() && !wants.audit.is_empty() {
                    patch.secrets.push(("RECEIVER_TOKEN".into(), "log-receiver".into(), "token".into()));
                    apply.push(format!(
                        "`kubectl{} create secret generic log-receiver --from-file=token=FILE`, with the token that the receiver asks for in FILE.",
                        namespace(&workload.namespace)
                    ));
                }
            }
            for (key, text) in edited {
                let file = config_patch(&key, &text);
                apply.push(format!(
                    "`kubectl{} patch configmap {} --patch-file {}`. Comments of the configuration are not kept.",
                    namespace(&key.namespace),
                    word(&key.name),
                    file.name
                ));
                files.push(file);
                changes.push(Change::Config { key, text });
            }
        }
    }
    let has_patch = patch.tolerates_all || !patch.folders.is_empty() || !patch.secrets.is_empty();
    if has_patch {
        let file = workload_patch(workload, &patch);
        apply.push(format!(
            "`kubectl{} patch {} {} --patch-file {}`",
            namespace(&workload.namespace),
            workload.kind.name().to_ascii_lowercase(),
            word(&workload.name),
            file.name
        ));
        files.push(file);
        changes.push(Change::Workload {
            kind: workload.kind,
            namespace: workload.namespace.clone(),
            name: workload.name.clone(),
            patch,
        });
    }
    if changes.is_empty() {
        return None;
    }
    apply.push(format!(
        "`kubectl{} rollout restart {} {}`, and see with `rollout status` that all its pods are ready.",
        namespace(&workload.namespace),
        workload.kind.name().to_ascii_lowercase(),
        word(&workload.name)
    ));
    if workload.labels.get("app.kubernetes.io/managed-by").is_some_and(|by| by == "Helm") {
        apply.push("Helm installed it: put the same into the values of its release (`tolerations`, `extraVolumes`, `extraVolumeMounts` and its configuration), or the next upgrade takes it back.".into());
    }
    if let Some(owner) = &workload.owner {
        apply.push(format!(
            "It is owned by {}, whose operator takes changes back: change that resource instead.",
            crate::report::markup::code(owner)
        ));
    }
    Some(Remedy {
        title: format!("Patches of the collector {}", workload.title()),
        files,
        changes,
        does: words(&wants, tolerates_all),
        costs: vec![
            "Its pods restart, one node after the other.".into(),
            "More is collected than before: the receiver takes in and keeps more.".into(),
        ],
        apply,
        ..Remedy::default()
    })
}

fn words(wants: &Wants, tolerates_all: bool) -> String {
    let mut parts = Vec::new();
    let mut add = |is_wanted: bool, what: &str| {
        if is_wanted {
            parts.push(what.to_owned());
        }
    };
    add(tolerates_all, "runs on every node, whatever its taints");
    add(!wants.audit.is_empty(), "reads the audit log");
    add(
        wants.destination.is_some() && !wants.audit.is_empty(),
        "sends a copy of the audit log to the receiver outside the cluster",
    );
    add(wants.journal, "reads the whole journal");
    add(wants.buffer, "keeps what waits on the disk");
    add(wants.retry, "sends again until the receiver takes it");
    add(wants.position, "remembers how far it has read");
    add(wants.metrics, "tells how it is doing");
    add(wants.masks, "removes fields called password, token and authorization");
    format!("The collector {}.", parts.join(", "))
}

/// ` -n NAMESPACE`, if there is one.
fn namespace(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" -n {}", word(name)) }
}

/// The texts of ConfigMaps that are mounted into a container.
fn texts<'a>(situation: &Situation<'a>, workload: &Workload, container: &Container) -> Vec<&'a ConfigText> {
    let names: Vec<&str> = container
        .mounts
        .iter()
        .filter_map(|mount| match &mount.medium {
            Medium::ConfigMap(volume) => Some(volume.name.as_str()),
            _ => None,
        })
        .collect();
    let of_it = |text: &&ConfigText| {
        !text.given
            && names.contains(&text.config_map.name.as_str())
            && (text.config_map.namespace == workload.namespace
                || text.config_map.namespace.is_empty()
                || workload.namespace.is_empty())
    };
    situation.snapshot.configs.iter().filter(of_it).collect()
}

/// Folders of the host that the container lacks.
fn folders(container: &Container, language: Language, wants: &Wants) -> Vec<HostPath> {
    let has = |path: &str, writable: bool| {
        container.mounts.iter().any(|mount| {
            matches!(mount.medium, Medium::HostPath(_))
                && is_or_below(path, &mount.path)
                && !(writable && mount.read_only)
        })
    };
    let mut folders = Vec::new();
    if wants.keeps_state() && !has(language.state(), true) {
        folders.push(HostPath {
            name: "collector-state".into(),
            path: language.state().into(),
            read_only: false,
            is_folder: true,
        });
    }
    let mut logs: Vec<&str> = wants.audit.iter().map(|path| folder(path)).collect();
    if wants.journal {
        logs.push("/var/log/journal");
        logs.push("/run/log/journal");
    }
    logs.dedup();
    for (index, path) in logs.into_iter().enumerate() {
        if !has(path, false) && path != "/" {
            folders.push(HostPath {
                name: format!("collector-logs-{index}"),
                path: path.into(),
                read_only: true,
                is_folder: true,
            });
        }
    }
    folders
}

/// A strategic merge patch. It names no kind, so that it is not taken for a manifest.
fn workload_patch(workload: &Workload, patch: &WorkloadPatch) -> File {
    let mut spec = serde_json::Map::new();
    if patch.tolerates_all {
        spec.insert("tolerations".into(), json!([{"operator": "Exists"}]));
    }
    let mut container = json!({ "name": patch.container });
    if !patch.folders.is_empty() {
        let mounts = patch
            .folders
            .iter()
            .map(|path| json!({"name": path.name, "mountPath": path.path, "readOnly": path.read_only}));
        set(&mut container, "volumeMounts", mounts.collect::<Value>());
        let volumes: Value = patch
            .folders
            .iter()
            .map(|path| json!({"name": path.name, "hostPath": {"path": path.path, "type": "DirectoryOrCreate"}}))
            .collect();
        spec.insert("volumes".into(), volumes);
    }
    if !patch.secrets.is_empty() {
        let env = patch.secrets.iter().map(|(name, secret, key)| {
            json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})
        });
        set(&mut container, "env", env.collect::<Value>());
    }
    if !patch.folders.is_empty() || !patch.secrets.is_empty() {
        spec.insert("containers".into(), json!([container]));
    }
    let value = json!({"spec": {"template": {"spec": spec}}});
    File {
        name: format!(
            "patch-{}-{}.yaml",
            workload.kind.name().to_ascii_lowercase(),
            file_name(&format!("{}-{}", workload.namespace, workload.name))
        ),
        text: serde_yaml::to_string(&value).unwrap_or_default(),
    }
}

/// A patch of one key of a ConfigMap: the others stay.
pub fn config_patch(key: &ConfigMapKey, text: &str) -> File {
    let value = json!({"data": {key.key.clone(): text}});
    File {
        name: format!(
            "patch-configmap-{}.yaml",
            file_name(&format!("{}-{}-{}", key.namespace, key.name, key.key))
        ),
        text: serde_yaml::to_string(&value).unwrap_or_default(),
    }
}
