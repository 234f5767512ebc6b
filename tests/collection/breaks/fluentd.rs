//! `fluentd.yaml`, and its links.

use logaudit::verdict::Status;

use super::{Break, Proof};

pub(super) const PROOF: Proof = Proof {
    fixture: "fluentd.yaml",
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
            line: "- name: fluentd",
        },
        Break {
            link: "glob of containers",
            from: "path /var/log/containers/*.log",
            to: "path /var/log/container/*.log",
            comes_to: Status::Fail,
            checks: &["LA-COL-011"],
            also: &["LA-COL-004", "LA-COL-005", "LA-COL-015"],
            line: "path /var/log/container/*.log",
        },
        Break {
            link: "glob of the audit log",
            from: "path /var/log/kubernetes/audit/*.log",
            to: "path /var/log/kube-apiserver/audit/*.log",
            comes_to: Status::Fail,
            checks: &["LA-COL-021"],
            also: &["LA-COL-005"],
            line: "path /var/log/kube-apiserver/audit/*.log",
        },
        Break {
            link: "filter on containers",
            from: "@type kubernetes_metadata
",
            to: "@type grep
      <exclude>
        key message
        pattern /.*/
      </exclude>
",
            comes_to: Status::Unknown,
            checks: &["LA-COL-012"],
            also: &[],
            line: "<exclude>",
        },
        Break {
            link: "filter on the audit log",
            from: "<filter kubernetes.**>
      @type kubernetes_metadata
",
            to: "<filter audit>
      @type grep
      <exclude>
        key kind
        pattern /.*/
      </exclude>
",
            comes_to: Status::Unknown,
            checks: &["LA-COL-022"],
            also: &[],
            line: "<exclude>",
        },
        Break {
            link: "route of containers",
            from: "<match kubernetes.**>",
            to: "<match pods.**>",
            comes_to: Status::Fail,
            checks: &["LA-COL-013"],
            also: &["LA-COL-015"],
            line: "<source>",
        },
        Break {
            link: "route of the audit log",
            from: "<match audit>",
            to: "<match audit.*>",
            comes_to: Status::Fail,
            checks: &["LA-COL-023"],
            also: &[],
            line: "<source>",
        },
        Break {
            link: "containers to nothing",
            from: "@type elasticsearch
      @id store",
            to: "@type null
      @id store",
            comes_to: Status::Fail,
            checks: &["LA-COL-014"],
            also: &["LA-COL-015"],
            line: "<match kubernetes.**>",
        },
        Break {
            link: "audit log to stdout",
            from: "@type elasticsearch
      @id archive",
            to: "@type stdout
      @id archive",
            comes_to: Status::Fail,
            checks: &["LA-COL-024"],
            also: &[],
            line: "<match audit>",
        },
        Break {
            link: "store in the cluster",
            from: "audit.example.com",
            to: "elasticsearch.logging.svc",
            comes_to: Status::Fail,
            checks: &["LA-COL-025"],
            also: &[],
            line: "host elasticsearch.logging.svc",
        },
        Break {
            link: "TLS",
            from: "host logs.example.com
      port 9243
      scheme https",
            to: "host logs.example.com
      port 9243
      scheme http",
            comes_to: Status::Fail,
            checks: &["LA-COL-040"],
            also: &[],
            line: "scheme http",
        },
        Break {
            link: "verification",
            from: "host logs.example.com
      port 9243
      scheme https
      ssl_verify true",
            to: "host logs.example.com
      port 9243
      scheme https
      ssl_verify false",
            comes_to: Status::Fail,
            checks: &["LA-COL-041"],
            also: &[],
            line: "ssl_verify false",
        },
        Break {
            link: "position",
            from: "      pos_file /var/lib/fluentd/audit.pos
",
            to: "",
            comes_to: Status::Fail,
            checks: &["LA-COL-046"],
            also: &[],
            line: "<source>",
        },
        Break {
            link: "buffer",
            from: "@type file
        path /var/lib/fluentd/store
",
            to: "@type memory
",
            comes_to: Status::Fail,
            checks: &["LA-COL-043"],
            also: &[],
            line: "@type memory",
        },
        Break {
            link: "retries",
            from: "path /var/lib/fluentd/store
        retry_forever true",
            to: "path /var/lib/fluentd/store
        retry_timeout 1h",
            comes_to: Status::Fail,
            checks: &["LA-COL-044"],
            also: &[],
            line: "retry_timeout 1h",
        },
        Break {
            link: "full buffer",
            from: "path /var/lib/fluentd/store
        retry_forever true
        overflow_action block",
            to: "path /var/lib/fluentd/store
        retry_forever true
        overflow_action drop_oldest_chunk",
            comes_to: Status::Fail,
            checks: &["LA-COL-045"],
            also: &[],
            line: "overflow_action drop_oldest_chunk",
        },
    ],
};
