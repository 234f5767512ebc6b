use super::*;

fn config(args: &[&str]) -> Config {
    Config {
        args: args.iter().map(|word| (*word).to_owned()).collect(),
        args_at: "vlagent.yaml:9:3".into(),
        ..Config::default()
    }
}

#[test]
fn a_whole_chain_is_proven() {
    let pipeline = read(&config(&[
        "--kubernetesCollector",
        "-kubernetesCollector.excludeFilter=kubernetes.pod_namespace:in(a,b)",
        "--tmpDataPath=/var/lib/vlagent",
        "--remoteWrite.url=https://u:p@vl.example.com/insert/native",
        "-remoteWrite.tlsInsecureSkipVerify",
        "-remoteWrite.maxDiskUsagePerURL=1GiB",
    ]))
    .unwrap();
    let input = &pipeline.inputs[0];
    let Source::Containers { namespaces, through_api: false, .. } = &input.source else {
        panic!("{input:?}")
    };
    assert_eq!(namespaces.except[1].pattern, Pattern::Name("b".into()));
    let position = input.position.as_ref().unwrap().value().unwrap().as_deref();
    assert_eq!(position, Some("/var/lib/vlagent/vlagent-kubernetes-checkpoints.json"));
    assert_eq!(input.routes.value().unwrap().len(), 1);
    let output = &pipeline.outputs[0];
    assert_eq!(output.receiver, Receiver::Service(Service::VictoriaLogs));
    assert_eq!(
        (output.hosts.value().unwrap()[0].as_str(), output.tls.value()),
        ("vl.example.com", Some(&true))
    );
    assert_eq!(output.verified.as_ref().unwrap().value(), Some(&false));
    assert_eq!(output.authenticated.value(), Some(&true));
    assert_eq!(
        output.buffer.value(),
        Some(&Buffer::Disk(Some("/var/lib/vlagent/vlagent-remotewrite-data".into())))
    );
    assert_eq!(output.when_full.value(), Some(&WhenFull::Drops));
    let Fact::Known(known) = &output.tls else { panic!() };
    assert_eq!(known.evidence[0].at, "vlagent.yaml:9:3");
    assert!(!format!("{pipeline:?}").contains("u:p"));
}

#[test]
fn evidence_stands_at_the_argument() {
    let mut config =
        config(&["-kubernetesCollector", "-tmpDataPath=/d", "-remoteWrite.url", "http://a,https://b"]);
    config.args_places = ["0", "1", "2", "3"].map(str::to_owned).to_vec();
    let pipeline = read(&config).unwrap();
    let [first, second] = pipeline.outputs.as_slice() else { panic!("{pipeline:?}") };
    assert_eq!((pipeline.inputs[0].at.as_str(), first.at.as_str(), second.at.as_str()), ("0", "3", "3"));
    let place = |fact: &Fact<bool>| match fact {
        Fact::Known(known) => known.evidence[0].at.clone(),
        Fact::Unknown(unknown) => panic!("{unknown:?}"),
    };
    assert_eq!(
        (place(&first.tls), place(&first.authenticated)),
        ("3".to_owned(), "vlagent.yaml:9:3".to_owned())
    );
    let Some(Fact::Known(position)) = &pipeline.inputs[0].position else { panic!() };
    assert_eq!(position.evidence[0].at, "1");
}

#[test]
fn defaults_and_several_receivers_are_told() {
    let pipeline = read(&config(&[
        "-remoteWrite.url=http://a:9428/insert/native",
        "-remoteWrite.format=native",
        "-remoteWrite.url=http://srv+b/x",
        "-remoteWrite.format=jsonline",
        "-remoteWrite.bearerTokenFile=,/token",
        "-kubernetesCollector=false",
        "-fileCollector.glob=/var/log/*.log",
        "-fileCollector.excludeGlob=/var/log/x*",
    ]))
    .unwrap();
    let [first, second] = pipeline.outputs.as_slice() else { panic!("{pipeline:?}") };
    assert_eq!((first.tls.value(), &first.verified), (Some(&false), &None));
    assert_eq!((first.authenticated.value(), second.authenticated.value()), (Some(&false), Some(&true)));
    assert_eq!((second.receiver.clone(), second.hosts.value().unwrap()[0].as_str()), (Receiver::Http, "b"));
    assert_eq!(first.when_full.value(), Some(&WhenFull::Waits));
    assert_eq!(pipeline.inputs.len(), 2);
    assert!(pipeline.inputs[0].position.as_ref().unwrap().reason().is_some());
}

#[test]
fn what_is_not_seen_is_told() {
    assert!(read(&config(&["-kubernetesCollector"])).unwrap_err().why.contains("remoteWrite.url"));
    let pipeline = read(&config(&[
        "-kubernetesCollector",
        "-remoteWrite.url=http://a",
        "-kubernetesCollector.excludeFilter=REDACTED",
    ]))
    .unwrap();
    assert_eq!(pipeline.inputs[0].steps[0].effect, Effect::Unclear);
    assert_eq!(namespaces("kubernetes.pod_namespace:=a"), Some(vec!["a".into()]));
    assert_eq!(namespaces("kubernetes.pod_namespace:=a or x:y"), None);
}

#[test]
fn a_resource_is_read_as_its_operator_starts_it() {
    let text = "apiVersion: operator.victoriametrics.com/v1\nkind: VLAgent\nmetadata: {name: node, namespace: logs}\nspec:\n  k8sCollector: {enabled: true, excludeFilter: 'kubernetes.pod_namespace:in(dev)'}\n  remoteWrite:\n  - url: https://store.example.com/insert/native\n    bearerTokenSecret: {name: token, key: token}\n    tlsConfig: {insecureSkipVerify: true}\n  - url: http://vlogs.logs.svc:9428/insert/native\n";
    let all = crate::analyze::collectors::fields::tests::resources(text);
    let read = read_resource(&all[0]).unwrap();
    assert!(is_on_nodes(&all[0]));
    let Source::Containers { namespaces, .. } = &read.inputs[0].source else { panic!("{read:#?}") };
    assert_eq!(namespaces.except[0].pattern, Pattern::Name("dev".into()));
    let position = read.inputs[0].position.as_ref().unwrap().value().unwrap().as_deref();
    assert_eq!(position, Some("/var/lib/vlagent-data/vlagent-kubernetes-checkpoints.json"));
    let [outside, inside] = read.outputs.as_slice() else { panic!("{read:#?}") };
    assert_eq!((outside.tls.value(), outside.authenticated.value()), (Some(&true), Some(&true)));
    assert_eq!(outside.verified.as_ref().unwrap().value(), Some(&false));
    assert_eq!((inside.tls.value(), inside.authenticated.value()), (Some(&false), Some(&false)));
    let none = crate::analyze::collectors::fields::tests::resources("kind: VLAgent\nspec: {}\n");
    assert!(read_resource(&none[0]).is_err());
}
