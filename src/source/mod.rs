//! Where a snapshot comes from. Only this module does input; only [`live`] is asynchronous inside.
//!
//! | module | reads |
//! | --- | --- |
//! | [`live`] | a cluster through its API |
//! | [`cloud`] | the log settings of a managed cluster, from files or through the provider's command-line tool |
//! | [`manifests`] | files: manifests, kubeadm, kind, Cluster API, k3s, RKE2, kops, saved lists |
//! | [`objects`], [`workloads`], [`config_maps`], [`custom`], [`exposure`], [`rbac`], [`declared`], [`kubelet`], [`flagz`], [`metrics`] | single objects and answers, wherever they came from |

pub mod cloud;
pub mod config_maps;
pub mod custom;
pub mod declared;
pub mod exposure;
pub mod flagz;
pub mod kubelet;
pub mod live;
pub mod manifests;
pub mod metrics;
pub mod objects;
mod process;
pub mod rbac;
mod wording;
pub mod workloads;
