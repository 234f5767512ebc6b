//! Kubeconfig files that a real client understands, and the runner.

use std::fs;
use std::path::Path;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig as Parsed};
use kube::{Client, Config};

use crate::support::cluster::VERSION;
use crate::support::kubeconfig::{Context, ExecPlugin, Kubeconfig, script};
use crate::support::routes::{Identity, Routes};
use crate::support::server::{RecordedServer, closed_port, stranger_ca_pem};
use crate::support::tool::Tool;

/// Asks for the version as kube's own client does with that file.
fn ask(kubeconfig: &Kubeconfig, context: Option<&str>) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let parsed = Parsed::read_from(kubeconfig.path()).map_err(|error| format!("{error:?}"))?;
        let options =
            KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
        let config =
            Config::from_custom_kubeconfig(parsed, &options).await.map_err(|error| format!("{error:?}"))?;
        let client = Client::try_from(config).map_err(|error| format!("{error:?}"))?;
        let request = http::Request::get(VERSION).body(Vec::new()).unwrap();
        client.request_text(request).await.map_err(|error| format!("{error:?}"))
    })
}

fn last_identity(server: &RecordedServer) -> Option<Identity> {
    server.requests().last().unwrap().identity
}

#[test]
fn a_token_a_certificate_and_a_plugin_log_in() {
    let server = RecordedServer::start(Routes::kubeadm());
    let at = |name: &str| Context::for_server(name, &server);
    let contexts = [
        at("token").token("viewer"),
        at("certificate").client_certificate(&server.client_certificate(Identity::Nobody)),
        at("plugin").exec(ExecPlugin::succeeding("admin").arg("token").env("A", "b")),
    ];
    let kubeconfig = Kubeconfig::several(Some("token"), &contexts);
    for (context, identity) in
        [(None, Identity::Viewer), (Some("certificate"), Identity::Nobody), (Some("plugin"), Identity::Admin)]
    {
        assert!(ask(&kubeconfig, context).unwrap().contains("v1.36.2"));
        assert_eq!(last_identity(&server), Some(identity));
    }
    assert!(ask(&kubeconfig, Some("another")).is_err());
}

#[test]
fn plugins_fail_in_their_ways() {
    let server = RecordedServer::start(Routes::kubeadm());
    let with = |plugin| Kubeconfig::new(Context::for_server("plugin", &server).exec(plugin));
    assert!(ask(&with(ExecPlugin::failing("it's over")), None).is_err());
    assert!(ask(&with(ExecPlugin::babbling("<html>")), None).is_err());
    assert!(ask(&with(ExecPlugin::missing()), None).is_err());
    assert!(server.requests().is_empty());

    let hanging = with(ExecPlugin::hanging());
    let path = hanging.folder().join("plugin-hanging-plugin");
    assert!(fs::read_to_string(&path).unwrap().contains("sleep 600"));
    let failing = with(ExecPlugin::failing("it's over"));
    let output = Tool::new().run_program(&failing.folder().join("plugin-failing-plugin"));
    assert_eq!((output.code, output.stderr.as_str()), (Some(1), "it's over\n"));
}

#[test]
fn tls_settings_arrive() {
    let server = RecordedServer::with_name_mismatch(Routes::kubeadm());
    let at = || Context::for_server("only", &server).token("admin").namespace("default");
    assert!(ask(&Kubeconfig::new(at()), None).is_err());
    assert!(ask(&Kubeconfig::new(at().tls_server_name("elsewhere.example.com")), None).is_ok());
    assert!(ask(&Kubeconfig::new(at().insecure_skip_tls_verify()), None).is_ok());
    assert!(
        ask(&Kubeconfig::new(at().ca(&stranger_ca_pem()).tls_server_name("elsewhere.example.com")), None)
            .is_err()
    );
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_proxy_and_a_closed_port_are_used() {
    let server = RecordedServer::start(Routes::kubeadm());
    let proxy = closed_port().replace("https", "http");
    let proxied = Context::for_server("proxied", &server).token("admin").proxy_url(&proxy);
    assert!(ask(&Kubeconfig::new(proxied), None).is_err());
    assert!(server.connections().is_empty());
    assert!(ask(&Kubeconfig::new(Context::at("closed", &closed_port())), None).is_err());
    assert!(ask(&Kubeconfig::raw("apiVersion: [v1"), None).is_err());
}

#[test]
fn the_tool_runs_clean() {
    let kubeconfig = Kubeconfig::raw("");
    let tool =
        Tool::new().kubeconfig(kubeconfig.path()).env("EXTRA", "1").args(["one", "two"]).stdin("input");
    let show = script(&kubeconfig.folder().join("show"), "env; echo \"$@\"; cat; echo problem >&2; exit 3\n");
    let output = tool.run_program(&show);
    assert_eq!((output.code, output.stderr.as_str()), (Some(3), "problem\n"));
    let names: Vec<&str> =
        output.stdout.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    let known = ["HOME", "PATH", "KUBECONFIG", "EXTRA", "PWD", "OLDPWD", "SHLVL", "_"];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    assert!(output.stdout.contains(&format!("HOME={}\n", tool.home().display())));
    assert!(output.stdout.ends_with("one two\ninput"), "{}", output.stdout);
    output.expect_code(3);
}

#[test]
fn the_tool_reads_json_and_starts_the_binary() {
    let output = Tool::new().arg("{\"a\": 1}").run_program(Path::new("/bin/echo"));
    assert_eq!(output.json()["a"], 1);
    assert!(Tool::new().run().elapsed < Duration::from_secs(30));
}

#[test]
#[should_panic(expected = "still running after")]
fn the_tool_does_not_wait_for_ever() {
    let _ = Tool::new().arg("600").timeout(Duration::from_millis(200)).run_program(Path::new("/bin/sleep"));
}

#[test]
fn the_tool_does_not_wait_for_grandchildren() {
    let folder = Kubeconfig::raw("");
    let spawn = script(&folder.folder().join("spawn"), "sleep 600 &\necho $!\n");
    let output = Tool::new().run_program(&spawn);
    assert!(output.elapsed < Duration::from_secs(10), "{output:?}");
    // Killed, though perhaps not yet collected by whoever inherited it.
    let state = || fs::read_to_string(format!("/proc/{}/stat", output.stdout.trim())).unwrap_or_default();
    let gone = |state: String| state.is_empty() || state.contains(") Z ");
    let tries = std::iter::repeat_with(|| std::thread::sleep(Duration::from_millis(20))).take(100);
    assert!(tries.map(|()| state()).any(gone), "{}", state());
}
