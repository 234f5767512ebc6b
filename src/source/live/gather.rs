//! One function for each thing that is read.

use serde_json::Value;

use super::answer::{Failure, is_html};
use super::client::Client;
use super::list::{JSON, list, not_json};
use super::permissions::Access;
use super::wording::one_line;
use crate::document::{Place, full_name, text};
use crate::snapshot::{
    AuditCounters, DeclaredApiServer, Flagz, Gap, GapReason, KubeletConfig, Lease, Node, Note, Pod, Reading,
};
use crate::source::objects::{self};
use crate::source::{declared, flagz, kubelet, metrics};

/// The structured forms first; the text is what versions before 1.35 have.
const FLAGZ: &str = "application/json;v=v1beta1;g=config.k8s.io;as=Flagz, \
                     application/json;v=v1alpha1;g=config.k8s.io;as=Flagz, text/plain";

/// Apiservers answer `/metrics` in the text format whatever is asked for, but a proxy in between may look at this.
const METRICS: &str = "text/plain;version=0.0.4, */*;q=0.1";

/// The longest version that is taken for one.
const MAX_VERSION: usize = 100;

/// The version of the instance that answers.
pub(super) async fn version(client: &Client) -> Result<String, Failure> {
    let access = Access::Version;
    let object = object(client, access).await?;
    match text(&object, "/gitVersion") {
        version if version.is_empty() || version.len() > MAX_VERSION => {
            Err(Failure::malformed(access, "it has no gitVersion"))
        }
        version => Ok(one_line(version)),
    }
}

/// The Leases of the apiservers.
pub(super) async fn leases(client: &Client) -> Result<Vec<Lease>, Failure> {
    let read = list(client, Access::Leases, "LeaseList", |item| objects::apiserver_lease(&item)).await?;
    let mut leases: Vec<Lease> = read.into_iter().flatten().collect();
    leases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(leases)
}

/// Pods of one of the lists of pods, and notes about those that are none of an apiserver in spite of their labels.
pub(super) async fn pods(client: &Client, access: Access) -> Result<(Vec<Pod>, Vec<Note>), Failure> {
    let read = list(client, access, "PodList", |item| {
        let at = format!("Pod {}", full_name(&item));
        objects::apiserver_pod(&item, &Place::of(at.clone())).ok_or(Note {
            at,
            text: "it is labelled as a kube-apiserver, but none of its containers is one".into(),
        })
    })
    .await?;
    let (mut pods, mut notes) = (Vec::new(), Vec::new());
    for pod in read {
        match pod {
            Ok(pod) => pods.push(pod),
            Err(note) => notes.push(note),
        }
    }
    pods.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    Ok((pods, notes))
}

/// Nodes, and what k3s and RKE2 write into them.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    pub nodes: Vec<Node>,
    pub declared: Vec<DeclaredApiServer>,
    pub kubelets: Vec<KubeletConfig>,
}

/// All nodes.
pub(super) async fn nodes(client: &Client) -> Result<Nodes, Failure> {
    let mut read = list(client, Access::Nodes, "NodeList", |item| {
        let node = objects::node(&item);
        let (declared, kubelet) = declared::from_node(&item, &Place::of(format!("Node {}", node.name)));
        (node, declared, kubelet)
    })
    .await?;
    read.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    let mut all = Nodes::default();
    for (node, declared, kubelet) in read {
        all.nodes.push(node);
        all.declared.extend(declared);
        all.kubelets.extend(kubelet);
    }
    Ok(all)
}

/// What `kubeadm-config` declares; none if there is no such ConfigMap.
pub(super) async fn kubeadm_config(client: &Client) -> Result<Option<DeclaredApiServer>, Failure> {
    let access = Access::KubeadmConfig;
    let Some((object, place)) = config_map(client, access).await? else { return Ok(None) };
    declared::kubeadm_config_map(&object, &place).map_err(|what| Failure::malformed(access, &what))
}

/// What `kubelet-config` says; none if there is no such ConfigMap.
pub(super) async fn kubelet_config(client: &Client) -> Result<Option<KubeletConfig>, Failure> {
    let access = Access::KubeletConfig;
    let Some((object, place)) = config_map(client, access).await? else { return Ok(None) };
    kubelet::from_config_map(&object, &place).map_err(|what| Failure::malformed(access, &what))
}

/// A ConfigMap; none if it is not there.
pub(super) async fn config_map(client: &Client, access: Access) -> Result<Option<(Value, Place)>, Failure> {
    config_map_at(client, access, access.path()).await
}

/// The ConfigMap at a path; none if it is not there.
pub(super) async fn config_map_at(
    client: &Client,
    access: Access,
    path: &str,
) -> Result<Option<(Value, Place)>, Failure> {
    match object_at(client, access, path).await {
        Ok(object) if text(&object, "/kind") == "ConfigMap" => {
            let place = Place::of(format!("ConfigMap {}", full_name(&object)));
            Ok(Some((object, place)))
        }
        Ok(object) => Err(Failure::malformed(
            access,
            &format!("it is {:?} instead of a ConfigMap", text(&object, "/kind")),
        )),
        Err(failure) if failure.is_absent() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The effective flags of the instance that answers.
pub(super) async fn flagz(client: &Client) -> Result<Flagz, Failure> {
    let access = Access::Flagz;
    let body: Vec<u8> = match client.get(access, access.path(), FLAGZ).await {
        // Whoever understands none of the structured forms may also stumble over how they are asked for.
        Err(failure) if failure.gap.reason == GapReason::NotAcceptable => {
            client.get(access, access.path(), "text/plain").await?
        }
        other => other?,
    };
    flagz::parse(&body).map_err(|what| Failure::malformed(access, &what))
}

/// The counters of the instance that answers.
pub(super) async fn metrics(client: &Client) -> Result<AuditCounters, Failure> {
    let access = Access::Metrics;
    let parser: metrics::Parser = client.get(access, access.path(), METRICS).await?;
    parser.finish().map_err(|what| Failure::malformed(access, &what))
}

async fn object(client: &Client, access: Access) -> Result<Value, Failure> {
    object_at(client, access, access.path()).await
}

async fn object_at(client: &Client, access: Access, path: &str) -> Result<Value, Failure> {
    let body: Vec<u8> = client.get(access, path, JSON).await?;
    if is_html(&body) {
        return Err(Failure::malformed(access, "it is a page of HTML"));
    }
    serde_json::from_slice(&body).map_err(|error| Failure::malformed(access, &not_json(&error)))
}

/// An outcome as a reading.
pub(super) fn reading<T>(result: Result<T, Failure>) -> Reading<T> {
    match result {
        Ok(value) => Reading::read(value),
        Err(failure) => Reading::missing(failure.gap),
    }
}

/// A gap as a note, where the snapshot has no better place for it.
pub(super) fn note(at: &str, gap: &Gap) -> Note {
    Note { at: at.to_owned(), text: gap.to_string() }
}
