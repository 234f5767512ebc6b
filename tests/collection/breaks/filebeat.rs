//! `filebeat.yaml`, and its links.

use logaudit::verdict::Status;

use super::{Break, Proof};

pub(super) const PROOF: Proof = Proof {
    fixture: "filebeat.yaml",
    but: &[
        ("LA-COL-002", Status::Unknown),
        ("LA-COL-003", Status::Unknown),
        ("LA-COL-030", Status::Unknown),
        ("LA-COL-031", Status::Unknown),
        ("LA-COL-048", Status::Fail),
    ],
    breaks: &[
        Break {
            link: "toleration",
            from: "key: node-role.kubernetes.io/control-plane, operator",
            to: "key: dedicated, operator",
            comes_to: Status::Fail,
            checks: &["LA-COL-004", "LA-COL-005"],
            also: &[],
            line: "tolerations:",
        },
        Break {
            link: "mount",
            from: "hostPath: {path: /var/log}",
            to: "hostPath: {path: /var/lib/log}",
            comes_to: Status::Fail,
            checks: &["LA-COL-010", "LA-COL-020"],
            also: &["LA-COL-004", "LA-COL-005", "LA-COL-015"],
            line: "- name: filebeat",
        },
        Break {
            link: "glob of containers",
            from: "- /var/log/containers/*.log",
            to: "- /var/log/container/*.log",
            comes_to: Status::Fail,
            checks: &["LA-COL-011"],
            also: &["LA-COL-004", "LA-COL-005", "LA-COL-015"],
            line: "- /var/log/container/*.log",
        },
        Break {
            link: "links not followed",
            from: "prospector.scanner.symlinks: true",
            to: "prospector.scanner.symlinks: false",
            comes_to: Status::Fail,
            checks: &["LA-COL-011"],
            also: &["LA-COL-004", "LA-COL-005", "LA-COL-015"],
            line: "prospector.scanner.symlinks: false",
        },
        Break {
            link: "glob of the audit log",
            from: "- /var/log/kubernetes/audit/*.log",
            to: "- /var/log/kube-apiserver/audit/*.log",
            comes_to: Status::Fail,
            checks: &["LA-COL-021"],
            also: &["LA-COL-005"],
            line: "- /var/log/kube-apiserver/audit/*.log",
        },
        Break {
            link: "filter on both",
            from: "- add_cloud_metadata: ~",
            to: "- drop_event: {}",
            comes_to: Status::Fail,
            checks: &["LA-COL-012", "LA-COL-022"],
            also: &["LA-COL-015"],
            line: "- drop_event: {}",
        },
        Break {
            link: "filter on the audit log",
            from: r#"- ndjson: {target: ""}"#,
            to: r#"- ndjson: {target: ""}
        processors:
          - drop_event: ~"#,
            comes_to: Status::Fail,
            checks: &["LA-COL-022"],
            also: &[],
            line: "- drop_event: ~",
        },
        Break {
            link: "both to stdout",
            from: r#"output.elasticsearch:
      hosts: ["https://logs.example.com:9243"]
      api_key: ${ES_API_KEY}
      ssl.verification_mode: full"#,
            to: "output.console:
      pretty: true",
            comes_to: Status::Fail,
            checks: &["LA-COL-014", "LA-COL-024"],
            also: &["LA-COL-015"],
            line: "output.console:",
        },
        Break {
            link: "no output",
            from: r#"output.elasticsearch:
      hosts: ["https://logs.example.com:9243"]
      api_key: ${ES_API_KEY}
      ssl.verification_mode: full"#,
            to: "logging.level: info",
            comes_to: Status::Fail,
            checks: &["LA-COL-013", "LA-COL-023"],
            also: &["LA-COL-015"],
            line: "- type: filestream",
        },
        Break {
            link: "store in the cluster",
            from: "https://logs.example.com",
            to: "https://es.logging.svc",
            comes_to: Status::Fail,
            checks: &["LA-COL-025"],
            also: &[],
            line: r#"hosts: ["https://es.logging.svc:9243"]"#,
        },
        Break {
            link: "TLS",
            from: "https://logs.example.com",
            to: "http://logs.example.com",
            comes_to: Status::Fail,
            checks: &["LA-COL-040"],
            also: &[],
            line: r#"hosts: ["http://logs.example.com:9243"]"#,
        },
        Break {
            link: "verification",
            from: "ssl.verification_mode: full",
            to: "ssl.verification_mode: none",
            comes_to: Status::Fail,
            checks: &["LA-COL-041"],
            also: &[],
            line: "ssl.verification_mode: none",
        },
        Break {
            link: "position on the node",
            from: "hostPath: {path: /var/lib/filebeat, type: DirectoryOrCreate}",
            to: "emptyDir: {}",
            comes_to: Status::Fail,
            checks: &["LA-COL-043"],
            also: &["LA-COL-046"],
            line: "- {name: state, mountPath: /usr/share/filebeat/data}",
        },
        Break {
            link: "buffer",
            from: "queue.disk:
      max_size: 1GB",
            to: "queue.mem:
      events: 4096",
            comes_to: Status::Fail,
            checks: &["LA-COL-043"],
            also: &[],
            line: "queue.mem:",
        },
    ],
};
