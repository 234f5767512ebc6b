//! kubectl's connection flags.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::support::kubeconfig::{Context, Kubeconfig};
use crate::support::routes::{Identity, Routes};
use crate::support::server::{RecordedServer, closed_port};
use crate::support::stage::{Stage, pinned};
use crate::support::tool::Output;

fn routes() -> Routes {
    Routes::kubeadm().with_short_metrics()
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_server_a_token_and_an_authority_need_no_kubeconfig() {
    let server = RecordedServer::start(routes());
    let folder = tempfile::tempdir().unwrap();
    let ca = file(folder.path(), "ca.crt", &server.ca_pem());
    let run = |server: &str| {
        let tool = pinned().args(["run", "-o", "json", "-s", server, "--token", "viewer"]);
        tool.arg("--certificate-authority").arg(&ca).run()
    };
    let report = run(&server.url()).report();
    assert_eq!(report.0["cluster"]["name"], server.address().to_string());
    assert!(server.requests().iter().all(|request| request.identity == Some(Identity::Viewer)));
    // A bare address is HTTPS.
    run(&server.address().to_string()).report();
    run("ftp://127.0.0.1:1").expect_refusal(&["ftp://127.0.0.1:1", "only http and https"]);
    run("https://user:hunter2-CANARY@127.0.0.1:1/").expect_refusal(&["connection refused"]);
    assert!(!run("https://user:hunter2-CANARY@127.0.0.1:1/").stderr.contains("CANARY"));
}

#[test]
fn a_client_certificate_can_be_given_as_files() {
    let server = RecordedServer::start(routes());
    let folder = tempfile::tempdir().unwrap();
    let own = server.client_certificate(Identity::Nobody);
    let (cert, key) =
        (file(folder.path(), "c.crt", &own.cert_pem), file(folder.path(), "c.key", &own.key_pem));
    let stage = Stage::on(server);
    let tool = || stage.tool().args(["run", "-q", "--client-certificate"]);
    tool().arg(&cert).arg("--client-key").arg(&key).run().expect_code(1);
    assert!(stage.server.requests().iter().all(|request| request.identity == Some(Identity::Nobody)));
    tool().arg("/nowhere.crt").arg("--client-key").arg(&key).run().expect_refusal(&["/nowhere.crt"]);
    tool().arg(&cert).arg("--client-key").arg(&cert).run().expect_refusal(&["certificate"]);
    tool().arg(&cert).run().expect_refusal(&["key"]);
}

#[test]
fn a_token_replaces_the_credentials_of_the_kubeconfig() {
    let stage = Stage::with(routes());
    stage.report(&["--context", "certificate", "--token", "viewer"]);
    assert!(stage.server.requests().iter().all(|request| request.identity == Some(Identity::Viewer)));
}

#[test]
fn another_name_can_be_expected_in_the_certificate() {
    let stage = Stage::on(RecordedServer::with_name_mismatch(routes()));
    stage.run(&[]).expect_refusal(&["its certificate is not for 127.0.0.1", "elsewhere.example.com"]);
    stage.run(&["--tls-server-name", "elsewhere.example.com"]).expect_code(0);
    let names = stage.server.connections().into_iter().filter_map(|connection| connection.server_name);
    assert!(names.into_iter().any(|name| name == "elsewhere.example.com"));
}

#[test]
fn verification_can_be_switched_off() {
    let stage = Stage::on(RecordedServer::with_name_mismatch(routes()));
    stage.run(&["--insecure-skip-tls-verify"]).expect_code(0);
    stage.run(&["--insecure-skip-tls-verify=true"]).expect_code(0);
    stage.run(&["--insecure-skip-tls-verify=false"]).expect_refusal(&["certificate"]);
}

#[test]
fn somebody_can_be_impersonated() {
    let stage = Stage::with(routes());
    stage.report(&["--as", "jane", "--as-group", "auditors", "--as-group=night-shift", "--as-uid", "7"]);
    for request in stage.server.requests() {
        assert_eq!(request.header("impersonate-user"), Some("jane"), "{request:?}");
        assert_eq!(request.header("impersonate-uid"), Some("7"), "{request:?}");
        let groups: Vec<&str> = request
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("impersonate-group"))
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(groups, ["auditors", "night-shift"]);
    }
    stage.run(&["--as-group", "auditors"]).expect_refusal(&["--as-group", "--as"]);
    stage.run(&["--as", "jane\nx"]).expect_refusal(&["--as"]);
}

#[test]
fn flags_are_taken_at_any_depth() {
    let stage = Stage::with(routes());
    let seen = |words: &[&str]| {
        stage.server.forget();
        stage.tool().args(words).run().expect_code(0);
        stage.server.requests().first().and_then(|request| request.identity)
    };
    for words in [
        &["run", "-q", "--context", "viewer"][..],
        &["--context", "viewer", "run", "-q"],
        &["--context=viewer", "run", "-q", "-n", "elsewhere"],
        &["snapshot", "--context", "viewer"],
        &["--context", "viewer", "facts"],
    ] {
        assert_eq!(seen(words), Some(Identity::Viewer), "{words:?}");
    }
    // They are accepted, and do nothing, where no cluster is read.
    for words in [
        &["checks", "list", "--context", "viewer"][..],
        &["checks", "--context", "viewer", "list"],
        &["--context", "viewer", "checks", "list"],
        &["frameworks", "list", "--kubeconfig", "/nowhere"],
        &["version", "--request-timeout", "5"],
        &["rbac", "--token", "x"],
    ] {
        assert_eq!(seen(words), None, "{words:?}");
    }
}

#[test]
fn a_proxy_that_is_not_there_is_named() {
    let server = RecordedServer::start(routes());
    let proxy = closed_port().replace("https", "http");
    let proxied = Context::for_server("proxied", &server).token("admin").proxy_url(&proxy);
    let kubeconfig = Kubeconfig::new(proxied);
    let output = pinned().arg("run").kubeconfig(kubeconfig.path()).run();
    output.expect_refusal(&[&proxy, "proxy failed", "Connection refused", "proxy-url"]);
    assert!(server.connections().is_empty());
}

#[test]
fn a_proxy_leads_to_the_server() {
    let server = RecordedServer::start(routes());
    let proxy = proxy();
    let kubeconfig =
        Kubeconfig::new(Context::for_server("proxied", &server).token("admin").proxy_url(&proxy));
    pinned().args(["run", "-q"]).kubeconfig(kubeconfig.path()).run().expect_code(0);
    assert!(!server.requests().is_empty());
}

/// A proxy that does what CONNECT asks for; its threads end with the connections.
fn proxy() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || tunnel(client));
        }
    });
    url
}

fn tunnel(client: TcpStream) -> io::Result<()> {
    let mut head = BufReader::new(client.try_clone()?);
    let mut line = String::new();
    head.read_line(&mut line)?;
    let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
    while line.trim() != "" {
        line.clear();
        head.read_line(&mut line)?;
    }
    let server = TcpStream::connect(target)?;
    (&client).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let mut back = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || io::copy(&mut back.0, &mut back.1));
    io::copy(&mut head, &mut &server).map(|_| ())
}

/// Without the mounted token of a service account, the two variables alone make no pod.
#[test]
fn a_pod_without_a_token_is_no_pod() {
    if Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token").exists() {
        eprintln!("skipped: this is a pod with a service account");
        return;
    }
    let tool = pinned().env("KUBERNETES_SERVICE_HOST", "127.0.0.1").env("KUBERNETES_SERVICE_PORT", "1");
    tool.arg("run").run().expect_refusal(&["no kubeconfig found", "service account"]);
}

#[test]
fn values_that_make_no_sense_are_usage_errors() {
    let stage = Stage::with(routes());
    let usage = |args: &[&str], words: &[&str]| {
        let output: Output = stage.run(args);
        output.expect_refusal(words);
    };
    usage(&["--request-timeout", "soon"], &["--request-timeout", "soon", "30s"]);
    usage(&["--timeout", "0"], &["--timeout", "0"]);
    usage(&["-v", "loud"], &["loud"]);
    usage(&["--conntext", "viewer"], &["--conntext", "--context"]);
    assert!(stage.server.connections().is_empty());
}

#[test]
fn every_request_is_told_when_asked_for() {
    let stage = Stage::with(routes());
    let output = stage.run(&["-v=6"]);
    output.expect_code(0).report();
    for path in ["/version", "/metrics", "/flagz", "/api/v1/nodes"] {
        let told =
            output.stderr.lines().any(|line| line.contains(&format!("GET {path}")) && line.contains("200"));
        assert!(told, "{path}: {}", output.stderr);
    }
    assert!(!output.stderr.contains("admin\n") && !output.stderr.contains("Bearer"), "{}", output.stderr);
    let brief = stage.run(&["-v1"]);
    assert!(brief.stderr.contains("23 requests") && !brief.stderr.contains("GET"), "{}", brief.stderr);
    assert!(brief.elapsed < Duration::from_secs(20));
}
