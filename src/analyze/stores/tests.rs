//! Examples shaped like real ones.

use proptest::prelude::*;

use super::model::{Storage, Store};
use super::{loki, resources, victoria_logs};
use crate::analyze::collectors::config::{Config, File};
use crate::analyze::collectors::fields::tests::resources as objects;
use crate::analyze::collectors::service::Service;

const LOKI: &str = "auth_enabled: false\ncommon: {replication_factor: 1}\nschema_config:\n  configs:\n  - {from: 2020-01-01, object_store: filesystem}\n  - {from: 2024-01-01, object_store: s3}\ncompactor:\n  retention_enabled: true\nlimits_config:\n  retention_period: 744h\n  retention_stream:\n  - {selector: '{level=\"debug\"}', period: 24h}\n";

fn read_loki(text: &str) -> Store {
    loki::read(&Config::of_text("/etc/loki.yaml", "cm", text)).unwrap()
}

fn vl(arguments: &[&str]) -> Store {
    let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
    victoria_logs::read(&arguments, "pod")
}

#[test]
fn loki_deletes_only_if_the_compactor_is_told_to() {
    let store = read_loki(LOKI);
    assert_eq!(store.retention.value(), Some(&Some(31)));
    assert_eq!((store.shortest().value(), store.longest().value()), (Some(&Some(1)), Some(&Some(31))));
    assert_eq!(store.overrides[0].at, "cm:12:5");
    assert_eq!((store.deletion_api.value(), store.authentication.value()), (Some(&true), Some(&false)));
    assert_eq!(store.storage.value(), Some(&Storage::ObjectStore("s3".into())));
    assert_eq!((store.replicas.value(), store.tls.value()), (Some(&1), Some(&false)));
    let kept = read_loki(&LOKI.replace("retention_enabled: true", "retention_enabled: false"));
    assert_eq!((kept.shortest().value(), kept.deletion_api.value()), (Some(&None), Some(&false)));
    let off = read_loki(&LOKI.replace("limits_config:", "limits_config:\n  deletion_mode: disabled"));
    assert_eq!(off.deletion_api.value(), Some(&false));
    let tables = "table_manager: {retention_deletes_enabled: true, retention_period: 2w}\n";
    assert_eq!(read_loki(tables).retention.value(), Some(&Some(14)));
    assert!(read_loki("{}").authentication.value().is_none());
    assert!(read_loki(&LOKI.replace("744h", "${DAYS}")).retention.value().is_none());
}

#[test]
fn limits_of_tenants_count_and_are_missed() {
    let text = format!("{LOKI}runtime_config: {{file: /etc/overrides.yaml}}\n");
    assert!(read_loki(&text).shortest().value().is_none());
    let mut config = Config::of_text("/etc/loki.yaml", "cm", &text);
    let text = "overrides:\n  a:\n    retention_period: 6h\n".to_owned();
    config.files.push(File { path: "/etc/overrides.yaml".into(), at: "cm2".into(), text });
    let store = loki::read(&config).unwrap();
    assert_eq!((store.shortest().value(), store.overrides[1].at.as_str()), (Some(&Some(0)), "cm2:3:5"));
}

#[test]
fn a_ruler_that_tells_nobody_is_told() {
    let of = |text: &str, word: &str| {
        let mut config = Config::of_text("/etc/loki.yaml", "cm", text);
        config.args.push(word.into());
        loki::ruler(&config)
    };
    for (text, told) in [
        (LOKI, Some(false)),
        ("ruler: {alertmanager_url: 'http://alertmanager:9093'}", Some(true)),
        ("ruler: {alertmanager_url: ''}", Some(false)),
        ("ruler: {remote_write: {enabled: true}}", Some(true)),
        ("limits_config: {ruler_alertmanager_config: {alertmanager_url: x}}", Some(true)),
        ("runtime_config: {file: /etc/overrides.yaml}", None),
        ("[", None),
    ] {
        assert_eq!(of(text, "-config.file=/etc/loki.yaml").value().copied(), told, "{text}");
    }
    assert!(
        of(LOKI, "-ruler.alertmanager-url=http://x").reason().unwrap().contains("ruler.alertmanager-url")
    );
    assert!(of(LOKI, crate::snapshot::redact::REDACTED).reason().unwrap().contains("script"));
}

#[test]
fn broken_and_hostile_texts_of_loki_are_refused() {
    let read = |text: &str| loki::read(&Config::of_text("/l", "cm", text));
    assert_eq!(read("a: 1\nb: [\n").unwrap_err().at, "cm:2");
    assert!(read("- a").is_err());
    assert!(read("").is_err());
    assert!(read(&"[".repeat(10_000)).is_err());
    assert!(read(&"a".repeat(5 * 1024 * 1024)).is_err());
}

#[test]
fn victoria_logs_counts_in_months_without_a_unit() {
    assert_eq!(vl(&[]).retention.value(), Some(&Some(7)));
    assert_eq!(vl(&["-retentionPeriod=1"]).retention.value(), Some(&Some(31)));
    assert_eq!(vl(&["--retentionPeriod", "1y"]).retention.value(), Some(&Some(365)));
    assert_eq!(vl(&["--retentionPeriod=48h"]).retention.value(), Some(&Some(2)));
    assert!(vl(&["--retentionPeriod=1h"]).retention.value().is_none());
    let store = vl(&[
        "-retention.maxDiskSpaceUsageBytes=1GB",
        "-tls",
        "-httpAuth.password=hunter2",
        "-delete.enable",
    ]);
    assert!(store.evicts.is_some());
    assert_eq!((store.tls.value(), store.authentication.value()), (Some(&true), Some(&true)));
    assert_eq!(store.deletion_api.value(), Some(&true));
    assert!(!format!("{store:?}").contains("hunter2"));
}

#[test]
fn custom_resources_are_read() {
    let all = objects(
        "kind: VLSingle\nspec: {retentionPeriod: 30d}\n---\nkind: VLCluster\nspec: {vlstorage: {storage: {}, extraArgs: {retentionPeriod: '2'}}}\n",
    );
    let single = victoria_logs::read_resource(&all[0]).unwrap();
    assert_eq!(
        (single.retention.value(), single.storage.value()),
        (Some(&Some(30)), Some(&Storage::Ephemeral))
    );
    let cluster = victoria_logs::read_resource(&all[1]).unwrap();
    assert_eq!(
        (cluster.retention.value(), cluster.storage.value()),
        (Some(&Some(62)), Some(&Storage::Claimed))
    );

    let all = objects(
        "kind: LokiStack\nspec:\n  limits:\n    global: {retention: {days: 30, streams: [{days: 3, selector: x}]}}\n    tenants: {audit: {retention: {days: 365}}}\n  storage: {secret: {type: s3}}\n",
    );
    let stack = resources::loki_stack(&all[0]).unwrap();
    assert_eq!((stack.shortest().value(), stack.longest().value()), (Some(&Some(3)), Some(&Some(365))));

    let all = objects(
        "kind: Elasticsearch\nspec:\n  http: {tls: {selfSignedCertificate: {disabled: true}}}\n  nodeSets: [{config: {xpack.security.enabled: false}}]\n",
    );
    let elastic = resources::elasticsearch(&all[0], &all).unwrap();
    assert_eq!((elastic.tls.value(), elastic.authentication.value()), (Some(&false), Some(&false)));
    assert!(elastic.retention.value().is_none());
    assert!(resources::open_search(&all[0], &all).is_err());
    assert!(resources::inside(Service::Graylog, "x").retention.reason().unwrap().contains("MongoDB"));
}

#[test]
fn a_retention_that_nothing_applies_is_told() {
    let store = read_loki(&LOKI.replace("retention_enabled: true", "retention_enabled: false"));
    assert_eq!(
        (store.retention_set.value(), store.retention_applied.value(), store.deletion_guarded.value()),
        (Some(&true), Some(&false), Some(&true))
    );
    let store = read_loki(LOKI);
    assert_eq!(
        (store.retention_applied.value(), store.deletion_guarded.value()),
        (Some(&true), Some(&false))
    );
    assert_eq!(read_loki("{}").retention_set.value(), Some(&false));
}

#[test]
fn a_tenant_may_have_what_the_rest_has_not() {
    let off = LOKI.replace("limits_config:", "limits_config:\n  deletion_mode: disabled");
    let text = format!("{off}runtime_config: {{file: /etc/overrides.yaml}}\n");
    assert!(read_loki(&text).deletion_api.value().is_none());
    let mut config = Config::of_text("/etc/loki.yaml", "cm", &text);
    let text = "overrides:\n  a:\n    deletion_mode: filter-only\n".to_owned();
    config.files.push(File { path: "/etc/overrides.yaml".into(), at: "cm2".into(), text });
    assert_eq!(loki::read(&config).unwrap().deletion_api.value(), Some(&true));
}

#[test]
fn named_and_unknown_object_stores_are_told_apart() {
    let named = LOKI.replace("object_store: s3", "object_store: fast");
    assert!(read_loki(&named).storage.value().is_none());
    let named =
        format!("{named}storage_config:\n  named_stores: {{filesystem: {{fast: {{directory: /x}}}}}}\n");
    assert_eq!(read_loki(&named).storage.value(), Some(&Storage::Filesystem));
    assert_eq!(read_loki("common: {path_prefix: /loki}\n").folder.as_deref(), Some("/loki/chunks"));
}

#[test]
fn policies_say_what_they_delete_but_not_where() {
    let all = objects(
        "kind: OpenSearchCluster\nmetadata: {name: logs}\nspec: {nodePools: [{replicas: 1}]}\n---\nkind: OpenSearchISMPolicy\nmetadata: {name: month}\nspec:\n  opensearchCluster: {name: logs}\n  states:\n  - {name: hot, transitions: [{stateName: gone, conditions: {minIndexAge: 30d}}]}\n  - {name: gone, actions: [{delete: {}}]}\n  ismTemplate: {indexPatterns: ['k8s-*']}\n",
    );
    let store = resources::open_search(&all[0], &all).unwrap();
    assert!(store.retention.reason().unwrap().contains("month deletes after 30 days"));
    assert_eq!(store.replicas.value(), Some(&1));
    let mut all = all;
    all[1].spec["ismTemplate"]["indexPatterns"][0] = "*".into();
    let store = resources::open_search(&all[0], &all).unwrap();
    assert_eq!((store.retention.value(), store.longest().value()), (Some(&Some(30)), None));

    let all = objects(
        "kind: Elasticsearch\nmetadata: {name: logs}\nspec: {nodeSets: [{count: 3}]}\n---\nkind: StackConfigPolicy\nmetadata: {name: p}\nspec: {elasticsearch: {indexLifecyclePolicies: {week: {phases: {delete: {min_age: 168h}}}}}}\n",
    );
    let store = resources::elasticsearch(&all[0], &all).unwrap();
    assert!(store.retention.reason().unwrap().contains("week deletes after 7 days"));
}

#[test]
fn corpus() {
    let Ok(folder) = std::env::var("LOGAUDIT_CORPUS") else { return };
    let mut read = 0;
    for entry in std::fs::read_dir(format!("{folder}/collectors")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_string_lossy().into_owned();
        if path.extension().is_some_and(|end| end == "yaml") && name.contains("grafana__loki__") {
            let store = read_loki(&std::fs::read_to_string(&path).unwrap());
            assert_eq!(store.shortest().value(), Some(&None), "{name}");
            read += 1;
        }
    }
    assert!(read > 5);
}

proptest! {
    #[test]
    fn any_text_comes_to_an_end(text in ".{0,200}", period in "[0-9a-z]{0,12}") {
        let _ = loki::read(&Config::of_text("/l", "cm", &text));
        let _ = loki::read(&Config::of_text("/l", "cm", &LOKI.replace("744h", &period)));
        vl(&[&format!("-retentionPeriod={period}")]);
    }
}
