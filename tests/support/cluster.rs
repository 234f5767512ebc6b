//! Whole clusters to start from: what was recorded, and by hand what was not.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::nodes::{node_like, node_list, recorded_node};
use super::recordings::recording;
use super::reply::Reply;
use super::routes::{Identity, Routes, Rule};

pub const VERSION: &str = "/version";
pub const METRICS: &str = "/metrics";
pub const FLAGZ: &str = "/flagz";
pub const NODES: &str = "/api/v1/nodes";
pub const PODS: &str = "/api/v1/namespaces/kube-system/pods";
pub const KUBEADM_CONFIG: &str = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config";
pub const KUBELET_CONFIG: &str = "/api/v1/namespaces/kube-system/configmaps/kubelet-config";
pub const API: &str = "/api";
pub const APIS: &str = "/apis";
pub const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";

/// When the cluster is read, in seconds since the epoch: two hours after the recorded API server started. Whoever runs
/// the tool pins its clock to this, so that no test depends on the day it runs.
pub const NOW: i64 = 1_795_251_600;

/// The part of an Accept header that asks for the structured form of `/flagz`.
pub const AS_FLAGZ: &str = "as=Flagz";

/// The part of an Accept header that asks for aggregated discovery.
pub const AGGREGATED: &str = "as=APIGroupDiscoveryList";

impl Routes {
    /// The recorded cluster: one control-plane node, two workers, audit logging on. The admin
    /// may read everything, the viewer what the ClusterRole `view` allows, nobody nothing.
    pub fn kubeadm() -> Self {
        let recorded = [
            (Identity::Admin, [(PODS, "082"), (NODES, "023"), (KUBEADM_CONFIG, "076"), (METRICS, "079")]),
            (Identity::Viewer, [(PODS, "081"), (NODES, "022"), (KUBEADM_CONFIG, "075"), (METRICS, "078")]),
            (Identity::Nobody, [(PODS, "083"), (NODES, "024"), (KUBEADM_CONFIG, "077"), (METRICS, "080")]),
        ];
        let mut routes = Self::empty()
            .get(VERSION, Reply::recorded("001"))
            .get_as(Identity::Viewer, VERSION, Reply::recorded("002"))
            .get_as(Identity::Anonymous, VERSION, Reply::recorded("003"))
            .get_as(Identity::Viewer, FLAGZ, Reply::recorded("090"))
            .flagz(None, Reply::recorded("091"), Reply::recorded("096"));
        for (identity, paths) in recorded {
            for (path, id) in paths {
                routes = routes.get_as(identity, path, Reply::recorded(id));
            }
            // Everybody who can log in may see what is served.
            for (path, plain, aggregated) in [(API, "007", "013"), (APIS, "008", "014")] {
                routes = routes
                    .get_as(identity, path, Reply::recorded(plain))
                    .rule(Rule::get(path, Reply::recorded(aggregated)).by(identity).accept(AGGREGATED));
            }
        }
        for (path, answer) in super::logging::answers() {
            routes = routes
                .get_as(Identity::Admin, path, answer.clone())
                .get_as(Identity::Viewer, path, answer)
                .get_as(Identity::Nobody, path, super::routes::forbidden(path, Identity::Nobody));
        }
        routes
            .get_as(Identity::Admin, LEASES, lease_list(&[Lease::live("cp1")]))
            .get_as(Identity::Admin, KUBELET_CONFIG, kubelet_config(KUBELET_CONFIGURATION))
            .get_as(Identity::Viewer, KUBELET_CONFIG, kubelet_config(KUBELET_CONFIGURATION))
    }

    /// The recorded cluster with so many API servers, each with its own answers; every new
    /// connection reaches the next one.
    pub fn ha(count: usize) -> Self {
        Self::kubeadm().with_apiservers(&(0..count).map(ApiServer::numbered).collect::<Vec<_>>())
    }

    /// The same cluster, whose `/metrics` have only what matters here: 1.7 MB take a debug build a while.
    #[must_use]
    pub fn with_short_metrics(self) -> Self {
        (0..self.instances()).fold(self, |routes, instance| {
            let metrics = ApiServer::numbered(instance).counted_in(MetricsText::short()).reply();
            routes.rule(Rule::get(METRICS, metrics).by(Identity::Admin).on_instance(instance))
        })
    }

    /// Replaces the API servers by these: their pods, leases, nodes, metrics and flags.
    #[must_use]
    pub fn with_apiservers(self, servers: &[ApiServer]) -> Self {
        let pods = pod_list(servers.iter().map(ApiServer::pod).collect());
        let mut nodes: Vec<Value> = servers.iter().map(ApiServer::node).collect();
        nodes.extend([recorded_node(1), recorded_node(2)]);
        let leases: Vec<Lease> = servers.iter().map(|server| Lease::live(&server.hostname)).collect();
        let mut routes = self
            .with_instances(servers.len())
            .get_as(Identity::Admin, PODS, pods.clone())
            .get_as(Identity::Viewer, PODS, pods)
            .get_as(Identity::Admin, NODES, node_list(nodes))
            .get_as(Identity::Admin, LEASES, lease_list(&leases));
        for (instance, server) in servers.iter().enumerate() {
            let metrics = Rule::get(METRICS, server.metrics().reply());
            routes = routes.rule(metrics.by(Identity::Admin).on_instance(instance)).flagz(
                Some(instance),
                server.flagz_text(),
                server.flagz_structured(),
            );
        }
        routes
    }

    /// Sets the admin's `/flagz` in both forms, on one instance or on all: structured only if
    /// asked for, 406 for bare `application/json`.
    #[must_use]
    pub fn flagz(self, instance: Option<usize>, text: Reply, structured: Reply) -> Self {
        let rule = |reply: Reply| {
            let rule = Rule::get(FLAGZ, reply).by(Identity::Admin);
            instance.map_or(rule.clone(), |instance| rule.on_instance(instance))
        };
        self.rule(rule(Reply::recorded("117")))
            .rule(rule(text.clone()).accept("*/*"))
            .rule(rule(text).accept("text/plain"))
            .rule(rule(structured).accept(AS_FLAGZ))
    }
}

/// What tells one API server of a cluster from another.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiServer {
    pub hostname: String,
    pub address: String,
    /// Seconds since the epoch.
    pub start_time: f64,
    pub events: u64,
    pub at_metadata: u64,
    pub at_none: u64,
    pub at_request: u64,
    pub rejected: u64,
}

impl ApiServer {
    /// The API server with this index: 0 is the recorded one, each further one started an hour
    /// earlier and has counted a thousand more of everything.
    pub fn numbered(index: usize) -> Self {
        let more = 1000 * index as u64;
        Self {
            hostname: format!("cp{}", index + 1),
            address: if index == 0 { "192.0.2.10".to_owned() } else { format!("192.0.2.{}", 100 + index) },
            start_time: 1_795_244_399.46 - 3600.0 * index as f64,
            events: 104 + more,
            at_metadata: 98 + more,
            at_none: 312 + more,
            at_request: 3 + more,
            rejected: 0,
        }
    }

    /// The recorded metrics with this server's start time and audit counters.
    pub fn metrics(&self) -> MetricsText {
        self.counted_in(MetricsText::recorded())
    }

    /// Other metrics with this server's start time and audit counters.
    pub fn counted_in(&self, metrics: MetricsText) -> MetricsText {
        metrics
            .started_at(self.start_time)
            .set("apiserver_audit_event_total", self.events)
            .set("apiserver_audit_level_total{level=\"Metadata\"}", self.at_metadata)
            .set("apiserver_audit_level_total{level=\"None\"}", self.at_none)
            .set("apiserver_audit_level_total{level=\"Request\"}", self.at_request)
            .set("apiserver_audit_requests_rejected_total", self.rejected)
    }

    /// The recorded flags as text, with this server's address.
    pub fn flagz_text(&self) -> Reply {
        let found = recording("091");
        let body = found.text().replace("192.0.2.10", &self.address);
        Reply::Full { status: found.status, headers: found.headers.clone(), body: body.into_bytes().into() }
    }

    /// The recorded flags in the structured form, with this server's address.
    pub fn flagz_structured(&self) -> Reply {
        let found = recording("096");
        let body = found.text().replace("192.0.2.10", &self.address);
        Reply::Full { status: found.status, headers: found.headers.clone(), body: body.into_bytes().into() }
    }

    /// The recorded mirror pod, on this server's node.
    pub fn pod(&self) -> Value {
        let pod = recording("082").json()["items"][0].take().to_string();
        let pod = pod.replace("192.0.2.10", &self.address).replace("cp1", &self.hostname);
        let mut pod: Value = serde_json::from_str(&pod).expect("still JSON");
        pod["metadata"]["uid"] = json!(format!("5b10e817-d597-4e56-b267-{}", self.serial()));
        pod["metadata"]["ownerReferences"][0]["uid"] = self.node()["metadata"]["uid"].take();
        pod
    }

    /// The recorded control-plane node under this server's name.
    pub fn node(&self) -> Value {
        let uid = format!("94661ecd-9cea-4abd-994f-{}", self.serial());
        node_like(&recorded_node(0), &self.hostname, &uid, &self.address)
    }

    /// Twelve digits made of the host name, for object ids.
    fn serial(&self) -> String {
        let number =
            self.hostname.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        format!("{:012}", number % 1_000_000_000_000)
    }
}

/// A list of pods, in one page.
pub fn pod_list(pods: Vec<Value>) -> Reply {
    let mut list = json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "907"}});
    list["items"] = Value::Array(pods);
    Reply::json(200, &list)
}

/// The identity lease of an API server.
#[derive(Clone, Debug)]
pub struct Lease {
    pub hostname: String,
    pub duration_seconds: u32,
    /// How long before [`NOW`] it was renewed; more than the duration is a server that is gone.
    pub renewed_seconds_ago: i64,
}

impl Lease {
    /// Renewed ten seconds ago, good for an hour, as kube-apiserver keeps it.
    pub fn live(hostname: &str) -> Self {
        Self { hostname: hostname.to_owned(), duration_seconds: 3600, renewed_seconds_ago: 10 }
    }

    /// Not renewed for two hours: left over from a server that is gone.
    pub fn stale(hostname: &str) -> Self {
        Self { renewed_seconds_ago: 7200, ..Self::live(hostname) }
    }

    fn object(&self) -> Value {
        let now = Timestamp::from_second(NOW).expect("a time");
        let renewed = now - SignedDuration::from_secs(self.renewed_seconds_ago);
        let name = self
            .hostname
            .bytes()
            .fold(String::from("apiserver-"), |name, byte| name + &format!("{byte:02x}"));
        json!({
            "metadata": {
                "name": name, "namespace": "kube-system", "resourceVersion": "900",
                "creationTimestamp": "2026-11-21T06:34:29Z",
                "labels": {"apiserver.kubernetes.io/identity": "kube-apiserver", "kubernetes.io/hostname": self.hostname}
            },
            "spec": {
                "holderIdentity": format!("{name}_00000000-0000-4000-8000-000000000000"),
                "leaseDurationSeconds": self.duration_seconds,
                "renewTime": renewed.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
            }
        })
    }
}

/// A list of identity leases.
pub fn lease_list(leases: &[Lease]) -> Reply {
    let items: Vec<Value> = leases.iter().map(Lease::object).collect();
    let metadata = json!({"resourceVersion": "907"});
    let list = json!({"kind": "LeaseList", "apiVersion": "coordination.k8s.io/v1", "metadata": metadata, "items": items});
    Reply::json(200, &list)
}

/// kubeadm's ConfigMap with this `KubeletConfiguration` in it.
pub fn kubelet_config(configuration: &str) -> Reply {
    let metadata = json!({
        "name": "kubelet-config", "namespace": "kube-system", "uid": "aa22ec7c-0f26-4e5e-a662-000000000001",
        "resourceVersion": "254", "creationTimestamp": "2026-11-21T06:34:30Z"
    });
    let data = json!({"kubelet": configuration});
    Reply::json(200, &json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, "data": data}))
}

/// The `KubeletConfiguration` of the default cluster.
pub const KUBELET_CONFIGURATION: &str = "apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  anonymous:
    enabled: false
cgroupDriver: systemd
clusterDNS:
- 10.96.0.10
clusterDomain: cluster.local
containerLogMaxFiles: 5
containerLogMaxSize: 10Mi
eventRecordQPS: 50
kind: KubeletConfiguration
rotateCertificates: true
staticPodPath: /etc/kubernetes/manifests
";

/// The recorded `/metrics`, with some values changed.
#[derive(Clone, Debug)]
pub struct MetricsText(String);

impl MetricsText {
    /// All 1.7 MB as recorded.
    pub fn recorded() -> Self {
        Self(recording("079").text().to_owned())
    }

    /// The lines that matter here, for tests that run often.
    pub fn short() -> Self {
        const FAMILIES: [&str; 4] = [
            "apiserver_audit_",
            "apiserver_request_total",
            "kubernetes_build_info",
            "process_start_time_seconds",
        ];
        let recorded = recording("079").text();
        let lines = recorded.lines().filter(|line| FAMILIES.iter().any(|family| line.starts_with(family)));
        Self(std::iter::once("# shortened").chain(lines).map(|line| line.to_owned() + "\n").collect())
    }

    /// Sets the value of one series, named with its labels as in the text; a series that is
    /// not there is added at the end.
    #[must_use]
    pub fn set(mut self, series: &str, value: impl ToString) -> Self {
        let start = format!("\n{series} ");
        match self.0.find(&start).map(|at| at + start.len()) {
            Some(from) => {
                let to = self.0[from..].find('\n').map_or(self.0.len(), |length| from + length);
                self.0.replace_range(from..to, &value.to_string());
            }
            None => self.0.push_str(&format!("{series} {}\n", value.to_string())),
        }
        self
    }

    /// Sets when the process started, in seconds since the epoch, written as Go writes it.
    #[must_use]
    pub fn started_at(self, seconds: f64) -> Self {
        self.set("process_start_time_seconds", format!("{seconds:e}").replace('e', "e+0"))
    }

    /// Leaves out every line, comments included, about metrics whose name starts like this.
    #[must_use]
    pub fn without(self, prefix: &str) -> Self {
        let about = |line: &str| {
            let name = line.strip_prefix("# HELP ").or(line.strip_prefix("# TYPE ")).unwrap_or(line);
            name.starts_with(prefix)
        };
        Self(self.0.lines().filter(|line| !about(line)).map(|line| line.to_owned() + "\n").collect())
    }

    /// The text itself.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The answer, with the recorded headers; the header that names the start time agrees with
    /// the text.
    pub fn reply(&self) -> Reply {
        let found = recording("079");
        let reply = Reply::Full {
            status: found.status,
            headers: found.headers.clone(),
            body: self.0.as_bytes().into(),
        };
        let started = self.0.lines().find_map(|line| line.strip_prefix("process_start_time_seconds "));
        match started.and_then(|value| value.parse::<f64>().ok()) {
            Some(seconds) => reply.with_header("Process-Start-Time-Unix", &format!("{seconds:.0}")),
            None => reply,
        }
    }
}
