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
use crate::remedy::{File, Mending, README, mend, readme};
use crate::report::plural;
use crate::report::style::visible;
use crate::snapshot::{Scope, Snapshot};
use crate::source::live::Connection;

/// The longest that it may take: each remedy is judged by itself.
const LIMIT: Duration = Duration::from_secs(120);

/// The largest text that is read again: a manifest to be written anew, a README of `fix`.
const MAX_TEXT: u64 = 4 << 20;

/// Arguments of `fix`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Nothing is applied to anything. The folder holds an audit policy, flags of the apiservers in the dialect of their distribution, \
manifests and patches of collectors, commands and Terraform of cloud providers, as far as each mends something: what was read is \
judged again with it in place. README.md says of each failure what mends it, what that costs, and what no file mends.

Exit codes: 0 with the files in place as they are nothing at or above --fail-on would fail, 1 something still would, 2 could not do \
the job.

Examples:
  kubectl logaudit fix --output-dir remedies --destination https://logs.example.org/ingest
  kubectl logaudit fix -f /etc/kubernetes/manifests --output-dir remedies
  kubectl logaudit run --snapshot remedies/expected.snapshot"
)]
pub(crate) struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// The folder to write, made with those above it; it must not exist or be empty
    #[arg(long, value_name = "DIR")]
    output_dir: PathBuf,
    /// Replace a folder that an earlier `fix` wrote and that holds nothing else
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
    let fail_on = plan.demands.fail_on;
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
    // As they are written, files with placeholders mend nothing that rests on these.
    let waits = fail_on.is_some_and(|least| mending.waits(least));
    Ok(if mending.after.summary.gate.passed && !waits { Ending::Clean } else { Ending::Findings })
}

fn summary(mending: &Mending, folder: &Path) -> String {
    let counts = mending.counts();
    let folder = folder.display();
    if counts.failures == 0 {
        return format!("Nothing fails; {folder}/README.md says what is unknown.");
    }
    let gate = &mending.after.summary.gate;
    if counts.mended + counts.once_set == 0 {
        let failures = plural(counts.failures, "failure");
        let wished = match mending.remedy_files().len() {
            0 => String::new(),
            files => format!(" {} beside it: what --destination asks for.", plural(files, "file")),
        };
        return format!(
            "No file can mend the {failures} here; {folder}/README.md says what to do by hand.{wished}"
        );
    }
    let mut lines = vec![format!(
        "{} in {folder} for {}; read {folder}/README.md first.",
        plural(mending.remedy_files().len(), "file"),
        counts.words()
    )];
    lines.extend(mending.score());
    if !gate.passed {
        lines.push(format!("Still failing with them: {}", gate.reasons.join("; ")));
    }
    lines.join("\n")
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
        (size <= MAX_TEXT).then(|| fs::read_to_string(name).ok())?
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
        let folder = Self { path, force };
        folder.check()?;
        Ok(folder)
    }

    /// Refuses what is there already and is not to be replaced.
    fn check(&self) -> anyhow::Result<()> {
        let name = self.path.display();
        match fs::symlink_metadata(self.path) {
            Ok(metadata) if metadata.is_dir() => {
                self.check_place()?;
                self.check_content(self.path)
            }
            Ok(_) => bail!("{name} is no folder; name a folder that does not exist yet"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot look at {name}")),
        }
    }

    /// Whoever works or lives in a folder is not to find another one in its place.
    fn check_place(&self) -> anyhow::Result<()> {
        let name = self.path.display();
        let place = fs::canonicalize(self.path).with_context(|| format!("cannot look at {name}"))?;
        let taken =
            [("the current folder", std::env::current_dir().ok()), ("your home", std::env::home_dir())];
        for (what, other) in taken {
            let other = other.and_then(|other| fs::canonicalize(other).ok());
            if other.is_some_and(|other| other.starts_with(&place)) {
                bail!("{name} is {what} or lies above it; name a new folder, such as remedies");
            }
        }
        Ok(())
    }

    /// Refuses what `content`, which is or was at the path, holds beside what `fix` wrote.
    fn check_content(&self, content: &Path) -> anyhow::Result<()> {
        let name = self.path.display();
        let found = look_into(content).with_context(|| format!("cannot read the folder {name}"))?;
        match (self.force, found) {
            (_, Content::Empty) | (true, Content::Written) => Ok(()),
            (false, Content::Written) => {
                bail!(
                    "the folder {name} is not empty; name another one, or replace what `fix` wrote there with --force"
                )
            }
            (_, Content::Foreign(what)) => bail!(
                "the folder {name} is not empty and holds {what}, which `fix` did not write; name another one: --force replaces only a folder that `fix` wrote"
            ),
        }
    }

    /// Writes into a new folder beside it, which then takes its place.
    fn write(&self, files: &[File]) -> anyhow::Result<()> {
        let name = self.path.display();
        let hint = || format!("cannot write the folder {name}");
        let above =
            self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(above).with_context(hint)?;
        // Also because what a path with `..` leads to can be told only now.
        self.check()?;
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
        if fs::symlink_metadata(self.path).is_err() {
            return fs::rename(&content, self.path).with_context(hint);
        }
        let old = new.path().join("old");
        fs::rename(self.path, &old).with_context(hint)?;
        // Whoever wrote into it since it was looked at keeps what they wrote.
        let replaced =
            self.check_content(&old).and_then(|()| fs::rename(&content, self.path).with_context(hint));
        if replaced.is_err()
            && let Err(error) = fs::rename(&old, self.path)
        {
            // It is not to be removed with the temporary folder.
            let kept = new.keep().join("old");
            return Err(error).with_context(|| {
                format!("cannot put the folder {name} back; it lies in {}", kept.display())
            });
        }
        replaced
    }
}

/// What a folder holds.
enum Content {
    Empty,
    /// What `fix` wrote, or some of it.
    Written,
    /// Something else: what.
    Foreign(String),
}

/// Looks at what a folder holds. Of `fix` is what the README in it lists, as long as these are files.
fn look_into(folder: &Path) -> std::io::Result<Content> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    if entries.is_empty() {
        return Ok(Content::Empty);
    }
    let path = folder.join(README);
    let is_small = |one: &fs::Metadata| one.is_file() && one.len() <= MAX_TEXT;
    let is_readme = fs::symlink_metadata(&path).is_ok_and(|one| is_small(&one));
    let readme = is_readme.then(|| fs::read_to_string(&path).ok()).flatten().unwrap_or_default();
    let written = readme::listed(&readme);
    for entry in entries {
        let name = entry.file_name();
        let is_written = name.to_str().is_some_and(|name| written.contains(&name));
        if !is_written || !entry.file_type()?.is_file() {
            return Ok(Content::Foreign(visible(&name.to_string_lossy()).into_owned()));
        }
    }
    Ok(Content::Written)
}

/// Without the name of the new folder, which nobody asked for.
fn plain(error: &std::io::Error) -> anyhow::Error {
    let text = error.to_string();
    let cause = text.rsplit_once(" at path ").map_or(text.as_str(), |(cause, _)| cause);
    anyhow::anyhow!(cause.to_owned())
}
