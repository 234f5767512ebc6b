use super::*;

#[test]
fn control_planes_give_mappings_or_lists() {
    for arguments_text in ["{audit-log-path: /x}", "[{name: audit-log-path, value: /x}]"] {
        let text = format!(
            "kind: KubeadmControlPlane\nmetadata: {{name: cp, namespace: ns}}\nspec:\n  version: v1.32.0\n  \
             kubeadmConfigSpec:\n    clusterConfiguration:\n      apiServer:\n        extraArgs: {arguments_text}\n        \
             extraVolumes: [{{name: l, hostPath: /h, mountPath: /x}}]\n    joinConfiguration: {{nodeRegistration: \
             {{kubeletExtraArgs: {{container-log-max-files: 9}}}}}}\n"
        );
        let snapshot = read("kcp.yaml", &text);
        let declared = &snapshot.declared[0];
        assert_eq!(declared.name, "KubeadmControlPlane ns/cp");
        assert_eq!(declared.kubernetes_version.as_deref(), Some("v1.32.0"));
        assert!(arguments(declared)[0].starts_with("audit-log-path=/x 8:"));
        assert_eq!(mounts(declared), ["/x</h"]);
        let kubelet = &snapshot.kubelet_configs.value().unwrap()[0];
        assert_eq!(kubelet.container_log_max_files.as_ref().unwrap().value, "9");
    }
}

#[test]
fn a_configuration_for_workers_declares_no_apiserver() {
    for text in [
        "kind: KubeadmConfig\nspec: {joinConfiguration: {}}\n",
        "kind: KubeadmConfigTemplate\nspec: {template: {spec: {joinConfiguration: {}}}}\n",
    ] {
        assert!(read("w.yaml", text).declared.is_empty());
    }
    let text = "kind: KubeadmConfig\nmetadata: {name: x}\nspec: {clusterConfiguration: {apiServer: {extraArgs: {v: 2}}}}\n";
    assert_eq!(arguments(&declared("c.yaml", text)).len(), 1);
}

const CLASS: &str = "\
kind: KubeadmControlPlaneTemplate
metadata: {name: t}
spec: {template: {spec: {kubeadmConfigSpec: {clusterConfiguration: {apiServer: {extraArgs: {v: 2}}}}}}}
---
kind: ClusterClass
metadata: {name: c}
spec:
  controlPlane: {ref: {name: t}}
  patches:
  - name: audit
    definitions:
    - selector: {kind: KubeadmControlPlaneTemplate}
      jsonPatches:
      - op: add
        path: /spec/template/spec/kubeadmConfigSpec/clusterConfiguration/apiServer/extraArgs/audit-log-path
        value: /x
      - op: add
        path: /spec/template/spec/kubeadmConfigSpec/clusterConfiguration/apiServer/extraArgs/audit-log-maxage
        valueFrom: {variable: days}
      - op: add
        path: /spec/template/spec/kubeadmConfigSpec/files/-
        value: {}
  - name: maybe
    enabledIf: '{{ .audit }}'
    definitions:
    - selector: {kind: KubeadmControlPlaneTemplate}
      jsonPatches:
      - {op: add, path: /spec/template/spec/kubeadmConfigSpec/clusterConfiguration/apiServer/extraArgs/x, value: y}
";

#[test]
fn patches_of_a_class_reach_its_template() {
    let snapshot = read("class.yaml", CLASS);
    assert_eq!(arguments(&snapshot.declared[0]), ["v=2 3:93", "audit-log-path=/x 16:9"]);
    assert_eq!(snapshot.notes.len(), 2, "{:?}", snapshot.notes);
    assert_eq!(snapshot.notes[0].at, "class.yaml:17:9");
    let alone = read("class.yaml", CLASS.split_once("---\n").unwrap().1);
    assert!(alone.declared.is_empty());
    assert!(alone.notes[0].text.contains("not in the input"));
}
