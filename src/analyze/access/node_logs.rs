//! Workloads that can write where nodes keep logs.

use crate::analyze::collectors::config::resolve;
use crate::analyze::collectors::products::product_of;
use crate::analyze::fact::Fact;
use crate::snapshot::{Medium, Mount, Scope, Snapshot, Workload};
use crate::verdict::{Evidence, Rank};

/// Where the logs of containers, of the node and of the apiserver lie.
const FOLDERS: [&str; 6] = [
    "/var/log/pods",
    "/var/log/containers",
    "/var/log/journal",
    "/var/log/kubernetes",
    "/var/log/audit",
    "/var/lib/docker/containers",
];

/// Workloads other than collectors, stores and sensors that mount such a folder, or one above it, so that they can write.
pub(super) fn writers(snapshot: &Snapshot) -> Fact<Vec<String>> {
    let mut found: Vec<(String, Evidence)> = Vec::new();
    let mut count = 0_usize;
    for workload in snapshot.workloads.all() {
        count += 1;
        if let Some((mount, path)) = writable(workload) {
            let detail = format!(
                "{} mounts {path} of the node at {} and can write to it",
                workload.title(),
                mount.path
            );
            found.push((workload.title(), Evidence { at: mount.at.clone(), detail }));
        }
    }
    let gaps = snapshot.workloads.kinds().into_iter().filter_map(|kind| kind.gap());
    let gaps: Vec<String> = gaps.map(ToString::to_string).collect();
    if found.is_empty() {
        if snapshot.scope == Scope::Manifests {
            return Fact::unknown("files do not show all workloads of a cluster; run against the cluster");
        }
        if !gaps.is_empty() {
            return Fact::unknown(gaps.join("; "));
        }
    }
    let mut evidence: Vec<Evidence> =
        found.iter().take(super::MAX_EVIDENCE).map(|(_, evidence)| evidence.clone()).collect();
    evidence.push(Evidence {
        at: "DaemonSets, Deployments and StatefulSets".into(),
        detail: format!("{count} were read; collectors, stores and sensors are left out"),
    });
    Fact::known(found.into_iter().map(|(title, _)| title).collect(), Rank::Configured, evidence)
}

/// A mount through which a workload can write logs of the node.
fn writable(workload: &Workload) -> Option<(&Mount, &str)> {
    let others = workload.containers.iter().filter(|container| product_of(&container.image).is_none());
    let is_ours = workload.containers.iter().any(|container| product_of(&container.image).is_some());
    let of_init = workload.init_mounts.iter().filter(|_| !is_ours);
    others.flat_map(|container| &container.mounts).chain(of_init).find_map(|mount| {
        let Medium::HostPath(path) = &mount.medium else { return None };
        (!mount.read_only && holds_logs(path)).then_some((mount, path.as_str()))
    })
}

fn holds_logs(path: &str) -> bool {
    let path = resolve("/", path);
    let is_or_below = |path: &str, folder: &str| {
        folder == "/"
            || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    FOLDERS.iter().any(|folder| is_or_below(folder, &path) || is_or_below(&path, folder))
}
