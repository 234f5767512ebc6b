use proptest::prelude::*;
use serde_json::json;

use super::*;

fn values(text: &str) -> Vec<Value> {
    let parsed = parse(text);
    assert_eq!(parsed.faults, [], "{text}");
    parsed.trees.into_iter().map(|tree| tree.document("f").value).collect()
}

fn one(text: &str) -> Document {
    let parsed = parse(text);
    assert_eq!(parsed.faults, [], "{text}");
    parsed.trees.into_iter().next().unwrap().document("f.yaml")
}

fn faults(text: &str) -> Vec<String> {
    parse(text).faults.iter().map(ToString::to_string).collect()
}

#[test]
fn scalars_are_what_kubernetes_takes_them_for() {
    for (text, expected) in [
        ("yes", json!(true)),
        ("On", json!(true)),
        ("n", json!(false)),
        ("OFF", json!(false)),
        ("'yes'", json!("yes")),
        ("\"on\"", json!("on")),
        ("0644", json!(420)),
        ("'0644'", json!("0644")),
        ("0x1F", json!(31)),
        ("1_000", json!(1000)),
        ("089", json!(89)),
        ("1e3", json!(1000)),
        ("1.5", json!(1.5)),
        ("2.0", json!(2)),
        ("~", json!(null)),
        ("NULL", json!(null)),
        ("2026-11-21", json!("2026-11-21")),
        ("12:30:45", json!("12:30:45")),
        (".inf", json!(".inf")),
        ("!Custom x", json!("x")),
        ("!!str 1", json!("1")),
        ("!!binary aGk=", json!("aGk=")),
        ("[a, null]", json!(["a", null])),
        ("|\n  a: b\n", json!("a: b\n")),
    ] {
        assert_eq!(one(&format!("k: {text}")).value, json!({"k": expected}), "{text}");
    }
}

#[test]
fn fields_know_where_they_stand() {
    let document =
        one("# c\nspec:\n  containers:\n    - name: a\n      command: [x, \"y\"]\n    - {name: b}\nü: 1\n");
    let at = |path: &str| document.place.field(path);
    assert_eq!(document.place.at, "f.yaml:2:1");
    assert_eq!(at("spec.containers"), "f.yaml:3:3");
    assert_eq!(at("spec.containers[0]"), "f.yaml:4:7");
    assert_eq!(at("spec.containers[0].command"), "f.yaml:5:7");
    assert_eq!(at("spec.containers[0].command[1]"), "f.yaml:5:20");
    assert_eq!(at("spec.containers[1].name"), "f.yaml:6:8");
    assert_eq!(at("ü"), "f.yaml:7:1");
    assert_eq!(at("nowhere"), "f.yaml:2:1 nowhere");
}

#[test]
fn the_last_of_equal_keys_counts() {
    let document = one("a:\n  x: 1\n  y: 2\nb: 0\na:\n  x: 3\n");
    assert_eq!(document.value, json!({"b": 0, "a": {"x": 3}}));
    assert_eq!(document.place.field("a.x"), "f.yaml:6:3");
    assert_eq!(document.place.field("a.y"), "f.yaml:1:1 a.y");
}

#[test]
fn aliases_and_merge_keys_stand_where_they_were_written() {
    let document = one("base: &b\n  x: 1\n  y: [p]\nuse:\n  <<: *b\n  x: 2\nagain: *b\n");
    assert_eq!(document.value["use"], json!({"x": 2, "y": ["p"]}));
    assert_eq!(document.value["again"], json!({"x": 1, "y": ["p"]}));
    assert_eq!(document.place.field("use.y"), "f.yaml:3:3");
    assert_eq!(document.place.field("again"), "f.yaml:7:1");
    assert_eq!(document.place.field("again.y[0]"), "f.yaml:3:7");
}

#[test]
fn documents_are_separated_as_yaml_says() {
    let text =
        "\u{feff}---\r\na: 1\r\n--- # next\r\n# only a comment\r\n---\r\nnull\r\n---\r\nb:\r\n- 2\r\n...\r\n";
    assert_eq!(values(text), [json!({"a": 1}), json!({"b": [2]})]);
    let parsed = parse(text);
    assert_eq!(parsed.trees.into_iter().nth(1).unwrap().document("f").place.field("b[0]"), "f:9:3");
    assert_eq!(values("%YAML 1.2\n---\na: 1\n"), [json!({"a": 1})]);
    assert_eq!(values("--- {a: 1}\n--- {a: 2}\n").len(), 2);
    assert_eq!(values("a: |\n  ---\n  x\n"), [json!({"a": "---\nx\n"})]);
    for nothing in ["", "  \n", "---\n", "# c\n", "\u{feff}", "---\n---\n"] {
        assert!(values(nothing).is_empty(), "{nothing:?}");
    }
}

#[test]
fn a_broken_document_does_not_hide_the_others() {
    let text = "a: 1\n---\nb: {{ .Values.b }}\nc: 2\n---\nd: 3\n---\ne:\n\t- 4\n---\nf: [5\n---\ng: 6\n";
    let parsed = parse(text);
    let documents: Vec<_> = parsed.trees.into_iter().map(|tree| tree.document("f")).collect();
    let values: Vec<_> = documents.iter().map(|document| document.value.clone()).collect();
    assert_eq!(values, [json!({"a": 1}), json!({"d": 3}), json!({"g": 6})]);
    assert_eq!(documents[1].place.field("d"), "f:6:1");
    let positions: Vec<_> = parsed.faults.iter().map(|fault| fault.line).collect();
    assert_eq!(positions, [3, 9, 11], "{:?}", parsed.faults);
    let template = &parsed.faults[0];
    assert!(template.message.contains("template, `{{`"), "{template}");
}

#[test]
fn faults_are_one_line_with_a_position() {
    for (text, expected) in [
        ("a: b: c", "1:5: not valid YAML: mapping values are not allowed"),
        ("a:\n\t- b", "2:2: not valid YAML: tabs disallowed"),
        ("a: 'x", "1:4: not valid YAML: unclosed quote"),
        ("a: *x", "1:4: not valid YAML: alias references unknown anchor"),
        ("? [a]\n: b", "1:3: not valid YAML: expected string scalar"),
        ("{\"a\": 1,", "1:8: not valid JSON: EOF"),
        ("[{\"a\": 1}", "1:9: not valid JSON: EOF"),
    ] {
        let faults = faults(text);
        assert!(faults[0].starts_with(expected), "{faults:?}");
        assert!(!faults[0].contains('\n'));
    }
}

#[test]
fn json_is_read_without_positions() {
    let parsed = parse("{\"a\": 1}\n{\"b\": [2]}[3]");
    assert_eq!(parsed.faults, []);
    let documents: Vec<_> = parsed.trees.into_iter().map(|tree| tree.document("f")).collect();
    assert_eq!(documents.len(), 3);
    assert_eq!(documents[1].place, Place::of("f"));
    // YAML in flow style, and JSON between separators.
    assert_eq!(one("{a: yes}").value, json!({"a": true}));
    assert_eq!(values("{\"a\": 1}\n---\n{\"a\": 2}\n").len(), 2);
    // What came before a break is kept.
    let parsed = parse("{\"a\": 1}\n{\"b\": ");
    assert_eq!((parsed.trees.len(), parsed.faults.len()), (1, 1));
}

#[test]
fn container_logs_in_a_dump_are_passed_over() {
    let dump = "{\n  \"kind\": \"NodeList\"\n}\n==== START logs for container c of pod n/p ====\n{ not: [json\n==== END logs \
                for container c of pod n/p ====\n{\"kind\": \"PodList\"}\n";
    assert_eq!(values(dump), [json!({"kind": "NodeList"}), json!({"kind": "PodList"})]);
}

#[test]
fn nesting_and_aliases_have_limits() {
    let nested =
        |depth: usize| (0..depth).fold(String::new(), |text, level| text + &" ".repeat(level) + "a:\n");
    assert_eq!(one(&nested(MAX_DEPTH)).place.marks.len(), MAX_DEPTH);
    assert!(faults(&nested(MAX_DEPTH + 1))[0].ends_with("nested more than 128 levels deep"));
    assert!(!faults(&"[".repeat(100_000)).is_empty());
    assert!(!faults(&"{\"a\":".repeat(100_000)).is_empty());
    let bomb: String = (1..40)
        .fold("a0: &a0 [x, x]\n".into(), |text, n| format!("{text}a{n}: &a{n} [*a{m}, *a{m}]\n", m = n - 1));
    assert!(faults(&bomb)[0].contains("more values or aliases"));
}

#[test]
fn a_text_inside_a_field_is_located_in_the_field() {
    let outer = one("data:\n  key: |\n    a:\n      b: 1\n");
    let name = inner_name(&outer.place, "data.key");
    let (documents, faults) = nested("a:\n  b: 1\n", &name);
    assert!(faults.is_empty());
    assert_eq!(documents[0].place.field("a.b"), "f.yaml:2:3 data.key:2:3");
    assert_eq!(inner_name(&Place::of("ConfigMap n/c"), "data.key"), "ConfigMap n/c data.key");
}

const SAMPLE: &str = "apiVersion: v1\nkind: List\nitems:\n- &x {a: [1, yes, ~], b: \"c\\n\"}\n- <<: *x\n  d: |\n    e\n...\n---\nf: 'g'\n";

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        parse(&text);
    }

    #[test]
    fn any_yamlish_text_is_read_or_refused(text in "([-a:{}\\[\\]&*!|>'\"#%, \n\t?<0-9]|\r\n|---\n){0,200}") {
        let parsed = parse(&text);
        for tree in parsed.trees {
            tree.document("f");
        }
        for fault in parsed.faults {
            prop_assert!(fault.line >= 1 && fault.column >= 1);
            prop_assert!(fault.line <= text.lines().count() as u64 + 1);
        }
    }

    #[test]
    fn a_damaged_sample_is_read_or_refused(position in 0..SAMPLE.len(), length in 0..8usize, with in "\\PC{0,4}") {
        let mut text = SAMPLE.to_owned();
        let end = (position + length).min(text.len());
        text.replace_range(position..end, &with);
        parse(&text);
    }

    #[test]
    fn json_values_survive(text in "[a-z0-9: \\-#]{0,20}", number in any::<i64>(), flag in any::<bool>()) {
        let value = json!({"t": text, "n": number, "f": flag, "l": [text, null]});
        let yaml = serde_yaml::to_string(&value).unwrap();
        prop_assert_eq!(&one(&yaml).value, &value, "{}", yaml);
        prop_assert_eq!(one(&value.to_string()).value, value);
    }
}
