//! What holds for all forms, also for those that are still to come.

use std::fs;

use clap::ValueEnum;
use logaudit::report::format::Format;

use super::hostile;
use crate::support::stage::pinned;

fn names() -> Vec<String> {
    let forms = Format::value_variants().iter().filter_map(Format::to_possible_value);
    forms.map(|value| value.get_name().to_owned()).collect()
}

/// Where it runs, in which language and time zone, and on how many threads is no matter.
#[test]
fn the_same_snapshot_gives_the_same_bytes_in_every_form() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let targets: Vec<String> = names().iter().map(|name| format!("{name}={name}")).collect();
    let arguments: Vec<&str> = targets.iter().flat_map(|target| ["-o", target]).collect();
    hostile::run().args(&arguments).cwd(here.path()).env("TOKIO_WORKER_THREADS", "1").run();
    let elsewhere = [
        ("TZ", "Asia/Tokyo"),
        ("LANG", "tr_TR.UTF-8"),
        ("LC_ALL", "tr_TR.UTF-8"),
        ("COLUMNS", "20"),
        ("TERM", "xterm-256color"),
        ("SOURCE_DATE_EPOCH", "2000000000"),
        ("TOKIO_WORKER_THREADS", "8"),
    ];
    let run = elsewhere.iter().fold(hostile::run(), |run, (name, value)| run.env(name, value));
    run.args(&arguments).cwd(there.path()).run();
    for name in names() {
        let (one, other) =
            (fs::read(here.path().join(&name)).unwrap(), fs::read(there.path().join(&name)).unwrap());
        assert!(one == other, "{name} differs");
        assert!(one.ends_with(b"\n") && !one.starts_with(b"\xef\xbb\xbf"), "{name}");
        assert!(std::str::from_utf8(&one).is_ok(), "{name} is no UTF-8");
    }
}

#[test]
fn files_that_are_called_the_same_have_the_same_report_wherever_they_lie() {
    let manifest = include_str!("../collection/fixtures/vector.yaml");
    for name in names() {
        let outputs: Vec<String> = (0..2)
            .map(|_| {
                let folder = tempfile::tempdir().unwrap();
                fs::write(folder.path().join("vector.yaml"), manifest).unwrap();
                let output =
                    pinned().cwd(folder.path()).args(["run", "-o", &name, "-f", "vector.yaml"]).run();
                assert!(!output.stdout.contains(folder.path().to_str().unwrap()), "{name}");
                output.stdout
            })
            .collect();
        assert!(!outputs[0].is_empty() && outputs[0] == outputs[1], "{name}");
    }
}

/// What a person sees is seen in every form: nothing in them steers a terminal, an editor or a spreadsheet. JSON and YAML
/// hold names as they are, in the escapes of their languages.
#[test]
fn nothing_in_any_form_steers_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let targets: Vec<String> = names().iter().map(|name| format!("{name}={name}")).collect();
    hostile::run().args(targets.iter().flat_map(|target| ["-o", target])).cwd(folder.path()).run();
    for name in names() {
        let text = fs::read_to_string(folder.path().join(&name)).unwrap();
        let steers = |c: &char| c.is_control() && !matches!(c, '\n' | '\t' | '\r');
        let found = text.chars().find(steers);
        // JSON need not escape what comes after the ASCII range.
        let found =
            found.filter(|c| !["json", "sarif"].contains(&name.as_str()) || c.is_ascii() && *c != '\u{7f}');
        assert_eq!(found, None, "{name}");
    }
}

/// `INSTA_UPDATE=always` writes them anew.
#[test]
fn a_small_report_stays_in_every_form() {
    let snapshot = format!("{}/examples/ships-nothing.json", env!("CARGO_MANIFEST_DIR"));
    let small = ["--only", "LA-API-002,LA-COL-004,LA-EVT-001,LA-INT-020", "--framework", "owasp-k8s-2025"];
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for form in ["json", "yaml", "sarif", "junit", "markdown", "csv", "openreports", "prometheus"] {
            let output = pinned().args(["run", "--snapshot", &snapshot, "-o", form]).args(small).run();
            let text = output.stdout.replace(env!("CARGO_PKG_VERSION"), "VERSION");
            insta::assert_snapshot!(format!("small.{form}"), text);
        }
    });
}
