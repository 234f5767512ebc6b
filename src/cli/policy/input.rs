//! Reading a policy for any of the subcommands: `-f FILE`, `-` for standard input, `--known ID`, `--kubernetes VERSION`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Once;

use anyhow::{Context, bail};

use crate::analyze::policy::AuditPolicy;
use crate::analyze::policy::known::{self, Known};
use crate::analyze::policy::load::{self, At, Loaded, Places};
use crate::analyze::policy::matches::{Evaluator, GroupWildcard};
use crate::analyze::version::Version;
use crate::cli::output;
use crate::suggest::nearest;

/// The server that policies are loaded for where no other version is given.
pub(crate) const DEFAULT_VERSION: Version = load::NEWEST;

/// The first server whose APIs are known; the last is the newest one.
const OLDEST_APIS: Version = Version::new(1, 20);

/// The value of `--kubernetes`.
pub(crate) fn parse_version(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| format!("`{text}` is no Kubernetes version; write 1.36"))
}

/// Where a policy comes from, as `-f FILE` or `--known ID` say.
#[derive(Debug, Clone, clap::Args)]
#[group(id = "policy", multiple = false)]
pub(crate) struct PolicyArgs {
    /// The audit policy; - is standard input
    #[arg(short = 'f', long, value_name = "FILE")]
    filename: Option<PathBuf>,
    /// A published policy of a provider or distribution instead of a file; a wrong ID lists them
    #[arg(long, value_name = "ID", value_parser = parse_known)]
    known: Option<&'static Known>,
}

impl PolicyArgs {
    /// Where from, if anything is given.
    pub(crate) fn source(&self) -> Option<Source> {
        let known = self.known.map(Source::Known);
        known.or_else(|| self.filename.clone().map(Source::File))
    }

    /// Reads the policy, which must be one that works.
    pub(crate) fn read(&self, server: Version) -> anyhow::Result<ValidPolicy> {
        match self.source() {
            Some(source) => PolicyFile::from(&source)?.load(server).valid(),
            None => bail!("give a policy with -f FILE, or a published one with --known ID"),
        }
    }
}

/// A file, or a published policy.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A file; `-` is standard input.
    File(PathBuf),
    /// A published policy.
    Known(&'static Known),
}

impl Source {
    /// Whether it is standard input.
    pub(crate) fn is_stdin(&self) -> bool {
        matches!(self, Self::File(path) if is_stdin(path))
    }
}

/// The value of `--known`.
fn parse_known(id: &str) -> Result<&'static Known, String> {
    known::all().iter().find(|known| known.id == id).ok_or_else(|| {
        let ids: Vec<&str> = known::all().iter().map(|known| known.id.as_str()).collect();
        let near = nearest(id, ids.iter().copied());
        let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        format!("no published policy is known by it; {near}known are {}", ids.join(", "))
    })
}

/// An operand that is a file, `-`, or `known:ID`.
pub(crate) fn parse_source(text: &str) -> Result<Source, String> {
    match text.strip_prefix("known:") {
        Some(id) => parse_known(id).map(Source::Known),
        None if text.is_empty() => Err("give a file".to_owned()),
        None => Ok(Source::File(PathBuf::from(text))),
    }
}

/// A policy that was read, so that standard input can be loaded for more than one server.
#[derive(Debug)]
pub(crate) struct PolicyFile {
    /// What it is called: the file as it was given, `stdin`, or `known:ID`.
    name: String,
    bytes: Vec<u8>,
    /// Only this server loads it, so that it is loaded as there, whatever server it is asked about.
    loads_with: Option<Version>,
}

impl PolicyFile {
    /// Reads a file, or standard input for `-`.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        // One byte more than is loaded: enough to tell that it is too large.
        let (name, bytes) = read_bytes(path, load::MAX_BYTES + 1)?;
        Ok(Self { name, bytes, loads_with: None })
    }

    /// A text that is already here.
    pub(crate) fn of_text(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), bytes: text.as_bytes().to_vec(), loads_with: None }
    }

    /// Reads a file or takes a published policy.
    pub(crate) fn from(source: &Source) -> anyhow::Result<Self> {
        match source {
            Source::File(path) => Self::read(path),
            Source::Known(known) => Ok(Self {
                name: format!("known:{}", known.id),
                bytes: known.policy.clone().into_bytes(),
                loads_with: known.kubernetes.is_some().then(|| known.version()),
            }),
        }
    }

    /// Loads it as a server does. What is wrong with the policy is no error here and is not printed: [`PolicyText::valid`]
    /// is for commands that need a policy that works. A note says, once, if the server is one that is not known.
    pub(crate) fn load(&self, server: Version) -> PolicyText {
        note_version(server);
        let loaded = load::load(&self.bytes, &self.name, self.loads_with.unwrap_or(server));
        let text = load::readable(&self.bytes).into_owned();
        PolicyText { name: self.name.clone(), text, loaded, server }
    }
}

/// The text of a policy and what became of it, whether the server would take it or not.
#[derive(Debug)]
pub(crate) struct PolicyText {
    /// What it is called: the file as it was given, or `stdin`.
    pub(crate) name: String,
    /// The text as people see it.
    pub(crate) text: String,
    /// The policy, or why there is none.
    pub(crate) loaded: Loaded,
    /// The server that it was loaded for.
    pub(crate) server: Version,
}

/// A policy that the server would start with.
#[derive(Debug)]
pub(crate) struct ValidPolicy {
    /// What it is called.
    pub(crate) name: String,
    /// The policy as the server understands it.
    pub(crate) policy: AuditPolicy,
    /// Where everything stands.
    pub(crate) places: Places,
    /// The server that it was loaded for.
    pub(crate) server: Version,
}

impl PolicyText {
    /// The policy, its warnings on standard error. If the server would refuse it, an error with every problem drawn into
    /// the text.
    pub(crate) fn valid(self) -> anyhow::Result<ValidPolicy> {
        let Self { name, text, loaded, server } = self;
        for warning in &loaded.warnings {
            output::warn(&warning.render(&text, &name));
        }
        let Some(policy) = loaded.policy else {
            let errors: Vec<String> = loaded.errors.iter().map(|error| error.render(&text, &name)).collect();
            bail!("{}\n{name}: kube-apiserver {server} does not start with this policy", errors.join("\n"));
        };
        Ok(ValidPolicy { name, policy, places: loaded.places, server })
    }
}

impl ValidPolicy {
    /// The policy compiled, with the group `*` as the server understands it.
    pub(crate) fn evaluator(&self) -> Evaluator {
        Evaluator::with_group_wildcard(&self.policy, wildcard(self.server))
    }

    /// Where each rule begins.
    pub(crate) fn rules_at(&self) -> Vec<String> {
        (0..self.policy.rules.len()).map(|rule| self.rule_at(rule)).collect()
    }

    /// `policy.yaml:14:3`, where a rule begins.
    pub(crate) fn rule_at(&self, rule: usize) -> String {
        let At { line, column } = self.places.rules().get(rule).map(|place| place.at).unwrap_or_default();
        format!("{}:{line}:{column}", self.name)
    }
}

/// Says once on standard error that a server lies outside of what this program knows.
fn note_version(server: Version) {
    static SAID: Once = Once::new();
    let (end, is) = if server < OLDEST_APIS {
        (OLDEST_APIS, "begins")
    } else if server > load::NEWEST {
        (load::NEWEST, "ends")
    } else {
        return;
    };
    SAID.call_once(|| {
        output::warn(&format!(
            "note: the table of APIs {is} with Kubernetes {end}; {server} is judged by what that serves"
        ));
    });
}

/// What the group `*` means to a server.
pub(crate) fn wildcard(server: Version) -> GroupWildcard {
    if server >= Version::new(1, 36) { GroupWildcard::Any } else { GroupWildcard::Literal }
}

/// What a file is called in messages.
pub(crate) fn display_name(path: &Path) -> String {
    if is_stdin(path) { "stdin".to_owned() } else { path.display().to_string() }
}

/// Whether a file stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Opens a file, or standard input for `-`.
pub(crate) fn open(path: &Path) -> anyhow::Result<Box<dyn Read>> {
    if is_stdin(path) {
        return Ok(Box::new(std::io::stdin()));
    }
    let name = path.display();
    if std::fs::metadata(path).with_context(|| format!("cannot read {name}"))?.is_dir() {
        bail!("{name} is a folder; give a file");
    }
    Ok(Box::new(std::fs::File::open(path).with_context(|| format!("cannot read {name}"))?))
}

/// What a file is called and its bytes, at most that many.
pub(crate) fn read_bytes(path: &Path, limit: usize) -> anyhow::Result<(String, Vec<u8>)> {
    let name = display_name(path);
    let mut bytes = Vec::new();
    open(path)?.take(limit as u64).read_to_end(&mut bytes).with_context(|| format!("cannot read {name}"))?;
    Ok((name, bytes))
}
