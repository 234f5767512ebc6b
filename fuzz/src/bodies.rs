//! One function for each fuzz target: what it does with its input, and what must hold then.
//!
//! A panic is a finding. Inputs are text where they can be, so that the corpus can be read and written by hand.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use logaudit::analyze::apiserver::invocation::{self, Arguments};
use logaudit::audit::{Plan, audit};
use logaudit::check::{CheckSet, limits, load};
use logaudit::framework::frameworks;
use logaudit::report::{Report, json, table, yaml};
use logaudit::snapshot::redact::{keeps_flag, redact_pod};
use logaudit::snapshot::{Container, EnvVar, Pod, Snapshot, io};
use logaudit::source::live::contexts;
use logaudit::source::{flagz as flagz_source, manifests as manifests_source, metrics as metrics_source};
use logaudit::verdict::Status;

/// What stands in the seeds wherever a secret could.
const CANARY: &str = "hunter2";

/// Far longer than anything here may take, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(10);

/// The command line of a container, as it is and redacted.
///
/// The input is a list of elements, each after a line's beginning: `%c` of `command`, `%a` of `args`, `%e` a variable
/// `NAME=value`, or `NAME` alone for one whose value comes from elsewhere.
pub fn invocation(bytes: &[u8]) {
    let pod = pod(&String::from_utf8_lossy(bytes));
    let mut redacted = pod.clone();
    redact_pod(&mut redacted);
    let mut again = redacted.clone();
    redact_pod(&mut again);
    assert_eq!(redacted, again, "redacting twice is not redacting once");

    let parse = |pod: &Pod| invocation::of_container(pod, &pod.containers[0]);
    let (before, after) = (parse(&pod), parse(&redacted));
    for given in after.given.iter().filter(|given| !keeps_flag(&given.name)) {
        let value = given.value.text().unwrap_or_default();
        assert!(!value.contains(CANARY), "--{} still has the value {value:?}", given.name);
    }
    // Redaction may make a flag unknown, but it neither changes nor invents one, and it drops none in silence.
    let changed = || format!("{before:#?}\n{after:#?}\n{redacted:#?}");
    assert!(before.open.is_none() || after.open.is_some(), "{}", changed());
    // Where nothing shows which program is the apiserver, where its flags begin is a guess, and said to be one.
    if before.open.as_deref().is_some_and(|why| why.starts_with("the container starts")) {
        return;
    }
    let kept = |arguments: &Arguments| -> Vec<(String, Option<String>)> {
        let kept = arguments.given.iter().filter(|given| keeps_flag(&given.name));
        kept.map(|given| (given.name.clone(), given.value.text().map(str::to_owned))).collect()
    };
    let (before_kept, after_kept) = (kept(&before), kept(&after));
    let mut rest = before_kept.iter();
    for (name, value) in &after_kept {
        assert!(
            rest.any(|(known, text)| known == name && (value.is_none() || value == text)),
            "{}",
            changed()
        );
    }
    assert!(after.open.is_some() || before_kept.len() == after_kept.len(), "{}", changed());
}

fn pod(text: &str) -> Pod {
    let mut container = Container {
        index: 0,
        name: "kube-apiserver".into(),
        image: String::new(),
        command: Vec::new(),
        args: Vec::new(),
        env: Vec::new(),
        mounts: Vec::new(),
    };
    for element in format!("\n{}", text.strip_suffix('\n').unwrap_or(text)).split("\n%").skip(1) {
        let Some((kind, element)) = element.split_at_checked(1) else { continue };
        let element = element.strip_prefix(' ').unwrap_or(element).to_owned();
        match kind {
            "c" => container.command.push(element),
            "a" => container.args.push(element),
            "e" => {
                let (name, value) = match element.split_once('=') {
                    Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                    None => (element, None),
                };
                container.env.push(EnvVar { name, value });
            }
            _ => {}
        }
    }
    Pod {
        namespace: "kube-system".into(),
        name: "kube-apiserver-cp1".into(),
        node_name: None,
        pod_ip: None,
        labels: [].into(),
        containers: vec![container],
        at: "Pod kube-system/kube-apiserver-cp1".into(),
        marks: [].into(),
    }
}

/// An answer of `/flagz`.
pub fn flagz(bytes: &[u8]) {
    let Ok(read) = flagz_source::parse(bytes) else { return };
    assert!(read.flags.keys().all(|name| keeps_flag(name)));
    let written = serde_json::json!({
        "kind": "Flagz", "apiVersion": "config.k8s.io/v1beta1", "metadata": {"name": "apiserver"}, "flags": read.flags,
    });
    let again = flagz_source::parse(written.to_string().as_bytes());
    assert_eq!(again.map(|again| again.flags), Ok(read.flags));
}

/// An answer of `/metrics`: whole and in pieces it must come to the same.
pub fn metrics(bytes: &[u8]) {
    let whole = metrics_source::parse(bytes);
    for size in [1, 7, 64] {
        let mut parser = metrics_source::Parser::default();
        let pieces = bytes.chunks(size).try_for_each(|piece| parser.push(piece));
        assert_eq!(pieces.and_then(|()| parser.finish()), whole, "in pieces of {size}");
    }
    if let Ok(counters) = whole {
        let mut numbers =
            counters.levels.values().chain(counters.errors.values()).copied().collect::<Vec<_>>();
        numbers.extend([counters.events, counters.requests, counters.rejected].into_iter().flatten());
        assert!(numbers.iter().all(|number| number.is_finite() && *number >= 0.0), "{numbers:?}");
    }
}

/// A snapshot file, plain or compressed, and everything that is made of it.
pub fn snapshot(bytes: &[u8]) {
    let Ok(snapshot) = io::from_bytes(bytes) else { return };
    examine(snapshot);
}

/// Manifests. A line `@@ NAME` begins a file of that name.
pub fn manifests(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let files: Vec<(String, String)> = match text.strip_prefix("@@ ") {
        None => vec![("input.yaml".to_owned(), text.to_owned())],
        Some(rest) => rest
            .split("\n@@ ")
            .map(|file| file.split_once('\n').unwrap_or((file, "")))
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .collect(),
    };
    match manifests_source::read_texts(&files) {
        Ok(snapshot) => examine(snapshot),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A check of a user, or only its condition if the input begins with `=`.
pub fn check_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let text = match text.strip_prefix('=') {
        Some(condition) => with_condition(condition),
        None => text.to_owned(),
    };
    let run = move || match load::load(CheckSet::default(), &[("fuzz/check.yaml".to_owned(), text)]) {
        Ok(checks) => {
            let plan = Plan::everything(checks, Vec::new());
            for snapshot in SNAPSHOTS.iter() {
                check_report(&audit(&plan, snapshot).expect("facts that serialise"));
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in faults {
                assert!(fault.text.get(fault.span.clone()).is_some(), "{fault:?}");
                assert!(!fault.to_string().is_empty());
            }
        }
    };
    assert!(limits::within(LIMIT, run).is_some(), "still not done after {LIMIT:?}");
}

/// A check that differs from others only in what it asks.
fn with_condition(condition: &str) -> String {
    let condition = serde_json::to_string(condition).expect("text serialises");
    format!(
        "id: MY-FUZZ-001\ntitle: t\nseverity: low\nsince: 0.1.0\nthemes: [E01]\nwhat: w\nwhy: w\nfix: f\nfine-when: f\n\
         params: {{days: 30, names: [a, b]}}\neach: facts.apiServers\npass: {condition}\nsays: {{pass: p, fail: f}}\n"
    )
}

/// The text of a kubeconfig. Nothing that is said about it may quote what could be a secret.
pub fn kubeconfig(bytes: &[u8]) {
    match contexts(bytes, Path::new("/home/x/.kube/config")) {
        Ok(contexts) => {
            for server in contexts.iter().filter_map(|context| context.server.as_deref()) {
                assert!(server.starts_with("http://") || server.starts_with("https://"), "{server}");
                assert!(!server.split('/').nth(2).unwrap_or_default().contains('@'), "{server}");
            }
        }
        Err(error) => {
            let error = error.to_string();
            assert!(!error.contains(CANARY), "{error}");
        }
    }
}

/// The example clusters.
static SNAPSHOTS: LazyLock<Vec<Snapshot>> = LazyLock::new(|| {
    [
        include_bytes!("../../examples/ha-drift.json").as_slice(),
        include_bytes!("../../examples/managed-no-access.json"),
    ]
    .into_iter()
    .map(|bytes| io::from_bytes(bytes).expect("an example"))
    .collect()
});

/// Everything that is built in.
static EVERYTHING: LazyLock<Plan> = LazyLock::new(|| {
    let checks = limits::on_big_stack(load::builtin).expect("built-in checks");
    Plan::everything(checks, frameworks())
});

/// A snapshot that was read is fit to be written and read again, and to be judged.
fn examine(snapshot: Snapshot) {
    for compress in [false, true] {
        let bytes = io::to_bytes(&snapshot, compress).expect("a snapshot serialises");
        assert_eq!(io::from_bytes(&bytes).expect("what was written"), snapshot, "compressed: {compress}");
    }
    let report = limits::within(LIMIT, move || audit(&EVERYTHING, &snapshot));
    check_report(&report.expect("an end within the limit").expect("facts that serialise"));
}

fn check_report(report: &Report) {
    let score = &report.score;
    assert!(0.0 <= score.low && score.low <= score.high && score.high <= 100.0, "{score:?}");
    assert!((0.0..=1.0).contains(&score.judged), "{score:?}");
    for finding in &report.findings {
        assert!(!finding.reason.is_empty() && !finding.fingerprint.is_empty(), "{finding:?}");
        assert_eq!(finding.fix.is_some(), finding.status == Status::Fail, "{finding:?}");
    }
    let json = json::render(report).expect("JSON");
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    assert!(!yaml::render(report).expect("YAML").is_empty());
    for wide in [false, true] {
        assert!(!table::render(report, table::Options { wide, ..table::Options::default() }).is_empty());
    }
}
