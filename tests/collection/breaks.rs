//! Proven chains, and each link broken by one edit: the check of the link tells it, with the line that is to blame; the links
//! before it still pass, and none after it does. `breaks/` has the edits, one file for each fixture, and `every.yaml` those
//! that are the same for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use logaudit::verdict::Status::{self, Fail, Pass, Unknown};
use serde::Deserialize;

use super::{CHAINS, Manifests, fixture, read};

/// What has to pass for a chain to be proven.
const PROVEN: [&str; 14] = [
    "LA-COL-001",
    "LA-COL-004",
    "LA-COL-005",
    "LA-COL-010",
    "LA-COL-011",
    "LA-COL-012",
    "LA-COL-013",
    "LA-COL-014",
    "LA-COL-020",
    "LA-COL-021",
    "LA-COL-022",
    "LA-COL-023",
    "LA-COL-024",
    "LA-COL-025",
];

/// What does not pass with any of the fixtures unless they say so: files do not tell what is ready and up to date, nor
/// whether nodes have a journal, and nothing is redacted.
const USUAL: [(&str, Status); 5] = [
    ("LA-COL-002", Unknown),
    ("LA-COL-003", Unknown),
    ("LA-COL-030", Unknown),
    ("LA-COL-031", Unknown),
    ("LA-COL-048", Fail),
];

/// What fails with a check, because logs that are not read are on no node, and those of the control plane are among them.
const FOLLOWING: [(&str, &[&str]); 8] = [
    ("LA-COL-004", &["LA-COL-031"]),
    ("LA-COL-010", &["LA-COL-004", "LA-COL-005", "LA-COL-015"]),
    ("LA-COL-011", &["LA-COL-004", "LA-COL-005", "LA-COL-015"]),
    ("LA-COL-012", &["LA-COL-015"]),
    ("LA-COL-013", &["LA-COL-015"]),
    ("LA-COL-014", &["LA-COL-015"]),
    ("LA-COL-020", &["LA-COL-005"]),
    ("LA-COL-021", &["LA-COL-005"]),
];

/// The edits of a fixture.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    /// The checks that come to something else than `pass` and `USUAL` as it is.
    #[serde(default)]
    but: BTreeMap<String, Status>,
    /// The links of `every.yaml` that break otherwise here.
    #[serde(default)]
    without: Vec<String>,
    /// What is otherwise in the cluster it runs in.
    cluster: Option<Otherwise>,
    breaks: Vec<Break>,
}

/// What is replaced wherever it stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Otherwise {
    from: String,
    to: String,
}

/// One edit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Break {
    link: String,
    /// What stands once in the fixture; the first `from` behind it is edited. Without it `from` stands there once.
    after: Option<String>,
    /// Further lines are indented as the one it begins on, here and in `to`.
    from: String,
    to: String,
    #[serde(default)]
    fails: Vec<String>,
    #[serde(default)]
    unknown: Vec<String>,
    /// What fails besides.
    #[serde(default)]
    also: Vec<String>,
    /// The line that evidence points at; `*` at its end stands for any ending. Without it the first edited line. Empty
    /// where there is none: what is not seen has no lines.
    line: Option<String>,
}

impl Break {
    /// The edited text, and the line of the edit.
    fn edit(&self, name: &str, text: &str) -> (String, usize) {
        let start = self.after.as_ref().map_or(0, |after| {
            assert_eq!(text.matches(after).count(), 1, "{name}: {after} stands there once");
            text.find(after).unwrap() + after.len()
        });
        let mut found =
            text[start..].match_indices(self.from.lines().next().unwrap()).map(|(at, _)| start + at);
        let mut places = found.by_ref().filter_map(|at| {
            let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
            let indent = text[line..].len() - text[line..].trim_start_matches(' ').len();
            let indented = |part: &str| part.replace('\n', &format!("\n{}", " ".repeat(indent)));
            let rest = text[at..].strip_prefix(&indented(&self.from))?;
            Some((format!("{}{}{rest}", &text[..at], indented(&self.to)), text[..at].matches('\n').count()))
        });
        let edited = places.next().unwrap_or_else(|| panic!("{name}: what is edited stands there"));
        assert!(self.after.is_some() || places.next().is_none(), "{name}: what is edited stands there once");
        edited
    }

    /// What its checks come to.
    fn checks(&self) -> impl Iterator<Item = (&str, Status)> {
        let fails = self.fails.iter().map(|check| (check.as_str(), Fail));
        fails.chain(self.unknown.iter().map(|check| (check.as_str(), Unknown)))
    }

    fn expect(&self, name: &str, (cluster, text): (&str, &str), whole: &Manifests) {
        let (edited, place) = self.edit(name, text);
        assert_ne!(edited, text, "{name}");
        let broken = Manifests::run_in(cluster, &edited);
        let (before, after) = (whole.verdicts(), broken.verdicts());
        // What fails anyway tells nothing of the edit.
        let checks: Vec<_> = self.checks().filter(|(check, _)| before[*check] != Fail).collect();
        assert!(!checks.is_empty(), "{name}: something tells it");

        let failed = after.iter().filter(|(check, status)| **status == Fail && before[*check] != Fail);
        let failed: BTreeSet<&str> = failed.map(|(check, _)| check.as_str()).collect();
        let fails = || checks.iter().filter(|(_, status)| *status == Fail).map(|(check, _)| *check);
        let following = FOLLOWING.iter().filter(|(check, _)| fails().any(|fails| fails == *check));
        let following: BTreeSet<&str> = following.flat_map(|(_, following)| *following).copied().collect();
        let certain = following.iter().copied().filter(|check| before[*check] == Pass);
        let expected: BTreeSet<&str> =
            fails().chain(self.also.iter().map(String::as_str)).chain(certain).collect();
        let besides: Vec<_> =
            failed.difference(&expected).filter(|check| !following.contains(*check)).collect();
        assert!(
            failed.is_superset(&expected) && besides.is_empty(),
            "{name}: {failed:?} fail, not {expected:?}"
        );

        for (check, status) in &checks {
            assert_eq!(after[*check], *status, "{name}: {}", broken.shown(check));
            let places = broken.places(check, *status);
            let lines: Vec<&str> =
                places.iter().filter_map(|place| broken.text.lines().nth(*place)).map(str::trim).collect();
            let is_told = match &self.line {
                None => places.contains(&place),
                Some(line) if line.is_empty() => lines.is_empty(),
                Some(line) => lines.iter().any(|told| is_line(line, told, text)),
            };
            assert!(is_told, "{name}: {check} points at {lines:#?}: {}", broken.shown(check));
        }
        for chain in CHAINS {
            let Some(at) = chain.iter().position(|link| checks.iter().any(|(check, _)| check == link)) else {
                continue;
            };
            for check in &chain[..at] {
                assert_eq!(after[*check], before[*check], "{name}, before the link: {}", broken.shown(check));
            }
            for check in &chain[at..] {
                assert_ne!(after[*check], Pass, "{name}, after the link: {}", broken.shown(check));
            }
        }
    }
}

/// Whether a line is the one that is meant. `CONTAINER` is the name of the fixture's first container.
fn is_line(meant: &str, line: &str, fixture: &str) -> bool {
    let mut containers = fixture.lines().map(str::trim).skip_while(|line| *line != "containers:");
    let container = containers.nth(1).and_then(|line| line.strip_prefix("- name: ")).unwrap_or_default();
    let meant = meant.replace("CONTAINER", container);
    meant.strip_suffix('*').map_or(line == meant, |beginning| line.starts_with(beginning))
}

fn proof(name: &str) -> Proof {
    serde_yaml::from_str(&read(&format!("breaks/{name}.yaml")))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn prove(name: &str) {
    let proof = proof(name);
    let text = fixture(&format!("{name}.yaml"));
    let mut cluster = fixture("cluster.yaml");
    if let Some(Otherwise { from, to }) = &proof.cluster {
        assert!(cluster.contains(from), "{name}: {from} is in the cluster");
        cluster = cluster.replace(from, to);
    }
    let whole = Manifests::run_in(&cluster, &text);
    let mut expected: BTreeMap<String, Status> =
        whole.verdicts().into_keys().map(|check| (check, Pass)).collect();
    expected.extend(USUAL.map(|(check, status)| (check.to_owned(), status)));
    expected.extend(proof.but);
    for (check, verdict) in whole.verdicts() {
        assert_eq!(verdict, expected[&check], "{name}: {}", whole.shown(&check));
    }
    for check in PROVEN {
        assert_eq!(expected[check], Pass, "{name} proves {check}");
    }
    let every = self::proof("every").breaks;
    let every = every.iter().filter(|one| !proof.without.contains(&one.link));
    for one in every.chain(&proof.breaks) {
        one.expect(&format!("{name}, {}", one.link), (&cluster, &text), &whole);
    }
}

/// A test for each file of `breaks/`, and one that none is forgotten.
macro_rules! proofs {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            prove($name);
        })*

        #[test]
        fn every_file_is_tested() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/collection/breaks");
            let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
            let files: BTreeSet<String> = files.map(|file| file.into_string().unwrap()).collect();
            let tested = [$($name,)* "every"].map(|name| format!("{name}.yaml"));
            assert_eq!(files, BTreeSet::from(tested));
        }
    };
}

proofs! {
    alloy: "alloy",
    alloy_operator: "alloy-operator",
    cluster_log_forwarder: "cluster-log-forwarder",
    datadog: "datadog",
    filebeat: "filebeat",
    fluent_bit: "fluent-bit",
    elastic_agent: "elastic-agent",
    eck_agent: "eck-agent",
    eck_logstash: "eck-logstash",
    fluent_operator: "fluent-operator",
    fluent_operator_fluentd: "fluent-operator-fluentd",
    fluentd: "fluentd",
    kube_logging: "kube-logging",
    logstash: "logstash",
    otel_collector: "otel-collector",
    promtail: "promtail",
    rsyslog: "rsyslog",
    syslog_ng: "syslog-ng",
    vector: "vector",
    vlagent: "vlagent",
    vlagent_operator: "vlagent-operator",
}
