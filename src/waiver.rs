//! Waivers: failures that somebody accepts, for a reason and for a time.
//!
//! A waiver stands in the configuration file, in a comment of a file that is judged, or in an annotation of an object. Only
//! a failure can be waived: what is unknown stays unknown. A waived finding keeps its evidence, counts as failed in the
//! score, and does not fail the gate.
//!
//! | module | does |
//! | --- | --- |
//! | [`comment`] | the text of waivers, and the comments that hold them |
//! | [`register`] | which waiver accepts which finding, and what became of each |
//! | [`facts`] | what can be said of waivers, for the checks that judge them |

pub mod comment;
pub mod facts;
pub mod register;

use jiff::civil::Date;

use crate::pattern;
use crate::snapshot::Snapshot;
use crate::verdict::Finding;

/// How the annotations begin that waive or are meant to. Others are not kept.
pub const MEANT: &str = "logaudit/waive";

/// How the annotations begin that waive; the id of the check follows.
const ANNOTATION: &str = "logaudit/waive-";

/// A waiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// The check: its id or an alias, or a pattern of ids.
    pub check: String,
    /// The findings of the check that it is about.
    pub scope: Scope,
    /// Why they are accepted.
    pub reason: String,
    /// Who answers for that.
    pub owner: Option<String>,
    /// The last day on which it holds, in UTC.
    pub until: Option<Date>,
    /// Where it is written: `.logaudit.yaml:12:3`.
    pub at: String,
}

/// Which findings of a check a waiver is about: those for which all that is said here holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// A pattern of subjects.
    pub subject: Option<String>,
    /// A pattern of places of evidence.
    pub place: Option<String>,
    /// The line of evidence that a comment stands beside: file and line.
    pub line: Option<(String, u64)>,
    /// The object that an annotation stands in: `DaemonSet logging/agent`.
    pub object: Option<String>,
}

impl Scope {
    /// Whether it names what it is about. A pattern does not: it holds whatever comes later and is called alike.
    pub fn is_limited(&self) -> bool {
        let names = |text: &Option<String>| text.as_deref().is_some_and(|text| !pattern::is_pattern(text));
        names(&self.subject) || names(&self.place) || self.line.is_some() || self.object.is_some()
    }

    /// Whether a finding lies in it.
    pub fn holds(&self, finding: &Finding) -> bool {
        let Self { subject, place, line, object } = self;
        let places = || finding.evidence.iter().map(|evidence| evidence.at.as_str());
        subject.as_ref().is_none_or(|subject| pattern::matches(subject, &finding.subject))
            && place.as_ref().is_none_or(|place| places().any(|at| pattern::matches(place, at)))
            && line.as_ref().is_none_or(|(file, line)| places().any(|at| is_in_line(at, file, *line)))
            // What an object's owner says counts for findings on this object alone, and not for those on others that
            // rest on it too.
            && object.as_ref().is_none_or(|object| is_about(&finding.subject, object))
    }

    /// The scope in words, without lines, which change when something else is written into a file.
    pub fn words(&self) -> String {
        let Self { subject, place, line, object } = self;
        let parts = [
            subject.as_ref().map(|subject| format!("on {subject}")),
            place.as_ref().map(|place| format!("at {place}")),
            line.as_ref().map(|(file, _)| format!("in {file}")),
            object.as_ref().map(|object| format!("on {object}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "everywhere".to_owned() } else { parts.join(" ") }
    }
}

/// Whether a place lies in a line of a file: `file:line:column`.
fn is_in_line(at: &str, file: &str, line: u64) -> bool {
    let rest = at.strip_prefix(file).and_then(|rest| rest.strip_prefix(':'));
    rest.and_then(|rest| rest.strip_prefix(line.to_string().as_str()))
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether a subject is an object or a part of it: `DaemonSet logging/agent`, `DaemonSet logging/agent loki.0`.
fn is_about(subject: &str, object: &str) -> bool {
    subject.strip_prefix(object).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// What is accepted, and on which day.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// The waivers of the configuration file.
    pub waivers: Vec<Waiver>,
    /// Whether waivers in annotations count.
    pub annotations: bool,
    /// Whether waivers in comments count.
    pub comments: bool,
    /// The day of the run, in UTC.
    pub today: Date,
}

/// Nothing of the configuration file; and no waiver with an end holds, because nobody said which day it is.
impl Default for Acceptance {
    fn default() -> Self {
        Self { waivers: Vec::new(), annotations: false, comments: true, today: Date::MAX }
    }
}

/// A waiver as it was found: one that can be read, or the reason why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How it is written.
    pub form: Form,
    /// Where.
    pub at: String,
    /// The waiver.
    pub waiver: Result<Waiver, String>,
}

/// How a waiver is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An entry of the configuration file.
    Config,
    /// A comment in a file.
    Comment,
    /// An annotation of an object.
    Annotation,
}

impl Form {
    /// The word used in facts and lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Comment => "comment",
            Self::Annotation => "annotation",
        }
    }
}

/// All waivers that there are: of the configuration file, and those that a snapshot holds.
pub fn all(acceptance: &Acceptance, snapshot: &Snapshot) -> Vec<Found> {
    let config = acceptance.waivers.iter().map(|waiver| Found {
        form: Form::Config,
        at: waiver.at.clone(),
        waiver: Ok(waiver.clone()),
    });
    let comments = snapshot.waivers.iter().map(|comment| {
        let scope = Scope { line: Some((comment.file.clone(), comment.line)), ..Scope::default() };
        let waiver = comment::read(&comment.text, scope, &comment.at);
        Found { form: Form::Comment, at: comment.at.clone(), waiver }
    });
    let annotations = snapshot.workloads.all().flat_map(|workload| {
        let namespace = match workload.namespace.as_str() {
            "" => String::new(),
            namespace => format!("{namespace}/"),
        };
        let object = format!("{} {namespace}{}", workload.kind.name(), workload.name);
        workload.waivers.iter().map(move |(key, text)| {
            let at = format!("{object} metadata.annotations.{key}");
            let scope = Scope { object: Some(object.clone()), ..Scope::default() };
            let waiver = match key.strip_prefix(ANNOTATION) {
                Some(check) => comment::read(&format!("{check} {text}"), scope, &at),
                None => Err(format!("it waives only if it is called `{ANNOTATION}` and the id of a check")),
            };
            Found { form: Form::Annotation, at, waiver }
        })
    });
    config.chain(comments).chain(annotations).collect()
}
