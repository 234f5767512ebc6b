use super::*;

#[test]
fn fields_are_flags() {
    let text = "\
apiVersion: kops.k8s.io/v1alpha2
kind: Cluster
metadata: {name: a.example}
spec:
  kubernetesVersion: 1.32.0
  kubeAPIServer:
    image: x
    auditLogPath: /var/log/a/audit.log
    auditLogMaxAge: 10
    auditLogMaxBackups: 1
    auditLogMaxSize: 100
    auditPolicyFile: /srv/p/policy.yaml
    auditWebhookConfigFile: /srv/p/webhook.yaml
    featureGates: {B: 'true', A: 'false'}
    enableAdmissionPlugins: [Ab, Cd]
    logLevel: 2
  kubelet: {containerLogMaxSize: 7Mi, eventQPS: 3}
  masterKubelet: {anonymousAuth: false}
";
    let snapshot = read("c.yaml", text);
    let declared = &snapshot.declared[0];
    assert_eq!((declared.kind, &*declared.name), (DeclarationKind::KopsCluster, "kops Cluster a.example"));
    assert_eq!(declared.kubernetes_version.as_deref(), Some("1.32.0"));
    assert_eq!(
        arguments(declared),
        [
            "audit-log-path=/var/log/a/audit.log 8:5",
            "audit-log-maxage=10 9:5",
            "audit-log-maxbackup=1 10:5",
            "audit-log-maxsize=100 11:5",
            "audit-policy-file=/srv/p/policy.yaml 12:5",
            "audit-webhook-config-file=/srv/p/webhook.yaml 13:5",
            "feature-gates=A=false,B=true 14:5",
            "enable-admission-plugins=REDACTED 15:5",
            "v=2 16:5",
        ]
    );
    assert_eq!(mounts(declared), ["/var/log/a</var/log/a", "/srv/p</srv/p ro"]);
    let kubelets = snapshot.kubelet_configs.value().unwrap();
    assert_eq!(kubelets.len(), 1);
    assert_eq!(kubelets[0].event_record_qps.as_ref().unwrap().value, "3");
    assert_eq!(kubelets[0].container_log_max_size.as_ref().unwrap().at, "c.yaml:17:13");
}
