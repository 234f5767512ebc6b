//! Examples shaped like real ones.

use proptest::prelude::*;

use super::*;
use crate::analyze::collectors::config::File;

const PLACE: &str = "DaemonSet kube-system/ama-logs";

fn file(text: &str) -> File {
    File { path: "/settings".into(), at: "cm".into(), text: text.into() }
}

fn pipeline(text: &str) -> Pipeline {
    read(Some(&file(text)), PLACE).unwrap()
}

fn steps(pipeline: &Pipeline) -> &[Step] {
    &pipeline.inputs[0].routes.value().expect("known")[0].steps
}

fn excluded(step: &Step) -> Vec<&Pattern> {
    let Effect::Namespaces(rule) = &step.effect else { panic!("{step:?}") };
    rule.except.iter().map(|name| &name.pattern).collect()
}

#[test]
fn without_settings_system_namespaces_are_left_out() {
    let read = read(None, PLACE).unwrap();
    let [step] = steps(&read) else { panic!("{read:?}") };
    let names = [&Pattern::Name("kube-system".into()), &Pattern::Name("gatekeeper-system".into())];
    assert_eq!((excluded(step), step.at.as_str()), (names.to_vec(), PLACE));
    assert!(matches!(read.inputs[1].source, Source::Events { only_warnings: true, .. }));
    assert_eq!(read.inputs[0].opt_outs[0].honoured.value(), Some(&false));
    assert_eq!(read.outputs[0].receiver, Receiver::Service(Service::AzureMonitor));
    assert!(read.outputs[0].hosts.value().is_none());
}

#[test]
fn settings_replace_the_defaults_section_by_section() {
    let read = pipeline(
        "[log_collection_settings]\n[log_collection_settings.stdout]\nenabled = true\nexclude_namespaces = [\"dev\", \"test\"]\n[log_collection_settings.stderr]\nenabled = true\nexclude_namespaces = [\n\"dev\"]\n[log_collection_settings.collect_all_kube_events]\nenabled = true\n[log_collection_settings.filter_using_annotations]\nenabled = true\n",
    );
    let [one, both] = steps(&read) else { panic!("{read:?}") };
    assert_eq!((one.at.as_str(), &one.effect), ("cm:4", &Effect::DropsSome));
    assert_eq!(excluded(both), [&Pattern::Name("dev".into())]);
    assert!(matches!(read.inputs[1].source, Source::Events { only_warnings: false, .. }));
    assert_eq!(read.inputs[0].opt_outs[0].honoured.value(), Some(&true));
}

#[test]
fn a_section_without_enabled_is_passed_over() {
    let read = pipeline("[log_collection_settings.stdout]\nexclude_namespaces = []\n");
    assert_eq!(excluded(&steps(&read)[0]).len(), 2);
    let read = pipeline(
        "[log_collection_settings.stdout]\nenabled = true\n[log_collection_settings.stderr]\nenabled = true\n",
    );
    assert_eq!(steps(&read), []);
}

#[test]
fn streams_can_be_off_or_unclear() {
    let off = "[log_collection_settings.stdout]\nenabled = false\n[log_collection_settings.stderr]\nenabled = false\n";
    let read = pipeline(off);
    let Fact::Known(routes) = &read.inputs[0].routes else { panic!() };
    assert_eq!((routes.value.len(), routes.evidence[0].at.as_str()), (0, "cm:2"));
    let read = pipeline("[log_collection_settings.stdout]\nenabled = false\n");
    assert_eq!((steps(&read)[0].at.as_str(), &steps(&read)[0].effect), ("cm:2", &Effect::DropsSome));
    let read = pipeline("[log_collection_settings.stdout]\nenabled = \"false\"\n");
    assert_eq!(steps(&read)[0].effect, Effect::Unclear);
    let pods = "[log_collection_settings.stdout]\nenabled = true\ncollect_system_pod_logs = [\"kube-system:coredns\"]\n";
    assert!(steps(&pipeline(pods)).iter().any(|step| step.at == "cm:3" && step.effect == Effect::DropsSome));
}

#[test]
fn broken_and_hostile_texts_are_refused_where_they_break() {
    assert_eq!(read(Some(&file("a = 1\nb = \n")), PLACE).unwrap_err().at, "cm:2");
    assert_eq!(read(Some(&file(&format!("\na = {}", "[".repeat(10_000)))), PLACE).unwrap_err().at, "cm:2");
    assert!(read(Some(&file(&"a.".repeat(10_000))), PLACE).is_err());
    assert!(read(Some(&file(&"a".repeat(4 * 1024 * 1024))), PLACE).is_err());
    assert!(read(Some(&file(&"\u{e9}".repeat(4 * 1024 * 1024))), PLACE).is_err());
}

#[test]
fn corpus() {
    let Ok(folder) = std::env::var("LOGAUDIT_CORPUS") else { return };
    let path = format!(
        "{folder}/collectors/microsoft__Docker-Provider__kubernetes__container-azm-ms-agentconfig.yaml"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let document = crate::document::yaml::parse(&text).trees.remove(0).document("cm.yaml");
    let settings = crate::document::text(&document.value, "/data/log-data-collection-settings");
    let read = pipeline(settings);
    assert_eq!(excluded(&steps(&read)[0]).len(), 2);
    assert!(matches!(read.inputs[1].source, Source::Events { only_warnings: true, .. }));
}

proptest! {
    #[test]
    fn any_text_comes_to_an_end(text in ".{0,200}") {
        let _ = read(Some(&file(&text)), PLACE);
    }

    #[test]
    fn any_soup_comes_to_an_end(words in prop::collection::vec(0..WORDS.len(), 0..40)) {
        let text: String = words.iter().map(|word| WORDS[*word]).collect();
        let _ = read(Some(&file(&text)), PLACE);
    }
}

const WORDS: [&str; 14] = [
    "[log_collection_settings]\n",
    "[log_collection_settings.stdout]\n",
    "[log_collection_settings.stderr]\n",
    "enabled",
    " = ",
    "true",
    "false",
    "exclude_namespaces",
    "[",
    "]",
    "\"a\"",
    ",",
    "\n",
    "#",
];

#[test]
fn the_settings_are_found_in_their_folder_or_known_not_to_be_there() {
    let file = |name: &str, text: &str| File {
        path: format!("/etc/config/settings/{name}"),
        at: name.into(),
        text: text.into(),
    };
    let settings = "[log_collection_settings.stdout]\nenabled = true\n";
    let mut config = Config { main: "/etc/config/settings/".into(), ..Config::default() };
    assert!(read_config(&config).is_err());
    config.absent.push(("/etc/config/settings".into(), "mount".into()));
    assert_eq!(read_config(&config), read(None, "mount"));
    config.absent.clear();
    config.files.push(file("schema-version", "v1"));
    assert_eq!(read_config(&config), read(None, "schema-version"));
    config.files.push(file("log-data-collection-settings", settings));
    let expected = read(config.files.last(), "log-data-collection-settings");
    assert_eq!(read_config(&config), expected);
}
