//! What makes reading a cluster impossible.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::fault::Fault;
use super::wording::{listed, span};
use crate::snapshot::Gap;

/// Why nothing could be read. The first line says what happened and where, the second what to do next.
///
/// A single path that is refused is no such error: it is a [`Gap`] in the snapshot.
#[derive(Debug, Error)]
pub enum LiveError {
    /// There is no kubeconfig, no `--server`, and this is no pod of a cluster.
    #[error(
        "no kubeconfig found: looked at {}\ngive --kubeconfig FILE or --server URL, or set KUBECONFIG; in a pod, mount its service account token",
        paths(.looked)
    )]
    NoKubeconfig {
        /// The paths that were looked at.
        looked: Vec<PathBuf>,
    },
    /// A kubeconfig cannot be read.
    #[error("cannot read the kubeconfig {}: {what}\ngive a readable file with --kubeconfig or KUBECONFIG", .path.display())]
    KubeconfigUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        what: String,
    },
    /// A kubeconfig is not what it should be.
    #[error("the kubeconfig {} is not valid: {what}\n`kubectl config view` checks it", .path.display())]
    KubeconfigInvalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it. Values are never quoted.
        what: String,
    },
    /// The kubeconfig names no current context and none was asked for.
    #[error("the kubeconfig has no current context\nname one with --context (known: {}), or set one with `kubectl config use-context`", listed(.known))]
    NoCurrentContext {
        /// The contexts that there are.
        known: Vec<String>,
    },
    /// The context is not in the kubeconfig.
    #[error("there is no context {name:?} in the kubeconfig\nknown contexts: {}", listed(.known))]
    UnknownContext {
        /// What was asked for.
        name: String,
        /// The contexts that there are.
        known: Vec<String>,
    },
    /// The cluster is not in the kubeconfig.
    #[error("there is no cluster {name:?} in the kubeconfig{}\nknown clusters: {}", of_context(.context.as_deref()), listed(.known))]
    UnknownCluster {
        /// What was asked for.
        name: String,
        /// The context that names it, if one does.
        context: Option<String>,
        /// The clusters that there are.
        known: Vec<String>,
    },
    /// The user is not in the kubeconfig.
    #[error("there is no user {name:?} in the kubeconfig{}\nknown users: {}", of_context(.context.as_deref()), listed(.known))]
    UnknownUser {
        /// What was asked for.
        name: String,
        /// The context that names it, if one does.
        context: Option<String>,
        /// The users that there are.
        known: Vec<String>,
    },
    /// A setting of the connection cannot be used.
    #[error("{setting} cannot be used: {what}\n{advice}")]
    Setting {
        /// The flag or field.
        setting: String,
        /// What is wrong with it.
        what: String,
        /// What to do about it.
        advice: String,
    },
    /// No connection to the server.
    #[error("no connection to {server} ({cluster}): {fault}\n{}", .fault.advice())]
    Connection {
        /// The server's URL.
        server: String,
        /// The name of the cluster.
        cluster: String,
        /// What failed.
        fault: Fault,
    },
    /// The server refused the credentials.
    #[error("{server} ({cluster}) did not accept the credentials (401): {what}\n{advice}")]
    Unauthorized {
        /// The server's URL.
        server: String,
        /// The name of the cluster.
        cluster: String,
        /// What the server said, or what is known to be wrong with the credentials.
        what: String,
        /// What to do about it.
        advice: String,
    },
    /// The client certificate has expired.
    #[error(
        "the client certificate for {server} ({cluster}) expired at {not_after}\nrenew it (kubeadm: `kubeadm certs renew`), or log in again"
    )]
    ClientCertificateExpired {
        /// The server's URL.
        server: String,
        /// The name of the cluster.
        cluster: String,
        /// When it expired.
        not_after: jiff::Timestamp,
    },
    /// The credential plugin is not installed.
    #[error("the credential plugin `{command}` of the kubeconfig cannot be started: {what}\n{hint}")]
    PluginMissing {
        /// The program.
        command: String,
        /// Why it cannot be started.
        what: String,
        /// How to install it.
        hint: String,
    },
    /// The credential plugin failed.
    #[error("the credential plugin `{command}` of the kubeconfig failed ({status}){}\nrun it by hand to see more, or log in again", said(.stderr))]
    PluginFailed {
        /// The program.
        command: String,
        /// How it ended.
        status: String,
        /// The last line it wrote to its standard error, if that was caught.
        stderr: String,
    },
    /// The credential plugin did not end.
    #[error("the credential plugin `{command}` of the kubeconfig did not end within {}{}\nit may be waiting for a login: run it by hand, or give it more time with --timeout", span(*.after), said(.stderr))]
    PluginHung {
        /// The program.
        command: String,
        /// How long it was given.
        after: Duration,
        /// The last line it wrote to its standard error, if that was caught.
        stderr: String,
    },
    /// The credential plugin gave no credentials.
    #[error(
        "the credential plugin `{command}` of the kubeconfig gave no credentials: {what}\nrun it by hand to see what it prints; it should be an ExecCredential"
    )]
    PluginOutput {
        /// The program.
        command: String,
        /// What is wrong with its output, which is never quoted.
        what: String,
    },
    /// Something answers, but it is no Kubernetes API.
    #[error(
        "{server} ({cluster}) does not answer like a Kubernetes API: {what}\ncheck the address; a proxy or a login page may be in between"
    )]
    NotKubernetes {
        /// The server's URL.
        server: String,
        /// The name of the cluster.
        cluster: String,
        /// What it answers.
        what: String,
    },
    /// Every request was refused.
    #[error(
        "{server} ({cluster}) refused every request (403): {what}\ngrant read access with `kubectl logaudit rbac | kubectl apply -f -`"
    )]
    Forbidden {
        /// The server's URL.
        server: String,
        /// The name of the cluster.
        cluster: String,
        /// What it said about the first.
        what: String,
    },
    /// The time was over before anything was read.
    #[error("nothing could be read from {server} ({cluster}) within {} (last: {doing})\ngive it more time with --timeout, or see whether `kubectl version` is as slow", span(*.after))]
    Deadline {
        /// The server's URL.
        server: String,
        /// The name of the cluster.
        cluster: String,
        /// The time limit.
        after: Duration,
        /// What was being done.
        doing: String,
    },
    /// Nothing could be read, for several reasons.
    #[error(
        "nothing could be read from {server} ({cluster}): {gap}\nsee whether `kubectl version` reaches the cluster"
    )]
    Nothing {
        /// The server's URL.
        server: String,
        /// The name of the cluster.
        cluster: String,
        /// The first gap.
        gap: Box<Gap>,
    },
    /// The program itself failed.
    #[error("internal error while reading the cluster: {0}\nplease report it")]
    Internal(String),
}

fn paths(looked: &[PathBuf]) -> String {
    let all: Vec<String> = looked.iter().map(|path| path.display().to_string()).collect();
    listed(&all)
}

fn of_context(context: Option<&str>) -> String {
    context.map(|context| format!(", which its context {context:?} names")).unwrap_or_default()
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(": {stderr}") }
}
