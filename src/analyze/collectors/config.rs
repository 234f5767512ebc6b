//! The files of a collector's configuration, as the collector sees them in its container.

use std::collections::BTreeMap;

use super::paths::is_or_below;
use crate::analyze::apiserver::audit::clean;
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// The largest text that is read as a configuration, in bytes. A ConfigMap holds 1 MiB at most.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// How many files one configuration may consist of, included ones counted as often as they are included.
pub const MAX_FILES: usize = 500;

/// What a collector reads when it starts.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The path of the file it begins with, in the container.
    pub main: String,
    /// The files that are seen.
    pub files: Vec<File>,
    /// Folders and files of the container that are not seen, and why: from a Secret, from the image, from the node.
    pub hidden: Vec<Hidden>,
    /// Folders whose ConfigMap is known not to be there, and where they are mounted.
    pub absent: Vec<(String, String)>,
    /// The variables of the container.
    pub env: Env,
    /// The words of its command line.
    pub args: Vec<String>,
    /// Where each of them stands; empty where that is not known.
    pub args_places: Vec<String>,
    /// Where they stand altogether.
    pub args_at: String,
}

/// One file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// Its path in the container: `/fluent-bit/etc/fluent-bit.conf`.
    pub path: String,
    /// What a line follows to make a place in it: `ConfigMap logging/fluent-bit data[fluent-bit.conf]`.
    pub at: String,
    /// The text.
    pub text: String,
}

/// A path below which files are not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// The folder or file in the container; `/` for whatever the image holds.
    pub path: String,
    /// Why: "from the Secret logging/fluentd, which is not read; give it with --config-for".
    pub why: String,
}

/// What looking for a file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// It is seen.
    Seen(&'a File),
    /// It may be there and is not seen; the reason.
    Hidden(String),
}

impl Config {
    /// A configuration of one file, for texts that come without a container.
    pub fn of_text(path: &str, at: &str, text: &str) -> Self {
        Self {
            main: path.to_owned(),
            files: vec![File { path: path.to_owned(), at: at.to_owned(), text: text.to_owned() }],
            hidden: vec![Hidden { path: "/".into(), why: "it is not among the files at hand".into() }],
            ..Self::default()
        }
    }

    /// The value of a flag on the command line, `--flag=value` or in two words, and where it stands; the last one counts.
    pub fn flag(&self, flag: &str) -> Option<(&str, &str)> {
        let mut found = None;
        for (index, word) in self.args.iter().enumerate() {
            let Some(rest) = word.strip_prefix(flag) else { continue };
            if let Some(value) = rest.strip_prefix('=') {
                found = Some((value, self.args_place(index)));
            } else if rest.is_empty() {
                found = self
                    .args
                    .get(index + 1)
                    .map(|value| (value.as_str(), self.args_place(index + 1)))
                    .or(found);
            }
        }
        found
    }

    /// The values of a flag on the command line, in order, each with its place: `--flag value` and `--flag=value`, under any of
    /// its names.
    pub fn placed_arguments(&self, names: &[&str]) -> Vec<(&str, &str)> {
        let mut values = Vec::new();
        for (index, word) in self.args.iter().enumerate() {
            if names.contains(&word.as_str()) {
                let value = self.args.get(index + 1);
                values.extend(value.map(|value| (value.as_str(), self.args_place(index + 1))));
            } else if let Some((name, value)) = word.split_once('=')
                && names.contains(&name)
            {
                values.push((value, self.args_place(index)));
            }
        }
        values
    }

    /// Where a word of the command line stands.
    pub fn args_place(&self, index: usize) -> &str {
        self.args_places.get(index).map_or(self.args_at.as_str(), String::as_str)
    }

    /// The values of a flag on the command line, in order.
    pub fn arguments(&self, names: &[&str]) -> Vec<String> {
        self.placed_arguments(names).into_iter().map(|(value, _)| value.to_owned()).collect()
    }

    /// The value of a flag on the command line; of one given twice the last counts.
    pub fn argument(&self, names: &[&str]) -> Option<String> {
        self.arguments(names).pop()
    }

    /// The file at an absolute path of the container.
    pub fn file(&self, path: &str) -> Lookup<'_> {
        let path = clean(path);
        match self.files.iter().find(|file| clean(&file.path) == path) {
            Some(file) => Lookup::Seen(file),
            None => Lookup::Hidden(self.why_hidden(&path)),
        }
    }

    /// The files whose absolute paths a glob matches, by path, and why there may be more.
    pub fn glob(&self, pattern: &str) -> (Vec<&File>, Option<String>) {
        let pattern = clean(pattern);
        let mut found: Vec<&File> =
            self.files.iter().filter(|file| super::glob::matches(&pattern, &clean(&file.path))).collect();
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let fixed = super::glob::fixed_folder(&pattern);
        let seen_here = self.files.iter().any(|file| folder(&clean(&file.path)) == fixed);
        // A folder of which files are seen is a volume, and what is in a volume is seen as a whole.
        let more = (!seen_here).then(|| self.why_hidden(&format!("{fixed}/x")));
        (found, more)
    }

    fn why_hidden(&self, path: &str) -> String {
        let nearest = self
            .hidden
            .iter()
            .filter(|hidden| is_or_below(path, &clean(&hidden.path)))
            .max_by_key(|hidden| hidden.path.len());
        nearest.map_or_else(|| "it is part of the image".to_owned(), |hidden| hidden.why.clone())
    }
}

/// The folder of a path.
pub fn folder(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
        None => "",
    }
}

/// `path` seen from `base`'s folder, if it is relative.
pub fn resolve(base: &str, path: &str) -> String {
    if path.starts_with('/') { clean(path) } else { clean(&format!("{}/{path}", folder(base))) }
}

/// The environment of a container.
#[derive(Debug, Clone, Default)]
pub struct Env {
    /// Variables by name.
    pub variables: BTreeMap<String, Variable>,
    /// Whether there may be others, and why: the image sets some, or a ConfigMap or Secret is taken over whole.
    pub open: Option<String>,
}

/// A variable of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// Its value, and where it stands.
    Seen(String, String),
    /// It is set, but its value is not seen; the reason, and where it stands.
    Hidden(String, String),
}

impl Env {
    /// The value of a variable: none if it is not set, unknown if it is not seen.
    pub fn get(&self, name: &str) -> Fact<Option<String>> {
        match (self.variables.get(name), &self.open) {
            (Some(Variable::Seen(value, at)), _) => {
                Fact::at(Some(value.clone()), Rank::Configured, at.clone(), format!("{name} is set"))
            }
            (Some(Variable::Hidden(why, at)), _) => {
                Fact::unknown(format!("the variable {name} at {at} is {why}"))
            }
            (None, Some(open)) => Fact::unknown(format!("the variable {name} is not set here, but {open}")),
            (None, None) => Fact::known(None, Rank::Configured, Vec::new()),
        }
    }

    /// A text with its variables replaced: `${NAME}`, `${NAME:-default}` and `${env:NAME}`. What is not set is empty.
    ///
    /// # Errors
    /// A variable in it is not seen; the reason.
    pub fn expand(&self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((inside, behind)) = after.split_once('}') else { break };
            out.push_str(before);
            let (name, default) = inside.split_once(":-").unwrap_or((inside, ""));
            let name = name.strip_prefix("env:").unwrap_or(name);
            match self.get(name) {
                Fact::Known(known) => out.push_str(known.value.as_deref().unwrap_or(default)),
                Fact::Unknown(unknown) => return Err(unknown.reason),
            }
            rest = behind;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// Whether a variable is set, be its value seen or not.
    pub fn is_set(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }
}

impl File {
    /// A place in the file.
    pub fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let file = |path: &str| File { path: path.into(), at: path.into(), text: String::new() };
        Config {
            main: "/fluent-bit/etc/fluent-bit.conf".into(),
            files: vec![file("/fluent-bit/etc/fluent-bit.conf"), file("/fluent-bit/etc/conf/output.conf")],
            hidden: vec![
                Hidden { path: "/".into(), why: "it is part of the image".into() },
                Hidden { path: "/secret".into(), why: "from a Secret".into() },
            ],
            ..Config::default()
        }
    }

    #[test]
    fn flags_are_found_on_the_command_line() {
        let words = ["run", "--a=x", "--a", "y", "--ab=z"].map(str::to_owned);
        let config = Config {
            args: words.to_vec(),
            args_places: ["1", "2", "3", "4", "5"].map(str::to_owned).to_vec(),
            ..Config::default()
        };
        assert_eq!(config.flag("--a"), Some(("y", "4")));
        assert_eq!(config.flag("--ab"), Some(("z", "5")));
        assert_eq!(config.flag("--b"), None);
    }

    #[test]
    fn flags_are_found_in_both_forms() {
        let words = ["run", "--a", "1", "--b=2", "--a=3", "--c"].map(str::to_owned);
        let config = Config { args: words.to_vec(), ..Config::default() };
        assert_eq!(config.arguments(&["--a", "-a"]), ["1", "3"]);
        assert_eq!(config.argument(&["--b"]).as_deref(), Some("2"));
        assert_eq!((config.argument(&["--c"]), config.argument(&["--d"])), (None, None));
    }

    #[test]
    fn files_are_found_by_path_and_glob() {
        let config = config();
        assert!(matches!(config.file("/fluent-bit/etc/./conf/../fluent-bit.conf"), Lookup::Seen(_)));
        assert_eq!(config.file("/secret/a"), Lookup::Hidden("from a Secret".into()));
        assert_eq!(config.file("/secretive"), Lookup::Hidden("it is part of the image".into()));
        let (found, more) = config.glob("/fluent-bit/etc/conf/*.conf");
        assert_eq!((found.len(), more), (1, None));
        let (found, more) = config.glob("/secret/*.conf");
        assert_eq!((found.len(), more.as_deref()), (0, Some("from a Secret")));
    }

    #[test]
    fn variables_are_replaced_or_told() {
        let mut env = Env::default();
        env.variables.insert("A".into(), Variable::Seen("1".into(), "x".into()));
        env.variables.insert("B".into(), Variable::Hidden("from the Secret s".into(), "x".into()));
        assert_eq!(env.expand("a${A}${env:A}${C:-c}${C}$A${"), Ok("a11c$A${".into()));
        assert!(env.expand("${B}").unwrap_err().contains("from the Secret s"));
        env.open = Some("the image may set it".into());
        assert!(env.expand("${C}").unwrap_err().contains("the image may set it"));
    }

    #[test]
    fn paths_are_resolved_from_the_file_they_stand_in() {
        assert_eq!(resolve("/etc/a/main.conf", "conf/x.conf"), "/etc/a/conf/x.conf");
        assert_eq!(resolve("/etc/a/main.conf", "/x.conf"), "/x.conf");
        assert_eq!(resolve("/etc/a/main.conf", "../../../x"), "/x");
    }
}
