//! Reports made in this process, to be changed before they are rendered.

use logaudit::analyze::Facts;
use logaudit::audit::{Outcome, Plan, audit};
use logaudit::check::{CheckSet, limits, load};
use logaudit::framework::frameworks;
use logaudit::report::format::{Format, Page};
use logaudit::report::{Report, table};
use logaudit::snapshot::io;
use logaudit::verdict::{Finding, Status, Waiving};

/// A report with what forms show beside it.
pub struct Made {
    pub report: Report,
    facts: Facts,
    checks: CheckSet,
}

impl Made {
    /// The report on an example cluster.
    pub fn on(example: &str) -> Self {
        let file = format!("{}/examples/{example}.json", env!("CARGO_MANIFEST_DIR"));
        let snapshot = io::from_bytes(&std::fs::read(file).unwrap()).unwrap();
        limits::on_big_stack(move || {
            let plan = Plan::everything(load::builtin().unwrap(), frameworks());
            let Outcome { report, facts } = audit(&plan, &snapshot).unwrap();
            Self { report, facts, checks: plan.checks }
        })
    }

    pub fn render(&self, format: Format) -> String {
        let Self { report, facts, checks } = self;
        format.render(&Page { report, facts, checks, table: table::Options::default() }).unwrap()
    }

    /// The first failure.
    pub fn failure(&mut self) -> &mut Finding {
        self.report.findings.iter_mut().find(|finding| finding.status == Status::Fail).unwrap()
    }

    /// Waives the first failure.
    pub fn waive(&mut self, at: &str) {
        let finding = self.failure();
        finding.status = Status::Waived;
        finding.waiver = Some(Waiving {
            reason: "the logs are kept | elsewhere".into(),
            owner: Some("@platform".into()),
            expires: Some("2027-03-31".into()),
            at: at.into(),
        });
    }
}
