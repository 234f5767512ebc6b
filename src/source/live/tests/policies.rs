//! Policies that apiservers mount from ConfigMaps.

use serde_json::{Value, json};

use super::{Reply, Seen, Server, kubeadm, read_all, status};
use crate::analyze::apiserver::instances::instances;
use crate::analyze::policy::sources::{PolicyState, of_servers};
use crate::snapshot::Snapshot;

const POLICY: &str = "apiVersion: audit.k8s.io/v1 # hunter2\nkind: Policy\nrules: [{level: Metadata}]\n";

/// A hosted control plane: the pods of its apiserver have a volume that is no host path.
fn hosted(seen: &Seen, volume: &Value, config_map: Reply) -> Reply {
    if seen.path.contains("component%3Dkube-apiserver") {
        let pod = |name: &str| {
            json!({"metadata": {"name": name, "namespace": "kube-system"}, "spec": {"volumes": [volume], "containers": [
                {"name": "kube-apiserver", "command": ["kube-apiserver", "--audit-policy-file=/etc/audit/policy.yaml"],
                 "volumeMounts": [{"name": "audit", "mountPath": "/etc/audit"}]}]}})
        };
        return Reply::Json(200, json!({"kind": "PodList", "items": [pod("a-1"), pod("a-2")]}));
    }
    match seen.path.as_str() {
        "/api/v1/namespaces/kube-system/configmaps/tenant-audit" => config_map,
        _ => kubeadm(seen),
    }
}

fn config_map(data: Value) -> Reply {
    let metadata = json!({"name": "tenant-audit", "namespace": "kube-system"});
    let mut object = json!({"kind": "ConfigMap", "metadata": metadata});
    object["data"] = data;
    Reply::Json(200, object)
}

fn mounted() -> Value {
    json!({"name": "audit", "configMap": {"name": "tenant-audit"}})
}

fn read(volume: Value, answer: Reply) -> (Snapshot, Server) {
    let server = Server::start(move |seen| hosted(seen, &volume, answer.clone()));
    let (snapshot, stats) = read_all(&server).unwrap();
    assert!(stats.requests <= 25);
    (snapshot, server)
}

fn reason(snapshot: &Snapshot) -> String {
    let entries = of_servers(snapshot, &instances(snapshot));
    match &entries[0].state {
        PolicyState::Unknown(reason) => reason.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_config_map_is_read_once_and_linked() {
    let (snapshot, server) = read(mounted(), config_map(json!({"policy.yaml": POLICY, "other": "x"})));
    assert_eq!(server.count("/tenant-audit"), 1);
    let [policy] = snapshot.policies.as_slice() else { panic!("{:?}", snapshot.policies) };
    assert_eq!(policy.at, "ConfigMap kube-system/tenant-audit data[policy.yaml]");
    assert_eq!(policy.text, POLICY.replace(" hunter2", ""));
    let entries = of_servers(&snapshot, &instances(&snapshot));
    assert_eq!((entries.len(), entries[0].name.as_str()), (1, "ConfigMap kube-system/tenant-audit"));
    assert_eq!(entries[0].servers, ["a-1", "a-2"]);
    assert!(matches!(entries[0].state, PolicyState::Text { text: 0, .. }));
}

#[test]
fn what_cannot_be_read_is_a_reason() {
    for (answer, expected) in [
        (status(403, "no"), "forbidden (no); grant `get` on `configmaps` in namespace `kube-system`"),
        (status(404, "not found"), "not found (there is no such ConfigMap)"),
        (config_map(json!({"other.yaml": POLICY})), "it has no key `policy.yaml`"),
        (config_map(json!({"policy.yaml": "x".repeat(5 << 20)})), "larger than 4 MiB"),
        (Reply::Json(200, json!({"kind": "Secret"})), "instead of a ConfigMap"),
    ] {
        let (snapshot, _) = read(mounted(), answer);
        let reason = reason(&snapshot);
        assert!(reason.contains(expected) && reason.contains("--policy-file FILE"), "{reason}");
        assert_eq!(snapshot.gaps().len(), 1);
    }
}

#[test]
fn secrets_and_odd_names_are_not_asked_for() {
    let secret = json!({"name": "audit", "secret": {"secretName": "tenant-audit"}});
    let odd = json!({"name": "audit", "configMap": {"name": "../secrets/tenant-audit"}});
    for (volume, expected) in [(secret, "Secrets are never read"), (odd, "not one that a ConfigMap can have")]
    {
        let (snapshot, server) = read(volume, status(500, "never"));
        assert_eq!(server.count("tenant-audit"), 0);
        assert!(reason(&snapshot).contains(expected));
    }
}

#[test]
fn servers_that_do_not_aggregate_leave_a_gap() {
    let server = Server::start(|seen| match seen.path.as_str() {
        "/api" => Reply::Json(200, json!({"kind": "APIVersions", "versions": ["v1"]})),
        "/apis" => Reply::Json(200, json!({"kind": "APIGroupList", "groups": []})),
        _ => kubeadm(seen),
    });
    let (snapshot, _) = read_all(&server).unwrap();
    assert!(snapshot.apis.gap().unwrap().detail.contains("does not aggregate its discovery"));
}
