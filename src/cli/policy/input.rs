//! Reading a policy for any of the subcommands: `-f FILE`, `-` for standard input, `--kubernetes VERSION`.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

use crate::analyze::policy::AuditPolicy;
use crate::analyze::policy::load::{self, At, Loaded, Places};
use crate::analyze::policy::matches::{Evaluator, GroupWildcard};
use crate::analyze::version::Version;
use crate::cli::output;

/// The server that policies are loaded for where no other version is given.
pub(crate) const DEFAULT_VERSION: Version = load::NEWEST;

/// The value of `--kubernetes`.
pub(crate) fn parse_version(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| format!("`{text}` is no Kubernetes version; write 1.36"))
}

/// A file that was read, so that standard input can be loaded for more than one server.
#[derive(Debug)]
pub(crate) struct PolicyFile {
    /// What it is called: the file as it was given, or `stdin`.
    name: String,
    bytes: Vec<u8>,
}

impl PolicyFile {
    /// Reads a file, or standard input for `-`.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        // One byte more than is loaded: enough to tell that it is too large.
        let (name, bytes) = read_bytes(path, load::MAX_BYTES + 1)?;
        Ok(Self { name, bytes })
    }

    /// Loads it as a server does. What is wrong with the policy is no error here, and nothing is printed:
    /// [`PolicyText::valid`] is for commands that need a policy that works.
    pub(crate) fn load(&self, server: Version) -> PolicyText {
        let loaded = load::load(&self.bytes, &self.name, server);
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
    /// Reads a policy that must be one.
    pub(crate) fn read(path: &Path, server: Version) -> anyhow::Result<Self> {
        PolicyFile::read(path)?.load(server).valid()
    }

    /// The policy compiled, with the group `*` as the server understands it.
    pub(crate) fn evaluator(&self) -> Evaluator {
        let any = self.server >= Version::new(1, 36);
        let wildcard = if any { GroupWildcard::Any } else { GroupWildcard::Literal };
        Evaluator::with_group_wildcard(&self.policy, wildcard)
    }

    /// `policy.yaml:14:3`, where a rule begins.
    pub(crate) fn rule_at(&self, rule: usize) -> String {
        let At { line, column } = self.places.rules().get(rule).map(|place| place.at).unwrap_or_default();
        format!("{}:{line}:{column}", self.name)
    }
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
