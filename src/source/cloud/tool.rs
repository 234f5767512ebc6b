//! The providers' command-line tools: fixed commands that read, run with limits.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::fault::{gap, of_tool};
use crate::snapshot::cloud::{Call, CloudProvider};
use crate::snapshot::{Gap, GapReason};
use crate::source::process::{self, Fault, Group};
use crate::source::wording::one_line;

/// The longest that one command may take: under throttling the tools repeat themselves for seconds.
const LIMIT: Duration = Duration::from_secs(30);

/// The most that is read of what a command prints.
const MAX_OUTPUT: u64 = 64 * 1024 * 1024;

/// What keeps the tools from asking, paging, colouring, phoning home or installing something.
const QUIET: [(&str, &str); 10] = [
    ("AWS_PAGER", ""),
    ("AWS_CLI_AUTO_PROMPT", "off"),
    ("CLOUDSDK_CORE_DISABLE_PROMPTS", "1"),
    ("CLOUDSDK_CORE_DISABLE_USAGE_REPORTING", "1"),
    ("CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK", "1"),
    ("AZURE_CORE_ONLY_SHOW_ERRORS", "1"),
    ("AZURE_CORE_NO_COLOR", "1"),
    ("AZURE_CORE_COLLECT_TELEMETRY", "0"),
    ("AZURE_EXTENSION_USE_DYNAMIC_INSTALL", "no"),
    ("LC_ALL", "C.UTF-8"),
];

/// How a provider's tool is run.
pub(super) struct Tool<'a> {
    pub(super) provider: CloudProvider,
    /// Variables by which it acts as the person whom the kubeconfig names.
    pub(super) login: &'a [(String, String)],
    /// When everything has to be done.
    pub(super) deadline: Instant,
}

impl Tool<'_> {
    /// Runs one command and reads the JSON that it prints.
    pub(super) fn ask(&self, call: &Call, arguments: &[String]) -> Result<Value, Box<Gap>> {
        let left = self.deadline.saturating_duration_since(Instant::now()).min(LIMIT);
        if left.is_zero() {
            return Err(gap(call, GapReason::Timeout, "the time for everything was over; see --timeout"));
        }
        let name = program(self.provider);
        let mut command = Command::new(name);
        command.args(arguments).envs(QUIET).envs(self.login.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let ended = process::run(command, left, MAX_OUTPUT, Group::Own).map_err(|fault| match fault {
            Fault::NotStarted(error) if error.kind() == std::io::ErrorKind::NotFound => gap(
                call,
                GapReason::ToolMissing,
                format!("{name} is not in PATH; install it, or save what it prints elsewhere and give it with --cloud-file"),
            ),
            Fault::NotStarted(error) | Fault::Lost(error) => {
                gap(call, GapReason::Malformed, format!("{name}: {}", one_line(&error.to_string())))
            }
        })?;
        let stderr = String::from_utf8_lossy(&ended.stderr);
        match ended.status {
            None => {
                let after = left.as_secs_f64();
                Err(gap(call, GapReason::Timeout, format!("{name} did not end within {after:.0} s")))
            }
            Some(status) if !status.success() => Err(of_tool(self.provider, call, &stderr)),
            Some(_) if ended.is_cut => {
                Err(gap(call, GapReason::TooLarge, format!("more than {} MiB", MAX_OUTPUT >> 20)))
            }
            // Some answers are empty where nothing is set.
            Some(_) if ended.stdout.trim_ascii().is_empty() => Ok(Value::Null),
            Some(_) => serde_json::from_slice(&ended.stdout)
                .map_err(|_| gap(call, GapReason::Malformed, format!("what {name} printed is no JSON"))),
        }
    }
}

/// Whether a provider's tool can be found.
pub(super) fn is_there(provider: CloudProvider) -> bool {
    let name = program(provider);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| {
        let exact = folder.join(name);
        exact.is_file() || cfg!(windows) && exact.with_extension("exe").is_file()
    })
}

/// What a provider's tool is called here: on Windows some are scripts, which are found only by their full name.
fn program(provider: CloudProvider) -> &'static str {
    match provider {
        CloudProvider::Aks if cfg!(windows) => "az.cmd",
        CloudProvider::Gke if cfg!(windows) => "gcloud.cmd",
        other => other.tool(),
    }
}
