//! Credential plugins that do not do what they should.

use std::time::Duration;

use super::{DEADLINE, routes};
use crate::support::kubeconfig::{Context, ExecPlugin, Kubeconfig};
use crate::support::server::RecordedServer;
use crate::support::stage::pinned;
use crate::support::tool::Output;

/// A run with this plugin, whose arguments and environment hold what must not be shown.
fn run(plugin: ExecPlugin) -> Output {
    let server = RecordedServer::start(routes());
    let plugin = plugin.arg("--password=hunter2-CANARY-1").env("PASSWORD", "hunter2-CANARY-2");
    let kubeconfig = Kubeconfig::new(Context::for_server("plugin", &server).exec(plugin));
    let output = pinned().args(["run", "-o", "json", "--timeout", "2s"]).kubeconfig(kubeconfig.path()).run();
    assert!(server.requests().is_empty(), "nothing is asked without credentials");
    assert!(!output.stderr.contains("CANARY"), "{output:#?}");
    output.expect_within(DEADLINE);
    output
}

#[test]
fn a_plugin_that_is_not_installed_is_named_with_its_hint() {
    run(ExecPlugin::missing()).expect_refusal(&[
        "`logaudit-plugin-that-is-not-installed`",
        "cannot be started",
        "Install it with the package manager of your choice.",
    ]);
}

#[test]
fn a_plugin_that_fails_is_named_with_its_last_words() {
    run(ExecPlugin::failing("Reading the cache\nSession expired, run `cloud login`")).expect_refusal(&[
        "plugin-failing-plugin",
        "failed (exit status: 1)",
        "Session expired, run `cloud login`",
        "run it by hand",
    ]);
}

#[test]
fn what_a_failing_plugin_says_is_shown_without_credentials() {
    let output =
        run(ExecPlugin::failing("refused: token=hunter2-CANARY-3 for https://me:hunter2-CANARY-4@idp"));
    output.expect_refusal(&["refused: token=REDACTED"]);
}

#[test]
fn what_a_failing_plugin_prints_is_not_shown() {
    let script = "echo '{\"status\": {\"token\": \"hunter2-CANARY-5\"}}'\necho over >&2\nexit 7\n";
    run(ExecPlugin::script("plugin-leaking", script)).expect_refusal(&["failed (exit status: 7)", "over"]);
}

#[test]
fn a_plugin_that_hangs_is_ended_by_the_deadline() {
    let output = run(ExecPlugin::hanging());
    output.expect_refusal(&["plugin-hanging-plugin", "did not end within 2 s", "waiting for a login"]);
    assert!(output.elapsed >= Duration::from_secs(2));
    output.expect_within(Duration::from_secs(5));
}

#[test]
fn a_plugin_that_prints_something_else_is_named() {
    run(ExecPlugin::babbling("Welcome! Your token is hunter2-CANARY-6")).expect_refusal(&[
        "plugin-babbling-plugin",
        "gave no credentials",
        "ExecCredential",
    ]);
    run(ExecPlugin::babbling("{\"kind\": \"ExecCredential\", \"status\": {\"token\": \"\"}}"))
        .expect_refusal(&["neither a token nor a certificate"]);
}

#[test]
fn a_plugin_without_end_of_output_is_ended() {
    run(ExecPlugin::script("plugin-endless", "while :; do echo hunter2-CANARY-7; done\n"))
        .expect_refusal(&["plugin-endless", "did not end within 2 s"]);
}
