//! `rbac`: the permissions that `run` needs.

use super::Ending;
use super::output::OutputArgs;
use crate::source::live::{self, Connection};

/// Arguments of `rbac`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Bind the roles to this service account, in the namespace given with -n
    #[arg(long, value_name = "NAME")]
    service_account: Option<String>,
    /// Add what reading an OpenShift cluster needs
    #[arg(long)]
    openshift: bool,
    #[command(flatten)]
    to: OutputArgs,
}

pub(crate) fn run(args: &Args, connection: &Connection) -> anyhow::Result<Ending> {
    let namespace = connection.namespace.as_deref().unwrap_or("default");
    let subject = args.service_account.as_deref().map(|name| live::Subject::named(name, namespace));
    let mut text = live::rbac_yaml(subject.as_ref());
    if args.openshift {
        text.push_str("---\n");
        text.push_str(&live::openshift_rbac_yaml(subject.as_ref()));
    }
    args.to.emit(text.as_bytes())?;
    Ok(Ending::Clean)
}
