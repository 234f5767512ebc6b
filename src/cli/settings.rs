//! Settings of commands that judge: the configuration file, the environment and the command line, and the plan they make.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};

use anyhow::{Context, anyhow, bail};
use jiff::tz::TimeZone;

use super::input::now;
use super::judging::{JudgingArgs, load_checks};
use super::{diff, frameworks, output};
use crate::audit::{Plan, selected, selects};
use crate::check::diagnostic::Diagnostic;
use crate::check::{Check, CheckSet};
use crate::config::file::{File, MAX_BYTES};
use crate::config::find::{self, Source};
use crate::config::values::{self, FailOn};
use crate::config::{Config, Settings, Told, environment};
use crate::framework::Framework;
use crate::framework::choice::Choice;
use crate::report::{Demands, Selection};
use crate::score;
use crate::snapshot::Snapshot;
use crate::suggest::nearest;
use crate::verdict::Severity;
use crate::waiver::{self, Acceptance, Waiver};

/// The options by which the settings are given on the command line, and the file that holds others.
#[derive(Debug, clap::Args)]
pub(crate) struct SettingArgs {
    /// Take the settings of this file, instead of the .logaudit.yaml here or above in the repository
    #[arg(long, value_name = "FILE", conflicts_with = "no_config", help_heading = "Configuration")]
    config: Option<PathBuf>,
    /// Read no configuration file
    #[arg(long, help_heading = "Configuration")]
    no_config: bool,
    /// Fail if the low end of the score is below this
    #[arg(long, value_name = "0-100", value_parser = values::score, help_heading = "Gate")]
    min_score: Option<f64>,
    /// Fail only on what is new since this report in JSON
    #[arg(long, value_name = "FILE", help_heading = "Gate")]
    baseline: Option<PathBuf>,
    /// Let waivers in annotations of objects count
    #[arg(long, help_heading = "Gate")]
    accept_annotations: bool,
    /// Run only these checks: ids (LA-API-*), categories or themes
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', help_heading = "Selection")]
    only: Vec<String>,
    /// Run all but these checks
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', help_heading = "Selection")]
    skip: Vec<String>,
    /// Report only these frameworks, control by control: ID or ID@EDITION; or `all` that fit the cluster
    #[arg(long, value_name = "FRAMEWORK", value_delimiter = ',', help_heading = "Selection")]
    framework: Vec<String>,
    /// Add the frameworks of this file or folder, and report them
    #[arg(long, value_name = "FILE|DIR", help_heading = "Selection")]
    frameworks: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) judging: JudgingArgs,
}

/// All settings, and what only the configuration file says.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The settings of all sources.
    pub(crate) settings: Settings,
    /// The built-in checks and those of users.
    pub(crate) checks: CheckSet,
    /// What only the file says.
    pub(crate) config: Config,
    /// The file, if there is one.
    pub(crate) file: Option<PathBuf>,
}

impl SettingArgs {
    /// What the options say.
    fn flags(&self) -> Settings {
        let list = |flag: &str, list: &[String]| (!list.is_empty()).then(|| Told::new(list.to_vec(), flag));
        let paths =
            |flag: &str, list: &[PathBuf]| list.iter().map(|path| Told::new(path.clone(), flag)).collect();
        let set = |flag: &str, is_set: bool| is_set.then(|| Told::new(true, flag));
        let JudgingArgs { fail_on, fail_on_unknown, severity, checks, quiet: _ } = &self.judging;
        Settings {
            fail_on: fail_on.map(|value| Told::new(value, "--fail-on")),
            fail_on_unknown: set("--fail-on-unknown", *fail_on_unknown),
            min_score: self.min_score.map(|value| Told::new(value, "--min-score")),
            baseline: self.baseline.clone().map(|value| Told::new(value, "--baseline")),
            severity: severity.map(|value| Told::new(value, "--severity")),
            only: list("--only", &self.only),
            skip: list("--skip", &self.skip),
            framework: list("--framework", &self.framework),
            checks: paths("--checks", checks),
            frameworks: paths("--frameworks", &self.frameworks),
            accept_annotations: set("--accept-annotations", self.accept_annotations),
            output: None,
            cloud: None,
        }
    }

    /// Puts the sources together. `more` are options that not every command has.
    pub(crate) fn resolve(&self, more: Settings) -> anyhow::Result<Resolved> {
        let environment = environment::settings(|name| env::var_os(name)).map_err(anyhow::Error::msg)?;
        for (name, _) in env::vars_os() {
            if let Some(name) = name.to_str()
                && let Some(meant) = environment::meant(name)
            {
                output::warn(&format!("warning: the variable {name} sets nothing; did you mean {meant}?"));
            }
        }
        let source = self.source();
        let file = source.as_ref().map(read).transpose()?;
        let mut from_file = Settings::default();
        if let (Some(file), Some(source)) = (&file, &source) {
            // What is wrong with it is told with all else, once it is known which checks there are.
            from_file = file.settings().0;
            if let Some(root) = &source.root {
                find::restrict(&from_file, root).map_err(anyhow::Error::msg)?;
            }
        }
        let settings = self.flags().over(more).over(environment).over(from_file);
        let folders: Vec<PathBuf> = settings.checks.iter().map(|told| told.value.clone()).collect();
        let checks = load_checks(&folders)?;
        let config = match &file {
            Some(file) => file.config(&checks).map_err(|faults| told(&faults))?,
            None => Config::default(),
        };
        Ok(Resolved { settings, checks, config, file: source.map(|source| source.path) })
    }

    fn source(&self) -> Option<Source> {
        if self.no_config {
            return None;
        }
        let named = self
            .config
            .clone()
            .or_else(|| env::var_os("LOGAUDIT_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from));
        if let Some(path) = named {
            return Some(Source { path, root: None });
        }
        // Where the current folder cannot be told, nothing is found in it.
        let folder = env::current_dir().ok()?;
        find::find(&folder)
    }
}

/// What is wrong with a file, as one error.
pub(crate) fn told(faults: &[Diagnostic]) -> anyhow::Error {
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    anyhow!(faults.join("\n"))
}

/// Reads a configuration file.
pub(crate) fn read(source: &Source) -> anyhow::Result<File> {
    let name = source.path.display().to_string();
    let metadata =
        fs::metadata(&source.path).with_context(|| format!("cannot read the configuration {name}"))?;
    if !metadata.is_file() {
        bail!("cannot read the configuration {name}: it is no file");
    }
    if let Some(root) = &source.root {
        // A link may lead to what the checkout has no business with; messages would show it.
        let inside = fs::canonicalize(&source.path)?.starts_with(fs::canonicalize(root)?);
        if !inside {
            bail!(
                "{name} is a link that leads out of the repository; name the file with --config if you trust it"
            );
        }
    }
    let mut text = String::new();
    // One byte more than is read: enough to tell that it is too large.
    let limit = MAX_BYTES as u64 + 1;
    fs::File::open(&source.path)
        .and_then(|file| file.take(limit).read_to_string(&mut text))
        .with_context(|| format!("cannot read the configuration {name}"))?;
    let folder = source.path.parent().unwrap_or(Path::new(""));
    File::parse(&name, text, folder).map_err(|fault| told(&[*fault]))
}

impl Resolved {
    /// The waivers. The day of the run is told by [`dated`].
    fn acceptance(&mut self) -> Acceptance {
        let waivers: Vec<Waiver> = std::mem::take(&mut self.config.waivers);
        let annotations = self.settings.accept_annotations.as_ref().is_some_and(|told| told.value);
        Acceptance { waivers, annotations, ..Acceptance::default() }
    }

    /// What the gate demands.
    fn demands(&self) -> Demands {
        let fail_on = self.settings.fail_on.as_ref().map_or_else(FailOn::default, |told| told.value);
        Demands {
            fail_on: fail_on.0,
            min_score: self.settings.min_score.as_ref().map(|told| told.value),
            fail_on_unknown: self.gates_unknown(),
            told: self.told(),
        }
    }

    /// What of the gate and the selection was set in a file or the environment, and where.
    fn told(&self) -> Vec<String> {
        fn said<T>(name: &str, told: Option<&Told<T>>, value: impl Fn(&T) -> String) -> Option<String> {
            let Told { value: set, at } = told?;
            (!at.starts_with("--")).then(|| format!("{at} sets {name} to {}", value(set)))
        }
        let Settings {
            fail_on,
            fail_on_unknown,
            min_score,
            baseline,
            severity,
            only,
            skip,
            accept_annotations,
            ..
        } = &self.settings;
        let list = |list: &Vec<String>| list.join(",");
        [
            said("fail-on", fail_on.as_ref(), |FailOn(least)| {
                least.map_or("never", Severity::as_str).to_owned()
            }),
            said("fail-on-unknown", fail_on_unknown.as_ref(), bool::to_string),
            said("min-score", min_score.as_ref(), f64::to_string),
            said("baseline", baseline.as_ref(), |path| path.display().to_string()),
            said("severity", severity.as_ref(), Severity::to_string),
            said("only", only.as_ref(), list),
            said("skip", skip.as_ref(), list),
            said("accept-annotations", accept_annotations.as_ref(), bool::to_string),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether unknown findings fail the gate.
    pub(crate) fn gates_unknown(&self) -> bool {
        self.settings.fail_on_unknown.as_ref().is_some_and(|told| told.value)
    }

    /// What is judged by what, and what of it is reported.
    pub(crate) fn plan(mut self) -> anyhow::Result<Plan> {
        let selection = self.selection()?;
        let paths: Vec<PathBuf> = self.settings.frameworks.iter().map(|told| told.value.clone()).collect();
        let frameworks = frameworks::with_own(&paths, &self.checks)?;
        let reported = choice(self.settings.framework.as_ref(), &frameworks)?;
        let baseline = self.settings.baseline.as_ref();
        let baseline = baseline.map(|told| {
            let of = |error: anyhow::Error| match told.at.as_str() {
                "--baseline" => error,
                at => error.context(format!("the baseline of {at}")),
            };
            diff::report(&told.value).map_err(of)
        });
        Ok(Plan {
            baseline: baseline.transpose()?,
            acceptance: self.acceptance(),
            demands: self.demands(),
            least_severity: self.settings.severity.as_ref().map(|told| told.value),
            overrides: std::mem::take(&mut self.config.overrides),
            checks: self.checks,
            about: |_| true,
            frameworks,
            reported,
            rules: score::rules(),
            selection,
        })
    }

    /// What made the selection that leaves too little.
    fn leaving(&self) -> String {
        let made = [&self.settings.only, &self.settings.skip].into_iter().flatten();
        let made: Vec<&str> = made.map(|told| told.at.as_str()).collect();
        let verb = if made.len() > 1 { "together leave" } else { "leaves" };
        format!("{} {verb}", made.join(" and "))
    }

    fn selection(&self) -> anyhow::Result<Selection> {
        let list = |told: &Option<Told<Vec<String>>>| {
            told.as_ref().map(|told| told.value.clone()).unwrap_or_default()
        };
        let Self { settings, checks, .. } = self;
        for Told { value, at } in [&settings.only, &settings.skip].into_iter().flatten() {
            for pattern in value {
                if !checks.active().any(|check| selects(pattern, check)) {
                    let known =
                        checks.active().flat_map(|check| [check.id.as_str(), check.category.as_str()]);
                    let near = nearest(pattern, known)
                        .map(|near| format!(" did you mean `{near}`?"))
                        .unwrap_or_default();
                    let from = if at.starts_with("--") { String::new() } else { format!("{at}: ") };
                    bail!(
                        "{from}`{pattern}` selects no check;{near} `kubectl logaudit checks list` shows ids, categories and themes"
                    );
                }
            }
        }
        let selection = Selection { only: list(&settings.only), skip: list(&settings.skip) };
        let mut left = checks.active().filter(|check| selected(&selection, check)).peekable();
        if left.peek().is_none() {
            bail!("{} no check to run", self.leaving());
        }
        if left.all(Check::is_about_waivers) {
            bail!(
                "{} only checks of waivers, and these judge nothing where the checks that are waived are not run; select those too",
                self.leaving()
            );
        }
        Ok(selection)
    }
}

/// The plan with the day of the run, which matters only where something is waived.
pub(crate) fn dated(mut plan: Plan, snapshot: &Snapshot) -> anyhow::Result<Arc<Plan>> {
    if !waiver::all(&plan.acceptance, snapshot).is_empty() {
        plan.acceptance.today = now()?.to_zoned(TimeZone::UTC).date();
    }
    Ok(Arc::new(plan))
}

/// What asks for all frameworks that fit.
const ALL: &str = "all";

/// Which frameworks are asked for.
fn choice(asked: Option<&Told<Vec<String>>>, all: &[Framework]) -> anyhow::Result<Choice> {
    let Some(Told { value, at }) = asked else { return Ok(Choice::Default) };
    match value.as_slice() {
        [] => return Ok(Choice::Default),
        [word] if word == ALL => return Ok(Choice::All),
        _ => {}
    }
    let named = value.iter().map(|wanted| {
        if wanted == ALL {
            bail!("{at} {ALL} stands alone: it asks for every framework that fits the cluster");
        }
        let (id, edition) = frameworks::parts(wanted);
        frameworks::find(all, id, edition)
            .map_err(|error| if at.starts_with("--") { error } else { anyhow!("{at}: {error}") })?;
        Ok((id.to_owned(), edition.map(str::to_owned)))
    });
    Ok(Choice::These(named.collect::<anyhow::Result<_>>()?))
}
