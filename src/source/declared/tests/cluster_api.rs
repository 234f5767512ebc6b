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

/// What becomes of a template with two arguments and one volume under a patch of its class.
fn patched(patch: &str) -> DeclaredApiServer {
    let text = format!(
        "kind: KubeadmControlPlaneTemplate\nmetadata: {{name: t}}\nspec: {{template: {{spec: {{kubeadmConfigSpec: \
         {{clusterConfiguration: {{apiServer: {{extraArgs: {{v: 2, audit-log-maxage: 3}}, extraVolumes: [{{name: l, \
         hostPath: /h, mountPath: /x}}]}}}}}}}}}}}}\n---\nkind: ClusterClass\nspec:\n  controlPlane: {{templateRef: {{name: \
         t}}}}\n  patches:\n  - {patch}\n"
    );
    declared("class.yaml", &text)
}

#[test]
fn patches_that_something_else_decides_leave_it_open() {
    const SPEC: &str = "/spec/template/spec/kubeadmConfigSpec";
    let patch = |more: &str, operation: &str| {
        patched(&format!(
            "{{{more}definitions: [{{selector: {{kind: KubeadmControlPlaneTemplate}}, jsonPatches: [{{{operation}}}]}}]}}"
        ))
    };
    let conditional = "enabledIf: '{{ .audit }}', ";
    let argument = |name: &str| format!("path: {SPEC}/clusterConfiguration/apiServer/extraArgs/{name}");
    for (more, operation, is_open, left) in [
        ("", format!("op: add, {}, value: '7'", argument("event-ttl")), false, 3),
        ("enabledIf: 'true', ", format!("op: add, {}, value: '7'", argument("event-ttl")), false, 3),
        (conditional, format!("op: add, {}, value: '7'", argument("event-ttl")), true, 2),
        (conditional, format!("op: add, {}, value: '7'", argument("v")), true, 1),
        (conditional, format!("op: add, {}, value: '2'", argument("v")), true, 2),
        (conditional, format!("op: add, {}, value: {{name: v, value: '2'}}", argument("-")), true, 1),
        ("", format!("op: add, {}, valueFrom: {{variable: days}}", argument("audit-log-maxage")), true, 1),
        ("", format!("op: copy, {}", argument("v")), true, 1),
        ("", format!("op: replace, path: {SPEC}, value: {{}}"), true, 0),
        ("", format!("op: replace, path: {SPEC}/clusterConfiguration, value: {{}}"), false, 0),
        (conditional, format!("op: replace, path: {SPEC}/clusterConfiguration, value: {{}}"), true, 0),
        (conditional, format!("op: add, path: {SPEC}/files/-, value: {{}}"), false, 2),
    ] {
        let declared = patch(more, &operation);
        assert_eq!(
            (declared.open.is_some(), declared.arguments.len()),
            (is_open, left),
            "{more}{operation}: {declared:#?}"
        );
    }
    let volumes = patch(
        "",
        &format!(
            "op: add, path: {SPEC}/clusterConfiguration/apiServer/extraVolumes/-, valueFrom: {{variable: x}}"
        ),
    );
    assert_eq!((volumes.open, volumes.mounts, volumes.arguments.len()), (None, None, 2));
    let external = patched("external: {generatePatchesExtension: x}");
    assert!(external.open.is_some_and(|why| why.contains("a runtime extension decides")));
    assert_eq!(external.arguments, []);
}
