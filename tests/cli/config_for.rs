//! `--config-for`.

use std::fs;

use crate::support::stage::pinned;

const MANIFESTS: &str = "apiVersion: apps/v1
kind: DaemonSet
metadata: {name: promtail, namespace: monitoring}
spec:
  template:
    spec:
      containers:
      - name: promtail
        image: grafana/promtail:3.5.1
        args: [-config.file=/etc/promtail/promtail.yaml]
        volumeMounts: [{name: config, mountPath: /etc/promtail}, {name: log, mountPath: /var/log/pods, readOnly: true}]
      volumes:
      - {name: config, secret: {secretName: promtail}}
      - {name: log, hostPath: {path: /var/log/pods}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec: {template: {spec: {containers: [{name: web, image: nginx}]}}}
";

const CONFIG: &str = "clients:\n- url: https://loki.example.com/loki/api/v1/push\n  bearer_token: hunter2\nscrape_configs:\n- job_name: pods\n  static_configs:\n  - labels: {job: pods, __path__: /var/log/pods/*/*/*.log}\n";

#[test]
fn it_stands_for_what_lies_in_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("promtail.yaml");
    fs::write(&file, CONFIG).unwrap();
    let read = |given: &[&str]| {
        let output = pinned().args(["facts", "-o", "json", "-f", "-"]).args(given).stdin(MANIFESTS).run();
        output.expect_code(0);
        assert!(!output.stdout.contains("hunter2"));
        output.json()
    };
    let without = read(&[]);
    assert!(without["facts"]["collectors"][0]["configRead"].is_null());
    let unknown = without["unknown"].to_string();
    assert!(unknown.contains("--config-for monitoring/promtail=FILE"), "{unknown}");
    let given = format!("monitoring/promtail={}", file.display());
    assert_eq!(read(&["--config-for", &given])["facts"]["collectors"][0]["configRead"], true);

    // It is saved, redacted, and another takes its place.
    let saved = pinned().args(["snapshot", "-f", "-", "--config-for", &given]).stdin(MANIFESTS).run();
    let snapshot = saved.expect_code(0).json();
    assert_eq!(snapshot["configs"][0]["given"], true);
    assert_eq!(snapshot["configs"][0]["text"], CONFIG.replace("hunter2", "REDACTED"));
    let again =
        pinned().args(["snapshot", "--snapshot", "-", "--config-for", &given]).stdin(&saved.stdout).run();
    assert_eq!(again.json()["configs"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_given_for_nobody_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.yaml");
    fs::write(&file, CONFIG).unwrap();
    for (workload, expected) in [
        (
            "promtail",
            "names no workload, but there is DaemonSet monitoring/promtail; write monitoring/promtail=FILE",
        ),
        ("logging/fluentd", "names no workload; those that it can be given for: monitoring/promtail"),
        ("default/web", "Deployment default/web has no container whose configuration is read"),
    ] {
        let given = format!("{workload}={}", file.display());
        let output =
            pinned().args(["run", "-o", "json", "-f", "-", "--config-for", &given]).stdin(MANIFESTS).run();
        output.expect_code(2);
        assert!(output.stderr.contains(&format!("--config-for {workload}")), "{}", output.stderr);
        assert!(output.stderr.contains(expected), "{}", output.stderr);
    }
}

#[test]
fn what_cannot_be_taken_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        format!("a/b={}", path.display())
    };
    let large = write("large", &vec![b'x'; 4 * 1024 * 1024 + 1]);
    let binary = write("binary", b"abc\xff\xfe");
    let secret = write("secret", b"apiVersion: v1\nkind: Secret\ndata: {a: aHVudGVy}\n");
    let good = write("good", b"x: 1\n");
    let absent = format!("a/b={}", folder.path().join("absent").display());
    let directory = format!("a/b={}", folder.path().display());
    for (given, words) in [
        (vec!["a/b"], ["has no `=`", "NAMESPACE/WORKLOAD=FILE"]),
        (vec!["a/b="], ["names no file", "NAMESPACE/WORKLOAD=FILE"]),
        (vec!["=x"], ["not the name of a workload", "NAMESPACE/WORKLOAD=FILE"]),
        (vec![&large], ["cannot read the configuration", "larger than 4 MiB"]),
        (vec![&binary], ["cannot read the configuration", "not UTF-8 from byte 3"]),
        (vec![&secret], ["it is a whole Secret", "base64 -d"]),
        (vec![&absent], ["cannot read the configuration", "of a/b"]),
        (vec![&directory], ["it is a folder", "of a/b"]),
        (vec![&good, &good], ["gives a/b twice", "one configuration"]),
        (vec!["a/b=-"], ["standard input", "as a file"]),
    ] {
        let mut tool = pinned().args(["run", "-f", "-"]).stdin(MANIFESTS);
        for one in &given {
            tool = tool.args(["--config-for", *one]);
        }
        let output = tool.run();
        assert_eq!(output.code, Some(2), "{output:#?}");
        assert!(words.iter().all(|word| output.stderr.contains(word)), "{}", output.stderr);
        assert!(!output.stderr.contains("aHVudGVy"));
    }
}

#[test]
fn a_configuration_given_as_a_manifest_is_told_where_it_belongs() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in
        [("fluent-bit.conf", "[INPUT]\n    Name tail\n"), ("vector.toml", "[sinks.a]\ntype = 'b'\n")]
    {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        let output = pinned().args(["run", "-f"]).arg(&file).run();
        output.expect_code(2);
        let hint = format!("--config-for NAMESPACE/WORKLOAD={}", file.display());
        assert!(output.stderr.contains(&hint), "{}", output.stderr);
    }
}

#[test]
fn a_key_of_a_config_map_that_is_no_text_leaves_its_file_unknown() {
    let with = |binary: &str| {
        let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: monitoring}\n";
        let manifests = MANIFESTS.replace("secret: {secretName: promtail}", "configMap: {name: c}");
        let manifests =
            format!("{manifests}---\n{config}data: {{other: x}}\nbinaryData: {{promtail.yaml: {binary}}}\n");
        pinned().args(["facts", "-o", "json", "-f", "-"]).stdin(&manifests).run().expect_code(0).json()
    };
    // `clients: []`, and a byte that is no text.
    assert_eq!(with("Y2xpZW50czogW10K")["facts"]["collectors"][0]["configRead"], true);
    let unknown = with("/w==")["unknown"].to_string();
    assert!(unknown.contains("the key promtail.yaml of the ConfigMap monitoring/c"), "{unknown}");
    assert!(unknown.contains("no text in UTF-8"), "{unknown}");
}
