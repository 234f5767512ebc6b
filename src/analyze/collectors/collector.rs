//! The collectors of a cluster: containers of known products, others that mount the nodes' logs, and what operators are
//! told to run.

use super::dialect::Unreadable;
use super::model::Pipeline;
use super::operators::{self, is_on_nodes};
use super::products::{Product, Role, product_of};
use super::{paths, resolve};
use crate::snapshot::{Container, Medium, Resource, Snapshot, Workload, WorkloadKind};

/// A collector.
#[derive(Debug)]
pub struct Collector<'a> {
    /// What runs it: `DaemonSet logging/fluent-bit`, or the custom resource if the workload is not seen.
    pub name: String,
    /// Its product, or what is known of it.
    pub product: String,
    /// What it is for.
    pub role: Role,
    /// Where it stands.
    pub at: String,
    /// The workload, where it is seen.
    pub workload: Option<&'a Workload>,
    /// The container in it.
    pub container: Option<&'a Container>,
    /// The custom resource it is made from, where there is one.
    pub resource: Option<&'a Resource>,
    /// Whether it runs on nodes to read what lies there.
    pub on_nodes: bool,
    /// Where what it sends goes through its own standard output: the workloads on the same node that take it up from there.
    pub taken_up_by: Option<Vec<&'a Workload>>,
    /// What its configuration says.
    pub pipeline: Result<Pipeline, Unreadable>,
}

impl Collector<'_> {
    /// Its namespace.
    pub fn namespace(&self) -> &str {
        let of_resource = self.resource.map(|resource| resource.namespace.as_str());
        self.workload.map(|workload| workload.namespace.as_str()).or(of_resource).unwrap_or_default()
    }
}

/// Every collector.
pub fn collectors(snapshot: &Snapshot) -> Vec<Collector<'_>> {
    let mut found: Vec<Collector<'_>> = Vec::new();
    for workload in snapshot.workloads.all() {
        let known = workload.containers.iter().filter_map(|container| {
            let product = product_of(&container.image)?;
            matches!(product.role, Role::Collector | Role::Hop)
                .then(|| of_container(snapshot, workload, container, product))
        });
        let before = found.len();
        found.extend(known);
        if found.len() == before {
            found.extend(probable(workload));
        }
        if let Some(several) = found.get_mut(before..).filter(|several| several.len() > 1) {
            for one in several {
                let container = one.container.map_or("", |container| container.name.as_str());
                one.name = format!("{} {container}", one.name);
            }
        }
    }
    operators::add(snapshot, &mut found);
    found
}

fn of_container<'a>(
    snapshot: &'a Snapshot,
    workload: &'a Workload,
    container: &'a Container,
    product: &'static Product,
) -> Collector<'a> {
    let at = workload.field(&format!("spec.template.spec.containers[{}]", container.index));
    let pipeline = match product.dialect {
        Some(dialect) => dialect.read(&resolve::config(snapshot, workload, container, product)),
        None => Err(Unreadable::new(
            &*at,
            format!("{} is recognised, but what it is configured to do is not read", product.name),
        )),
    };
    Collector {
        name: workload.title(),
        product: product.name.to_owned(),
        role: product.role,
        at,
        workload: Some(workload),
        container: Some(container),
        resource: None,
        on_nodes: is_on_nodes(workload),
        taken_up_by: None,
        pipeline,
    }
}

/// A `DaemonSet` of an image that nobody knows, but which mounts the container logs of the nodes.
fn probable(workload: &Workload) -> Option<Collector<'_>> {
    if workload.kind != WorkloadKind::DaemonSet {
        return None;
    }
    let (container, mount) = workload.containers.iter().find_map(|container| {
        let known = product_of(&container.image).is_some();
        let mount = container.mounts.iter().find(|mount| {
            // The whole of a node is mounted for other purposes.
            paths::holds_container_logs(mount) && mount.medium != Medium::HostPath("/".into())
        })?;
        (!known).then_some((container, mount))
    })?;
    let why = format!(
        "the image {} is not one that is known, but mounts the container logs of the node: what it does with them is not known",
        container.image
    );
    Some(Collector {
        name: workload.title(),
        product: "not recognised".into(),
        role: Role::Collector,
        at: mount.at.clone(),
        workload: Some(workload),
        container: Some(container),
        resource: None,
        on_nodes: is_on_nodes(workload),
        taken_up_by: None,
        pipeline: Err(Unreadable::new(&*mount.at, why)),
    })
}
