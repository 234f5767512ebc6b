//! `rbac`: the permissions that `run` needs.

use super::Ending;
use super::output::OutputArgs;
use crate::source::live::Connection;
use crate::source::live::permissions::{Subject, openshift_rbac_yaml, rbac_yaml};

/// Arguments of `rbac`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Bind the roles to this service account, in the namespace given with -n (default: default)
    #[arg(long, value_name = "NAME", group = "subject")]
    service_account: Option<String>,
    /// Bind the roles to this user
    #[arg(long, value_name = "NAME", group = "subject")]
    bind_user: Option<String>,
    /// Bind the roles to this group
    #[arg(long, value_name = "NAME", group = "subject")]
    bind_group: Option<String>,
    /// Add what reading an OpenShift cluster needs
    #[arg(long)]
    openshift: bool,
    #[command(flatten)]
    to: OutputArgs,
}

pub(crate) fn run(args: &Args, connection: &Connection) -> anyhow::Result<Ending> {
    let namespace = connection.namespace.as_deref().unwrap_or("default");
    let subject = if let Some(name) = &args.service_account {
        Some(Subject::ServiceAccount { namespace: namespace.into(), name: name.clone() })
    } else {
        args.bind_user.clone().map(Subject::User).or_else(|| args.bind_group.clone().map(Subject::Group))
    };
    let mut text = rbac_yaml(subject.as_ref());
    if args.openshift {
        text.push_str(&openshift_rbac_yaml(subject.as_ref()));
    }
    args.to.emit(text.as_bytes())?;
    Ok(Ending::Clean)
}
