//! What a release is made of, and what runs in pipelines.

mod action;
mod krew;
mod linted;
mod notices;
mod packing;
mod pipelines;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The version of the program as releases are named.
fn version() -> String {
    format!("v{}", env!("CARGO_PKG_VERSION"))
}

/// What a release is built for, as `linux-amd64`, with Rust's name of the target.
fn platforms() -> Vec<(String, String)> {
    let list = read(".ci/release/platforms");
    let words =
        list.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(' ').collect::<Vec<_>>());
    words.map(|words| (format!("{}-{}", words[0], words[1]), words[2].to_owned())).collect()
}

/// The platform of this machine, in the same words.
fn host() -> String {
    let os = if env::consts::OS == "macos" { "darwin" } else { env::consts::OS };
    let arch = if env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" };
    format!("{os}-{arch}")
}

/// A program of the PATH.
fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Whether all of these are on the PATH; says which is not.
fn have(programs: &[&str]) -> bool {
    let absent: Vec<_> = programs.iter().filter(|name| program(name).is_none()).collect();
    if !absent.is_empty() {
        eprintln!("skipped: {absent:?} are not on the PATH");
    }
    absent.is_empty()
}

/// A linter or validator of others, where the test script has put them; says so where it has not.
fn tool(path: &str) -> Option<PathBuf> {
    let file = env::var_os("LOGAUDIT_RELEASE_TOOLS").map(|folder| Path::new(&folder).join(path));
    let found = file.filter(|file| file.exists());
    if found.is_none() {
        eprintln!("skipped: LOGAUDIT_RELEASE_TOOLS does not name a folder with {path}");
    }
    found
}

/// Runs a command to its end.
fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Runs a command that must end with 0, and gives what it printed.
fn stdout(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command:?}: {output:#?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names of the files in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
