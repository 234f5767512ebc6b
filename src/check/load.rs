//! Check files: reading, validating and linting them, with positions for everything that is wrong.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_yaml::Spanned;

use super::diagnostic::{Diagnostic, offset_of, word_at};
use super::expr::{Expression, Fault};
use super::files::files_of;
use super::template::Template;
use super::types::Type;
use super::{Check, CheckSet, Params, Says, Used, builtin, lint};
use crate::suggest::nearest;
use crate::verdict::Severity;

/// Folders of `checks/` that hold something else than checks.
const NO_CHECKS: [&str; 3] = ["frameworks", "policies", "profiles"];

/// A check as its file spells it. Positions are kept for what can be wrong in more than form.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct CheckFile {
    id: Spanned<String>,
    title: String,
    severity: Severity,
    since: String,
    themes: Vec<Spanned<String>>,
    what: String,
    why: String,
    fix: String,
    fine_when: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    deprecated: Option<String>,
    #[serde(default = "yes")]
    baseline: bool,
    #[serde(default)]
    params: BTreeMap<String, Spanned<Value>>,
    #[serde(default)]
    each: Option<Spanned<String>>,
    #[serde(default, rename = "where")]
    among: Option<Spanned<String>>,
    #[serde(default)]
    applies: Option<Spanned<String>>,
    pass: Spanned<String>,
    says: SaysFile,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SaysFile {
    pass: Spanned<String>,
    fail: Spanned<String>,
    #[serde(default)]
    not_applicable: Option<Spanned<String>>,
}

/// An evidence theme: what a check gives evidence for (`checks/themes.yaml`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Theme {
    /// `E01`.
    pub id: String,
    /// A short name.
    pub key: String,
    /// What it covers.
    pub what: String,
    /// What of it the checks of this version leave open: they can fail it, but not prove it.
    #[serde(default)]
    pub not_yet: Option<String>,
}

/// The evidence themes, in order.
pub static THEMES: LazyLock<Vec<Theme>> = LazyLock::new(|| builtin::data("themes.yaml"));

/// The checks that are compiled in.
///
/// # Errors
/// Diagnostics; the tests see to it that there are none.
pub fn builtin() -> Result<CheckSet, Vec<Diagnostic>> {
    let is_check = |path: &str| path.split_once('/').is_some_and(|(folder, _)| !NO_CHECKS.contains(&folder));
    let files: Vec<(String, String)> = builtin::files("")
        .filter(|(path, _)| is_check(path))
        .map(|(path, text)| (format!("checks/{path}"), text.to_owned()))
        .collect();
    load(CheckSet::default(), &files)
}

/// Adds the checks of a folder, or of a single file, to a set.
///
/// # Errors
/// Everything that is wrong with the files.
pub fn add_path(set: CheckSet, path: &Path) -> Result<CheckSet, Vec<Diagnostic>> {
    let files = files_of(path, "check").map_err(|diagnostic| vec![diagnostic])?;
    load(set, &files)
}

/// Loads check files, each given by its name and text.
///
/// # Errors
/// Everything that is wrong with them.
pub fn load(mut set: CheckSet, files: &[(String, String)]) -> Result<CheckSet, Vec<Diagnostic>> {
    let facts = facts_type().map_err(|message| vec![Diagnostic::of_file("facts", message)])?;
    let mut faults = Vec::new();
    for ((name, text), loaded) in files.iter().zip(load_all(files, &facts)) {
        match loaded {
            Ok(check) => {
                let taken = set.checks.iter().find(|other| {
                    other.id == check.id
                        || other.aliases.contains(&check.id)
                        || check.aliases.contains(&other.id)
                });
                match taken {
                    Some(other) => faults.push(Diagnostic {
                        file: name.clone(),
                        text: text.clone(),
                        span: text.find(&check.id).map_or(0..0, |at| word_at(text, at)),
                        message: format!(
                            "the id {} is taken by {}; ids are never reused",
                            check.id, other.file
                        ),
                        help: None,
                    }),
                    None => set.checks.push(check),
                }
            }
            Err(fault) => faults.push(*fault),
        }
    }
    set.checks.sort_by(|left, right| left.id.cmp(&right.id));
    if faults.is_empty() { Ok(set) } else { Err(faults) }
}

/// Loads files on as many threads as there are processors, up to a few: checking expressions is most of what a short run
/// does. The outcomes stand in the order of the files.
fn load_all(files: &[(String, String)], facts: &Type) -> Vec<Result<Check, Box<Diagnostic>>> {
    let one = |file: &(String, String)| load_one(&file.0, &file.1, facts);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    if threads < 2 || files.len() < FEW_FILES {
        return files.iter().map(one).collect();
    }
    std::thread::scope(|scope| {
        let parts: Vec<_> = files
            .chunks(files.len().div_ceil(threads))
            .map(|part| {
                let work = move || part.iter().map(one).collect::<Vec<_>>();
                (
                    part,
                    std::thread::Builder::new()
                        .stack_size(super::limits::STACK_BYTES)
                        .spawn_scoped(scope, work),
                )
            })
            .collect();
        let outcomes = parts.into_iter().map(|(part, thread)| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            // The system gives no thread.
            Err(_) => part.iter().map(one).collect(),
        });
        outcomes.flatten().collect()
    })
}

/// How many threads load checks.
const MAX_THREADS: usize = 4;

/// Fewer files than these are not worth a thread.
const FEW_FILES: usize = 16;

/// The type of the variable `facts`.
///
/// # Errors
/// The schema of the facts holds something that expressions cannot be checked against; a test sees to it that it does not.
pub fn facts_type() -> Result<Type, String> {
    Type::of_schema(&crate::analyze::schema())
}

/// Splits a file before its examples: they are by far the largest part and rarely needed.
fn split_examples(text: &str) -> (&str, &str) {
    match text.find("\nexamples:") {
        Some(at) => (&text[..=at], &text[at + 1..]),
        None => (text, ""),
    }
}

fn load_one(name: &str, text: &str, facts: &Type) -> Result<Check, Box<Diagnostic>> {
    let (head, examples) = split_examples(text);
    let loader = Loader { name, text };
    let file: CheckFile = loader.parse(head)?;
    let later_key = examples.lines().skip(1).find(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()));
    if let Some(key) = later_key {
        let at = text.rfind(key).unwrap_or_default();
        return Err(loader.at(at, "`examples` must be the last key of a check".into(), None));
    }
    loader.id(&file.id)?;
    loader.prose(head, &file)?;
    for theme in &file.themes {
        if !THEMES.iter().any(|known| known.id == theme.value) {
            let at = loader.offset(theme);
            return Err(loader.at(
                at,
                format!("there is no theme `{}`; see checks/themes.yaml", theme.value),
                None,
            ));
        }
    }
    if file.themes.is_empty() {
        return Err(loader.at(0, "a check must name the themes it answers".into(), None));
    }
    let mut variables: BTreeMap<String, Type> = BTreeMap::new();
    variables.insert("facts".into(), facts.clone());
    let (params, param_types) = loader.params(&file)?;
    variables.insert("params".into(), Type::Object(Arc::new(param_types)));
    let each = match &file.each {
        None => None,
        Some(source) => {
            let (each, result) = loader.expression(source, &variables)?;
            let Type::List(item) = result else {
                return Err(loader.at(
                    loader.offset(source),
                    format!("`each` must be a list, and this is a {result}"),
                    None,
                ));
            };
            let named = matches!(&*item, Type::Object(fields) if fields.get("name") == Some(&Type::Text));
            if !named || each.uses != [source.value.trim()] {
                let message =
                    "`each` must be the plain path of a list in the facts whose items have names".into();
                return Err(loader.at(loader.offset(source), message, None));
            }
            variables.insert("item".into(), (*item).clone());
            Some(each)
        }
    };
    if let (Some(among), None) = (&file.among, &each) {
        return Err(loader.at(
            loader.offset(among),
            "`where` chooses among the items of `each`, which is missing".into(),
            None,
        ));
    }
    let among = file.among.as_ref().map(|source| loader.condition(source, &variables)).transpose()?;
    let applies = file.applies.as_ref().map(|source| loader.condition(source, &variables)).transpose()?;
    let pass = loader.condition(&file.pass, &variables)?;
    if pass.uses.is_empty() {
        let message = "`pass` looks at no fact, so that it would pass or fail without evidence".into();
        return Err(loader.at(loader.offset(&file.pass), message, None));
    }
    let says = Says {
        pass: loader.template(&file.says.pass, &variables)?,
        fail: loader.template(&file.says.fail, &variables)?,
        not_applicable: file
            .says
            .not_applicable
            .as_ref()
            .map(|text| loader.template(text, &variables))
            .transpose()?,
    };
    if applies.is_some() != says.not_applicable.is_some() {
        let message =
            "`applies` and `says.not-applicable` go together: where the question does not arise, say why";
        return Err(loader.at(0, message.into(), None));
    }
    Ok(Check {
        id: file.id.value,
        title: file.title,
        severity: file.severity,
        category: category(name),
        since: file.since,
        themes: file.themes.into_iter().map(|theme| theme.value).collect(),
        what: file.what,
        why: file.why,
        fix: file.fix,
        fine_when: file.fine_when,
        aliases: file.aliases,
        deprecated: file.deprecated,
        baseline: file.baseline,
        params,
        each,
        among,
        applies,
        pass,
        says,
        file: name.to_owned(),
        examples: examples.to_owned(),
    })
}

/// The folder a check lies in, for the built-in ones the one of `checks/`; a single file belongs to `custom`.
fn category(name: &str) -> String {
    if let Some((folder, _)) = name.strip_prefix("checks/").and_then(|name| name.split_once('/')) {
        return folder.to_owned();
    }
    let mut parts = name.rsplit(['/', '\\']);
    parts.next();
    parts.next().filter(|folder| !folder.is_empty() && *folder != ".").unwrap_or("custom").to_owned()
}

/// A file whose faults are told with their places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loader<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Its text.
    pub(crate) text: &'a str,
}

impl Loader<'_> {
    /// A fault at a byte of the text.
    pub(crate) fn at(&self, offset: usize, message: String, help: Option<String>) -> Box<Diagnostic> {
        let span = word_at(self.text, offset);
        Box::new(Diagnostic { file: self.name.into(), text: self.text.into(), span, message, help })
    }

    /// Reads the text, or the part of it that it begins with.
    pub(crate) fn parse<T: serde::de::DeserializeOwned>(&self, part: &str) -> Result<T, Box<Diagnostic>> {
        serde_yaml::from_str(part).map_err(|error| {
            let plain = error.without_snippet();
            let offset = plain.location().map_or(0, |at| offset_of(self.text, at.line(), at.column()));
            let message = plain.to_string();
            let message = message.lines().next().unwrap_or_default();
            self.at(offset, plain_words(message), meant_key(message))
        })
    }

    /// Where a value stands.
    pub(crate) fn offset<T>(&self, spanned: &Spanned<T>) -> usize {
        offset_of(self.text, spanned.referenced.line(), spanned.referenced.column())
    }

    fn id(&self, id: &Spanned<String>) -> Result<(), Box<Diagnostic>> {
        let parts: Vec<&str> = id.value.split('-').collect();
        let valid = parts.len() >= 3
            && parts.iter().all(|part| {
                !part.is_empty() && part.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
            })
            && parts
                .last()
                .is_some_and(|number| number.len() >= 3 && number.chars().all(|c| c.is_ascii_digit()));
        if valid {
            return Ok(());
        }
        let message = format!("`{}` is no check id; use the form ORG-AREA-001", id.value);
        Err(self.at(self.offset(id), message, None))
    }

    /// Whoever reads a finding needs every one of these texts.
    fn prose(&self, head: &str, file: &CheckFile) -> Result<(), Box<Diagnostic>> {
        let texts = [
            ("title", &file.title),
            ("what", &file.what),
            ("why", &file.why),
            ("fix", &file.fix),
            ("fine-when", &file.fine_when),
        ];
        if let Some((key, _)) = texts.iter().find(|(_, text)| text.trim().is_empty()) {
            let at = head.find(&format!("\n{key}:")).map_or(0, |at| at + 1);
            return Err(self.at(at, format!("`{key}` is empty"), None));
        }
        Ok(())
    }

    /// The default parameters and their types.
    fn params(&self, file: &CheckFile) -> Result<(Params, BTreeMap<String, Type>), Box<Diagnostic>> {
        let (mut params, mut types) = (Params::new(), BTreeMap::new());
        for (name, value) in &file.params {
            let r#type = Type::of_parameter(&value.value)
                .map_err(|message| self.at(self.offset(value), message, None))?;
            types.insert(name.clone(), r#type);
            params.insert(name.clone(), value.value.clone());
        }
        Ok((params, types))
    }

    fn condition(
        &self,
        source: &Spanned<String>,
        variables: &BTreeMap<String, Type>,
    ) -> Result<Used, Box<Diagnostic>> {
        let (used, result) = self.expression(source, variables)?;
        if result == Type::Bool {
            return Ok(used);
        }
        Err(self.at(self.offset(source), format!("the result must be a bool, and it is a {result}"), None))
    }

    fn expression(
        &self,
        source: &Spanned<String>,
        variables: &BTreeMap<String, Type>,
    ) -> Result<(Used, Type), Box<Diagnostic>> {
        let expression = Expression::parse(&source.value).map_err(|fault| self.fault(source, fault))?;
        let checked = lint::check(&expression.tree, variables).map_err(|fault| self.fault(source, fault))?;
        Ok((Used { expression, uses: checked.uses }, checked.result))
    }

    fn template(
        &self,
        source: &Spanned<String>,
        variables: &BTreeMap<String, Type>,
    ) -> Result<Template, Box<Diagnostic>> {
        Template::parse(&source.value, variables).map_err(|fault| self.fault(source, fault))
    }

    /// Where in the file a fault in a scalar stands.
    fn fault(&self, source: &Spanned<String>, fault: Fault) -> Box<Diagnostic> {
        let start = self.offset(source);
        let rest = self.text.get(start..).unwrap_or_default();
        let offset = match rest.chars().next() {
            Some('|' | '>') => block_offset(rest, &source.value, fault.offset).map(|inner| start + inner),
            Some('"' | '\'') => Some(start + 1 + fault.offset),
            _ => Some(start + fault.offset),
        };
        self.at(offset.unwrap_or(start), fault.message, fault.help)
    }
}

/// What the reader says, without the place, which is told beside it, and in words of those who write the file.
fn plain_words(message: &str) -> String {
    let message = match message.rsplit_once(" at line ") {
        Some((said, place)) if place.starts_with(|c: char| c.is_ascii_digit()) => said,
        _ => message,
    };
    if let Some((key, _)) =
        message.strip_prefix("duplicate mapping key: ").and_then(|rest| rest.rsplit_once(", set "))
    {
        return format!("`{key}` stands twice");
    }
    match message {
        "expected mapping start" => "this must be settings, each written `name: value`",
        "expected sequence start" => "this must be a list: [a, b]",
        "expected string scalar" => "this must be a single text",
        other => other,
    }
    .to_owned()
}

/// The key that may be meant, where the reader complains: unknown field `a`, expected one of b, c at line 3, column 1.
fn meant_key(message: &str) -> Option<String> {
    let (_, named) = message.split_once("unknown field `")?;
    let (unknown, known) = named.split_once("`, expected ")?;
    let words = known.split(|c: char| c == ',' || c == '`' || c.is_whitespace());
    let near = nearest(unknown, words.filter(|word| !word.is_empty()))?;
    Some(format!("did you mean `{near}`?"))
}

/// The place in a block scalar, from its indicator on, of an offset in its value.
fn block_offset(block: &str, value: &str, offset: usize) -> Option<usize> {
    let before = value.get(..offset)?;
    let line_of_value = before.matches('\n').count();
    let column = before.rsplit('\n').next()?.len();
    let body = block.find('\n')? + 1;
    if block.starts_with('>') {
        // Folded lines: look for the text around the fault instead.
        let word = word_at(value, offset);
        return block.get(body..)?.find(value.get(word)?).map(|at| body + at);
    }
    let line = block.get(body..)?.split_inclusive('\n').nth(line_of_value)?;
    let line_start: usize = block.get(body..)?.split_inclusive('\n').take(line_of_value).map(str::len).sum();
    let indent = line.len() - line.trim_start_matches(' ').len();
    Some(body + line_start + indent + column)
}
