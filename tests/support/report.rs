//! The report of a run, to be asked about.

use std::collections::BTreeMap;

use logaudit::verdict::Status;
use serde_json::Value;

use super::tool::Output;

/// A report in its JSON form.
#[derive(Clone, Debug)]
pub struct Report(pub Value);

impl Output {
    /// The report on stdout; the run must have done its job.
    pub fn report(&self) -> Report {
        assert!(matches!(self.code, Some(0 | 1)), "no report: {self:#?}");
        Report(self.json())
    }
}

impl Report {
    /// The findings of a check.
    pub fn of(&self, check: &str) -> Vec<&Value> {
        self.findings().filter(|finding| finding["check"] == check).collect()
    }

    /// The only finding of a check.
    pub fn only(&self, check: &str) -> &Value {
        match self.of(check).as_slice() {
            [finding] => finding,
            all => panic!("{} findings of {check}: {all:#?}", all.len()),
        }
    }

    /// What a check came to: the worst of its findings.
    pub fn verdict(&self, check: &str) -> Status {
        *self.verdicts().get(check).unwrap_or_else(|| panic!("no finding of {check}: {:#?}", self.0))
    }

    /// What every check came to.
    pub fn verdicts(&self) -> BTreeMap<String, Status> {
        self.worst(|finding| text(finding, "check"))
    }

    /// What every check came to for each subject.
    pub fn by_subject(&self) -> BTreeMap<(String, String), Status> {
        self.worst(|finding| (text(finding, "check"), text(finding, "subject")))
    }

    /// What every control of every framework came to.
    pub fn controls(&self) -> BTreeMap<String, Status> {
        let frameworks = self.0["frameworks"].as_array().expect("frameworks");
        let controls = frameworks.iter().flat_map(|framework| {
            let controls = framework["controls"].as_array().expect("controls");
            controls.iter().map(|control| {
                (format!("{} {}", text(framework, "id"), text(control, "id")), status(control))
            })
        });
        controls.collect()
    }

    /// The reasons of all findings with this status, each once.
    pub fn reasons(&self, wanted: Status) -> Vec<&str> {
        let mut reasons: Vec<&str> = self
            .findings()
            .filter(|finding| status(finding) == wanted)
            .filter_map(|finding| finding["reason"].as_str())
            .collect();
        reasons.sort_unstable();
        reasons.dedup();
        reasons
    }

    /// Fails the test unless some unknown finding gives a reason with all these words in it.
    pub fn expect_unknown_because(&self, words: &[&str]) {
        let reasons = self.reasons(Status::Unknown);
        assert!(
            reasons.iter().any(|reason| words.iter().all(|word| reason.contains(word))),
            "no unknown finding says {words:?}: {reasons:#?}"
        );
    }

    /// The low end of the score.
    pub fn low(&self) -> f64 {
        self.0["score"]["low"].as_f64().expect("a score")
    }

    /// All findings.
    pub fn findings(&self) -> impl Iterator<Item = &Value> {
        self.0["findings"].as_array().expect("findings").iter()
    }

    fn worst<K: Ord>(&self, key: impl Fn(&Value) -> K) -> BTreeMap<K, Status> {
        let mut worst = BTreeMap::new();
        for finding in self.findings() {
            let known = worst.entry(key(finding)).or_insert(Status::NotApplicable);
            *known = (*known).max(status(finding));
        }
        worst
    }
}

/// The status of a finding or a control.
pub fn status(of: &Value) -> Status {
    serde_json::from_value(of["status"].clone()).unwrap_or_else(|error| panic!("{error}: {of}"))
}

/// A field that is a text.
pub fn text(of: &Value, field: &str) -> String {
    of[field].as_str().unwrap_or_else(|| panic!("no {field} in {of}")).to_owned()
}
