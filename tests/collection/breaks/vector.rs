//! `vector.yaml`, and its links.

use logaudit::verdict::Status;

use super::{Break, Proof};

pub(super) const PROOF: Proof = Proof {
    fixture: "vector.yaml",
    but: &[
        ("LA-COL-002", Status::Unknown),
        ("LA-COL-003", Status::Unknown),
        ("LA-COL-027", Status::Fail),
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
            line: "- name: vector",
        },
        Break {
            link: "glob of containers",
            from: "max_line_bytes: 1048576
      audit",
            to: "exclude_paths_glob_patterns: ['**']
      audit",
            comes_to: Status::Fail,
            checks: &["LA-COL-011"],
            also: &["LA-COL-004", "LA-COL-005", "LA-COL-015"],
            line: "exclude_paths_glob_patterns: ['**']",
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
            link: "filter on containers",
            from: r#"type: remap
        inputs: [pods]
        source: .cluster = "prod-1""#,
            to: r#"type: filter
        inputs: [pods]
        condition: "false""#,
            comes_to: Status::Fail,
            checks: &["LA-COL-012"],
            also: &["LA-COL-015"],
            line: r#"condition: "false""#,
        },
        Break {
            link: "filter on the audit log",
            from: r#"type: remap
        inputs: [audit]
        source: .cluster = "prod-1""#,
            to: "type: remap
        inputs: [audit]
        drop_on_abort: true
        source: abort",
            comes_to: Status::Fail,
            checks: &["LA-COL-022"],
            also: &[],
            line: "source: abort",
        },
        Break {
            link: "route of containers",
            from: "inputs: [tag_pods]",
            to: "inputs: [tag_audit]",
            comes_to: Status::Fail,
            checks: &["LA-COL-013"],
            also: &["LA-COL-015"],
            line: "pods:",
        },
        Break {
            link: "route of the audit log",
            from: "inputs: [tag_audit]",
            to: "inputs: [tag_pods]",
            comes_to: Status::Fail,
            checks: &["LA-COL-023"],
            also: &[],
            line: "audit:",
        },
        Break {
            link: "containers to nothing",
            from: "type: elasticsearch
        inputs: [tag_pods]",
            to: "type: blackhole
        inputs: [tag_pods]",
            comes_to: Status::Fail,
            checks: &["LA-COL-014"],
            also: &["LA-COL-015"],
            line: "store:",
        },
        Break {
            link: "audit log to stdout",
            from: "type: elasticsearch
        inputs: [tag_audit]
        endpoints:
          - https://audit.example.com:9243",
            to: "type: console
        encoding: {codec: json}
        inputs: [tag_audit]
        endpoints:
          - https://audit.example.com:9243",
            comes_to: Status::Fail,
            checks: &["LA-COL-024"],
            also: &[],
            line: "archive:",
        },
        Break {
            link: "store in the cluster",
            from: "https://audit.example.com",
            to: "https://elasticsearch.logging.svc",
            comes_to: Status::Fail,
            checks: &["LA-COL-025"],
            also: &[],
            line: "- https://elasticsearch.logging.svc:9243",
        },
        Break {
            link: "TLS",
            from: "https://logs.example.com",
            to: "http://logs.example.com",
            comes_to: Status::Fail,
            checks: &["LA-COL-040"],
            also: &[],
            line: "- http://logs.example.com:9243",
        },
        Break {
            link: "verification",
            from: "password: ${ES_PASSWORD}
        tls:
          verify_certificate: true
        buffer:
          type: disk
          max_size: 1073741824
          when_full: block
      archive",
            to: "password: ${ES_PASSWORD}
        tls:
          verify_certificate: false
        buffer:
          type: disk
          max_size: 1073741824
          when_full: block
      archive",
            comes_to: Status::Fail,
            checks: &["LA-COL-041"],
            also: &[],
            line: "verify_certificate: false",
        },
        Break {
            link: "position on the node",
            from: "hostPath: {path: /var/lib/vector, type: DirectoryOrCreate}",
            to: "emptyDir: {}",
            comes_to: Status::Fail,
            checks: &["LA-COL-043"],
            also: &["LA-COL-046"],
            line: "- {name: state, mountPath: /vector-data-dir}",
        },
        Break {
            link: "buffer",
            from: "type: disk
          max_size: 1073741824
          when_full: block
      archive",
            to: "type: memory
          max_events: 500
          when_full: block
      archive",
            comes_to: Status::Fail,
            checks: &["LA-COL-043"],
            also: &[],
            line: "type: memory",
        },
        Break {
            link: "full buffer",
            from: "when_full: block
      archive",
            to: "when_full: drop_newest
      archive",
            comes_to: Status::Fail,
            checks: &["LA-COL-045"],
            also: &[],
            line: "when_full: drop_newest",
        },
    ],
};
