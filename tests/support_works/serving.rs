//! Recorded answers, identities and content negotiation.

use std::io::Read;
use std::thread;
use std::time::Duration;

use flate2::read::GzDecoder;
use serde_json::json;

use super::client::Client;
use crate::support::cluster::{FLAGZ, KUBEADM_CONFIG, KUBELET_CONFIG, LEASES, METRICS, NODES, PODS, VERSION};
use crate::support::recordings::recording;
use crate::support::reply::Reply;
use crate::support::routes::{Identity, Routes, Rule};
use crate::support::server::RecordedServer;

const STRUCTURED: &str = "application/json;v=v1beta1;g=config.k8s.io;as=Flagz";

#[test]
fn version_over_verified_tls_on_one_connection() {
    let server = RecordedServer::start(Routes::kubeadm());
    let mut client = Client::try_connect(server.address(), &server.ca_pem(), "localhost").unwrap();
    let answer = client.get("viewer", VERSION).unwrap();
    assert_eq!((answer.status, answer.json()["gitVersion"].as_str()), (200, Some("v1.36.2")));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(client.get("", VERSION).unwrap().status, 200);

    let seen = server.requests();
    assert_eq!(seen.iter().map(|request| request.connection_id).collect::<Vec<_>>(), [0, 0]);
    assert_eq!(seen[0].identity, Some(Identity::Viewer));
    assert_eq!(seen[0].header("authorization"), Some("Bearer viewer"));
    assert_eq!(seen[1].identity, Some(Identity::Anonymous));
    let connections = server.connections();
    assert_eq!(connections.len(), 1);
    assert_eq!(connections[0].server_name.as_deref(), Some("localhost"));
    assert!(connections[0].established);
    server.assert_only_reads();
}

#[test]
fn every_recorded_path_answers_each_identity_as_recorded() {
    let server = RecordedServer::start(Routes::kubeadm());
    let mut client = Client::connect(&server);
    let cases = [
        ("admin", PODS, "082"),
        ("viewer", PODS, "081"),
        ("nobody", PODS, "083"),
        ("admin", NODES, "023"),
        ("viewer", NODES, "022"),
        ("nobody", NODES, "024"),
        ("admin", KUBEADM_CONFIG, "076"),
        ("viewer", KUBEADM_CONFIG, "075"),
        ("nobody", KUBEADM_CONFIG, "077"),
        ("admin", METRICS, "079"),
        ("viewer", METRICS, "078"),
        ("nobody", METRICS, "080"),
        ("viewer", FLAGZ, "090"),
        ("viewer", "/api/v1/namespaces/kube-system/pods/kube-apiserver-nope", "106"),
        ("admin", "/apis/monitoring.example.com/v1/rules", "110"),
        ("admin", "/nope", "111"),
        ("whoever", NODES, "100"),
        ("whoever", VERSION, "101"),
    ];
    for (token, path, id) in cases {
        let answer = client.get(token, path).unwrap();
        let recorded = recording(id);
        assert_eq!(answer.status, recorded.status, "{token} {path}");
        assert_eq!(answer.body, *recorded.body, "{token} {path}");
        let expected = recorded.headers.iter().find(|(name, _)| name == "Content-Type");
        assert_eq!(
            answer.header("content-type"),
            expected.map(|(_, value)| value.as_str()),
            "{token} {path}"
        );
    }
}

#[test]
fn the_query_does_not_matter_unless_a_rule_says_so() {
    let marked = Reply::json(200, &json!({"marked": true}));
    let routes = Routes::kubeadm().rule(Rule::get(PODS, marked).query("component in (etcd)"));
    let server = RecordedServer::start(routes);
    let mut client = Client::connect(&server);
    let usual =
        client.get("admin", &format!("{PODS}?labelSelector=component%3Dkube-apiserver&limit=500")).unwrap();
    assert_eq!(usual.body, *recording("082").body);
    let special =
        client.get("admin", &format!("{PODS}?labelSelector=component%20in%20(etcd)&limit=500")).unwrap();
    assert_eq!(special.json(), json!({"marked": true}));
}

#[test]
fn flagz_is_negotiated() {
    let server = RecordedServer::start(Routes::kubeadm());
    let mut client = Client::connect(&server);
    let mut get = |accept: &[(&str, &str)]| client.get_with("admin", FLAGZ, accept).unwrap();
    let structured = get(&[("Accept", STRUCTURED)]);
    assert_eq!((structured.status, structured.body.as_slice()), (200, &*recording("096").body));
    assert_eq!(get(&[("Accept", &format!("{STRUCTURED},text/plain"))]).body, *recording("096").body);
    for plain in ["text/plain", "*/*"] {
        assert_eq!(get(&[("Accept", plain)]).body, *recording("091").body);
    }
    assert_eq!(get(&[]).body, *recording("091").body);
    let refused = get(&[("Accept", "application/json")]);
    assert_eq!((refused.status, refused.body.as_slice()), (406, &*recording("117").body));
    assert_eq!(client.get("nobody", FLAGZ).unwrap().status, 403);
}

#[test]
fn what_was_not_recorded_has_the_shape_of_the_api() {
    let server = RecordedServer::start(Routes::kubeadm());
    let mut client = Client::connect(&server);
    let selector = "?labelSelector=apiserver.kubernetes.io%2Fidentity%3Dkube-apiserver";
    let leases = client.get("admin", &format!("{LEASES}{selector}")).unwrap().json();
    assert_eq!(leases["items"].as_array().unwrap().len(), 1);
    let lease = &leases["items"][0];
    assert_eq!(lease["metadata"]["labels"]["kubernetes.io/hostname"], "cp1");
    assert_eq!(lease["spec"]["renewTime"], "2026-11-21T08:59:50.000000Z");

    let kubelet = client.get("viewer", KUBELET_CONFIG).unwrap().json();
    assert!(kubelet["data"]["kubelet"].as_str().unwrap().contains("containerLogMaxSize: 10Mi"));

    let refused = client.get("viewer", LEASES).unwrap();
    assert_eq!(
        (refused.status, refused.json()["message"].as_str().unwrap()),
        (
            403,
            "leases.coordination.k8s.io is forbidden: User \"viewer@example.com\" cannot list resource \"leases\" \
             in API group \"coordination.k8s.io\" in the namespace \"kube-system\""
        )
    );
    assert_eq!(
        client.get("admin", KUBELET_CONFIG.trim_end_matches('g')).unwrap().json()["reason"],
        "NotFound"
    );
}

/// The fallback must say what the recorded server says: rules are left out, and the recorded
/// refusals still come out.
#[test]
fn the_fallback_refuses_as_recorded() {
    let server = RecordedServer::start(Routes::empty());
    let mut client = Client::connect(&server);
    for (token, path, id) in [
        ("viewer", NODES, "022"),
        ("nobody", NODES, "024"),
        ("nobody", KUBEADM_CONFIG, "077"),
        ("viewer", METRICS, "078"),
        ("nobody", PODS, "083"),
    ] {
        let answer = client.get(token, path).unwrap();
        assert_eq!((answer.status, answer.json()), (403, recording(id).json()), "{token} {path}");
    }
    client.send("DELETE", "admin", NODES, &[]).unwrap();
    assert_eq!(client.head().unwrap().0, 405);
}

#[test]
fn bodies_are_compressed_only_with_the_switch_and_for_clients_that_accept_it() {
    let gzip = [("Accept-Encoding", "gzip")];
    let server = RecordedServer::builder(Routes::kubeadm()).gzip().start();
    let mut client = Client::connect(&server);
    let packed = client.get_with("admin", METRICS, &gzip).unwrap();
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() < 400_000, "{}", packed.body.len());
    let mut text = Vec::new();
    GzDecoder::new(packed.body.as_slice()).read_to_end(&mut text).unwrap();
    assert_eq!(text, *recording("079").body);
    assert_eq!(client.get("admin", METRICS).unwrap().header("content-encoding"), None);

    let plain = RecordedServer::start(Routes::kubeadm());
    let answer = Client::connect(&plain).get_with("admin", METRICS, &gzip).unwrap();
    assert_eq!((answer.header("content-encoding"), answer.body.len()), (None, 1_701_734));
}

#[test]
fn requests_at_the_same_time_are_counted() {
    let slow = Reply::recorded("001").after(Duration::from_secs(1));
    let server = RecordedServer::start(Routes::kubeadm().get(VERSION, slow));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| Client::connect(&server).get("admin", VERSION).unwrap());
        }
    });
    assert_eq!(server.max_in_flight(), 3);
    server.forget();
    let mut clients = [Client::connect(&server), Client::connect(&server)];
    for turn in 0..20 {
        clients[turn % 2].get("admin", NODES).unwrap();
    }
    assert_eq!((server.max_in_flight(), server.requests().len()), (1, 20));
}

#[test]
fn a_rule_added_later_wins() {
    let server = RecordedServer::start(Routes::kubeadm());
    let mut client = Client::connect(&server);
    assert_eq!(client.get("admin", NODES).unwrap().status, 200);
    server.add(Rule::get(NODES, Reply::unavailable()).by(Identity::Admin));
    assert_eq!(client.get("admin", NODES).unwrap().status, 503);
}

#[test]
fn connection_close_is_honoured() {
    let server = RecordedServer::start(Routes::kubeadm());
    let mut client = Client::connect(&server);
    assert_eq!(client.get_with("admin", VERSION, &[("Connection", "close")]).unwrap().status, 200);
    assert!(client.head().is_err());
    assert_eq!(server.connections()[0].error, None);
}

#[test]
#[should_panic(expected = "RequestSeen")]
fn reading_a_secret_is_noticed() {
    let server = RecordedServer::start(Routes::kubeadm());
    Client::connect(&server).get("admin", "/api/v1/namespaces/kube-system/secrets/token").unwrap();
    server.assert_only_reads();
}
