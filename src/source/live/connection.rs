//! The flags by which kubectl is told where the cluster is and who asks.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{ArgAction, Args};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use super::resolve::usual_contexts;

const HEADING: &str = "Connection";

/// kubectl's connection flags, with kubectl's meaning, at any depth of the command line.
///
/// An empty value counts as not given. It has no `Debug` that shows the token.
#[derive(Args, Clone, Default)]
pub struct Connection {
    /// Context of the kubeconfig to use, instead of its current one
    #[arg(long, global = true, value_name = "NAME", help_heading = HEADING, add = ArgValueCandidates::new(contexts))]
    pub context: Option<String>,
    /// Kubeconfig file to use, instead of those in KUBECONFIG or ~/.kube/config
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    pub kubeconfig: Option<PathBuf>,
    /// Cluster of the kubeconfig to use
    #[arg(long, global = true, value_name = "NAME", help_heading = HEADING)]
    pub cluster: Option<String>,
    /// User of the kubeconfig to use
    #[arg(long, global = true, value_name = "NAME", help_heading = HEADING)]
    pub user: Option<String>,
    /// Accepted as kubectl does; the control plane is read wherever it is
    #[arg(short = 'n', long, global = true, value_name = "NAME", help_heading = HEADING)]
    pub namespace: Option<String>,
    /// Address of the API server; works without a kubeconfig too
    #[arg(short = 's', long, global = true, value_name = "URL", help_heading = HEADING)]
    pub server: Option<String>,
    /// Bearer token, in place of all credentials of the kubeconfig; other users of this machine can see it
    #[arg(long, global = true, value_name = "TOKEN", help_heading = HEADING)]
    pub token: Option<String>,
    /// User to impersonate
    #[arg(long = "as", global = true, value_name = "USER", help_heading = HEADING)]
    pub as_user: Option<String>,
    /// Group to impersonate; may be given several times
    #[arg(long, global = true, value_name = "GROUP", help_heading = HEADING)]
    pub as_group: Vec<String>,
    /// UID to impersonate
    #[arg(long, global = true, value_name = "UID", help_heading = HEADING)]
    pub as_uid: Option<String>,
    /// File with the certificate authorities by which the server is known
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    pub certificate_authority: Option<PathBuf>,
    /// File with a client certificate, in place of other credentials
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    pub client_certificate: Option<PathBuf>,
    /// File with the key of the client certificate
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    pub client_key: Option<PathBuf>,
    /// Do not check the server's certificate: whoever is in between can read and forge everything
    #[arg(long, global = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true, value_name = "BOOL",
        default_missing_value = "true", help_heading = HEADING)]
    pub insecure_skip_tls_verify: Option<bool>,
    /// Name to expect in the server's certificate, instead of the host in its address
    #[arg(long, global = true, value_name = "NAME", help_heading = HEADING)]
    pub tls_server_name: Option<String>,
    /// Time limit of one request: seconds, or a number with a unit (1s, 2m); 0 for none [default: 30s]
    #[arg(long, global = true, value_name = "TIME", help_heading = HEADING)]
    pub request_timeout: Option<RequestTimeout>,
    /// Do not ask the server for compressed answers
    #[arg(long, global = true, action = ArgAction::Set, num_args = 0..=1, require_equals = true, value_name = "BOOL",
        default_missing_value = "true", help_heading = HEADING)]
    pub disable_compression: Option<bool>,
    /// How much to say about what is done; from 6 on every request
    #[arg(short = 'v', long = "v", global = true, value_name = "LEVEL", help_heading = HEADING)]
    pub verbosity: Option<u8>,
}

/// What a shell offers for `--context`.
fn contexts() -> Vec<CompletionCandidate> {
    usual_contexts(&|name| std::env::var_os(name))
        .into_iter()
        .map(|context| CompletionCandidate::new(context.name).help(context.server.map(Into::into)))
        .collect()
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("context", &self.context)
            .field("kubeconfig", &self.kubeconfig)
            .field("cluster", &self.cluster)
            .field("user", &self.user)
            .field("token", &self.token.as_ref().map(|_| "REDACTED"))
            .finish_non_exhaustive()
    }
}

/// A time limit as kubectl's `--request-timeout` reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestTimeout {
    /// `0`: a request may take as long as it takes.
    Unlimited,
    /// At most this long.
    After(Duration),
}

impl FromStr for RequestTimeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let duration = match text.parse::<u64>() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => go_duration(text).ok_or_else(|| {
                format!(
                    "{text:?} is no time: give seconds, or numbers with units such as 500ms, 30s, 1m30s, 2h"
                )
            })?,
        };
        Ok(if duration.is_zero() { Self::Unlimited } else { Self::After(duration) })
    }
}

/// A duration as Go's `time.ParseDuration` reads it, without a minus sign; none for anything else.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, tail) = rest.split_at_checked(end)?;
        // `.` and `1.2.3` are no numbers for Rust either.
        let number: f64 = number.parse().ok()?;
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(end)?;
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = tail;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Parser, Subcommand};
    use proptest::prelude::*;

    /// The command's own words
    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        connection: Connection,
        #[command(subcommand)]
        command: Option<Command>,
    }

    #[derive(Subcommand)]
    enum Command {
        Run,
    }

    fn parse(words: &[&str]) -> Connection {
        let cli = Cli::try_parse_from(std::iter::once(&"x").chain(words)).unwrap();
        assert!(cli.command.is_none() || words.contains(&"run"));
        cli.connection
    }

    #[test]
    fn flags_are_taken_before_and_after_the_subcommand() {
        for words in [
            ["--context=a", "-s", "https://h", "--as-group=g", "--as-group", "h", "-v=6", "run"],
            ["run", "--context", "a", "-s=https://h", "--as-group=g", "--as-group=h", "-v6"]
                .map(|w| w)
                .iter()
                .copied()
                .chain(["--insecure-skip-tls-verify"])
                .collect::<Vec<_>>()
                .try_into()
                .unwrap(),
        ] {
            let connection = parse(&words);
            assert_eq!(connection.context.as_deref(), Some("a"));
            assert_eq!(connection.server.as_deref(), Some("https://h"));
            assert_eq!(connection.as_group, ["g", "h"]);
            assert_eq!(connection.verbosity, Some(6));
            assert_eq!(
                connection.insecure_skip_tls_verify,
                words.last().filter(|w| w.starts_with("--ins")).map(|_| true)
            );
        }
    }

    #[test]
    fn the_command_keeps_its_own_words() {
        let command = <Cli as clap::CommandFactory>::command();
        assert_eq!(command.get_about().map(ToString::to_string).as_deref(), Some("The command's own words"));
        command.debug_assert();
    }

    #[test]
    fn booleans_take_a_value_only_after_an_equals_sign() {
        assert_eq!(parse(&["--insecure-skip-tls-verify=false"]).insecure_skip_tls_verify, Some(false));
        assert_eq!(parse(&["--disable-compression", "run"]).disable_compression, Some(true));
        assert_eq!(parse(&["run"]).disable_compression, None);
    }

    #[test]
    fn the_token_is_not_shown() {
        let text = format!("{:?}", parse(&["--token=hunter2"]));
        assert!(text.contains("REDACTED") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn request_timeouts_mean_what_they_mean_to_kubectl() {
        for (text, expected) in [
            ("0", Some(RequestTimeout::Unlimited)),
            ("0s", Some(RequestTimeout::Unlimited)),
            ("5", Some(RequestTimeout::After(Duration::from_secs(5)))),
            ("1m30s", Some(RequestTimeout::After(Duration::from_secs(90)))),
            ("1.5h", Some(RequestTimeout::After(Duration::from_secs(5400)))),
            ("250ms", Some(RequestTimeout::After(Duration::from_millis(250)))),
            ("3µs", Some(RequestTimeout::After(Duration::from_micros(3)))),
            ("", None),
            ("1", Some(RequestTimeout::After(Duration::from_secs(1)))),
            ("1.5", None),
            ("-1", None),
            ("-1s", None),
            ("s", None),
            (".s", None),
            ("1d", None),
            ("1s2", None),
            ("999999999999999999999h", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_timeouts_never_panic(text in "[0-9.a-zµ+-]{0,12}|\\PC{0,12}") {
            let _ = text.parse::<RequestTimeout>();
        }
    }
}
