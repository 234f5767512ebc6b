//! The action for GitHub's workflows: its steps are taken from `action.yml` and run as the runner runs them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

use super::{names, read, root, run, version, yaml};

const BINARY: &str = env!("CARGO_BIN_EXE_kubectl-logaudit");

/// A runner with the action's inputs.
struct Runner {
    folder: TempDir,
    inputs: Vec<(&'static str, String)>,
    env: Vec<(&'static str, &'static str)>,
}

/// What a run of the action came to.
#[derive(Debug)]
struct Ran {
    code: i32,
    log: String,
    outputs: String,
}

impl Ran {
    fn output(&self, name: &str) -> Option<&str> {
        self.outputs.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }

    fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}

impl Runner {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["bin", "temp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder, inputs: Vec::new(), env: vec![("RUNNER_OS", "Linux"), ("RUNNER_ARCH", "X64")] }
    }

    /// With the program under test on the PATH.
    fn with_program() -> Self {
        let runner = Self::new();
        symlink(BINARY, runner.at("bin/kubectl-logaudit")).unwrap();
        runner
    }

    /// With a script on the PATH.
    fn script(self, name: &str, text: &str) -> Self {
        executable(&self.at("bin").join(name), text);
        self
    }

    fn input(mut self, name: &'static str, value: &str) -> Self {
        self.inputs.push((name, value.to_owned()));
        self
    }

    fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value));
        self
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The value of an expression of the action.
    fn value(&self, action: &Value, expression: &str) -> String {
        if let Some(name) = expression.strip_prefix("inputs.") {
            let input = &action["inputs"][name];
            assert!(!input.is_null(), "there is no input {name}");
            let given = self.inputs.iter().find(|(known, _)| *known == name);
            return given
                .map_or_else(|| input["default"].as_str().unwrap().to_owned(), |(_, value)| value.clone());
        }
        match expression {
            "github.action_path" => root().display().to_string(),
            "github.server_url" => "https://example.org".into(),
            "github.action_repository" => "owner/kubectl-logaudit".into(),
            _ => panic!("what is {expression}?"),
        }
    }

    /// Takes the steps one after another, until one fails.
    fn run(&self) -> Ran {
        let action = yaml(&read("action.yml"));
        for (name, _) in &self.inputs {
            assert!(!action["inputs"][name].is_null(), "there is no input {name}");
        }
        let (added, outputs) = (self.at("path"), self.at("outputs"));
        fs::write(&added, "").unwrap();
        fs::write(&outputs, "").unwrap();
        let expression = Regex::new(r"\$\{\{ ([^}]+) \}\}").unwrap();
        let mut ran = Ran { code: 0, log: String::new(), outputs: String::new() };
        for step in action["runs"]["steps"].as_array().unwrap() {
            if let Some(condition) = step["if"].as_str() {
                let name = condition.strip_suffix(" != ''").unwrap_or_else(|| panic!("what is {condition}?"));
                if self.value(&action, name).is_empty() {
                    continue;
                }
            }
            assert_eq!(step["shell"], "bash");
            let mut path: Vec<String> =
                fs::read_to_string(&added).unwrap().lines().rev().map(str::to_owned).collect();
            path.push(self.at("bin").display().to_string());
            path.extend(["/usr/local/bin", "/usr/bin", "/bin"].map(str::to_owned));
            let mut bash = Command::new("bash");
            bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c"]).arg(step["run"].as_str().unwrap());
            bash.env_clear().current_dir(root());
            for (name, value) in step["env"].as_object().unwrap() {
                let value = expression.replace_all(value.as_str().unwrap(), |found: &regex::Captures<'_>| {
                    self.value(&action, &found[1])
                });
                bash.env(name, value.as_ref());
            }
            bash.envs(self.env.iter().copied()).env("PATH", path.join(":")).env("HOME", self.at("temp"));
            bash.env("RUNNER_TEMP", self.at("temp"))
                .env("GITHUB_PATH", &added)
                .env("GITHUB_OUTPUT", &outputs);
            let output = run(&mut bash);
            ran.code = output.status.code().unwrap();
            ran.log += &String::from_utf8_lossy(&output.stdout);
            ran.log += &String::from_utf8_lossy(&output.stderr);
            ran.outputs = fs::read_to_string(&outputs).unwrap();
            if ran.code != 0 {
                break;
            }
        }
        ran
    }
}

fn executable(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_action_ends_as_the_audit_does() {
    for (inputs, code) in [
        (&[("snapshot", "examples/kubeadm-hardened.json")][..], 0),
        (&[("snapshot", "examples/ships-nothing.json")], 1),
        (&[("snapshot", "examples/ships-nothing.json"), ("fail-on", "critical")], 0),
        (&[("snapshot", "examples/kubeadm-hardened.json"), ("min-score", "99")], 1),
        (&[("snapshot", "examples/kubeadm-hardened.json"), ("fail-on-unknown", "true")], 1),
        (&[("snapshot", "examples/kubeadm-hardened.json"), ("fail-on-unknown", "maybe")], 2),
        (&[("snapshot", "examples/absent.json")], 2),
        (&[("snapshot", "examples/kubeadm-hardened.json"), ("format", "jsno")], 2),
        (&[("files", "examples/policies\n"), ("args", "--fail-on=never\n--only=policy")], 0),
    ] {
        let runner =
            inputs.iter().fold(Runner::with_program(), |runner, (name, value)| runner.input(name, value));
        let ran = runner.run();
        ran.expect(code);
        if ran.log.contains("::error::") {
            assert!(ran.log.contains("fail-on-unknown must be"), "{ran:#?}");
            continue;
        }
        assert_eq!(ran.output("exit-code"), Some(code.to_string().as_str()), "{ran:#?}");
        if code == 2 {
            assert_eq!(ran.output("report"), None, "nothing was judged: {ran:#?}");
            continue;
        }
        assert!(ran.log.contains("\nGate: "), "the log has no table: {ran:#?}");
        let report: Value =
            serde_json::from_str(&fs::read_to_string(ran.output("report").unwrap()).unwrap()).unwrap();
        assert_eq!(report["summary"]["gate"]["passed"], code == 0);
    }
}

#[test]
fn a_report_of_before_is_not_taken_for_that_of_now() {
    let runner = Runner::with_program().input("snapshot", "examples/absent.json");
    let report = runner.at("temp/logaudit.json");
    fs::write(&report, "{}").unwrap();
    assert_eq!(runner.run().expect(2).output("report"), None);
    assert!(!report.exists());
}

#[test]
fn the_action_writes_the_form_and_the_file_that_are_asked_for() {
    let runner =
        Runner::with_program().input("snapshot", "examples/kubeadm-hardened.json").input("format", "csv");
    let file = runner.at("temp/my report.csv");
    let runner = runner.input("report", file.to_str().unwrap());
    assert_eq!(runner.run().expect(0).output("report"), file.to_str());
    assert!(fs::read_to_string(&file).unwrap().starts_with("check,"));
}

/// Whatever stands in an input reaches the program as one argument, and no shell.
#[test]
fn inputs_are_handed_on_as_they_are() {
    let hostile = "a b'\"$(touch pwned)`touch pwned`;touch pwned|*&\\";
    let given = |name: &str| format!("--{name}={hostile}");
    let mut runner = Runner::new()
        .script("kubectl-logaudit", "#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
        .input("files", &format!("{hostile}\n\nmanifests\r\n"))
        .input("args", &format!("{hostile}\n--quiet"))
        .input("fail-on-unknown", "true")
        .input("report", "r.json")
        .input("sarif", hostile);
    let mut expected = vec!["run".to_owned()];
    for name in
        ["kubeconfig", "context", "snapshot", "policy-file", "config", "baseline", "fail-on", "min-score"]
    {
        runner = runner.input(name, hostile);
        expected.push(given(name));
    }
    expected.splice(4..4, [given("filename"), "--filename=manifests".to_owned()]);
    expected.extend(["--fail-on-unknown", "--output=table", "--output=json=r.json"].map(str::to_owned));
    expected.extend([format!("--output=sarif={hostile}"), hostile.to_owned(), "--quiet".to_owned()]);
    let ran = runner.run();
    assert_eq!(ran.expect(0).log.lines().collect::<Vec<_>>(), expected);
    assert_eq!(ran.outputs, "exit-code=0\n");
    assert!(!root().join("pwned").exists());
}

#[test]
fn without_a_program_the_action_says_what_to_do() {
    let ran = Runner::new().input("snapshot", "examples/kubeadm-hardened.json").run();
    assert!(ran.expect(2).log.contains("set the input version"), "{ran:#?}");
}

/// Plays `curl`: hands out the files of a folder, and only by https.
const CURL: &str = "#!/bin/bash\nset -eu\n\
    [[ \" $* \" == *' --proto =https '* && \" $* \" == *' --fail '* ]]\n\
    while [ $# -gt 1 ]; do if [ \"$1\" = --output ]; then to=$2; fi; shift; done\n\
    echo \"$1\" >>\"$SERVED/asked\"\n\
    cp \"$SERVED/${1##*/}\" \"$to\"\n";

/// A release in a folder, with a program that tells its arguments.
fn served(runner: &Runner, platform: &str) -> String {
    let folder = runner.at("served");
    fs::create_dir(&folder).unwrap();
    executable(&folder.join("kubectl-logaudit"), "#!/bin/sh\necho released \"$@\"\n");
    let archive = format!("kubectl-logaudit-{}-{platform}.tar.gz", version());
    let pack = "tar -czf \"$1\" kubectl-logaudit && rm kubectl-logaudit && sha256sum -- * >SHA256SUMS";
    let output = run(Command::new("sh").args(["-ec", pack, "sh", &archive]).current_dir(&folder));
    assert!(output.status.success(), "{output:#?}");
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    sums.split(' ').next().unwrap().to_owned()
}

/// A runner that finds such a release, and the checksum of its archive.
fn with_release() -> (Runner, String) {
    let runner = Runner::new().script("curl", CURL).input("version", &version());
    let sum = served(&runner, "linux-amd64");
    let folder: &'static str = runner.at("served").display().to_string().leak();
    (runner.env("SERVED", folder), sum)
}

#[test]
fn a_release_is_installed_if_its_checksum_is_right() {
    let (runner, sum) = with_release();
    let ran = runner.input("sha256", &sum).run();
    assert!(ran.expect(0).log.starts_with("released run"), "{ran:#?}");

    let (runner, _) = with_release();
    runner.run().expect(0);
    let asked = fs::read_to_string(runner.at("served/asked")).unwrap();
    let from = format!("https://example.org/owner/kubectl-logaudit/releases/download/{}", version());
    let archive = format!("{from}/kubectl-logaudit-{}-linux-amd64.tar.gz", version());
    assert_eq!(asked, format!("{archive}\n{from}/SHA256SUMS\n"));

    let (runner, _) = with_release();
    let runner = runner.input("base-url", "https://mirror.example.org/logaudit");
    runner.run().expect(0);
    assert!(
        fs::read_to_string(runner.at("served/asked"))
            .unwrap()
            .starts_with("https://mirror.example.org/logaudit/kubectl-")
    );
}

#[test]
fn a_release_that_is_not_what_it_must_be_is_not_installed() {
    let refused = |runner: &Runner, word: &str| {
        let ran = runner.run();
        assert!(ran.expect(2).log.contains(word), "no {word:?} in {ran:#?}");
        assert_eq!(fs::read_to_string(runner.at("path")).unwrap(), "", "{word}");
        assert_eq!(names(&runner.at("temp")), Vec::<String>::new(), "{word}");
    };
    let archive = format!("served/kubectl-logaudit-{}-linux-amd64.tar.gz", version());

    let (runner, _) = with_release();
    fs::write(runner.at(&archive), "something else").unwrap();
    refused(&runner, "but SHA256SUMS states");
    let (runner, _) = with_release();
    fs::write(runner.at("served/SHA256SUMS"), "").unwrap();
    refused(&runner, "none for it");
    let (runner, _) = with_release();
    refused(&runner.input("sha256", &"0".repeat(64)), "is demanded");
    let (runner, _) = with_release();
    fs::remove_file(runner.at(&archive)).unwrap();
    refused(&runner, "could not be downloaded");
    let (runner, _) = with_release();
    refused(&runner.env("RUNNER_ARCH", "X86"), "no release for X86");
    let (runner, _) = with_release();
    refused(&runner.input("base-url", "http://example.org"), "https://");
    for version in ["latest", "v1", "v1.2.3/../..", "v1.2.3 -o /etc/passwd"] {
        refused(&Runner::new().script("curl", CURL).input("version", version), "version must be a release");
    }
}
