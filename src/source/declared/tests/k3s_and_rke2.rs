use super::*;

#[test]
fn configuration_files_are_told_apart() {
    for (file, text, kind) in [
        ("config.yaml", "cluster-init: true\n", DeclarationKind::K3sConfig),
        ("config.yaml", "write-kubeconfig-mode: '0644'\ndisable: [traefik]\n", DeclarationKind::K3sConfig),
        ("config.yaml", "tls-san: [a]\ndisable: rke2-ingress-nginx\n", DeclarationKind::Rke2Config),
        ("config.yaml", "tls-san: [a]\nserver: https://x:9345\ntoken: t\n", DeclarationKind::Rke2Config),
        ("/etc/rancher/rke2/config.yaml", "tls-san: a\n", DeclarationKind::Rke2Config),
        ("/etc/rancher/k3s/config.yaml", "disable: x\n", DeclarationKind::K3sConfig),
        ("config.yaml", "etcd-arg: [a=b]\ncni: none\n", DeclarationKind::Rke2Config),
        ("config.yaml", "tls-san: a\n", DeclarationKind::K3sConfig),
        ("/etc/rancher/rke2/config.yaml", "profile: cis\nselinux: true\n", DeclarationKind::Rke2Config),
        ("config.yaml", "profile: cis-1.23\nselinux: true\n", DeclarationKind::Rke2Config),
        ("/etc/rancher/k3s/config.yaml", "debug: true\n", DeclarationKind::K3sConfig),
    ] {
        assert_eq!(declared(file, text).kind, kind, "{file} {text}");
    }
}

#[test]
fn other_files_are_not_mistaken_for_them() {
    for text in [
        "token: t\nnodes: [{name: a}]\n",
        "disable: [x]\n",
        "tls-san: {a: b}\n",
        "cni: {enabled: true}\n",
        "Write-Kubeconfig-Mode: x\ntls-san: a\n",
        "name: x\nversion: 1\n",
        "profile: dev\nselinux: true\n",
    ] {
        assert!(read("values.yaml", text).declared.is_empty(), "{text}");
    }
    let agent = read("config.yaml", "server: https://x:6443\ntoken: hunter2\nkubelet-arg: [event-qps=7]\n");
    assert!(agent.declared.is_empty());
    assert!(agent.notes[0].text.starts_with("reads like the configuration of a k3s or RKE2 agent"));
    assert_eq!(
        agent.kubelet_configs.value().unwrap()[0].event_record_qps.as_ref().unwrap().at,
        "config.yaml:3:15"
    );
}

#[test]
fn arguments_are_passed_through() {
    let text = "\
cluster-init: true
token: hunter2
kube-apiserver-arg:
- audit-log-path=/var/log/audit.log
- --audit-log-maxage=30
- audit_policy_file=/p.yaml
- profiling
- oidc-client-id=hunter2
kube-apiserver-arg+: audit-log-maxsize=5
kubelet-arg: container-log-max-files=2
";
    let snapshot = read("k3s.yaml", text);
    assert_eq!(
        arguments(&snapshot.declared[0]),
        [
            "audit-log-path=/var/log/audit.log 4:3",
            "audit-log-maxage=30 5:3",
            "audit_policy_file=/p.yaml 6:3",
            "profiling 7:3",
            "oidc-client-id=REDACTED 8:3",
            "audit-log-maxsize=5 9:1",
        ]
    );
    assert_eq!(snapshot.declared[0].mounts, None);
    assert!(!serde_json::to_string(&snapshot).unwrap().contains("hunter2"));
}

#[test]
fn rke2_adds_arguments_of_its_own_before_those_given() {
    let text = "profile: cis-1.23\ndata-dir: /data/\nkube-apiserver-arg: [audit-log-maxage=7]\n";
    assert_eq!(
        arguments(&declared("c.yaml", text)),
        [
            "audit-policy-file=/etc/rancher/rke2/audit-policy.yaml 1:1",
            "audit-log-maxage=30 1:1",
            "audit-log-maxbackup=10 1:1",
            "audit-log-maxsize=100 1:1",
            "audit-log-path=/data/server/logs/audit.log 1:1",
            "audit-log-maxage=7 3:22",
        ]
    );
    let text = "audit-policy-file: /p.yaml\nkube-apiserver-arg: [audit-log-path=/x]\n";
    assert_eq!(
        arguments(&declared("c.yaml", text)),
        [
            "audit-policy-file=/p.yaml 1:1",
            "audit-log-maxage=30 1:1",
            "audit-log-maxbackup=10 1:1",
            "audit-log-maxsize=100 1:1",
            "audit-log-path=/x 2:22",
        ]
    );
    assert!(arguments(&declared("c.yaml", "profile: etcd\ntls-san: a\n")).is_empty());
}

fn node(annotation: &str, elements: &Value) -> Value {
    json!({"metadata": {"name": "n1", "annotations": {annotation: elements.to_string()}},
        "status": {"nodeInfo": {"kubeletVersion": "v1.33.1+k3s1"}}})
}

#[test]
fn annotations_of_servers_are_read() {
    let elements = json!([
        "server",
        "--token",
        "********",
        "--cluster-init",
        "--kube-apiserver-arg",
        "audit-log-path=/x",
        "--kube-apiserver-arg",
        "--audit-log-maxage=3",
        "--kubelet-arg",
        "container-log-max-size=1Mi",
        "--kube-apiserver-arg=v=2"
    ]);
    let (declared, kubelet) = from_node(&node("k3s.io/node-args", &elements), &Place::of("Node n1"));
    let declared = declared.unwrap();
    assert_eq!(declared.kind, DeclarationKind::K3sNode);
    assert_eq!((&*declared.name, declared.node_name.as_deref()), ("n1", Some("n1")));
    assert_eq!(declared.kubernetes_version.as_deref(), Some("v1.33.1+k3s1"));
    let read: Vec<_> = declared.arguments.iter().map(|a| (&*a.name, a.value.as_deref().unwrap())).collect();
    assert_eq!(read, [("audit-log-path", "/x"), ("audit-log-maxage", "3"), ("v", "2")]);
    assert_eq!(declared.arguments[0].at, "Node n1 metadata.annotations.k3s.io/node-args[5]");
    let size = kubelet.unwrap().container_log_max_size.unwrap();
    assert_eq!((&*size.value, &*size.at), ("1Mi", "Node n1 metadata.annotations.k3s.io/node-args[9]"));
}

#[test]
fn annotations_of_rke2_imply_its_own_arguments() {
    let elements = json!(["server", "--profile", "cis", "--kube-apiserver-arg", "audit-log-path=/x"]);
    let (declared, _) = from_node(&node("rke2.io/node-args", &elements), &Place::of("Node n1"));
    let declared = declared.unwrap();
    assert_eq!(declared.kind, DeclarationKind::Rke2Node);
    assert_eq!(declared.arguments.len(), 5);
    assert_eq!(declared.arguments[0].at, "Node n1 metadata.annotations.rke2.io/node-args[2]");
}

#[test]
fn agents_and_other_nodes_run_no_apiserver() {
    let place = Place::of("Node n1");
    let agent = node("k3s.io/node-args", &json!(["agent", "--kubelet-arg", "event-burst=1"]));
    let (declared, kubelet) = from_node(&agent, &place);
    assert_eq!(declared, None);
    assert_eq!(kubelet.unwrap().event_burst.unwrap().value, "1");
    assert_eq!(from_node(&json!({"metadata": {"name": "n"}}), &place), (None, None));
    // Without a command the label decides.
    let mut labelled = node("k3s.io/node-args", &json!(["--x", "y"]));
    assert_eq!(from_node(&labelled, &place).0, None);
    labelled["metadata"]["labels"] = json!({"node-role.kubernetes.io/control-plane": "true"});
    assert!(from_node(&labelled, &place).0.is_some());
    let odd = "kind: Node\nmetadata: {name: n, annotations: {k3s.io/node-args: server}}\n";
    let snapshot = read("n.yaml", odd);
    assert!(snapshot.declared.is_empty());
    assert_eq!(snapshot.notes[0].text, "not a JSON list of arguments; left aside");
}

#[test]
fn files_that_are_only_a_part_are_open() {
    let open = |file: &str, text: &str| declared(file, text).open;
    assert_eq!(open("/etc/rancher/k3s/config.yaml", "tls-san: a\n"), None);
    assert_eq!(open("/etc/rancher/rke2/config.yaml", "profile: cis\n"), None);
    assert!(open("/etc/rancher/k3s/config.yaml", "debug: true\n").unwrap().contains("it may be an agent's"));
    let part = open("/etc/rancher/k3s/config.yaml.d/a.yaml", "tls-san: a\n").unwrap();
    assert!(part.contains("only adds to other files"));
    for (file, text) in [
        ("/etc/rancher/rke2/config.yaml", "server: https://x\nprofile: cis\n"),
        ("config.yaml", "server: https://x:9345\nprofile: cis\n"),
    ] {
        let agent = read(file, text);
        assert!(agent.declared.is_empty() && agent.notes[0].text.contains("agent"), "{text}");
    }
}

#[test]
fn servers_of_etcd_alone_declare_no_apiserver() {
    let snapshot = read("c.yaml", "disable-apiserver: true\nkubelet-arg: event-burst=1\n");
    assert!(snapshot.declared.is_empty());
    assert_eq!(snapshot.kubelet_configs.value().map(Vec::len), Some(1));
    assert_eq!(snapshot.notes[0].at, "c.yaml:1:1");
    assert!(snapshot.notes[0].text.contains("runs no apiserver"));
    assert_eq!(read("c.yaml", "disable-apiserver: false\n").declared.len(), 1);
    let place = Place::of("Node n1");
    for (elements, is_declared) in [
        (json!(["server", "--disable-apiserver", "--cluster-init"]), false),
        (json!(["server", "--disable-apiserver", "true"]), false),
        (json!(["server", "--disable-apiserver=true"]), false),
        (json!(["server", "--disable-apiserver", "false"]), true),
    ] {
        let (declared, _) = from_node(&node("k3s.io/node-args", &elements), &place);
        assert_eq!(declared.is_some(), is_declared, "{elements}");
    }
}

#[test]
fn annotations_that_tell_nothing_are_open() {
    let place = Place::of("Node n1");
    let labelled = |annotation: Value| {
        json!({"metadata": {"name": "n1", "annotations": {"rke2.io/node-args": annotation},
            "labels": {"node-role.kubernetes.io/control-plane": "true"}}})
    };
    for (annotation, why) in
        [(json!("[]"), "an empty list"), (json!("server"), "not a JSON list"), (json!(1), "not")]
    {
        let object = labelled(annotation);
        let declared = from_node(&object, &place).0.unwrap();
        assert!(declared.open.clone().unwrap().contains(why), "{declared:?}");
        let open = of_declaration(&declared).open.unwrap();
        assert!(open.contains("`/flagz`"), "{open}");
        let snapshot = read("n.json", &json!({"kind": "Node", "metadata": object["metadata"]}).to_string());
        assert!(snapshot.notes[0].text.contains(why));
    }
    let masked = json!([
        "server",
        "--profile",
        "cis",
        "--kube-apiserver-arg",
        "v=2",
        "--kube-apiserver-arg",
        "********",
        "--kube-apiserver-arg",
        "event-ttl=2h",
        "--kube-apiserver-arg",
        "audit-log-path=********"
    ]);
    let declared = from_node(&node("rke2.io/node-args", &masked), &place).0.unwrap();
    let read: Vec<_> = declared.arguments.iter().map(|a| (&*a.name, a.value.as_deref().unwrap())).collect();
    assert_eq!(read, [("event-ttl", "2h"), ("audit-log-path", "REDACTED")]);
    let why = declared.open.unwrap();
    assert!(
        why.ends_with("--kube-apiserver-arg at Node n1 metadata.annotations.rke2.io/node-args[6] is masked"),
        "{why}"
    );
    let missing = from_node(&node("k3s.io/node-args", &json!(["server", "--kube-apiserver-arg"])), &place).0;
    assert!(missing.unwrap().open.unwrap().ends_with("is missing"));
}

#[test]
fn only_two_dashes_are_taken_away() {
    let text = "kube-apiserver-arg: [--v=2, -audit-log-path=/x, feature-gates+=A=true]\n";
    let names: Vec<_> =
        declared("c.yaml", text).arguments.into_iter().map(|argument| argument.name).collect();
    assert_eq!(names, ["v", "-audit-log-path", "feature-gates"]);
}

#[test]
fn kinds_tell_clusters_from_servers() {
    let servers = [
        DeclarationKind::K3sConfig,
        DeclarationKind::K3sNode,
        DeclarationKind::Rke2Config,
        DeclarationKind::Rke2Node,
    ];
    assert!(servers.iter().all(|kind| !kind.declares_a_cluster()));
    assert!(DeclarationKind::KubeadmConfig.declares_a_cluster());
}
