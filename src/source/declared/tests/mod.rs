mod cluster_api;
mod k3s_and_rke2;
mod kind_clusters;
mod kops_clusters;
mod kubeadm_files;
mod kubelets;
mod openshift_configs;
mod rke1_clusters;

use serde_json::json;

use super::*;
use crate::analyze::apiserver::invocation::of_declaration;
use crate::snapshot::Snapshot;
use crate::source::manifests::read_texts;

fn read(name: &str, text: &str) -> Snapshot {
    read_texts(&[(name.into(), text.into())]).unwrap()
}

/// The only declaration in a text.
fn declared(name: &str, text: &str) -> DeclaredApiServer {
    let mut declared = read(name, text).declared;
    assert_eq!(declared.len(), 1, "{declared:#?}");
    declared.remove(0)
}

/// `name=value at` of all arguments, without the file's name in the place.
fn arguments(declared: &DeclaredApiServer) -> Vec<String> {
    declared
        .arguments
        .iter()
        .map(|argument| {
            let at = argument.at.split_once(':').map_or(&*argument.at, |(_, at)| at);
            match &argument.value {
                Some(value) => format!("{}={value} {at}", argument.name),
                None => format!("{} {at}", argument.name),
            }
        })
        .collect()
}

/// `path<host path` of the mounts that are declared beside those that kubeadm makes itself.
fn mounts(declared: &DeclaredApiServer) -> Vec<String> {
    let own = ["/etc/kubernetes/pki", "/etc/ssl/certs"];
    declared
        .mounts
        .iter()
        .flatten()
        .filter(|mount| !own.contains(&&*mount.path))
        .map(|mount| match &mount.medium {
            Medium::HostPath(host) => {
                format!("{}<{host}{}", mount.path, if mount.read_only { " ro" } else { "" })
            }
            other => format!("{}<{other:?}", mount.path),
        })
        .collect()
}
