//! Audit policies in files: documents of their own, values of ConfigMaps, and files and objects written into the
//! configuration of other tools.

use k8s_openapi::ByteString;
use serde_json::Value;

use crate::analyze::policy::load::MAX_BYTES;
use crate::document::node::{Document, Mark};
use crate::document::yaml::{inner_name, parse, pieces};
use crate::document::{Place, full_name, text};
use crate::snapshot::redact::basename;
use crate::snapshot::{ConfigMapKey, Note, PolicyOrigin, PolicyText};

/// The group of audit policies.
pub const GROUP: &str = "audit.k8s.io";

/// Where Talos puts the policy of its machine configuration (`talos/pkg/machinery/constants`).
const TALOS_FILE: &str = "/system/config/kubernetes/kube-apiserver/auditpolicy.yaml";

/// Where RKE1 puts the policy of its `cluster.yml` (`rancher/rke/cluster/plan.go`).
const RKE1_FILE: &str = "/etc/kubernetes/audit-policy.yaml";

/// Whether a text can have a policy in it: only such texts are looked through.
pub fn may_hold(text: &str) -> bool {
    // What is packed does not show its group.
    text.contains(GROUP) || text.contains("base64") || text.contains("isBase64")
}

/// Whether an object is an audit policy.
pub fn is_policy(object: &Value) -> bool {
    text(object, "/kind") == "Policy" && text(object, "/apiVersion").split('/').next() == Some(GROUP)
}

/// Policies that were found, and what was left aside.
#[derive(Debug, Default)]
pub struct Found {
    /// The policies.
    pub policies: Vec<PolicyText>,
    /// What was left aside.
    pub notes: Vec<Note>,
}

impl Found {
    fn push(&mut self, policy: PolicyText) {
        if policy.text.len() > MAX_BYTES {
            let text = format!("an audit policy of more than {} MiB; left aside", MAX_BYTES >> 20);
            self.notes.push(Note { at: policy.at, text });
        } else {
            self.policies.push(policy);
        }
    }

    /// A policy that is a document of a file. `mark` is where it begins; JSON has no positions, so there it is told
    /// whether the file holds nothing else.
    pub fn document(&mut self, file: &str, source: &str, begins: Begins, object: &Value, place: &Place) {
        let name = basename(file).to_owned();
        let mut policy = PolicyText {
            at: file.to_owned(),
            line: 1,
            origin: PolicyOrigin::Manifest,
            paths: Vec::new(),
            inside: None,
            config_map: None,
            text: String::new(),
            name: name.clone(),
        };
        let piece = match begins {
            Begins::Alone => Some((0, source)),
            Begins::At(mark) => pieces(source).into_iter().rfind(|(before, _)| *before < mark.line),
            Begins::Somewhere => None,
        };
        match piece {
            // What the server reads of a file is its first document.
            Some((0, _)) => {
                policy.text = source.to_owned();
                policy.paths = vec![name];
            }
            Some((before, piece)) => {
                policy.text = piece.to_owned();
                policy.line = before + 1;
            }
            None => {
                policy.at = format!("{} Policy", place.at);
                policy.text = written(object);
            }
        }
        self.push(policy);
    }

    /// The policies that a ConfigMap holds.
    pub fn config_map(&mut self, object: &Value, place: &Place) {
        let data = object.get("data").and_then(Value::as_object);
        for (key, value) in data.into_iter().flatten() {
            let Some(content) = value.as_str().filter(|content| holds_policy(content)) else { continue };
            let config_map = ConfigMapKey {
                namespace: text(object, "/metadata/namespace").to_owned(),
                name: text(object, "/metadata/name").to_owned(),
                key: key.clone(),
            };
            self.push(PolicyText {
                name: format!("ConfigMap {}", full_name(object)),
                at: inner_name(place, &format!("data.{key}")),
                line: 1,
                origin: PolicyOrigin::ConfigMap,
                paths: Vec::new(),
                inside: None,
                config_map: Some(config_map),
                text: content.to_owned(),
            });
        }
    }

    /// The policies written into an object of another kind: as a file with its path, or as an object.
    pub fn inside(&mut self, Document { value, place }: &Document, file: &str) {
        self.below(value, place, "", file);
    }

    fn below(&mut self, value: &Value, place: &Place, path: &str, file: &str) {
        match value {
            Value::Object(fields) => {
                if !path.is_empty() && is_policy(value) {
                    self.object(value, place, path, file);
                    return;
                }
                if let Some((field, content)) = content(value) {
                    if holds_policy(&content) {
                        let target = text(value, "/path").to_owned();
                        let at = inner_name(place, &join(path, field));
                        self.embedded(basename(&target).to_owned(), at, vec![target], place, content);
                    }
                    return;
                }
                for (key, value) in fields {
                    self.below(value, place, &join(path, key), file);
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    self.below(value, place, &format!("{path}[{index}]"), file);
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, value: &Value, place: &Place, path: &str, file: &str) {
        let target = match path {
            "cluster.apiServer.auditPolicy" => Some(TALOS_FILE),
            path if path.ends_with("services.kube-api.audit_log.configuration.policy") => Some(RKE1_FILE),
            _ => None,
        };
        let paths = target.map(str::to_owned).into_iter().collect();
        let name = format!("{} {path}", basename(file));
        self.embedded(name, inner_name(place, path), paths, place, written(value));
    }

    fn embedded(&mut self, name: String, at: String, paths: Vec<String>, place: &Place, text: String) {
        self.push(PolicyText {
            name,
            at,
            line: 1,
            origin: PolicyOrigin::Manifest,
            paths,
            inside: Some(place.at.clone()),
            config_map: None,
            text,
        });
    }
}

/// Where a document begins in its file.
#[derive(Debug, Clone, Copy)]
pub enum Begins {
    /// It is all that the file holds.
    Alone,
    /// Here.
    At(Mark),
    /// Within something else.
    Somewhere,
}

/// The text of a file that an object writes to a `path`, and the field it stands in.
fn content(object: &Value) -> Option<(&'static str, String)> {
    if text(object, "/path").is_empty() {
        return None;
    }
    let field = ["content", "contents"].into_iter().find(|field| object.get(field).is_some())?;
    let content = object.get(field)?.as_str()?;
    let is_base64 = text(object, "/encoding") == "base64"
        || object.get("isBase64").and_then(Value::as_bool).unwrap_or(false);
    if is_base64 {
        let packed: String = content.split_whitespace().collect();
        let ByteString(bytes) = serde_json::from_value(Value::String(packed)).ok()?;
        return Some((field, String::from_utf8(bytes).ok()?));
    }
    Some((field, content.to_owned()))
}

/// Whether the first document of a text is an audit policy, which is what a server would read of it.
fn holds_policy(content: &str) -> bool {
    content.contains(GROUP)
        && parse(content).trees.into_iter().next().is_some_and(|tree| is_policy(&tree.document("").value))
}

/// An object as YAML.
fn written(object: &Value) -> String {
    // Values that came from YAML or JSON can be written as either.
    serde_yaml::to_string(object).unwrap_or_else(|_| object.to_string())
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::manifests::read_texts;
    use serde_json::json;

    const POLICY: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n";

    fn found(name: &str, text: &str) -> Vec<PolicyText> {
        read_texts(&[(name.to_owned(), text.to_owned())]).unwrap().policies
    }

    fn one(name: &str, text: &str) -> PolicyText {
        let mut policies = found(name, text);
        assert_eq!(policies.len(), 1, "{policies:?}");
        policies.remove(0)
    }

    #[test]
    fn a_file_is_taken_whole_and_a_later_document_alone() {
        let text = format!("# hunter2\n---\n{POLICY}---\nkind: Service\n");
        let policy = one("x/audit.yaml", &text);
        assert_eq!(
            (policy.name.as_str(), policy.at.as_str(), policy.line),
            ("audit.yaml", "x/audit.yaml", 1)
        );
        assert_eq!(policy.text, text.replace(" hunter2", ""));
        assert_eq!(policy.paths, ["audit.yaml"]);

        let text = format!("kind: Service\n---\n# a\n{POLICY}---\n{POLICY}");
        let policies = found("all.yaml", &text);
        let lines: Vec<_> = policies.iter().map(|policy| policy.line).collect();
        assert_eq!(lines, [2, 8]);
        assert_eq!(policies[0].text, format!("---\n#\n{POLICY}"));
        assert!(policies[0].paths.is_empty());

        let json = json!({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": []}).to_string();
        assert_eq!(one("a.json", &json).text, json);
        let list =
            json!({"kind": "List", "items": [serde_json::from_str::<Value>(&json).unwrap()]}).to_string();
        assert_eq!(one("a.json", &list).at, "a.json Policy");
        assert_eq!(found("other.yaml", "apiVersion: kyverno.io/v1 # audit.k8s.io\nkind: Policy\n"), []);
    }

    #[test]
    fn config_maps_hold_policies_under_keys() {
        let map = json!({"kind": "ConfigMap", "metadata": {"name": "m", "namespace": "n"},
            "data": {"a.yaml": POLICY, "b.yaml": format!("kind: X\n---\n{POLICY}"), "c": "about audit.k8s.io"}});
        let policy = one("cm.yaml", &serde_yaml::to_string(&map).unwrap());
        assert_eq!(policy.config_map.as_ref().unwrap().at(), "ConfigMap n/m data[a.yaml]");
        assert_eq!((policy.at.as_str(), policy.origin), ("cm.yaml:6:3 data.a.yaml", PolicyOrigin::ConfigMap));
        let secret = json!({"kind": "Secret", "metadata": {"name": "m"}, "stringData": {"a.yaml": POLICY}});
        assert_eq!(found("s.json", &secret.to_string()), []);
    }

    #[test]
    fn files_written_into_other_objects_are_found() {
        let kops = json!({"apiVersion": "kops.k8s.io/v1alpha2", "kind": "Cluster", "metadata": {"name": "c"},
            "spec": {"fileAssets": [{"name": "a", "path": "/srv/audit.yaml", "content": POLICY}]}});
        let policy = one("kops.yaml", &serde_yaml::to_string(&kops).unwrap());
        assert_eq!(policy.paths, ["/srv/audit.yaml"]);
        assert_eq!(policy.name, "audit.yaml");
        let packed = serde_json::to_value(ByteString(POLICY.as_bytes().to_vec())).unwrap();
        let config = json!({"kind": "KubeadmConfigTemplate", "spec": {"template": {"spec": {"files": [
            {"path": "/a.yaml", "encoding": "base64", "content": packed},
            {"path": "/b.yaml", "encoding": "gzip+base64", "content": packed}]}}}});
        assert_eq!(one("k.json", &config.to_string()).text, POLICY);
    }

    #[test]
    fn objects_of_talos_and_rke1_are_written_as_texts() {
        let policy = "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}";
        let talos = format!("version: v1alpha1\ncluster:\n  apiServer:\n    auditPolicy: {policy}\n");
        let read = one("controlplane.yaml", &talos);
        assert_eq!(read.at, "controlplane.yaml:4:5 cluster.apiServer.auditPolicy");
        assert_eq!(read.text, POLICY);
        assert_eq!(read.paths, [TALOS_FILE]);
        let rke1 = format!(
            "services:\n  kube-api:\n    audit_log:\n      enabled: true\n      configuration:\n        policy: {policy}\n"
        );
        assert_eq!(one("cluster.yml", &rke1).paths, [RKE1_FILE]);
    }

    #[test]
    fn larger_ones_are_left_aside() {
        let text = format!("{POLICY}#{}\n", " ".repeat(MAX_BYTES));
        let snapshot = read_texts(&[("a.yaml".to_owned(), text)]).unwrap();
        assert!(snapshot.policies.is_empty());
        assert!(snapshot.notes[0].text.contains("more than 4 MiB"));
    }
}
