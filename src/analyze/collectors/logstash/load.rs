//! Which texts make up which pipeline: `pipelines.yml`, `path.config` and `config.string`, from the arguments, the
//! environment and `logstash.yml` (Logstash docs: logstash.yml, multiple pipelines, Docker configuration).

use super::value::{Found, expand};
use crate::analyze::collectors::config::{Config, Env, File, Lookup, resolve};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::fields::Fields;
use crate::analyze::collectors::model::{Buffer, Unread};
use crate::analyze::fact::Fact;
use crate::document::{Document, yaml};
use crate::snapshot::redact::REDACTED;
use crate::verdict::Rank;

/// Where the image has what is read when nothing else is said.
const PIPELINES: &str = "/usr/share/logstash/pipeline";
const HOME: &str = "/usr/share/logstash/x";
const SETTINGS: &str = "/usr/share/logstash/config";
const DATA: &str = "/usr/share/logstash/data";

/// A pipeline before it is parsed.
pub(super) struct Unit {
    /// Its id.
    pub(super) id: String,
    pub(super) files: Vec<File>,
    pub(super) place: Place,
}

/// What its settings say about where things are kept.
#[derive(Clone)]
pub(super) struct Place {
    /// Where events wait between inputs and filters.
    pub(super) queue: Fact<Buffer>,
    /// `path.data`.
    pub(super) data: Fact<String>,
}

/// Settings of the whole program.
struct Globals<'a> {
    config: &'a Config,
    document: Option<Document>,
    /// Why `logstash.yml` is not seen, if something else than the image may bring it.
    hidden: Option<String>,
}

/// The pipelines, and what of them is not seen.
pub(super) fn units(config: &Config) -> Result<(Vec<Unit>, Vec<Unread>), Unreadable> {
    let globals = Globals::read(config)?;
    if let Some((text, at)) = given(globals.get("config.string"))? {
        let file = File { path: "config.string".into(), at, text };
        return Ok((
            vec![Unit { id: "main".into(), files: vec![file], place: globals.place(None) }],
            Vec::new(),
        ));
    }
    let is_default = config.main.trim_end_matches('/') == PIPELINES;
    let path = if is_default {
        given(globals.get("path.config"))?.map(|(path, _)| path)
    } else {
        Some(config.main.clone())
    };
    let listed = format!("{}/pipelines.yml", settings_folder(config));
    if path.is_none() && !matches!(config.file(&config.main), Lookup::Seen(_)) {
        match config.file(&listed) {
            Lookup::Seen(file) => return globals.listed(file),
            Lookup::Hidden(why) if mounted(config, &listed) => return Err(Unreadable::new(listed, why)),
            Lookup::Hidden(_) => {}
        }
    }
    let path = path.unwrap_or_else(|| config.main.clone());
    let files = files(config, &path).map_err(|why| Unreadable::new(&*path, why))?;
    Ok((vec![Unit { id: "main".into(), files, place: globals.place(None) }], Vec::new()))
}

fn given<T>(found: Found<T>) -> Result<Option<(T, String)>, Unreadable> {
    found.map_err(|why| Unreadable::new("logstash.yml", why))
}

fn settings_folder(config: &Config) -> String {
    config
        .argument(&["--path.settings"])
        .map_or_else(|| SETTINGS.to_owned(), |folder| folder.trim_end_matches('/').to_owned())
}

/// Whether a volume that is not seen may hold a file.
fn mounted(config: &Config, path: &str) -> bool {
    config.hidden.iter().any(|hidden| {
        let folder = hidden.path.trim_end_matches('/');
        !folder.is_empty()
            && path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The files of a path: itself, those a glob matches or, of a folder, all in it but hidden and temporary ones, by name.
fn files(config: &Config, path: &str) -> Result<Vec<File>, String> {
    let path = path.strip_prefix("file://").unwrap_or(path);
    if path.contains("://") {
        return Err("what is fetched from a URL is not seen".into());
    }
    let path = resolve(HOME, path);
    if let Lookup::Seen(file) = config.file(&path) {
        return Ok(vec![file.clone()]);
    }
    let pattern = if path.contains(['*', '?', '[', '{']) { path } else { format!("{path}/*") };
    let (found, hidden) = config.glob(&pattern);
    let name = |file: &File| file.path.rsplit('/').next().unwrap_or_default().to_owned();
    let files: Vec<File> = found
        .into_iter()
        .filter(|file| !name(file).starts_with('.') && !name(file).ends_with('~'))
        .cloned()
        .collect();
    match (files.is_empty(), hidden) {
        (false, _) => Ok(files),
        (true, Some(why)) => Err(why),
        (true, None) => Err("there is no file there".into()),
    }
}

fn document(file: &File) -> Result<Option<Document>, Unreadable> {
    let parsed = yaml::parse(&file.text);
    if let Some(fault) = parsed.faults.first() {
        return Err(Unreadable::new(
            file.place(usize::try_from(fault.line).unwrap_or(usize::MAX)),
            "it is not YAML",
        ));
    }
    Ok(parsed.trees.into_iter().next().map(|tree| tree.document(&file.at)))
}

/// A setting that may be written flat, `queue.type`, or nested.
fn dotted(fields: &Fields<'_>, name: &str, env: &Env) -> Found<String> {
    let nested = || {
        let (path, last) = name.rsplit_once('.')?;
        let parent = fields.at_path(&path.split('.').collect::<Vec<_>>())?;
        Some((parent.text(last)?, parent.at_key(last)))
    };
    match fields.text(name).map(|text| (text, fields.at_key(name))).or_else(nested) {
        None => Ok(None),
        Some((text, at)) => match expand(&text, env) {
            Ok(text) => Ok(Some((text, at))),
            Err(why) => Err(format!("{name} at {at} is not known: {why}")),
        },
    }
}

impl<'a> Globals<'a> {
    fn read(config: &'a Config) -> Result<Self, Unreadable> {
        let path = format!("{}/logstash.yml", settings_folder(config));
        let (document, hidden) = match config.file(&path) {
            Lookup::Seen(file) => (document(file)?, None),
            Lookup::Hidden(why) => (None, mounted(config, &path).then_some(why)),
        };
        Ok(Self { config, document, hidden })
    }

    /// A setting: of the arguments, of the environment as the image takes it over, or of `logstash.yml`.
    fn get(&self, name: &str) -> Found<String> {
        let flag = format!("--{name}");
        let short = match name {
            "config.string" => "-e",
            "path.config" => "-f",
            _ => "",
        };
        if let Some(value) = self.config.argument(&[&flag, short]) {
            if value == REDACTED {
                return Err(format!("the value of {flag} is not kept; give the pipeline with --config-for"));
            }
            return Ok(Some((value, self.config.args_at.clone())));
        }
        for variable in [name.to_owned(), name.replace('.', "_").to_ascii_uppercase()] {
            if !self.config.env.is_set(&variable) {
                continue;
            }
            return match self.config.env.get(&variable) {
                Fact::Known(known) => {
                    let at = known.evidence.first().map(|evidence| evidence.at.clone()).unwrap_or_default();
                    Ok(known.value.map(|value| (value, at)))
                }
                Fact::Unknown(unknown) => Err(unknown.reason),
            };
        }
        match &self.document {
            Some(document) => dotted(&Fields::document(document), name, &self.config.env),
            None => Ok(None),
        }
    }

    /// What one pipeline says, or else the whole program.
    fn of(&self, own: Option<&Fields<'_>>, name: &str) -> Found<String> {
        let own = own.map_or(Ok(None), |own| dotted(own, name, &self.config.env))?;
        if own.is_some() {
            return Ok(own);
        }
        match (self.get(name)?, &self.hidden) {
            (None, Some(why)) => Err(format!("{name} may be set in logstash.yml: {why}")),
            (found, _) => Ok(found),
        }
    }

    fn place(&self, own: Option<&Fields<'_>>) -> Place {
        let at = self
            .document
            .as_ref()
            .map_or_else(|| self.config.main.clone(), |document| document.place.at.clone());
        let data = match self.of(None, "path.data") {
            Ok(Some((path, at))) => Fact::at(
                path.trim_end_matches('/').to_owned(),
                Rank::Configured,
                at,
                format!("path.data {path}"),
            ),
            Ok(None) => Fact::at(
                DATA.to_owned(),
                Rank::Configured,
                at.clone(),
                format!("path.data is not set; the default is {DATA}"),
            ),
            Err(why) => Fact::unknown(why),
        };
        let queue = match self.of(own, "queue.type") {
            Err(why) => Fact::unknown(why),
            Ok(Some((kind, at))) if kind == "persisted" => {
                let set = self.of(own, "path.queue").ok().flatten().map(|(path, _)| path);
                let folder = set.or_else(|| data.value().map(|data| format!("{data}/queue")));
                Fact::at(Buffer::Disk(folder), Rank::Configured, at, "queue.type persisted")
            }
            Ok(Some((kind, at))) if kind == "memory" => {
                Fact::at(Buffer::Memory, Rank::Configured, at, "queue.type memory")
            }
            Ok(Some((_, at))) => Fact::unknown(format!("queue.type at {at} is not one known here")),
            Ok(None) => Fact::at(
                Buffer::Memory,
                Rank::Configured,
                own.map_or(at, Fields::at),
                "queue.type is not set; the default is memory",
            ),
        };
        Place { queue, data }
    }

    /// The pipelines of `pipelines.yml`.
    fn listed(&self, file: &File) -> Result<(Vec<Unit>, Vec<Unread>), Unreadable> {
        let Some(document) = document(file)? else {
            return Err(Unreadable::new(&*file.at, "it lists no pipelines"));
        };
        let items = Fields::document(&document).elements();
        if items.is_empty() {
            return Err(Unreadable::new(&*file.at, "it lists no pipelines"));
        }
        Ok(self.items(&items))
    }

    fn items(&self, items: &[Fields<'_>]) -> (Vec<Unit>, Vec<Unread>) {
        let (mut units, mut unread) = (Vec::new(), Vec::new());
        for item in items {
            match self.item(item) {
                Ok(unit) => units.push(unit),
                Err(why) => unread.push(Unread { at: item.at(), why }),
            }
        }
        (units, unread)
    }

    fn item(&self, item: &Fields<'_>) -> Result<Unit, String> {
        let env = &self.config.env;
        let id = dotted(item, "pipeline.id", env)?.map_or_else(|| "main".to_owned(), |(id, _)| id);
        // Variables in the pipeline itself are replaced when it is read.
        let text = item.text("config.string").map(|text| (text, item.at_key("config.string")));
        let text = text.or_else(|| {
            let config = item.get("config")?;
            Some((config.text("string")?, config.at_key("string")))
        });
        let files = match (text, dotted(item, "path.config", env)?) {
            (Some((text, at)), _) => {
                let at = if at.contains("config.string") { at } else { format!("{at} config.string") };
                vec![File { path: format!("pipeline {id}"), at, text }]
            }
            (None, Some((path, _))) => {
                files(self.config, &path).map_err(|why| format!("the pipeline {id} is not seen: {why}"))?
            }
            (None, None) => {
                return Err(format!("the pipeline {id} has neither path.config nor config.string"));
            }
        };
        Ok(Unit { id, files, place: self.place(Some(item)) })
    }
}

/// The pipelines of a custom resource, with the program's settings as they stand in it.
pub(super) fn of_resource(
    config: &Config,
    settings: Option<Document>,
    hidden: Option<String>,
    pipelines: &[Fields<'_>],
) -> (Vec<Unit>, Vec<Unread>) {
    Globals { config, document: settings, hidden }.items(pipelines)
}
