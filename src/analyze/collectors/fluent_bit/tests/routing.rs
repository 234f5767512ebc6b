use super::*;
use crate::analyze::collectors::fluent_bit::section::{Kind, Property, Section};
use crate::analyze::collectors::fluent_bit::value::Value;
use crate::analyze::collectors::fluent_bit::{matching::Matching, tag::Fit, tag::Shape};
use crate::analyze::collectors::model::{NamespaceRule, Pattern};

const CONTAINERS: &str = "[INPUT]\n  Name tail\n  Tag kube.*\n  Path /var/log/containers/*.log\n";

fn with(rest: &str) -> Pipeline {
    classic(&format!("{CONTAINERS}{rest}"))
}

fn fit(key: &str, pattern: &str, tag: &str, path: &str) -> Fit {
    let mut section = Section::new(Kind::Output, "x");
    let (name, at) = (key.to_owned(), String::new());
    section.properties.push(Property { key: name.clone(), name, value: Value::of(pattern), at });
    Matching::of(&section).fit(&Shape::of_path(&Shape::of_text(tag), &Shape::of_text(path)))
}

#[test]
fn tags_are_expanded_and_judged_as_a_whole() {
    const LOGS: &str = "/var/log/containers/*.log";
    for (pattern, tag, path, expected) in [
        ("kube.*", "kube.*", LOGS, Fit::Always),
        ("*", "kube.*", LOGS, Fit::Always),
        ("kube.var.log.containers.*", "kube.*", LOGS, Fit::Always),
        ("kube.var.log.containers.*.log", "kube.*", LOGS, Fit::Always),
        ("*.log", "kube.*", LOGS, Fit::Always),
        ("kube.*_kube-system_*", "kube.*", LOGS, Fit::Sometimes),
        ("kube.*.gz", "kube.*", LOGS, Fit::Never),
        ("kube", "kube.*", LOGS, Fit::Never),
        ("kube.*", "kube", LOGS, Fit::Never),
        ("kube", "kube", LOGS, Fit::Always),
        ("var.log.audit.log", "*", "/var/log//audit.log", Fit::Always),
        ("app.C.logs.x", "app.*", "C:\\logs\\x", Fit::Always),
        ("k8s.var.log.pods.**", "k8s.*", "/var/log/pods/*/*/[0-9].log", Fit::Always),
    ] {
        assert_eq!(fit("match", pattern, tag, path), expected, "{pattern} {tag}");
    }
    for (pattern, tag, expected) in [
        ("kube\\..*", "kube.*", Fit::Always),
        (".*", "kube.*", Fit::Always),
        ("(kube|audit).*", "kube.*", Fit::Always),
        ("^audit", "kube.*", Fit::Never),
        ("^kub.\\d$", "kube5", Fit::Always),
        ("log", "kube", Fit::Never),
        ("kube\\.var\\.log\\.containers\\..*_prod_.*", "kube.*", Fit::Sometimes),
    ] {
        assert_eq!(fit("match_regex", pattern, tag, LOGS), expected, "{pattern} {tag}");
    }
    assert!(matches!(fit("match_regex", "kube.(?!x).*", "kube.*", LOGS), Fit::Unclear(_)));
}

#[test]
fn an_input_whose_tag_nothing_takes_leads_nowhere() {
    let pipeline = classic(
        "[INPUT]\n  Name tail\n  Tag audit\n  Path /var/log/a\n[OUTPUT]\n  Name es\n  Match kube.*\n",
    );
    let (value, place, detail) = at(&pipeline.inputs[0].routes);
    assert_eq!(
        (value.len(), place.as_str(), detail.as_str()),
        (0, "conf]:3", "Tag audit: no output takes audit")
    );
    assert!(pipeline.outputs[0].buffer.reason().is_some());
    let off = with("  Routable off\n[OUTPUT]\n  Name es\n  Match *\n");
    assert_eq!(routes(&off.inputs[0]), []);
}

#[test]
fn without_a_match_only_a_single_pair_is_connected() {
    assert_eq!(ways(&with("[OUTPUT]\n  Name es\n"), 0), [(0, vec![])]);
    assert_eq!(ways(&with("[OUTPUT]\n  Name es\n[OUTPUT]\n  Name null\n"), 0), []);
    let inner = with("[SERVICE]\n  storage.path /x\n[OUTPUT]\n  Name es\n");
    assert!(ways(&inner, 0)[0].1[0].ends_with("unclear"));
}

#[test]
fn a_match_for_some_tags_is_no_proof() {
    let pipeline = with("[OUTPUT]\n  Name es\n  Match kube.*_prod_*\n");
    assert_eq!(ways(&pipeline, 0), [(0, vec![
        "conf]:7 Match kube.*_prod_* takes only some of the tags kube.var.log.containers.*.log selects".to_owned()
    ])]);
}

#[test]
fn an_input_is_divided_where_its_paths_go_different_ways() {
    let text = "[INPUT]\n  Name tail\n  Tag *\n  Path /var/log/containers/*.log,/var/log/audit/*.log,/var/log/audit/x\n[OUTPUT]\n  Name es\n  Match var.log.audit.*\n";
    let pipeline = classic(text);
    let ids: Vec<&str> = pipeline.inputs.iter().map(|input| input.id.as_str()).collect();
    assert_eq!(ids, ["tail.0 /var/log/containers/*.log", "tail.0 /var/log/audit/*.log"]);
    assert_eq!((ways(&pipeline, 0), ways(&pipeline, 1)), (vec![], vec![(0, vec![])]));
}

#[test]
fn filters_count_in_order_and_where_they_match() {
    let pipeline = with(
        "[FILTER]\n  Name kubernetes\n  Match kube.*\n[FILTER]\n  Name grep\n  Match kube.*\n  Exclude $kubernetes['namespace_name'] ^kube-system$\n  Regex $log error\n[FILTER]\n  Name throttle\n  Match audit.*\n[FILTER]\n  Name throttle\n  Match kube.*\n  Rate 100\n[FILTER]\n  Name lua\n  Match kube.*_x_*\n  script a.lua\n[FILTER]\n  Name modify\n  Match *\n  Remove user\n  Remove stream\n[FILTER]\n  Name lua\n[FILTER]\n  Name own\n  Match *\n[OUTPUT]\n  Name es\n  Match *\n",
    );
    assert_eq!(
        at(&pipeline.inputs[0].opt_outs[0].honoured).2,
        "k8s-logging.exclude is not set; the default is off"
    );
    let ways = ways(&pipeline, 0);
    assert_eq!(
        ways[0].1,
        [
            "conf]:11 grep Exclude $kubernetes['namespace_name'] ^kube-system$ all but namespaces",
            "conf]:12 grep Regex $log error drops some",
            "conf]:16 throttle to a rate of 100 in 1s limits",
            "conf]:20 lua, script a.lua: a script, which may drop or change records unclear",
            "conf]:27 Remove user redacts",
            "conf]:31 the filter own is not known here and may drop records unclear",
        ]
    );
    let Effect::Namespaces(NamespaceRule { except, .. }) = &routes(&pipeline.inputs[0])[0].steps[0].effect
    else {
        panic!("namespaces")
    };
    assert_eq!(except[0].pattern, Pattern::Regex("^kube-system$".into()));
}

#[test]
fn greps_that_count_together() {
    let grep = |rules: &str| {
        let text = format!(
            "[FILTER]\n  Name kubernetes\n  Match *\n[FILTER]\n  Name grep\n  Match *\n{rules}[OUTPUT]\n  Name es\n  Match *\n"
        );
        ways(&with(&text), 0).remove(0).1
    };
    let one = |key: &str, name: &str| format!("  {key} $kubernetes['namespace_name'] {name}\n");
    let both = format!("  Logical_Op or\n{}{}", one("Regex", "a"), one("Regex", "b"));
    assert!(grep(&both)[0].ends_with("only namespaces") && grep(&both).len() == 1);
    let both = format!("  Logical_Op and\n{}{}", one("Exclude", "a"), one("Exclude", "b"));
    assert!(grep(&both)[0].ends_with("drops some") && grep(&both).len() == 1);
    assert!(grep("  Regex $kubernetes.namespace_name a\n")[0].ends_with("unclear"));
    let early = with(
        "[FILTER]\n  Name grep\n  Match *\n  Exclude $kubernetes['namespace_name'] a\n[OUTPUT]\n  Name es\n  Match *\n",
    );
    assert!(ways(&early, 0)[0].1[0].ends_with("unclear"));
}

#[test]
fn what_discards_everything_is_told() {
    let pipeline = with(
        "[FILTER]\n  Name log_to_metrics\n  Match kube.*\n  discard_logs true\n[OUTPUT]\n  Name es\n  Match *\n",
    );
    assert_eq!(
        ways(&pipeline, 0)[0].1,
        ["conf]:5 log_to_metrics, discard_logs on: records end here drops all"]
    );
}

#[test]
fn new_tags_are_followed() {
    let rewrite = |rule: &str, rest: &str| {
        with(&format!("[FILTER]\n  Name rewrite_tag\n  Match kube.*\n  Rule {rule}\n{rest}"))
    };
    const BOTH: &str = "[OUTPUT]\n  Name es\n  Match err.*\n[OUTPUT]\n  Name loki\n  Match kube.*\n";
    const RULE: &str = "conf]:8 rewrite_tag Rule $log ^E err.$TAG false";
    let pipeline = rewrite("$log ^E err.$TAG false", BOTH);
    assert_eq!(
        ways(&pipeline, 0),
        [(0, vec![format!("{RULE} drops some")]), (1, vec![format!("{RULE} drops some")])]
    );
    let kept = rewrite("$log ^E err.$TAG true", BOTH);
    assert_eq!(ways(&kept, 0)[0], (1, vec![]));
    assert_eq!(ways(&kept, 0)[1].0, 0);
    let together = rewrite("$log ^E err.$TAG false", "[OUTPUT]\n  Name es\n  Match *\n");
    assert_eq!(ways(&together, 0), [(0, vec![])]);
    let all = rewrite(
        "$log ^.*$ new.$TAG[3].x false",
        "[OUTPUT]\n  Name es\n  Match new.*\n[OUTPUT]\n  Name loki\n  Match kube.*\n",
    );
    assert_eq!(ways(&all, 0), [(0, vec![])]);
    let lost = rewrite("$log ^E gone false", "[OUTPUT]\n  Name es\n  Match kube.*\n");
    assert_eq!(ways(&lost, 0)[0].1.len(), 1);
    let circle = rewrite("$log .* kube.$TAG false", BOTH);
    assert!(circle.inputs[0].routes.reason().unwrap().contains("in circles"));
    // What waits after a new tag waits in memory, whatever the input does.
    let text = "[INPUT]\n  Name tail\n  Tag a\n  Path /a\n  storage.type filesystem\n[SERVICE]\n  storage.path /s\n[FILTER]\n  Name rewrite_tag\n  Match a\n  Rule $log .* b false\n[OUTPUT]\n  Name es\n  Match b\n";
    let buffer = at(&classic(text).outputs[0].buffer);
    assert_eq!(
        (buffer.1.as_str(), buffer.2.as_str()),
        ("conf]:8", "emitter_storage.type is not set; the default is memory")
    );
}

#[test]
fn routes_of_an_input_name_outputs_themselves() {
    let pipeline = yaml(
        "pipeline:\n  inputs:\n    - name: tail\n      path: /a\n      routes:\n        logs:\n          - name: errors\n            condition: {rules: []}\n            to: {outputs: [bad]}\n          - to:\n              outputs: [es]\n  outputs:\n    - name: loki\n      alias: bad\n    - name: es\n",
    );
    assert_eq!(
        ways(&pipeline, 0),
        [(0, vec!["yaml]:7:13 routes by a condition drops some".to_owned()]), (1, vec![])]
    );
}

#[test]
fn tags_of_senders_are_not_known() {
    let pipeline = classic(
        "[INPUT]\n  Name forward\n[OUTPUT]\n  Name es\n  Match kube.*\n[OUTPUT]\n  Name loki\n  Match *\n",
    );
    let ways = ways(&pipeline, 0);
    assert!(ways[0].1[0].ends_with("the tags are those of the senders to forward unclear"));
    assert_eq!(ways[1], (1, vec![]));
}
