use super::*;

#[test]
fn patches_are_merged_as_kind_does() {
    let text = "\
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
name: demo
featureGates: {B: true, A: false}
kubeadmConfigPatches:
- |
  kind: ClusterConfiguration
  apiServer:
    extraArgs:
      audit-log-maxage: \"3\"
      audit-log-maxsize: \"100\"
    extraVolumes:
    - {name: old, hostPath: /old, mountPath: /old}
  ---
  kind: KubeletConfiguration
  containerLogMaxSize: 5Mi
nodes:
- role: worker
- role: control-plane
  image: kindest/node:v1.33.1@sha256:00
  kubeadmConfigPatches:
  - |
    apiVersion: kubeadm.k8s.io/v1beta4
    kind: ClusterConfiguration
    apiServer:
      extraArgs:
      - {name: audit-log-maxage, value: \"30\"}
      - {name: audit-log-maxsize}
      - {name: audit-log-path, value: /var/log/k/audit.log}
      extraVolumes:
      - {name: new, hostPath: /var/log/k, mountPath: /var/log/k}
  - |
    kind: InitConfiguration
    nodeRegistration:
      kubeletExtraArgs: {event-qps: \"0\"}
  kubeadmConfigPatchesJSON6902:
  - group: kubeadm.k8s.io
    version: v1beta4
    kind: ClusterConfiguration
    patch: |
      - {op: add, path: /apiServer/certSANs/-, value: x}
      - op: add
        path: /apiServer/extraArgs/-
        value: {name: audit-policy-file, value: /p.yaml}
      - {op: add, path: /apiServer/extraVolumes/-, value: {name: p, hostPath: /p, mountPath: /p.yaml, readOnly: true}}
  extraMounts:
  - {hostPath: ./p.yaml, containerPath: /p}
";
    let snapshot = read("kind.yaml", text);
    let declared = &snapshot.declared[0];
    assert_eq!((declared.kind, &*declared.name), (DeclarationKind::KindConfig, "kind Cluster demo"));
    assert_eq!(declared.kubernetes_version.as_deref(), Some("v1.33.1"));
    assert_eq!(
        arguments(declared),
        [
            "feature-gates=A=false,B=true 4:1",
            "audit-log-maxage=30 23:5 nodes[1].kubeadmConfigPatches[0]:5:5",
            "audit-log-path=/var/log/k/audit.log 23:5 nodes[1].kubeadmConfigPatches[0]:7:5",
            "audit-policy-file=/p.yaml 40:5 nodes[1].kubeadmConfigPatchesJSON6902[0].patch:4:3",
        ]
    );
    assert_eq!(mounts(declared), ["/var/log/k</var/log/k", "/p.yaml</p ro"]);
    let kubelets = snapshot.kubelet_configs.value().unwrap();
    assert_eq!(kubelets.len(), 2);
    assert_eq!(kubelets[0].container_log_max_size.as_ref().unwrap().value, "5Mi");
    assert_eq!(
        kubelets[1].event_record_qps.as_ref().unwrap().at,
        "kind.yaml:33:5 nodes[1].kubeadmConfigPatches[1]:3:22"
    );
    assert_eq!(snapshot.notes, []);
}

#[test]
fn a_cluster_without_patches_is_an_apiserver_without_arguments() {
    let declared = declared("kind.yaml", "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n");
    assert_eq!((&*declared.name, declared.arguments.len()), ("kind Cluster kind", 0));
}

#[test]
fn patches_without_effect_are_noted() {
    let text = "\
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
kubeadmConfigPatches:
- 'apiServer: {extraArgs: {audit-log-path: /x}}'
- '{kind: ClusterConfiguration, apiVersion: other/v1, apiServer: {}}'
- 'a: b: c'
kubeadmConfigPatchesJSON6902:
- {group: x, version: v1, kind: ClusterConfiguration, patch: '[]'}
- {group: kubeadm.k8s.io, version: v1, kind: ClusterConfiguration, patch: '[{op: copy, path: /apiServer/extraArgs/a}]'}
nodes:
- {role: control-plane}
- role: control-plane
  kubeadmConfigPatches: ['{kind: ClusterConfiguration, apiServer: {extraArgs: {audit-log-path: /x}}}']
";
    let snapshot = read("kind.yaml", text);
    assert_eq!(arguments(&snapshot.declared[0]), [""; 0]);
    let notes: Vec<_> = snapshot.notes.iter().map(|note| format!("{} {}", note.at, note.text)).collect();
    for expected in [
        "6:3 kubeadmConfigPatches[2]:1:5 not valid YAML",
        "4:3 kubeadmConfigPatches[0]:1:1 has no `kind`",
        "5:3 kubeadmConfigPatches[1]:1:1 not of the group",
        "8:55 not of the group",
        "kubeadmConfigPatchesJSON6902[1].patch:1:2 a JSON patch that is left aside: its operation `copy` is not read",
        "nodes[1].kubeadmConfigPatches[0]:1:1 without effect",
    ] {
        assert!(notes.iter().any(|note| note.contains(expected)), "{expected}: {notes:#?}");
    }
    assert_eq!(notes.len(), 6, "{notes:#?}");
}

#[test]
fn patches_that_cannot_be_read_leave_it_open() {
    let with = |patches: &str| {
        let text = format!(
            "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nkubeadmConfigPatches:\n- '{{kind: ClusterConfiguration, \
             apiServer: {{extraArgs: {{audit-log-maxage: 3}}}}}}'\n{patches}"
        );
        declared("kind.yaml", &text)
    };
    let closed = with("");
    assert_eq!((closed.open, closed.arguments.len()), (None, 1));
    // What comes after it is certain.
    let open = with("- 'a: b: c'\n- '{kind: ClusterConfiguration, apiServer: {extraArgs: {v: 2}}}'\n");
    assert_eq!(arguments(&open), ["v=2 6:3 kubeadmConfigPatches[2]:1:54"]);
    let why = open.open.clone().unwrap();
    assert!(why.contains("kubeadmConfigPatches[1]:1:5 cannot be read"), "{why}");
    assert_eq!(open.mounts, None);
    let why = of_declaration(&open).open.unwrap();
    assert!(why.ends_with("give the rendered manifest of the apiserver with -f, or run against the cluster"));
    let json = |operation: &str| {
        with(&format!(
            "kubeadmConfigPatchesJSON6902:\n- {{group: kubeadm.k8s.io, version: v1, kind: ClusterConfiguration, patch: \
             '[{operation}]'}}\n"
        ))
    };
    for (operation, is_open, left) in [
        ("{op: test, path: /apiServer/extraArgs/audit-log-maxage, value: 3}", false, 1),
        ("{op: copy, path: /apiServer/extraArgs/audit-log-path, from: /x}", true, 1),
        ("{op: copy, path: /apiServer/extraArgs/audit-log-maxage, from: /x}", true, 0),
        ("{op: move, path: /x, from: /apiServer/extraArgs}", true, 0),
        ("{op: replace, path: \"\", value: {}}", true, 0),
        ("{op: add, path: /apiServer/extraArgs/-, value: [a]}", true, 0),
        ("{op: add, path: /apiServer/certSANs, value: [a]}", false, 1),
        ("{op: add", true, 0),
    ] {
        let declared = json(operation);
        assert_eq!((declared.open.is_some(), declared.arguments.len()), (is_open, left), "{operation}");
    }
    // Without effect, so no doubt either.
    let text = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n- role: worker\n  kubeadmConfigPatches: ['a: b: \
                c']\n";
    assert_eq!(declared("kind.yaml", text).open, None);
}
