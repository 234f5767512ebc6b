use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::analyze::policy::Level;

const HEAD: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";

fn policy(rest: &str) -> Loaded {
    load(format!("{HEAD}{rest}").as_bytes(), "policy.yaml", NEWEST)
}

fn at_version(minor: u32, text: &str) -> Loaded {
    load(text.as_bytes(), "policy.yaml", Version::new(1, minor))
}

#[track_caller]
fn warning(rest: &str, field: &str, words: &str) {
    let loaded = policy(rest);
    assert!(loaded.is_valid(), "{:?}", loaded.errors);
    let found = loaded.warnings.iter().find(|warning| warning.field == field);
    assert!(found.is_some_and(|found| found.message.contains(words)), "{:#?}", loaded.warnings);
}

#[track_caller]
fn refused(loaded: &Loaded, field: &str, words: &str) {
    assert!(!loaded.is_valid());
    let found = loaded.errors.iter().find(|error| error.field == field);
    assert!(found.is_some_and(|found| found.message.contains(words)), "{:#?}", loaded.errors);
}

#[test]
fn dropped_keys_tell_what_they_widen() {
    let resources = "rules:\n- level: Metadata\n  resources:\n";
    warning("rules:\n- level: None\n  user: [a]\n", "rules[0].user", "any user (did you mean `users`?)");
    warning("rules:\n- level: None\n  users: [b]\n  user: [a]\n", "rules[0].user", "only `users` counts");
    warning("rules:\n- level: None\n  verb: [get]\n", "rules[0].verb", "any verb");
    warning("rules:\n- level: None\n  namespace: [a]\n", "rules[0].namespace", "any namespace");
    warning("rules:\n- level: None\n  urls: [/a]\n", "rules[0].urls", "not limited to these paths");
    warning("rules:\n- level: None\n  name: x\n", "rules[0].name", "as if it were not there");
    warning(
        &format!("{resources}  - group: apps\n    resource: [pods]\n"),
        "rules[0].resources[0].resource",
        "covers the whole API group `apps`",
    );
    warning(
        &format!("{resources}  - verbs: [get]\n"),
        "rules[0].resources[0].verbs",
        "any verb (`verbs` belongs into the rule",
    );
    warning(
        &format!("{resources}  - omitStages: [Panic]\n"),
        "rules[0].resources[0].omitStages",
        "no effect here",
    );
    warning(
        &format!("{resources}  - apiGroups: [apps]\n    resources: [x]\n"),
        "rules[0].resources[0].apiGroups",
        "the core group",
    );
    warning("level: None\nrules: [{level: None}]\n", "level", "only rules have it");
    warning("rules:\n- level: None\n  level: Request\n", "rules[0].level", "already given in line 4");
}

#[test]
fn places_are_those_of_keys_and_items() {
    let loaded = policy(
        "rules:\n- level: None\n  users: [a, b]\n  resources:\n  - group: ''\n    resources: [pods]\n",
    );
    let place = |path| loaded.places.get(path).map(|at| (at.line, at.column));
    assert_eq!(place("rules"), Some((3, 1)));
    assert_eq!(place("rules[0]"), Some((4, 3)));
    assert_eq!(place("rules[0].users"), Some((5, 3)));
    assert_eq!(place("rules[0].users[1]"), Some((5, 14)));
    assert_eq!(place("rules[0].resources[0].group"), Some((7, 5)));
    assert_eq!(place("rules[1]"), None);
    assert_eq!(place("rules[0].users[x]"), None);
    assert_eq!(loaded.places.nearest("rules[0].users[7]"), At { line: 5, column: 10 });
    assert_eq!(loaded.places.rules().len(), 1);
}

#[test]
fn problems_are_drawn_into_the_text() {
    let text = format!("{HEAD}rules:\n- level: metadata\n");
    let loaded = load(text.as_bytes(), "policy.yaml", NEWEST);
    let drawn = loaded.errors[0].render(&text, "policy.yaml");
    assert_eq!((loaded.errors[0].line, loaded.errors[0].column), (4, 10));
    assert!(drawn.starts_with("error: rules[0].level: \"metadata\" is no level"), "{drawn}");
    assert!(drawn.contains("did you mean `Metadata`?"), "{drawn}");
    assert!(drawn.contains("policy.yaml:4:10") && drawn.contains("^^^^^^^^"), "{drawn}");
    // A place that the text does not have, and a line too long to show.
    assert!(loaded.errors[0].render("", "policy.yaml").contains("policy.yaml:4:10"));
    loaded.errors[0].render("short", "policy.yaml");
}

#[test]
fn older_servers_load_as_they_did() {
    let any = format!("{HEAD}rules: [{{level: None, resources: [{{group: '*'}}]}}]\n");
    assert!(at_version(36, &any).is_valid());
    refused(&at_version(35, &any), "rules[0].resources[0].group", "only since Kubernetes 1.36");
    let beta = "apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules: [{level: None}]\n";
    assert!(at_version(23, beta).is_valid());
    refused(&at_version(24, beta), "apiVersion", "removed in Kubernetes 1.24");
    let managed = format!("{HEAD}omitManagedFields: 1\nrules: [{{level: None, omitManagedFields: true}}]\n");
    refused(&at_version(23, &managed), "omitManagedFields", "true or false");
    let old = at_version(20, &managed);
    assert_eq!(old.policy.as_ref().and_then(|policy| policy.rules[0].omit_managed_fields), None);
    assert_eq!(old.warnings.len(), 2);
}

#[test]
fn json_is_read_as_json_only() {
    let text = r#"{"apiVersion":"audit.k8s.io/v1","kind":"Policy","rules":[{"level":"None","users":["\ud83d\ude00\u0041\ud800"]}]}"#;
    let loaded = load(text.as_bytes(), "policy.json", NEWEST);
    assert_eq!(loaded.policy.unwrap().rules[0].users, ["\u{1f600}A\u{fffd}"]);
    assert_eq!(loaded.places.get("rules[0].users"), Some(At { line: 1, column: 74 }));
    for text in [
        "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: None}]}",
        r#"{"a":"b",}"#,
        r#"{"a":01}"#,
        r#"{"a":1.}"#,
        r#"{"a":tru}"#,
        r#"{"a":"\x"}"#,
        "{\"a\":\"\t\"}",
        r#"{"a":"b"#,
        r#"{"a" "b"}"#,
        r#"{"a":[1 2]}"#,
        "{",
    ] {
        let loaded = load(text.as_bytes(), "policy.json", NEWEST);
        assert_eq!(loaded.errors[0].kind, ProblemKind::Syntax, "{text}: {:?}", loaded.errors);
    }
    // A repeated key is laid over the earlier one.
    let text = r#"{"apiVersion":"audit.k8s.io/v1","rules":[{"level":"None","users":["a"]}],"rules":[{"level":"Request"}]}"#;
    let rule = load(text.as_bytes(), "policy.json", NEWEST).policy.unwrap().rules.remove(0);
    assert_eq!((rule.level, rule.users), (Level::Request, vec!["a".to_owned()]));
}

#[test]
fn yaml_is_read_as_go_yaml_reads_it() {
    // Merge keys take effect where they stand.
    let loaded = policy(
        "rules:\n- &a {level: None, users: [x]}\n- level: Request\n  <<: *a\n- <<: [{level: Metadata}, *a]\n",
    );
    let rules = loaded.policy.unwrap().rules;
    assert_eq!(
        rules.iter().map(|rule| rule.level).collect::<Vec<_>>(),
        [Level::None, Level::None, Level::Metadata]
    );
    refused(&policy("rules:\n- <<: x\n"), "", "merge key");
    // In other encodings.
    let text = format!("{HEAD}rules: [{{level: None}}]\n");
    let mut utf16 = vec![0xFF, 0xFE];
    utf16.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    assert!(load(&utf16, "policy.yaml", NEWEST).is_valid());
    utf16.push(0);
    assert!(!load(&utf16, "policy.yaml", NEWEST).is_valid());
    assert!(load(format!("\u{feff}{text}").as_bytes(), "policy.yaml", NEWEST).is_valid());
    let mut bytes = text.clone().into_bytes();
    bytes.extend(b"# \xff\n");
    refused(&load(&bytes, "policy.yaml", NEWEST), "", "not UTF-8");
    // What follows the first document does not count.
    bytes.splice(text.len().., b"---\na: \xff \x01\n".iter().copied());
    assert!(load(&bytes, "policy.yaml", NEWEST).is_valid());
    // JSON has no infinity.
    refused(&policy("a: .inf\nrules: [{level: None}]\n"), "", "JSON does not have");
    refused(
        &policy("metadata: {generation: 1.5}\nrules: [{level: None}]\n"),
        "metadata.generation",
        "whole number",
    );
    assert!(policy("metadata: {generation: 1.0, labels: {a: b}}\nrules: [{level: None}]\n").is_valid());
}

#[test]
fn hostile_texts_end_with_a_message() {
    let nested = |open: &str, close: &str, depth: usize| {
        format!("{HEAD}x: {}{}\nrules: [{{level: None}}]\n", open.repeat(depth), close.repeat(depth))
    };
    let mut bomb = format!("{HEAD}x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n");
    for level in 1..12 {
        let last = format!("*x{}, ", level - 1).repeat(10);
        writeln!(bomb, "x{level}: &x{level} [{last}]").unwrap();
    }
    let mut merges = format!("{HEAD}x0: &x0 {{a: 1, b: 2}}\n");
    for level in 1..40 {
        writeln!(merges, "x{level}: &x{level}\n  <<: [*x{0}, *x{0}]\n  k{level}: 1", level - 1).unwrap();
    }
    let rule = format!("- &r {{level: None, users: [{}]}}\n", "u, ".repeat(2000));
    let cases = [
        nested("[", "]", 12_000),
        nested("{a: ", "}", 12_000),
        format!("{HEAD}x:\n{}", "- ".repeat(12_000)),
        format!("{{\"a\":{}", "[".repeat(12_000)),
        format!("{bomb}rules: [{{level: None}}]\n"),
        format!("{HEAD}rules:\n{rule}{}", "- *r\n".repeat(20_000)),
        format!("{HEAD}rules:\n- level: \"{}\"\n", "x".repeat(2_000_000)),
        format!("{HEAD}rules:\n- level: None\n  users: [\"\0\"]\n"),
        "a".repeat(MAX_BYTES + 1),
        "\0".repeat(1000),
        "*".repeat(1000),
        "? ".repeat(1000),
        "&a ".repeat(1000),
        "\t".repeat(1000),
        "%".repeat(1000),
        "!".repeat(100_000),
        "'".repeat(100_001),
    ];
    for text in cases {
        let loaded = load(text.as_bytes(), "policy.yaml", NEWEST);
        let shown: String = text.chars().take(80).collect();
        assert!(!loaded.is_valid() && !loaded.errors.is_empty(), "{shown}");
        assert!(loaded.errors.iter().all(|error| error.message.len() < 500), "{shown}");
        for error in &loaded.errors {
            assert!(error.render(&text, "policy.yaml").len() < 20_000, "{shown}");
        }
    }
    // Merging the same mapping over and over adds nothing.
    assert!(load(format!("{merges}rules: [{{level: None}}]\n").as_bytes(), "policy.yaml", NEWEST).is_valid());
    // The server goes as deep.
    assert!(load(nested("[", "]", 9_000).as_bytes(), "policy.yaml", NEWEST).is_valid());
    let many = policy(&format!("rules:\n{}", "- {level: None, x: 1, y: 2}\n".repeat(10_000)));
    assert_eq!(many.policy.unwrap().rules.len(), 10_000);
    assert!(many.warnings.len() <= 200 && many.warnings.last().unwrap().message.ends_with("more problems)"));
}

const VALID: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- &a\n  level: None\n  users: ['a', \"b\"]\n  resources:\n  - group: ''\n    resources: [pods, '*/log']\n    resourceNames: [x]\n- <<: *a\n  level: Metadata\n- level: RequestResponse\n  nonResourceURLs:\n  - /healthz*\n  omitManagedFields: yes\n";

fn check_anything(bytes: &[u8]) {
    let loaded = load(bytes, "policy.yaml", NEWEST);
    assert_eq!(loaded.is_valid(), loaded.errors.is_empty());
    assert_eq!(loaded, load(bytes, "policy.yaml", NEWEST));
    let text = readable(bytes);
    for problem in loaded.errors.iter().chain(&loaded.warnings).take(5) {
        problem.render(&text, "policy.yaml");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_loaded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        check_anything(&bytes);
    }

    #[test]
    fn any_signs_are_loaded_or_refused(text in "[-a{}\\[\\]:,&*!|>'\"%@`#? \n\t0<~.\\\\]{0,80}") {
        check_anything(text.as_bytes());
        check_anything(format!("{HEAD}{text}").as_bytes());
    }

    #[test]
    fn changed_policies_are_loaded_or_refused(
        changes in proptest::collection::vec((0..VALID.len(), 0..8_usize, "[-a{}\\[\\]:,&*!|>'\"%#? \n\t0<~\u{1}é]{0,4}"), 1..6)
    ) {
        let mut bytes = VALID.as_bytes().to_vec();
        for (at, removed, added) in changes {
            let at = at.min(bytes.len());
            let end = (at + removed).min(bytes.len());
            bytes.splice(at..end, added.bytes());
        }
        check_anything(&bytes);
    }
}
