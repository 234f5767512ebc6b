use super::*;

#[test]
fn arguments_are_a_mapping_up_to_v1beta3() {
    let text = "\
apiVersion: kubeadm.k8s.io/v1beta3
kind: ClusterConfiguration
kubernetesVersion: v1.29.1
apiServer:
  extraArgs:
    audit-log-maxage: 30
    audit-log-path: /var/log/audit.log
    oidc-client-id: hunter2
  extraVolumes:
  - {name: logs, hostPath: /var/log/kubernetes/, mountPath: /var/log}
  - {name: policy, hostPath: /etc/p.yaml, mountPath: /etc/p.yaml, readOnly: true, pathType: File}
";
    let declared = declared("k.yaml", text);
    assert_eq!(declared.kind, DeclarationKind::KubeadmConfig);
    assert_eq!(declared.at, "k.yaml:1:1");
    assert_eq!(declared.kubernetes_version.as_deref(), Some("v1.29.1"));
    assert_eq!(
        arguments(&declared),
        ["audit-log-maxage=30 6:5", "audit-log-path=/var/log/audit.log 7:5", "oidc-client-id=REDACTED 8:5"]
    );
    assert_eq!(mounts(&declared), ["/var/log</var/log/kubernetes", "/etc/p.yaml</etc/p.yaml ro"]);
}

#[test]
fn arguments_are_a_list_from_v1beta4_and_may_repeat() {
    let text = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: stable
apiServer:
  extraArgs:
  - name: audit-log-maxage
    value: \"3\"
  - {name: audit-log-maxage, value: \"30\"}
  - {value: x}
";
    let declared = declared("k.yaml", text);
    assert_eq!(arguments(&declared), ["audit-log-maxage=3 6:5", "audit-log-maxage=30 8:5"]);
    assert_eq!(declared.kubernetes_version, None);
}

#[test]
fn kubeadm_mounts_certificates_itself() {
    let text = "kind: ClusterConfiguration\ncertificatesDir: /pki\napiServer:\n  extraVolumes:\n  - {name: ca-certs, \
                hostPath: /x, mountPath: /etc/ssl/certs}\n";
    let declared = declared("k.yaml", text);
    let paths: Vec<_> =
        declared.mounts.iter().flatten().map(|mount| (&*mount.path, mount.read_only)).collect();
    assert_eq!(paths, [("/pki", true), ("/etc/ssl/certs", false)]);
}

#[test]
fn the_config_map_is_named_in_its_evidence() {
    let object = json!({"data": {"ClusterConfiguration":
        "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\napiServer:\n  extraArgs:\n    audit-log-path: /x\n"}});
    let place = Place::of("ConfigMap kube-system/kubeadm-config");
    let declared = kubeadm_config_map(&object, &place).unwrap().unwrap();
    assert_eq!(declared.name, "kubeadm-config");
    assert_eq!(declared.at, "ConfigMap kube-system/kubeadm-config");
    assert_eq!(
        declared.arguments[0].at,
        "ConfigMap kube-system/kubeadm-config data.ClusterConfiguration:5:5"
    );
    assert_eq!(kubeadm_config_map(&json!({"data": {"ClusterStatus": ""}}), &place), Ok(None));
    assert_eq!(kubeadm_config_map(&json!({}), &place), Ok(None));
    for (text, expected) in [
        ("a: b: c", "data.ClusterConfiguration:1:5: not valid YAML"),
        ("just text", "holds no YAML mapping"),
        ("", "holds no YAML mapping"),
    ] {
        let problem =
            kubeadm_config_map(&json!({"data": {"ClusterConfiguration": text}}), &place).unwrap_err();
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn dashes_in_a_name_are_told_not_taken_away() {
    for text in ["{--audit-log-path: /x}", "[{name: --audit-log-path, value: /x}]"] {
        let declared =
            declared("k.yaml", &format!("kind: ClusterConfiguration\napiServer: {{extraArgs: {text}}}\n"));
        assert_eq!(declared.arguments[0].name, "--audit-log-path");
        // As for a command line, one dash in the name says that the server refuses it.
        assert_eq!(of_declaration(&declared).given[0].name, "-audit-log-path");
    }
}

#[test]
fn names_tell_what_it_is_and_where() {
    let one = "kind: ClusterConfiguration\n";
    let names = |text: &str| {
        read("stdin", text).declared.into_iter().map(|declared| declared.name).collect::<Vec<_>>()
    };
    assert_eq!(names(one), ["ClusterConfiguration in stdin"]);
    assert_eq!(
        names(&format!("{one}---\n{one}")),
        ["ClusterConfiguration in stdin:1", "ClusterConfiguration in stdin:3"]
    );
    assert_eq!(names("tls-san: a\n"), ["k3s configuration stdin"]);
}
