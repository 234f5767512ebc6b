//! From one collector of the cluster to the next: the port, the Service between them, and TLS on both sides.

use logaudit::verdict::Status::{self, Fail, Pass, Unknown};

use super::Manifests;

/// A program that takes logs in and sends them out of the cluster.
struct Receiver {
    /// The protocol it is sent by.
    protocol: &'static str,
    image: &'static str,
    /// Where its configuration lies.
    folder: &'static str,
    file: &'static str,
    /// `PORT` and, where it takes TLS, `TLS` are filled in.
    config: &'static str,
    /// What stands for `TLS`.
    tls: &'static str,
}

const SEARCH: &str = "https://logs.example.com:9200";

/// What each language of configurations calls to listen.
const RECEIVERS: [Receiver; 14] = [
    Receiver {
        protocol: "forward",
        image: "fluent/fluentd:v1.18",
        folder: "/fluentd/etc",
        file: "fluent.conf",
        config: "<source>\n  @type forward\n  port PORT\nTLS</source>\n<match **>\n  @type elasticsearch\n  hosts SEARCH\n</match>",
        tls: "  <transport tls>\n    cert_path /tls.crt\n  </transport>\n",
    },
    Receiver {
        protocol: "http",
        image: "fluent/fluentd:v1.18",
        folder: "/fluentd/etc",
        file: "fluent.conf",
        config: "<source>\n  @type http\n  port PORT\nTLS</source>\n<match **>\n  @type elasticsearch\n  hosts SEARCH\n</match>",
        tls: "  <transport tls>\n    cert_path /tls.crt\n  </transport>\n",
    },
    Receiver {
        protocol: "forward",
        image: "fluent/fluent-bit:4.0.3",
        folder: "/fluent-bit/etc",
        file: "fluent-bit.conf",
        config: "[INPUT]\n    Name forward\n    Port PORT\nTLS[OUTPUT]\n    Name es\n    Match *\n    Host logs.example.com\n    tls on",
        tls: "    tls on\n    tls.crt_file /tls.crt\n",
    },
    Receiver {
        protocol: "opentelemetry",
        image: "fluent/fluent-bit:4.0.3",
        folder: "/fluent-bit/etc",
        file: "fluent-bit.conf",
        config: "[INPUT]\n    Name opentelemetry\n    Port PORT\nTLS[OUTPUT]\n    Name es\n    Match *\n    Host logs.example.com\n    tls on",
        tls: "    tls on\n    tls.crt_file /tls.crt\n",
    },
    Receiver {
        protocol: "syslog",
        image: "fluent/fluent-bit:4.0.3",
        folder: "/fluent-bit/etc",
        file: "fluent-bit.conf",
        config: "[INPUT]\n    Name syslog\n    Mode tcp\n    Port PORT\nTLS[OUTPUT]\n    Name es\n    Match *\n    Host logs.example.com\n    tls on",
        tls: "    tls on\n    tls.crt_file /tls.crt\n",
    },
    Receiver {
        protocol: "forward",
        image: "timberio/vector:0.47.0-debian",
        folder: "/etc/vector",
        file: "vector.yaml",
        config: "sources: {in: {type: fluent, address: '0.0.0.0:PORT'TLS}}\nsinks: {out: {type: elasticsearch, inputs: [in], endpoints: ['SEARCH']}}",
        tls: ", tls: {enabled: true, crt_file: /tls.crt}",
    },
    Receiver {
        protocol: "syslog",
        image: "timberio/vector:0.47.0-debian",
        folder: "/etc/vector",
        file: "vector.yaml",
        config: "sources: {in: {type: syslog, mode: tcp, address: '0.0.0.0:PORT'TLS}}\nsinks: {out: {type: elasticsearch, inputs: [in], endpoints: ['SEARCH']}}",
        tls: ", tls: {enabled: true, crt_file: /tls.crt}",
    },
    Receiver {
        protocol: "opentelemetry",
        image: "otel/opentelemetry-collector-contrib:0.128.0",
        folder: "/etc/otelcol-contrib",
        file: "config.yaml",
        config: "receivers: {otlp: {protocols: {http: {endpoint: '0.0.0.0:PORT'TLS}}}}\nexporters: {otlphttp: {endpoint: 'https://logs.example.com'}}\nservice: {pipelines: {logs: {receivers: [otlp], exporters: [otlphttp]}}}",
        tls: ", tls: {cert_file: /tls.crt}",
    },
    Receiver {
        protocol: "syslog",
        image: "otel/opentelemetry-collector-contrib:0.128.0",
        folder: "/etc/otelcol-contrib",
        file: "config.yaml",
        config: "receivers: {syslog: {tcp: {listen_address: '0.0.0.0:PORT'TLS}}}\nexporters: {otlphttp: {endpoint: 'https://logs.example.com'}}\nservice: {pipelines: {logs: {receivers: [syslog], exporters: [otlphttp]}}}",
        tls: ", tls: {cert_file: /tls.crt}",
    },
    Receiver {
        protocol: "opentelemetry",
        image: "grafana/alloy:v1.9.1",
        folder: "/etc/alloy",
        file: "config.alloy",
        config: "otelcol.receiver.otlp \"in\" {\n  http {\n    endpoint = \"0.0.0.0:PORT\"\nTLS  }\n  output {\n    logs = [otelcol.exporter.otlphttp.out.input]\n  }\n}\notelcol.exporter.otlphttp \"out\" {\n  client {\n    endpoint = \"https://logs.example.com\"\n  }\n}",
        tls: "    tls {\n      cert_file = \"/tls.crt\"\n    }\n",
    },
    Receiver {
        protocol: "http",
        image: "logstash/logstash:9.0.2",
        folder: "/usr/share/logstash/pipeline",
        file: "logstash.conf",
        config: "input { http { port => PORT TLS } }\noutput { elasticsearch { hosts => [\"SEARCH\"] } }",
        tls: "ssl_enabled => true",
    },
    Receiver {
        protocol: "syslog",
        image: "logstash/logstash:9.0.2",
        folder: "/usr/share/logstash/pipeline",
        file: "logstash.conf",
        config: "input { tcp { port => PORT TLS } }\noutput { elasticsearch { hosts => [\"SEARCH\"] } }",
        tls: "ssl_enabled => true",
    },
    Receiver {
        protocol: "syslog",
        image: "rsyslog/rsyslog:2026-01",
        folder: "/etc/rsyslog",
        file: "rsyslog.conf",
        config: "module(load=\"imtcp\")\ninput(type=\"imtcp\" port=\"PORT\"TLS)\naction(type=\"omfwd\" target=\"logs.example.com\" port=\"6514\" protocol=\"tcp\")",
        tls: " streamDriver.mode=\"1\"",
    },
    Receiver {
        protocol: "syslog",
        image: "balabit/syslog-ng:4.8.0",
        folder: "/etc/syslog-ng",
        file: "syslog-ng.conf",
        config: "@version: 4.8\nlog { source { network(port(PORT) TLS); }; destination { network(\"logs.example.com\" port(6514)); }; };",
        tls: "transport(\"tls\") tls(cert-file(\"/tls.crt\"))",
    },
];

fn workload(kind: &str, name: &str, image: &str, folder: &str) -> String {
    let args =
        if image.starts_with("rsyslog") { "\n          args: [-f, /etc/rsyslog/rsyslog.conf]" } else { "" };
    format!(
        "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: logging}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      tolerations: [{{operator: Exists}}]\n      containers:\n        - name: c\n          image: {image}{args}\n          ports: [{{name: in, containerPort: 7000}}]\n          volumeMounts: [{{name: c, mountPath: {folder}}}, {{name: v, mountPath: /var/log}}]\n      volumes: [{{name: c, configMap: {{name: {name}}}}}, {{name: v, hostPath: {{path: /var/log}}}}]\n---\n"
    )
}

fn config(name: &str, key: &str, text: &str) -> String {
    let text = text.replace('\n', "\n    ");
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: logging}}\ndata:\n  {key}: |\n    {text}\n---\n"
    )
}

/// A Service in front of the pods with the label `app`.
fn service(name: &str, app: &str, ports: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: logging}}\nspec:\n  selector: {{app: {app}}}\n  ports: [{ports}]\n---\n"
    )
}

/// What is sent from where to where.
struct Hop<'a> {
    receiver: &'a Receiver,
    /// The host it is sent to.
    to: &'a str,
    sent: u16,
    sends_tls: bool,
    listens: u16,
    takes_tls: bool,
    services: String,
}

impl<'a> Hop<'a> {
    /// One that comes over.
    fn whole(receiver: &'a Receiver) -> Self {
        Self {
            receiver,
            to: "relay",
            sent: 7000,
            sends_tls: false,
            listens: 7000,
            takes_tls: false,
            services: String::new(),
        }
    }

    fn run(&self) -> Manifests {
        let Self { receiver, to, sent, .. } = self;
        let mode = match (receiver.protocol, self.sends_tls) {
            ("syslog", false) => "\n    Mode tcp",
            ("syslog", true) => "\n    Mode tls",
            (_, false) => "",
            (_, true) => "\n    tls on",
        };
        let agent = format!(
            "[INPUT]\n    Name tail\n    Path /var/log/kubernetes/audit/*.log\n    Tag audit\n[OUTPUT]\n    Name {}\n    Match *\n    Host {to}\n    Port {sent}{mode}",
            receiver.protocol
        );
        let tls = if self.takes_tls { receiver.tls } else { "" };
        let relay = receiver.config.replace("PORT", &self.listens.to_string());
        let relay = relay.replace("TLS", tls).replace("SEARCH", SEARCH);
        let text = [
            workload("DaemonSet", "agent", "fluent/fluent-bit:4.0.3", "/fluent-bit/etc"),
            config("agent", "fluent-bit.conf", &agent),
            workload("Deployment", "relay", receiver.image, receiver.folder),
            config("relay", receiver.file, &relay),
            self.services.clone(),
        ];
        Manifests::run(text.concat().trim_end_matches("---\n"))
    }

    /// Whether the audit log leaves the node, and the lines that are told.
    fn expect(&self, what: &str, status: Status, lines: &[&str]) {
        let name = format!("{} to {}, {what}", self.receiver.protocol, self.receiver.image);
        let run = self.run();
        assert_eq!(run.report.verdict("LA-COL-024"), status, "{name}: {}", run.shown("LA-COL-024"));
        let places = run.places("LA-COL-024", status);
        let told: Vec<&str> = places.iter().filter_map(|place| run.text.lines().nth(*place)).collect();
        for line in lines {
            assert!(told.iter().any(|told| told.contains(line)), "{name}: {line} is not among {told:#?}");
        }
    }
}

#[test]
fn a_port_that_is_not_listened_on_is_not_reached() {
    for receiver in &RECEIVERS {
        let hop = || Hop::whole(receiver);
        hop().expect("the same port", Pass, &[]);
        // A Service may lead to another port, but it is not seen.
        Hop { listens: 7001, ..hop() }.expect("another port", Unknown, &[]);
        let services = service("relay", "relay", "{port: 7000}");
        Hop { listens: 7001, services, ..hop() }.expect("another port", Fail, &["7001"]);
    }
}

#[test]
fn tls_on_one_side_alone_lets_nothing_through() {
    for receiver in &RECEIVERS {
        let hop = || Hop::whole(receiver);
        Hop { sends_tls: true, takes_tls: true, ..hop() }.expect("TLS on both sides", Pass, &[]);
        Hop { sends_tls: true, ..hop() }.expect("TLS of the sender", Fail, &[]);
        Hop { takes_tls: true, ..hop() }.expect("TLS of the receiver", Fail, &[]);
    }
}

#[test]
fn services_lead_to_other_ports_and_to_pods_of_other_names() {
    let hop = || Hop { to: "logs.logging.svc", sent: 80, ..Hop::whole(&RECEIVERS[0]) };
    let through = |app: &str, ports: &str| Hop { services: service("logs", app, ports), ..hop() };
    hop().expect("no Service", Unknown, &[]);
    through("relay", "{port: 80, targetPort: 7000}").expect("a number", Pass, &[]);
    through("relay", "{port: 80, targetPort: in}").expect("a name", Pass, &[]);
    through("relay", "{port: 80, targetPort: out}").expect("another name", Unknown, &["targetPort: out"]);
    through("relay", "{port: 80}").expect("the same", Fail, &["port 7000"]);
    through("relay", "{port: 81, targetPort: 7000}").expect("no such port", Fail, &["Host logs.logging.svc"]);
    through("other", "{port: 80, targetPort: 7000}").expect("other pods", Unknown, &[]);
    let headless = |port| {
        let services = service("logs", "relay", "{port: 80, targetPort: 7000}")
            .replace("spec:\n", "spec:\n  clusterIP: None\n");
        Hop { services, sent: port, ..hop() }
    };
    headless(7000).expect("the pods themselves", Pass, &[]);
    headless(80).expect("the pods themselves", Fail, &["port 7000"]);
    let other = "apiVersion: v1\nkind: Service\nmetadata: {name: logs, namespace: logging}\nspec: {type: ExternalName, externalName: real.logging.svc.cluster.local}\n---\n";
    let services = format!("{other}{}", service("real", "relay", "{port: 80, targetPort: 7000}"));
    Hop { services, ..hop() }.expect("another name of it", Pass, &[]);
}

#[test]
fn a_name_of_a_workload_is_not_its_service() {
    // The Service with the workload's name leads to other pods.
    let services = service("relay", "other", "{port: 7000}");
    Hop { services, ..Hop::whole(&RECEIVERS[0]) }.expect("a Service for others", Unknown, &[]);
}

#[test]
fn an_address_of_the_pod_alone_is_not_reached() {
    let otlp = RECEIVERS.iter().find(|one| one.image.contains("opentelemetry-collector")).unwrap();
    let at = |address: &'static str| {
        let config: &'static str = otlp.config.replace("0.0.0.0", address).leak();
        Hop::whole(&Receiver { config, ..*otlp }).run().report.verdict("LA-COL-024")
    };
    assert_eq!(at("localhost"), Fail);
    assert_eq!(at("127.0.0.1"), Fail);
    assert_eq!(at("[::]"), Pass);
    // Of the address only the port matters.
    assert_eq!(at("${env:MY_POD_IP}"), Pass);
}

#[test]
fn protocols_are_not_taken_for_one_another() {
    let forward = &RECEIVERS[0];
    let otlp = Receiver { protocol: "opentelemetry", ..*forward };
    let services = || service("relay", "relay", "{port: 7000}");
    Hop { services: services(), ..Hop::whole(&otlp) }.expect("OTLP to forward", Fail, &[]);
    Hop { services: services(), ..Hop::whole(forward) }.expect("forward to forward", Pass, &[]);
}
