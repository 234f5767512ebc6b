//! The HTML report: validated, and used in a real browser.
//!
//! `LOGAUDIT_PAGE_READERS` names a folder with the packages playwright-core, axe-core and html-validate of npm, and
//! `LOGAUDIT_CHROMIUM` the browser; the test script puts them there. Without them these tests say that they are skipped.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use logaudit::audit::{Outcome, Plan, audit};
use logaudit::check::{limits, load};
use logaudit::framework::frameworks;
use logaudit::report::format::{Format, Page};
use logaudit::report::style::visible;
use logaudit::report::table::Options;
use logaudit::snapshot::io;
use logaudit::verdict::{Standing, Status, Waiving};
use proptest::prelude::{any, prop_assert};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::hostile;
use crate::support::report::Report;
use crate::support::routes::Routes;
use crate::support::stage::{Stage, pinned};
use crate::support::tool::Tool;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const EXAMPLES: [&str; 6] = [
    "ha-drift",
    "kubeadm-default",
    "kubeadm-hardened",
    "looks-audited",
    "managed-no-access",
    "ships-nothing",
];

/// What the browser and the validator are started with; none where they are missing.
fn readers() -> Option<[(&'static str, PathBuf); 2]> {
    let names = ["LOGAUDIT_PAGE_READERS", "LOGAUDIT_CHROMIUM"];
    let set = |name| std::env::var_os(name).filter(|path| !path.is_empty());
    let found = names.map(|name| set(name).map(|path| (name, PathBuf::from(path))));
    let [Some(packages), Some(browser)] = found else {
        eprintln!("skipped: LOGAUDIT_PAGE_READERS and LOGAUDIT_CHROMIUM do not name packages and a browser");
        return None;
    };
    Some([packages, browser])
}

fn node(script: &Path, arguments: &[&Path], readers: &[(&str, PathBuf)]) -> String {
    let output = Command::new("node")
        .arg(script)
        .args(arguments)
        .envs(readers.iter().map(|(name, path)| (name, path)))
        .output()
        .expect("node");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A page and the report it was made of.
struct Made {
    page: PathBuf,
    report: Report,
}

fn made(folder: &Path, name: &str, tool: Tool) -> Made {
    let (page, report) = (folder.join(format!("{name}.html")), folder.join(format!("{name}.json")));
    let to = |form: &str, path: &Path| format!("{form}={}", path.display());
    let output = tool
        .args(["-o", &to("html", &page), "-o", &to("json", &report)])
        .timeout(Duration::from_secs(240))
        .run();
    assert!(matches!(output.code, Some(0 | 1)), "{name}: {output:#?}");
    let report = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    Made { page, report: Report(report) }
}

/// An example, judged in this process, so that its report can be changed.
fn judged() -> (Plan, Outcome) {
    let plan = Plan::everything(limits::on_big_stack(load::builtin).unwrap(), frameworks());
    let snapshot = io::from_bytes(&fs::read(format!("{ROOT}/examples/ships-nothing.json")).unwrap()).unwrap();
    let outcome = audit(&plan, &snapshot).unwrap();
    (plan, outcome)
}

fn rendered(plan: &Plan, outcome: &Outcome) -> String {
    let Outcome { report, facts } = outcome;
    Format::Html.render(&Page { report, facts, checks: &plan.checks, table: Options::default() }).unwrap()
}

/// A report with waived findings, of which some are new since an older one.
fn compared(folder: &Path) -> Made {
    let (plan, mut outcome) = judged();
    let report = &mut outcome.report;
    for (number, finding) in report.findings.iter_mut().enumerate() {
        finding.baseline = Some(match number {
            0..3 => Standing::New,
            3 => Standing::Changed,
            _ => Standing::Unchanged,
        });
        if matches!(number, 1 | 5) {
            finding.status = Status::Waived;
            finding.waiver = Some(Waiving {
                reason: "The <store> is replaced this quarter".into(),
                owner: (number == 1).then(|| "platform@example.com".into()),
                expires: (number == 1).then(|| "2027-03-31".into()),
                at: ".logaudit.yaml:12:5".into(),
            });
        }
    }
    report.findings.sort_by_key(|finding| Reverse((finding.status, finding.severity)));
    let page = folder.join("compared.html");
    fs::write(&page, rendered(&plan, &outcome)).unwrap();
    Made { page, report: Report(serde_json::to_value(&outcome.report).unwrap()) }
}

/// The examples, a managed cluster, and one that shows nothing.
fn usual(folder: &Path) -> Vec<Made> {
    let example = |name: &&str| {
        made(folder, name, pinned().args(["run", "--snapshot"]).arg(format!("{ROOT}/examples/{name}.json")))
    };
    let mut all: Vec<Made> = EXAMPLES.iter().map(example).collect();
    let eks = ["run", "--no-cluster", "--cloud-file", "typical"];
    let fixtures = format!("{ROOT}/tests/cloud/fixtures/eks");
    all.push(made(folder, "eks", pinned().cwd(Path::new(&fixtures)).args(eks)));
    all.push(compared(folder));
    all.push(made(folder, "empty", Stage::with(Routes::empty()).tool().arg("run")));
    all
}

/// What the page has to show, by the report in its other form.
fn job(made: &Made, search: Option<&str>, axe: &[&str]) -> Value {
    let findings: Vec<&Value> = made.report.findings().collect();
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    let counts = |field: &str| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for finding in &findings {
            if let Some(value) = finding[field].as_str() {
                *counts.entry(value.to_owned()).or_default() += 1;
            }
        }
        counts
    };
    let mut standings = counts("baseline");
    standings.remove("unchanged");
    let mut answering: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for framework in made.report.0["frameworks"].as_array().unwrap() {
        let controls = framework["controls"].as_array().unwrap().iter();
        let checks = controls.flat_map(|control| control["checks"].as_array().unwrap());
        answering
            .entry(framework["id"].as_str().unwrap())
            .or_default()
            .extend(checks.map(|check| check["id"].as_str().unwrap()));
    }
    let frameworks: BTreeMap<&str, usize> = answering
        .iter()
        .map(|(id, checks)| {
            (*id, findings.iter().filter(|finding| checks.contains(text(finding, "check").as_str())).count())
        })
        .collect();
    let search = search.map(|wanted| {
        let fits = |finding: &&&Value| {
            let places = finding["evidence"].as_array().unwrap().iter();
            let texts = places.flat_map(|one| [&one["at"], &one["detail"]]);
            let mut texts = texts.chain([&finding["subject"], &finding["reason"]]);
            texts.any(|text| text.as_str().unwrap().contains(wanted))
        };
        json!({"text": visible(wanted), "count": findings.iter().filter(fits).count()})
    });
    json!({
        "page": made.page,
        "findings": findings.len(),
        "statuses": counts("status"),
        "severities": counts("severity"),
        "frameworks": frameworks,
        "standings": standings,
        "search": search,
        "axe": axe,
    })
}

fn browse(folder: &Path, jobs: &[Value], readers: &[(&str, PathBuf)]) {
    let file = folder.join("jobs.json");
    fs::write(&file, serde_json::to_string(jobs).unwrap()).unwrap();
    let script = PathBuf::from(format!("{ROOT}/tests/report/browser.mjs"));
    eprintln!("{}", node(&script, &[&file], readers));
}

#[test]
fn people_can_use_it_in_a_browser() {
    let Some(readers) = readers() else { return };
    let folder = tempfile::tempdir().unwrap();
    let job = |made: &Made| {
        // It takes long. One page that shows everything speaks for the others in the colours and the width they share.
        let axe: &[&str] = match made.page.file_stem().and_then(|name| name.to_str()) {
            Some("ships-nothing") => &["light", "dark", "phone"],
            Some("eks" | "empty") => &["light"],
            _ => &[],
        };
        job(made, None, axe)
    };
    let jobs: Vec<Value> = usual(folder.path()).iter().map(job).collect();
    browse(folder.path(), &jobs, &readers);
}

#[test]
fn a_hostile_cluster_does_nothing_in_a_browser() {
    let Some(readers) = readers() else { return };
    let folder = tempfile::tempdir().unwrap();
    let made = made(folder.path(), "hostile", hostile::run());
    // A name that stands in subjects only, and never in the prose of a check.
    let mut job = job(&made, Some("onerror=alert(1)"), &[]);
    // Ten thousand findings are long in showing and hiding.
    job["frameworks"].as_object_mut().unwrap().retain(|id, _| id == "pci-dss");
    browse(folder.path(), &[job], &readers);
}

#[test]
fn a_validator_finds_nothing() {
    let Some(readers) = readers() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut pages: Vec<PathBuf> = usual(folder.path()).into_iter().map(|made| made.page).collect();
    pages.push(made(folder.path(), "hostile", hostile::run().args(["--severity", "high"])).page);
    let pages: Vec<&Path> = pages.iter().map(PathBuf::as_path).collect();
    node(Path::new(&format!("{ROOT}/tests/report/validate.mjs")), &pages, &readers);
}

/// A text as it stands in the page.
fn as_text(text: &str) -> String {
    [("&", "&#38;"), ("<", "&#60;"), (">", "&#62;"), ("\"", "&#34;"), ("'", "&#39;")]
        .iter()
        .fold(visible(text).into_owned(), |text, (from, to)| text.replace(from, to))
}

#[test]
fn any_text_is_text() {
    let (plan, outcome) = judged();
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(32) });
    let told = runner.run(&any::<String>(), |name| {
        let mut outcome = Outcome { report: outcome.report.clone(), facts: outcome.facts.clone() };
        outcome.report.cluster.name = name.clone();
        let page = rendered(&plan, &outcome);
        prop_assert!(page.contains(&format!("<h1>{}</h1>", as_text(&name))));
        prop_assert!(page.contains(&format!("<title>Logging audit of {}</title>", as_text(&name))));
        Ok(())
    });
    told.unwrap();
}

#[test]
fn every_name_is_there_and_none_is_markup() {
    let folder = tempfile::tempdir().unwrap();
    let made = made(folder.path(), "hostile", hostile::run());
    let page = fs::read_to_string(&made.page).unwrap();
    assert!(page.len() < 15_000_000, "{} bytes", page.len());
    assert_eq!(page.matches("<li data-status=").count(), made.report.findings().count());
    for name in hostile::NAMES.map(str::to_owned).into_iter().chain([hostile::long()]) {
        assert!(page.contains(&as_text(&name)), "{name:?} is not there");
    }
    let odd: BTreeSet<char> =
        page.chars().filter(|c| *c != '\n' && visible(&c.to_string()) != c.to_string()).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

#[test]
fn what_is_waived_and_what_is_new_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let page = fs::read_to_string(compared(folder.path()).page).unwrap();
    for part in [
        "Waived: The &#60;store&#62; is replaced this quarter; platform@example.com; until 2027-03-31 (<code>.logaudit.yaml:12:5</code>)",
        "Waived: The &#60;store&#62; is replaced this quarter (<code>.logaudit.yaml:12:5</code>)",
        "<span class=\"mark\">new</span>",
        "<span class=\"mark\">changed</span>",
        "<select name=\"baseline\">",
    ] {
        assert!(page.contains(part), "no {part}");
    }
    assert!(!page.contains(">unchanged<"));
}

#[test]
fn the_same_snapshot_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let page = |name: &str, variables: &[(&str, &str)]| {
        let tool = pinned().args(["run", "--snapshot"]).arg(format!("{ROOT}/examples/ha-drift.json"));
        let tool = variables.iter().fold(tool, |tool, (name, value)| tool.env(name, value));
        fs::read(made(folder.path(), name, tool).page).unwrap()
    };
    let first = page("first", &[]);
    assert_eq!(first, page("second", &[]));
    let elsewhere =
        [("TZ", "Pacific/Auckland"), ("LANG", "de_DE.UTF-8"), ("COLUMNS", "40"), ("CLICOLOR_FORCE", "1")];
    assert_eq!(first, page("elsewhere", &elsewhere));
}

#[test]
fn it_has_the_parts_that_it_is_read_for() {
    let folder = tempfile::tempdir().unwrap();
    let page = |name: &str| {
        let tool = pinned().args(["run", "--snapshot"]).arg(format!("{ROOT}/examples/{name}.json"));
        fs::read_to_string(made(folder.path(), name, tool).page).unwrap()
    };
    let without = page("kubeadm-default");
    let has = |page: &str, parts: &[&str]| {
        for part in parts {
            assert!(page.contains(part), "no {part}");
        }
    };
    has(
        &without,
        &["Gate failed", "No audit policy is set, so that nothing is recorded", "Cap at <b>39</b>"],
    );
    let ships = page("ships-nothing");
    has(
        &ships,
        &["audit log of kube-apiserver-cp1", "ends at the input", "class=\"chain\"", "class=\"heat\""],
    );
    has(&page("managed-no-access"), &["Not known: "]);
}
