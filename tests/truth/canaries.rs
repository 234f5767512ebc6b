//! Nothing that looks like a credential leaves, wherever it stood, and nothing at all leaves of what is not looked at.
//!
//! Two kinds of canary:
//!
//! - *Credential-looking* ones (keys, tokens, passwords in URLs or after a telling name, PEM) may stand in no output,
//!   wherever they were planted, also where plain text is shown: names, places, values of audit flags.
//! - *Plain* ones are planted only where nothing is ever shown: environment values, values of other flags, words of
//!   scripts, annotations, other labels, other containers, other keys of ConfigMaps. A plain word in a name, a place or
//!   the value of an audit flag is no leak: reports have to say which pod, which file, which path.
//!
//! One plain value is kept on purpose: that of a variable which an audit flag refers to stands in a saved snapshot,
//! because the flag's meaning depends on it. It may be in no report and in no facts.

mod collectors;

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::cluster::{
    FLAGZ, KUBEADM_CONFIG, KUBELET_CONFIG, METRICS, MetricsText, NODES, PODS, kubelet_config, pod_list,
};
use crate::support::nodes::{node_list, recorded_node};
use crate::support::recordings::recording;
use crate::support::reply::Reply;
use crate::support::routes::Routes;
use crate::support::stage::{Stage, pinned};
use crate::support::tool::Tool;

/// What every canary has in it, and nothing else.
const MARK: &str = "CANARY";

/// Forms of credentials, each with a number to tell where it stood.
const FORMS: [fn(usize) -> String; 6] = [
    |n| format!("AKIA{MARK}{MARK}{n:04}"),
    |n| format!("eyJhbGciOiJub25lIn0.{MARK}{n}.{MARK}-c2ln"),
    |n| format!("https://user:{MARK}{n}@db.example.com/x"),
    |n| format!("-----BEGIN PRIVATE KEY-----\n{MARK}{n}\n-----END PRIVATE KEY-----"),
    |n| format!("password={MARK}{n}"),
    |n| format!("Bearer {MARK}{n:06}"),
];

/// A word that nothing gives away as a secret.
fn plain(n: usize) -> String {
    format!("hunter2-{MARK}-{n}")
}

/// Every command that shows something of its input. `snapshot` shows what others only judge.
const COMMANDS: [&[&str]; 10] = [
    &["run", "-o", "table"],
    &["run", "-o", "wide"],
    &["run", "-o", "wide", "--framework", "pci-dss,nist-800-53"],
    &["run", "-o", "json"],
    &["run", "-o", "json", "--framework", "all"],
    &["run", "-o", "yaml"],
    &["run", "-o", "html"],
    &["facts", "-o", "yaml"],
    &["facts", "-o", "json"],
    &["snapshot"],
];

/// The canaries that some command shows, with what stands around them. `tool` adds the input to a command.
fn shown(commands: &[&[&str]], tool: impl Fn(Tool) -> Tool) -> String {
    let mut found = String::new();
    for command in commands {
        let output = tool(pinned().args(*command)).run();
        assert!(matches!(output.code, Some(0 | 1)), "{output:#?}");
        for (name, text) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            for (at, _) in text.match_indices(MARK).take(5) {
                let before: Vec<char> = text[..at].chars().rev().take(100).collect();
                let around: String = before.into_iter().rev().chain(text[at..].chars().take(30)).collect();
                let _ = writeln!(found, "{command:?} {name}: …{around}…");
            }
        }
    }
    found
}

fn expect_none(commands: &[&[&str]], tool: impl Fn(Tool) -> Tool) {
    let found = shown(commands, tool);
    assert!(found.is_empty(), "\n{found}");
}

/// A snapshot in which everything that a snapshot can hold is there at least once.
fn full_snapshot() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ha-drift.json");
    let mut snapshot: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let pod = &mut snapshot["pods"]["value"][0];
    pod["marks"] = json!({"spec.containers[0].command[6]": "a.yaml:20:5"});
    pod["containers"][0]["command"].as_array_mut().unwrap().extend([
        json!("--audit-webhook-config-file=$(WEBHOOK)"),
        json!("--service-account-issuer=https://kubernetes.default.svc"),
    ]);
    pod["containers"][0]["env"] = json!([{"name": "WEBHOOK", "value": "/etc/kubernetes/webhook.yaml"}]);
    let script =
        "exec kube-apiserver --audit-log-path=$LOG --etcd-prefix=/registry $FLAGS >> /var/log/out 2>&1";
    snapshot["pods"]["value"][1]["containers"][0]["command"] = json!(["/bin/sh", "-ec", script]);
    snapshot["pods"]["value"][1]["containers"][0]["env"] =
        json!([{"name": "LOG", "value": "/var/log/a.log"}, {"name": "FLAGS", "value": "--v=2 --foo=bar"}]);
    snapshot["nodes"]["value"][0]["markers"] = json!(["node.openshift.io/os_id"]);
    let mut declared = snapshot["kubeadmConfig"]["value"].clone();
    declared["kind"] = json!("k3s-config");
    declared["nodeName"] = json!("cp9");
    declared["arguments"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "etcd-prefix", "value": "/x", "at": "b.yaml:1:1"}));
    snapshot["declared"] = json!([declared]);
    let flags =
        json!({"advertise-address": "192.0.2.11", "audit-log-path": "/var/log/a.log", "etcd-prefix": "/x"});
    snapshot["flagz"] = json!([
        {"state": "read", "value": {"flags": flags, "structured": true}},
        {"state": "missing", "reason": "forbidden", "what": "/flagz", "detail": "forbidden: User \"x\""},
    ]);
    snapshot["metrics"][0]["value"]["levels"]["Elsewhere"] = json!(1.0);
    snapshot["metrics"][0]["value"]["errors"]["elsewhere"] = json!(1.0);
    let key = json!({"namespace": "kube-system", "name": "m", "key": "p.yaml"});
    snapshot["policies"] = json!([{"name": "p.yaml", "at": "p.yaml", "line": 1, "origin": "manifest", "paths": ["/p.yaml"],
        "inside": "a.yaml:1:1", "configMap": key, "text": "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]"}]);
    let gap = json!({"reason": "forbidden", "what": "the ConfigMap kube-system/m", "detail": "forbidden"});
    snapshot["policiesUnread"] = json!([{"configMap": key, "gap": gap}]);
    let resource = json!({"group": "apps", "resource": "deployments", "namespaced": true, "verbs": ["get"],
        "subresources": {"scale": ["get"]}});
    let served = json!({"resources": [resource], "staleGroups": ["metrics.k8s.io"]});
    snapshot["apis"] = json!({"state": "read", "value": served});
    let mount = &mut snapshot["pods"]["value"][0]["containers"][0]["mounts"][0];
    *mount = json!({"path": "/p", "medium": {"config-map": {"namespace": "n", "name": "m", "subPath": "s",
        "items": {"p.yaml": "k"}}}, "at": "x"});
    snapshot["notes"] = json!([{"at": "c.yaml:3:1", "text": "left aside"}]);
    collectors::add(&mut snapshot);
    snapshot
}

/// Adds to every text of a snapshot, but to the words and times of its own form.
fn plant(value: &mut Value, key: &str, canary: &mut impl FnMut() -> String) {
    const OWN: [&str; 10] = [
        "kind",
        "origin",
        "schemaVersion",
        "toolVersion",
        "scope",
        "state",
        "reason",
        "medium",
        "renewTime",
        "capturedAt",
    ];
    match value {
        // What backs a mount is a word, or a path below one.
        Value::Object(map) if key == "medium" => {
            map.values_mut().for_each(|path| plant(path, "path", canary));
        }
        _ if OWN.contains(&key) => {}
        Value::String(text) => {
            let _ = write!(text, "/{}", canary());
        }
        Value::Array(items) => items.iter_mut().for_each(|item| plant(item, "", canary)),
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                plant(value, key, canary);
            }
            if ["labels", "marks", "flags", "levels", "errors", "podLabels", "annotations"].contains(&key) {
                let value = if ["levels", "errors"].contains(&key) { json!(1.0) } else { json!("x") };
                map.insert(canary(), value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn no_credential_in_any_text_of_a_snapshot_is_shown() {
    for form in FORMS {
        let mut snapshot = full_snapshot();
        let mut count = 0;
        plant(&mut snapshot, "", &mut || {
            count += 1;
            form(count)
        });
        assert!(count > 100, "{count}");
        let text = snapshot.to_string();
        expect_none(&COMMANDS, |tool| tool.args(["--snapshot", "-"]).stdin(&text));
    }
}

/// The reports and the facts, which show no values of variables; and the snapshot, which keeps those that flags refer to.
fn judging() -> &'static [&'static [&'static str]] {
    &COMMANDS[..7]
}

#[test]
fn nothing_of_what_is_not_looked_at_is_shown_of_a_snapshot() {
    let mut snapshot = full_snapshot();
    let mut count = 0;
    let mut canary = || {
        count += 1;
        plain(count)
    };
    let pod = &mut snapshot["pods"]["value"][0];
    pod["labels"]["owner"] = json!(canary());
    let command = pod["containers"][0]["command"].as_array_mut().unwrap();
    command.extend([
        json!(format!("--etcd-password={}", canary())),
        json!("--oidc-client-secret"),
        json!(canary()),
        json!(canary()),
        json!(format!("-x={}", canary())),
    ]);
    pod["containers"][0]["env"].as_array_mut().unwrap().push(json!({"name": "PASSWORD", "value": canary()}));
    let script = format!(
        "export TOKEN={}; curl -u me:{} http://x | tee {} # {}\nexec kube-apiserver --audit-log-path=$LOG --x={} {}",
        canary(),
        canary(),
        canary(),
        canary(),
        canary(),
        canary()
    );
    snapshot["pods"]["value"][1]["containers"][0]["command"][2] = json!(script);
    let flags = format!("--token-auth-file={} {}", canary(), canary());
    snapshot["pods"]["value"][1]["containers"][0]["env"][1]["value"] = json!(flags);
    for declared in ["/kubeadmConfig/value", "/declared/0"] {
        let arguments = snapshot.pointer_mut(declared).unwrap()["arguments"].as_array_mut().unwrap();
        arguments.push(json!({"name": "etcd-servers", "value": canary(), "at": "x"}));
    }
    snapshot["flagz"][0]["value"]["flags"]["etcd-servers"] = json!(canary());
    snapshot["metrics"][0]["value"]["levels"][canary()] = json!(1.0);
    snapshot["metrics"][0]["value"]["errors"][canary()] = json!(1.0);
    let policy = &mut snapshot["policies"][0]["text"];
    *policy = json!(format!("# {}\n{} # {}\n", canary(), policy.as_str().unwrap(), canary()));
    let text = snapshot.to_string();
    expect_none(&COMMANDS, |tool| tool.args(["--snapshot", "-"]).stdin(&text));

    // The value of a variable in an audit flag is kept, and is judged, and is not shown.
    snapshot["pods"]["value"][0]["containers"][0]["env"][0]["value"] = json!(canary());
    snapshot["pods"]["value"][1]["containers"][0]["env"][0]["value"] = json!(canary());
    let text = snapshot.to_string();
    expect_none(judging(), |tool| tool.args(["--snapshot", "-"]).stdin(&text));
    let saved = pinned().args(["snapshot", "--snapshot", "-"]).stdin(&text).run();
    assert_eq!(saved.expect_code(0).stdout.matches(MARK).count(), 2);
}

/// A control plane's manifests in which every place that is not looked at holds `secret`, and every text that may be
/// shown holds `name`.
fn manifests(mut secret: impl FnMut() -> String, mut name: impl FnMut() -> String) -> String {
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": format!("kube-apiserver-{}", name()), "namespace": "kube-system",
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": secret(), "note": secret()},
                "labels": {"component": "kube-apiserver", "owner": secret()},
                "managedFields": [{"manager": secret()}],
            },
            "spec": {
                "initContainers": [{"name": "init", "command": ["sh", "-c", secret()]}],
                "containers": [
                    {"name": "kube-apiserver", "image": format!("kube-apiserver:v1.36.2-{}", name()),
                     "command": ["kube-apiserver", "--audit-policy-file=/etc/kubernetes/policy.yaml",
                        format!("--audit-log-path=/var/log/{}", name()), format!("--etcd-password={}", secret()),
                        "--oidc-client-secret", secret(), secret()],
                     "env": [{"name": "PASSWORD", "value": secret()}],
                     "livenessProbe": {"httpGet": {"httpHeaders": [{"name": "Authorization", "value": secret()}]}},
                     "volumeMounts": [{"name": "log", "mountPath": format!("/var/log/{}", name())}]},
                    {"name": "sidecar", "image": secret(), "args": [secret()], "env": [{"name": "X", "value": secret()}]},
                ],
                "volumes": [{"name": "log", "hostPath": {"path": format!("/data/{}", name())}},
                    {"name": "other", "csi": {"volumeAttributes": {"key": secret()}}}],
            },
            "status": {"message": secret(), "containerStatuses": [{"lastState": {"terminated": {"message": secret()}}}]}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": secret()}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}, "data": {"config": secret()}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "kubeadm-config", "namespace": "kube-system", "annotations": {"x": secret()}},
            "data": {"ClusterConfiguration": kubeadm_configuration(&mut secret, &mut name), "ClusterStatus": secret()}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kubelet-config", "namespace": "kube-system"},
            "data": {"kubelet": kubelet(&mut secret), "other": secret()}}),
        json!({"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": format!("cp1-{}", name()), "labels": {"owner": secret()}, "annotations": {"x": secret()}},
            "spec": {"providerID": format!("aws:///{}", secret())},
            "status": {"nodeInfo": {"kubeletVersion": "v1.36.2", "osImage": name(), "machineID": secret()},
                "images": [{"names": [secret()]}]}}),
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": format!("apiserver-{}", name()), "namespace": "kube-system", "annotations": {"x": secret()},
                "labels": {"apiserver.kubernetes.io/identity": "kube-apiserver", "kubernetes.io/hostname": name(), "x": secret()}},
            "spec": {"holderIdentity": secret(), "leaseDurationSeconds": 3600, "renewTime": "2026-11-21T08:59:50.000000Z"}}),
        json!({"apiVersion": "cluster.x-k8s.io/v1beta1", "kind": "Machine", "metadata": {"name": name()}, "spec": {"x": secret()}}),
    ];
    let rke2 = json!({"token": secret(), "kube-apiserver-arg": ["audit-log-maxage=3", format!("etcd-prefix={}", secret())]});
    objects.push(rke2);
    let documents: Vec<String> =
        objects.iter().map(|object| serde_yaml::to_string(object).unwrap()).collect();
    documents.join("---\n")
}

fn kubeadm_configuration(secret: &mut impl FnMut() -> String, name: &mut impl FnMut() -> String) -> String {
    let extra_args = json!([
        {"name": "audit-log-path", "value": format!("/var/log/{}", name())},
        {"name": "etcd-password", "value": secret()},
        {"name": "service-account-signing-key-file", "value": secret()},
    ]);
    let configuration = json!({"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration",
        "kubernetesVersion": "v1.36.2", "clusterName": secret(),
        "etcd": {"external": {"endpoints": [secret()]}},
        "apiServer": {"extraArgs": extra_args, "extraEnvs": [{"name": "PASSWORD", "value": secret()}]}});
    serde_yaml::to_string(&configuration).unwrap()
}

fn kubelet(secret: &mut impl FnMut() -> String) -> String {
    let configuration = json!({"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "containerLogMaxSize": "10Mi", "staticPodURLHeader": {"Authorization": [secret()]}, "clusterDomain": secret()});
    serde_yaml::to_string(&configuration).unwrap()
}

fn numbered(form: fn(usize) -> String) -> impl FnMut() -> String {
    let mut count = 0;
    move || {
        count += 1;
        form(count)
    }
}

#[test]
fn nothing_of_what_is_not_looked_at_is_shown_of_manifests() {
    let text = manifests(numbered(plain), || "name".into());
    expect_none(&COMMANDS, |tool| tool.args(["-f", "-"]).stdin(&text));
}

#[test]
fn no_credential_in_any_text_of_manifests_is_shown() {
    for form in FORMS {
        let text = manifests(numbered(form), numbered(form));
        expect_none(&COMMANDS, |tool| tool.args(["-f", "-"]).stdin(&text));
    }
}

/// What is wrong with a file is told by its place; what stands there may be the secret.
#[test]
fn broken_manifests_are_not_quoted() {
    let good = "apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver-a}\nspec: {containers: [{command: [kube-apiserver]}]}\n";
    let broken = [
        format!("apiVersion: v1\nkind: Secret\nstringData:\n  a: {}\n bad\n", plain(1)),
        format!("a: \"{}\\q\"\n", plain(2)),
        format!("{}: [\n", plain(3)),
        format!("a: &{m} 1\nb: *{m}x\n", m = plain(4)),
        format!("a: !!{} 1\na: 2\n", plain(5)),
        format!("{{\"a\": {}}}", plain(6)),
        format!(
            "kind: ConfigMap\nmetadata: {{name: kubeadm-config, namespace: kube-system}}\ndata: {{ClusterConfiguration: \"{}: [\"}}\n",
            plain(7)
        ),
    ];
    for broken in broken {
        expect_none(&COMMANDS, |tool| tool.args(["-f", "-"]).stdin(format!("{good}---\n{broken}")));
        let alone = pinned().args(["run", "-f", "-"]).stdin(&broken).run();
        assert!(!alone.stderr.contains(MARK) && !alone.stdout.contains(MARK), "{alone:#?}");
    }
}

/// The recorded cluster with canaries in the bodies that the server sends.
fn live(mut secret: impl FnMut() -> String, mut name: impl FnMut() -> String) -> Stage {
    let mut pod = recording("082").json()["items"][0].take();
    pod["metadata"]["annotations"]["x"] = json!(secret());
    pod["metadata"]["labels"]["owner"] = json!(secret());
    pod["status"]["message"] = json!(secret());
    pod["spec"]["containers"][0]["env"] = json!([{"name": "PASSWORD", "value": secret()}]);
    let command = pod["spec"]["containers"][0]["command"].as_array_mut().unwrap();
    command
        .extend([json!(format!("--etcd-password={}", secret())), json!(format!("--event-ttl={}", name()))]);
    pod["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "x", "args": [secret()]}));
    let mut node = recorded_node(0);
    node["metadata"]["annotations"]["x"] = json!(secret());
    node["metadata"]["labels"]["owner"] = json!(secret());
    node["status"]["nodeInfo"]["osImage"] = json!(name());
    let flagz = recording("091").text().replace("\nv 1\n", &format!("\nv 1\netcd-servers {}\n", secret()));
    assert!(flagz.contains(MARK));
    let flagz = Reply::text(200, "text/plain", flagz);
    let metrics = MetricsText::short()
        .set(&format!("apiserver_audit_level_total{{level=\"{}\"}}", secret().replace(['\n', '"'], "")), 1)
        .set(&format!("apiserver_audit_error_total{{plugin=\"{}\"}}", secret().replace(['\n', '"'], "")), 1)
        .set(&format!("other_total{{user=\"{}\"}}", secret().replace(['\n', '"'], "")), 1);
    let config_map = json!({"kind": "ConfigMap", "apiVersion": "v1",
        "metadata": {"name": "kubeadm-config", "namespace": "kube-system", "annotations": {"x": secret()}},
        "data": {"ClusterConfiguration": kubeadm_configuration(&mut secret, &mut name), "ClusterStatus": secret()}});
    let routes = Routes::kubeadm()
        .get(PODS, pod_list(vec![pod]))
        .get(NODES, node_list(vec![node]))
        .flagz(None, flagz.clone(), flagz)
        .get(METRICS, metrics.reply())
        .get(KUBEADM_CONFIG, Reply::json(200, &config_map))
        .get(KUBELET_CONFIG, kubelet_config(&kubelet(&mut secret)));
    Stage::with(routes)
}

#[test]
fn nothing_of_what_is_not_looked_at_is_shown_of_a_cluster() {
    let stage = live(numbered(plain), || "1h".into());
    expect_none(&COMMANDS, |tool| tool.kubeconfig(stage.kubeconfig.path()).arg("-v=6"));
}

#[test]
fn no_credential_that_a_cluster_sends_is_shown() {
    for form in FORMS {
        let stage = live(numbered(form), numbered(form));
        expect_none(&COMMANDS, |tool| tool.kubeconfig(stage.kubeconfig.path()).arg("-v=6"));
    }
}

#[test]
fn no_credential_in_a_refusal_is_shown() {
    for form in FORMS {
        let mut canary = numbered(form);
        let mut message = || format!("User \"x\" with {} may not", canary());
        let routes = Routes::kubeadm()
            .get(METRICS, Reply::status(403, "Forbidden", &message(), &json!({})))
            .get(FLAGZ, Reply::text(400, "text/plain", message()))
            .get(NODES, Reply::status(404, "NotFound", &message(), &json!({})))
            .get(
                PODS,
                Reply::text(302, "text/plain", "").with_header("Location", &message().replace('\n', "")),
            );
        let stage = Stage::with(routes);
        expect_none(&COMMANDS, |tool| tool.kubeconfig(stage.kubeconfig.path()).arg("-v=6"));
        let everything = Reply::status(403, "Forbidden", &message(), &json!({}));
        let stage = Stage::with(Routes::empty().rule(crate::support::routes::Rule::any(everything)));
        let output = stage.run(&[]);
        assert!(output.code == Some(2) && !output.stderr.contains(MARK), "{output:#?}");
    }
}
