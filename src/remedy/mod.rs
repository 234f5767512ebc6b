//! Remedies: files that would turn failures green.
//!
//! A remedy says what it changes twice: as files for people and their tools, and as [`Change`]s of the snapshot. The changes are
//! made to a copy of the snapshot, one remedy after the other, and the copy is judged by the same checks. So what a remedy
//! mends is not claimed but found: it is what fails before and passes after. A remedy that mends nothing is not written.
//!
//! | module | does |
//! | --- | --- |
//! | [`change`] | changes of a snapshot |
//! | [`situation`] | what remedies look at: snapshot, facts and findings |
//! | [`apiserver`] | flags and mounts, in the dialect of the distribution |
//! | [`policy`] | the audit policy |
//! | [`collector`] | a collector where there is none, patches where there is one |
//! | [`stores`], [`alerting`] | stores in the cluster, rules and who is told |
//! | [`cloud`] | commands and Terraform for managed clusters |
//! | [`readme`] | what each file does, mends and costs |
//! | [`quote`] | names of others in shells, HCL and paths |

pub mod alerting;
pub mod apiserver;
pub mod change;
pub mod cloud;
pub mod collector;
pub mod policy;
pub mod quote;
pub mod readme;
pub mod situation;
pub mod stores;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::change::Change;
use self::situation::{Situation, Wishes};
use crate::audit::{Plan, audit};
use crate::report::{Report, plural};
use crate::score::Cap;
use crate::snapshot::{Snapshot, io};
use crate::source::manifests::read_texts;
use crate::verdict::{Finding, Severity, Status};

/// The file that holds the snapshot as it would be. No ending that `-f` takes for a manifest.
pub const EXPECTED: &str = "expected.snapshot";

/// The audit policy.
pub const POLICY_FILE: &str = "audit-policy.yaml";

/// What to read first.
pub const README: &str = "README.md";

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name, without folders.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Something that mends failures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Remedy {
    /// What it is, as a heading: `Flags and mounts of the apiservers, for kubeadm`.
    pub title: String,
    /// Its files. None where only a person can put it in place; then `apply` says all.
    pub files: Vec<File>,
    /// What it changes.
    pub changes: Vec<Change>,
    /// What it does, in a sentence or more.
    pub does: String,
    /// What it costs: volume, restarts, money.
    pub costs: Vec<String>,
    /// How it is put in place, as steps in Markdown.
    pub apply: Vec<String>,
    /// Values that nobody but the reader knows and that must be put in first.
    pub needs: Vec<String>,
    /// Whether it mends nothing that files could prove by itself, but others rest on it: RKE2 records nothing without a policy,
    /// whatever its flags say.
    pub is_ground: bool,
    /// Whether the user asked for it, so that it is written also where nothing is known to fail.
    pub is_wished: bool,
}

/// A finding by what it is about.
pub type Subject = (String, String);

/// A remedy and what it came to.
#[derive(Debug, Clone)]
pub struct Written {
    /// The remedy.
    pub remedy: Remedy,
    /// The failures that pass once it is in place, on top of the remedies before it.
    pub mends: BTreeSet<Subject>,
}

/// What becomes of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It passes: by which of the remedies.
    Mended(usize),
    /// It can be told only once the remedies are in place: why.
    Unknown(String),
    /// The question does not arise any more: why.
    NotApplicable(String),
    /// It still fails.
    Fails,
}

/// A failure that comes with the remedies.
#[derive(Debug, Clone)]
pub struct Brought {
    /// The failure.
    pub finding: Finding,
    /// What it was before; none where there was no such subject.
    pub was: Option<Status>,
}

/// What `fix` came to.
#[derive(Debug)]
pub struct Mending {
    /// The report on what was read.
    pub before: Report,
    /// The report on what it would be.
    pub after: Report,
    /// The remedies that mend something.
    pub written: Vec<Written>,
    /// What becomes of each failure.
    pub fates: BTreeMap<Subject, Fate>,
    /// Failures that there were not before.
    pub brought: Vec<Brought>,
    /// The report on the files alone, as `-f` reads them; none where they hold nothing that it reads.
    pub alone: Option<Report>,
    /// All files, the README and the expected snapshot among them.
    pub files: Vec<File>,
}

/// How many failures come to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub failures: usize,
    /// Those that the files mend.
    pub mended: usize,
    /// Those that they mend once what nobody else knows is set in them.
    pub once_set: usize,
}

impl Counts {
    /// `16 of 29 failures, and 2 more once their placeholders are set`.
    pub fn words(&self) -> String {
        let more = match self.once_set {
            0 => String::new(),
            more => format!(", and {more} more once what stands for values of yours is set"),
        };
        format!("{} of {}{more}", self.mended, plural(self.failures, "failure"))
    }
}

/// The kinds of remedies, in the order in which they build on each other: without flags no policy is loaded, without an audit
/// log there is none to collect.
const KINDS: [fn(&Situation<'_>) -> Vec<Remedy>; 6] = [
    apiserver::remedies,
    policy::remedies,
    collector::remedies,
    stores::remedies,
    alerting::remedies,
    cloud::remedies,
];

/// Works out what would mend the failures of a snapshot.
///
/// # Errors
/// The facts or the snapshot do not serialise, which no snapshot brings about.
pub fn mend(plan: &Plan, snapshot: &Snapshot, wishes: &Wishes) -> anyhow::Result<Mending> {
    let before = audit(plan, snapshot)?.report;
    let mut state = snapshot.clone();
    let mut report = before.clone();
    let mut written: Vec<Written> = Vec::new();
    // What to go back to where nothing comes to rest on a ground.
    let mut without_ground: Option<(Snapshot, Report)> = None;
    for remedies in KINDS {
        for remedy in remedies(&Situation::new(plan, &state, &before, &report, wishes)) {
            let mut next = state.clone();
            for change in &remedy.changes {
                change.apply(&mut next);
            }
            let judged = audit(plan, &next)?.report;
            let mends = mended(&before, &report, &judged);
            let is_kept = !mends.is_empty() || remedy.is_wished || remedy.is_ground;
            if !is_kept || does_harm(&report, &judged) {
                continue;
            }
            if !mends.is_empty() {
                without_ground = None;
            } else if remedy.is_ground {
                without_ground = Some((state, report));
            }
            (state, report) = (next, judged);
            written.push(Written { remedy, mends });
        }
    }
    if let Some(without) = without_ground {
        (state, report) = without;
        written.retain(|written| !written.remedy.is_ground);
    }
    let fates = fates(&before, &report, &written);
    let new = report.findings.iter().filter(|finding| finding.status == Status::Fail).filter_map(|finding| {
        let was = status(&before, finding);
        (was != Some(Status::Fail)).then(|| Brought { finding: finding.clone(), was })
    });
    let brought = new.collect();
    let mut mending =
        Mending { before, after: report, written, fates, brought, alone: None, files: Vec::new() };
    mending.alone = alone(plan, &mending.remedy_files())?;
    mending.files = files(&mending, &state)?;
    Ok(mending)
}

/// Sets a field of a mapping.
pub(crate) fn set(target: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(fields) = target.as_object_mut() {
        fields.insert(key.to_owned(), value.into());
    }
}

fn subject(finding: &Finding) -> Subject {
    (finding.check.clone(), finding.subject.clone())
}

fn failures(report: &Report) -> BTreeMap<Subject, &Finding> {
    let failed = report.findings.iter().filter(|finding| finding.status == Status::Fail);
    failed.map(|finding| (subject(finding), finding)).collect()
}

/// What a failure comes to in another report: the finding on the same subject, or where that is gone (`no audit policy`), the
/// worst of the check.
fn successor<'r>(report: &'r Report, (check, name): &Subject) -> Option<&'r Finding> {
    let of_check = || report.findings.iter().filter(|finding| finding.check == *check);
    of_check().filter(|finding| finding.subject == *name).max_by_key(|finding| finding.status).or_else(|| {
        // A subject that is gone without any that takes its place proves nothing.
        of_check().max_by_key(|finding| finding.status)
    })
}

/// The failures of the beginning and those that came to light in `report`, that pass in `judged` only.
fn mended(before: &Report, report: &Report, judged: &Report) -> BTreeSet<Subject> {
    let passes = |report: &Report, subject: &Subject| {
        successor(report, subject).is_some_and(|finding| finding.status == Status::Pass)
    };
    let mut failed = failures(before);
    failed.extend(failures(report));
    failed.into_keys().filter(|subject| !passes(report, subject) && passes(judged, subject)).collect()
}

/// Whether a remedy does more harm than good: something of weight passed before it and fails after it, and what it mends weighs no
/// more. What did not arise or was not known before may come to light: an audit log that is written can be one that nobody reads.
fn does_harm(report: &Report, judged: &Report) -> bool {
    let failed = judged.findings.iter().filter(|finding| finding.status == Status::Fail);
    let breaks = failed
        .filter(|finding| finding.severity >= Severity::High)
        .any(|finding| status(report, finding) == Some(Status::Pass));
    breaks && Situation::weight_of(judged, "") >= Situation::weight_of(report, "")
}

/// What a finding of one report came to in another.
fn status(report: &Report, finding: &Finding) -> Option<Status> {
    let same = |other: &&Finding| other.check == finding.check && other.subject == finding.subject;
    report.findings.iter().filter(same).map(|other| other.status).max()
}

fn fates(before: &Report, after: &Report, written: &[Written]) -> BTreeMap<Subject, Fate> {
    let fate = |subject: &Subject| {
        let Some(finding) = successor(after, subject) else { return Fate::Fails };
        let by = written.iter().rposition(|written| written.mends.contains(subject));
        match (finding.status, by) {
            (Status::Pass, Some(by)) => Fate::Mended(by),
            (Status::Unknown, _) => Fate::Unknown(finding.reason.clone()),
            (Status::NotApplicable, _) => Fate::NotApplicable(finding.reason.clone()),
            _ => Fate::Fails,
        }
    };
    failures(before).into_keys().map(|subject| (subject.clone(), fate(&subject))).collect()
}

/// All files, by name.
fn files(mending: &Mending, state: &Snapshot) -> anyhow::Result<Vec<File>> {
    let mut files = mending.remedy_files();
    if !mending.written.is_empty() {
        files.insert(EXPECTED, String::from_utf8(io::to_bytes(state, false)?)?);
    }
    files.insert(README, String::new());
    let readme = readme::text(mending, &files.keys().copied().collect::<Vec<_>>());
    files.insert(README, readme);
    Ok(files.into_iter().map(|(name, text)| File { name: name.to_owned(), text }).collect())
}

/// What the files show by themselves: `run -f . --policy-file audit-policy.yaml` in their folder.
fn alone(plan: &Plan, files: &BTreeMap<&str, String>) -> anyhow::Result<Option<Report>> {
    let manifests = files.iter().filter(|(name, _)| is_manifest(name));
    let texts: Vec<_> = manifests.map(|(name, text)| (format!("./{name}"), text.clone())).collect();
    let Ok(mut snapshot) = read_texts(&texts) else { return Ok(None) };
    if let Some(text) = files.get(POLICY_FILE) {
        change::give_policy(&mut snapshot, POLICY_FILE, text);
    }
    Ok(Some(audit(plan, &snapshot)?.report))
}

/// Whether `-f` reads a file of this name in a folder.
fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml"].iter().any(|end| name.ends_with(end))
}

impl Mending {
    /// Checks of which some subject failed, with the fate of each.
    pub fn by_check(&self) -> BTreeMap<&str, Vec<(&str, &Fate)>> {
        let mut checks: BTreeMap<&str, Vec<(&str, &Fate)>> = BTreeMap::new();
        for ((check, name), fate) in &self.fates {
            checks.entry(check).or_default().push((name, fate));
        }
        checks
    }

    /// How many failures there were, and how many of them are mended.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { failures: self.fates.len(), mended: 0, once_set: 0 };
        for fate in self.fates.values() {
            let Fate::Mended(by) = fate else { continue };
            match self.written.get(*by) {
                Some(written) if !written.remedy.needs.is_empty() => counts.once_set += 1,
                _ => counts.mended += 1,
            }
        }
        counts
    }

    /// Whether something of this severity or above passes only once what nobody else knows is set; also what came to light with
    /// remedies before.
    pub fn waits(&self, least: Severity) -> bool {
        let waiting = self.written.iter().filter(|written| !written.remedy.needs.is_empty());
        let mut passing =
            waiting.flat_map(|written| &written.mends).filter_map(|of| successor(&self.after, of));
        passing.any(|one| one.status == Status::Pass && one.severity >= least)
    }

    /// The files of the remedies by name: two of them may write to the same one.
    pub fn remedy_files(&self) -> BTreeMap<&str, String> {
        let files = self.written.iter().flat_map(|written| &written.remedy.files);
        files.map(|file| (file.name.as_str(), file.text.clone())).collect()
    }

    /// The score before and after, and what holds the low end down that only a run can tell; a line each.
    pub fn score(&self) -> Vec<String> {
        let (before, after) = (&self.before.score, &self.after.score);
        let mut lines = vec![format!(
            "Score: {} to {} before, {} to {} with them; the low end counts what is unknown as failed.",
            before.low, before.high, after.low, after.high
        )];
        let holding = |cap: &&Cap| cap.status == Status::Unknown && after.low >= cap.at_most;
        for cap in after.caps.iter().filter(holding) {
            let unknown = |one: &&Finding| one.status == Status::Unknown && cap.checks.contains(&one.check);
            let why = self.after.findings.iter().find(unknown);
            let why = why.map_or_else(String::new, |one| format!(" ({}: {})", one.check, one.reason));
            lines.push(format!("The low end with them is at most {}: {}{why}", cap.at_most, cap.title));
        }
        lines
    }
}
