//! Metrics, as promtool checks them.

use std::collections::{BTreeMap, BTreeSet};

use super::hostile;
use super::readers::Readers;
use crate::support::report::Report;
use crate::support::stage::pinned;

/// Each series with its value.
fn series(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let series: Vec<(&str, f64)> = lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(series, value)| (series, value.parse().unwrap()))
        .collect();
    let unique: BTreeMap<&str, f64> = series.iter().copied().collect();
    assert_eq!(unique.len(), series.len(), "a series stands twice");
    unique
}

fn agrees(report: &Report, text: &str) {
    let series = series(text);
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    for finding in report.findings() {
        let word = |field: &str| finding[field].as_str().unwrap();
        let name =
            format!("logaudit_findings{{severity=\"{}\",status=\"{}\"}}", word("severity"), word("status"));
        *counts.entry(name).or_default() += 1.0;
    }
    for (name, count) in counts {
        assert_eq!(series[name.as_str()], count, "{name}");
    }
    assert_eq!(series["logaudit_score_low"], report.low());
    let passed = report.0["summary"]["gate"]["passed"] == true;
    assert_eq!(series["logaudit_gate_passed"], f64::from(u8::from(passed)));
    let of = |name: &str| series.keys().filter(|series| series.starts_with(name)).count();
    assert_eq!(of("logaudit_check_status{"), report.verdicts().len());
    assert_eq!(of("logaudit_control_status{"), report.controls().len());
}

#[test]
fn promtool_has_nothing_against_it() {
    let Some(readers) = Readers::find() else { return };
    let mut texts = vec![hostile::rendered("prometheus").1];
    for example in ["ships-nothing", "managed-no-access"] {
        let file = format!("{}/examples/{example}.json", env!("CARGO_MANIFEST_DIR"));
        texts.push(pinned().args(["run", "-o", "prometheus", "--snapshot", &file]).run().stdout);
    }
    let of_files = pinned().cwd(env!("CARGO_MANIFEST_DIR").as_ref()).args([
        "run",
        "-o",
        "prometheus",
        "-f",
        "tests/collection/fixtures/vector.yaml",
    ]);
    texts.push(of_files.run().stdout);
    for text in texts {
        let Some(printed) = readers.promtool(&text) else { return };
        assert_eq!(printed, "", "{text}");
    }
}

#[test]
fn the_counts_are_those_of_the_report_and_no_object_is_a_series() {
    let (report, text) = hostile::rendered("prometheus");
    agrees(&report, &text);
    let names: BTreeSet<&str> =
        series(&text).keys().map(|series| series.split('{').next().unwrap()).collect();
    assert!(names.iter().all(|name| name.starts_with("logaudit_")), "{names:?}");
    let small = format!("{}/examples/ships-nothing.json", env!("CARGO_MANIFEST_DIR"));
    let small = pinned().args(["run", "-o", "prometheus", "--snapshot", &small]).run().stdout;
    let difference = series(&text).len().abs_diff(series(&small).len());
    assert!(difference < 50, "thousands of objects more make {difference} series more");
}
