//! No way to the server.

use std::time::Duration;

use super::{DEADLINE, routes};
use crate::support::kubeconfig::{Context, Kubeconfig};
use crate::support::server::{RecordedServer, closed_port, stranger_ca_pem};
use crate::support::stage::{Stage, pinned};
use crate::support::tool::Output;

fn run(context: Context) -> Output {
    let kubeconfig = Kubeconfig::new(context);
    pinned().args(["run", "-o", "json", "--timeout", "8s"]).kubeconfig(kubeconfig.path()).run()
}

#[test]
fn a_refused_connection_ends_it() {
    let url = closed_port();
    let output = run(Context::at("gone", &url).token("admin"));
    output.expect_refusal(&[&url, "(gone)", "connection refused", "is the control plane running?"]);
    output.expect_within(DEADLINE);
}

#[test]
fn a_name_that_does_not_exist_ends_it() {
    let output = run(Context::at("gone", "https://no-such-host.invalid").token("admin"));
    output.expect_refusal(&["no-such-host.invalid", "cannot be resolved", "VPN"]).expect_within(DEADLINE);
}

#[test]
fn a_certificate_for_another_name_ends_it() {
    let server = RecordedServer::with_name_mismatch(routes());
    let output = run(Context::for_server("other", &server).token("admin"));
    output.expect_refusal(&[
        "certificate is not for 127.0.0.1 but for elsewhere.example.com",
        "--tls-server-name",
    ]);
    output.expect_within(DEADLINE);
    assert!(server.requests().is_empty(), "no token is sent to a stranger");
}

#[test]
fn an_unknown_authority_ends_it() {
    let server = RecordedServer::start(routes());
    let output = run(Context::for_server("stranger", &server).ca(&stranger_ca_pem()).token("admin"));
    output.expect_refusal(&["signed by an authority that is not trusted here", "--certificate-authority"]);
    output.expect_within(DEADLINE);
    assert!(server.requests().is_empty(), "no token is sent to a stranger");
}

#[test]
fn plain_http_on_the_port_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let _ = std::io::Write::write_all(&mut socket.unwrap(), b"HTTP/1.0 400 Bad Request\r\n\r\n");
        }
    });
    run(Context::at("plain", &url)).expect_refusal(&["does not speak TLS", "http://"]);
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let stage = Stage::on(RecordedServer::builder(routes()).silent().start());
    let output = stage.run(&["--timeout", "1s"]);
    output.expect_refusal(&["nothing could be read", "within 1 s", "--timeout"]);
    output.expect_within(Duration::from_secs(4));
    assert!(output.elapsed >= Duration::from_secs(1));
}
