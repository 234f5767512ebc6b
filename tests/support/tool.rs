//! Runs the built binary the way a user would, but in a clean environment.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A run of the binary to be: no variables but HOME and PATH, an empty home, nothing on stdin.
pub struct Tool {
    home: TempDir,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    cwd: Option<PathBuf>,
    stdin: Option<PathBuf>,
    timeout: Duration,
}

impl Default for Tool {
    fn default() -> Self {
        Self::new()
    }
}

impl Tool {
    /// The binary without arguments.
    pub fn new() -> Self {
        Self {
            home: tempfile::tempdir().expect("a temporary home"),
            args: Vec::new(),
            env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
            cwd: None,
            stdin: None,
            timeout: Duration::from_secs(60),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Points the variable KUBECONFIG to this file.
    #[must_use]
    pub fn kubeconfig(self, path: &Path) -> Self {
        self.env("KUBECONFIG", path)
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.retain(|(key, _)| key != name);
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Runs in this folder instead of the home.
    #[must_use]
    pub fn cwd(mut self, folder: &Path) -> Self {
        self.cwd = Some(folder.to_owned());
        self
    }

    /// Feeds this to stdin.
    #[must_use]
    pub fn stdin(mut self, input: impl AsRef<[u8]>) -> Self {
        let path = self.home.path().join(".stdin");
        fs::write(&path, input).expect("the input in a file");
        self.stdin = Some(path);
        self
    }

    /// Fails the test if the run takes longer than this.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The home folder of the run, to put files such as `.kube/config` into.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs the binary under test to its end.
    pub fn run(&self) -> Output {
        self.run_program(Path::new(env!("CARGO_BIN_EXE_kubectl-logaudit")))
    }

    /// Runs another program the same way.
    ///
    /// The outputs go to files, not pipes: a grandchild that outlives the run, such as a
    /// credential plugin, would keep a pipe open and the test waiting.
    pub fn run_program(&self, program: &Path) -> Output {
        let files = tempfile::tempdir().expect("a temporary folder");
        let (stdout, stderr) = (files.path().join("stdout"), files.path().join("stderr"));
        let mut command = Command::new(program);
        command
            .args(&self.args)
            .env_clear()
            .env("HOME", self.home.path())
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.cwd.as_deref().unwrap_or(self.home.path()))
            .stdin(
                self.stdin
                    .as_ref()
                    .map_or_else(Stdio::null, |path| File::open(path).expect("the input").into()),
            )
            .stdout(File::create(&stdout).expect("a file for stdout"))
            .stderr(File::create(&stderr).expect("a file for stderr"))
            .process_group(0);
        let started = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut peak_kib = None;
        let status = loop {
            peak_kib = self::peak_kib(child.id()).or(peak_kib);
            if let Some(status) = child.try_wait().expect("the state of the child") {
                break Some(status);
            }
            if started.elapsed() > self.timeout {
                break None;
            }
            thread::sleep(Duration::from_millis(5));
        };
        let elapsed = started.elapsed();
        kill_group(child.id());
        if status.is_none() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let output = Output {
            code: status.and_then(|status| status.code()),
            stdout: read(&stdout),
            stderr: read(&stderr),
            elapsed,
            peak_kib,
        };
        assert!(status.is_some(), "still running after {:?}: {:?}\n{output:#?}", self.timeout, self.args);
        output
    }
}

/// What a run left behind.
#[derive(Clone, Debug)]
pub struct Output {
    /// The exit code; `None` if a signal ended the run.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub elapsed: Duration,
    /// The most memory that was resident, shortly before the end; `None` where there is no `/proc`.
    pub peak_kib: Option<u64>,
}

impl Output {
    /// The whole of stdout as one JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is not JSON: {error}\n{self:#?}"))
    }

    /// Fails the test, showing both outputs, unless the exit code is this one.
    pub fn expect_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Fails the test unless the job could not be done, nothing was reported, and the message has all these words in it.
    pub fn expect_refusal(&self, words: &[&str]) -> &Self {
        self.expect_code(2);
        assert!(self.stdout.is_empty(), "{self:#?}");
        assert!(self.stderr.starts_with("error"), "{self:#?}");
        assert!(!self.stderr.contains("internal fault"), "{self:#?}");
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in {self:#?}");
        }
        self
    }

    /// Fails the test if it took longer than this.
    pub fn expect_within(&self, limit: Duration) -> &Self {
        assert!(self.elapsed < limit, "more than {limit:?}: {self:#?}");
        self
    }
}

/// The high-water mark of a process's resident memory.
fn peak_kib(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Ends what is left of the run's process group. The shell is asked because the standard
/// library has no way to signal a group.
fn kill_group(leader: u32) {
    let kill = format!("kill -9 -{leader}");
    let _ = Command::new("/bin/sh").args(["-c", &kill]).stderr(Stdio::null()).status();
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).expect("an output of the run")).into_owned()
}
