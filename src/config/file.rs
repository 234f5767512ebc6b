//! The configuration file: its form, and everything that can be wrong in it, with the place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde_json::Value;
use serde_yaml::Spanned;

use super::overrides::{Override, Overrides};
use super::thresholds::THRESHOLDS;
use super::values;
use super::{Config, Settings, Told};
use crate::analyze::policy::catalogue::CATALOGUE;
use crate::check::diagnostic::Diagnostic;
use crate::check::load::Loader;
use crate::check::types::Type;
use crate::check::{Check, CheckSet, Params};
use crate::suggest::nearest;
use crate::verdict::Severity;
use crate::waiver::{self, Scope, Waiver, comment};

/// The largest file that is read.
pub const MAX_BYTES: usize = 1 << 20;

/// A configuration file as it is spelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Form {
    /// Findings of this severity or above fail the gate: never, low, medium, high, critical.
    #[schemars(with = "Option<String>", extend("enum" = ["never", "low", "medium", "high", "critical"]))]
    fail_on: Option<Spanned<String>>,
    /// Whether unknown findings fail it like failed ones.
    #[schemars(with = "Option<bool>")]
    fail_on_unknown: Option<Spanned<bool>>,
    /// Fail if the low end of the score is below this.
    #[schemars(with = "Option<f64>", range(min = 0, max = 100))]
    min_score: Option<Spanned<f64>>,
    /// A report in JSON: only what is new since then fails the gate.
    #[schemars(with = "Option<String>")]
    baseline: Option<Spanned<String>>,
    /// Hide findings below this severity; they count all the same.
    #[schemars(with = "Option<Severity>")]
    severity: Option<Spanned<String>>,
    /// Run only these checks: ids, categories or themes.
    #[schemars(with = "Option<Vec<String>>")]
    only: Option<Spanned<Vec<String>>>,
    /// Run all but these checks.
    #[schemars(with = "Option<Vec<String>>")]
    skip: Option<Spanned<Vec<String>>>,
    /// Report only these frameworks: ID or ID@EDITION.
    #[schemars(with = "Option<Vec<String>>")]
    framework: Option<Spanned<Vec<String>>>,
    /// Add the checks of these folders or files.
    #[schemars(with = "Vec<String>")]
    checks: Vec<Spanned<String>>,
    /// Add the frameworks of these folders or files.
    #[schemars(with = "Vec<String>")]
    frameworks: Vec<Spanned<String>>,
    /// The forms of the report: FORMAT or FORMAT=FILE.
    #[schemars(with = "Option<Vec<String>>")]
    output: Option<Spanned<Vec<String>>>,
    /// Whether waivers in annotations of objects count.
    #[schemars(with = "Option<bool>")]
    accept_annotations: Option<Spanned<bool>>,
    /// Whether to ask the cloud provider: auto, cli, off. In a file that was found and not named, only off.
    #[schemars(with = "Option<String>", extend("enum" = ["auto", "cli", "off"]))]
    cloud: Option<Spanned<String>>,
    /// Numbers for all checks that ask the same, by name: retention-days.
    #[schemars(with = "BTreeMap<String, i64>")]
    thresholds: BTreeMap<String, Spanned<Value>>,
    /// Parameters of checks, by check and name. Stronger than thresholds.
    #[schemars(with = "BTreeMap<String, BTreeMap<String, Value>>")]
    params: BTreeMap<String, Spanned<BTreeMap<String, Spanned<Value>>>>,
    /// Severities of checks, for the gate. The score weighs by the checks' own.
    #[schemars(with = "BTreeMap<String, Severity>")]
    severities: BTreeMap<String, Spanned<String>>,
    /// Failures that are accepted.
    #[schemars(with = "Vec<WaiverForm>")]
    waivers: Vec<Spanned<WaiverForm>>,
}

/// A waiver as the file spells it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WaiverForm {
    /// The check: its id, or a pattern with `*`.
    #[schemars(with = "String")]
    check: Spanned<String>,
    /// The subject of the findings, or a pattern with `*`.
    #[serde(default)]
    subject: Option<String>,
    /// A place of evidence, or a pattern with `*`.
    #[serde(default)]
    at: Option<String>,
    /// Why they are accepted.
    #[schemars(with = "String")]
    reason: Spanned<String>,
    /// Who answers for that.
    #[serde(default)]
    owner: Option<String>,
    /// The last day on which it holds, in UTC: 2027-03-31.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    until: Option<Spanned<String>>,
}

impl WaiverForm {
    /// The waiver that is written at a place.
    ///
    /// # Errors
    /// Its last day is no day.
    pub fn waiver(&self, at: &str) -> Result<Waiver, String> {
        let until = self.until.as_ref().map(|until| comment::day(&until.value)).transpose()?;
        Ok(self.with(until, at))
    }

    fn with(&self, until: Option<Date>, at: &str) -> Waiver {
        Waiver {
            check: self.check.value.clone(),
            scope: Scope { subject: self.subject.clone(), place: self.at.clone(), ..Scope::default() },
            reason: self.reason.value.trim().to_owned(),
            owner: self.owner.clone().filter(|owner| !owner.trim().is_empty()),
            until,
            at: at.to_owned(),
        }
    }
}

/// The JSON Schema of the configuration file.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12();
    let mut schema = settings.into_generator().into_root_schema_for::<Form>();
    schema.insert("title".into(), "Configuration of kubectl logaudit".into());
    schema.to_value()
}

/// A file that has the form of a configuration, before it is known which checks there are.
#[derive(Debug)]
pub struct File {
    /// Its name, for messages.
    name: String,
    /// Its text.
    text: String,
    /// The folder that relative paths start from.
    folder: PathBuf,
    form: Form,
}

impl File {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong with its form.
    pub fn parse(name: &str, text: String, folder: &Path) -> Result<Self, Box<Diagnostic>> {
        if text.len() > MAX_BYTES {
            let message = format!("it is larger than {} KiB, which no configuration is", MAX_BYTES / 1024);
            return Err(Box::new(Diagnostic::of_file(name, message)));
        }
        // A file of comments says nothing.
        let is_empty = text.lines().all(|line| {
            let line = line.trim();
            line.is_empty() || line.starts_with('#') || line == "---"
        });
        let form = if is_empty { Form::default() } else { Loader { name, text: &text }.parse(&text)? };
        Ok(Self { name: name.to_owned(), text, folder: folder.to_owned(), form })
    }

    /// The settings, as far as they can be read, and what is wrong with the others.
    pub fn settings(&self) -> (Settings, Vec<Diagnostic>) {
        let form = &self.form;
        let mut faults = Vec::new();
        let baseline = form.baseline.as_ref().map(|value| Told::new(value.value.clone(), self.place(value)));
        let path = |told: Told<String>| Told { value: self.folder.join(told.value), at: told.at };
        let paths = |list: &[Spanned<String>]| {
            list.iter().map(|value| path(Told::new(value.value.clone(), self.place(value)))).collect()
        };
        let list = |value: &Option<Spanned<Vec<String>>>| {
            value.as_ref().map(|value| Told::new(value.value.clone(), self.place(value)))
        };
        let truth = |value: &Option<Spanned<bool>>| {
            value.as_ref().map(|value| Told::new(value.value, self.place(value)))
        };
        let min_score = form.min_score.as_ref().and_then(|value| {
            let read = values::score(&value.value.to_string());
            self.keep(read, value, &mut faults)
        });
        let settings = Settings {
            fail_on: self.read(form.fail_on.as_ref(), values::fail_on, &mut faults),
            fail_on_unknown: truth(&form.fail_on_unknown),
            min_score,
            baseline: baseline.map(path),
            severity: self.read(form.severity.as_ref(), str::parse, &mut faults),
            only: list(&form.only),
            skip: list(&form.skip),
            framework: list(&form.framework),
            checks: paths(&form.checks),
            frameworks: paths(&form.frameworks),
            output: list(&form.output).map(|told| self.outputs(told)),
            accept_annotations: truth(&form.accept_annotations),
            cloud: self.read(form.cloud.as_ref(), values::cloud, &mut faults),
        };
        (settings, faults)
    }

    /// Files that reports go to start from the folder of this file, too.
    fn outputs(&self, told: Told<Vec<String>>) -> Told<Vec<String>> {
        let place = |output: String| match output.split_once('=') {
            Some((form, file)) if !file.is_empty() => format!("{form}={}", self.folder.join(file).display()),
            _ => output,
        };
        Told { value: told.value.into_iter().map(place).collect(), at: told.at }
    }

    /// All that it says, with regard to these checks.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn config(&self, checks: &CheckSet) -> Result<Config, Vec<Diagnostic>> {
        let (settings, mut faults) = self.settings();
        let overrides = self.overrides(checks, &mut faults);
        let waivers = self.waivers(checks, &mut faults);
        if faults.is_empty() {
            return Ok(Config { settings, overrides, waivers });
        }
        faults.sort_by_key(|fault| fault.span.start);
        Err(faults)
    }

    fn overrides(&self, checks: &CheckSet, faults: &mut Vec<Diagnostic>) -> Overrides {
        let mut overrides = Overrides::default();
        let mut told: BTreeMap<(String, String), Override> = BTreeMap::new();
        let mut set = |check: &Check, param: &str, value: &Spanned<Value>, faults: &mut Vec<Diagnostic>| {
            let Some(default) = check.params.get(param) else {
                let near = nearest(param, check.params.keys().map(String::as_str));
                let has: Vec<&str> = check.params.keys().map(String::as_str).collect();
                let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
                faults.push(self.fault_at_key(
                    param,
                    value,
                    format!("{} has no parameter `{param}`; it has {has}", check.id),
                    near,
                ));
                return;
            };
            if let Err(message) = fits(param, default, &value.value) {
                faults.push(self.fault(value, format!("{} {param}: {message}", check.id)));
                return;
            }
            let key = (check.id.clone(), param.to_owned());
            if value.value == *default {
                // What a stronger entry sets back to the default is not set.
                told.remove(&key);
                overrides.params.entry(check.id.clone()).or_default().remove(param);
                return;
            }
            overrides
                .params
                .entry(check.id.clone())
                .or_default()
                .insert(param.to_owned(), value.value.clone());
            told.insert(
                key,
                Override {
                    check: check.id.clone(),
                    setting: param.to_owned(),
                    value: value.value.clone(),
                    default: default.clone(),
                    at: self.place(value),
                },
            );
        };
        for (name, value) in &self.form.thresholds {
            let Some(threshold) = THRESHOLDS.iter().find(|threshold| threshold.id == *name) else {
                let known: Vec<&str> = THRESHOLDS.iter().map(|threshold| threshold.id.as_str()).collect();
                let near = nearest(name, known.iter().copied());
                let message = format!("there is no threshold `{name}`; there are {}", known.join(", "));
                faults.push(self.fault_at_key(name, value, message, near));
                continue;
            };
            if value.value.as_i64().is_none_or(|days| days < 1) {
                faults.push(self.fault(value, format!("`{name}` must be a whole number of days, 1 or more")));
                continue;
            }
            for target in &threshold.sets {
                if let Some(check) = checks.get(&target.check) {
                    set(check, &target.param, value, faults);
                }
            }
        }
        for (id, params) in &self.form.params {
            let Some(check) = checks.get(id) else {
                faults.push(self.no_check(id, params, checks));
                continue;
            };
            for (name, value) in &params.value {
                set(check, name, value, faults);
            }
        }
        for (id, value) in &self.form.severities {
            let Some(check) = checks.get(id) else {
                faults.push(self.no_check(id, value, checks));
                continue;
            };
            let Some(severity) = self.keep(value.value.parse::<Severity>(), value, faults) else { continue };
            if severity.value == check.severity {
                continue;
            }
            overrides.severities.insert(check.id.clone(), severity.value);
            told.insert(
                (check.id.clone(), "severity".to_owned()),
                Override {
                    check: check.id.clone(),
                    setting: "severity".to_owned(),
                    value: severity.value.as_str().into(),
                    default: check.severity.as_str().into(),
                    at: severity.at,
                },
            );
        }
        overrides.params.retain(|_, params: &mut Params| !params.is_empty());
        overrides.told = told.into_values().collect();
        overrides
    }

    fn waivers(&self, checks: &CheckSet, faults: &mut Vec<Diagnostic>) -> Vec<Waiver> {
        let mut waivers = Vec::new();
        for form in &self.form.waivers {
            let WaiverForm { check, reason, until, subject: _, at: _, owner: _ } = &form.value;
            if let Some(fault) = waiver::register::fault(&check.value, checks) {
                faults.push(self.fault(check, fault));
            }
            if reason.value.trim().is_empty() {
                faults.push(self.fault(reason, "a waiver must give a reason".to_owned()));
            }
            let day = until.as_ref().and_then(|until| {
                let day = comment::day(&until.value);
                self.keep(day, until, faults)
            });
            waivers.push(form.value.with(day.map(|day| day.value), &self.place(form)));
        }
        waivers
    }

    fn read<T>(
        &self,
        value: Option<&Spanned<String>>,
        parse: impl Fn(&str) -> Result<T, String>,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<Told<T>> {
        let value = value?;
        self.keep(parse(&value.value), value, faults)
    }

    fn keep<T, U>(
        &self,
        read: Result<T, String>,
        value: &Spanned<U>,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<Told<T>> {
        match read {
            Ok(read) => Some(Told::new(read, self.place(value))),
            Err(message) => {
                faults.push(self.fault(value, message));
                None
            }
        }
    }

    fn no_check<T>(&self, id: &str, value: &Spanned<T>, checks: &CheckSet) -> Diagnostic {
        let near = nearest(id, checks.checks.iter().map(|check| check.id.as_str()));
        self.fault_at_key(id, value, format!("there is no check `{id}`"), near)
    }

    /// A complaint about a value.
    pub fn fault<T>(&self, value: &Spanned<T>, message: String) -> Diagnostic {
        *self.loader().at(self.loader().offset(value), message, None)
    }

    /// A complaint about the key of a value, which stands before it.
    fn fault_at_key<T>(
        &self,
        key: &str,
        value: &Spanned<T>,
        message: String,
        near: Option<&str>,
    ) -> Diagnostic {
        let offset = self.loader().offset(value);
        let at = self.text.get(..offset).and_then(|before| before.rfind(key)).unwrap_or(offset);
        let help = near.map(|near| format!("did you mean `{near}`?"));
        *self.loader().at(at, message, help)
    }

    fn loader(&self) -> Loader<'_> {
        Loader { name: &self.name, text: &self.text }
    }

    /// Where a value stands.
    fn place<T>(&self, value: &Spanned<T>) -> String {
        format!("{}:{}:{}", self.name, value.referenced.line().max(1), value.referenced.column().max(1))
    }
}

/// What has a type, in words.
fn form(r#type: &Type) -> String {
    match r#type {
        Type::Bool => "true or false".to_owned(),
        Type::Int => "a whole number".to_owned(),
        Type::Text => "a text".to_owned(),
        Type::List(item) if **item == Type::Text => "a list of texts: [a, b]".to_owned(),
        Type::List(item) if **item == Type::Int => "a list of whole numbers: [1, 2]".to_owned(),
        other => format!("a value of type {other}"),
    }
}

/// Whether a value can take the place of a check's default.
fn fits(param: &str, default: &Value, value: &Value) -> Result<(), String> {
    let wanted = Type::of_parameter(default).map_err(|_| "its default has no type".to_owned())?;
    let is_one = Type::of_parameter(value).is_ok_and(|found| wanted.unify(&found).is_some());
    if !is_one {
        return Err(format!("it must be {}", form(&wanted)));
    }
    match (default, value) {
        (Value::Number(default), Value::Number(wanted)) => {
            // Every number is at least zero, and what asks for at least that asks for nothing.
            let is_least = param.strip_prefix("min").is_some_and(|rest| rest.starts_with(char::is_uppercase));
            let least = i64::from(is_least);
            let is_below = |number: &serde_json::Number| number.as_i64().is_some_and(|number| number < least);
            if is_below(wanted) && !is_below(default) {
                return Err(format!("it must be {least} or more; leave the check out with `skip`"));
            }
            Ok(())
        }
        (Value::Array(known), Value::Array(wanted)) if !known.is_empty() && wanted.is_empty() => {
            Err("an empty list would let everything pass; leave the check out with `skip`".to_owned())
        }
        (Value::Array(known), Value::Array(wanted)) => {
            let is_class = |entry: &Value| entry.as_str().is_some_and(is_catalogued);
            let stray = wanted.iter().find(|entry| !is_class(entry));
            match stray {
                Some(stray) if !known.is_empty() && known.iter().all(is_class) => Err(format!(
                    "{stray} is nothing that is catalogued, and nothing would judge it; see docs/requests.md"
                )),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Whether something is a class of requests, a kind of bodies or noise of the catalogue.
fn is_catalogued(id: &str) -> bool {
    CATALOGUE.classes.iter().any(|class| class.id == id)
        || CATALOGUE.bodies.iter().any(|body| body.id == id)
        || CATALOGUE.noise.iter().any(|noise| noise.id == id)
}
