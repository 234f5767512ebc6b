//! Several reports of one run.

use std::fs;
use std::path::Path;

use crate::support::tool::{Output, Tool};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let snapshot = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/ships-nothing.json");
    Tool::new().cwd(folder).args(["run", "--snapshot", snapshot]).args(arguments).run()
}

#[test]
fn one_run_writes_several_forms() {
    let folder = tempfile::tempdir().unwrap();
    let both = run(folder.path(), &["-o", "table", "-o", "json=report.json", "-o", "csv=report.csv"]);
    both.expect_code(1);
    assert_eq!(both.stdout, run(folder.path(), &[]).stdout);
    let json = run(folder.path(), &["-o", "json"]).stdout;
    assert_eq!(fs::read_to_string(folder.path().join("report.json")).unwrap(), json);
    let rows = fs::read_to_string(folder.path().join("report.csv")).unwrap();
    assert!(rows.starts_with("check,title,") && rows.contains("\r\nLA-COL-004,"), "{rows}");
}

#[test]
fn a_form_in_a_file_leaves_standard_output_empty() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["-o", "json=r"][..], &["-o", "json", "--output-file", "r"]] {
        let output = run(folder.path(), arguments);
        output.expect_code(1);
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(fs::read_to_string(folder.path().join("r")).unwrap().starts_with('{'));
    }
}

#[test]
fn what_cannot_be_meant_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 7] = [
        (&["-o", "jsn=r"], "`jsn` is no form of a report; did you mean `json`"),
        (&["-o", "json="], "no file is named"),
        (&["-o", "json", "-o", "csv"], "two reports go to standard output"),
        (&["-o", "json=r", "-o", "csv=r"], "two reports go to r"),
        (&["-o", "json=r", "-o", "csv=./r"], "two reports go to ./r"),
        (&["-o", "json=r", "--output-file", "other"], "nothing is left for --output-file"),
        (&["-o", "json=r", "-o", "csv=no/such/folder"], "cannot write no/such/folder"),
    ];
    for (arguments, message) in cases {
        run(folder.path(), arguments).expect_refusal(&[message]);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "something was written");
}
