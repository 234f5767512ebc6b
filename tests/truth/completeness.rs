//! A pass needs every live apiserver: what is known of one says nothing of another.

use serde_json::{Value, json};

use crate::support::tool::Tool;

/// The example cluster of that name as a tree.
fn example(name: &str) -> Value {
    let path = format!("{}/examples/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Three apiservers that all have the flags of the first, and counters of all three.
fn three() -> Value {
    let mut cluster = example("ha-drift");
    let pods = cluster["pods"]["value"].as_array_mut().unwrap();
    let first = pods[0]["containers"].clone();
    for pod in pods {
        pod["containers"] = first.clone();
    }
    let samples = cluster["metrics"].as_array_mut().unwrap();
    let good = samples[0]["value"].clone();
    for (index, sample) in samples.iter_mut().enumerate() {
        sample["value"] = good.clone();
        sample["value"]["processStartSeconds"] = json!(1_794_636_000 + index * 60);
    }
    cluster
}

/// The verdict of a check: the worst of its findings, with its reason.
fn verdict(cluster: &Value, check: &str) -> (String, String) {
    let output = Tool::new().args(["run", "--snapshot", "-", "-o", "json"]).stdin(cluster.to_string()).run();
    assert!(matches!(output.code, Some(0 | 1)), "{}", output.stderr);
    let report = output.json();
    let findings = report["findings"].as_array().unwrap();
    // Findings are sorted, worst first.
    let worst = findings.iter().find(|finding| finding["check"] == check).unwrap();
    (worst["status"].as_str().unwrap().to_owned(), worst["reason"].as_str().unwrap().to_owned())
}

#[track_caller]
fn expect(cluster: &Value, check: &str, status: &str) {
    let (found, reason) = verdict(cluster, check);
    assert_eq!(found, status, "{check}: {reason}");
}

#[test]
fn three_good_apiservers_pass() {
    for check in ["LA-API-002", "LA-API-003", "LA-API-004", "LA-API-005", "LA-API-025"] {
        expect(&three(), check, "pass");
    }
}

#[test]
fn a_pod_on_another_node_does_not_stand_for_a_lease() {
    let mut cluster = three();
    cluster["pods"]["value"][2]["nodeName"] = json!("cp4");
    cluster["pods"]["value"][2]["name"] = json!("kube-apiserver-cp4");
    for check in ["LA-API-002", "LA-API-025"] {
        expect(&cluster, check, "unknown");
    }
}

#[test]
fn one_pod_does_not_stand_for_three_leases_of_a_like_name() {
    for hosts in [
        ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
        ["master.eu1.example.com", "master.eu2.example.com", "master.eu3.example.com"],
    ] {
        let mut cluster = three();
        cluster["pods"]["value"].as_array_mut().unwrap().truncate(1);
        cluster["pods"]["value"][0]["nodeName"] = json!(hosts[0]);
        cluster["pods"]["value"][0]["name"] = json!(format!("kube-apiserver-{}", hosts[0]));
        for (lease, host) in cluster["leases"]["value"].as_array_mut().unwrap().iter_mut().zip(hosts) {
            lease["hostname"] = json!(host);
        }
        for check in ["LA-API-002", "LA-API-025"] {
            expect(&cluster, check, "unknown");
        }
    }
}

#[test]
fn one_sample_does_not_stand_for_apiservers_without_leases() {
    for leases in [json!([]), json!([three()["leases"]["value"][0]])] {
        let mut cluster = three();
        cluster["leases"]["value"] = leases;
        cluster["metrics"].as_array_mut().unwrap().truncate(1);
        expect(&cluster, "LA-API-004", "unknown");
        expect(&cluster, "LA-API-005", "unknown");
    }
}

#[test]
fn one_process_that_answers_three_times_is_one() {
    for started in [json!(1_794_636_000), Value::Null] {
        let mut cluster = three();
        for sample in cluster["metrics"].as_array_mut().unwrap() {
            sample["value"]["processStartSeconds"] = started.clone();
        }
        expect(&cluster, "LA-API-004", "unknown");
    }
}

#[test]
fn flagz_of_another_address_is_another_apiserver() {
    for forbidden in [true, false] {
        let mut cluster = example("kubeadm-hardened");
        let command = &mut cluster["pods"]["value"][0]["containers"][0]["command"];
        command.as_array_mut().unwrap().retain(|word| !word.as_str().unwrap().contains("audit"));
        cluster["flagz"][0]["value"]["flags"]["advertise-address"] = json!("192.0.2.11");
        if forbidden {
            cluster["leases"] =
                json!({"state": "missing", "reason": "forbidden", "what": "the Leases", "detail": ""});
        }
        expect(&cluster, "LA-API-002", "fail");
    }
}

#[test]
fn flagz_without_an_address_makes_no_further_apiserver() {
    let mut cluster = three();
    let flags = example("kubeadm-hardened")["flagz"][0].clone();
    cluster["flagz"] = json!([flags]);
    cluster["flagz"][0]["value"]["flags"]["advertise-address"] = json!("<nil>");
    let output = Tool::new().args(["run", "--snapshot", "-", "-o", "json"]).stdin(cluster.to_string()).run();
    assert_eq!(output.json()["cluster"]["apiServersRead"], 3);
}

#[test]
fn events_without_levels_show_that_series_are_missing() {
    let mut cluster = example("kubeadm-hardened");
    cluster["metrics"][0]["value"]["levels"] = json!({});
    for check in ["LA-API-005", "LA-API-006", "LA-API-007", "LA-API-008", "LA-API-009"] {
        expect(&cluster, check, "unknown");
    }
}

#[test]
fn counters_of_another_program_are_not_the_apiservers() {
    let mut cluster = example("looks-audited");
    cluster["metrics"][0]["value"]["gitVersion"] = json!("v0.7.1");
    expect(&cluster, "LA-API-004", "unknown");
}

#[test]
fn nodes_in_a_dump_show_that_an_apiserver_is_missing() {
    let mut cluster = three();
    cluster["scope"] = json!("manifests");
    cluster["leases"] =
        json!({"state": "missing", "reason": "not-asked", "what": "the Leases", "detail": ""});
    cluster["pods"]["value"].as_array_mut().unwrap().truncate(2);
    for check in ["LA-API-002", "LA-API-025"] {
        expect(&cluster, check, "unknown");
    }
}

#[test]
fn rke2_may_have_put_an_empty_policy_anywhere() {
    let mut cluster = example("kubeadm-hardened");
    cluster["pods"]["value"][0]["containers"][0]["image"] =
        json!("rancher/hardened-kubernetes:v1.36.2-rke2r1");
    cluster["flagz"] = json!([]);
    expect(&cluster, "LA-API-002", "pass");
    cluster["metrics"] = json!([]);
    expect(&cluster, "LA-API-002", "unknown");
}

#[test]
fn nowhere_is_no_backend() {
    let mut cluster = example("kubeadm-hardened");
    cluster["flagz"][0]["value"]["flags"]["audit-log-path"] = json!("/dev/null");
    expect(&cluster, "LA-API-003", "fail");
}

#[test]
fn two_declarations_are_two_clusters() {
    let declare = |name: &str, days: u32| {
        format!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nclusterName: {name}\nkubernetesVersion: v1.36.2\n\
             apiServer:\n  extraArgs:\n  - {{name: audit-log-maxage, value: '{days}'}}\n---\n"
        )
    };
    let manifests = declare("dev", 3) + &declare("prod", 30);
    let output = Tool::new().args(["run", "-f", "-", "-o", "json"]).stdin(manifests).run();
    let report = output.json();
    let drift = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["check"] == "LA-API-025")
        .unwrap();
    assert_ne!(drift["status"], "fail", "{drift}");
}
