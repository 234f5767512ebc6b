//! Generated documents: what the program says of itself must be what stands in the repository. `UPDATE_DOCS=1` writes them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use logaudit::check::{Check, CheckSet, load};
use logaudit::config::environment::VARIABLES;
use logaudit::config::thresholds::THRESHOLDS;
use logaudit::framework::conflicts::{Conflicts, by_reason};
use logaudit::framework::{self, frameworks};
use logaudit::snapshot::cloud::CloudProvider;

use crate::support::tool::Tool;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Compares a document with what it must be, or writes it.
fn generated(path: &str, expected: &str) {
    let file = root().join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, expected).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == expected,
        "{path} is not what the program says; run UPDATE_DOCS=1 .ci/test and look at the difference"
    );
}

/// The same for the part of a document between two markers.
pub(crate) fn generated_part(path: &str, marker: &str, expected: &str) {
    let (begin, end) = (format!("<!-- begin {marker} -->\n"), format!("<!-- end {marker} -->"));
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{path} has no {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{path} has no {end}"));
    generated(path, &format!("{before}{begin}{expected}{end}{after}"));
}

fn checks() -> CheckSet {
    load::builtin().unwrap_or_else(|faults| panic!("{}", faults[0]))
}

fn by_category(set: &CheckSet) -> Vec<(&str, Vec<&Check>)> {
    let mut categories: Vec<(&str, Vec<&Check>)> = Vec::new();
    for check in set.active() {
        match categories.iter_mut().find(|(category, _)| *category == check.category) {
            Some((_, checks)) => checks.push(check),
            None => categories.push((&check.category, vec![check])),
        }
    }
    categories
}

#[test]
fn the_schemas_are_those_of_the_types() {
    let pretty = |value: serde_json::Value| serde_json::to_string_pretty(&value).unwrap() + "\n";
    generated("docs/report.schema.json", &pretty(logaudit::report::json::schema()));
    generated("docs/policy-check.schema.json", &pretty(logaudit::cli::check_schema()));
    generated("docs/policy-coverage.schema.json", &pretty(logaudit::report::matrix::schema()));
    generated("docs/policy-diff.schema.json", &pretty(logaudit::report::difference::schema()));
    generated("docs/config.schema.json", &pretty(logaudit::config::file::schema()));
    generated("docs/diff.schema.json", &pretty(logaudit::report::change::schema()));
    generated("docs/facts.schema.json", &pretty(logaudit::analyze::schema()));
}

#[test]
fn the_check_reference_is_that_of_the_checks() {
    let set = checks();
    let mut out = String::from(
        "# Checks\n\nGenerated from `checks/`. `kubectl logaudit checks show ID` prints the same.\n",
    );
    for (category, checks) in by_category(&set) {
        let _ = write!(
            out,
            "\n## {category}\n\n| id | severity | what should be so | themes |\n| --- | --- | --- | --- |\n"
        );
        for check in &checks {
            let id = &check.id;
            let _ = writeln!(
                out,
                "| [{id}](#{}) | {} | {} | {} |",
                id.to_lowercase(),
                check.severity,
                check.title,
                check.themes.join(", ")
            );
        }
        for check in checks {
            let _ = write!(out, "\n### {}\n\n**{}** ({})\n", check.id, check.title, check.severity);
            for (heading, text) in [
                ("What is checked", &check.what),
                ("Why it matters", &check.why),
                ("How to fix", &check.fix),
                ("When it is fine", &check.fine_when),
            ] {
                let _ = write!(out, "\n*{heading}.* {}\n", text.trim());
            }
            let _ = write!(out, "\n```cel\n{}\n```\n", check.pass.expression.source.trim());
            if !check.params.is_empty() {
                let params: Vec<String> =
                    check.params.iter().map(|(name, value)| format!("`{name}` = {value}")).collect();
                let _ = write!(out, "\nParameters: {}\n", params.join(", "));
            }
        }
    }
    generated("docs/checks.md", &out);
}

#[test]
fn the_page_on_requests_is_that_of_the_catalogue() {
    generated("docs/requests.md", &logaudit::cli::requests_page());
}

#[test]
fn the_page_on_the_configuration_lists_every_threshold() {
    let rows = THRESHOLDS.iter().map(|threshold| {
        let sets: Vec<String> =
            threshold.sets.iter().map(|target| format!("`{}` {}", target.check, target.param)).collect();
        format!("| `{}`: {} | {} |\n", threshold.id, threshold.what, sets.join(", "))
    });
    generated_part(
        "docs/config.md",
        "thresholds",
        &format!("| threshold | sets |\n| --- | --- |\n{}", rows.collect::<String>()),
    );
    let page = std::fs::read_to_string(root().join("docs/config.md")).unwrap();
    for (variable, _) in VARIABLES {
        assert!(page.contains(&format!("`{variable}`")), "{variable}");
    }
}

#[test]
fn the_page_on_clouds_lists_every_question() {
    let mut out = String::new();
    for provider in CloudProvider::ALL {
        let _ = write!(
            out,
            "\n### {}\n\n| question | what | asked with | permission |\n| --- | --- | --- | --- |\n",
            provider.title()
        );
        for call in provider.calls() {
            let id = call.id.replace('/', "-");
            let _ = writeln!(out, "| `{id}` | {} | `{}` | `{}` |", call.what, call.command, call.permission);
        }
    }
    generated_part("docs/cloud.md", "questions", &(out + "\n"));
}

#[test]
fn the_framework_reference_is_that_of_the_frameworks() {
    let set = checks();
    let frameworks = frameworks();
    let conflicts = Conflicts::of(&frameworks);
    let mut out = String::from(
        "# Frameworks\n\nOf every framework here stands what it demands of logging, auditing, monitoring and keeping logs. A control that demands \
         more is answered for that part. Titles are in our own words.\n\nGenerated from `checks/frameworks/`. `kubectl logaudit frameworks show ID` prints the same; \
         [own-frameworks.md](own-frameworks.md) tells how to add your own.\n\n\
         | framework | reported | controls |\n| --- | --- | --- |\n",
    );
    for framework in &frameworks {
        let on = framework.distribution.as_ref().map(|name| format!(" on {name}")).unwrap_or_default();
        let reported = if framework.default { "without being asked for" } else { "with `--framework`" };
        let _ = writeln!(
            out,
            "| [{}](#{}) | {reported}{on} | {} |",
            framework.name,
            framework.id,
            framework.controls().len()
        );
    }
    out.push_str("\n## Themes\n\nWhich checks answer which theme, and what of it they leave open.\n\n| theme | what | answered by |\n| --- | --- | --- |\n");
    for theme in load::THEMES.iter() {
        let ids: Vec<&str> = set
            .active()
            .filter(|check| check.themes.contains(&theme.id))
            .map(|check| check.id.as_str())
            .collect();
        let answered = if ids.is_empty() { "not examined yet".to_owned() } else { ids.join(" ") };
        let open = theme.not_yet.as_ref().map(|open| format!(" Left open: {open}.")).unwrap_or_default();
        let _ = writeln!(
            out,
            "| <a id=\"{}\"></a>{} | {}{open} | {answered} |",
            theme.id.to_lowercase(),
            theme.id,
            theme.what
        );
    }
    for framework in &frameworks {
        let editions: Vec<&str> = framework.editions.iter().map(|edition| edition.id.as_str()).collect();
        let _ = write!(
            out,
            "\n<a id=\"{}\"></a>\n\n## {}\n\n`{}`, editions {}. Source: {}.\n\n| control | what it asks for | answered by |\n| --- | --- | --- |\n",
            framework.id,
            framework.name,
            framework.id,
            editions.join(", "),
            framework.source
        );
        let mut told: Vec<String> = Vec::new();
        for control in framework.controls() {
            let mut answers: Vec<String> =
                control.themes.iter().map(|theme| format!("[{theme}](#{})", theme.to_lowercase())).collect();
            for reference in &control.checks {
                let params: Vec<String> =
                    reference.params.iter().map(|(name, value)| format!("{name} {value}")).collect();
                let mut answer = if params.is_empty() {
                    reference.id.clone()
                } else {
                    format!("{} ({})", reference.id, params.join(", "))
                };
                if reference.precondition {
                    answer.push_str(" (can only fail it)");
                }
                answers.push(answer);
            }
            for reference in framework::of_classes(&set, &control.classes) {
                let classes: Vec<&str> = reference.params["classes"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter_map(serde_json::Value::as_str)
                    .collect();
                answers.push(format!("{} ({})", reference.id, classes.join(" ")));
            }
            if let Some(attest) = &control.attest {
                answers.push(format!("a person, who confirms {attest}"));
            }
            let contraries = conflicts.with(&framework::full_id(framework, control)).iter();
            for (why, others) in
                by_reason(contraries.map(|other| (other.why.as_str(), other.control.as_str())))
            {
                told.push(format!("- {} conflicts with {}: {why}.", control.id, others.join(", ")));
            }
            let id = match control.editions.as_slice() {
                [] => control.id.clone(),
                [only] => format!("{} ({only})", control.id),
                [first, .., last] => format!("{} ({first} to {last})", control.id),
            };
            let _ = writeln!(out, "| {id} | {} | {} |", control.title, answers.join("; "));
        }
        if !told.is_empty() {
            let _ = writeln!(out, "\n{}", told.join("\n"));
        }
    }
    generated("docs/frameworks.md", &out);
}

#[test]
fn the_command_reference_is_that_of_the_program() {
    let mut out = String::from(
        "# Command line\n\nGenerated from `--help`. Connection flags, the same everywhere, stand at the end.\n",
    );
    let commands: [&[&str]; 23] = [
        &[],
        &["run"],
        &["snapshot"],
        &["policy"],
        &["policy", "check"],
        &["policy", "eval"],
        &["policy", "coverage"],
        &["policy", "diff"],
        &["policy", "generate"],
        &["policy", "test"],
        &["checks"],
        &["checks", "list"],
        &["checks", "show"],
        &["checks", "new"],
        &["checks", "test"],
        &["frameworks"],
        &["frameworks", "list"],
        &["frameworks", "show"],
        &["frameworks", "validate"],
        &["facts"],
        &["rbac"],
        &["completion"],
        &["version"],
    ];
    let mut connection = String::new();
    for command in commands {
        let help = Tool::new().args(command.iter().copied()).arg("-h").env("COLUMNS", "120").run();
        help.expect_code(0);
        let name = format!("kubectl logaudit {}", command.join(" "));
        let (own, flags) = split_connection(&help.stdout);
        connection = flags;
        let _ = write!(out, "\n## {}\n\n```\n{}\n```\n", name.trim(), own.trim_end());
    }
    let _ = write!(out, "\n## Connection flags\n\n```\n{}\n```\n", connection.trim_end());
    generated("docs/cli.md", &out);
}

/// Takes the block of connection flags out of a help text.
fn split_connection(help: &str) -> (String, String) {
    let (mut own, mut connection) = (String::new(), String::new());
    let mut inside = false;
    for line in help.lines() {
        if !line.is_empty() && !line.starts_with(' ') {
            inside = line == "Connection:";
        }
        let target = if inside { &mut connection } else { &mut own };
        target.push_str(line.trim_end());
        target.push('\n');
    }
    (own, connection)
}

#[test]
fn the_readme_lists_the_checks_and_shows_a_real_report() {
    let set = checks();
    let mut table = String::from("| area | checks | what is judged |\n| --- | --- | --- |\n");
    for (category, checks) in by_category(&set) {
        let worst: Vec<&str> = checks
            .iter()
            .filter(|check| check.severity >= logaudit::verdict::Severity::High)
            .map(|check| check.title.as_str())
            .collect();
        let _ = writeln!(table, "| `{category}` | {} | {} … |", checks.len(), worst.join("; "));
    }
    generated_part("README.md", "checks", &table);
    let report = Tool::new()
        .args(["run", "--snapshot", "examples/ships-nothing.json", "--severity", "medium"])
        .cwd(&root())
        .run();
    report.expect_code(1);
    generated_part("README.md", "report", &format!("```\n{}```\n", report.stdout));
    let arguments = ["policy", "check", "--known", "gce", "--severity", "high"];
    let report = Tool::new().args(arguments).cwd(&root()).run();
    report.expect_code(1);
    let command = format!("$ kubectl logaudit {}", arguments.join(" "));
    generated_part(
        "docs/policy.md",
        "policy-check",
        &format!("```console\n{command}\n{}```\n", report.stdout),
    );
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 250, "the README is to be read");
}

#[test]
fn every_example_cluster_has_its_report_in_the_docs() {
    let mut out = String::from(
        "# Example clusters\n\nEach is one snapshot file in `examples/`, written for this project. Generated: the reports are what\n\
         `kubectl logaudit run --snapshot examples/NAME.json` prints.\n",
    );
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert!(files.len() >= 4);
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let report =
            Tool::new().args(["run", "--snapshot"]).arg(format!("examples/{name}")).cwd(&root()).run();
        let code = report.code.unwrap();
        assert!(code < 2, "{name}: {}", report.stderr);
        let _ = write!(out, "\n## {name}\n\nExit code {code}.\n\n```\n{}```\n", report.stdout);
    }
    generated("docs/examples.md", &out);
}

#[test]
fn the_page_on_policies_shows_what_the_commands_print() {
    const FINE: &str = "examples/policies/looks-fine.yaml";
    const REVIEWED: &str = "examples/policies/reviewed.yaml";
    let runs: [(&str, &[&str], i32); 10] = [
        ("check", &["check", "-f", REVIEWED, "--severity", "medium"], 0),
        ("check-fails", &["check", "-f", FINE, "--severity", "critical", "-q"], 1),
        ("check-refused", &["check", "-f", "tests/policies/refused.yaml", "--load-only"], 1),
        (
            "eval",
            &[
                "eval",
                "-f",
                FINE,
                "--as",
                "system:node:n1",
                "--verb",
                "get",
                "--resource",
                "secrets",
                "-n",
                "prod",
            ],
            0,
        ),
        ("coverage", &["coverage", "-f", FINE, "--class", "RC-01,RC-02,RC-12,RC-62"], 0),
        ("coverage-wide", &["coverage", "-f", FINE, "--class", "RC-12", "-o", "wide"], 0),
        ("coverage-known", &["coverage", "--known", "rke2-default", "--class", "RC-01,RC-12"], 0),
        ("diff", &["diff", FINE, REVIEWED], 1),
        ("generate", &["generate", "--profile", "minimal"], 0),
        ("literal", &["generate", "--profile", "stig", "--literal"], 0),
    ];
    for (marker, arguments, code) in runs {
        let output = Tool::new().arg("policy").args(arguments).cwd(&root()).run();
        output.expect_code(code);
        let shown = if arguments[0] == "generate" {
            // The proof, after the policy's beginning.
            let beginning = if marker == "generate" { beginning(&output.stdout) } else { String::new() };
            beginning + &output.stderr
        } else {
            if marker.starts_with("check") { cut(&output.stdout) } else { output.stdout.clone() }
        };
        let command = format!("$ kubectl logaudit policy {}", arguments.join(" "));
        generated_part("docs/policy.md", marker, &format!("```console\n{command}\n{shown}```\n"));
    }
    let answer = Tool::new()
        .args(["policy", "check", "-o", "json", "-f", FINE])
        .cwd(&root())
        .run()
        .expect_code(1)
        .json();
    let mut answer = answer.as_object().unwrap().clone();
    let finding = answer["findings"].as_array().unwrap().iter().find(|finding| finding["status"] == "fail");
    answer["findings"] = serde_json::json!([finding.unwrap()]);
    answer.insert("policy".into(), serde_json::json!({}));
    let summary = answer["summary"].as_object_mut().unwrap();
    summary.retain(|key, _| key == "gate");
    let shown = serde_json::to_string_pretty(&answer).unwrap();
    generated_part("docs/policy.md", "check-json", &format!("```json\n{shown}\n```\n"));
    let fine = std::fs::read_to_string(root().join(FINE)).unwrap();
    generated_part("docs/policy.md", "policy", &format!("```yaml\n{fine}```\n"));
}

/// The first lines of a policy.
fn beginning(policy: &str) -> String {
    const LINES: usize = 24;
    let lines: Vec<&str> = policy.lines().take(LINES).collect();
    format!("{}\n…\n", lines.join("\n").trim_end())
}

/// Long lines cut short: no page is as wide as a terminal can be.
fn cut(text: &str) -> String {
    const WIDTH: usize = 200;
    text.lines().fold(String::new(), |mut out, line| {
        match line.char_indices().nth(WIDTH) {
            Some((end, _)) => out.extend([&line[..end], "…\n"]),
            None => out.extend([line, "\n"]),
        }
        out
    })
}
