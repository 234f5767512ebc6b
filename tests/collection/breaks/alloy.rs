//! `alloy.yaml`, and its links.

use logaudit::verdict::Status;

use super::{Break, Proof};

pub(super) const PROOF: Proof = Proof {
    fixture: "alloy.yaml",
    but: &[
        ("LA-COL-002", Status::Unknown),
        ("LA-COL-003", Status::Unknown),
        // Static pods are not found by the uid of their mirrors.
        ("LA-COL-015", Status::Unknown),
        ("LA-COL-016", Status::Unknown),
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
            line: "- name: alloy",
        },
        Break {
            link: "glob of containers",
            from: "/var/log/pods/*$1/*.log",
            to: "/var/log/pod/*$1/*.log",
            comes_to: Status::Fail,
            checks: &["LA-COL-011"],
            also: &["LA-COL-004", "LA-COL-005", "LA-COL-015"],
            line: "rule {",
        },
        Break {
            link: "glob of the audit log",
            from: "/var/log/kubernetes/audit/*.log",
            to: "/var/log/kube-apiserver/audit/*.log",
            comes_to: Status::Fail,
            checks: &["LA-COL-021"],
            also: &["LA-COL-005"],
            line: "path_targets = [{",
        },
        Break {
            link: "filter on containers",
            from: "stage.cri { }",
            to: r#"stage.drop {
        expression = ".*"
      }"#,
            comes_to: Status::Fail,
            checks: &["LA-COL-012"],
            also: &["LA-COL-015"],
            line: "stage.drop {",
        },
        Break {
            link: "filter on the audit log",
            from: r#"stage.static_labels {
        values = { source = "kube-apiserver" }
      }"#,
            to: r#"stage.drop {
        expression = ".*"
      }"#,
            comes_to: Status::Fail,
            checks: &["LA-COL-022"],
            also: &[],
            line: "stage.drop {",
        },
        Break {
            link: "route of containers",
            from: "forward_to = [loki.write.store.receiver]",
            to: "forward_to = []",
            comes_to: Status::Fail,
            checks: &["LA-COL-013"],
            also: &["LA-COL-015"],
            line: r#"loki.source.file "pods" {"#,
        },
        Break {
            link: "route of the audit log",
            from: "forward_to = [loki.process.audit.receiver]",
            to: "forward_to = []",
            comes_to: Status::Fail,
            checks: &["LA-COL-023"],
            also: &[],
            line: r#"loki.source.file "audit" {"#,
        },
        Break {
            link: "containers to nothing",
            from: "forward_to = [loki.write.store.receiver]
    }",
            to: r#"forward_to = [loki.echo.store.receiver]
    }

    loki.echo "store" { }"#,
            comes_to: Status::Fail,
            checks: &["LA-COL-014"],
            also: &["LA-COL-015"],
            line: r#"loki.echo "store" { }"#,
        },
        Break {
            link: "audit log to stdout",
            from: "forward_to = [loki.write.archive.receiver]
    }",
            to: r#"forward_to = [loki.echo.archive.receiver]
    }

    loki.echo "archive" { }"#,
            comes_to: Status::Fail,
            checks: &["LA-COL-024"],
            also: &[],
            line: r#"loki.echo "archive" { }"#,
        },
        Break {
            link: "store in the cluster",
            from: "https://audit.example.com",
            to: "https://loki.logging.svc",
            comes_to: Status::Fail,
            checks: &["LA-COL-025"],
            also: &[],
            line: r#"url                 = "https://loki.logging.svc/loki/api/v1/push""#,
        },
        Break {
            link: "TLS",
            from: "https://logs.example.com",
            to: "http://logs.example.com",
            comes_to: Status::Fail,
            checks: &["LA-COL-040"],
            also: &[],
            line: r#"url                 = "http://logs.example.com/loki/api/v1/push""#,
        },
        Break {
            link: "verification",
            from: "insecure_skip_verify = false
        }

        queue_config {
          block_on_overflow = true
        }
      }

      wal {
        enabled = true
      }
    }

",
            to: "insecure_skip_verify = true
        }

        queue_config {
          block_on_overflow = true
        }
      }

      wal {
        enabled = true
      }
    }

",
            comes_to: Status::Fail,
            checks: &["LA-COL-041"],
            also: &[],
            line: "insecure_skip_verify = true",
        },
        Break {
            link: "position",
            from: "--storage.path=/var/lib/alloy",
            to: "--storage.path=/tmp/alloy",
            comes_to: Status::Fail,
            checks: &["LA-COL-043"],
            also: &["LA-COL-046"],
            line: "- name: alloy",
        },
        Break {
            link: "position on the node",
            from: "hostPath: {path: /var/lib/alloy, type: DirectoryOrCreate}",
            to: "emptyDir: {}",
            comes_to: Status::Fail,
            checks: &["LA-COL-043"],
            also: &["LA-COL-046"],
            line: "- {name: state, mountPath: /var/lib/alloy}",
        },
        Break {
            link: "buffer",
            from: "wal {
        enabled = true
      }
    }

",
            to: "wal {
        enabled = false
      }
    }

",
            comes_to: Status::Fail,
            checks: &["LA-COL-043"],
            also: &[],
            line: "enabled = false",
        },
    ],
};
