//! Sinks: which audit log entries reach a place that keeps them, and what leaves them out.

use serde_json::Value;

use super::super::told::{Scene, Told};
use super::filter::{Entry, Filter, Truth};
use super::{items, told};

/// How much of a filter is quoted, in characters.
const MAX_QUOTE: usize = 160;

/// A sink.
pub(super) struct Sink {
    pub(super) name: String,
    /// `logging.googleapis.com/projects/…`, as it is set.
    pub(super) destination: String,
    /// Where it stands: `sinks.json _Default`.
    pub(super) at: String,
    is_disabled: bool,
    filter: Setting,
    /// By name.
    exclusions: Vec<(String, Setting)>,
}

/// A filter that is set somewhere.
struct Setting {
    text: String,
    filter: Result<Filter, String>,
    at: String,
}

/// Whether an entry gets somewhere, and what decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) truth: Truth,
    /// Where what decides stands.
    pub(super) at: String,
    /// What decides, in words.
    pub(super) why: String,
}

impl Setting {
    fn new(text: &str, at: String) -> Self {
        Self { text: text.to_owned(), filter: Filter::parse(text), at }
    }

    fn matches(&self, entry: &Entry) -> Truth {
        self.filter.as_ref().map_or(Truth::Perhaps, |filter| filter.matches(entry))
    }

    fn quoted(&self) -> String {
        let line = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut quoted: String = line.chars().take(MAX_QUOTE).collect();
        if quoted.len() < line.len() {
            quoted.push('…');
        }
        match &self.filter {
            Ok(_) => format!("`{quoted}`"),
            Err(error) => format!("`{quoted}`, which cannot be read: {error}"),
        }
    }
}

impl Sink {
    fn of(told: &Told<'_>) -> Option<Self> {
        let name = told.text("name")?.to_owned();
        let at = |path: &str| told.evidence(&format!("{name}{path}"), "").at;
        let exclusions = told.items("exclusions").unwrap_or_default().iter();
        let exclusions = exclusions
            .enumerate()
            .filter(|(_, one)| one.get("disabled") != Some(&Value::Bool(true)))
            .map(|(index, one)| {
                let text = |key: &str| one.get(key).and_then(Value::as_str);
                let shown = text("name").map_or_else(|| index.to_string(), str::to_owned);
                let at = at(&format!(".exclusions[{shown}].filter"));
                (shown, Setting::new(text("filter").unwrap_or_default(), at))
            });
        Some(Self {
            destination: told.text("destination").unwrap_or_default().to_owned(),
            is_disabled: told.get("disabled") == Some(&Value::Bool(true)),
            filter: Setting::new(told.text("filter").unwrap_or_default(), at(".filter")),
            exclusions: exclusions.collect(),
            at: at(""),
            name,
        })
    }

    /// Whether an entry reaches its destination and is kept there.
    pub(super) fn takes(&self, entry: &Entry) -> Outcome {
        let name = &self.name;
        let outcome = |truth, at: &str, why: String| Outcome { truth, at: at.to_owned(), why };
        let matched = self.filter.matches(entry);
        if matched == Truth::No {
            let why = format!("the sink {name} takes only what matches {}", self.filter.quoted());
            return outcome(Truth::No, &self.filter.at, why);
        }
        if self.is_disabled {
            return outcome(
                Truth::No,
                &format!("{}.disabled", self.at),
                format!("the sink {name} is disabled"),
            );
        }
        let excluded = |wanted: Truth| {
            let mut exclusions = self.exclusions.iter();
            exclusions.find(|(_, exclusion)| exclusion.matches(entry) == wanted)
        };
        if let Some((exclusion, setting)) = excluded(Truth::Yes) {
            let why = format!("the exclusion {exclusion} of the sink {name} drops it: {}", setting.quoted());
            return outcome(Truth::No, &setting.at, why);
        }
        if let Some((exclusion, setting)) = excluded(Truth::Perhaps) {
            let why =
                format!("the exclusion {exclusion} of the sink {name} may drop it: {}", setting.quoted());
            return outcome(Truth::Perhaps, &setting.at, why);
        }
        if matched == Truth::Perhaps {
            let why = format!("whether the sink {name} takes it is not certain: {}", self.filter.quoted());
            return outcome(Truth::Perhaps, &self.filter.at, why);
        }
        if self.keeps() {
            return outcome(Truth::Yes, &self.filter.at, format!("the sink {name} takes it"));
        }
        let why = format!(
            "the sink {name} sends it to {}, and whether anything keeps it there is not told",
            self.destination
        );
        outcome(Truth::Perhaps, &format!("{}.destination", self.at), why)
    }

    /// Whether what arrives at the destination stays there: not so at a topic, nor at a project whose own sinks decide.
    fn keeps(&self) -> bool {
        let destination = self.destination.as_str();
        destination.starts_with("logging.googleapis.com/") && destination.contains("/buckets/")
            || destination.starts_with("storage.googleapis.com/")
            || destination.starts_with("bigquery.googleapis.com/")
    }

    /// The full name of the log bucket that it leads to: `projects/p/locations/global/buckets/_Default`.
    pub(super) fn bucket(&self) -> Option<&str> {
        let path = self.destination.strip_prefix("logging.googleapis.com/")?;
        path.contains("/buckets/").then_some(path)
    }

    /// The project, folder or organization that its destination belongs to: `projects/p`; none for a storage bucket.
    pub(super) fn receiver(&self) -> Option<String> {
        let (_, path) = self.destination.split_once('/')?;
        let mut parts = path.split('/');
        match (parts.next()?, parts.next()?) {
            (kind @ ("projects" | "folders" | "organizations"), name) => Some(format!("{kind}/{name}")),
            _ => None,
        }
    }
}

/// The sinks through which entries of the cluster's project pass.
pub(super) struct Sinks {
    /// Those that were read.
    pub(super) list: Vec<Sink>,
    /// Why there may be others above the project.
    above: Option<String>,
}

impl Sinks {
    /// Reads the sinks of the project, and those above it that take in what lies below them.
    ///
    /// # Errors
    /// Why the project's are not known.
    pub(super) fn read(scene: &Scene<'_>) -> Result<Self, String> {
        let own = told(scene, "gke/sinks", "")?;
        let items = items(&own)?;
        let mut list: Vec<Sink> = items.iter().filter_map(|one| Sink::of(&own.part(one))).collect();
        // Every project has this one: a list without it is of nothing, or of something else.
        let Some(required) = list.iter().find(|sink| sink.name == "_Required") else {
            return Err(format!(
                "{} lacks the sink _Required, which every project has; it is no list of a project's sinks",
                own.evidence("", "").at
            ));
        };
        if let Some(reason) = foreign(scene, required.receiver().as_deref(), &own) {
            return Err(reason);
        }
        for (of, above) in scene.all_told("gke/sinks") {
            let Ok(above) = above else { continue };
            if of.is_empty() {
                continue;
            }
            let takes_children = |one: &&Value| one.get("includeChildren") == Some(&Value::Bool(true));
            let items = super::items(&above).unwrap_or_default().iter().filter(takes_children);
            list.extend(items.filter_map(|one| Sink::of(&above.part(one))));
        }
        Ok(Self { list, above: unread_above(scene) })
    }

    /// Whether an entry is kept anywhere. Where it is not, what leaves it out comes before what never wanted it.
    pub(super) fn keep(&self, entry: &Entry) -> Outcome {
        let mut outcomes: Vec<Outcome> = self.list.iter().map(|sink| sink.takes(entry)).collect();
        let rank = |outcome: &Outcome| match outcome.truth {
            Truth::Yes => 0,
            Truth::Perhaps => 1,
            Truth::No if !outcome.why.contains("takes only") => 2,
            Truth::No => 3,
        };
        outcomes.sort_by_key(rank);
        let outcome = match outcomes.into_iter().next() {
            Some(first) if rank(&first) < 3 => first,
            other => Outcome {
                truth: Truth::No,
                at: other.map_or_else(|| "sinks".to_owned(), |outcome| outcome.at),
                why: "no sink takes it".into(),
            },
        };
        match &self.above {
            Some(above) if outcome.truth == Truth::No => {
                let why = format!("{}; a sink above the project may keep it: {above}", outcome.why);
                Outcome { truth: Truth::Perhaps, why, ..outcome }
            }
            _ => outcome,
        }
    }
}

/// Why it is not known whether folders and the organization take in what the project drops; none if it is.
fn unread_above(scene: &Scene<'_>) -> Option<String> {
    let levels = match told(scene, "gke/ancestors-iam-policy", "") {
        Ok(levels) => levels,
        Err(reason) => return Some(reason),
    };
    levels.items("").unwrap_or_default().iter().find_map(|level| {
        let text = |key: &str| level.get(key).and_then(Value::as_str).unwrap_or_default();
        let kind = match text("type") {
            "folder" => "folders",
            "organization" => "organizations",
            _ => return None,
        };
        told(scene, "gke/sinks", &format!("{kind}/{}", text("id"))).err()
    })
}

/// Why an answer is of another project than the cluster's, if its names show that. Numbers stand for projects too.
pub(super) fn foreign(scene: &Scene<'_>, owner: Option<&str>, told: &Told<'_>) -> Option<String> {
    let project = scene.identity.account.as_deref()?;
    let found = owner?.strip_prefix("projects/")?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let differs = found != project && !is_number(found) && !is_number(project);
    differs.then(|| {
        format!("{} is of the project {found}, and the cluster is in {project}", told.evidence("", "").at)
    })
}
