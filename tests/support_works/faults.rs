//! Each fault behaves as its name says.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;

use super::client::Client;
use crate::support::cluster::{METRICS, NODES, VERSION};
use crate::support::reply::Reply;
use crate::support::routes::{Routes, Rule};
use crate::support::server::{RecordedServer, closed_port, stranger_ca_pem};

fn with(reply: Reply) -> RecordedServer {
    RecordedServer::start(Routes::kubeadm().rule(Rule::any(reply)))
}

#[test]
fn close_before_reply() {
    let server = with(Reply::CloseBeforeReply);
    let error = Client::connect(&server).get("admin", VERSION).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn truncated_body() {
    let server = with(Reply::recorded("079").truncated());
    let error = Client::connect(&server).get("admin", METRICS).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    let mut client = Client::connect(&server);
    client.send("GET", "admin", METRICS, &[]).unwrap();
    let (status, headers) = client.head().unwrap();
    assert_eq!(status, 200);
    assert!(headers.contains(&("Content-Length".to_owned(), "1701734".to_owned())));
}

#[test]
fn endless_slow_body() {
    let server = with(Reply::EndlessSlowBody);
    let mut client = Client::connect(&server);
    client.send("GET", "admin", NODES, &[]).unwrap();
    assert_eq!(client.head().unwrap().0, 200);
    let started = Instant::now();
    for _ in 0..4 {
        assert_eq!(client.chunk().unwrap().unwrap(), b" ");
    }
    assert!(started.elapsed() >= Duration::from_millis(600), "{:?}", started.elapsed());
    drop_quickly(server);
    assert!(client.chunk().and_then(|_| client.chunk()).is_err());
}

#[test]
fn huge_body() {
    let server = with(Reply::HugeBody(20_000_003));
    let mut client = Client::connect(&server);
    let answer = client.get("admin", METRICS).unwrap();
    assert_eq!(answer.body.len(), 20_000_003);
    assert!(answer.text().lines().all(|line| line.starts_with('#')));
    assert_eq!(client.get("admin", METRICS).unwrap().status, 200);
}

#[test]
fn a_huge_body_ends_when_the_client_leaves_or_the_server_stops() {
    let server = with(Reply::HugeBody(1 << 50));
    for _ in 0..2 {
        let mut client = Client::connect(&server);
        client.send("GET", "admin", METRICS, &[]).unwrap();
        client.head().unwrap();
        client.chunk().unwrap();
    }
    let mut reader = Client::connect(&server);
    reader.send("GET", "admin", METRICS, &[]).unwrap();
    reader.head().unwrap();
    drop_quickly(server);
}

#[test]
fn a_huge_body_is_small_when_compressed() {
    let routes = Routes::kubeadm().get(METRICS, Reply::HugeBody(20_000_000));
    let server = RecordedServer::builder(routes).gzip().start();
    let answer = Client::connect(&server).get_with("admin", METRICS, &[("Accept-Encoding", "gzip")]).unwrap();
    assert!(answer.body.len() < 500_000, "{}", answer.body.len());
    let mut text = String::new();
    GzDecoder::new(answer.body.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text.len(), 20_000_000);
}

#[test]
fn html_and_garbage() {
    let routes = Routes::kubeadm().get(VERSION, Reply::Html200).get(METRICS, Reply::GarbageMetrics);
    let server = RecordedServer::start(routes);
    let mut client = Client::connect(&server);
    let html = client.get("admin", VERSION).unwrap();
    assert_eq!((html.status, html.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let garbage = client.get("admin", METRICS).unwrap();
    assert_eq!(garbage.status, 200);
    assert!(garbage.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    assert!(std::str::from_utf8(&garbage.body).is_err());
}

#[test]
fn hang() {
    let server = with(Reply::Hang);
    let mut client = Client::connect(&server).patience(Duration::from_millis(300));
    let error = client.get("admin", VERSION).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error:?}");
    assert_eq!(server.max_in_flight(), 1);
    drop_quickly(server);
}

#[test]
fn silence() {
    let server = RecordedServer::builder(Routes::kubeadm()).silent().start();
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let error = socket.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error:?}");
    drop_quickly(server);
}

#[test]
fn sequence() {
    let replies = vec![
        Reply::unavailable(),
        Reply::too_many_requests(1),
        Reply::CloseBeforeReply,
        Reply::recorded("001"),
    ];
    let routes = Routes::kubeadm().get(VERSION, Reply::Sequence(replies));
    // The same routes serve two servers, and each starts at the beginning.
    for server in [RecordedServer::start(routes.clone()), RecordedServer::start(routes)] {
        let mut client = Client::connect(&server);
        assert_eq!(client.get("admin", VERSION).unwrap().json()["reason"], "ServiceUnavailable");
        assert_eq!(client.get("admin", NODES).unwrap().status, 200);
        let busy = client.get("admin", VERSION).unwrap();
        assert_eq!((busy.status, busy.header("retry-after")), (429, Some("1")));
        assert_eq!(busy.json()["details"]["retryAfterSeconds"], 1);
        assert!(client.get("admin", VERSION).is_err());
        let mut client = Client::connect(&server);
        assert_eq!(client.get("admin", VERSION).unwrap().status, 200);
        assert_eq!(client.get("admin", VERSION).unwrap().status, 200);
    }
}

#[test]
fn a_certificate_for_another_name() {
    let server = RecordedServer::with_name_mismatch(Routes::kubeadm());
    let refused = Client::try_connect(server.address(), &server.ca_pem(), "127.0.0.1").err().unwrap();
    assert!(refused.to_string().contains("not valid for name"), "{refused}");
    let mut accepted =
        Client::try_connect(server.address(), &server.ca_pem(), "elsewhere.example.com").unwrap();
    assert_eq!(accepted.get("admin", VERSION).unwrap().status, 200);
    assert_eq!(server.connections().iter().map(|seen| seen.established).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn an_unknown_authority() {
    let server = RecordedServer::start(Routes::kubeadm());
    let refused = Client::try_connect(server.address(), &stranger_ca_pem(), "127.0.0.1").err().unwrap();
    assert!(
        refused.to_string().contains("UnknownIssuer") || refused.to_string().contains("BadSignature"),
        "{refused}"
    );
    assert!(server.requests().is_empty());
}

#[test]
fn a_closed_port() {
    let url = closed_port();
    let error = TcpStream::connect(url.trim_start_matches("https://")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

fn drop_quickly(server: RecordedServer) {
    let started = Instant::now();
    drop(server);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}
