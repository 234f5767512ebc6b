//! Credential plugins of kubeconfigs (`client.authentication.k8s.io`, `ExecCredential`), run with a time limit.

use std::io::{IsTerminal, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use k8s_openapi::ByteString;
use kube::config::{AuthInfo, ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use serde::{Deserialize, Serialize};

use super::error::LiveError;
use super::wording::one_line;

/// The most that is kept of what a plugin prints.
const MAX_OUTPUT: u64 = 1024 * 1024;

/// How often it is looked whether the plugin has ended.
const POLL: Duration = Duration::from_millis(10);

/// How long the end of its output is waited for after it has ended: a child of its own may keep the pipe open.
const DRAIN: Duration = Duration::from_millis(500);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecInfo<'a> {
    kind: &'static str,
    api_version: &'a str,
    spec: Spec<'a>,
}

#[derive(Serialize)]
struct Spec<'a> {
    interactive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a ExecAuthCluster>,
}

#[derive(Deserialize)]
struct ExecCredential {
    kind: Option<String>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    client_certificate_data: Option<String>,
    #[serde(default)]
    client_key_data: Option<String>,
}

/// Runs a plugin and puts the credentials it gives into `user`.
pub(super) fn run(plugin: &ExecConfig, user: &mut AuthInfo, limit: Duration) -> Result<(), LiveError> {
    let command = plugin.command.as_deref().filter(|command| !command.is_empty()).ok_or_else(|| {
        LiveError::Setting {
            setting: "the credential plugin of the kubeconfig".into(),
            what: "it has no command".into(),
            advice: "give the user's exec a command".into(),
        }
    })?;
    // Without a terminal nobody can answer, and with one the plugin's own words have to be seen.
    let interactive =
        plugin.interactive_mode != Some(ExecInteractiveMode::Never) && std::io::stdin().is_terminal();
    if plugin.interactive_mode == Some(ExecInteractiveMode::Always) && !interactive {
        return Err(LiveError::PluginMissing {
            command: command.into(),
            what: "it wants a terminal, and there is none".into(),
            hint: "run in a terminal, or use credentials that need no login".into(),
        });
    }
    let output = execute(command, plugin, interactive, limit)?;
    if !output.status.success() {
        return Err(LiveError::PluginFailed {
            command: command.into(),
            status: output.status.to_string(),
            stderr: output.stderr,
        });
    }
    take(command, &output.stdout, user)
}

/// Reads an `ExecCredential`. Nothing of it is ever quoted: it holds the credentials.
fn take(command: &str, stdout: &[u8], user: &mut AuthInfo) -> Result<(), LiveError> {
    let wrong = |what: &str| LiveError::PluginOutput { command: command.into(), what: what.into() };
    if stdout.trim_ascii().is_empty() {
        return Err(wrong("it printed nothing"));
    }
    let text = std::str::from_utf8(stdout).map_err(|_| wrong("it printed no text"))?;
    // client-go reads JSON and YAML.
    let credential: ExecCredential =
        serde_yaml::from_str(text).map_err(|_| wrong("what it printed is no ExecCredential"))?;
    if credential.kind.as_deref() != Some("ExecCredential") {
        return Err(wrong("what it printed is no ExecCredential"));
    }
    let status = credential.status.ok_or_else(|| wrong("its ExecCredential has no status"))?;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let token = filled(status.token);
    match (filled(status.client_certificate_data), filled(status.client_key_data)) {
        (Some(certificate), Some(key)) => {
            user.client_certificate_data = Some(base64(certificate));
            user.client_key_data = Some(base64(key).into());
        }
        (None, None) if token.is_some() => {}
        (None, None) => return Err(wrong("its ExecCredential has neither a token nor a certificate")),
        _ => return Err(wrong("its ExecCredential has a certificate without a key, or a key without one")),
    }
    user.token = token.map(Into::into);
    Ok(())
}

fn base64(text: String) -> String {
    match serde_json::to_value(ByteString(text.into_bytes())) {
        Ok(serde_json::Value::String(encoded)) => encoded,
        _ => String::new(),
    }
}

struct Output {
    status: ExitStatus,
    stdout: Vec<u8>,
    /// The last line.
    stderr: String,
}

fn execute(
    command: &str,
    plugin: &ExecConfig,
    interactive: bool,
    limit: Duration,
) -> Result<Output, LiveError> {
    let mut process = Command::new(command);
    process.args(plugin.args.iter().flatten());
    for variable in plugin.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value"))
            && !name.is_empty()
            && !name.contains(['=', '\0'])
        {
            process.env(name, value);
        }
    }
    let info = ExecInfo {
        kind: "ExecCredential",
        api_version: plugin.api_version.as_deref().unwrap_or("client.authentication.k8s.io/v1"),
        spec: Spec { interactive, cluster: plugin.cluster.as_ref() },
    };
    let info = serde_json::to_string(&info).map_err(|error| LiveError::Internal(error.to_string()))?;
    process.env("KUBERNETES_EXEC_INFO", info).stdout(Stdio::piped());
    if interactive {
        process.stdin(Stdio::inherit()).stderr(Stdio::inherit());
    } else {
        process.stdin(Stdio::null()).stderr(Stdio::piped());
    }
    let mut child = process.spawn().map_err(|error| LiveError::PluginMissing {
        command: command.into(),
        what: one_line(&error.to_string()),
        hint: plugin
            .install_hint
            .as_deref()
            .map(one_line)
            .filter(|hint| !hint.is_empty())
            .unwrap_or_else(|| "install it, or see that it is in PATH".into()),
    })?;
    let stdout = Pipe::of(child.stdout.take());
    let stderr = Pipe::of(child.stderr.take());
    let Some(status) = wait(&mut child, limit).map_err(|error| LiveError::PluginFailed {
        command: command.into(),
        status: one_line(&error.to_string()),
        stderr: String::new(),
    })?
    else {
        return Err(LiveError::PluginHung {
            command: command.into(),
            after: limit,
            stderr: last_line(&stderr.so_far()),
        });
    };
    Ok(Output { status, stdout: stdout.whole(), stderr: last_line(&stderr.whole()) })
}

/// Waits for the end; none if it did not come in time, and then the process is killed.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() >= limit {
            child.kill()?;
            // Killed processes end at once; one that cannot be killed must not hold this program up.
            std::thread::sleep(POLL);
            child.try_wait()?;
            return Ok(None);
        }
        std::thread::sleep(POLL);
    }
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    one_line(text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default())
}

/// A pipe that is read on a thread of its own, so that a process is never held up by a full one.
struct Pipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: mpsc::Receiver<()>,
}

impl Pipe {
    fn of(source: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = mpsc::channel();
        if let Some(mut source) = source {
            let shared = Arc::clone(&bytes);
            // Not waited for: where a grandchild keeps the pipe open, it ends with this program.
            std::thread::spawn(move || {
                let mut chunk = [0_u8; 4096];
                while let Ok(size @ 1..) = source.read(&mut chunk) {
                    if let (Ok(mut kept), Some(read)) = (shared.lock(), chunk.get(..size))
                        && kept.len() as u64 + size as u64 <= MAX_OUTPUT
                    {
                        kept.extend_from_slice(read);
                    }
                }
                drop(end);
            });
        }
        Self { bytes, ended }
    }

    fn so_far(&self) -> Vec<u8> {
        self.bytes.lock().map(|bytes| bytes.clone()).unwrap_or_default()
    }

    fn whole(&self) -> Vec<u8> {
        // The sender is dropped at the end of the pipe, which is an error here, or the time is over.
        let _ = self.ended.recv_timeout(DRAIN);
        self.so_far()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn shell(script: &str) -> ExecConfig {
        ExecConfig {
            api_version: Some("client.authentication.k8s.io/v1".into()),
            command: Some("/bin/sh".into()),
            args: Some(vec!["-c".into(), script.into()]),
            env: Some(vec![
                [("name".into(), "X".into()), ("value".into(), "hunter2".into())].into_iter().collect(),
            ]),
            interactive_mode: Some(ExecInteractiveMode::Never),
            ..ExecConfig::default()
        }
    }

    fn run_script(script: &str) -> Result<AuthInfo, String> {
        let mut user = AuthInfo::default();
        run(&shell(script), &mut user, Duration::from_secs(5))
            .map(|()| user)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_token_or_a_certificate_is_taken_from_json_or_yaml() {
        let user = run_script(r#"echo '{"kind":"ExecCredential","status":{"token":"t"}}'"#).unwrap();
        assert_eq!(user.token.unwrap().expose_secret(), "t");
        let user = run_script(
            "printf 'kind: ExecCredential\\nstatus:\\n  clientCertificateData: c\\n  clientKeyData: k\\n'",
        )
        .unwrap();
        assert_eq!(user.client_certificate_data.as_deref(), Some("Yw=="));
        assert_eq!(user.client_key_data.unwrap().expose_secret(), "aw==");
        let user = run_script(
            r#"test "$X" = hunter2 && case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) echo '{"kind":"ExecCredential","status":{"token":"t"}}';; esac"#,
        );
        assert!(user.is_ok());
    }

    #[test]
    fn failures_say_what_happened_and_never_show_output_or_environment() {
        for (script, expected) in [
            (
                "echo hunter2; echo early >&2; echo 'not logged in' >&2; exit 3",
                "(exit status: 3): not logged in",
            ),
            ("exit 1", "(exit status: 1)\n"),
            ("kill -9 $$", "(signal: 9"),
            ("true", "it printed nothing"),
            ("echo hunter2", "no ExecCredential"),
            (r#"echo '{"kind":"Secret","status":{"token":"hunter2"}}'"#, "no ExecCredential"),
            (r#"echo '{"kind":"ExecCredential"}'"#, "no status"),
            (r#"echo '{"kind":"ExecCredential","status":{"token":""}}'"#, "neither a token"),
            (r#"echo '{"kind":"ExecCredential","status":{"clientKeyData":"hunter2"}}'"#, "without a key"),
        ] {
            let error = run_script(script).unwrap_err();
            assert!(error.contains(expected), "{script}: {error}");
            assert!(error.contains("/bin/sh") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_missing_plugin_shows_its_hint() {
        let mut plugin = shell("");
        plugin.command = Some("logaudit-no-such-plugin".into());
        let run_it = |plugin: &ExecConfig| {
            run(plugin, &mut AuthInfo::default(), Duration::from_secs(5)).unwrap_err().to_string()
        };
        assert!(run_it(&plugin).contains("in PATH"), "{}", run_it(&plugin));
        plugin.install_hint = Some("brew install\nit".into());
        assert!(run_it(&plugin).ends_with("brew install it"), "{}", run_it(&plugin));
        plugin.command = None;
        assert!(run_it(&plugin).contains("no command"), "{}", run_it(&plugin));
    }

    #[test]
    fn a_plugin_that_hangs_is_ended() {
        let begun = Instant::now();
        let error = run(
            &shell("echo waiting for a login >&2; sleep 60 & wait"),
            &mut AuthInfo::default(),
            Duration::from_millis(300),
        )
        .unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(5));
        let text = error.to_string();
        assert!(text.contains("did not end within 0.3 s: waiting for a login"), "{text}");
    }

    #[test]
    fn a_child_that_keeps_the_pipe_open_does_not_hold_it_up() {
        let begun = Instant::now();
        let user =
            run_script(r#"sleep 60 & echo '{"kind":"ExecCredential","status":{"token":"t"}}'"#).unwrap();
        assert!(user.token.is_some());
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
