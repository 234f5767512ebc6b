use std::fs;

use proptest::prelude::*;

use super::*;
use crate::snapshot::{DeclarationKind, Pod, Reading, Scope};

fn read(name: &str, text: &str) -> Snapshot {
    read_texts(&[(name.into(), text.into())]).unwrap()
}

fn error(name: &str, text: &str) -> String {
    read_texts(&[(name.into(), text.into())]).unwrap_err().to_string()
}

fn pods(snapshot: &Snapshot) -> &[Pod] {
    snapshot.pods.value().unwrap()
}

const STATIC_POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
  namespace: kube-system
spec:
  containers:
  - name: kube-apiserver
    image: registry.example/kube-apiserver:v1.33.0
    command:
    - kube-apiserver
    - --audit-log-path=/var/log/audit.log
    - --etcd-servers=https://user:hunter2@etcd:2379
    env:
    - {name: PASSWORD, value: hunter2}
    volumeMounts:
    - {mountPath: /var/log, name: logs}
  volumes:
  - name: logs
    hostPath: {path: /var/log/kubernetes}
";

#[test]
fn a_static_pod_is_an_apiserver_and_keeps_no_secret() {
    let snapshot = read("kube-apiserver.yaml", STATIC_POD);
    let pod = &pods(&snapshot)[0];
    assert_eq!(pod.at, "kube-apiserver.yaml:1:1");
    assert_eq!(pod.marks["spec.containers[0].command[1]"], "kube-apiserver.yaml:12:7");
    assert_eq!(pod.containers[0].mounts[0].at, "kube-apiserver.yaml:17:7");
    assert_eq!(snapshot.scope, Scope::Manifests);
    assert_eq!(snapshot.cluster.name, "kube-apiserver.yaml");
    assert!(snapshot.captured_at.is_none());
    assert!(!serde_json::to_string(&snapshot).unwrap().contains("hunter2"));
}

#[test]
fn what_is_not_in_the_input_was_not_asked_for() {
    let snapshot = read("pod.yaml", STATIC_POD);
    for gap in
        [snapshot.nodes.gap(), snapshot.leases.gap(), snapshot.kubeadm_config.gap(), snapshot.version.gap()]
    {
        assert!(gap.unwrap().to_string().contains("this source does not hold it"));
    }
    assert!(snapshot.kubelet_configs.gap().is_some());
    // Pods were read, though none is an apiserver.
    let other = read("p.yaml", "kind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: x}]}\n");
    assert_eq!(other.pods, Reading::read(vec![]));
    let none = read("p.yaml", "kind: Service\nmetadata: {name: x}\n");
    assert!(none.pods.gap().is_some());
    assert_eq!(none.notes.len(), 1);
    assert!(none.notes[0].text.starts_with("nothing in it is read by this version"));
}

#[test]
fn lists_of_every_form_are_unfolded() {
    let pod = |name: &str| {
        format!(
            "{{\"metadata\":{{\"name\":\"{name}\",\"namespace\":\"kube-system\"}},\"spec\":{{\"containers\":[{{\"name\":\
             \"kube-apiserver\",\"command\":[\"kube-apiserver\"]}}]}}}}"
        )
    };
    let typed = format!("{{\"kind\":\"PodList\",\"items\":[null,{},{}]}}", pod("a"), pod("b"));
    let snapshot = read("pods.json", &typed);
    assert_eq!(pods(&snapshot).iter().map(|pod| &*pod.name).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(pods(&snapshot)[1].at, "pods.json Pod kube-system/b");

    let nested = format!("kind: List\nitems:\n- kind: PodList\n  items: [{}, null]\n- null\n", pod("a"));
    assert_eq!(pods(&read("l.yaml", &nested)).len(), 1);
    // A plain list, objects without a kind, several values in one text.
    let shapes = format!("[{}]\n{}\n", pod("a"), pod("b"));
    assert_eq!(pods(&read("l.json", &shapes)).len(), 2);
    assert_eq!(read("l.json", "{\"kind\":\"PodList\",\"items\":[]}").pods, Reading::read(vec![]));
    assert_eq!(read("l.json", "{\"kind\":\"PodList\",\"items\":null}").pods, Reading::read(vec![]));
    let typed = "kind: KubeadmControlPlaneList\nitems:\n- spec: {kubeadmConfigSpec: {clusterConfiguration: {apiServer: {extraArgs: \
                 {v: 1}}}}}\n";
    assert_eq!(read("l.yaml", typed).declared[0].arguments.len(), 1);
    assert_eq!(read("l.json", "[]").notes.len(), 1);
}

#[test]
fn hosted_control_planes_are_read_from_their_workload_or_its_pods() {
    let deployment = "kind: Deployment\nmetadata: {name: kube-apiserver, namespace: shoot}\nspec:\n  template:\n    spec:\n      \
                      containers:\n      - name: kube-apiserver\n        args:\n        - --audit-log-maxage=3\n";
    let snapshot = read("d.yaml", deployment);
    assert_eq!(pods(&snapshot)[0].marks["spec.template.spec.containers[0].args[0]"], "d.yaml:9:11");
    let pod = "kind: Pod\nmetadata: {name: kube-apiserver-5f-x, namespace: shoot}\nspec: {containers: [{name: \
               kube-apiserver}]}\n";
    let snapshot = read("d.yaml", &format!("{deployment}---\n{pod}"));
    assert_eq!(pods(&snapshot).iter().map(|pod| &*pod.name).collect::<Vec<_>>(), ["kube-apiserver-5f-x"]);
}

#[test]
fn the_same_pod_twice_in_a_file_is_one() {
    let twice = format!("{STATIC_POD}---\n{STATIC_POD}");
    assert_eq!(pods(&read("a.yaml", &twice)).len(), 1);
    let texts = ["a.yaml", "b.yaml"].map(|name| (name.to_owned(), STATIC_POD.to_owned()));
    assert_eq!(pods(&read_texts(&texts).unwrap()).len(), 2);
    let other = STATIC_POD.replace("audit.log", "other.log");
    assert_eq!(pods(&read("a.yaml", &format!("{STATIC_POD}---\n{other}"))).len(), 2);
}

#[test]
fn one_dump_fills_all_fields() {
    let text = format!(
        "{STATIC_POD}---\n{}",
        "\
kind: Lease
metadata:
  name: apiserver-1
  labels: {apiserver.kubernetes.io/identity: kube-apiserver}
spec: {leaseDurationSeconds: 3600}
---
kind: Lease
metadata: {name: cp1}
---
kind: Node
metadata: {name: cp1, labels: {node-role.kubernetes.io/control-plane: ''}}
---
kind: ConfigMap
metadata: {name: kubeadm-config, namespace: kube-system}
data:
  ClusterConfiguration: |
    apiServer:
      extraArgs:
        - name: audit-log-maxage
          value: \"30\"
---
kind: ConfigMap
metadata: {name: kubelet-config, namespace: kube-system}
data:
  kubelet: |
    containerLogMaxSize: 20Mi
---
kind: Secret
metadata: {name: s}
data: {x: aHVudGVyMg==}
---
apiVersion: audit.k8s.io/v1
kind: Policy
rules: [{level: Metadata}]
"
    );
    let snapshot = read("dump.yaml", &text);
    assert_eq!(pods(&snapshot).len(), 1);
    assert_eq!(snapshot.leases.value().unwrap().len(), 1);
    assert!(snapshot.nodes.value().unwrap()[0].control_plane);
    let kubeadm = snapshot.kubeadm_config.value().unwrap().as_ref().unwrap();
    assert_eq!(kubeadm.arguments[0].value.as_deref(), Some("30"));
    assert_eq!(kubeadm.arguments[0].at, "dump.yaml:37:3 data.ClusterConfiguration:3:7");
    assert_eq!(snapshot.kubelet_configs.value().unwrap()[0].name, "kubelet-config");
    assert!(snapshot.declared.is_empty());
    assert_eq!(snapshot.notes, []);
    assert_eq!((snapshot.policies.len(), snapshot.policies[0].at.as_str()), (1, "dump.yaml"));
}

#[test]
fn config_maps_that_cannot_be_read_are_gaps() {
    let text = "kind: ConfigMap\nmetadata: {name: kubeadm-config, namespace: kube-system}\ndata:\n  ClusterConfiguration: \
                'a: b: c'\n";
    let snapshot = read("c.yaml", text);
    let gap = snapshot.kubeadm_config.gap().unwrap().to_string();
    assert!(gap.contains("data.ClusterConfiguration:1:5: not valid YAML"), "{gap}");
    assert_eq!(snapshot.notes.len(), 1);
    // The ConfigMap of a second cluster is another apiserver.
    let good = text.replace("'a: b: c'", "'kind: ClusterConfiguration'");
    let snapshot = read("c.yaml", &format!("{good}---\n{good}"));
    assert!(snapshot.kubeadm_config.value().unwrap().is_some());
    assert_eq!(snapshot.declared.len(), 1);
}

#[test]
fn objects_of_other_clients_do_no_harm() {
    // As Python's client prints: snake case, and nulls everywhere.
    let text = "{'api_version': 'v1', 'kind': 'PodList', 'items': [{'api_version': null, 'kind': null, 'metadata': \
                {'name': 'x'}, 'spec': {'containers': [{'name': 'kube-apiserver', 'command': null, 'volume_mounts': \
                null}], 'host_network': true}}]}";
    assert_eq!(pods(&read("p.txt", text)).len(), 1);
    for odd in [
        "kind: Pod\nspec: {containers: x}\n",
        "kind: Pod\nspec: {containers: [x, {name: [kube-apiserver]}]}\n",
        "kind: Node\nmetadata: []\n",
        "kind: ConfigMap\nmetadata: {name: kubeadm-config}\ndata: [1]\n",
        "kind: Cluster\nnodes: {a: b}\nkubeadmConfigPatches: x\n",
        "kind: [Pod]\nitems: 3\n",
        "kind: KubeadmControlPlane\nspec: []\n",
    ] {
        read("odd.yaml", odd);
    }
}

#[test]
fn a_single_file_that_cannot_be_read_is_an_error() {
    assert_eq!(
        error("x.yaml", "a: b: c\n"),
        "x.yaml:1:5: not valid YAML: mapping values are not allowed in this context; correct it there, or give another file"
    );
    assert!(error("x.yaml", "# nothing\n").contains("`x.yaml` is empty"));
    assert!(error("x.md", "Just some words\n").contains("no YAML mapping or JSON object"));
    assert!(read_texts(&[]).unwrap_err().to_string().starts_with("no file was given"));
}

#[test]
fn a_broken_document_among_good_ones_is_noted() {
    let snapshot = read("x.yaml", &format!("{STATIC_POD}---\na: {{{{ x }}}}\n"));
    assert_eq!(pods(&snapshot).len(), 1);
    assert_eq!(snapshot.notes[0].at, "x.yaml:22:5");
    assert!(snapshot.notes[0].text.ends_with("; left aside"), "{:?}", snapshot.notes);
    let many = format!("a: 1\n{}", "---\nb: [\n".repeat(30));
    let snapshot = read("x.yaml", &many);
    assert_eq!(snapshot.notes.len(), 11);
    assert_eq!(snapshot.notes[10].text, "20 more documents that cannot be read");
}

#[test]
fn of_several_files_broken_ones_are_noted() {
    let texts = |texts: &[(&str, &str)]| {
        let texts: Vec<_> =
            texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        read_texts(&texts)
    };
    let snapshot =
        texts(&[("a.yaml", "a: b: c"), ("b.yaml", STATIC_POD), ("c", ""), ("d", "kind: X")]).unwrap();
    assert_eq!(pods(&snapshot).len(), 1);
    assert_eq!(snapshot.cluster.name, "a.yaml, b.yaml, c and 1 more");
    assert_eq!(snapshot.notes[0].at, "a.yaml:1:5");
    assert_eq!(snapshot.notes[1].text, "empty; left aside");
    let failed = texts(&[("a", "a: b: c"), ("b", "")]).unwrap_err().to_string();
    assert!(
        failed.starts_with("none of 2 files could be read; the first: a:1:5: not valid YAML"),
        "{failed}"
    );
}

#[test]
fn placeholders_are_noted_where_a_value_is_used() {
    let text = STATIC_POD
        .replace("/var/log/audit.log", "{{ path }}")
        .replace("https://user:hunter2@etcd", "{{ e }}");
    let snapshot = read("x.yaml", &text);
    assert_eq!(snapshot.notes.len(), 1);
    assert_eq!(snapshot.notes[0].at, "x.yaml:12:7");
    let text = "kind: ClusterConfiguration\nkubernetesVersion: '{{ v }}'\napiServer:\n  extraArgs:\n    \
                audit-log-maxage: ${DAYS}\n";
    let snapshot = read("x.yaml", text);
    assert_eq!(snapshot.notes[0].at, "x.yaml:5:5");
    assert_eq!(snapshot.declared[0].kubernetes_version, None);
}

#[test]
fn files_and_folders_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("a.yaml"), STATIC_POD).unwrap();
    fs::write(at("b.yaml"), "a: b: c").unwrap();
    fs::write(at("c.json"), b"\xff\xff").unwrap();
    fs::write(at("manifest"), STATIC_POD).unwrap();
    fs::write(at("Makefile"), "all:\n\techo\n").unwrap();
    fs::write(at("LICENSE"), "words: and more\n").unwrap();
    let snapshot = read_paths(&[folder.path().to_owned()]).unwrap();
    assert_eq!(pods(&snapshot).len(), 2);
    assert_eq!(snapshot.notes.len(), 2, "{:?}", snapshot.notes);
    assert_eq!(snapshot.cluster.name, folder.path().display().to_string());
    assert!(read_paths(&[at("b.yaml")]).unwrap_err().to_string().contains("b.yaml:1:5"));
    assert!(read_paths(&[at("c.json")]).unwrap_err().to_string().contains("not UTF-8 from byte 0"));
    assert_eq!(pods(&read_paths(&[at("b.yaml"), at("a.yaml"), at("a.yaml")]).unwrap()).len(), 1);
    assert!(matches!(read_paths(&[at("b.yaml"), at("none.yaml")]), Err(ManifestError::Read { .. })));
    assert!(matches!(
        read_paths(&[at("b.yaml"), at("c.json")]),
        Err(ManifestError::NothingReadable { count: 2, .. })
    ));
}

#[test]
fn files_of_kops_nodeup_hold_manifests_as_text() {
    let manifest = format!("  {}\n", STATIC_POD.trim_end().replace('\n', "\n  "));
    let text = format!(
        "contents: |\n{manifest}path: /etc/kubernetes/manifests/kube-apiserver.manifest\ntype: file\n---\ncontents: \
         ''\npath: /x\n"
    );
    let snapshot = read("tasks.yaml", &text);
    assert_eq!(pods(&snapshot)[0].marks["spec.containers[0].command[1]"], "tasks.yaml:1:1 contents:12:7");
}

const SAMPLES: [&str; 5] = [
    STATIC_POD,
    "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n- role: control-plane\n  kubeadmConfigPatches:\n  - |\n    kind: \
     ClusterConfiguration\n    apiServer: {extraArgs: {audit-log-path: /x}}\n",
    "kind: Node\nmetadata:\n  name: n\n  annotations: {k3s.io/node-args: '[\"server\",\"--kube-apiserver-arg\",\"a=b\"]'}\n",
    "profile: cis\ntls-san: [a]\nkube-apiserver-arg: [audit-log-path=/x]\n",
    "services:\n  kube-api:\n    audit_log: {enabled: true, configuration: {path: /x}}\n    extra_binds: ['/a:/b:ro']\n",
];

#[test]
fn the_samples_are_recognised() {
    let kinds: Vec<_> =
        SAMPLES.iter().flat_map(|text| read("f", text).declared).map(|declared| declared.kind).collect();
    assert_eq!(
        kinds,
        [
            DeclarationKind::KindConfig,
            DeclarationKind::K3sNode,
            DeclarationKind::Rke2Config,
            DeclarationKind::Rke1Cluster
        ]
    );
}

proptest! {
    #[test]
    fn any_text_gives_a_snapshot_or_an_error(text in "\\PC*") {
        let _ = read_texts(&[("f".into(), text)]);
    }

    #[test]
    fn damaged_manifests_give_a_snapshot_or_an_error(
        sample in 0..SAMPLES.len(),
        position in 0..200usize,
        length in 0..12usize,
        with in "([-a-z:{}\\[\\]/=\"' \n,]{0,6}|null|\\[1\\]|\\{a: b\\})",
    ) {
        let mut text = SAMPLES[sample].to_owned();
        let position = position.min(text.len());
        let end = (position + length).min(text.len());
        text.replace_range(position..end, &with);
        if let Ok(snapshot) = read_texts(&[("f".into(), text)]) {
            let json = serde_json::to_string(&snapshot).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Snapshot>(&json).unwrap(), &snapshot);
        }
    }
}

#[test]
fn the_configuration_of_a_collector_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("node.yaml"), "kind: Node\nmetadata: {name: a}\n").unwrap();
    std::fs::write(at("fluent-bit.conf"), "[INPUT]\n  Name tail\n[OUTPUT]\n  Name es\n").unwrap();
    for paths in [vec![at("fluent-bit.conf")], vec![at("node.yaml"), at("fluent-bit.conf")]] {
        let error = super::read_paths(&paths).unwrap_err();
        assert!(matches!(error, super::ManifestError::Configuration { .. }), "{error}");
    }
    let snapshot = super::read_paths(&[folder.path().to_owned()]).unwrap();
    assert!(snapshot.notes.iter().any(|note| note.text.contains("--config-for")), "{:?}", snapshot.notes);
}
