//! A cluster whose names would break whatever prints them, with more findings than anybody reads.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::report::Report;
use crate::support::stage::pinned;
use crate::support::tool::Tool;

/// Parts of names, each against some form or reader. A Kubernetes object cannot be called all of this, but what is read from
/// files, from the keys of a ConfigMap or from a snapshot that somebody sent can.
pub const NAMES: [&str; 33] = [
    "plain",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</script></style></title></textarea><!--",
    "'single' and \"double\"",
    "&lt;b&gt; &amp; &#60; &#8288;",
    "x]]>y<![CDATA[",
    "line\nbreak",
    "carriage\r\nreturn\rreturn",
    "tab\tand\u{b}\u{c}",
    "\u{1b}[31mred\u{1b}[2J",
    "\u{1b}]8;;https://evil.example\u{7}link",
    "nul\u{0}and\u{1}\u{8}\u{7f}",
    "c1\u{85}\u{9b}31m",
    "\u{202e}gnp.exe\u{202c}\u{2066}x\u{2069}",
    "no\u{200b}width\u{feff}\u{ad}",
    "separators\u{2028}and\u{2029}",
    "no characters\u{fffe}\u{ffff}\u{1fffe}",
    "comma,semicolon;tab",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1+1)",
    "%0Apercent%00%2e%2e%2f",
    "../../../../etc/passwd",
    "C:\\Windows\\n\\\"",
    "::error file=x,line=1::forged",
    "${{ github.token }} $(id) `id`",
    "| cell | `code` **bold** _it_ ~~no~~ # h",
    "@everyone @org/team #1 GH-1 https://evil.example www.evil.example a@evil.example",
    "![x](https://evil.example/x.png) [y](javascript:alert(1)) <https://evil.example>",
    "key: value # comment\u{a0}{a: b} &anchor *alias !tag",
    "münchen 東京 \u{1f512}e\u{301}",
];

/// How many kubelet configurations there are. Three checks look at each.
const KUBELETS: usize = 3_300;

/// The least number of findings.
pub const FINDINGS: usize = 10_000;

/// A name that is too long for any column.
pub fn long() -> String {
    "a-very-long-name-".repeat(300)
}

/// The snapshot: an example cluster whose apiservers, kubelets, workloads, policy and notes are called so.
pub fn snapshot() -> Value {
    let mut snapshot: Value = serde_json::from_str(
        &fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/ships-nothing.json")).unwrap(),
    )
    .unwrap();
    let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).chain([long()]).collect();
    snapshot["cluster"]["name"] = json!(NAMES.concat());
    multiply(&mut snapshot["pods"]["value"], &names, |pod, name, index| {
        let address = format!("192.0.2.{}", index + 10);
        move_to(pod, &format!("Pod kube-system/{name}"));
        pod["name"] = json!(name);
        pod["nodeName"] = json!(name);
        pod["podIp"] = json!(address);
        for argument in pod["containers"][0]["command"].as_array_mut().unwrap() {
            if argument.as_str().unwrap().starts_with("--advertise-address=") {
                *argument = json!(format!("--advertise-address={address}"));
            }
        }
    });
    multiply(&mut snapshot["leases"]["value"], &names, |lease, name, index| {
        lease["name"] = json!(format!("apiserver-{index}"));
        lease["hostname"] = json!(name);
    });
    snapshot["flagz"] = json!([]);
    let many: Vec<String> =
        names.iter().cycle().take(KUBELETS).enumerate().map(|(i, name)| format!("{name} {i}")).collect();
    multiply(&mut snapshot["kubeletConfigs"]["value"], &many, |kubelet, name, index| {
        move_to(kubelet, &format!("ConfigMap kube-system/{name}"));
        kubelet["name"] = json!(name);
        // Every second one keeps too little, so that failures are among the many.
        if index % 2 == 0 {
            kubelet["containerLogMaxSize"]["value"] = json!("1Mi");
        }
    });
    for policy in snapshot["policies"].as_array_mut().unwrap() {
        let name = format!("{}{}", NAMES.concat(), policy["name"].as_str().unwrap());
        policy["at"] = json!(name);
        policy["name"] = json!(name);
    }
    let notes = names.iter().map(|name| json!({"at": name, "text": name}));
    snapshot["notes"] = notes.collect();
    snapshot
}

/// As many items as there are names, made of the first one.
fn multiply(items: &mut Value, names: &[String], rename: impl Fn(&mut Value, &str, usize)) {
    let first = items[0].clone();
    let one = |(index, name): (usize, &String)| {
        let mut item = first.clone();
        rename(&mut item, name, index);
        item
    };
    *items = names.iter().enumerate().map(one).collect();
}

/// Says of all places in an item that they are those of another object.
fn move_to(item: &mut Value, place: &str) {
    let old = item["at"].as_str().unwrap().to_owned();
    replace(item, &old, place);
}

fn replace(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::String(text) if text.starts_with(old) => *text = text.replacen(old, new, 1),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, old, new)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, old, new)),
        _ => {}
    }
}

/// The snapshot as a file, written once for all tests of a process.
pub fn file() -> PathBuf {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("snapshot.json"), snapshot().to_string()).unwrap();
        folder
    });
    folder.path().join("snapshot.json")
}

/// `run` over it.
pub fn run() -> Tool {
    pinned().args(["run", "--snapshot"]).arg(file())
}

/// Its report, by which other forms are measured.
pub fn report() -> Report {
    run().args(["-o", "json"]).run().report()
}

/// Its report as JSON and in another form, of one run.
pub fn rendered(form: &str) -> (Report, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = run().cwd(folder.path()).args(["-o", "json", "-o", &format!("{form}=report")]).run();
    (output.report(), fs::read_to_string(folder.path().join("report")).unwrap())
}

#[test]
fn it_is_as_hostile_as_it_says() {
    let report = report();
    assert!(report.findings().count() > FINDINGS, "{}", report.findings().count());
    for name in NAMES.map(str::to_owned).into_iter().chain([long()]) {
        for status in ["pass", "fail"] {
            let is_there = |finding: &Value| {
                finding["status"] == status && finding["subject"].as_str().unwrap().contains(&name)
            };
            assert!(report.findings().any(is_there), "{status} {name:?}");
        }
    }
}
