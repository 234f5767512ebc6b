//! Fluent Bit, in its classic format and in YAML.
//!
//! | module | does |
//! | --- | --- |
//! | `classic`, `yaml` | read both formats into sections |
//! | `section`, `value` | sections, and values with their variables |
//! | `tag`, `matching` | what tags an input gives, and what matches them |
//! | `inputs`, `filters`, `grep`, `outputs`, `plugins` | what the plugins do |
//! | `lines` | what is lost of long lines |
//! | `routes` | the ways from tags through filters to outputs |
//! | `assemble` | all of it as one pipeline |

mod assemble;
mod classic;
mod filters;
pub(super) mod grep;
mod inputs;
pub(super) mod lines;
mod matching;
mod outputs;
mod plugins;
mod routes;
mod section;
mod tag;
mod value;
mod yaml;

pub(super) use self::assemble::opt_out;
use self::section::{Kind, Section};
use super::config::{Config, Env, File, Lookup, Variable};
use super::dialect::Unreadable;
use super::model::{Pipeline, Unread};

/// How many sections one configuration may have.
const MAX_SECTIONS: usize = 2000;

/// What the files say, before variables are replaced.
#[derive(Debug, Default)]
struct Draft {
    sections: Vec<Section>,
    unread: Vec<Unread>,
    /// Variables that the configuration sets itself. They count for all of it, also for what stands before.
    variables: Vec<(String, Variable)>,
}

impl Draft {
    fn set(&mut self, name: &str, value: &str, at: &str) {
        self.variables.push((name.to_owned(), Variable::Seen(value.to_owned(), at.to_owned())));
    }

    fn set_hidden(&mut self, name: &str, why: &str, at: &str) {
        self.variables.push((name.to_owned(), Variable::Hidden(why.to_owned(), at.to_owned())));
    }

    /// Every plugin has to be named.
    fn named(&self) -> Result<(), Unreadable> {
        let is_plugin = |section: &&Section| {
            matches!(section.kind, Kind::Input | Kind::Filter | Kind::Output | Kind::Custom)
        };
        let has_name = |section: &Section| section.properties.iter().any(|property| property.key == "name");
        match self.sections.iter().filter(is_plugin).find(|section| !has_name(section)) {
            Some(section) => Err(Unreadable::new(
                &*section.at,
                "a plugin without a name, with which Fluent Bit does not start",
            )),
            None => Ok(()),
        }
    }

    /// Replaces variables everywhere.
    fn resolve(&mut self, env: &Env) {
        let mut env = value::environment(env);
        env.variables.extend(std::mem::take(&mut self.variables));
        let mut open: Vec<&mut Section> = self.sections.iter_mut().collect();
        while let Some(section) = open.pop() {
            section.properties.iter_mut().for_each(|property| property.value.resolve(&env));
            open.extend(&mut section.processors);
        }
    }
}

/// Reads a configuration.
///
/// # Errors
/// Fluent Bit would not start with it, or its main file is not seen.
pub fn read(config: &Config) -> Result<Pipeline, Unreadable> {
    let main = match config.file(&config.main) {
        Lookup::Seen(file) => file,
        Lookup::Hidden(why) => return Err(Unreadable::new(&*config.main, why)),
    };
    let mut draft = if is_yaml(main) { yaml::read(config, main)? } else { classic::read(config, main)? };
    draft.named()?;
    draft.resolve(&config.env);
    Ok(assemble::pipeline(draft))
}

/// Reads the ConfigMap `aws-logging` of EKS on Fargate, whose keys are fragments of the classic format. What it reads is
/// set up by AWS: the logs of the containers, with tags as those of `tail` under `kube.*` (EKS user guide: Fargate
/// logging).
///
/// # Errors
/// A fragment cannot be read.
pub fn read_fargate(files: &[File]) -> Result<Pipeline, Unreadable> {
    let mut draft = Draft::default();
    let is_read = |file: &&File| file.path.ends_with("output.conf") || file.path.ends_with("filters.conf");
    for file in files.iter().filter(is_read) {
        let part = classic::read_alone(file)?;
        draft.sections.extend(part.sections);
        draft.unread.extend(part.unread);
        draft.variables.extend(part.variables);
    }
    let open = Some("the log router of Fargate is set up by AWS".to_owned());
    draft.resolve(&Env { open, ..Env::default() });
    let at = files
        .iter()
        .find(is_read)
        .or(files.first())
        .map_or("ConfigMap aws-observability/aws-logging", |file| &file.at);
    Ok(assemble::fargate(draft, at))
}

/// The program goes by the extension; a file without one that tells is looked into.
fn is_yaml(file: &File) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    match name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).as_deref() {
        Some("yaml" | "yml") => return true,
        Some("conf") => return false,
        _ => {}
    }
    let first = file.text.lines().map(str::trim_end).find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| !line.starts_with(['[', '@', ' ']) && line.contains(':') || line == "---")
}

#[cfg(test)]
mod tests;
