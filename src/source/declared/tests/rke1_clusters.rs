use super::*;

#[test]
fn rke_audits_unless_told_otherwise() {
    for (text, expected) in [
        ("kubernetes_version: v1.24.9-rancher1-1\nservices: {kube-api: {audit_log: null}}\n", 6),
        ("kubernetes_version: v1.17.4-rancher1-1\nservices: {kube-api: {}}\n", 6),
        ("kubernetes_version: v1.17.3-rancher1-1\nservices: {kube-api: {}}\n", 0),
        ("kubernetes_version: v1.15.11-rancher1-1\nservices: {kube-api: {}}\n", 6),
        ("services: {kube-api: {}}\n", 6),
        ("services: {kube-api: {audit_log: {enabled: false}}}\n", 0),
        ("rancher_kubernetes_engine_config: {services: {kube-api: {audit_log: {enabled: true}}}}\n", 6),
    ] {
        assert_eq!(declared("cluster.yml", text).arguments.len(), expected, "{text}");
    }
}

#[test]
fn what_is_configured_counts() {
    let text = "\
kubernetes_version: v1.28.1-rancher1-1
prefix_path: /opt/rke
services:
  kube-api:
    audit_log:
      enabled: true
      configuration:
        max_age: 6
        path: /var/log/kube-audit/a.json
        policy: {kind: Policy}
    extra_args:
      event-ttl: 2h
      audit-log-format: legacy
    extra_args_array:
      audit-log-maxage: [8, 9]
    extra_binds: ['/a:/b:ro,z', '/c:/d', broken]
";
    let declared = declared("cluster.yml", text);
    assert_eq!(
        arguments(&declared),
        [
            "audit-log-path=/var/log/kube-audit/a.json 9:9",
            "audit-log-maxbackup=0 7:7",
            "audit-log-maxsize=0 7:7",
            "audit-policy-file=/etc/kubernetes/audit-policy.yaml 5:5 (RKE's own value)",
            "event-ttl=2h 12:7",
            "audit-log-format=legacy 13:7",
            "audit-log-maxage=8 15:26",
            "audit-log-maxage=9 15:29",
        ]
    );
    assert_eq!(
        mounts(&declared),
        [
            "/etc/kubernetes</opt/rke/etc/kubernetes",
            "/var/log/kube-audit</opt/rke/var/log/kube-audit",
            "/b</a ro",
            "/d</c"
        ]
    );
}

#[test]
fn defaults_are_told_to_be_rkes() {
    let declared = declared("cluster.yml", "services:\n  kube-api: {}\n");
    assert_eq!(declared.name, "RKE1 cluster in cluster.yml");
    assert_eq!(
        arguments(&declared)[0],
        "audit-log-path=/var/log/kube-audit/audit-log.json 2:3 (not in the file: RKE's default)"
    );
}
