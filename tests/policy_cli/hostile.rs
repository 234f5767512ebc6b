//! Input that nobody writes in good faith, or that went wrong on its way: an end in seconds, with a message.

use std::fmt::Write as _;
use std::time::Duration;

use crate::support::tool::{Output, Tool};

const LIMIT: Duration = Duration::from_secs(10);

const HEADER: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";

/// The bytes as a policy, and as a table of tests for a policy that works.
fn as_policy(bytes: &[u8]) -> Output {
    let tool = Tool::new();
    std::fs::write(tool.home().join("input.yaml"), bytes).unwrap();
    tool.args(["policy", "eval", "-f", "input.yaml", "--method", "GET", "--url", "/"]).timeout(LIMIT).run()
}

fn as_table(bytes: &[u8]) -> Output {
    let tool = Tool::new();
    std::fs::write(tool.home().join("input.yaml"), bytes).unwrap();
    let policy = format!("{HEADER}rules: [{{level: None}}]");
    tool.args(["policy", "test", "-f", "-", "input.yaml"]).stdin(policy).timeout(LIMIT).run()
}

/// Ten lists, each of ten times the one before.
fn bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let list = vec![format!("*a{}", level - 1); 10].join(", ");
        let _ = writeln!(text, "a{level}: &a{level} [{list}]");
    }
    text
}

#[test]
fn texts_that_are_no_policy_and_no_table() {
    let deep = "[".repeat(100_000);
    let deep_maps = "{a: ".repeat(100_000);
    let closed = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let long_line = format!("{HEADER}rules: {}", "x".repeat(3_000_000));
    let bombs = format!("{}{}\n", bomb(), "b: *a9\n".repeat(300_000));
    let large = vec![b'#'; 10 << 20];
    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain("rules: []".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for (what, bytes) in [
        ("nothing", &b""[..]),
        ("blanks", b" \n\n"),
        ("a comment", b"# later\n"),
        ("a nought byte", b"\0"),
        ("control characters", b"apiVersion: \x1b[2Jx\x07\n"),
        ("no UTF-8", b"apiVersion: audit.k8s.io/v1\nkind: Pol\xFFicy\n"),
        ("UTF-16", &utf16),
        ("brackets", deep.as_bytes()),
        ("maps", deep_maps.as_bytes()),
        ("nested lists", closed.as_bytes()),
        ("aliases", bombs.as_bytes()),
        ("a long line", long_line.as_bytes()),
        ("ten mebibytes", &large),
    ] {
        println!("{what}");
        as_policy(bytes).expect_within(LIMIT).expect_refusal(&["input.yaml"]);
        as_table(bytes).expect_within(LIMIT).expect_refusal(&["input.yaml"]);
    }
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let policy = format!("{HEADER}rules:\n- level: \"\\e[2J\"\n  users: [\"\\u202Ex\"]\n");
    let table = "tests:\n- name: \"\\e[2J\\u202E\"\n  request: {user: \"a\\e[1m\", verb: get, resource: pods}\n  level: Metadata\n";
    for output in [as_policy(policy.as_bytes()), as_table(table.as_bytes())] {
        assert!(matches!(output.code, Some(1 | 2)), "{output:#?}");
        for text in [&output.stdout, &output.stderr] {
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
        }
    }
}

#[test]
fn a_bomb_in_a_policy_that_is_one() {
    // Unknown keys are dropped by the server, but their values are read first.
    let policy = format!("{HEADER}rules:\n- level: None\n{}", bomb());
    let output = as_policy(policy.as_bytes());
    output.expect_within(LIMIT);
    assert!(matches!(output.code, Some(0 | 2)), "{output:#?}");
}

#[test]
fn keys_given_twice_are_told_of() {
    let policy = format!("{HEADER}rules:\n- level: None\n  level: Metadata\n");
    let output = as_policy(policy.as_bytes());
    output.expect_code(0);
    assert!(output.stderr.contains("input.yaml:5:3") && output.stdout.contains("Metadata"), "{output:#?}");
}

#[test]
fn files_that_cannot_be_read() {
    for (path, words) in [("folder", &["folder", "give a file"][..]), ("missing.yaml", &["missing.yaml"])] {
        let tool = Tool::new();
        std::fs::create_dir(tool.home().join("folder")).unwrap();
        tool.args(["policy", "eval", "--method", "GET", "--url", "/", "-f", path])
            .run()
            .expect_refusal(words);
        let tool = Tool::new();
        std::fs::create_dir(tool.home().join("folder")).unwrap();
        tool.args(["policy", "test", path]).run().expect_refusal(words);
    }
}

#[test]
fn ten_thousand_rules_are_decided_in_seconds() {
    let mut policy = format!("{HEADER}rules:\n");
    for number in 0..10_000 {
        let _ = writeln!(
            policy,
            "- {{level: Metadata, users: [u{number}], verbs: [get], resources: [{{group: g{number}, resources: [r]}}]}}"
        );
    }
    let tool = Tool::new();
    std::fs::write(tool.home().join("policy.yaml"), policy).unwrap();
    let requests: String = (0..10_000)
        .map(|number| format!("{{\"user\": \"u{number}\", \"verb\": \"get\", \"apiGroup\": \"g{number}\", \"resource\": \"r\", \"isResourceRequest\": true}}\n"))
        .collect();
    let output = tool
        .args(["policy", "eval", "-f", "policy.yaml", "--requests", "-", "-o", "jsonl"])
        .stdin(requests)
        .timeout(LIMIT)
        .run();
    output.expect_code(0).expect_within(LIMIT);
    let last = output.stdout.lines().last().unwrap();
    assert!(last.contains("\"matchedRule\":9999"), "{last}");
}
