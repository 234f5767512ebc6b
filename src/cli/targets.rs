//! Several reports of one run: each in its form, to standard output or to a file.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{anyhow, bail};
use clap::ValueEnum;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};

use super::output::{OutputArgs, write_files};
use crate::config::Told;
use crate::report::format::Format;
use crate::report::style;
use crate::suggest::nearest;

/// A form, and the file it is written to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Target {
    format: Format,
    file: Option<PathBuf>,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((_, "")) => return Err("no file is named behind `=`".into()),
            Some((name, "-")) => (name, None),
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let format = <Format as ValueEnum>::from_str(name, false).map_err(|_| {
            let forms = Format::value_variants().iter().filter_map(Format::to_possible_value);
            let names: Vec<String> = forms.map(|value| value.get_name().to_owned()).collect();
            let near = nearest(name, names.iter().map(String::as_str));
            let near = near.map(|near| format!("; did you mean `{near}`")).unwrap_or_default();
            format!("`{name}` is no form of a report{near}; there are {}", names.join(", "))
        })?;
        Ok(Self { format, file })
    }
}

/// Reads targets, and knows the forms for help and completion.
#[derive(Debug, Clone)]
pub(crate) struct TargetParser;

impl TypedValueParser for TargetParser {
    type Value = Target;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Target, clap::Error> {
        let parser = StringValueParser::new().try_map(|text| text.parse::<Target>());
        parser.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Format::value_variants().iter().filter_map(Format::to_possible_value)))
    }
}

/// The same for all spellings of a path, as far as its folder exists.
fn place(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    file.file_name().map_or_else(|| file.to_owned(), |name| folder.join(name))
}

/// The forms that a file or the environment asks for.
///
/// # Errors
/// One of them is none.
pub(crate) fn told_targets(told: &Told<Vec<String>>) -> anyhow::Result<Vec<Target>> {
    let Told { value, at } = told;
    value.iter().map(|text| text.parse().map_err(|error| anyhow!("{at}: {error}"))).collect()
}

/// Where the reports of a run go.
pub(crate) struct Targets<'a> {
    targets: Vec<Target>,
    to: &'a OutputArgs,
}

impl<'a> Targets<'a> {
    /// `--output-file` is where the one form goes that names no file of its own.
    ///
    /// # Errors
    /// Two of them go to the same place.
    pub(crate) fn new(targets: &[Target], to: &'a OutputArgs) -> anyhow::Result<Self> {
        let targets: Vec<Target> = targets
            .iter()
            .map(|target| Target {
                format: target.format,
                file: target.file.clone().or_else(|| to.output_file.clone()),
            })
            .collect();
        let mut places = BTreeSet::new();
        for Target { file, .. } in &targets {
            if !places.insert(file.as_deref().map(place)) {
                match file {
                    Some(file) => {
                        bail!("two reports go to {}; name another file for one of them", file.display())
                    }
                    None => bail!(
                        "two reports go to standard output; write one of them to a file: -o json=report.json"
                    ),
                }
            }
        }
        if to.output_file.is_some() && targets.iter().all(|target| target.file != to.output_file) {
            bail!("every -o names a file of its own, so nothing is left for --output-file");
        }
        Ok(Self { targets, to })
    }

    /// The forms.
    pub(crate) fn formats(&self) -> impl Iterator<Item = Format> {
        self.targets.iter().map(|target| target.format)
    }

    /// Renders all of them, and only then writes.
    pub(crate) fn write(&self, render: impl Fn(Format) -> anyhow::Result<String>) -> anyhow::Result<()> {
        let mut texts = Vec::new();
        for Target { format, file } in &self.targets {
            style::decide(self.to.color, file.is_none() && io::stdout().is_terminal());
            texts.push((file, render(*format)?));
        }
        let files: Vec<(&Path, &[u8])> =
            texts.iter().filter_map(|(file, text)| Some((file.as_deref()?, text.as_bytes()))).collect();
        write_files(&files)?;
        match texts.iter().find(|(file, _)| file.is_none()) {
            Some((_, text)) => self.to.emit(text.as_bytes()),
            None => Ok(()),
        }
    }
}
