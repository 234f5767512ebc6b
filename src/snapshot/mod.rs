//! What was read, narrowed to what the analysis needs and with everything else left out.
//!
//! A snapshot is the only thing the analysis sees: the same snapshot gives the same report, byte for byte. It is
//! versioned JSON, optionally compressed with zstd; [`io`] reads and writes it, [`redact`] says what may be kept.

pub mod cloud;
pub mod container;
pub mod discovery;
pub mod exposure;
pub mod io;
pub mod model;
pub mod policy;
pub mod rbac;
pub mod reading;
pub mod redact;
pub mod resource;
mod texts;
pub mod waiver;
pub mod words;
pub mod workload;

pub use container::{ConfigMapVolume, Container, EnvSource, EnvVar, Medium, Mount};
pub use discovery::{ServedApis, ServedResource};
pub use exposure::Exposure;
pub use model::{
    Argument, AuditCounters, ClusterIdentity, DeclarationKind, DeclaredApiServer, Flagz, KubeletConfig,
    Lease, Located, Node, Note, Pod, Scope, Snapshot,
};
pub use policy::{ConfigMapKey, PolicyOrigin, PolicyText, UnreadPolicy};
pub use reading::{Gap, GapReason, Permission, Reading};
pub use resource::Resource;
pub use waiver::WaiverComment;
pub use workload::{ConfigText, Namespace, Taint, UnreadConfig, Workload, WorkloadKind, Workloads};

/// The version of the snapshot format that this program writes. It reads this version and no other.
pub const SCHEMA_VERSION: u32 = 1;

/// The `kind` that every snapshot file carries.
pub const KIND: &str = "LogauditSnapshot";
