//! What of the kubeconfig tells which provider runs the cluster.

use super::connection::Connection;
use super::flags::Flags;
use super::kubeconfig;
use super::proxy::Environment;
use crate::source::cloud::signs::Kubeconfig;

/// The names and the credential plugin that a connection uses. Nothing is checked: what is wrong with it, reading the
/// cluster tells.
pub fn provider_signs(connection: &Connection) -> Kubeconfig {
    signs(connection, &|name| std::env::var_os(name))
}

fn signs(connection: &Connection, environment: Environment<'_>) -> Kubeconfig {
    let flags = Flags::of(connection);
    let loaded = kubeconfig::load(connection.kubeconfig.as_deref(), environment).ok();
    let config = loaded.and_then(|loaded| loaded.config).unwrap_or_default();
    let name = flags.context.or(config.current_context.as_deref());
    let context = config.contexts.iter().find(|named| Some(named.name.as_str()) == name);
    let context = context.and_then(|named| named.context.clone()).unwrap_or_default();
    let cluster = flags.cluster.unwrap_or(&context.cluster);
    let user = flags.user.or(context.user.as_deref()).unwrap_or_default();
    // Names say nothing of a server that was given in place of theirs.
    if let Some(server) = flags.server {
        return Kubeconfig { server: server.to_owned(), ..Kubeconfig::default() };
    }
    let server = config.clusters.iter().find(|named| named.name == cluster);
    let server = server.and_then(|named| named.cluster.as_ref()?.server.clone()).unwrap_or_default();
    let auth = config.auth_infos.iter().find(|named| named.name == user);
    let exec = auth.and_then(|named| named.auth_info.as_ref()?.exec.clone());
    let (command, args, env) = exec.map_or_else(Default::default, |exec| {
        let env = exec.env.unwrap_or_default();
        let pair = |entry: &_| variable(entry);
        let env: Vec<(String, String)> = env.iter().filter_map(pair).collect();
        (exec.command.unwrap_or_default(), exec.args.unwrap_or_default(), env)
    });
    Kubeconfig { server, cluster: cluster.to_owned(), user: user.to_owned(), command, args, env }
}

#[expect(clippy::disallowed_types, reason = "kube's type; only looked up")]
fn variable(entry: &std::collections::HashMap<String, String>) -> Option<(String, String)> {
    let name = entry.get("name").filter(|name| !name.is_empty() && !name.contains(['=', '\0']))?;
    Some((name.clone(), entry.get("value")?.clone()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::analyze::cloud::provider::{Identity, identity};
    use crate::snapshot::cloud::CloudProvider;
    use crate::snapshot::{Scope, Snapshot};

    /// What a kubeconfig in `tests/recordings/cloud/kubeconfig` tells, all but that of AKS written by the providers' tools.
    fn told(file: &str, change: impl FnOnce(&mut Connection)) -> Identity {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/cloud/kubeconfig");
        let mut connection = Connection { kubeconfig: Some(folder.join(file)), ..Connection::default() };
        change(&mut connection);
        let mut snapshot = Snapshot::empty(Scope::Cluster, "example");
        snapshot.cloud.signs = signs(&connection, &|_| None).signs();
        identity(&snapshot)
    }

    #[test]
    fn kubeconfigs_of_the_providers_tell_which_cluster_it_is() {
        use CloudProvider::{Aks, Eks, Gke};
        for (file, provider, cluster, location, account, group) in [
            ("eks.yaml", Eks, "demo-all", Some("us-east-1"), Some("123456789012"), None),
            ("eks-role-profile.yaml", Eks, "demo-all", Some("us-east-1"), Some("123456789012"), None),
            ("gke.yaml", Gke, "demo", Some("europe-west1"), Some("acme-prod"), None),
            ("gke-dns.yaml", Gke, "demo", Some("europe-west1"), Some("acme-prod"), None),
            ("aks.yaml", Aks, "demo", Some("westeurope"), None, Some("rg-prod")),
        ] {
            let found = told(file, |_| ());
            assert_eq!((found.provider, found.is_sure), (Some(provider), true), "{file}");
            assert_eq!(found.cluster.as_deref(), Some(cluster), "{file}");
            assert_eq!(found.location.as_deref(), location, "{file}");
            assert_eq!(found.account.as_deref(), account, "{file}");
            assert_eq!(found.group.as_deref(), group, "{file}");
            assert!(!found.evidence.is_empty(), "{file}");
        }
    }

    #[test]
    fn the_names_of_a_kubeconfig_say_nothing_of_another_server() {
        let found = told("eks.yaml", |connection| connection.server = Some("https://192.0.2.1:6443".into()));
        assert_eq!((found.provider, found.cluster), (None, None));
        let found = told("eks.yaml", |connection| connection.context = Some("nosuch".into()));
        assert_eq!(found.provider, None);
    }
}
