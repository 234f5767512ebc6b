use super::*;
use crate::document::Place;
use crate::snapshot::{Gap, GapReason, Reading, UnreadPolicy};
use crate::source::manifests::read_texts;
use crate::source::objects::apiserver_pod;
use serde_json::{Value, json};

const POLICY: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n";
const OTHER: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None}]\n";

fn files(texts: &[(&str, &str)]) -> Snapshot {
    let texts: Vec<(String, String)> =
        texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    read_texts(&texts).unwrap()
}

/// A cluster with these pods.
fn cluster(pods: &[Value]) -> Snapshot {
    let mut snapshot = Snapshot::empty(Scope::Cluster, "c");
    let read = pods.iter().map(|pod| apiserver_pod(pod, &Place::of("Pod p")).unwrap()).collect();
    snapshot.pods = Reading::read(read);
    snapshot
}

fn pod(name: &str, flags: &[&str], mounts: Value, volumes: Value) -> Value {
    let mut command = vec!["kube-apiserver"];
    command.extend(flags);
    let mut pod = json!({"kind": "Pod", "metadata": {"name": name, "namespace": "kube-system"}, "spec": {
        "containers": [{"name": "kube-apiserver", "image": "k/kube-apiserver:v1.30.1", "command": command}]}});
    pod["spec"]["containers"][0]["volumeMounts"] = mounts;
    pod["spec"]["volumes"] = volumes;
    pod
}

const FILE: &str = "--audit-policy-file=/etc/kubernetes/audit-policy.yaml";

fn on_the_node(name: &str) -> Value {
    let mounts = json!([{"name": "k", "mountPath": "/etc/kubernetes"}]);
    pod(name, &[FILE], mounts, json!([{"name": "k", "hostPath": {"path": "/etc/kubernetes"}}]))
}

fn of(snapshot: &Snapshot) -> Vec<ServerPolicy> {
    of_servers(snapshot, &instances(snapshot))
}

fn unknown(entry: &ServerPolicy) -> &str {
    match &entry.state {
        PolicyState::Unknown(reason) => reason,
        other => panic!("{other:?}"),
    }
}

/// The place of the text that an entry has.
fn text<'s>(snapshot: &'s Snapshot, entry: &ServerPolicy) -> &'s str {
    match &entry.state {
        PolicyState::Text { text, rank: Rank::Configured, evidence } if !evidence.is_empty() => {
            &snapshot.policies[*text].at
        }
        other => panic!("{other:?}"),
    }
}

fn give(snapshot: &mut Snapshot) {
    snapshot.policies.push(PolicyText {
        name: "given.yaml".into(),
        at: "given.yaml".into(),
        line: 1,
        origin: PolicyOrigin::Given,
        paths: Vec::new(),
        inside: None,
        config_map: None,
        text: POLICY.into(),
    });
}

#[test]
fn without_the_flag_there_is_no_policy() {
    let servers = [
        pod("a", &[], json!([]), json!([])),
        pod("b", &["--audit-policy-file="], json!([]), json!([])),
        on_the_node("c"),
    ];
    let mut snapshot = cluster(&servers);
    give(&mut snapshot);
    let entries = of(&snapshot);
    assert_eq!(entries.len(), 3, "{entries:?}");
    assert!(
        matches!(&entries[0].state, PolicyState::Unset { evidence } if evidence.len() == 2),
        "{entries:?}"
    );
    assert_eq!(
        (entries[0].servers.as_slice(), entries[0].name.as_str()),
        (&["a".into(), "b".into()][..], NO_POLICY)
    );
    // A policy that is given is that of those that have one, not of those that have none.
    assert_eq!(text(&snapshot, &entries[1]), "given.yaml");
    assert_eq!(entries[1].servers, ["c"]);
    assert_eq!(entries[1].version, Some(Version::new(1, 30)));
    assert_eq!(entries[2].servers, ["further apiservers"]);
    unknown(&entries[2]);
}

#[test]
fn a_file_of_a_node_is_not_known_without_a_copy() {
    let mut snapshot = cluster(&[on_the_node("a"), on_the_node("b")]);
    let entries = of(&snapshot);
    assert_eq!(entries[0].servers, ["a", "b"]);
    assert_eq!(entries[0].name, "audit-policy.yaml");
    assert_eq!(
        unknown(&entries[0]),
        "the policy file /etc/kubernetes/audit-policy.yaml lies on the control plane nodes and cannot be read through the API; give a copy with --policy-file FILE"
    );
    give(&mut snapshot);
    assert_eq!(text(&snapshot, &of(&snapshot)[0]), "given.yaml");
}

#[test]
fn without_any_apiserver_the_policy_given_stands_alone() {
    let mut snapshot = Snapshot::empty(Scope::Cluster, "c");
    assert_eq!(of(&snapshot), []);
    give(&mut snapshot);
    let entries = of(&snapshot);
    assert_eq!((entries.len(), entries[0].servers.len()), (1, 0));
    assert_eq!(text(&snapshot, &entries[0]), "given.yaml");
    // Where all servers are known to load none, it belongs to none.
    let mut snapshot = files(&[("a.yaml", &pod("a", &[], json!([]), json!([])).to_string())]);
    give(&mut snapshot);
    assert!(matches!(of(&snapshot).as_slice(), [ServerPolicy { state: PolicyState::Unset { .. }, .. }]));
}

#[test]
fn policies_alone_are_entries_of_their_own() {
    let snapshot = files(&[("a.yaml", POLICY), ("b.yaml", OTHER)]);
    let entries = of(&snapshot);
    assert_eq!(entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["a.yaml", "b.yaml"]);
    assert!(entries.iter().all(|entry| entry.servers.is_empty()));
}

fn from_config_map(volume: Value, sub_path: &str) -> Value {
    let mut mount = json!({"name": "audit", "mountPath": "/etc/kubernetes/audit"});
    if !sub_path.is_empty() {
        mount["subPath"] = json!(sub_path);
        mount["mountPath"] = json!("/etc/kubernetes/audit/policy.yaml");
    }
    let flag = "--audit-policy-file=/etc/kubernetes/audit/policy.yaml";
    let mut named = json!([{"name": "audit"}]);
    named[0]["configMap"] = volume;
    pod("a", &[flag], json!([mount]), named)
}

fn key(name: &str, key: &str) -> ConfigMapKey {
    ConfigMapKey { namespace: "kube-system".into(), name: name.into(), key: key.into() }
}

#[test]
fn a_config_map_is_found_by_what_is_mounted() {
    let items = json!([{"key": "p", "path": "policy.yaml"}]);
    let projected = {
        let mut pod = from_config_map(json!({"name": "m"}), "");
        pod["spec"]["volumes"] = json!([{"name": "audit", "projected": {"sources": [{"configMap": {"name": "m", "items": items}}]}}]);
        pod
    };
    for (pod, wanted) in [
        (from_config_map(json!({"name": "m"}), ""), key("m", "policy.yaml")),
        (from_config_map(json!({"name": "m", "items": items}), ""), key("m", "p")),
        (from_config_map(json!({"name": "m"}), "other.yaml"), key("m", "other.yaml")),
        (projected, key("m", "p")),
    ] {
        assert_eq!(config_maps(&cluster(&[pod])), [wanted]);
    }
    let not_in_it = from_config_map(json!({"name": "m", "items": [{"key": "p", "path": "x"}]}), "");
    let snapshot = cluster(&[not_in_it]);
    assert_eq!(config_maps(&snapshot), []);
    assert!(unknown(&of(&snapshot)[0]).contains("the ConfigMap m without a key for it"));
}

#[test]
fn the_config_map_of_a_revision_is_that_of_openshift() {
    let flag = "--audit-policy-file=/etc/kubernetes/static-pod-resources/configmaps/kube-apiserver-audit-policies/policy.yaml";
    let with = |host: &str| {
        let mounts = json!([{"name": "r", "mountPath": "/etc/kubernetes/static-pod-resources"}]);
        cluster(&[pod("a", &[flag], mounts, json!([{"name": "r", "hostPath": {"path": host}}]))])
    };
    let found = config_maps(&with("/etc/kubernetes/static-pod-resources/kube-apiserver-pod-12"));
    assert_eq!(
        found[0].at(),
        "ConfigMap openshift-kube-apiserver/kube-apiserver-audit-policies-12 data[policy.yaml]"
    );
    assert_eq!(config_maps(&with("/opt/elsewhere")), []);
}

#[test]
fn what_a_config_map_holds_or_why_not() {
    let mut snapshot = cluster(&[from_config_map(json!({"name": "m"}), "")]);
    assert!(unknown(&of(&snapshot)[0]).contains("was not read"));
    let gap = Gap::new(GapReason::Forbidden, "the ConfigMap kube-system/m", "no");
    snapshot.policies_unread.push(UnreadPolicy { config_map: key("m", "policy.yaml"), gap });
    let reason = unknown(&of(&snapshot)[0]).to_owned();
    assert!(reason.contains("could not read the ConfigMap kube-system/m: forbidden"), "{reason}");

    let pod = from_config_map(json!({"name": "m"}), "").to_string();
    let config_map = |namespace: &str, name: &str| {
        json!({"kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": {"policy.yaml": POLICY}})
            .to_string()
    };
    let snapshot = files(&[("pod.json", &pod), ("cm.json", &config_map("kube-system", "m"))]);
    assert_eq!(text(&snapshot, &of(&snapshot)[0]), "cm.json ConfigMap kube-system/m data.policy.yaml");
    for other in [config_map("elsewhere", "m"), config_map("kube-system", "n")] {
        let snapshot = files(&[("pod.json", &pod), ("cm.json", &other)]);
        assert!(unknown(&of(&snapshot)[0]).contains("the input does not hold"));
    }
}

#[test]
fn secrets_and_other_volumes_are_told() {
    for (volume, expected) in [
        (json!({"secret": {"secretName": "s"}}), "comes from the Secret s, and Secrets are never read"),
        (json!({"emptyDir": {}}), "lies in an emptyDir"),
        (json!({"persistentVolumeClaim": {}}), "a PersistentVolumeClaim"),
        (json!({"nfs": {}}), "a volume of the kind `nfs`"),
        (json!({"projected": {"sources": [{"secret": {}}, {"configMap": {}}]}}), "several API objects"),
    ] {
        let mut volume = volume;
        volume["name"] = json!("k");
        let mounts = json!([{"name": "k", "mountPath": "/etc/kubernetes"}]);
        let pod = pod("a", &[FILE], mounts, json!([volume])).to_string();
        // Not even a file of the same name is the one.
        let snapshot = files(&[("pod.json", &pod), ("audit-policy.yaml", POLICY)]);
        let entries = of(&snapshot);
        let reason = unknown(&entries[0]);
        assert!(reason.contains(expected) && reason.contains("--policy-file"), "{reason}");
    }
}

#[test]
fn a_file_of_that_name_is_taken_if_it_is_the_only_one() {
    let pod = on_the_node("a").to_string();
    let snapshot = files(&[("pod.json", &pod), ("x/audit-policy.yaml", POLICY), ("x/b.yaml", OTHER)]);
    assert_eq!(text(&snapshot, &of(&snapshot)[0]), "x/audit-policy.yaml");
    let snapshot =
        files(&[("pod.json", &pod), ("x/audit-policy.yaml", POLICY), ("y/audit-policy.yaml", POLICY)]);
    let reason = unknown(&of(&snapshot)[0]).to_owned();
    assert!(
        reason.contains("several policies with the name of the policy file /etc/kubernetes/audit-policy.yaml (x/audit-policy.yaml, y/"),
        "{reason}"
    );
    let snapshot = files(&[("pod.json", &pod), ("b.yaml", OTHER)]);
    assert!(unknown(&of(&snapshot)[0]).contains("one of its policies (b.yaml)"));
    let snapshot = files(&[("pod.json", &pod)]);
    assert!(unknown(&of(&snapshot)[0]).contains("the input does not hold the policy file /etc"));
}

#[test]
fn the_name_is_that_of_the_node_where_a_mount_renames_it() {
    let mounts = json!([{"name": "k", "mountPath": "/etc/kubernetes/audit-policy.yaml"}]);
    let pod =
        pod("a", &[FILE], mounts, json!([{"name": "k", "hostPath": {"path": "/srv/mine.yaml"}}])).to_string();
    let snapshot = files(&[("pod.json", &pod), ("audit-policy.yaml", POLICY), ("mine.yaml", OTHER)]);
    assert_eq!(text(&snapshot, &of(&snapshot)[0]), "mine.yaml");
}

fn control_plane(name: &str, files: &str) -> String {
    format!(
        "apiVersion: controlplane.cluster.x-k8s.io/v1beta1
kind: KubeadmControlPlane
metadata: {{name: {name}}}
spec:
  version: v1.31.0
  kubeadmConfigSpec:
    clusterConfiguration:
      apiServer:
        extraArgs: {{audit-policy-file: /etc/kubernetes/audit.yaml}}
        extraVolumes: [{{name: a, hostPath: /etc/kubernetes/pol.yaml, mountPath: /etc/kubernetes/audit.yaml}}]
    files: {files}
"
    )
}

#[test]
fn what_a_control_plane_writes_is_its_own() {
    let with = |text: &str| {
        json!([{"path": "/x", "contentFrom": {"secret": {}}}, {"path": "/etc/kubernetes/pol.yaml", "content": text}]).to_string()
    };
    let both = control_plane("a", &with(POLICY)) + "---\n" + &control_plane("b", &with(OTHER));
    let snapshot = files(&[("capi.yaml", &both)]);
    let entries = of(&snapshot);
    let places: Vec<_> = entries.iter().map(|entry| text(&snapshot, entry)).collect();
    assert_eq!(
        places,
        [
            "capi.yaml:11:90 spec.kubeadmConfigSpec.files[1].content",
            "capi.yaml:23:90 spec.kubeadmConfigSpec.files[1].content"
        ]
    );
    assert_eq!(entries[0].version, Some(Version::new(1, 31)));
    assert_eq!(entries[0].name, "pol.yaml");
    // Objects in JSON have no positions but names.
    let value: Vec<Value> = both.split("---\n").map(|text| serde_yaml::from_str(text).unwrap()).collect();
    let list = json!({"kind": "List", "items": value}).to_string();
    let snapshot = files(&[("capi.json", &list)]);
    assert_eq!(of(&snapshot).len(), 2);
    // What one of them writes does not reach the other's nodes.
    let one = control_plane("a", &with(POLICY)) + "---\n" + &control_plane("b", "[]");
    let snapshot = files(&[("capi.yaml", &one)]);
    let entries = of(&snapshot);
    text(&snapshot, &entries[0]);
    unknown(&entries[1]);
}

#[test]
fn kind_mounts_are_followed_to_the_machine() {
    let kind = "kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
- role: control-plane
  kubeadmConfigPatches:
  - |
    kind: ClusterConfiguration
    apiServer:
      extraArgs: {audit-policy-file: /etc/kubernetes/policies/audit-policy.yaml}
      extraVolumes: [{name: a, hostPath: /etc/kubernetes/policies, mountPath: /etc/kubernetes/policies}]
  extraMounts:
  - {hostPath: ./kind/mine.yaml, containerPath: /etc/kubernetes/policies/audit-policy.yaml}
";
    let snapshot = files(&[("kind.yaml", kind), ("audit-policy.yaml", OTHER), ("kind/mine.yaml", POLICY)]);
    assert_eq!(text(&snapshot, &of(&snapshot)[0]), "kind/mine.yaml");
    let snapshot = files(&[("kind.yaml", kind), ("a/mine.yaml", OTHER), ("b/kind/mine.yaml", POLICY)]);
    assert_eq!(text(&snapshot, &of(&snapshot)[0]), "b/kind/mine.yaml");
}

#[test]
fn an_apiserver_that_was_not_read_has_an_unknown_policy() {
    let mut snapshot = Snapshot::empty(Scope::Cluster, "c");
    snapshot.leases = Reading::read(vec![crate::snapshot::Lease {
        name: "apiserver-x".into(),
        hostname: Some("cp1".into()),
        renew_time: None,
        duration_seconds: None,
    }]);
    let entries = of(&snapshot);
    assert_eq!((entries.len(), entries[0].servers.as_slice()), (1, &["apiserver on cp1".to_owned()][..]));
    assert!(unknown(&entries[0]).contains("its flags were not read"));
    // Whose the policy is that was given is not known; what it says can still be told.
    give(&mut snapshot);
    let entries = of(&snapshot);
    assert_eq!((entries.len(), entries[1].servers.len()), (2, 0));
}

#[test]
fn rke2_puts_a_policy_in_the_place_of_a_missing_one() {
    let config = "token: x\nkube-apiserver-arg: [\"audit-policy-file=/etc/rancher/rke2/audit-policy.yaml\"]\ncni: canal\n";
    let snapshot = files(&[("rke2/config.yaml", config)]);
    let entries = of(&snapshot);
    assert!(unknown(&entries[0]).contains("RKE2 writes one that records nothing"), "{entries:?}");
    let snapshot = files(&[("rke2/config.yaml", config), ("audit-policy.yaml", POLICY)]);
    assert_eq!(text(&snapshot, &of(&snapshot)[0]), "audit-policy.yaml");
}

#[test]
fn a_path_out_of_a_variable_is_not_shown() {
    let flag = "--audit-policy-file=$(POLICY)";
    for (volume, expected) in [
        (json!({"name": "k", "configMap": {"name": "m"}}), "by a variable, which is not shown"),
        (json!({"name": "k", "hostPath": {"path": "/etc/kubernetes"}}), "the file of --audit-policy-file"),
    ] {
        let mounts = json!([{"name": "k", "mountPath": "/etc/kubernetes"}]);
        let mut pod = pod("a", &[flag], mounts, json!([volume]));
        pod["spec"]["containers"][0]["env"] =
            json!([{"name": "POLICY", "value": "/etc/kubernetes/hunter2.yaml"}]);
        let mut snapshot = cluster(&[pod.clone()]);
        assert_eq!(config_maps(&snapshot), []);
        for files in [files(&[("pod.json", &pod.to_string())]), snapshot.clone()] {
            let entries = of(&files);
            assert!(unknown(&entries[0]).contains(expected), "{entries:?}");
            assert!(!format!("{entries:?}").contains("hunter2"), "{entries:?}");
        }
        give(&mut snapshot);
        let entries = of(&snapshot);
        assert_eq!(text(&snapshot, &entries[0]), "given.yaml");
        assert!(!format!("{entries:?}").contains("hunter2"), "{entries:?}");
    }
}
