//! Credential plugins of kubeconfigs (`client.authentication.k8s.io`, `ExecCredential`), run with a time limit.

use std::io::IsTerminal;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use k8s_openapi::ByteString;
use kube::config::{AuthInfo, ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use serde::{Deserialize, Serialize};

use super::super::process::{self, Fault, Group};
use super::error::LiveError;
use super::wording::one_line;

/// The most that is kept of what a plugin prints.
const MAX_OUTPUT: u64 = 1024 * 1024;

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
    process.env("KUBERNETES_EXEC_INFO", info);
    let (stdin, stderr, group) = if interactive {
        (Stdio::inherit(), Stdio::inherit(), Group::Ours)
    } else {
        (Stdio::null(), Stdio::piped(), Group::Own)
    };
    process.stdin(stdin).stdout(Stdio::piped()).stderr(stderr);
    let ended = process::run(process, limit, MAX_OUTPUT, group).map_err(|fault| match fault {
        Fault::NotStarted(error) => LiveError::PluginMissing {
            command: command.into(),
            what: one_line(&error.to_string()),
            hint: plugin
                .install_hint
                .as_deref()
                .map(one_line)
                .filter(|hint| !hint.is_empty())
                .unwrap_or_else(|| "install it, or see that it is in PATH".into()),
        },
        Fault::Lost(error) => LiveError::PluginFailed {
            command: command.into(),
            status: one_line(&error.to_string()),
            stderr: String::new(),
        },
    })?;
    let stderr = last_line(&ended.stderr);
    match ended.status {
        Some(status) => Ok(Output { status, stdout: ended.stdout, stderr }),
        None => Err(LiveError::PluginHung { command: command.into(), after: limit, stderr }),
    }
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    one_line(text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default())
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Instant;

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
