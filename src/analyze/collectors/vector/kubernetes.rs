//! The source `kubernetes_logs` (Vector docs: `reference/configuration/sources/kubernetes_logs`).

use super::field::Field;
use super::sources::globs;
use crate::analyze::collectors::model::{
    Effect, Glob, Marker, NamespaceMatch, NamespaceRule, OptOut, Pattern, Source, Step,
};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

const FOLDER: &str = "/var/log/pods";
/// What the runtime splits lines into, with room for time and stream. Lines of logs do not come longer.
const PIECE: u64 = 17 * 1024;

/// What it reads.
pub(super) fn source(field: &Field<'_>) -> Source {
    let mut chosen = Chosen::default();
    if let Some(paths) = field.get("include_paths_glob_patterns") {
        chosen.include(&paths);
    }
    if let Some(selector) = field.get("extra_namespace_label_selector") {
        chosen.select(&selector, "kubernetes.io/metadata.name", "namespaces");
    }
    if let Some(selector) = field.get("extra_field_selector") {
        chosen.select(&selector, "metadata.namespace", "pods");
    }
    if let Some(selector) = field.get("extra_label_selector") {
        chosen.select(&selector, "", "pods");
    }
    Source::Containers {
        through_api: false,
        folder: FOLDER.to_owned(),
        exclude: excluded(field),
        namespaces: chosen.namespaces,
        only: (!chosen.only.is_empty()).then(|| chosen.only.join("; ")),
    }
}

fn excluded(field: &Field<'_>) -> Vec<Glob> {
    if field.get("exclude_paths_glob_patterns").is_some() {
        return globs(field, "exclude_paths_glob_patterns");
    }
    let default = |glob: &str| {
        let detail = format!("exclude_paths_glob_patterns is not set; {glob} is a default");
        Fact::at(glob.to_owned(), Rank::Configured, field.at(), detail)
    };
    vec![default("**/*.gz"), default("**/*.tmp")]
}

/// The label on pods and, as long as namespaces are looked at, on namespaces; the annotation that lists containers.
pub(in crate::analyze::collectors) fn opt_outs(field: &Field<'_>) -> Vec<OptOut> {
    let looks_at_namespaces =
        field.get("insert_namespace_fields").is_none_or(|flag| flag.flag().value() != Some(&false));
    let honoured = |key: &str| {
        Fact::at(true, Rank::Configured, field.at(), format!("kubernetes_logs always honours {key}"))
    };
    vec![
        OptOut {
            marker: Marker::Label,
            key: "vector.dev/exclude".to_owned(),
            value: "true".to_owned(),
            on_namespaces: looks_at_namespaces,
            honoured: honoured("vector.dev/exclude"),
        },
        OptOut {
            marker: Marker::Annotation,
            key: "vector.dev/exclude-containers".to_owned(),
            // A list of containers: any value withdraws those it names.
            value: "*".to_owned(),
            on_namespaces: false,
            honoured: honoured("vector.dev/exclude-containers"),
        },
    ]
}

/// What is lost for its length. By default nothing is: the runtime splits lines below the limit of 32768 bytes.
pub(super) fn steps(field: &Field<'_>) -> Vec<Step> {
    let limit = |key: &str| field.get(key).map(|set| (set.at(), set.scalar().ok()));
    let line = limit("max_line_bytes")
        .filter(|(_, limit)| {
            limit.as_ref().is_none_or(|limit| limit.parse().is_ok_and(|limit: u64| limit < PIECE))
        })
        .map(|(at, limit)| (at, limit, "lines", "skipped", "max_line_bytes"));
    let action = field.get("max_merged_line_action");
    let truncates = action.is_some_and(|action| action.text() == "truncate");
    let fate = if truncates { "cut off" } else { "dropped" };
    let merged = limit("max_merged_line_bytes")
        .map(|(at, limit)| (at, limit, "joined lines", fate, "max_merged_line_bytes"));
    [line, merged]
        .into_iter()
        .flatten()
        .map(|(at, limit, lines, fate, key)| Step {
            at,
            what: format!(
                "{lines} above {} bytes are {fate} ({key})",
                limit.as_deref().unwrap_or("a number of")
            ),
            effect: Effect::Skips,
        })
        .collect()
}

/// Which pods are chosen.
#[derive(Default)]
struct Chosen {
    namespaces: NamespaceRule,
    only: Vec<String>,
}

impl Chosen {
    /// Paths such as `/var/log/pods/openshift*_*/*/*.log` choose namespaces; anything else in them is told as it is.
    fn include(&mut self, paths: &Field<'_>) {
        let mut matches = Vec::new();
        if paths.items().iter().any(|path| reads_all(path.text())) {
            return;
        }
        for path in paths.items() {
            match path.scalar() {
                Ok(glob) => {
                    let (pattern, is_whole) = namespace_of(&glob);
                    if !is_whole {
                        self.only.push(format!("files matching {glob}"));
                    }
                    matches.push(NamespaceMatch { at: path.at(), pattern });
                }
                Err(why) => matches.push(NamespaceMatch { at: path.at(), pattern: Pattern::Unclear(why) }),
            }
        }
        self.narrow(matches);
    }

    /// A selector of labels or fields: conditions on `key` choose namespaces, others are told as they are.
    fn select(&mut self, selector: &Field<'_>, key: &str, what: &str) {
        let at = selector.at();
        let text = match selector.scalar() {
            Ok(text) => text,
            Err(why) => {
                let unclear = NamespaceMatch { at, pattern: Pattern::Unclear(why) };
                return self.narrow(vec![unclear]);
            }
        };
        for term in terms(&text) {
            let named = |names: Vec<String>| {
                names
                    .into_iter()
                    .map(|name| NamespaceMatch { at: at.clone(), pattern: Pattern::Name(name) })
                    .collect()
            };
            match condition(term, key) {
                Some((names, true)) => self.narrow(named(names)),
                Some((names, false)) => self.namespaces.except.extend::<Vec<_>>(named(names)),
                None => self.only.push(format!("{what} with {term}")),
            }
        }
    }

    /// Both what was chosen so far and these. Two choices cannot be told as one.
    fn narrow(&mut self, matches: Vec<NamespaceMatch>) {
        match &mut self.namespaces.only {
            Some(before) => before.extend(matches.into_iter().map(|one| NamespaceMatch {
                pattern: Pattern::Unclear("namespaces are chosen in more than one way".to_owned()),
                ..one
            })),
            none => *none = Some(matches),
        }
    }
}

fn reads_all(glob: &str) -> bool {
    matches!(
        glob,
        "**/*" | "**" | "**/*.log" | "/var/log/pods/**" | "/var/log/pods/**/*" | "/var/log/pods/*/*/*.log"
    )
}

/// The namespace in a glob of paths, and whether it takes all of the namespace.
fn namespace_of(glob: &str) -> (Pattern, bool) {
    let unclear = || (Pattern::Unclear(format!("the namespace in {glob} cannot be told")), false);
    let Some(rest) = glob.strip_prefix("/var/log/pods/") else { return unclear() };
    let Some((pod, files)) = rest.split_once('/') else { return unclear() };
    let Some((namespace, pod)) = pod.split_once('_') else { return unclear() };
    let pattern = if namespace.contains(['[', '{']) || namespace.is_empty() {
        return unclear();
    } else if namespace.contains(['*', '?']) {
        Pattern::Glob(namespace.to_owned())
    } else {
        Pattern::Name(namespace.to_owned())
    };
    (pattern, pod == "*" && matches!(files, "*/*.log" | "**" | "**/*" | "*/*" | "**/*.log"))
}

/// The conditions of a selector, cut at commas outside brackets.
fn terms(selector: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let terms = selector.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    terms.map(str::trim).filter(|term| !term.is_empty()).collect()
}

/// The values a condition names for a key, and whether it takes them or leaves them out.
fn condition(term: &str, key: &str) -> Option<(Vec<String>, bool)> {
    let rest = term.strip_prefix(key).filter(|_| !key.is_empty())?;
    let rest = rest.trim_start();
    let one = |text: &str| vec![text.trim().to_owned()];
    let list = |text: &str| {
        let inside = text.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(inside.split(',').map(|name| name.trim().to_owned()).collect())
    };
    if let Some(value) = rest.strip_prefix("!=") {
        Some((one(value), false))
    } else if let Some(value) = rest.strip_prefix("==").or_else(|| rest.strip_prefix('=')) {
        Some((one(value), true))
    } else if let Some(values) = rest.strip_prefix("notin") {
        Some((list(values)?, false))
    } else {
        Some((list(rest.strip_prefix("in")?)?, true))
    }
}
