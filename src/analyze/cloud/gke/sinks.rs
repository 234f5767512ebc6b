//! Sinks: which audit log entries reach a place that keeps them, and what leaves them out.

use serde_json::Value;

use super::super::told::{Scene, Told};
use super::filter::{Entry, Filter, Truth};
use super::{items, told};
use crate::analyze::fact::Fact;

/// How much of a filter is quoted, in characters.
const MAX_QUOTE: usize = 160;

/// How long the filters of all sinks may be together, in bytes: each is tried on hundreds of entries.
const MAX_FILTERS: usize = 100_000;

/// A sink.
pub(super) struct Sink {
    pub(super) name: String,
    /// `logging.googleapis.com/projects/…`, as it is set.
    pub(super) destination: String,
    /// Where it stands: `sinks.json _Default`.
    pub(super) at: String,
    is_disabled: Truth,
    /// Whether what it takes reaches no sink further down.
    intercepts: Truth,
    /// How far above the project it stands, which is 0.
    level: usize,
    filter: Setting,
    exclusions: Vec<Exclusion>,
}

/// What a sink leaves out of what its filter takes.
struct Exclusion {
    name: String,
    is_disabled: Truth,
    setting: Setting,
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
    /// Whether a sink that never wanted it decides.
    pub(super) is_unwanted: bool,
}

/// Reads sinks, as long as their filters are not too long together.
struct Reader {
    left: usize,
}

impl Reader {
    fn setting(&mut self, text: &str, at: String) -> Setting {
        let left = self.left.checked_sub(text.len());
        self.left = left.unwrap_or_default();
        let filter = match left {
            Some(_) => Filter::parse(text),
            None => Err(format!("all filters together are longer than {MAX_FILTERS} bytes")),
        };
        Setting { text: text.to_owned(), filter, at }
    }

    fn sink(&mut self, told: &Told<'_>, level: usize) -> Option<Sink> {
        let name = told.text("name")?.to_owned();
        let at = |path: &str| told.evidence(&format!("{name}{path}"), "").at;
        let filter = self.setting(told.text("filter").unwrap_or_default(), at(".filter"));
        let exclusions = told.items("exclusions").unwrap_or_default().iter().enumerate();
        let exclusions = exclusions.map(|(index, one)| {
            let one = told.part(one);
            let name = one.text("name").map_or_else(|| index.to_string(), str::to_owned);
            let at = at(&format!(".exclusions[{name}].filter"));
            let setting = self.setting(one.text("filter").unwrap_or_default(), at);
            Exclusion { name, is_disabled: truth(&one, "disabled"), setting }
        });
        let exclusions = exclusions.collect();
        // Only what takes in the levels below it can keep something from them.
        let intercepts = truth(told, "includeChildren") & truth(told, "interceptChildren");
        Some(Sink {
            destination: told.text("destination").unwrap_or_default().to_owned(),
            is_disabled: truth(told, "disabled"),
            intercepts: if level == 0 { Truth::No } else { intercepts },
            level,
            filter,
            exclusions,
            at: at(""),
            name,
        })
    }
}

/// A switch that is off where it is missing.
fn truth(told: &Told<'_>, path: &str) -> Truth {
    match told.switch(path, false) {
        Fact::Known(known) => known.value.into(),
        Fact::Unknown(_) => Truth::Perhaps,
    }
}

impl Setting {
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
    /// Whether it sends an entry to its destination.
    fn routes(&self, entry: &Entry) -> Outcome {
        let name = &self.name;
        let outcome =
            |truth, at: &str, why: String| Outcome { truth, at: at.to_owned(), why, is_unwanted: false };
        let matched = self.filter.matches(entry);
        if matched == Truth::No {
            let why = format!("the sink {name} takes only what matches {}", self.filter.quoted());
            return Outcome { is_unwanted: true, ..outcome(Truth::No, &self.filter.at, why) };
        }
        let switch = format!("{}.disabled", self.at);
        if self.is_disabled == Truth::Yes {
            return outcome(Truth::No, &switch, format!("the sink {name} is disabled"));
        }
        let excluded = |wanted: Truth| {
            let mut exclusions = self.exclusions.iter();
            exclusions.find(|one| (one.setting.matches(entry) & !one.is_disabled) == wanted)
        };
        if let Some(Exclusion { name: exclusion, setting, .. }) = excluded(Truth::Yes) {
            let why = format!("the exclusion {exclusion} of the sink {name} drops it: {}", setting.quoted());
            return outcome(Truth::No, &setting.at, why);
        }
        if self.is_disabled == Truth::Perhaps {
            let why = format!("whether the sink {name} is disabled is not certain");
            return outcome(Truth::Perhaps, &switch, why);
        }
        if let Some(Exclusion { name: exclusion, setting, .. }) = excluded(Truth::Perhaps) {
            let why =
                format!("the exclusion {exclusion} of the sink {name} may drop it: {}", setting.quoted());
            return outcome(Truth::Perhaps, &setting.at, why);
        }
        if matched == Truth::Perhaps {
            let why = format!("whether the sink {name} takes it is not certain: {}", self.filter.quoted());
            return outcome(Truth::Perhaps, &self.filter.at, why);
        }
        outcome(Truth::Yes, &self.filter.at, format!("the sink {name} takes it"))
    }

    /// Why what it sends may not be kept at its destination; none if it is.
    fn loses(&self) -> Option<Outcome> {
        let why = format!(
            "the sink {} sends it to {}, and whether anything keeps it there is not told",
            self.name, self.destination
        );
        let at = format!("{}.destination", self.at);
        (!self.keeps()).then_some(Outcome { truth: Truth::Perhaps, at, why, is_unwanted: false })
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
        let mut reader = Reader { left: MAX_FILTERS };
        let list: Vec<Sink> = items.iter().filter_map(|one| reader.sink(&own.part(one), 0)).collect();
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
        let mut sinks = Self { list, above: None };
        match levels(scene) {
            Ok(levels) => {
                for (index, of) in levels.iter().enumerate() {
                    let read = sinks.add_above(scene, &mut reader, of, index + 1);
                    sinks.above = sinks.above.or(read.err());
                }
            }
            Err(reason) => sinks.above = Some(reason),
        }
        Ok(sinks)
    }

    /// Adds the sinks of a folder or the organization that take in what lies below.
    fn add_above(
        &mut self,
        scene: &Scene<'_>,
        reader: &mut Reader,
        of: &str,
        level: usize,
    ) -> Result<(), String> {
        let above = told(scene, "gke/sinks", of)?;
        for one in items(&above)? {
            let one = above.part(one);
            match truth(&one, "includeChildren") {
                Truth::Yes => self.list.extend(reader.sink(&one, level)),
                Truth::Perhaps => {
                    let at = one.evidence("includeChildren", "").at;
                    return Err(format!("{at} is neither true nor false"));
                }
                Truth::No => {}
            }
        }
        Ok(())
    }

    /// What every sink does with an entry: whether it sends it to its destination, if no sink above it takes it away.
    pub(super) fn route(&self, entry: &Entry) -> Vec<(&Sink, Outcome)> {
        // `_Required` would be left alone, but takes no entry that is asked about here.
        let routed: Vec<(&Sink, Outcome)> = self.list.iter().map(|sink| (sink, sink.routes(entry))).collect();
        let reach = |(sink, outcome): &(&Sink, Outcome)| {
            let above = routed.iter().filter(|(other, _)| other.level > sink.level);
            let taken = above.map(|(other, outcome)| (other, outcome.truth & other.intercepts));
            let Some((other, taken)) = taken.max_by_key(|(_, taken)| *taken) else { return outcome.clone() };
            let truth = outcome.truth & !taken;
            if truth == outcome.truth {
                return outcome.clone();
            }
            let takes = if taken == Truth::Yes { "takes" } else { "may take" };
            let why = format!("the sink {} above {takes} it away from the sink {}", other.name, sink.name);
            Outcome { truth, at: format!("{}.interceptChildren", other.at), why, is_unwanted: false }
        };
        routed.iter().map(|one| (one.0, reach(one))).collect()
    }

    /// Whether an entry is kept anywhere. Where it is not, what leaves it out comes before what never wanted it.
    pub(super) fn keep(&self, entry: &Entry) -> Outcome {
        let kept = |(sink, outcome): (&Sink, Outcome)| match outcome.truth {
            Truth::Yes => sink.loses().unwrap_or(outcome),
            _ => outcome,
        };
        let mut outcomes: Vec<Outcome> = self.route(entry).into_iter().map(kept).collect();
        outcomes.sort_by_key(|outcome| (std::cmp::Reverse(outcome.truth), outcome.is_unwanted));
        let outcome = match outcomes.into_iter().next() {
            Some(first) if !first.is_unwanted => first,
            other => Outcome {
                truth: Truth::No,
                at: other.map_or_else(|| "sinks".to_owned(), |outcome| outcome.at),
                why: "no sink takes it".into(),
                is_unwanted: true,
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

/// The folders and the organization above the project, from below: `folders/34`.
fn levels(scene: &Scene<'_>) -> Result<Vec<String>, String> {
    let (_, levels) = ancestors(scene)?;
    let name = |level: &Value| {
        let text = |key: &str| level.get(key).and_then(Value::as_str).unwrap_or_default();
        let kind = match text("type") {
            "folder" => "folders",
            "organization" => "organizations",
            _ => return None,
        };
        Some(format!("{kind}/{}", text("id")))
    };
    Ok(levels.iter().filter_map(name).collect())
}

/// The project of the cluster and what is above it, from below, with their policies.
///
/// # Errors
/// They are not known, or are those of another project.
pub(super) fn ancestors<'s>(scene: &Scene<'s>) -> Result<(Told<'s>, &'s [Value]), String> {
    let all = told(scene, "gke/ancestors-iam-policy", "")?;
    let levels = all.items("").unwrap_or_default();
    let text = |level: &'s Value, key: &str| level.get(key).and_then(Value::as_str);
    let project = levels.iter().find(|level| text(level, "type") == Some("project"));
    let Some(id) = project.and_then(|level| text(level, "id")) else {
        return Err(format!("{} names no project", all.evidence("", "").at));
    };
    match foreign(scene, Some(&format!("projects/{id}")), &all) {
        Some(reason) => Err(reason),
        None => Ok((all, levels)),
    }
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
