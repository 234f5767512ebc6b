//! `otel-collector.yaml`, and its links.

use logaudit::verdict::Status;

use super::{Break, Proof};

pub(super) const PROOF: Proof = Proof {
    fixture: "otel-collector.yaml",
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
            line: "- name: collector",
        },
        Break {
            link: "glob of containers",
            from: "- /var/log/pods/*/*/*.log",
            to: "- /var/log/pods/*/*.log",
            comes_to: Status::Fail,
            checks: &["LA-COL-011"],
            also: &["LA-COL-004", "LA-COL-005", "LA-COL-015"],
            line: "- /var/log/pods/*/*.log",
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
            from: "filter/pods:
        logs:
          log_record: []",
            to: "filter/pods:
        logs:
          log_record: ['true']",
            comes_to: Status::Fail,
            checks: &["LA-COL-012"],
            also: &["LA-COL-015"],
            line: "log_record: ['true']",
        },
        Break {
            link: "filter on the audit log",
            from: "filter/audit:
        logs:
          log_record: []",
            to: "filter/audit:
        logs:
          log_record: ['true']",
            comes_to: Status::Fail,
            checks: &["LA-COL-022"],
            also: &[],
            line: "log_record: ['true']",
        },
        Break {
            link: "route of containers",
            from: "receivers: [filelog/pods]",
            to: "receivers: [filelog/audit]",
            comes_to: Status::Fail,
            checks: &["LA-COL-011"],
            also: &["LA-COL-004", "LA-COL-005", "LA-COL-015"],
            line: "- name: collector",
        },
        Break {
            link: "route of the audit log",
            from: "receivers: [filelog/audit]",
            to: "receivers: [filelog/pods]",
            comes_to: Status::Fail,
            checks: &["LA-COL-021"],
            also: &["LA-COL-005"],
            line: "- name: collector",
        },
        Break {
            link: "containers to nothing",
            from: "exporters: [otlp/store]",
            to: "exporters: [nop]",
            comes_to: Status::Fail,
            checks: &["LA-COL-014"],
            also: &["LA-COL-015"],
            line: "nop: {}",
        },
        Break {
            link: "audit log to stdout",
            from: "exporters: [otlp/archive]",
            to: "exporters: [debug]",
            comes_to: Status::Fail,
            checks: &["LA-COL-024"],
            also: &[],
            line: "debug: {}",
        },
        Break {
            link: "store in the cluster",
            from: "audit.example.com:4317",
            to: "elasticsearch.logging.svc:4317",
            comes_to: Status::Unknown,
            checks: &["LA-COL-024"],
            also: &[],
            line: "otlp/archive:",
        },
        Break {
            link: "TLS",
            from: "endpoint: logs.example.com:4317
        tls:
          insecure: false",
            to: "endpoint: logs.example.com:4317
        tls:
          insecure: true",
            comes_to: Status::Fail,
            checks: &["LA-COL-040"],
            also: &[],
            line: "insecure: true",
        },
        Break {
            link: "verification",
            from: "endpoint: logs.example.com:4317
        tls:
          insecure: false",
            to: "endpoint: logs.example.com:4317
        tls:
          insecure_skip_verify: true",
            comes_to: Status::Fail,
            checks: &["LA-COL-041"],
            also: &[],
            line: "insecure_skip_verify: true",
        },
        Break {
            link: "position",
            from: "storage: file_storage/positions
        retry_on_failure:
          enabled: true
        operators:
          - type: json_parser",
            to: "retry_on_failure:
          enabled: true
        operators:
          - type: json_parser",
            comes_to: Status::Fail,
            checks: &["LA-COL-046"],
            also: &[],
            line: "filelog/audit:",
        },
        Break {
            link: "position on the node",
            from: "hostPath: {path: /var/lib/otelcol, type: DirectoryOrCreate}",
            to: "emptyDir: {}",
            comes_to: Status::Fail,
            checks: &["LA-COL-043"],
            also: &["LA-COL-046"],
            line: "- {name: state, mountPath: /var/lib/otelcol}",
        },
        Break {
            link: "buffer",
            from: "storage: file_storage/queue
          block_on_overflow: true
      otlp/archive",
            to: "queue_size: 1000
          block_on_overflow: true
      otlp/archive",
            comes_to: Status::Fail,
            checks: &["LA-COL-043"],
            also: &[],
            line: "otlp/store:",
        },
        Break {
            link: "retries",
            from: "max_elapsed_time: 0
        sending_queue:
          storage: file_storage/queue
          block_on_overflow: true
      otlp/archive",
            to: "max_elapsed_time: 300s
        sending_queue:
          storage: file_storage/queue
          block_on_overflow: true
      otlp/archive",
            comes_to: Status::Fail,
            checks: &["LA-COL-044"],
            also: &[],
            line: "max_elapsed_time: 300s",
        },
        Break {
            link: "full buffer",
            from: "block_on_overflow: true
      otlp/archive",
            to: "block_on_overflow: false
      otlp/archive",
            comes_to: Status::Fail,
            checks: &["LA-COL-045"],
            also: &[],
            line: "block_on_overflow: false",
        },
    ],
};
