//! Framework files: reading them, and telling with positions everything that is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;
use serde_yaml::Spanned;

use super::choice::DISTRIBUTIONS;
use super::{CheckReference, Conflict, Control, Controls, Edition, Framework, find_control, of_classes};
use crate::check::diagnostic::Diagnostic;
use crate::check::files::files_of;
use crate::check::load::{Loader, THEMES};
use crate::check::{Check, CheckSet, builtin};
use crate::suggest::nearest;

/// A framework as its file spells it. Positions are kept for what can be wrong in more than form.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct FrameworkFile {
    id: Spanned<String>,
    name: Spanned<String>,
    source: Spanned<String>,
    #[serde(default)]
    default: bool,
    #[serde(default)]
    distribution: Option<Spanned<String>>,
    #[serde(default)]
    instead_of: Option<Spanned<String>>,
    #[serde(default)]
    side_by_side: bool,
    editions: Vec<EditionFile>,
    /// They may only be missing in the head of a built-in file.
    #[serde(default)]
    controls: Vec<ControlFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EditionFile {
    id: Spanned<String>,
    #[serde(default)]
    kubernetes: Vec<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ControlFile {
    id: Spanned<String>,
    title: Spanned<String>,
    #[serde(default)]
    editions: Vec<Spanned<String>>,
    #[serde(default)]
    within: Option<Spanned<String>>,
    #[serde(default)]
    themes: Vec<Spanned<String>>,
    #[serde(default)]
    classes: Vec<Spanned<String>>,
    #[serde(default)]
    checks: Vec<ReferenceFile>,
    #[serde(default)]
    attest: Option<Spanned<String>>,
    #[serde(default)]
    conflict: Option<ConflictFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferenceFile {
    id: Spanned<String>,
    #[serde(default)]
    params: BTreeMap<String, Spanned<Value>>,
    #[serde(default)]
    precondition: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConflictFile {
    with: Vec<Spanned<String>>,
    why: Spanned<String>,
}

fn plain<T: Clone>(list: &[Spanned<T>]) -> Vec<T> {
    list.iter().map(|item| item.value.clone()).collect()
}

fn value<T: Clone>(spanned: Option<&Spanned<T>>) -> Option<T> {
    spanned.map(|spanned| spanned.value.clone())
}

impl FrameworkFile {
    fn framework(&self, file: &str) -> Framework {
        Framework {
            id: self.id.value.clone(),
            name: self.name.value.trim().to_owned(),
            source: self.source.value.trim().to_owned(),
            default: self.default,
            distribution: value(self.distribution.as_ref()),
            instead_of: value(self.instead_of.as_ref()),
            side_by_side: self.side_by_side,
            editions: self
                .editions
                .iter()
                .map(|edition| Edition {
                    id: edition.id.value.clone(),
                    kubernetes: edition.kubernetes.clone(),
                })
                .collect(),
            controls: Controls {
                read: OnceLock::from(self.controls.iter().map(ControlFile::control).collect::<Vec<_>>()),
                text: "",
            },
            file: file.to_owned(),
        }
    }
}

impl ControlFile {
    fn control(&self) -> Control {
        Control {
            id: self.id.value.clone(),
            title: self.title.value.trim().to_owned(),
            editions: plain(&self.editions),
            within: value(self.within.as_ref()),
            themes: plain(&self.themes),
            classes: plain(&self.classes),
            checks: self.checks.iter().map(ReferenceFile::reference).collect(),
            attest: value(self.attest.as_ref()),
            conflict: self
                .conflict
                .as_ref()
                .map(|said| Conflict { with: plain(&said.with), why: said.why.value.clone() }),
        }
    }
}

impl ReferenceFile {
    fn reference(&self) -> CheckReference {
        CheckReference {
            id: self.id.value.clone(),
            params: self.params.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect(),
            precondition: self.precondition,
        }
    }
}

/// The part of a file before its controls.
fn head(text: &str) -> &str {
    text.split_once("\ncontrols:").map_or(text, |(head, _)| head)
}

/// The frameworks that are compiled in, by id. Of each only the head is read.
pub fn frameworks() -> Vec<Framework> {
    let heads = builtin::files("frameworks").map(|(path, text)| {
        let file: FrameworkFile = builtin::yaml(path, head(text));
        let mut framework = file.framework(&format!("checks/{path}"));
        framework.controls = Controls { read: OnceLock::new(), text };
        framework
    });
    let mut list: Vec<Framework> = heads.collect();
    list.sort_by(|left, right| left.id.cmp(&right.id));
    list
}

/// The controls of a built-in file.
pub(super) fn controls(text: &str) -> Vec<Control> {
    let file: FrameworkFile = builtin::yaml("frameworks", text);
    file.controls.iter().map(ControlFile::control).collect()
}

/// Adds the frameworks of a file, or of the files of a folder, to others. They are reported without being asked for.
///
/// # Errors
/// Everything that is wrong with the files.
pub fn add_path(
    all: Vec<Framework>,
    path: &Path,
    checks: &CheckSet,
) -> Result<Vec<Framework>, Vec<Diagnostic>> {
    let files = files_of(path, "framework").map_err(|fault| vec![fault])?;
    add(all, &files, checks)
}

/// Adds the frameworks of files, each given by its name and text, to others.
///
/// # Errors
/// Everything that is wrong with them.
pub fn add(
    mut all: Vec<Framework>,
    files: &[(String, String)],
    checks: &CheckSet,
) -> Result<Vec<Framework>, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let mut read = Vec::new();
    for (name, text) in files {
        let loader = Loader { name, text };
        match loader.parse::<FrameworkFile>(text) {
            Err(fault) => faults.push(*fault),
            Ok(file) => {
                if let Some(other) = all.iter().find(|other| other.id == file.id.value) {
                    let message =
                        format!("the id {} is taken by {}; give yours another", file.id.value, other.file);
                    faults.push(*loader.at(loader.offset(&file.id), message, None));
                    continue;
                }
                let mut framework = file.framework(name);
                framework.default = true;
                for control in framework.controls.read.get_mut().into_iter().flatten() {
                    adopt_names(control, checks);
                }
                all.push(framework);
                read.push((loader, file));
            }
        }
    }
    all.sort_by(|left, right| left.id.cmp(&right.id));
    for (loader, file) in read {
        faults.extend(Examiner { loader, all: &all, checks, faults: Vec::new() }.examine(&file));
    }
    if faults.is_empty() { Ok(all) } else { Err(faults) }
}

/// A check can be referred to by a name that it had before.
fn adopt_names(control: &mut Control, checks: &CheckSet) {
    for reference in &mut control.checks {
        if let Some(check) = checks.get(&reference.id) {
            reference.id.clone_from(&check.id);
        }
    }
}

/// What is wrong with the built-in files, by the rules that hold for those of users. For tests.
pub fn faults(checks: &CheckSet) -> Vec<Diagnostic> {
    let all = frameworks();
    let mut faults = Vec::new();
    for (name, text) in builtin::files("frameworks") {
        let loader = Loader { name, text };
        match loader.parse::<FrameworkFile>(text) {
            Err(fault) => faults.push(*fault),
            Ok(file) => {
                faults.extend(Examiner { loader, all: &all, checks, faults: Vec::new() }.examine(&file));
            }
        }
    }
    faults
}

/// The most faults of one file that are told.
const MOST_FAULTS: usize = 20;

/// Looks at a file for what its form does not show: names of what there is not, and what contradicts itself.
struct Examiner<'a> {
    loader: Loader<'a>,
    all: &'a [Framework],
    checks: &'a CheckSet,
    faults: Vec<Diagnostic>,
}

/// Words that stand for something else where frameworks are named.
const RESERVED: [&str; 1] = ["all"];

impl Examiner<'_> {
    fn examine(mut self, file: &FrameworkFile) -> Vec<Diagnostic> {
        self.head(file);
        let editions: BTreeSet<&str> =
            file.editions.iter().map(|edition| edition.id.value.as_str()).collect();
        let ids: BTreeSet<&str> = file.controls.iter().map(|control| control.id.value.as_str()).collect();
        let mut taken: BTreeSet<(&str, &str)> = BTreeSet::new();
        for control in &file.controls {
            if self.faults.len() >= MOST_FAULTS {
                break;
            }
            self.texts(&[("id", &control.id), ("title", &control.title)]);
            for edition in &control.editions {
                if !editions.contains(edition.value.as_str()) {
                    self.unknown(edition, "edition", editions.iter().copied());
                }
            }
            let own: Vec<&str> = match control.editions.as_slice() {
                [] => editions.iter().copied().collect(),
                some => some.iter().map(|edition| edition.value.as_str()).collect(),
            };
            if let Some(twice) = own.into_iter().find(|edition| !taken.insert((edition, &control.id.value))) {
                let message = format!("the control {} stands twice in edition {twice}", control.id.value);
                self.fault(&control.id, message, None);
            }
            if let Some(parent) = &control.within
                && (!ids.contains(parent.value.as_str()) || parent.value == control.id.value)
            {
                self.unknown(parent, "other control", ids.iter().copied());
            }
            self.answers(control);
            self.conflict(file, control);
        }
        self.faults.truncate(MOST_FAULTS);
        self.faults
    }

    fn head(&mut self, file: &FrameworkFile) {
        let id = &file.id.value;
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if id.is_empty()
            || !id.chars().all(is_plain)
            || id.starts_with('-')
            || RESERVED.contains(&id.as_str())
        {
            let message =
                format!("`{id}` cannot be the id of a framework; use a-z, 0-9 and -, but not `all`");
            self.fault(&file.id, message, None);
        }
        self.texts(&[("name", &file.name), ("source", &file.source)]);
        if file.editions.is_empty() {
            self.fault(&file.id, "a framework has at least one edition".into(), None);
        }
        if file.controls.is_empty() {
            self.fault(&file.id, "a framework has at least one control".into(), None);
        }
        let mut editions: BTreeSet<&str> = BTreeSet::new();
        for edition in &file.editions {
            let id = edition.id.value.as_str();
            if id.is_empty() || id.contains(|c: char| c == ',' || c.is_whitespace() || c.is_control()) {
                let message = format!("`{id}` cannot be the id of an edition; leave out blanks and commas");
                self.fault(&edition.id, message, None);
            }
            if !editions.insert(id) {
                self.fault(&edition.id, format!("the edition {id} stands twice"), None);
            }
        }
        if let Some(distribution) = &file.distribution
            && !DISTRIBUTIONS.contains(&distribution.value.as_str())
        {
            self.unknown(distribution, "distribution", DISTRIBUTIONS);
        }
        if let Some(other) = &file.instead_of {
            let ids = self.all.iter().map(|framework| framework.id.as_str()).filter(|known| known != id);
            let ids: Vec<&str> = ids.collect();
            if !ids.contains(&other.value.as_str()) {
                self.unknown(other, "other framework", ids);
            } else if file.distribution.is_none() {
                let message = "`instead-of` needs a `distribution`: elsewhere the other one would be lost";
                self.fault(other, message.into(), None);
            }
        }
    }

    /// What answers a control.
    fn answers(&mut self, control: &ControlFile) {
        let lists = [control.themes.is_empty(), control.classes.is_empty(), control.checks.is_empty()];
        if lists.iter().all(|none| *none) && control.attest.is_none() {
            let message = format!(
                "nothing answers the control {}; give it themes, classes, checks or `attest`",
                control.id.value
            );
            self.fault(&control.id, message, None);
        }
        for theme in &control.themes {
            if !THEMES.iter().any(|known| known.id == theme.value) {
                let keyed = THEMES.iter().find(|known| known.key == theme.value);
                let known = THEMES.iter().map(|known| known.id.as_str());
                let near = keyed.map(|known| known.id.as_str()).or_else(|| nearest(&theme.value, known));
                self.not_there(theme, "theme", near);
            }
        }
        let checks = self.checks;
        for class in &control.classes {
            if of_classes(checks, std::slice::from_ref(&class.value)).len() != 1 {
                let known = checks.active().filter_map(|check| check.params.get(super::CLASSES)?.as_array());
                let known = known.flatten().filter_map(Value::as_str);
                self.unknown(class, "class of requests that a check judges", known);
            }
        }
        for reference in &control.checks {
            match checks.get(&reference.id.value) {
                None => {
                    let known = checks.active().map(|check| check.id.as_str());
                    self.unknown(&reference.id, "check", known);
                }
                Some(check) => {
                    if let Some(why) = &check.deprecated {
                        self.fault(&reference.id, format!("{} is no longer run: {why}", check.id), None);
                    }
                    self.params(check, reference);
                }
            }
        }
        self.texts(&control.attest.iter().map(|attest| ("attest", attest)).collect::<Vec<_>>());
    }

    fn params(&mut self, check: &Check, reference: &ReferenceFile) {
        for (name, value) in &reference.params {
            let Some(default) = check.params.get(name) else {
                // The position is the value's; the name stands before it.
                let at = self.loader.offset(value);
                let before = self.loader.text.get(..at).and_then(|text| text.rfind(name.as_str()));
                let near = nearest(name, check.params.keys().map(String::as_str));
                let help = near.map(|near| format!("did you mean `{near}`?"));
                let message = format!("{} has no parameter `{name}`", check.id);
                self.faults.push(*self.loader.at(before.unwrap_or(at), message, help));
                continue;
            };
            if let Err(why) = fits(default, &value.value) {
                self.fault(value, format!("the parameter {name} of {} {why}", check.id), None);
            }
        }
    }

    fn conflict(&mut self, file: &FrameworkFile, control: &ControlFile) {
        let Some(conflict) = &control.conflict else { return };
        self.texts(&[("why", &conflict.why)]);
        let here = format!("{}/{}", file.id.value, control.id.value);
        for other in &conflict.with {
            if other.value != here && find_control(self.all, &other.value).is_some() {
                continue;
            }
            let framework = other.value.split('/').next().unwrap_or_default();
            let framework = self.all.iter().find(|known| known.id == framework);
            let near = match framework {
                Some(framework) => {
                    let ids: Vec<String> =
                        framework.controls().iter().map(|known| super::full_id(framework, known)).collect();
                    nearest(&other.value, ids.iter().map(String::as_str)).map(str::to_owned)
                }
                None => None,
            };
            self.not_there(other, "other control", near.as_deref());
        }
    }

    /// Texts that people read.
    fn texts(&mut self, texts: &[(&str, &Spanned<String>)]) {
        for (key, text) in texts {
            if text.value.trim().is_empty() {
                self.fault(text, format!("`{key}` is empty"), None);
            } else if text.value.trim().contains(char::is_control) {
                self.fault(text, format!("`{key}` is more than one line, or holds control characters"), None);
            }
        }
    }

    fn unknown<'n>(&mut self, name: &Spanned<String>, kind: &str, known: impl IntoIterator<Item = &'n str>) {
        self.not_there(name, kind, nearest(&name.value, known));
    }

    fn not_there(&mut self, name: &Spanned<String>, kind: &str, near: Option<&str>) {
        let help = near.map(|near| format!("did you mean `{near}`?"));
        self.fault(name, format!("there is no {kind} `{}`", name.value), help);
    }

    fn fault<T>(&mut self, spanned: &Spanned<T>, message: String, help: Option<String>) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(*self.loader.at(self.loader.offset(spanned), message, help));
        }
    }
}

/// Whether a value can take the place of a default: it is of the same type, and a list only leaves entries out. An entry that
/// no check knows would be judged by none.
fn fits(default: &Value, value: &Value) -> Result<(), String> {
    match (default, value) {
        (Value::Array(known), Value::Array(wanted)) => {
            if wanted.is_empty() {
                return Err("is an empty list, by which nothing would be judged".into());
            }
            match wanted.iter().find(|entry| !known.contains(entry)) {
                Some(entry) => Err(format!("has no entry {entry}; it can only leave out some of {default}")),
                None => Ok(()),
            }
        }
        (Value::Number(_), Value::Number(number)) if !number.is_i64() => {
            Err(format!("must be a whole number, as {default} is"))
        }
        _ if std::mem::discriminant(default) == std::mem::discriminant(value) => Ok(()),
        _ => Err(format!("must be of the type of its default, {default}")),
    }
}
