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
