//! Whole reads against a server on a socket.

mod failures;
mod policies;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::testing::{Reply, Seen, Server};
use super::{Connection, LiveError, Options, ReadStats, read};
use crate::snapshot::{GapReason, Snapshot};

/// What a small kubeadm cluster answers.
fn kubeadm(seen: &Seen) -> Reply {
    instance(seen, 1, 1)
}

/// The answer of instance `index` of `count`.
fn instance(seen: &Seen, index: usize, count: usize) -> Reply {
    let list = |kind: &str, items: Vec<Value>| {
        Reply::Json(200, json!({"kind": kind, "metadata": {}, "items": items}))
    };
    let path = seen.path.as_str();
    if path == "/version" {
        Reply::Json(200, json!({"gitVersion": "v1.36.2"}))
    } else if path.contains("/leases?") {
        list("LeaseList", (1..=count).map(lease).collect())
    } else if path.contains("component%3Dkube-apiserver") {
        list("PodList", (1..=count).map(pod).collect())
    } else if path.starts_with("/api/v1/nodes?") {
        list("NodeList", vec![json!({"metadata": {"name": "cp1"}})])
    } else if path.contains("/configmaps/") {
        let name = path.rsplit('/').next().unwrap();
        Reply::Json(
            200,
            json!({"kind": "ConfigMap", "metadata": {"name": name, "namespace": "kube-system"}, "data": {}}),
        )
    } else if path == "/api" || path == "/apis" {
        let resource = json!({"resource": "pods", "scope": "Namespaced", "verbs": ["get"]});
        list(
            "APIGroupDiscoveryList",
            vec![json!({"metadata": {"name": path}, "versions": [{"resources": [resource]}]})],
        )
    } else if path == "/flagz" {
        Reply::Text(200, format!("advertise-address=10.0.0.{index}\naudit-log-path=/a\nv=2\n"))
    } else if path == "/metrics" {
        Reply::Text(200, format!("apiserver_audit_event_total {index}\nprocess_start_time_seconds {index}\n"))
    } else if let Some(kind) = empty_list(path) {
        list(kind, Vec::new())
    } else {
        status(404, "not found")
    }
}

/// The kind of the list at a path, of which this cluster has none.
fn empty_list(path: &str) -> Option<&'static str> {
    [
        ("/api/v1/namespaces?", "NamespaceList"),
        ("/apis/apps/v1/daemonsets?", "DaemonSetList"),
        ("/apis/apps/v1/deployments?", "DeploymentList"),
        ("/apis/apps/v1/statefulsets?", "StatefulSetList"),
        ("/apis/rbac.authorization.k8s.io/v1/roles?", "RoleList"),
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles?", "ClusterRoleList"),
        ("/apis/rbac.authorization.k8s.io/v1/rolebindings?", "RoleBindingList"),
        ("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?", "ClusterRoleBindingList"),
    ]
    .into_iter()
    .find_map(|(beginning, kind)| path.starts_with(beginning).then_some(kind))
}

fn lease(index: usize) -> Value {
    json!({"metadata": {"name": format!("apiserver-{index}"), "labels": {
        "apiserver.kubernetes.io/identity": "kube-apiserver", "kubernetes.io/hostname": format!("cp{index}")}},
        "spec": {"leaseDurationSeconds": 3600, "renewTime": "2026-11-21T07:00:00.000000Z"}})
}

fn pod(index: usize) -> Value {
    json!({"metadata": {"name": format!("kube-apiserver-cp{index}"), "namespace": "kube-system"},
        "spec": {"containers": [{"name": "kube-apiserver", "command": ["kube-apiserver", "--audit-log-path=/a"]}]}})
}

fn status(code: u16, message: &str) -> Reply {
    Reply::Json(code, json!({"kind": "Status", "message": message, "code": code}))
}

fn connection(server: &Server) -> (Connection, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    let text = format!(
        "current-context: test\nclusters: [{{name: c, cluster: {{server: '{}'}}}}]\nusers: [{{name: u, user: {{token: hunter2}}}}]\ncontexts: [{{name: test, context: {{cluster: c, user: u}}}}]\n",
        server.url
    );
    std::fs::write(&kubeconfig, text).unwrap();
    (Connection { kubeconfig: Some(kubeconfig), ..Connection::default() }, folder)
}

type Outcome = Result<(Snapshot, ReadStats), LiveError>;

fn read_with(server: &Server, edit: impl FnOnce(&mut Connection, &mut Options)) -> Outcome {
    let (mut connection, _folder) = connection(server);
    let mut options = Options::new("2026-11-21T07:00:05Z".parse().unwrap());
    options.timeout = Duration::from_secs(20);
    edit(&mut connection, &mut options);
    read(&connection, &options, &|_| {})
}

fn read_all(server: &Server) -> Outcome {
    read_with(server, |_, _| {})
}

fn reason<T: std::fmt::Debug>(reading: &crate::snapshot::Reading<T>) -> GapReason {
    reading.gap().unwrap_or_else(|| panic!("was read: {reading:?}")).reason
}

#[test]
fn a_small_cluster_is_read_in_one_round() {
    // Nothing is answered before everything has been asked, so what waits for an answer to ask for more is found out.
    let asked = (Mutex::new(0), Condvar::new());
    let late = Arc::new(AtomicUsize::new(0));
    let too_late = Arc::clone(&late);
    let server = Server::start(move |seen| {
        let (count, changed) = &asked;
        let mut count = count.lock().unwrap();
        *count += 1;
        changed.notify_all();
        let waited = changed.wait_timeout_while(count, Duration::from_secs(10), |count| *count < 8).unwrap();
        too_late.fetch_add(usize::from(waited.1.timed_out()), Ordering::SeqCst);
        kubeadm(seen)
    });
    let (snapshot, stats) = read_all(&server).unwrap();
    assert_eq!(late.load(Ordering::SeqCst), 0);
    assert_eq!(snapshot.version.value().map(String::as_str), Some("v1.36.2"));
    assert_eq!(snapshot.cluster.name, "test");
    assert_eq!(snapshot.leases.value().unwrap().len(), 1);
    assert_eq!(snapshot.pods.value().unwrap()[0].at, "Pod kube-system/kube-apiserver-cp1");
    assert_eq!(snapshot.nodes.value().unwrap()[0].name, "cp1");
    assert!(snapshot.kubeadm_config.value().is_some() && snapshot.kubelet_configs.value().is_some());
    assert_eq!(snapshot.flagz[0].value().unwrap().flags["audit-log-path"], "/a");
    assert_eq!(snapshot.metrics[0].value().unwrap().events, Some(1.0));
    assert_eq!(snapshot.apis.value().unwrap().resources.len(), 2);
    assert_eq!(snapshot.captured_at, Some("2026-11-21T07:00:05Z".parse().unwrap()));
    assert_eq!((snapshot.flagz.len(), snapshot.metrics.len(), stats.requests), (1, 1, 18));
    for seen in server.seen() {
        assert_eq!(seen.method, "GET");
        assert!(seen.head.contains(concat!("user-agent: kubectl-logaudit/", env!("CARGO_PKG_VERSION"))));
        assert!(seen.head.contains("authorization: bearer hunter2"));
        assert!(seen.head.contains("accept-encoding: gzip"));
        assert!(!seen.path.contains("secret") && !seen.path.contains("watch"));
    }
}

#[test]
fn several_apiservers_are_all_found() {
    let server = Server::start(|seen| instance(seen, seen.connection % 3 + 1, 3));
    let (snapshot, stats) = read_all(&server).unwrap();
    let addresses: Vec<_> =
        snapshot.flagz.iter().map(|r| r.value().unwrap().flags["advertise-address"].clone()).collect();
    assert_eq!(addresses, ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    let events: Vec<_> = snapshot.metrics.iter().map(|r| r.value().unwrap().events).collect();
    assert_eq!(events, [Some(1.0), Some(2.0), Some(3.0)]);
    assert!(stats.requests <= 25, "{}", stats.requests);
}

#[test]
fn a_balancer_that_always_picks_the_same_one_is_given_up() {
    let server = Server::start(|seen| instance(seen, 1, 3));
    let (snapshot, stats) = read_all(&server).unwrap();
    assert_eq!((snapshot.flagz.len(), snapshot.metrics.len()), (1, 1));
    // 9 connections; /metrics only over the first of them, until it is known whose address that is.
    assert_eq!(server.count("/flagz"), 10);
    assert!(server.count("/metrics") <= 3, "{}", server.count("/metrics"));
    assert!(stats.requests <= 29, "{}", stats.requests);
}

#[test]
fn what_is_refused_is_a_gap_with_its_permission() {
    let server = Server::start(|seen| match seen.path.as_str() {
        "/version" => kubeadm(seen),
        _ => status(403, "User \"nobody\" cannot do that, token=abcdef"),
    });
    let (snapshot, stats) = read_all(&server).unwrap();
    assert_eq!(stats.requests, 18);
    assert_eq!(reason(&snapshot.apis), GapReason::Forbidden);
    let gap = snapshot.leases.gap().unwrap();
    assert_eq!(
        gap.to_string(),
        "could not read the Leases of the apiservers: forbidden (User \"nobody\" cannot do that, token=REDACTED); \
         grant `list` on `leases.coordination.k8s.io` in namespace `kube-system`"
    );
    assert_eq!(reason(&snapshot.kubelet_configs), GapReason::Forbidden);
    assert_eq!(reason(&snapshot.metrics[0]), GapReason::Forbidden);
}

#[test]
fn what_is_not_there_is_told_apart_from_what_is_refused() {
    let server = Server::start(|seen| match seen.path.as_str() {
        path if path.contains("/configmaps/") => status(404, "configmaps \"kubeadm-config\" not found"),
        "/flagz" | "/metrics" => Reply::Text(404, "404 page not found\n".into()),
        path if path.contains("/pods?") => Reply::Json(200, json!({"kind": "PodList", "items": []})),
        _ => kubeadm(seen),
    });
    let (snapshot, _) = read_all(&server).unwrap();
    assert_eq!(snapshot.kubeadm_config.value(), Some(&None));
    assert_eq!(snapshot.kubelet_configs.value(), Some(&Vec::new()));
    assert_eq!(reason(&snapshot.flagz[0]), GapReason::NotFound);
    assert_eq!(snapshot.pods.value(), Some(&Vec::new()));
    assert_eq!(server.count("k8s-app%3Dkube-apiserver"), 1);
    assert_eq!(server.count("openshift"), 0);
}

#[test]
fn openshift_is_looked_at_where_it_runs_its_apiservers() {
    let server = Server::start(|seen| match seen.path.as_str() {
        path if path.contains("openshift-kube-apiserver/pods?") => {
            Reply::Json(200, json!({"kind": "PodList", "items": [pod(1)]}))
        }
        path if path.contains("/pods?") => Reply::Json(200, json!({"kind": "PodList", "items": []})),
        path if path.starts_with("/api/v1/nodes") => Reply::Json(
            200,
            json!({"kind": "NodeList", "items": [{"metadata": {"name": "m", "labels": {"node.openshift.io/os_id": "rhcos"}}}]}),
        ),
        path if path.contains("openshift-kube-apiserver/configmaps/config") => {
            let config = json!({"apiServerArguments": {"audit-log-path": ["/var/log/a"]}}).to_string();
            Reply::Json(
                200,
                json!({"kind": "ConfigMap", "metadata": {"name": "config", "namespace": "openshift-kube-apiserver"}, "data": {"config.yaml": config}}),
            )
        }
        _ => kubeadm(seen),
    });
    let (snapshot, stats) = read_all(&server).unwrap();
    assert_eq!(snapshot.pods.value().unwrap().len(), 1);
    assert_eq!(snapshot.declared[0].arguments[0].value.as_deref(), Some("/var/log/a"));
    assert_eq!(stats.requests, 20);
}

#[test]
fn a_flagz_that_knows_no_structured_form_is_asked_for_text() {
    let server = Server::start(|seen| {
        if seen.path == "/flagz" && seen.head.contains("application/json") {
            status(406, "no")
        } else {
            kubeadm(seen)
        }
    });
    let (snapshot, _) = read_all(&server).unwrap();
    assert!(snapshot.flagz[0].value().is_some());
    assert_eq!(server.count("/flagz"), 2);
}

#[test]
fn lists_are_read_page_by_page_and_begun_again_once() {
    let pages = |expired_at: &'static [usize]| {
        let asked = AtomicUsize::new(0);
        Server::start(move |seen| {
            if !seen.path.starts_with("/api/v1/nodes") {
                return kubeadm(seen);
            }
            let number = asked.fetch_add(1, Ordering::SeqCst);
            if expired_at.contains(&number) {
                return status(410, "too old");
            }
            let (name, next) = match seen.path.split_once("&continue=") {
                None => ("a", "p=2"),
                Some((_, "p%3D2")) => ("b", "p3"),
                Some((_, "p3")) => ("c", ""),
                Some(_) => return status(400, "bad token"),
            };
            Reply::Json(
                200,
                json!({"kind": "NodeList", "metadata": {"continue": next}, "items": [{"metadata": {"name": name}}]}),
            )
        })
    };
    for expired_at in [&[][..], &[1], &[2]] {
        let (snapshot, _) = read_all(&pages(expired_at)).unwrap();
        let names: Vec<_> = snapshot.nodes.value().unwrap().iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"], "{expired_at:?}");
    }
    let server = pages(&[1, 3]);
    let (snapshot, _) = read_all(&server).unwrap();
    assert_eq!(reason(&snapshot.nodes), GapReason::Expired);
    assert_eq!(server.count("/api/v1/nodes"), 4);
}

#[test]
fn progress_is_told_and_requests_when_asked_for() {
    let server = Server::start(kubeadm);
    let (mut connection, _folder) = connection(&server);
    let said = Arc::new(Mutex::new(Vec::new()));
    let options = Options::new("2026-11-21T07:00:05Z".parse().unwrap());
    let told = |level| {
        let mut asking = connection.clone();
        asking.verbosity = level;
        let log = Arc::clone(&said);
        log.lock().unwrap().clear();
        read(&asking, &options, &move |text: &str| log.lock().unwrap().push(text.to_owned())).unwrap();
        said.lock().unwrap().clone()
    };
    assert_eq!(told(None), [format!("reading {} (test)", server.url)]);
    let lines = told(Some(6));
    assert!(lines.iter().any(|line| line.starts_with("GET /version: 200 OK after ")), "{lines:?}");
    assert_eq!(lines.len(), 19);
    connection.disable_compression = Some(true);
    read(&connection, &options, &|_| {}).unwrap();
    assert!(!server.seen().last().unwrap().head.contains("accept-encoding"));
}

#[cfg(unix)]
#[test]
fn a_plugin_is_run_once_and_its_token_used() {
    let server = Server::start(|seen| instance(seen, seen.connection % 3 + 1, 3));
    let folder = tempfile::tempdir().unwrap();
    let (config, count) = (folder.path().join("config"), folder.path().join("count"));
    let script = format!(
        "echo x >> {}; echo '{{\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"abc\"}}}}'",
        count.display()
    );
    let text = json!({"current-context": "t", "clusters": [{"name": "c", "cluster": {"server": server.url}}],
        "users": [{"name": "u", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
            "args": ["-c", script], "interactiveMode": "Never"}}}],
        "contexts": [{"name": "t", "context": {"cluster": "c", "user": "u"}}]});
    std::fs::write(&config, text.to_string()).unwrap();
    let asking = Connection { kubeconfig: Some(config.clone()), ..Connection::default() };
    let mut options = Options::new("2026-11-21T07:00:05Z".parse().unwrap());
    let (snapshot, stats) = read(&asking, &options, &|_| {}).unwrap();
    assert_eq!(snapshot.metrics.len(), 3);
    assert_eq!(std::fs::read_to_string(&count).unwrap(), "x\n");
    assert!(stats.plugin > Duration::ZERO);
    assert!(server.seen().iter().all(|seen| seen.head.contains("authorization: bearer abc")));

    std::fs::write(&config, text.to_string().replace("echo x", "sleep 60")).unwrap();
    options.timeout = Duration::from_millis(400);
    let begun = Instant::now();
    let error = read(&asking, &options, &|_| {}).unwrap_err();
    assert!(matches!(&error, LiveError::PluginHung { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(3));
}
