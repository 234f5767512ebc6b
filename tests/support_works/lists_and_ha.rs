//! Pages, expired continue tokens, and several instances behind one address.

use serde_json::Value;

use super::client::{Answer, Client};
use crate::support::cluster::{
    ApiServer, FLAGZ, LEASES, Lease, METRICS, MetricsText, NODES, NOW, PODS, lease_list,
};
use crate::support::nodes::{Expiry, node_pages, worker_name};
use crate::support::recordings::recording;
use crate::support::reply::Reply;
use crate::support::routes::{Identity, Routes};
use crate::support::server::RecordedServer;

fn nodes(count: usize, expiry: Expiry) -> RecordedServer {
    RecordedServer::start(Routes::kubeadm().get_as(Identity::Admin, NODES, node_pages(count, expiry)))
}

fn next(client: &mut Client, previous: &Answer) -> Answer {
    let token = previous.json()["metadata"]["continue"].as_str().unwrap().to_owned();
    client.get("admin", &format!("{NODES}?limit=500&continue={token}")).unwrap()
}

fn names(answer: &Answer) -> Vec<String> {
    let list = answer.json();
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["metadata"]["name"].as_str().unwrap().into())
        .collect()
}

#[test]
fn a_list_comes_in_pages() {
    let server = nodes(1201, Expiry::Never);
    let mut client = Client::connect(&server);
    let first = client.get("admin", &format!("{NODES}?limit=500")).unwrap();
    assert_eq!(first.json()["metadata"]["remainingItemCount"], 701);
    let second = next(&mut client, &first);
    let third = next(&mut client, &second);
    assert_eq!(third.json()["metadata"].get("continue"), None);
    let all = [names(&first), names(&second), names(&third)].concat();
    assert_eq!(all, (0..1201).map(worker_name).collect::<Vec<_>>());
    assert_eq!(names(&client.get("admin", NODES).unwrap()), all);
    assert_eq!(client.get("admin", &format!("{NODES}?limit=5&continue=abc")).unwrap().status, 400);
    assert_eq!(server.requests()[0].bare_path(), NODES);
}

#[test]
fn a_second_page_expires_once() {
    let server = nodes(700, Expiry::Once);
    let mut client = Client::connect(&server);
    let first = client.get("admin", &format!("{NODES}?limit=500")).unwrap();
    let gone = next(&mut client, &first);
    assert_eq!((gone.status, gone.json()["reason"].as_str()), (410, Some("Expired")));
    assert_eq!(gone.json()["message"], recording("127").json()["message"]);
    assert_eq!(names(&next(&mut client, &gone)).len(), 200);
    assert_eq!(names(&next(&mut client, &first)).len(), 200);
}

#[test]
fn a_second_page_expires_always() {
    let server = nodes(700, Expiry::Always);
    let mut client = Client::connect(&server);
    let first = client.get("admin", &format!("{NODES}?limit=500")).unwrap();
    let gone = next(&mut client, &first);
    assert_eq!([gone.status, next(&mut client, &gone).status, next(&mut client, &first).status], [410; 3]);
}

#[test]
fn connections_go_round_the_instances() {
    let server = RecordedServer::start(Routes::ha(3));
    let mut clients: Vec<Client> = (0..4).map(|_| Client::connect(&server)).collect();
    for (turn, client) in clients.iter_mut().enumerate() {
        let own = ApiServer::numbered(turn % 3);
        // Twice, because a connection must stay with its instance.
        for _ in 0..2 {
            let metrics = client.get("admin", METRICS).unwrap();
            let events = format!("\napiserver_audit_event_total {}\n", own.events);
            assert!(metrics.text().contains(&events), "{turn}");
            assert!(metrics.text().contains("\nprocess_start_time_seconds 1.7952"), "{turn}");
            let started = format!("{:.0}", own.start_time);
            assert_eq!(metrics.header("process-start-time-unix"), Some(started.as_str()));
        }
        let text = client.get_with("admin", FLAGZ, &[("Accept", "text/plain")]).unwrap();
        assert!(text.text().contains(&format!("\nadvertise-address {}\n", own.address)));
        let structured = client.get_with("admin", FLAGZ, &[("Accept", "application/json;as=Flagz")]).unwrap();
        assert_eq!(structured.json()["flags"]["advertise-address"], own.address.as_str());
    }
    assert_eq!(server.connections().iter().map(|seen| seen.instance).collect::<Vec<_>>(), [0, 1, 2, 0]);
}

#[test]
fn every_instance_has_a_pod_a_node_and_a_lease() {
    let server = RecordedServer::start(Routes::ha(3));
    let mut client = Client::connect(&server);
    let items = |list: Value, field: &str| -> Vec<String> {
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item.pointer(field).unwrap().as_str().unwrap().into())
            .collect()
    };
    let pods = client.get("viewer", PODS).unwrap().json();
    assert_eq!(
        items(pods.clone(), "/metadata/name"),
        ["kube-apiserver-cp1", "kube-apiserver-cp2", "kube-apiserver-cp3"]
    );
    assert_eq!(items(pods.clone(), "/spec/nodeName"), ["cp1", "cp2", "cp3"]);
    assert_eq!(
        items(pods, "/spec/containers/0/command/1"),
        [
            "--advertise-address=192.0.2.10",
            "--advertise-address=192.0.2.101",
            "--advertise-address=192.0.2.102"
        ]
    );
    let nodes = client.get("admin", NODES).unwrap().json();
    assert_eq!(items(nodes, "/metadata/name"), ["cp1", "cp2", "cp3", "worker-1", "worker-2"]);
    let leases = client.get("admin", LEASES).unwrap().json();
    assert_eq!(items(leases, "/metadata/labels/kubernetes.io~1hostname"), ["cp1", "cp2", "cp3"]);
}

#[test]
fn the_first_numbered_server_is_the_recorded_one() {
    assert_eq!(ApiServer::numbered(0).metrics().text(), MetricsText::recorded().text());
    let Reply::Full { body, .. } = ApiServer::numbered(0).flagz_structured() else { panic!("a full answer") };
    assert_eq!(body, recording("096").body);
}

#[test]
fn metrics_can_be_changed_line_by_line() {
    let text = MetricsText::recorded()
        .set("apiserver_audit_requests_rejected_total", 7)
        .set("apiserver_audit_error_total{plugin=\"log\"}", 2)
        .without("apiserver_audit_level_total");
    assert!(text.text().contains("\napiserver_audit_requests_rejected_total 7\n"));
    assert!(text.text().ends_with("\napiserver_audit_error_total{plugin=\"log\"} 2\n"));
    assert!(!text.text().contains("apiserver_audit_level_total"));
    assert!(text.text().contains("\n# TYPE apiserver_audit_event_total counter\n"));
}

#[test]
fn a_lease_can_be_stale() {
    let leases = lease_list(&[Lease::live("cp1"), Lease::stale("cp2")]);
    let server = RecordedServer::start(Routes::kubeadm().get(LEASES, leases));
    let list = Client::connect(&server).get("admin", LEASES).unwrap().json();
    let renewed: jiff::Timestamp = list["items"][1]["spec"]["renewTime"].as_str().unwrap().parse().unwrap();
    let duration = list["items"][1]["spec"]["leaseDurationSeconds"].as_i64().unwrap();
    assert!(NOW - renewed.as_second() > duration);
}
