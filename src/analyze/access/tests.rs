use super::*;
use crate::snapshot::{Gap, GapReason, Reading, Scope};
use crate::source::manifests::read_texts;

const COLLECTOR: &str = "apiVersion: apps/v1
kind: DaemonSet
metadata: {name: fluent-bit, namespace: logging, ownerReferences: [{kind: FluentBit, name: fluent-bit}]}
spec:
  template:
    spec:
      serviceAccountName: fluent-bit
      containers:
      - name: fluent-bit
        image: fluent-bit:3.2
        volumeMounts:
        - {name: config, mountPath: /fluent-bit/etc}
        - {name: varlog, mountPath: /var/log}
      volumes:
      - {name: config, configMap: {name: fluent-bit}}
      - {name: varlog, hostPath: {path: /var/log}}
";

const ADMIN: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: cluster-admin}
rules:
- {apiGroups: ['*'], resources: ['*'], verbs: ['*']}
- {nonResourceURLs: ['*'], verbs: ['*']}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: cluster-admin}
roleRef: {kind: ClusterRole, name: cluster-admin}
subjects: [{kind: Group, name: 'system:masters'}]
";

fn role(kind: &str, name: &str, rules: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: '{name}', namespace: logging}}\nrules: [{rules}]\n"
    )
}

fn binding(kind: &str, role: &str, subject: &str) -> String {
    let of = if role.starts_with("r-") { "Role" } else { "ClusterRole" };
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: '{role}', namespace: logging}}\nroleRef: {{kind: {of}, name: '{role}'}}\nsubjects: [{subject}]\n"
    )
}

fn files(documents: &[&str]) -> Snapshot {
    read_texts(&[("x.yaml".to_owned(), documents.join("---\n"))]).unwrap()
}

/// The same as a running cluster that shows everything.
fn cluster(documents: &[&str]) -> Snapshot {
    let mut snapshot = files(&[&[ADMIN, COLLECTOR], documents].concat());
    snapshot.scope = Scope::Cluster;
    if snapshot.pods.value().is_none() {
        snapshot.pods = Reading::read(Vec::new());
    }
    for kind in snapshot.workloads.kinds_mut() {
        if kind.value().is_none() {
            *kind = Reading::read(Vec::new());
        }
    }
    let rbac = &mut snapshot.rbac;
    for roles in [&mut rbac.roles, &mut rbac.cluster_roles] {
        if roles.value().is_none() {
            *roles = Reading::read(Vec::new());
        }
    }
    for bindings in [&mut rbac.role_bindings, &mut rbac.cluster_role_bindings] {
        if bindings.value().is_none() {
            *bindings = Reading::read(Vec::new());
        }
    }
    snapshot.rbac.narrow();
    snapshot
}

fn logging(snapshot: &Snapshot) -> PipelineNamespace {
    let facts = access(snapshot, None);
    let found = facts.namespaces.value().unwrap().iter().find(|one| one.name == "Namespace logging");
    found.unwrap().clone()
}

fn changers(documents: &[&str]) -> Vec<String> {
    logging(&cluster(documents)).changers.value().unwrap().clone()
}

/// What shows that a group is a broad one and may change what runs in the namespace logging, by a role for the whole cluster.
fn broad(rules: &str, group: &str) -> Option<String> {
    let group = format!("{{kind: Group, name: '{group}'}}");
    let documents = [role("ClusterRole", "c-x", rules), binding("ClusterRoleBinding", "c-x", &group)];
    broad_in(&cluster(&[&documents[0], &documents[1]]))
}

fn broad_in(snapshot: &Snapshot) -> Option<String> {
    let Fact::Known(known) = logging(snapshot).broad_changers else { panic!("known") };
    (!known.value.is_empty()).then(|| known.evidence[0].detail.clone())
}

#[test]
fn those_who_may_change_the_pipeline_are_found() {
    assert_eq!(changers(&[]), Vec::<String>::new());
    let jane = "{kind: User, name: jane}";
    for (rules, expected) in [
        ("{apiGroups: [apps], resources: [daemonsets], verbs: [patch]}", true),
        ("{apiGroups: [apps], resources: [daemonsets], verbs: [get, list]}", false),
        ("{apiGroups: [apps], resources: [daemonsets/status], verbs: [patch]}", false),
        ("{apiGroups: [apps], resources: [daemonsets], resourceNames: [other], verbs: [patch]}", false),
        ("{apiGroups: [apps], resources: [daemonsets], resourceNames: [fluent-bit], verbs: [patch]}", true),
        (
            "{apiGroups: [apps], resources: [daemonsets], resourceNames: [fluent-bit], verbs: [deletecollection]}",
            false,
        ),
        ("{apiGroups: [''], resources: [configmaps], verbs: [update]}", true),
        // No Secret and no claim is used here.
        ("{apiGroups: [''], resources: [secrets, persistentvolumeclaims], verbs: [update]}", false),
        ("{apiGroups: [''], resources: ['pods/*'], verbs: ['*']}", false),
        ("{apiGroups: [''], resources: ['*/exec'], verbs: [create]}", true),
        ("{apiGroups: [''], resources: [namespaces], verbs: [delete]}", true),
        ("{apiGroups: [''], resources: [serviceaccounts], verbs: [impersonate]}", true),
        ("{apiGroups: ['*'], resources: ['*'], verbs: ['*']}", true),
    ] {
        for (of_role, of_binding, name) in [
            ("Role", "RoleBinding", "r-x"),
            ("ClusterRole", "ClusterRoleBinding", "c-x"),
            ("ClusterRole", "RoleBinding", "c-x"),
        ] {
            let found = changers(&[&role(of_role, name, rules), &binding(of_binding, name, jane)]);
            assert_eq!(
                found.first().map(String::as_str),
                expected.then_some("User jane"),
                "{of_binding} {rules}"
            );
        }
    }
}

#[test]
fn rights_in_another_namespace_do_not_count() {
    let rules = "{apiGroups: ['*'], resources: ['*'], verbs: ['*']}";
    let (role, binding) =
        (role("Role", "r-x", rules), binding("RoleBinding", "r-x", "{kind: User, name: jane}"));
    let elsewhere = [role, binding].map(|text| text.replace("namespace: logging", "namespace: shop"));
    assert_eq!(changers(&[&elsewhere[0], &elsewhere[1]]), Vec::<String>::new());
    // A Role of another namespace cannot be bound here.
    let here = elsewhere[1].replace("namespace: shop", "namespace: logging");
    assert_eq!(changers(&[&elsewhere[0], &here]), Vec::<String>::new());
}

#[test]
fn the_clusters_own_are_left_out_and_named() {
    let rules = "{apiGroups: [apps], resources: [daemonsets], verbs: [patch]}";
    let own = "{kind: ServiceAccount, name: daemon-set-controller, namespace: kube-system}";
    let name = "system:controller:daemon-set-controller";
    let found =
        logging(&cluster(&[&role("ClusterRole", name, rules), &binding("ClusterRoleBinding", name, own)]));
    let Fact::Known(known) = found.changers else { panic!("known") };
    assert!(known.value.is_empty());
    let note = &known.evidence.last().unwrap().detail;
    assert!(note.contains("Group system:masters") && note.contains("daemon-set-controller"), "{note}");
    // Neither others with such a role, nor these with another one.
    let anonymous = "{kind: User, name: 'system:anonymous'}";
    let with = |name: &str, who: &str| {
        changers(&[&role("ClusterRole", name, rules), &binding("ClusterRoleBinding", name, who)])
    };
    assert_eq!(with(name, anonymous), ["User system:anonymous"]);
    assert_eq!(with("c-x", own), ["ServiceAccount kube-system/daemon-set-controller"]);
    // The operator that owns it.
    let operator = "{kind: ServiceAccount, name: operator, namespace: fluent}";
    let reports = format!(
        "{rules}, {{apiGroups: [fluentbit.fluent.io], resources: [fluentbits/status], verbs: [update]}}"
    );
    assert_eq!(with("c-x", operator), ["ServiceAccount fluent/operator"]);
    let found =
        changers(&[&role("ClusterRole", "c-x", &reports), &binding("ClusterRoleBinding", "c-x", operator)]);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn broad_groups_are_known_even_where_not_all_is() {
    let everybody = "{kind: Group, name: 'system:authenticated'}";
    let edit = binding("RoleBinding", "edit", everybody);
    // Files: the ClusterRole edit is the one that every cluster has.
    let found = logging(&files(&[COLLECTOR, &edit]));
    assert_eq!(found.broad_changers.value().unwrap(), &["Group system:authenticated"]);
    assert!(found.changers.reason().unwrap().contains("run against the cluster"));
    assert!(logging(&files(&[COLLECTOR, ADMIN])).broad_changers.value().is_none());
    // In a cluster that shows its roles it must be there.
    assert!(logging(&cluster(&[&edit])).broad_changers.value().unwrap().is_empty());
    for gap in ["roles", "clusterRoles", "roleBindings", "clusterRoleBindings"] {
        let mut snapshot = cluster(&[]);
        let missing = Gap::new(GapReason::Forbidden, gap, "");
        match gap {
            "roles" => snapshot.rbac.roles = Reading::missing(missing),
            "clusterRoles" => snapshot.rbac.cluster_roles = Reading::missing(missing),
            "roleBindings" => snapshot.rbac.role_bindings = Reading::missing(missing),
            _ => snapshot.rbac.cluster_role_bindings = Reading::missing(missing),
        }
        let found = logging(&snapshot);
        assert!(found.changers.value().is_none() && found.broad_changers.value().is_none(), "{gap}");
        let facts = access(&snapshot, None);
        assert!(facts.log_readers.value().is_none() && facts.broad_log_readers.value().is_none(), "{gap}");
        let account = &facts.accounts.value().unwrap()[0];
        assert!(account.nodes_proxy.value().is_none() && account.changes.value().is_none(), "{gap}");
    }
}

#[test]
fn names_restrict_a_subresource_and_do_not_refuse_it() {
    let jane = "{kind: User, name: jane}";
    for (rules, expected) in [
        ("{apiGroups: [''], resources: [pods/exec], resourceNames: [fluent-bit-x], verbs: [create]}", 1),
        (
            "{apiGroups: [''], resources: [serviceaccounts/token], resourceNames: [fluent-bit], verbs: [create]}",
            1,
        ),
        ("{apiGroups: [''], resources: ['*'], resourceNames: [fluent-bit], verbs: [create]}", 1),
        ("{apiGroups: [''], resources: [pods], resourceNames: [fluent-bit-x], verbs: [create]}", 0),
    ] {
        let documents = [role("ClusterRole", "c-x", rules), binding("ClusterRoleBinding", "c-x", jane)];
        assert_eq!(changers(&[&documents[0], &documents[1]]).len(), expected, "{rules}");
    }
    let named = "{apiGroups: [''], resources: [pods], resourceNames: [x], verbs: [create]}";
    assert_eq!(broad(named, "system:authenticated"), None);
}

#[test]
fn users_of_openshift_are_a_broad_group_without_service_accounts() {
    let oauth = "{kind: Group, name: 'system:authenticated:oauth'}";
    let rules = "{apiGroups: [apps], resources: [daemonsets], verbs: [patch]}";
    assert!(broad(rules, "system:authenticated:oauth").unwrap().contains("patch daemonsets.apps"));
    let documents = [role("ClusterRole", "c-x", rules), binding("ClusterRoleBinding", "c-x", oauth)];
    let facts = access(&cluster(&[&documents[0], &documents[1]]), None);
    assert!(facts.accounts.value().unwrap()[0].changes.value().unwrap().is_empty());
}

#[test]
fn broad_groups_that_may_start_pods_can_delete_logs_of_nodes() {
    for (rules, expected) in [
        ("{apiGroups: [''], resources: [pods], verbs: [create]}", true),
        ("{apiGroups: [''], resources: [replicationcontrollers], verbs: [patch]}", true),
        ("{apiGroups: [apps], resources: [deployments], verbs: [create]}", true),
        ("{apiGroups: [apps], resources: [replicasets], verbs: [update]}", true),
        ("{apiGroups: [batch], resources: [jobs], verbs: [create]}", true),
        ("{apiGroups: [batch], resources: [cronjobs], verbs: ['*']}", true),
        ("{apiGroups: [batch], resources: [jobs], verbs: [delete]}", false),
        ("{apiGroups: [''], resources: [pods], verbs: [get, list, watch, delete]}", false),
        ("{apiGroups: [''], resources: [pods/eviction], verbs: [create]}", false),
    ] {
        let found = broad(rules, "system:serviceaccounts");
        assert_eq!(found.is_some_and(|detail| detail.contains("hostPath")), expected, "{rules}");
        // Every team may, in a namespace of its own: that is not counted where few are asked for.
        let documents = [
            role("ClusterRole", "c-x", rules),
            binding("ClusterRoleBinding", "c-x", "{kind: User, name: jane}"),
        ];
        assert_eq!(changers(&[&documents[0], &documents[1]]), Vec::<String>::new(), "{rules}");
    }
}

#[test]
fn pods_are_started_from_any_namespace_that_lets_them_have_the_disk() {
    let rules = "{apiGroups: [''], resources: [pods], verbs: [create]}";
    let everybody = "{kind: Group, name: 'system:authenticated'}";
    let [role, binding] = [role("Role", "r-x", rules), binding("RoleBinding", "r-x", everybody)]
        .map(|text| text.replace("namespace: logging", "namespace: shop"));
    for (level, expected) in [("privileged", true), ("baseline", false), ("restricted", false)] {
        let shop = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {{pod-security.kubernetes.io/enforce: {level}}}}}\n"
        );
        let found = broad_in(&cluster(&[&role, &binding, &shop]));
        assert_eq!(found.is_some_and(|detail| detail.contains("in namespace shop")), expected, "{level}");
    }
    assert!(broad_in(&cluster(&[&role, &binding])).is_some());
}

#[test]
fn where_others_decide_nobody_knows_who_may() {
    let snapshot = cluster(&[]);
    let facts = access(&snapshot, Some("eks"));
    assert!(facts.log_readers.reason().unwrap().contains("EKS"));
    assert_eq!(facts.broad_log_readers.value(), Some(&Vec::new()));
    let mut without = cluster(&[]);
    without.rbac.cluster_roles = Reading::read(Vec::new());
    assert!(logging(&without).broad_changers.reason().unwrap().contains("--authorization-mode"));
}

#[test]
fn workloads_that_were_not_read_stand_for_themselves() {
    let mut snapshot = cluster(&[]);
    snapshot.workloads.stateful_sets =
        Reading::missing(Gap::new(GapReason::Forbidden, "the StatefulSets", ""));
    let facts = access(&snapshot, None);
    let last = facts.namespaces.value().unwrap().last().unwrap();
    assert_eq!(last.name, "Namespaces that are not seen");
    assert!(last.broad_changers.value().is_none());
    assert!(facts.accounts.value().unwrap().last().unwrap().nodes_proxy.value().is_none());
    assert!(facts.node_log_writers.value().is_none());
}

#[test]
fn what_accounts_of_collectors_hold_is_told() {
    let account = |rules: &str, subject: &str| {
        let documents = [role("ClusterRole", "c-x", rules), binding("ClusterRoleBinding", "c-x", subject)];
        let snapshot = cluster(&[&documents[0], &documents[1]]);
        let account = access(&snapshot, None).accounts.value().unwrap()[0].clone();
        assert_eq!(account.name, "ServiceAccount logging/fluent-bit");
        (
            *account.nodes_proxy.value().unwrap(),
            *account.reads_secrets.value().unwrap(),
            account.changes.value().unwrap().clone(),
        )
    };
    let own = "{kind: ServiceAccount, name: fluent-bit, namespace: logging}";
    let usual = "{apiGroups: [''], resources: [pods, namespaces, nodes], verbs: [get, list, watch]}";
    assert_eq!(account(usual, own), (false, false, vec![]));
    let proxy = "{apiGroups: [''], resources: [nodes/proxy], verbs: [get]}";
    assert_eq!(account(proxy, own), (true, false, vec![]));
    assert!(account(proxy, "{kind: User, name: 'system:serviceaccount:logging:fluent-bit'}").0);
    assert!(account(proxy, "{kind: Group, name: 'system:serviceaccounts'}").0);
    assert!(!account(proxy, "{kind: ServiceAccount, name: fluent-bit, namespace: shop}").0);
    let secrets = "{apiGroups: [''], resources: [secrets], verbs: [get]}";
    assert!(account(secrets, own).1);
    let named = "{apiGroups: [''], resources: [secrets], resourceNames: [token], verbs: [get]}";
    assert!(!account(named, own).1);
    let (all_proxy, all_secrets, changes) =
        account("{apiGroups: ['*'], resources: ['*'], verbs: ['*']}", own);
    assert!(all_proxy && all_secrets && changes.contains(&"nodes".to_owned()));
}

#[test]
fn readers_of_logs_and_those_who_delete_events_are_told() {
    let with = |rules: &str, subject: &str| {
        let documents = [role("ClusterRole", "c-x", rules), binding("ClusterRoleBinding", "c-x", subject)];
        access(&cluster(&[&documents[0], &documents[1]]), None)
    };
    let everybody = "{kind: Group, name: 'system:authenticated'}";
    for rules in [
        "{apiGroups: [''], resources: [pods/log], verbs: [get]}",
        "{apiGroups: [''], resources: ['*/log'], verbs: [get]}",
        "{apiGroups: [''], resources: [nodes/log], verbs: [get]}",
        "{nonResourceURLs: ['/logs/*'], verbs: [get]}",
        "{nonResourceURLs: ['*'], verbs: [get]}",
    ] {
        assert_eq!(with(rules, everybody).broad_log_readers.value().unwrap().len(), 1, "{rules}");
    }
    let facts = with("{nonResourceURLs: ['/metrics'], verbs: [get]}", everybody);
    assert!(facts.broad_log_readers.value().unwrap().is_empty());
    let jane = "{kind: User, name: jane}";
    let facts = with("{apiGroups: [events.k8s.io], resources: [events], verbs: [deletecollection]}", jane);
    assert_eq!(facts.event_deleters.value().unwrap(), &["User jane"]);
    assert_eq!(facts.log_readers.value().unwrap().len(), 0);
}

#[test]
fn who_writes_where_logs_lie_is_told() {
    let workload = |mount: &str, path: &str, init: bool| {
        let containers = "[{name: a, image: cleaner:1, volumeMounts: [{name: v, mountPath: /x, MOUNT}]}]";
        let containers = containers.replace("MOUNT", mount);
        let (plain, init) =
            if init { ("[{name: m, image: app:1}]", &*containers) } else { (&*containers, "[]") };
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: cleaner, namespace: shop}}\nspec:\n  template:\n    spec:\n      containers: {plain}\n      initContainers: {init}\n      volumes: [{{name: v, hostPath: {{path: {path}}}}}]\n"
        )
    };
    let writers = |text: &str| access(&cluster(&[text]), None).node_log_writers.value().unwrap().len();
    for (path, expected) in [
        ("/", 1),
        ("/var", 1),
        ("/var/log", 1),
        ("/var/log/pods/x", 1),
        ("/var/log/cni", 0),
        ("/var/lib", 1),
        ("/etc", 0),
    ] {
        assert_eq!(writers(&workload("readOnly: false", path, false)), expected, "{path}");
        assert_eq!(writers(&workload("readOnly: false", path, true)), expected, "init {path}");
        assert_eq!(writers(&workload("readOnly: true", path, false)), 0, "{path}");
        assert_eq!(writers(&workload("readOnly: true", path, true)), 0, "init {path}");
    }
    assert!(access(&files(&[COLLECTOR]), None).node_log_writers.value().is_none());
}
