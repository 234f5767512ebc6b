//! What goes wrong: once, for good, for one path or for all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::testing::{Reply, Server};
use super::super::{Connection, Fault, LiveError, Options, RequestTimeout};
use super::{kubeadm, read_all, read_with, reason, status};
use crate::snapshot::GapReason;

#[test]
fn passing_faults_are_tried_again() {
    for (fault, tries) in [
        (status(503, "later"), 3),
        (status(500, "etcdserver: leader changed"), 3),
        (Reply::With(429, "retry-after", "0", String::new()), 3),
        (Reply::Close, 3),
        (Reply::CutOff("apiserver_audit".into()), 3),
    ] {
        let asked = AtomicUsize::new(0);
        let faulty = fault.clone();
        let server = Server::start(move |seen| {
            if seen.path == "/metrics" && asked.fetch_add(1, Ordering::SeqCst) < 2 {
                faulty.clone()
            } else {
                kubeadm(seen)
            }
        });
        let (snapshot, _) = read_all(&server).unwrap();
        assert_eq!(snapshot.metrics[0].value().and_then(|m| m.events), Some(1.0), "{fault:?}");
        assert_eq!(server.count("/metrics"), tries, "{fault:?}");
    }
}

#[test]
fn lasting_faults_leave_gaps() {
    for (fault, expected, tries) in [
        (status(503, "later"), GapReason::ServerError, 3),
        (Reply::With(429, "retry-after", "60", "slow down".into()), GapReason::Throttled, 1),
        (Reply::CutOff("apiserver_audit".into()), GapReason::Unreachable, 3),
        (Reply::Close, GapReason::Unreachable, 3),
        (status(401, "Unauthorized"), GapReason::Unauthorized, 1),
        (Reply::Text(200, "<html>login</html>".into()), GapReason::Malformed, 1),
        (Reply::With(302, "location", "https://login.example/?s=1", String::new()), GapReason::Malformed, 1),
        (Reply::Text(200, "no metrics here".into()), GapReason::Malformed, 1),
        (Reply::Hang, GapReason::Timeout, 1),
        (Reply::Drip, GapReason::Timeout, 1),
    ] {
        let answer = fault.clone();
        let server =
            Server::start(move |seen| if seen.path == "/metrics" { answer.clone() } else { kubeadm(seen) });
        let (snapshot, _) = read_with(&server, |connection, _| {
            connection.request_timeout = Some(RequestTimeout::After(Duration::from_millis(1500)));
        })
        .unwrap();
        assert_eq!(reason(&snapshot.metrics[0]), expected, "{fault:?}");
        assert_eq!(server.count("/metrics"), tries, "{fault:?}");
        assert!(snapshot.nodes.value().is_some());
    }
}

#[test]
fn lists_and_objects_in_another_form_are_gaps() {
    for (answer, path) in [
        (Reply::Text(200, "<html>".into()), "/api/v1/nodes"),
        (Reply::Json(200, json!({"kind": "PodList", "items": []})), "/api/v1/nodes"),
        (Reply::Json(200, json!({"kind": "Secret"})), "/api/v1/nodes"),
        (Reply::Text(200, "{\"kind\":".into()), "/api/v1/nodes"),
    ] {
        let server = Server::start(
            move |seen| if seen.path.starts_with(path) { answer.clone() } else { kubeadm(seen) },
        );
        assert_eq!(reason(&read_all(&server).unwrap().0.nodes), GapReason::Malformed);
    }
}

#[test]
fn credentials_that_are_not_accepted_end_it_at_once() {
    let server = Server::start(|seen| {
        if seen.path != "/version" {
            std::thread::sleep(Duration::from_secs(5));
        }
        status(401, "Unauthorized")
    });
    let begun = Instant::now();
    let error = read_all(&server).unwrap_err();
    assert!(matches!(&error, LiveError::Unauthorized { .. }), "{error}");
    assert!(error.to_string().contains("(test) did not accept the credentials (401)"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_server_that_is_not_there_ends_it() {
    let server = Server::start(kubeadm);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let begun = Instant::now();
    let error =
        read_with(&server, |connection, _| connection.server = Some(format!("http://{closed}"))).unwrap_err();
    assert!(matches!(&error, LiveError::Connection { fault: Fault::Refused, .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    let error = read_with(&server, |connection, _| {
        connection.server = Some(server.url.replace("http", "https"));
    })
    .unwrap_err();
    assert!(matches!(&error, LiveError::Connection { .. }), "{error}");
    let error =
        read_with(&server, |connection, _| connection.server = Some("https://no-such-host.invalid".into()));
    // Where the environment names a proxy, it is the proxy that has to resolve the name.
    assert!(matches!(
        error,
        Err(LiveError::Connection { fault: Fault::Dns(_), .. } | LiveError::Connection { proxy: Some(_), .. })
    ));
}

#[test]
fn something_else_than_an_apiserver_is_named() {
    for answer in [
        Reply::Text(200, "<html><body>Sign in</body></html>".into()),
        Reply::Text(404, "<html>nginx</html>".into()),
        Reply::With(302, "location", "https://login.example/?state=hunter2", String::new()),
        Reply::Text(400, "Client sent an HTTP request to an HTTPS server.\n".into()),
    ] {
        let server = Server::start(move |_| answer.clone());
        let error = read_all(&server).unwrap_err();
        assert!(matches!(&error, LiveError::NotKubernetes { .. }), "{error}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn everything_refused_names_the_remedy() {
    let error = read_all(&Server::start(|_| status(403, "no"))).unwrap_err();
    assert!(matches!(&error, LiveError::Forbidden { .. }), "{error}");
    assert!(error.to_string().contains("kubectl logaudit rbac"));
    let error = read_all(&Server::start(|_| status(500, "boom"))).unwrap_err();
    assert!(matches!(&error, LiveError::Nothing { .. }), "{error}");
}

#[test]
fn the_deadline_ends_it_with_what_was_read() {
    let hanging = Server::start(|_| Reply::Hang);
    let begun = Instant::now();
    let limited = |_: &mut Connection, options: &mut Options| options.timeout = Duration::from_millis(1500);
    let error = read_with(&hanging, limited).unwrap_err();
    assert!(matches!(&error, LiveError::Deadline { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));

    let error = read_with(&hanging, |connection, _| {
        connection.request_timeout = Some(RequestTimeout::After(Duration::from_millis(300)));
    })
    .unwrap_err();
    assert!(error.to_string().contains("does not answer: no whole answer within 0.3 s"), "{error}");

    let half = Server::start(|seen| if seen.path == "/metrics" { Reply::Drip } else { kubeadm(seen) });
    let (snapshot, _) = read_with(&half, limited).unwrap();
    assert_eq!(reason(&snapshot.metrics[0]), GapReason::Timeout);
    assert!(snapshot.metrics[0].gap().unwrap().detail.contains("the whole run, 1.5 s, was over"));
}
