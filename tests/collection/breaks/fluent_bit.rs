//! `fluent-bit.yaml`, and its links.

use logaudit::verdict::Status;

use super::{Break, Proof};

pub(super) const PROOF: Proof = Proof {
    fixture: "fluent-bit.yaml",
    but: &[
        ("LA-COL-002", Status::Unknown),
        ("LA-COL-003", Status::Unknown),
        ("LA-COL-027", Status::Fail),
        ("LA-COL-048", Status::Fail),
    ],
    breaks: &[
        Break {
            link: "toleration",
            from: "key: node-role.kubernetes.io/control-plane, operator",
            to: "key: dedicated, operator",
            comes_to: Status::Fail,
            checks: &["LA-COL-004", "LA-COL-005"],
            also: &["LA-COL-031"],
            line: "tolerations:",
        },
        Break {
            link: "mount",
            from: "hostPath: {path: /var/log}",
            to: "hostPath: {path: /var/lib/log}",
            comes_to: Status::Fail,
            checks: &["LA-COL-010", "LA-COL-020"],
            also: &["LA-COL-004", "LA-COL-005", "LA-COL-015"],
            line: "- name: fluent-bit",
        },
        Break {
            link: "glob of containers",
            from: "/var/log/containers/*.log",
            to: "/var/log/container/*.log",
            comes_to: Status::Fail,
            checks: &["LA-COL-011"],
            also: &["LA-COL-004", "LA-COL-005", "LA-COL-015"],
            line: "Path                /var/log/container/*.log",
        },
        Break {
            link: "glob of the audit log",
            from: "/var/log/kubernetes/audit/*.log",
            to: "/var/log/kube-apiserver/audit/*.log",
            comes_to: Status::Fail,
            checks: &["LA-COL-021"],
            also: &["LA-COL-005"],
            line: "Path                /var/log/kube-apiserver/audit/*.log",
        },
        Break {
            link: "filter on containers",
            from: "Name                kubernetes
        Match               kube.*
        Merge_Log           On
        K8S-Logging.Exclude Off",
            to: "Name                grep
        Match               kube.*
        Exclude             log .*",
            comes_to: Status::Unknown,
            checks: &["LA-COL-012"],
            also: &[],
            line: "Exclude             log .*",
        },
        Break {
            link: "filter on the audit log",
            from: "    [OUTPUT]
        Name                es
        Match               kube.*",
            to: "    [FILTER]
        Name                grep
        Match               audit.*
        Exclude             auditID .*

    [OUTPUT]
        Name                es
        Match               kube.*",
            comes_to: Status::Unknown,
            checks: &["LA-COL-022"],
            also: &[],
            line: "Exclude             auditID .*",
        },
        Break {
            link: "route of containers",
            from: "Name                es
        Match               kube.*",
            to: "Name                es
        Match               pods.*",
            comes_to: Status::Fail,
            checks: &["LA-COL-013"],
            also: &["LA-COL-015"],
            line: "[INPUT]",
        },
        Break {
            link: "route of the audit log",
            from: r"^(audit|node)\.",
            to: r"^(kube-audit|node)\.",
            comes_to: Status::Fail,
            checks: &["LA-COL-023"],
            also: &[],
            line: "[INPUT]",
        },
        Break {
            link: "containers to nothing",
            from: "Name                es
        Match               kube.*",
            to: "Name                null
        Match               kube.*",
            comes_to: Status::Fail,
            checks: &["LA-COL-014"],
            also: &["LA-COL-015"],
            line: "[OUTPUT]",
        },
        Break {
            link: "audit log to stdout",
            from: "Name                es
        Match_Regex",
            to: "Name                stdout
        Match_Regex",
            comes_to: Status::Fail,
            checks: &["LA-COL-024"],
            also: &["LA-COL-030"],
            line: "[OUTPUT]",
        },
        Break {
            link: "store in the cluster",
            from: "audit.example.com",
            to: "elasticsearch.logging.svc",
            comes_to: Status::Fail,
            checks: &["LA-COL-025"],
            also: &[],
            line: "Host                elasticsearch.logging.svc",
        },
        Break {
            link: "TLS",
            from: "Host                logs.example.com
        Port                9243
        tls                 On",
            to: "Host                logs.example.com
        Port                9243
        tls                 Off",
            comes_to: Status::Fail,
            checks: &["LA-COL-040"],
            also: &[],
            line: "tls                 Off",
        },
        Break {
            link: "verification",
            from: "Host                logs.example.com
        Port                9243
        tls                 On
        tls.verify          On",
            to: "Host                logs.example.com
        Port                9243
        tls                 On
        tls.verify          Off",
            comes_to: Status::Fail,
            checks: &["LA-COL-041"],
            also: &[],
            line: "tls.verify          Off",
        },
        Break {
            link: "position",
            from: "        DB                  /var/lib/fluent-bit/audit.db
",
            to: "",
            comes_to: Status::Fail,
            checks: &["LA-COL-046"],
            also: &[],
            line: "[INPUT]",
        },
        Break {
            link: "position on the node",
            from: "name: state
          hostPath: {path: /var/lib/fluent-bit, type: DirectoryOrCreate}",
            to: "name: state
          emptyDir: {}",
            comes_to: Status::Fail,
            checks: &["LA-COL-043"],
            also: &["LA-COL-046"],
            line: "- {name: state, mountPath: /var/lib/fluent-bit}",
        },
        Break {
            link: "buffer",
            from: "        Buffer_Max_Size     1M
        storage.type        filesystem

    [INPUT]
        Name                systemd",
            to: "        Buffer_Max_Size     1M

    [INPUT]
        Name                systemd",
            comes_to: Status::Fail,
            checks: &["LA-COL-043"],
            also: &[],
            line: "[OUTPUT]",
        },
        Break {
            link: "retries",
            from: "Host                logs.example.com
        Port                9243
        tls                 On
        tls.verify          On
        HTTP_User           shipper
        HTTP_Passwd         ${ES_PASSWORD}
        Retry_Limit         no_limits",
            to: "Host                logs.example.com
        Port                9243
        tls                 On
        tls.verify          On
        HTTP_User           shipper
        HTTP_Passwd         ${ES_PASSWORD}
        Retry_Limit         5",
            comes_to: Status::Fail,
            checks: &["LA-COL-044"],
            also: &[],
            line: "Retry_Limit         5",
        },
    ],
};
