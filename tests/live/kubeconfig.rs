//! Which cluster is read, and as whom, as kubectl decides it.

use std::ffi::OsString;
use std::fs;
use std::time::Duration;

use serde_json::json;

use crate::support::kubeconfig::{Context, ExecPlugin, Kubeconfig};
use crate::support::routes::{Identity, Routes};
use crate::support::server::RecordedServer;
use crate::support::stage::{Stage, pinned};

fn routes() -> Routes {
    Routes::kubeadm().with_short_metrics()
}

fn identities(server: &RecordedServer) -> Vec<Option<Identity>> {
    let mut all: Vec<_> = server.requests().iter().map(|request| request.identity).collect();
    all.dedup();
    server.forget();
    all
}

#[test]
fn the_current_context_or_the_one_asked_for_is_used() {
    let stage = Stage::with(routes());
    for (args, name, identity) in [
        (&[][..], "admin", Identity::Admin),
        (&["--context", "viewer"], "viewer", Identity::Viewer),
        (&["--context=certificate"], "certificate", Identity::Admin),
        (&["--user", "nobody-user"], "admin", Identity::Nobody),
        (&["--cluster", "viewer-cluster"], "viewer-cluster", Identity::Admin),
        (&["--context", ""], "admin", Identity::Admin),
    ] {
        let report = stage.report(args);
        assert_eq!(report.0["cluster"]["name"], name, "{args:?}");
        assert_eq!(identities(&stage.server), [Some(identity)], "{args:?}");
    }
}

#[test]
fn names_that_are_not_there_are_answered_with_those_that_are() {
    let stage = Stage::with(routes());
    let refusal = |args: &[&str], words: &[&str]| {
        stage.run(args).expect_refusal(words);
    };
    refusal(
        &["--context", "prod"],
        &["no context \"prod\"", "admin, viewer, nobody, anonymous, certificate"],
    );
    refusal(&["--cluster", "prod"], &["no cluster \"prod\"", "admin-cluster"]);
    refusal(&["--user", "root"], &["no user \"root\"", "viewer-user"]);
    assert!(stage.server.connections().is_empty());
}

#[test]
fn without_a_kubeconfig_it_says_where_it_looked() {
    let tool = pinned().args(["run"]);
    let looked = tool.home().join(".kube/config");
    tool.run().expect_refusal(&["no kubeconfig found", looked.to_str().unwrap(), "--kubeconfig"]);
    pinned()
        .args(["run", "--kubeconfig", "/nowhere/config"])
        .run()
        .expect_refusal(&["/nowhere/config", "cannot read"]);
    let no_current = Kubeconfig::several(None, &[Context::at("lonely", "https://127.0.0.1:1")]);
    pinned().arg("run").kubeconfig(no_current.path()).run().expect_refusal(&["no current context", "lonely"]);
}

#[test]
fn the_kubeconfig_of_the_home_is_found() {
    let stage = Stage::with(routes());
    let tool = pinned().args(["run", "-q"]);
    fs::create_dir(tool.home().join(".kube")).unwrap();
    fs::copy(stage.kubeconfig.path(), tool.home().join(".kube/config")).unwrap();
    tool.run().expect_code(0);
    assert_eq!(identities(&stage.server), [Some(Identity::Admin)]);
}

#[test]
fn a_list_of_kubeconfigs_is_merged() {
    let stage = Stage::with(routes());
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context");
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "mixed",
        "contexts": [{"name": "mixed", "context": {"cluster": "admin-cluster", "user": "viewer-user"}}]
    });
    fs::write(&context, text.to_string()).unwrap();
    // The first file that says something wins, and one that is not there is passed over.
    let list = std::env::join_paths([
        folder.path().join("missing").as_path(),
        context.as_path(),
        stage.kubeconfig.path(),
    ])
    .unwrap();
    let run = |list: &OsString, args: &[&str]| {
        pinned().env("KUBECONFIG", list).args(["run", "-o", "json"]).args(args).run()
    };
    assert_eq!(run(&list, &[]).report().0["cluster"]["name"], "mixed");
    assert_eq!(identities(&stage.server), [Some(Identity::Viewer)]);
    assert_eq!(run(&list, &["--context", "nobody"]).report().0["cluster"]["name"], "nobody");
    assert_eq!(identities(&stage.server), [Some(Identity::Nobody)]);
    // One that is given with the flag stands alone.
    let alone = stage.kubeconfig.path().to_str().unwrap();
    run(&list, &["--kubeconfig", alone, "--context", "mixed"]).expect_refusal(&["no context \"mixed\""]);
}

#[test]
fn a_broken_kubeconfig_is_pointed_at_without_being_quoted() {
    for (text, place) in [
        ("users: [{name: a, user: {token: hunter2-CANARY", "line"),
        ("users: hunter2-CANARY\n", "line 1"),
        ("clusters:\n- name: a\n  cluster: {server: [hunter2-CANARY]}\n", "line 3"),
    ] {
        let broken = Kubeconfig::raw(text);
        let output = pinned().arg("run").kubeconfig(broken.path()).run();
        output.expect_refusal(&["is not valid", broken.path().to_str().unwrap(), place]);
        assert!(!output.stderr.contains("CANARY"), "{output:#?}");
    }
}

#[test]
fn a_credential_plugin_logs_in_once() {
    let server = RecordedServer::start(routes());
    let counting = ExecPlugin::succeeding("viewer").env("REGION", "eu").arg("login");
    let kubeconfig = Kubeconfig::new(Context::for_server("plugin", &server).exec(counting));
    let script = kubeconfig.folder().join("plugin-succeeding-plugin");
    let body = fs::read_to_string(&script).unwrap();
    let log = kubeconfig.folder().join("log");
    let logging = format!(
        "echo \"$1 $REGION ${{KUBERNETES_EXEC_INFO:+told}}\" >> {}\n{}",
        log.display(),
        body.trim_start_matches("#!/bin/sh\n")
    );
    crate::support::kubeconfig::script(&script, &logging);
    let output = pinned().args(["run", "-o", "json"]).kubeconfig(kubeconfig.path()).run();
    output.report();
    assert_eq!(identities(&server), [Some(Identity::Viewer)]);
    assert_eq!(fs::read_to_string(log).unwrap(), "login eu told\n");
}

#[test]
fn a_token_file_and_a_file_with_the_authority_are_read_relative_to_the_kubeconfig() {
    let server = RecordedServer::start(routes());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ca.crt"), server.ca_pem()).unwrap();
    fs::write(folder.path().join("token"), "viewer\n").unwrap();
    let config = json!({
        "current-context": "files",
        "clusters": [{"name": "c", "cluster": {"server": server.url(), "certificate-authority": "ca.crt"}}],
        "users": [{"name": "u", "user": {"tokenFile": "token"}}],
        "contexts": [{"name": "files", "context": {"cluster": "c", "user": "u"}}]
    });
    let path = folder.path().join("config");
    fs::write(&path, config.to_string()).unwrap();
    pinned()
        .args(["run", "-q"])
        .kubeconfig(&path)
        .run()
        .expect_code(0)
        .expect_within(Duration::from_secs(10));
    assert_eq!(identities(&server), [Some(Identity::Viewer)]);
}
