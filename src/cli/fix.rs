//! `fix`: writes what would turn failures green. Nothing is applied to anything.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};

use super::Ending;
use super::input::InputArgs;
use super::judging::JudgingArgs;
use super::output::warn;
use crate::audit::Plan;
use crate::check::limits;
use crate::framework::choice::Choice;
use crate::framework::frameworks;
use crate::remedy::situation::{Destination, Wishes};
use crate::remedy::{File, Mending, mend};
use crate::report::plural;
use crate::snapshot::{Scope, Snapshot};
use crate::source::live::Connection;

/// The longest that it may take: each remedy is judged by itself.
const LIMIT: Duration = Duration::from_secs(120);

/// The largest manifest that is written anew.
const MAX_MANIFEST: u64 = 4 << 20;

/// Arguments of `fix`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Nothing is applied to anything. The folder holds an audit policy, flags of the apiservers in the dialect of their distribution, \
manifests and patches of collectors, commands and Terraform of cloud providers, as far as each mends something: what was read is \
judged again with it in place. README.md says of each failure what mends it, what that costs, and what no file mends.

Exit codes: 0 with the files in place nothing at or above --fail-on would fail, 1 something still would, 2 could not do the job.

Examples:
  kubectl logaudit fix --output-dir remedies --destination https://logs.example.org/ingest
  kubectl logaudit fix -f /etc/kubernetes/manifests --output-dir remedies
  kubectl logaudit run --snapshot remedies/expected.snapshot"
)]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// The folder to write; it must not exist or be empty
    #[arg(long, value_name = "DIR")]
    output_dir: PathBuf,
    /// Replace what the folder holds
    #[arg(long)]
    force: bool,
    /// Where a new collector is to send logs: an HTTPS URL without credentials
    #[arg(long, value_name = "URL")]
    destination: Option<String>,
    #[command(flatten)]
    judging: JudgingArgs,
}

pub(crate) fn run(args: &Args, connection: &Connection) -> anyhow::Result<Ending> {
    // What cannot be written is refused before anything is asked of a cluster.
    let folder = Folder::at(&args.output_dir, args.force)?;
    // Not by the parser of arguments, which repeats what it refuses: it may hold a password.
    let destination = args.destination.as_deref().map(Destination::parse).transpose();
    let destination = destination.map_err(|why| anyhow::anyhow!("--destination: {why}"))?;
    let mut plan = Plan::everything(args.judging.load_checks()?, frameworks());
    plan.reported = Choice::These(Vec::new());
    plan.demands = args.judging.demands(None);
    let snapshot = args.input.read(connection, args.judging.quiet)?;
    let wishes = Wishes { destination, texts: manifests(args, &snapshot) };
    let (plan, snapshot) = (Arc::new(plan), Arc::new(snapshot));
    let Some(mending) = limits::within(LIMIT, move || mend(&plan, &snapshot, &wishes)) else {
        bail!(
            "working out remedies took longer than {} s: the input is far too large, or a check given with --checks loops over too much",
            LIMIT.as_secs()
        );
    };
    let mending = mending?;
    folder.write(&mending.files)?;
    if !args.judging.quiet {
        warn(&summary(&mending, &args.output_dir));
    }
    Ok(if mending.after.summary.gate.passed { Ending::Clean } else { Ending::Findings })
}

fn summary(mending: &Mending, folder: &Path) -> String {
    let (failures, mended) = mending.counts();
    let folder = folder.display();
    if failures == 0 {
        return format!("Nothing fails; {folder}/README.md says what is unknown.");
    }
    let files = plural(mending.files.len(), "file");
    let gate = if mending.after.summary.gate.passed {
        String::new()
    } else {
        format!("\nStill failing with them: {}", mending.after.summary.gate.reasons.join("; "))
    };
    format!(
        "{files} in {folder} mend {mended} of {}; read {folder}/README.md first.{gate}",
        plural(failures, "failure")
    )
}

/// The texts of the manifests of apiservers, by the names they have in evidence: what is read of them is too narrow to write
/// them anew.
fn manifests(args: &Args, snapshot: &Snapshot) -> Vec<(String, String)> {
    if snapshot.scope != Scope::Manifests || args.input.filename.is_empty() {
        return Vec::new();
    }
    let mut names: Vec<&str> = snapshot
        .pods
        .value()
        .into_iter()
        .flatten()
        .filter_map(|pod| pod.at.rsplitn(3, ':').nth(2))
        .filter(|name| args.input.filename.iter().any(|given| Path::new(name).starts_with(given)))
        .collect();
    names.dedup();
    let text = |name: &str| {
        let size = fs::metadata(name).ok().filter(fs::Metadata::is_file)?.len();
        (size <= MAX_MANIFEST).then(|| fs::read_to_string(name).ok())?
    };
    names.into_iter().filter_map(|name| Some((name.to_owned(), text(name)?))).collect()
}

/// A folder that is written whole or not at all.
struct Folder<'a> {
    path: &'a Path,
    force: bool,
}

impl<'a> Folder<'a> {
    fn at(path: &'a Path, force: bool) -> anyhow::Result<Self> {
        let name = path.display();
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                let mut entries =
                    fs::read_dir(path).with_context(|| format!("cannot read the folder {name}"))?;
                if entries.next().is_some() && !force {
                    bail!(
                        "the folder {name} is not empty; name another one, or replace all it holds with --force"
                    );
                }
            }
            Ok(_) => bail!("{name} is no folder; name a folder that does not exist yet"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot look at {name}")),
        }
        Ok(Self { path, force })
    }

    /// Writes into a new folder beside it, which then takes its place.
    fn write(&self, files: &[File]) -> anyhow::Result<()> {
        let name = self.path.display();
        let hint = || {
            format!("cannot write the folder {name}; does the one above it exist, and may you write there?")
        };
        let above =
            self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let new = tempfile::Builder::new()
            .prefix(".logaudit-")
            .tempdir_in(above)
            .map_err(|error| plain(&error))
            .with_context(hint)?;
        let content = new.path().join("new");
        fs::create_dir(&content).with_context(hint)?;
        for file in files {
            fs::write(content.join(&file.name), &file.text).with_context(hint)?;
        }
        if fs::symlink_metadata(self.path).is_ok() {
            let old = new.path().join("old");
            fs::rename(self.path, &old).with_context(hint)?;
            // Whoever wrote into it since it was looked at keeps what they wrote.
            let is_empty = fs::read_dir(&old).is_ok_and(|mut entries| entries.next().is_none());
            if !is_empty && !self.force {
                fs::rename(&old, self.path).with_context(hint)?;
                bail!(
                    "the folder {name} is not empty any more; name another one, or replace all it holds with --force"
                );
            }
            if let Err(error) = fs::rename(&content, self.path) {
                fs::rename(&old, self.path).with_context(hint)?;
                return Err(error).with_context(hint);
            }
            return Ok(());
        }
        fs::rename(&content, self.path).with_context(hint)
    }
}

/// Without the name of the new folder, which nobody asked for.
fn plain(error: &std::io::Error) -> anyhow::Error {
    let text = error.to_string();
    let cause = text.rsplit_once(" at path ").map_or(text.as_str(), |(cause, _)| cause);
    anyhow::anyhow!(cause.to_owned())
}
