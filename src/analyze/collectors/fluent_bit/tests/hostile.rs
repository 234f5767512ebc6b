use super::*;
use proptest::prelude::*;

fn both(text: &str) {
    for name in ["fluent-bit.conf", "fluent-bit.yaml", "config"] {
        let _ = read(&config(&[(name, text), ("other.conf", text)]));
    }
}

#[test]
fn large_and_deep_texts_end() {
    for text in ["[", "*", "a", " ", "\n", "[]\n", "${", "- "] {
        both(&text.repeat(4 * 1024 * 1024 / text.len()));
    }
    both(&"[".repeat(10_000));
    both(&"a: ".repeat(10_000));
    let nested: String = (0..10_000).flat_map(|depth| [" ".repeat(depth % 200), "a:\n".to_owned()]).collect();
    both(&nested);
    both(&"x".repeat(5 * 1024 * 1024));
}

#[test]
fn many_inputs_filters_and_outputs_end() {
    let section = |kind: &str, name: &str| {
        format!(
            "[{kind}]\n  Name {name}\n  Tag x.*\n  Path /a/*/b\n  Match x.*a*\n  Rule $log a b.$TAG false\n"
        )
    };
    both(&section("INPUT", "tail").repeat(5000));
    let text = section("INPUT", "tail").repeat(600)
        + &section("FILTER", "lua").repeat(600)
        + &section("OUTPUT", "es").repeat(600);
    let pipeline = read(&config(&[("fluent-bit.conf", &text)])).unwrap();
    assert_eq!(pipeline.outputs.len(), 600);
    both(
        &(section("INPUT", "tail")
            + &section("FILTER", "rewrite_tag").repeat(600)
            + &section("OUTPUT", "es").repeat(600)),
    );
    let rules = "  Rule $log a kube.$TAG true\n".repeat(100);
    both(&format!(
        "[INPUT]\n  Name tail\n  Tag kube.*\n  Path /a\n[FILTER]\n  Name rewrite_tag\n  Match *\n{rules}[OUTPUT]\n  Name es\n  Match *\n"
    ));
    both(&format!(
        "[INPUT]\n  Name tail\n  Path {}\n[OUTPUT]\n  Name es\n  Match *\n",
        "/a/*,".repeat(500_000)
    ));
}

#[test]
fn includes_in_circles_end() {
    let files = [
        ("fluent-bit.conf", "@INCLUDE a.conf\n"),
        ("a.conf", "@INCLUDE b.conf\n"),
        ("b.conf", "@INCLUDE a.conf\n"),
    ];
    assert!(read(&config(&files)).unwrap_err().why.contains("a second time"));
    let files = [("fluent-bit.yaml", "includes: [a.yaml]\n"), ("a.yaml", "includes: ['*.yaml']\n")];
    assert!(read(&config(&files)).unwrap_err().why.contains("a second time"));
}

fn token() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "[INPUT]\n",
        "[FILTER]\n",
        "[OUTPUT]\n",
        "[SERVICE]\n",
        "[X]\n",
        "  Name tail\n",
        "  Name es\n",
        "  Name grep\n",
        "  Name rewrite_tag\n",
        "  Name kubernetes\n",
        "  Name forward\n",
        "  Tag kube.*\n",
        "  Tag ${X}\n",
        "  Match *\n",
        "  Match kube.*\n",
        "  Match_Regex ^(a|b)\\..*$\n",
        "  Match_Regex ((((\n",
        "  Path /a/*,/b\n",
        "  Rule $log .* a.$TAG[ false\n",
        "  Rule\n",
        "  Regex log\n",
        "  Exclude $x['y'] /a/i\n",
        "  Host a:b@c:1\n",
        "  tls on\n",
        "  storage.type filesystem\n",
        "    [g]\n",
        "      k v\n",
        "@INCLUDE *\n",
        "@INCLUDE other.conf\n",
        "@SET a=b\n",
        "@X\n",
        "pipeline:\n",
        "  inputs:\n",
        "    - name: tail\n",
        "      path: /a\n",
        "  filters:\n",
        "  outputs:\n",
        "      match: '*'\n",
        "      processors: {logs: [{name: sql}]}\n",
        "      routes: {logs: [{to: {outputs: [es]}}]}\n",
        "includes: [other.conf]\n",
        "service: {a: 1}\n",
        "env: [1]\n",
        "---\n",
        "\t",
        "ü",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn any_text_ends(text in any::<String>()) {
        both(&text);
    }

    #[test]
    fn any_soup_of_tokens_ends(tokens in prop::collection::vec(token(), 0..40)) {
        both(&tokens.concat());
    }
}
