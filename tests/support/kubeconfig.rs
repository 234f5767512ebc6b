//! Real kubeconfig files in a folder of their own.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::pki::ClientCertificate;
use super::server::RecordedServer;

/// One context with a cluster and a user of its own.
#[derive(Clone, Debug)]
pub struct Context {
    name: String,
    cluster: Value,
    user: User,
    namespace: Option<String>,
}

#[derive(Clone, Debug)]
enum User {
    Fields(Value),
    Exec(ExecPlugin),
}

impl Context {
    /// A context whose cluster is this server, verified by its authority; without credentials.
    pub fn for_server(name: &str, server: &RecordedServer) -> Self {
        Self::at(name, &server.url()).ca(&server.ca_pem())
    }

    /// A context whose cluster is at any URL, such as a closed port.
    pub fn at(name: &str, url: &str) -> Self {
        Self {
            name: name.to_owned(),
            cluster: json!({"server": url}),
            user: User::Fields(json!({})),
            namespace: None,
        }
    }

    /// Trusts this authority and no other.
    #[must_use]
    pub fn ca(mut self, pem: &str) -> Self {
        self.cluster["certificate-authority-data"] = json!(STANDARD.encode(pem));
        self
    }

    /// Logs in with a bearer token.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.user = User::Fields(json!({"token": token}));
        self
    }

    /// Logs in with a client certificate.
    #[must_use]
    pub fn client_certificate(mut self, certificate: &ClientCertificate) -> Self {
        self.user = User::Fields(json!({
            "client-certificate-data": STANDARD.encode(&certificate.cert_pem),
            "client-key-data": STANDARD.encode(&certificate.key_pem)
        }));
        self
    }

    /// Logs in with what a plugin prints.
    #[must_use]
    pub fn exec(mut self, plugin: ExecPlugin) -> Self {
        self.user = User::Exec(plugin);
        self
    }

    /// Reaches the server through a proxy.
    #[must_use]
    pub fn proxy_url(mut self, url: &str) -> Self {
        self.cluster["proxy-url"] = json!(url);
        self
    }

    /// Verifies the server's certificate against this name instead of the URL's.
    #[must_use]
    pub fn tls_server_name(mut self, name: &str) -> Self {
        self.cluster["tls-server-name"] = json!(name);
        self
    }

    /// Does not verify the server. The authority is dropped, as kubectl refuses both at once.
    #[must_use]
    pub fn insecure_skip_tls_verify(mut self) -> Self {
        let cluster = self.cluster.as_object_mut().expect("a cluster is a mapping");
        cluster.remove("certificate-authority-data");
        cluster.insert("insecure-skip-tls-verify".to_owned(), json!(true));
        self
    }

    /// The namespace of the context.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }
}

/// A credential plugin. Scripts are written beside the kubeconfig that names them.
#[derive(Clone, Debug)]
pub struct ExecPlugin {
    run: Run,
    args: Vec<String>,
    env: Vec<(String, String)>,
    install_hint: Option<String>,
}

#[derive(Clone, Debug)]
enum Run {
    Command(PathBuf),
    Script { name: &'static str, body: String },
}

impl ExecPlugin {
    /// Any command.
    pub fn command(path: impl Into<PathBuf>) -> Self {
        Self::new(Run::Command(path.into()))
    }

    /// A script that prints an `ExecCredential` with this token.
    pub fn succeeding(token: &str) -> Self {
        let credential =
            json!({"apiVersion": EXEC_API, "kind": "ExecCredential", "status": {"token": token}});
        Self::printing("plugin-succeeding", &credential.to_string())
    }

    /// A script that succeeds and prints something that is no credential.
    pub fn babbling(text: &str) -> Self {
        Self::printing("plugin-babbling", text)
    }

    /// A script that says why on stderr and exits with 1.
    pub fn failing(message: &str) -> Self {
        let body = format!("printf '%s\\n' {} >&2\nexit 1\n", quote(message));
        Self::new(Run::Script { name: "plugin-failing", body })
    }

    /// Any script.
    pub fn script(name: &'static str, body: &str) -> Self {
        Self::new(Run::Script { name, body: body.to_owned() })
    }

    /// A script that does not come back, as one that waits for a login in a browser.
    pub fn hanging() -> Self {
        Self::new(Run::Script { name: "plugin-hanging", body: "exec sleep 600\n".to_owned() })
    }

    /// A command that is not installed.
    pub fn missing() -> Self {
        Self::command("logaudit-plugin-that-is-not-installed")
            .install_hint("Install it with the package manager of your choice.")
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// Adds a variable to the plugin's environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What to tell a user who does not have the command.
    #[must_use]
    pub fn install_hint(mut self, hint: &str) -> Self {
        self.install_hint = Some(hint.to_owned());
        self
    }

    fn new(run: Run) -> Self {
        Self { run, args: Vec::new(), env: Vec::new(), install_hint: None }
    }

    fn printing(name: &'static str, text: &str) -> Self {
        Self::new(Run::Script { name, body: format!("printf '%s\\n' {}\n", quote(text)) })
    }

    fn user(&self, folder: &Path, context: &str) -> Value {
        let command = match &self.run {
            Run::Command(path) => path.clone(),
            Run::Script { name, body } => script(&folder.join(format!("{name}-{context}")), body),
        };
        let mut exec = json!({"apiVersion": EXEC_API, "command": command, "interactiveMode": "Never"});
        if !self.args.is_empty() {
            exec["args"] = json!(self.args);
        }
        if !self.env.is_empty() {
            exec["env"] =
                self.env.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        }
        if let Some(hint) = &self.install_hint {
            exec["installHint"] = json!(hint);
        }
        json!({"exec": exec})
    }
}

const EXEC_API: &str = "client.authentication.k8s.io/v1";

/// A kubeconfig file; it goes away with its folder when this is dropped.
pub struct Kubeconfig {
    folder: TempDir,
    path: PathBuf,
}

impl Kubeconfig {
    /// A file with one context, which is the current one.
    pub fn new(context: Context) -> Self {
        let current = context.name.clone();
        Self::several(Some(&current), &[context])
    }

    /// A file with several contexts, of which `current` is the current one.
    pub fn several(current: Option<&str>, contexts: &[Context]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = json!({
            "apiVersion": "v1", "kind": "Config", "preferences": {},
            "clusters": [], "users": [], "contexts": []
        });
        for Context { name, cluster, user, namespace } in contexts {
            let user = match user {
                User::Fields(fields) => fields.clone(),
                User::Exec(plugin) => plugin.user(folder.path(), name),
            };
            let (cluster_name, user_name) = (format!("{name}-cluster"), format!("{name}-user"));
            let mut context = json!({"cluster": cluster_name, "user": user_name});
            if let Some(namespace) = namespace {
                context["namespace"] = json!(namespace);
            }
            push(&mut config["clusters"], json!({"name": cluster_name, "cluster": cluster}));
            push(&mut config["users"], json!({"name": user_name, "user": user}));
            push(&mut config["contexts"], json!({"name": name, "context": context}));
        }
        if let Some(current) = current {
            config["current-context"] = json!(current);
        }
        Self::write(folder, &serde_yaml::to_string(&config).expect("a kubeconfig as YAML"))
    }

    /// A file with any text, such as a broken one.
    pub fn raw(text: &str) -> Self {
        Self::write(tempfile::tempdir().expect("a temporary folder"), text)
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder the file and its scripts are in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn write(folder: TempDir, text: &str) -> Self {
        let path = folder.path().join("config");
        fs::write(&path, text).expect("a written kubeconfig");
        Self { folder, path }
    }
}

/// Writes an executable shell script and returns its path.
pub fn script(path: &Path, body: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, format!("#!/bin/sh\n{body}")).expect("a written script");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("an executable script");
    path.to_owned()
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn push(list: &mut Value, entry: Value) {
    list.as_array_mut().expect("a list").push(entry);
}
