//! Programs of other people that read what is written here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// Where `.ci/test` puts them.
const VARIABLE: &str = "LOGAUDIT_REPORT_READERS";

/// The folder of the readers.
pub struct Readers {
    folder: PathBuf,
    files: TempDir,
}

impl Readers {
    /// Those that are installed; else the test says that it is skipped.
    pub fn find() -> Option<Self> {
        let Some(folder) = std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else {
            eprintln!(
                "skipped: {VARIABLE} names no folder with programs that read reports; .ci/test installs them"
            );
            return None;
        };
        Some(Self { folder: folder.into(), files: tempfile::tempdir().unwrap() })
    }

    /// A program that is missing though the folder is there is a skip too: not every machine can have all of them.
    fn program(&self, path: &str) -> Option<Command> {
        let program = self.folder.join(path);
        if !program.exists() {
            eprintln!("skipped: there is no {}", program.display());
            return None;
        }
        let mut command = Command::new(program);
        // The multitool is a .NET program, which else wants a library of languages.
        command.env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1").env("LANG", "C.UTF-8");
        Some(command)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.files.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// What a published library finds in a report.
    pub fn python(&self, form: &str, text: &str) -> Option<Value> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report/readers.py");
        let file = self.file("report", text);
        let output = self.program("bin/python")?.arg(script).arg(form).arg(file).output().unwrap();
        assert!(output.status.success(), "{form}: {}", String::from_utf8_lossy(&output.stderr));
        Some(serde_json::from_slice(&output.stdout).unwrap())
    }

    /// What the SARIF multitool has against logs, errors and warnings: the ids of its rules with their messages.
    pub fn sarif(&self, logs: &[String]) -> Option<Vec<(String, String)>> {
        let name = |(index, log): (usize, &String)| self.file(&format!("{index}.sarif"), log);
        let files: Vec<PathBuf> = logs.iter().enumerate().map(name).collect();
        let answer = self.files.path().join("answer");
        let mut command = self.program("node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool")?;
        command.arg("validate").args(&files).arg("--output").arg(&answer);
        command.args(["--rule-kind", "Sarif;Ghas", "--level", "Error;Warning"]);
        // It asks for addresses in a log. Nobody answers, so that it does not matter where the tests run.
        command.env("https_proxy", "http://127.0.0.1:9").env("http_proxy", "http://127.0.0.1:9");
        let output = command.output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(printed.contains("Analysis completed"), "{printed}");
        let answer = fs::read_to_string(answer).unwrap();
        let answer: Value = serde_json::from_str(answer.trim_start_matches('\u{feff}')).unwrap();
        let results = answer["runs"][0]["results"].as_array().unwrap();
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        Some(results.iter().map(|result| (word(&result["ruleId"]), result.to_string())).collect())
    }

    /// What promtool has against metrics.
    pub fn promtool(&self, text: &str) -> Option<String> {
        let file = self.file("metrics", text);
        let mut command = self.program("promtool")?;
        command.args(["check", "metrics"]).stdin(fs::File::open(file).unwrap());
        let output = command.output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), printed.is_empty(), "{printed}");
        Some(printed.into_owned())
    }
}
