//! Which input a command reads: a cluster, a snapshot or manifests.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;

use super::cloud::CloudArgs;
use super::progress::Progress;
use super::{config_for, given, interrupt, output};
use crate::snapshot::{Scope, Snapshot, io};
use crate::source::live::{self, Connection};
use crate::source::manifests;

/// The input of a command.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct InputArgs {
    /// Read a snapshot that `kubectl logaudit snapshot` saved, instead of a cluster; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "filename")]
    pub(crate) snapshot: Option<PathBuf>,
    /// Read manifests instead of a cluster: files, folders, or - for standard input
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) filename: Vec<PathBuf>,
    /// Take this audit policy for the one that the apiservers load; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) policy_file: Option<PathBuf>,
    /// Take this text for the configuration of a collector or store, where it lies in a Secret or an image; may be given
    /// several times; - is standard input
    #[arg(long, value_name = "NAMESPACE/WORKLOAD=FILE", value_parser = config_for::parse)]
    pub(crate) config_for: Vec<config_for::ConfigFor>,
    #[command(flatten)]
    pub(crate) cloud: CloudArgs,
    /// Give up reading a cluster after this long
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = parse_timeout)]
    pub(crate) timeout: Duration,
}

/// A Go duration, or plain seconds as kubectl takes them.
pub(crate) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().or_else(|| crate::analyze::units::go_duration_seconds(text));
    seconds
        .filter(|seconds| (0.001..=86_400.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("`{text}` is no duration between 1ms and 24h; write 30s, 2m or 1m30s"))
}

impl InputArgs {
    /// Reads the input.
    pub(crate) fn read(&self, connection: &Connection, quiet: bool) -> anyhow::Result<Snapshot> {
        let is_stdin = |path: &PathBuf| path == Path::new("-");
        let readers = [
            self.policy_file.iter().filter(|path| is_stdin(path)).count(),
            self.config_for.iter().filter(|given| given.is_stdin()).count(),
            self.cloud.cloud_file.iter().filter(|path| is_stdin(path)).count(),
            usize::from(self.snapshot.iter().chain(&self.filename).any(is_stdin)),
        ];
        if readers.iter().sum::<usize>() > 1 {
            let what = if self.config_for.is_empty() && self.cloud.cloud_file.is_empty() {
                "the policy and the input cannot both"
            } else {
                "only one of the input, the policy, the configurations and the provider's answers can"
            };
            bail!("{what} come from standard input; give one of them as a file");
        }
        // What is refused is refused before anything is asked of a cluster.
        let policy = self.policy_file.as_deref().map(given::read).transpose()?;
        let configs = config_for::read(&self.config_for)?;
        let mut snapshot = self.read_input(connection, quiet)?;
        if let Some(policy) = policy {
            given::put(policy, &mut snapshot);
        }
        if !configs.is_empty() {
            config_for::put(configs, &mut snapshot)?;
        }
        Ok(snapshot)
    }

    fn read_input(&self, connection: &Connection, quiet: bool) -> anyhow::Result<Snapshot> {
        let add_cloud = |mut snapshot: Snapshot| {
            self.cloud.read(&mut snapshot, None, self.timeout, &|_| ())?;
            Ok(snapshot)
        };
        if let Some(path) = &self.snapshot {
            return add_cloud(read_snapshot(path)?);
        }
        if !self.filename.is_empty() {
            return add_cloud(manifests::read_paths(&self.filename)?);
        }
        if self.cloud.no_cluster {
            return add_cloud(Snapshot::empty(Scope::Manifests, "cluster"));
        }
        interrupt::watch();
        let traced = connection.verbosity.is_some_and(|level| level >= live::TRACE_LEVEL);
        let progress = Progress::new(quiet || traced);
        let options = live::Options { timeout: self.timeout, captured_at: now()? };
        let told = |what: &str| if traced { output::warn(what) } else { progress.step(what) };
        let (mut snapshot, stats) = live::read(connection, &options, &told)?;
        self.cloud.read(&mut snapshot, Some(connection), self.timeout, &told)?;
        drop(progress);
        if connection.verbosity.unwrap_or_default() > 0 {
            output::warn(&stats.to_string());
        }
        Ok(snapshot)
    }
}

/// The time of reading, which `SOURCE_DATE_EPOCH` pins.
pub(crate) fn now() -> anyhow::Result<Timestamp> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text
            .parse()
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .with_context(|| format!("SOURCE_DATE_EPOCH is `{text}`, which is no number of seconds since 1970; mend or unset it")),
        Err(_) => Ok(Timestamp::from_second(Timestamp::now().as_second())?),
    }
}

fn read_snapshot(path: &Path) -> anyhow::Result<Snapshot> {
    let name = path.display();
    if path.is_dir() {
        bail!("{name} is a folder; give the snapshot file in it, or read manifests with -f {name}");
    }
    io::from_bytes(&bytes(path, "snapshot")?).with_context(|| format!("cannot read the snapshot {name}"))
}

/// The bytes of a file that this program wrote, or of standard input.
pub(crate) fn bytes(path: &Path, what: &str) -> anyhow::Result<Vec<u8>> {
    let name = path.display();
    let mut bytes = Vec::new();
    // One byte more than is read: enough to tell that it is too large.
    let limit = io::MAX_BYTES + 1;
    if path == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok(bytes);
    }
    if path.is_dir() {
        bail!("{name} is a folder; give the {what} in it");
    }
    std::fs::File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read the {what} {name}"))?;
    Ok(bytes)
}
