//! Which records a flow takes: `match`, whose statements are tried in order, the first that fits decides, and what fits
//! none is not taken (fluent-plugin-label-router).

use super::super::fields::Fields;
use super::super::model::{Effect, NamespaceMatch, NamespaceRule, Pattern, Step};
use crate::document::scalar;

/// The statements of a flow.
pub(super) struct Selection {
    /// Where they stand.
    at: String,
    /// The flow, for people.
    flow: String,
    statements: Vec<Statement>,
}

/// One `select` or `exclude`.
struct Statement {
    selects: bool,
    namespaces: Vec<NamespaceMatch>,
    labels: Vec<(String, String)>,
    containers: Vec<String>,
    /// Conditions on nodes or namespaces' labels, or further ones on namespaces.
    others: Vec<String>,
}

/// A pod of which is known what it is.
pub(super) struct KnownPod<'a> {
    /// Its namespace.
    pub(super) namespace: &'a str,
    /// Its labels. Others it may have are [`Self::open`].
    pub(super) labels: Vec<(String, String)>,
    /// Keys of labels whose values are not known.
    pub(super) open: &'a [&'a str],
    /// Its container.
    pub(super) container: &'a str,
}

/// What a flow takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Taken {
    /// Every record.
    All,
    /// No record.
    Nothing,
    /// Some, by these steps.
    Some(Vec<Step>),
}

impl Selection {
    /// Reads `match`, or the older `selectors`. A flow of a namespace takes records of that namespace only.
    pub(super) fn read(spec: &Fields<'_>, flow: String, own: Option<&str>) -> Self {
        let own = own.map(|own| own_namespace(spec, own));
        let mut statements = Vec::new();
        if spec.get("match").is_some() {
            for item in spec.items("match") {
                for (key, selects) in [("select", true), ("exclude", false)] {
                    if let Some(fields) = item.get(key) {
                        statements.push(Statement::read(&fields, selects, own.as_ref()));
                    }
                }
            }
        } else {
            statements.push(Statement {
                selects: true,
                namespaces: own.into_iter().collect(),
                labels: spec.get("selectors").map(|fields| pairs(&fields)).unwrap_or_default(),
                containers: Vec::new(),
                others: Vec::new(),
            });
        }
        Self { at: spec.at_key("match"), flow, statements }
    }

    /// A selection by the flow's own namespace alone: flows for syslog-ng have their conditions elsewhere.
    pub(super) fn by_namespace(spec: &Fields<'_>, flow: String, own: Option<&str>) -> Self {
        let statement = Statement {
            selects: true,
            namespaces: own.map(|own| own_namespace(spec, own)).into_iter().collect(),
            labels: Vec::new(),
            containers: Vec::new(),
            others: Vec::new(),
        };
        Self { at: spec.at(), flow, statements: vec![statement] }
    }

    /// A selection that takes everything.
    pub(super) fn everything() -> Self {
        let statement = Statement {
            selects: true,
            namespaces: Vec::new(),
            labels: Vec::new(),
            containers: Vec::new(),
            others: Vec::new(),
        };
        Self { at: String::new(), flow: String::new(), statements: vec![statement] }
    }

    /// What it takes of all pods.
    pub(super) fn taken(&self) -> Taken {
        let mut only = Some(Vec::new());
        let (mut except, mut whole): (Vec<NamespaceMatch>, Vec<Pattern>) = (Vec::new(), Vec::new());
        let (mut selected, mut excluded) = (Vec::new(), Vec::new());
        for statement in &self.statements {
            let conditions = statement.conditions();
            match (statement.selects, statement.namespaces.is_empty(), conditions.is_empty()) {
                (true, true, true) => {
                    only = None;
                    selected.clear();
                    break;
                }
                (true, true, false) => {
                    only = None;
                    selected.push(conditions.join(" and "));
                }
                (true, false, is_whole) => {
                    if let Some(only) = &mut only {
                        only.extend(statement.namespaces.iter().cloned());
                    }
                    if is_whole {
                        whole.extend(statement.namespaces.iter().map(|name| name.pattern.clone()));
                    } else {
                        selected.push(conditions.join(" and "));
                    }
                }
                (false, true, true) => break,
                (false, false, true) => {
                    except.extend(
                        statement.namespaces.iter().filter(|name| !whole.contains(&name.pattern)).cloned(),
                    );
                }
                (false, _, false) => excluded.push(conditions.join(" and ")),
            }
        }
        if only.as_ref().is_some_and(Vec::is_empty) {
            return Taken::Nothing;
        }
        let mut steps = Vec::new();
        if only.is_some() || !except.is_empty() {
            steps.push(self.step("by namespace", Effect::Namespaces(NamespaceRule { only, except })));
        }
        if !selected.is_empty() {
            steps.push(self.step(&format!("only with {}", selected.join(", or ")), Effect::DropsSome));
        }
        if !excluded.is_empty() {
            steps.push(self.step(&format!("without {}", excluded.join(", or ")), Effect::DropsSome));
        }
        if steps.is_empty() { Taken::All } else { Taken::Some(steps) }
    }

    /// Whether it takes what a pod writes; none if that cannot be told.
    pub(super) fn takes(&self, pod: &KnownPod<'_>) -> Option<bool> {
        for statement in &self.statements {
            match statement.fits(pod) {
                Some(true) => return Some(statement.selects),
                Some(false) => {}
                None => return None,
            }
        }
        Some(false)
    }

    fn step(&self, how: &str, effect: Effect) -> Step {
        Step { at: self.at.clone(), what: format!("{} takes records {how}", self.flow), effect }
    }
}

impl Statement {
    fn read(fields: &Fields<'_>, selects: bool, own: Option<&NamespaceMatch>) -> Self {
        let named = |key: &str, pattern: fn(String) -> Pattern| -> Vec<NamespaceMatch> {
            let matches = fields.list(key).into_iter();
            matches.map(|(text, at)| NamespaceMatch { at, pattern: pattern(text) }).collect()
        };
        let mut namespaces: Vec<NamespaceMatch> = own.cloned().into_iter().collect();
        let mut others = Vec::new();
        if own.is_none() {
            namespaces = named("namespaces", Pattern::Name);
            let by_regex = named("namespaces_regex", Pattern::Regex);
            if namespaces.is_empty() {
                namespaces = by_regex;
            } else if !by_regex.is_empty() {
                others.push("namespaces_regex".to_owned());
            }
            let by_label = fields.get("namespace_labels").map(|labels| pairs(&labels)).unwrap_or_default();
            if !by_label.is_empty() {
                let phrase = format!("the namespace's labels {}", shown(&by_label));
                if namespaces.is_empty() {
                    namespaces.push(NamespaceMatch {
                        at: fields.at_key("namespace_labels"),
                        pattern: Pattern::Unclear(phrase),
                    });
                } else {
                    others.push(phrase);
                }
            }
        }
        if !fields.list("hosts").is_empty() {
            others.push("some nodes".to_owned());
        }
        Self {
            selects,
            namespaces,
            labels: fields.get("labels").map(|labels| pairs(&labels)).unwrap_or_default(),
            containers: fields.list("container_names").into_iter().map(|(name, _)| name).collect(),
            others,
        }
    }

    /// Its conditions but those on namespaces.
    fn conditions(&self) -> Vec<String> {
        let mut conditions = self.others.clone();
        if !self.labels.is_empty() {
            conditions.push(format!("labels {}", shown(&self.labels)));
        }
        if !self.containers.is_empty() {
            conditions.push(format!("containers {}", self.containers.join(", ")));
        }
        conditions
    }

    fn fits(&self, pod: &KnownPod<'_>) -> Option<bool> {
        let mut unclear = !self.others.is_empty();
        if !self.namespaces.is_empty() {
            let fits: Vec<Option<bool>> =
                self.namespaces.iter().map(|name| pattern_fits(&name.pattern, pod.namespace)).collect();
            if !fits.contains(&Some(true)) {
                if !fits.contains(&None) {
                    return Some(false);
                }
                unclear = true;
            }
        }
        if !self.containers.is_empty() && !self.containers.iter().any(|name| name == pod.container) {
            return Some(false);
        }
        for (key, value) in &self.labels {
            match pod.labels.iter().find(|(name, _)| name == key) {
                Some((_, known)) if known == value => {}
                None if pod.open.contains(&key.as_str()) => unclear = true,
                _ => return Some(false),
            }
        }
        (!unclear).then_some(true)
    }
}

/// What steps do to the records of one pod: those about namespaces let all of them pass or none. None if nothing passes.
pub(super) fn through(steps: &[Step], pod: &KnownPod<'_>) -> Option<Vec<Step>> {
    let mut left = Vec::new();
    for step in steps {
        let Effect::Namespaces(rule) = &step.effect else {
            left.push(step.clone());
            continue;
        };
        let fits = |matches: &[NamespaceMatch]| -> Option<bool> {
            let each: Vec<Option<bool>> =
                matches.iter().map(|one| pattern_fits(&one.pattern, pod.namespace)).collect();
            if each.contains(&Some(true)) { Some(true) } else { (!each.contains(&None)).then_some(false) }
        };
        match (rule.only.as_deref().map_or(Some(true), fits), fits(&rule.except)) {
            (Some(false), _) | (_, Some(true)) => return None,
            (Some(true), Some(false)) => {}
            _ => left.push(Step { effect: Effect::Unclear, ..step.clone() }),
        }
    }
    Some(left)
}

fn own_namespace(spec: &Fields<'_>, namespace: &str) -> NamespaceMatch {
    let pattern = if namespace.is_empty() {
        Pattern::Unclear("the file does not say in which namespace the flow is".into())
    } else {
        Pattern::Name(namespace.to_owned())
    };
    NamespaceMatch { at: spec.at(), pattern }
}

fn pattern_fits(pattern: &Pattern, name: &str) -> Option<bool> {
    if name.is_empty() {
        return None;
    }
    match pattern {
        Pattern::Name(exact) => Some(exact == name),
        Pattern::Regex(text) => Some(regex::Regex::new(text).ok()?.is_match(name)),
        Pattern::Glob(_) | Pattern::Unclear(_) => None,
    }
}

fn pairs(fields: &Fields<'_>) -> Vec<(String, String)> {
    let entries = fields.entries().into_iter();
    entries.filter_map(|(key, value)| Some((key.to_owned(), scalar(value.value())?))).collect()
}

fn shown(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}
