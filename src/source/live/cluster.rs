//! Reading a cluster as a whole: what is asked at once, what depends on what, and when there is no use in going on.

use std::error::Error as StdError;

use super::answer::{Cause, Failure};
use super::client::{Client, Connector};
use super::discovery::{discovery, joined};
use super::error::LiveError;
use super::fault::Fault;
use super::gather::{self, Nodes, note, reading};
use super::instances::{self, Instances};
use super::logging;
use super::openshift;
use super::permissions::Access;
use super::policies::{Policies, policies};
use super::read::Options;
use super::resolve::Endpoint;
use super::wording::one_line;
use crate::snapshot::rbac::Rbac;
use crate::snapshot::redact::{redact, scrub};
use crate::snapshot::{
    AuditCounters, DeclaredApiServer, Flagz, Gap, GapReason, KubeletConfig, Lease, Namespace, Node, Note,
    Pod, Reading, Scope, ServedApis, Snapshot, Workloads,
};

/// The outcome of the first round, in which everything that depends on nothing is asked at once.
struct Round {
    version: Result<String, Failure>,
    leases: Result<Vec<Lease>, Failure>,
    pods: Result<(Vec<Pod>, Vec<Note>), Failure>,
    nodes: Result<Nodes, Failure>,
    kubeadm: Result<Option<DeclaredApiServer>, Failure>,
    kubelet: Result<Option<KubeletConfig>, Failure>,
    flagz: Result<Flagz, Failure>,
    metrics: Result<AuditCounters, Failure>,
    apis: Reading<ServedApis>,
    namespaces: Result<Vec<Namespace>, Failure>,
    workloads: Workloads,
    rbac: Rbac,
}

/// Reads one cluster.
pub(super) struct Reader<'a> {
    pub endpoint: &'a Endpoint,
    pub options: &'a Options,
    /// Told what is being done.
    pub doing: &'a dyn Fn(String),
}

impl Reader<'_> {
    pub(super) async fn read(&self, connector: &Connector) -> Result<Snapshot, LiveError> {
        let client = connector.connect().map_err(|error| unusable(&error))?;
        let round = Box::pin(self.first_round(&client)).await?;
        self.refuse_if_nothing(&round, client.shared.is_over())?;
        let live = round.leases.as_ref().map_or(1, |leases| instances::live(leases));
        let mut instances = Instances::first(round.flagz, round.metrics);
        if live > 1 {
            (self.doing)(format!("looking for {live} apiservers behind the address"));
        }
        let mut snapshot = Snapshot::empty(Scope::Cluster, self.endpoint.cluster.name.clone());
        snapshot.cluster = self.endpoint.cluster.clone();
        snapshot.captured_at = Some(self.options.captured_at);
        snapshot.version = reading(round.version);
        snapshot.leases = reading(round.leases);
        snapshot.kubeadm_config = reading(round.kubeadm);
        snapshot.apis = round.apis;
        snapshot.rbac = round.rbac;
        let (nodes, declared, kubelets) = match round.nodes {
            Ok(read) => (Reading::read(read.nodes), read.declared, read.kubelets),
            Err(failure) => (Reading::missing(failure.gap), Vec::new(), Vec::new()),
        };
        snapshot.nodes = nodes;
        snapshot.declared = declared;
        // They are large: what depends on them borrows them, and they join the others at the end.
        let (apis, workloads) = (snapshot.apis.clone(), round.workloads);
        let namespaces = reading(round.namespaces);
        let all_namespaces = namespaces.value().map_or(&[][..], Vec::as_slice);
        // Some of them name ConfigMaps that no workload mounts.
        let logging = async {
            let resources = logging::resources(&client, &apis).await;
            let configs = logging::configs(&client, &workloads, all_namespaces, &resources.0).await;
            (resources, configs)
        };
        let ((), (), (resources, configs), exposure) = tokio::join!(
            add_pods(&client, round.pods, &mut snapshot),
            instances.complete(connector, live),
            logging,
            logging::exposure(&client, &apis, &workloads),
        );
        snapshot.workloads = workloads;
        snapshot.namespaces = namespaces;
        (snapshot.resources, snapshot.resources_unread) = resources;
        snapshot.exposure = exposure;
        (snapshot.configs, snapshot.configs_unread) = configs;
        snapshot.kubelet_configs = kubelet_configs(round.kubelet, kubelets, &mut snapshot.notes);
        (snapshot.flagz, snapshot.metrics) = instances.readings(live);
        redact(&mut snapshot);
        Ok(snapshot)
    }

    /// Asks everything at once. A server that cannot be reached, or does not know the credentials, ends it at once.
    async fn first_round(&self, client: &Client) -> Result<Round, LiveError> {
        let version = async {
            match gather::version(client).await {
                Err(failure) => match self.fatal(&failure) {
                    Some(error) => Err(error),
                    None => Ok(Err(failure)),
                },
                Ok(version) => Ok(Ok(version)),
            }
        };
        // Dropping the others is what ends them when the version fails.
        let workloads = async |access| Ok(reading(logging::workloads(client, access).await));
        let (
            version,
            leases,
            pods,
            nodes,
            kubeadm,
            kubelet,
            flagz,
            metrics,
            core,
            groups,
            namespaces,
            daemon_sets,
            deployments,
            stateful_sets,
            rbac,
        ) = tokio::try_join!(
            version,
            async { Ok(gather::leases(client).await) },
            async { Ok(gather::pods(client, Access::Pods).await) },
            async { Ok(gather::nodes(client).await) },
            async { Ok(gather::kubeadm_config(client).await) },
            async { Ok(gather::kubelet_config(client).await) },
            async { Ok(gather::flagz(client).await) },
            async { Ok(gather::metrics(client).await) },
            async { Ok(discovery(client, Access::Api).await) },
            async { Ok(discovery(client, Access::Apis).await) },
            async { Ok(logging::namespaces(client).await) },
            workloads(Access::DaemonSets),
            workloads(Access::Deployments),
            workloads(Access::StatefulSets),
            async { Ok(logging::rbac(client).await) },
        )?;
        let apis = joined(core, groups);
        let workloads = Workloads { daemon_sets, deployments, stateful_sets };
        Ok(Round {
            version,
            leases,
            pods,
            nodes,
            kubeadm,
            kubelet,
            flagz,
            metrics,
            apis,
            namespaces,
            workloads,
            rbac,
        })
    }

    /// Whether a failure of `/version`, which everybody may read, means that nothing else will succeed.
    fn fatal(&self, failure: &Failure) -> Option<LiveError> {
        match &failure.cause {
            Cause::Connection(fault) => Some(self.unreachable(fault)),
            Cause::Status { code: 401, .. } => Some(self.unauthorized(&failure.gap)),
            // Whoever answers with something else than a version is no apiserver, whatever else it may say.
            Cause::Answer if failure.gap.reason == GapReason::Malformed => {
                let (server, cluster) = self.names();
                Some(LiveError::NotKubernetes { server, cluster, what: failure.gap.detail.clone() })
            }
            _ => None,
        }
    }

    fn names(&self) -> (String, String) {
        (self.endpoint.server().to_owned(), self.endpoint.cluster.name.clone())
    }

    fn expired_certificate(&self) -> Option<LiveError> {
        let not_after = self.endpoint.not_after.filter(|not_after| *not_after < self.options.captured_at)?;
        let (server, cluster) = self.names();
        Some(LiveError::ClientCertificateExpired { server, cluster, not_after })
    }

    fn unreachable(&self, fault: &Fault) -> LiveError {
        let expired =
            matches!(fault, Fault::ClientCertificate(_)).then(|| self.expired_certificate()).flatten();
        let (server, cluster) = self.names();
        let proxy =
            self.endpoint.config.proxy_url.as_ref().map(|proxy| scrub(&proxy.to_string()).into_owned());
        expired.unwrap_or_else(|| LiveError::Connection { server, cluster, proxy, fault: fault.clone() })
    }

    fn unauthorized(&self, gap: &Gap) -> LiveError {
        if let Some(error) = self.expired_certificate() {
            return error;
        }
        let user = &self.endpoint.config.auth_info;
        let anonymous = user.token.is_none()
            && user.username.is_none()
            && user.auth_provider.is_none()
            && user.client_certificate.is_none()
            && user.client_certificate_data.is_none();
        let advice = if anonymous {
            "the kubeconfig has no credentials for it: log in, or give --token"
        } else {
            "they may have expired or be for another cluster: log in again"
        };
        let (server, cluster) = self.names();
        LiveError::Unauthorized { server, cluster, what: gap.detail.clone(), advice: advice.into() }
    }

    fn refuse_if_nothing(&self, round: &Round, over: bool) -> Result<(), LiveError> {
        // An absent ConfigMap counts as read: it was an apiserver that said so. What is served says nothing of auditing.
        let failures = [
            round.version.as_ref().err(),
            round.leases.as_ref().err(),
            round.pods.as_ref().err(),
            round.nodes.as_ref().err(),
            round.kubeadm.as_ref().err(),
            round.kubelet.as_ref().err(),
            round.flagz.as_ref().err(),
            round.metrics.as_ref().err(),
        ];
        let Some(failures) = failures.into_iter().collect::<Option<Vec<&Failure>>>() else { return Ok(()) };
        let Some(first) = failures.first() else { return Ok(()) };
        let (server, cluster) = self.names();
        let all = |reason: GapReason| failures.iter().all(|failure| failure.gap.reason == reason);
        let what = first.gap.detail.clone();
        Err(if all(GapReason::Timeout) && over {
            let doing = "waiting for answers".into();
            LiveError::Deadline { server, cluster, after: self.options.timeout, doing }
        } else if all(GapReason::Timeout) {
            LiveError::Silent { server, cluster, what }
        } else if all(GapReason::Unauthorized) {
            self.unauthorized(&first.gap)
        } else if first.gap.reason == GapReason::Forbidden && first.gap.grant.is_some() {
            LiveError::Forbidden { server, cluster, what }
        } else if first.gap.reason == GapReason::Malformed
            || matches!(first.cause, Cause::Status { kubernetes: false, .. })
                && first.code().is_some_and(|code| code < 500)
        {
            LiveError::NotKubernetes { server, cluster, what }
        } else {
            LiveError::Nothing { server, cluster, gap: Box::new(first.gap.clone()) }
        })
    }
}

/// Adds the apiservers that run as pods, and the policies that these mount from ConfigMaps.
async fn add_pods(client: &Client, pods: Result<(Vec<Pod>, Vec<Note>), Failure>, snapshot: &mut Snapshot) {
    let nodes = snapshot.nodes.value().map(Vec::as_slice);
    let Elsewhere { pods, declared, notes } = elsewhere(client, pods, nodes).await;
    snapshot.pods = pods;
    snapshot.notes = notes;
    snapshot.declared.extend(declared);
    let Policies { read, unread } = policies(client, snapshot).await;
    snapshot.policies = read;
    snapshot.policies_unread = unread;
}

/// What is known of apiservers that run as pods.
struct Elsewhere {
    pods: Reading<Vec<Pod>>,
    declared: Option<DeclaredApiServer>,
    notes: Vec<Note>,
}

/// Looks where other distributions run their apiservers, if there is none where kubeadm runs it.
async fn elsewhere(
    client: &Client,
    pods: Result<(Vec<Pod>, Vec<Note>), Failure>,
    nodes: Option<&[Node]>,
) -> Elsewhere {
    let mut notes = match pods {
        Ok((pods, notes)) if pods.is_empty() => notes,
        Ok((pods, notes)) => return Elsewhere { pods: Reading::read(pods), declared: None, notes },
        Err(failure) => {
            return Elsewhere { pods: Reading::missing(failure.gap), declared: None, notes: Vec::new() };
        }
    };
    if !nodes.is_some_and(openshift::is_openshift) {
        let found = gather::pods(client, Access::PodsOfApp).await;
        return match found {
            Ok((found, more)) => {
                notes.extend(more);
                Elsewhere { pods: Reading::read(found), declared: None, notes }
            }
            Err(failure) => Elsewhere { pods: Reading::missing(failure.gap), declared: None, notes },
        };
    }
    let (found, config) = tokio::join!(
        gather::pods(client, Access::OpenshiftPods),
        gather::config_map(client, Access::OpenshiftConfig)
    );
    let pods = match found {
        Ok((found, more)) => {
            notes.extend(more);
            Reading::read(found)
        }
        Err(failure) => Reading::missing(failure.gap),
    };
    let known = pods.value().map_or(&[][..], Vec::as_slice);
    let declared = match config {
        Ok(Some((object, place))) => openshift::from_config_map(&object, &place, known)
            .map_err(|what| notes.push(Note { at: place.at.clone(), text: what }))
            .ok(),
        Ok(None) => None,
        Err(failure) => {
            notes.push(note("ConfigMap openshift-kube-apiserver/config", &failure.gap));
            None
        }
    };
    Elsewhere { pods, declared, notes }
}

/// The ConfigMap of kubeadm and what nodes of k3s and RKE2 say.
fn kubelet_configs(
    config_map: Result<Option<KubeletConfig>, Failure>,
    of_nodes: Vec<KubeletConfig>,
    notes: &mut Vec<Note>,
) -> Reading<Vec<KubeletConfig>> {
    match config_map {
        Ok(config) => Reading::read(config.into_iter().chain(of_nodes).collect()),
        Err(failure) if of_nodes.is_empty() => Reading::missing(failure.gap),
        // Distributions that write their kubelets' arguments into the nodes have no such ConfigMap.
        Err(failure) => {
            notes.push(note("ConfigMap kube-system/kubelet-config", &failure.gap));
            Reading::read(of_nodes)
        }
    }
}

/// An error in making a client lies in the settings: nothing has been sent yet.
fn unusable(error: &kube::Error) -> LiveError {
    let (setting, advice) = match error {
        kube::Error::RustlsTls(_) | kube::Error::InferKubeconfig(_) => (
            "the certificates of the kubeconfig",
            "log in again, or check the client certificate and its key",
        ),
        kube::Error::Auth(_) => ("the credentials of the kubeconfig", "log in again"),
        kube::Error::HttpError(_) => {
            ("--as, --as-group or --as-uid", "it has characters that a header cannot have")
        }
        _ => ("the connection", "check the flags and the kubeconfig"),
    };
    let what = match Fault::of(error) {
        Fault::Credentials(what) => what,
        // The innermost error is often too short to be understood alone.
        _ => one_line(&error.source().map_or_else(|| error.to_string(), ToString::to_string)),
    };
    LiveError::Setting { setting: setting.into(), what, advice: advice.into() }
}
