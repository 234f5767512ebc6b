//! OpenShift's `ClusterLogForwarder`, whose operator keeps the collector's own configuration in a Secret: the resource says
//! what it does, the `DaemonSet` where it runs.

use logaudit::verdict::Status::{self, Fail, NotApplicable, Pass, Unknown};

use super::{Manifests, fixture};

/// The checks that its chain must pass.
const PROVEN: [&str; 13] = [
    "LA-COL-001",
    "LA-COL-004",
    "LA-COL-005",
    "LA-COL-010",
    "LA-COL-011",
    "LA-COL-013",
    "LA-COL-014",
    "LA-COL-021",
    "LA-COL-023",
    "LA-COL-024",
    "LA-COL-025",
    "LA-COL-040",
    "LA-COL-041",
];

/// An edit, what a check then comes to, and the line that it points at (empty where there is none to point at).
type Edit = (&'static str, &'static str, &'static str, Status, &'static str);

const EDITS: [Edit; 7] = [
    (
        "        - {operator: Exists}\n",
        "        - {key: dedicated, operator: Exists}\n",
        "LA-COL-005",
        Fail,
        "tolerations:",
    ),
    ("hostPath: {path: /var/log}", "hostPath: {path: /var/lib/log}", "LA-COL-010", Fail, "- name: collector"),
    ("        - audit\n", "", "LA-COL-021", Fail, "- name: collector"),
    ("        - application\n", "", "LA-COL-016", Fail, ""),
    ("https://splunk", "http://splunk", "LA-COL-040", Fail, "url: http://splunk.example.com:8088"),
    ("insecureSkipVerify: false", "insecureSkipVerify: true", "LA-COL-041", Fail, "insecureSkipVerify: true"),
    ("kind: ClusterLogForwarder\nmetadata:", "kind: Other\nmetadata:", "LA-COL-021", Unknown, ""),
];

#[test]
fn the_chain_is_proven_and_broken_at_each_link() {
    let text = fixture("cluster-log-forwarder.yaml");
    let whole = Manifests::run(&text);
    let verdicts = whole.verdicts();
    for check in PROVEN {
        assert_eq!(verdicts[check], Pass, "{}", whole.shown(check));
    }
    for (from, to, check, expected, line) in EDITS {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        let broken = Manifests::run(&text.replace(from, to));
        assert_eq!(broken.verdicts()[check], expected, "{from}: {}", broken.shown(check));
        if !line.is_empty() {
            let lines = broken.lines(check, expected);
            assert!(lines.contains(&line), "{check} points at {lines:?}: {}", broken.shown(check));
        }
        let after = ["LA-COL-024", "LA-COL-025"].map(|check| broken.verdicts()[check]);
        let breaks_audit = check == "LA-COL-021";
        assert!(
            !breaks_audit || after.iter().all(|status| matches!(status, NotApplicable | Unknown)),
            "{after:?}"
        );
    }
}
