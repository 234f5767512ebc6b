//! What the controls of frameworks came to.

use super::Checked;
use super::links::Links;
use super::number;
use super::prose::{Span, spans};
use crate::framework::{CheckResult, ControlResult, FrameworkResult};
use crate::report::Report;
use crate::verdict::Status;

/// A framework with its controls.
pub(super) struct FrameworkView<'a> {
    pub(super) result: &'a FrameworkResult,
    pub(super) counts: Vec<Count>,
    pub(super) controls: Vec<ControlView<'a>>,
}

/// How many controls came to a status, and the stretch of the bar that stands for them.
pub(super) struct Count {
    pub(super) status: Status,
    pub(super) count: usize,
    pub(super) from: String,
    pub(super) width: String,
}

/// A control.
pub(super) struct ControlView<'a> {
    pub(super) control: &'a ControlResult,
    /// Why it is no pass.
    pub(super) reason: Vec<Span<'a>>,
    pub(super) conflicts: Vec<ConflictView<'a>>,
    /// Its checks by what they came to, worst first.
    pub(super) checks: Vec<(Status, Vec<Answer<'a>>)>,
    pub(super) unexamined: Vec<String>,
}

/// A control that asks for the contrary.
pub(super) struct ConflictView<'a> {
    pub(super) control: &'a str,
    pub(super) status: Status,
}

/// A check that answers a control.
pub(super) struct Answer<'a> {
    pub(super) checked: Checked<'a>,
    /// The parameters that the control asks for: `days 365`.
    pub(super) params: String,
}

const ORDER: [Status; 6] =
    [Status::Fail, Status::Unknown, Status::Attestation, Status::Waived, Status::Pass, Status::NotApplicable];

pub(super) fn frameworks<'a>(report: &'a Report, links: &Links<'a>) -> Vec<FrameworkView<'a>> {
    report.frameworks.iter().map(|result| framework(result, links)).collect()
}

fn framework<'a>(result: &'a FrameworkResult, links: &Links<'a>) -> FrameworkView<'a> {
    let all = result.controls.len().max(1);
    let mut before = 0;
    let mut counts = Vec::new();
    for status in ORDER {
        let count = result.controls.iter().filter(|control| control.status == status).count();
        if count > 0 {
            counts.push(Count { status, count, from: share(before, all), width: share(count, all) });
            before += count;
        }
    }
    FrameworkView {
        result,
        counts,
        controls: result.controls.iter().map(|control| view(control, links)).collect(),
    }
}

fn share(part: usize, all: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a framework has some hundred controls at most")]
    let percent = part as f64 * 100.0 / all as f64;
    format!("{}%", number((percent * 100.0).round() / 100.0))
}

fn view<'a>(control: &'a ControlResult, links: &Links<'a>) -> ControlView<'a> {
    let answers = |status: Status| -> Vec<Answer<'a>> {
        let of_it = control.checks.iter().filter(|check| check.status == status);
        of_it.map(|check| answer(check, links)).collect()
    };
    let conflicts = control.conflict.iter().flat_map(|conflict| &conflict.with);
    ControlView {
        control,
        reason: control.reason.as_deref().map(spans).unwrap_or_default(),
        conflicts: conflicts
            .map(|other| ConflictView { control: &other.control, status: other.status })
            .collect(),
        checks: ORDER
            .map(|status| (status, answers(status)))
            .into_iter()
            .filter(|(_, list)| !list.is_empty())
            .collect(),
        unexamined: control.unexamined.iter().map(ToString::to_string).collect(),
    }
}

fn answer<'a>(check: &'a CheckResult, links: &Links<'a>) -> Answer<'a> {
    // Which classes of requests a control asks about stands with the check; beside its id it would drown it.
    let params = check.params.iter().map(|(name, value)| match value.as_array() {
        Some(list) if list.len() > 3 => format!("{name} {} of them", list.len()),
        _ => format!("{name} {value}"),
    });
    Answer {
        checked: links.checked(&check.id, Some(check.status)),
        params: params.collect::<Vec<_>>().join(", "),
    }
}
