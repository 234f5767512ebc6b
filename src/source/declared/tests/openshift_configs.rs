use super::*;

#[test]
fn each_argument_has_a_list_of_values() {
    let text = "\
apiVersion: kubecontrolplane.config.openshift.io/v1
kind: KubeAPIServerConfig
apiServerArguments:
  audit-log-path:
  - /var/log/kube-apiserver/audit.log
  enable-admission-plugins: [A, B]
  event-ttl: 3h
  etcd-servers: [hunter2]
";
    let declared = declared("config.yaml", text);
    assert_eq!(declared.kind, DeclarationKind::OpenshiftConfig);
    assert_eq!(
        arguments(&declared),
        [
            "audit-log-path=/var/log/kube-apiserver/audit.log 5:5",
            "enable-admission-plugins=REDACTED 6:30",
            "enable-admission-plugins=REDACTED 6:33",
            "event-ttl=3h 7:3",
            "etcd-servers=REDACTED 8:18",
        ]
    );
}

#[test]
fn the_operators_config_map_holds_it_as_json() {
    let text = "kind: ConfigMap\nmetadata: {name: config, namespace: openshift-kube-apiserver}\ndata:\n  config.yaml: \
                '{\"kind\":\"KubeAPIServerConfig\",\"apiServerArguments\":{\"event-ttl\":[\"3h\"]}}'\n";
    let declared = declared("cm.yaml", text);
    assert_eq!(declared.name, "openshift-kube-apiserver/config");
    assert_eq!(arguments(&declared), ["event-ttl=3h 4:3 data.config.yaml apiServerArguments.event-ttl[0]"]);
}
