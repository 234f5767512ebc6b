//! Where to connect and as whom: kubectl's flags laid over the kubeconfig.
//!
//! The rules are those of `k8s.io/client-go/tools/clientcmd`. Some differ on purpose:
//!
//! - A user that the context names and the kubeconfig does not have is an error; kubectl goes on anonymously.
//! - `--token` and `--client-certificate` replace all credentials; kubectl sends the kubeconfig's certificate along
//!   with a token, and the server then prefers the certificate.
//! - A server's address without a scheme is HTTPS; kubectl would send the token over plain HTTP.
//! - `--server` without a kubeconfig stands alone, in a pod too: the pod's token is not for another server.

use std::path::Path;

use http::Uri;
use jiff::Timestamp;
use kube::Config;
use kube::config::{AuthInfo, Cluster, Context, ExecConfig, Kubeconfig, NamedContext};

use super::connection::Connection;
use super::error::{LiveError, setting};
use super::flags::Flags;
use super::proxy::{self, Environment};
use super::wording::one_line;
use super::{credentials, kubeconfig};
use crate::snapshot::ClusterIdentity;
use crate::snapshot::redact::scrub;

/// Where the token of a pod's service account is mounted.
const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// A cluster and how to get at it.
pub(super) struct Endpoint {
    /// For the HTTP client. The credential plugin is taken out of it.
    pub config: Config,
    /// Under which name the report speaks of it.
    pub cluster: ClusterIdentity,
    /// The plugin that gives the credentials.
    pub plugin: Option<ExecConfig>,
    /// When the client certificate expires.
    pub not_after: Option<Timestamp>,
}

impl Endpoint {
    /// The server's URL as it may be shown.
    pub(super) fn server(&self) -> &str {
        self.cluster.server.as_deref().unwrap_or_default()
    }
}

/// Lays the flags over the kubeconfig, or over the service account of the pod.
pub(super) fn resolve(connection: &Connection, environment: Environment<'_>) -> Result<Endpoint, LiveError> {
    let flags = Flags::of(connection);
    if flags.impersonate.is_none() && (!flags.groups.is_empty() || flags.uid.is_some()) {
        return Err(setting(
            if flags.groups.is_empty() { "--as-uid" } else { "--as-group" },
            "nobody is impersonated",
            "name the user with --as",
        ));
    }
    let loaded = kubeconfig::load(connection.kubeconfig.as_deref(), environment)?;
    let Some(config) = loaded.config else {
        if let Some(name) = flags.context {
            return Err(LiveError::UnknownContext { name: name.into(), known: Vec::new() });
        }
        if flags.server.is_some() {
            return from_kubeconfig(&flags, &Kubeconfig::default(), environment);
        }
        return if in_pod(environment) {
            in_cluster(&flags, environment)
        } else {
            Err(LiveError::NoKubeconfig { looked: loaded.looked })
        };
    };
    from_kubeconfig(&flags, &config, environment)
}

fn from_kubeconfig(
    flags: &Flags<'_>,
    config: &Kubeconfig,
    environment: Environment<'_>,
) -> Result<Endpoint, LiveError> {
    let context_name = flags.context.or(config.current_context.as_deref());
    let context = match context_name {
        Some(name) => config
            .contexts
            .iter()
            .find(|named| named.name == name)
            .map(|named| named.context.clone().unwrap_or_default())
            .ok_or_else(|| LiveError::UnknownContext {
                name: name.into(),
                known: config.contexts.iter().map(|named| named.name.clone()).collect(),
            })?,
        None if flags.server.is_some() || flags.cluster.is_some() => Context::default(),
        None => {
            return Err(LiveError::NoCurrentContext {
                known: config.contexts.iter().map(|named| named.name.clone()).collect(),
            });
        }
    };
    let mut cluster = select_cluster(flags, config, &context, context_name)?;
    let mut user = select_user(flags, config, &context, context_name)?;
    flags.apply_to_cluster(&mut cluster);
    flags.apply_to_user(&mut user);
    let address = cluster.server.as_deref().ok_or_else(|| {
        let name = flags.cluster.unwrap_or(&context.cluster);
        setting(
            format!("the cluster {name:?} of the kubeconfig"),
            "it has no server",
            "name one with --server",
        )
    })?;
    let url = server_url(address)?;
    // A context's name says nothing about a cluster that was named otherwise.
    let name = match (flags.server, flags.cluster) {
        (Some(_), _) => url.authority().map(ToString::to_string).unwrap_or_default(),
        (None, Some(cluster)) => cluster.to_owned(),
        (None, None) => context_name.unwrap_or_default().to_owned(),
    };
    let mut settings = Config::new(url);
    settings.root_cert = credentials::authorities(&cluster)?;
    settings.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    settings.disable_compression = cluster.disable_compression.unwrap_or(false);
    settings.tls_server_name = cluster.tls_server_name.clone();
    let plugin = credentials::take_plugin(&mut user, &cluster)?;
    settings.auth_info = user;
    finish(settings, name, plugin, cluster.proxy_url.as_deref(), environment)
}

fn select_cluster(
    flags: &Flags<'_>,
    config: &Kubeconfig,
    context: &Context,
    context_name: Option<&str>,
) -> Result<Cluster, LiveError> {
    let name = flags.cluster.unwrap_or(&context.cluster);
    let found = config.clusters.iter().find(|named| named.name == name).map(|named| named.cluster.clone());
    match found {
        Some(cluster) => Ok(cluster.unwrap_or_default()),
        None if flags.cluster.is_none() && (flags.server.is_some() || name.is_empty()) => {
            Ok(Cluster::default())
        }
        None => Err(LiveError::UnknownCluster {
            name: name.into(),
            context: context_name.filter(|_| flags.cluster.is_none()).map(str::to_owned),
            known: config.clusters.iter().map(|named| named.name.clone()).collect(),
        }),
    }
}

fn select_user(
    flags: &Flags<'_>,
    config: &Kubeconfig,
    context: &Context,
    context_name: Option<&str>,
) -> Result<AuthInfo, LiveError> {
    let Some(name) = flags.user.or(context.user.as_deref()).filter(|name| !name.is_empty()) else {
        return Ok(AuthInfo::default());
    };
    let found =
        config.auth_infos.iter().find(|named| named.name == name).map(|named| named.auth_info.clone());
    match found {
        Some(user) => Ok(user.unwrap_or_default()),
        None if flags.user.is_none() && flags.have_credentials() => Ok(AuthInfo::default()),
        None => Err(LiveError::UnknownUser {
            name: name.into(),
            context: context_name.filter(|_| flags.user.is_none()).map(str::to_owned),
            known: config.auth_infos.iter().map(|named| named.name.clone()).collect(),
        }),
    }
}

/// The contexts of a kubeconfig's text, each with the server it leads to. Relative paths in it are relative to the folder
/// of `path`, but no file is opened.
///
/// # Errors
/// It is no kubeconfig. No value in it is quoted.
pub fn contexts(text: &[u8], path: &Path) -> Result<Vec<ClusterIdentity>, LiveError> {
    Ok(contexts_of(&kubeconfig::parse(text, path)?))
}

/// The contexts among which a run without `--kubeconfig` chooses; none if the kubeconfig cannot be read.
pub(super) fn usual_contexts(environment: Environment<'_>) -> Vec<ClusterIdentity> {
    let loaded = kubeconfig::load(None, environment).ok();
    loaded.and_then(|loaded| loaded.config).map(|config| contexts_of(&config)).unwrap_or_default()
}

fn contexts_of(config: &Kubeconfig) -> Vec<ClusterIdentity> {
    let server = |context: &Context| {
        let named = config.clusters.iter().find(|named| named.name == context.cluster)?;
        let url = server_url(named.cluster.as_ref()?.server.as_deref()?).ok()?;
        Some(shown(&url))
    };
    let identity = |named: &NamedContext| ClusterIdentity {
        name: named.name.clone(),
        server: named.context.as_ref().and_then(server),
    };
    config.contexts.iter().map(identity).collect()
}

/// A server's URL as it may be shown.
fn shown(url: &Uri) -> String {
    scrub(url.to_string().trim_end_matches('/')).into_owned()
}

/// As client-go decides it: a cluster's own address and port in the environment, and a mounted token.
fn in_pod(environment: Environment<'_>) -> bool {
    ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"]
        .into_iter()
        .all(|name| environment(name).is_some_and(|value| !value.is_empty()))
        && Path::new(SERVICE_ACCOUNT_TOKEN).exists()
}

fn in_cluster(flags: &Flags<'_>, environment: Environment<'_>) -> Result<Endpoint, LiveError> {
    let mut settings = Config::incluster().map_err(|error| {
        setting(
            "the service account of this pod",
            one_line(&error.to_string()),
            "mount its token and ca.crt, or give --kubeconfig",
        )
    })?;
    let mut cluster = Cluster::default();
    flags.apply_to_cluster(&mut cluster);
    if let Some(bundle) = credentials::authorities(&cluster)? {
        settings.root_cert = Some(bundle);
        settings.root_cert_file = None;
    }
    settings.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    settings.disable_compression = cluster.disable_compression.unwrap_or(false);
    settings.tls_server_name = cluster.tls_server_name;
    flags.apply_to_user(&mut settings.auth_info);
    finish(settings, "in-cluster".into(), None, None, environment)
}

fn finish(
    mut settings: Config,
    name: String,
    plugin: Option<ExecConfig>,
    proxy_url: Option<&str>,
    environment: Environment<'_>,
) -> Result<Endpoint, LiveError> {
    settings.proxy_url =
        proxy::choose(proxy_url, &settings.cluster_url, environment).map_err(|(name, what)| {
            setting(name, what, "write it as http://host:port, https://… or socks5://…")
        })?;
    credentials::settle(&mut settings.auth_info)?;
    let not_after = credentials::client_certificate(&settings.auth_info)?;
    let server = shown(&settings.cluster_url);
    Ok(Endpoint {
        config: settings,
        cluster: ClusterIdentity { name, server: Some(server) },
        plugin,
        not_after,
    })
}

/// A server's address as a URL without user information. Without a scheme it is HTTPS.
fn server_url(address: &str) -> Result<Uri, LiveError> {
    let wrong = |what: &str| {
        setting(
            format!("the server's address {:?}", scrub(address)),
            what,
            "write it as https://host:port, with --server or in the kubeconfig",
        )
    };
    let text = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let uri: Uri = text.parse().map_err(|_| wrong("it is not a URL"))?;
    let mut parts = uri.into_parts();
    if !matches!(parts.scheme.as_ref().map(http::uri::Scheme::as_str), Some("http" | "https")) {
        return Err(wrong("only http and https are supported"));
    }
    let authority = parts.authority.take().filter(|authority| !authority.host().is_empty());
    let authority = authority.ok_or_else(|| wrong("it names no host"))?;
    let bare = authority.as_str().rsplit('@').next().unwrap_or_default();
    parts.authority = Some(bare.parse().map_err(|_| wrong("it is not a URL"))?);
    Uri::from_parts(parts).map_err(|_| wrong("it is not a URL"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;
    use std::ffi::OsString;
    use std::path::PathBuf;

    const FILE: &str = r"
current-context: prod
clusters:
- {name: prod, cluster: {server: 'https://prod.example:6443/base', tls-server-name: kube, insecure-skip-tls-verify: true, proxy-url: 'http://user:pw@proxy:1'}}
- {name: other, cluster: {server: 'https://other.example'}}
- {name: empty, cluster: {}}
users:
- {name: token, user: {token: t1, exec: {command: login, apiVersion: v1}}}
- {name: plugin, user: {as: boss, exec: {command: login, apiVersion: v1, provideClusterInfo: true}}}
- {name: old, user: {auth-provider: {name: gcp, config: {}}}}
contexts:
- {name: prod, context: {cluster: prod, user: token}}
- {name: plug, context: {cluster: other, user: plugin}}
- {name: dangling-user, context: {cluster: prod, user: gone}}
- {name: dangling-cluster, context: {cluster: gone, user: token}}
- {name: serverless, context: {cluster: empty, user: token}}
- {name: anonymous, context: {cluster: other, user: ''}}
- {name: old, context: {cluster: other, user: old}}
";

    fn with(edit: impl FnOnce(&mut Connection)) -> Result<Endpoint, LiveError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, FILE).unwrap();
        let mut connection = Connection { kubeconfig: Some(path), ..Connection::default() };
        edit(&mut connection);
        resolve(&connection, &|_| None)
    }

    fn error(edit: impl FnOnce(&mut Connection)) -> String {
        with(edit).err().unwrap().to_string()
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the flags hold it")]
    fn text(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    #[test]
    fn the_current_context_is_used() {
        let endpoint = with(|_| {}).unwrap();
        assert_eq!(endpoint.cluster.name, "prod");
        assert_eq!(endpoint.server(), "https://prod.example:6443/base");
        assert_eq!(endpoint.config.tls_server_name.as_deref(), Some("kube"));
        assert!(endpoint.config.accept_invalid_certs);
        assert_eq!(endpoint.config.proxy_url.unwrap().host(), Some("proxy"));
        assert!(endpoint.plugin.is_none(), "a token comes before a plugin");
    }

    #[test]
    fn flags_lie_over_the_kubeconfig() {
        let endpoint = with(|c| c.server = text("https://user:pw@new.example:1/")).unwrap();
        assert_eq!(endpoint.server(), "https://new.example:1");
        assert_eq!(endpoint.cluster.name, "new.example:1");
        assert_eq!(endpoint.config.tls_server_name, None, "it was for the other server");
        assert!(!endpoint.config.cluster_url.to_string().contains("pw"));

        let endpoint = with(|c| (c.cluster, c.user) = (text("other"), text("plugin"))).unwrap();
        assert_eq!(endpoint.cluster.name, "other");
        let plugin = endpoint.plugin.unwrap();
        assert_eq!(plugin.cluster.unwrap().server.as_deref(), Some("https://other.example"));
        assert_eq!(endpoint.config.auth_info.impersonate.as_deref(), Some("boss"));

        let endpoint = with(|c| {
            c.context = text("plug");
            c.token = text("t2");
            c.as_user = text("a");
            c.as_group = vec!["g".into()];
            c.as_uid = text("7");
            c.disable_compression = Some(true);
        })
        .unwrap();
        assert!(endpoint.plugin.is_none());
        let user = endpoint.config.auth_info;
        assert_eq!(user.token.unwrap().expose_secret(), "t2");
        assert_eq!((user.impersonate.as_deref(), user.impersonate_uid.as_deref()), (Some("a"), Some("7")));
        assert_eq!(user.impersonate_groups.unwrap(), ["g"]);
        assert!(endpoint.config.disable_compression);

        let endpoint = with(|c| c.insecure_skip_tls_verify = Some(false)).unwrap();
        assert!(!endpoint.config.accept_invalid_certs);
        assert!(with(|c| c.context = text("anonymous")).is_ok());
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        let e = error(|c| c.context = text("nope"));
        assert!(e.contains("no context \"nope\"") && e.contains("prod, plug"), "{e}");
        let e = error(|c| c.cluster = text("nope"));
        assert!(e.contains("no cluster \"nope\"") && e.contains("prod, other"), "{e}");
        let e = error(|c| c.user = text("nope"));
        assert!(e.contains("no user \"nope\"") && e.contains("token, plugin"), "{e}");
        let e = error(|c| c.context = text("dangling-user"));
        assert!(e.contains("which its context \"dangling-user\" names"), "{e}");
        assert!(with(|c| (c.context, c.token) = (text("dangling-user"), text("t"))).is_ok());
        let e = error(|c| c.context = text("dangling-cluster"));
        assert!(e.contains("no cluster \"gone\""), "{e}");
        assert!(with(|c| (c.context, c.server) = (text("dangling-cluster"), text("https://x"))).is_ok());
        let e = error(|c| c.context = text("serverless"));
        assert!(e.contains("it has no server"), "{e}");
        let e = error(|c| c.context = text("old"));
        assert!(e.contains("removed it in 1.26"), "{e}");
        let e = error(|c| c.as_group = vec!["g".into()]);
        assert!(e.contains("--as-group cannot be used"), "{e}");
        let e = error(|c| c.certificate_authority = Some("/does/not/exist".into()));
        assert!(e.contains("/does/not/exist: No such file"), "{e}");
        let e = error(|c| c.client_certificate = Some("/does/not/exist".into()));
        assert!(e.contains("/does/not/exist: No such file"), "{e}");
    }

    #[test]
    fn a_server_works_alone() {
        let alone = |server: &str| {
            let connection = Connection { server: text(server), token: text("t"), ..Connection::default() };
            resolve(&connection, &|_| None)
        };
        assert_eq!(alone("10.0.0.1:6443").unwrap().server(), "https://10.0.0.1:6443");
        assert_eq!(alone("http://localhost:8001").unwrap().server(), "http://localhost:8001");
        for wrong in ["ftp://x", "https://", "https://a b", ""] {
            assert!(alone(wrong).is_err(), "{wrong}");
        }
        let nothing =
            resolve(&Connection::default(), &|name| (name == "HOME").then(|| OsString::from("/none")));
        assert!(nothing.err().unwrap().to_string().contains("/none/.kube/config"));
    }

    #[test]
    fn contexts_are_listed_with_their_servers_and_without_what_is_secret() {
        let listed = contexts(FILE.as_bytes(), Path::new("/home/x/.kube/config")).unwrap();
        let listed: Vec<_> =
            listed.iter().map(|context| (context.name.as_str(), context.server.as_deref())).collect();
        assert_eq!(listed[0], ("prod", Some("https://prod.example:6443/base")));
        assert_eq!(listed[3], ("dangling-cluster", None));
        assert_eq!(listed.len(), 7);
        let secret = "clusters: [{name: a, cluster: {server: 'https://u:hunter2@h'}}]\ncontexts: [{name: a, context: {cluster: a}}]";
        let listed = contexts(secret.as_bytes(), Path::new("")).unwrap();
        assert_eq!(listed[0].server.as_deref(), Some("https://h"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, FILE).unwrap();
        let environment = |name: &str| (name == "KUBECONFIG").then(|| path.clone().into_os_string());
        assert_eq!(usual_contexts(&environment).len(), 7);
        assert!(usual_contexts(&|_| None).is_empty());
    }

    #[test]
    fn a_bundle_is_checked() {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("ca.crt");
        std::fs::write(&path, "no certificate").unwrap();
        let e = error(|c| c.certificate_authority = Some(path.clone()));
        assert!(e.contains("no certificate in it"), "{e}");
        let made = rcgen::generate_simple_self_signed(vec!["x".into()]).unwrap();
        std::fs::write(&path, made.cert.pem() + &made.cert.pem()).unwrap();
        let endpoint = with(|c| c.certificate_authority = Some(path.clone())).unwrap();
        assert_eq!(endpoint.config.root_cert.unwrap().len(), 2);
        assert!(!endpoint.config.accept_invalid_certs, "a CA takes the place of not checking");
    }

    #[test]
    fn a_certificate_without_its_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.crt");
        let made = rcgen::generate_simple_self_signed(vec!["x".into()]).unwrap();
        std::fs::write(&path, made.cert.pem()).unwrap();
        let e = error(|c| c.client_certificate = Some(path.clone()));
        assert!(e.contains("client-key of the user cannot be used: it is missing"), "{e}");
    }

    proptest! {
        #[test]
        fn arbitrary_addresses_never_panic(address in "\\PC{0,30}|(https?://)?[a-z@:\\[\\]/?#.0-9]{0,20}") {
            if let Ok(url) = server_url(&address) {
                prop_assert!(url.host().is_some());
                prop_assert!(!url.authority().unwrap().as_str().contains('@'));
            }
        }
    }
}
