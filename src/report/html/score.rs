//! The score as an interval on its scale, and the arithmetic behind it.

use super::links::Links;
use super::{Checked, number};
use crate::report::Report;
use crate::score::{Cap, Item, Rules};
use crate::verdict::Status;

/// The score, to be drawn.
pub(super) struct ScoreView<'a> {
    pub(super) low: String,
    pub(super) high: String,
    pub(super) grade: &'a str,
    pub(super) judged: String,
    pub(super) scale: Scale<'a>,
    pub(super) caps: Vec<CapView<'a>>,
    pub(super) items: Vec<ItemView<'a>>,
    /// `critical 10, high 6, medium 3, low 1`.
    pub(super) weights: String,
    pub(super) sums: Vec<Sum>,
}

/// Where things stand on the scale, in percent of its width.
pub(super) struct Scale<'a> {
    pub(super) from: String,
    pub(super) width: String,
    pub(super) bands: Vec<Band<'a>>,
    pub(super) ends: Vec<Label>,
    pub(super) caps: Vec<Label>,
}

/// The stretch of a grade.
pub(super) struct Band<'a> {
    pub(super) grade: &'a str,
    pub(super) from: String,
    pub(super) width: String,
    pub(super) middle: String,
    pub(super) is_own: bool,
}

/// A text at a place of the scale.
pub(super) struct Label {
    pub(super) at: String,
    pub(super) anchor: &'static str,
    pub(super) text: String,
}

/// A cap that applies.
pub(super) struct CapView<'a> {
    pub(super) cap: &'a Cap,
    pub(super) ends: &'static str,
    pub(super) checks: Vec<Checked<'a>>,
}

/// An item with its arithmetic.
pub(super) struct ItemView<'a> {
    pub(super) item: &'a Item,
    pub(super) range: String,
    pub(super) from: String,
    /// What is open, if anything is.
    pub(super) width: Option<String>,
    pub(super) all: u32,
    pub(super) low: String,
    pub(super) high: String,
    pub(super) checks: Vec<Weighed<'a>>,
    /// How many checks more weigh nothing.
    pub(super) weightless: usize,
    pub(super) unexamined: Vec<String>,
    pub(super) unexamined_weight: u32,
}

/// A check with what it weighs.
pub(super) struct Weighed<'a> {
    pub(super) checked: Checked<'a>,
    pub(super) weight: u32,
}

/// The way from the items to one end of the score.
pub(super) struct Sum {
    pub(super) end: &'static str,
    pub(super) terms: String,
    pub(super) count: usize,
    pub(super) mean: String,
    pub(super) cap: Option<String>,
    pub(super) result: String,
}

impl<'a> ScoreView<'a> {
    pub(super) fn new(report: &'a Report, rules: &'a Rules, links: &Links<'a>) -> Self {
        let score = &report.score;
        let cap_view = |cap: &'a Cap| CapView {
            cap,
            ends: if cap.status == Status::Fail { "both ends" } else { "the low end" },
            checks: cap.checks.iter().map(|id| links.checked(id, links.worst(id))).collect(),
        };
        let weights: Vec<String> =
            rules.weights.iter().rev().map(|(severity, weight)| format!("{severity} {weight}")).collect();
        Self {
            low: number(score.low),
            high: number(score.high),
            grade: &score.grade,
            judged: number((score.judged * 100.0).round()),
            scale: scale(report, rules),
            caps: score.caps.iter().map(cap_view).collect(),
            items: score.items.iter().map(|item| item_view(item, rules, links)).collect(),
            weights: weights.join(", "),
            sums: vec![
                sum(report, "low", |item| item.low, |_| true, score.low),
                sum(report, "high", |item| item.high, |cap| cap.status == Status::Fail, score.high),
            ],
        }
    }
}

/// A place on the scale.
fn percent(value: f64) -> String {
    format!("{}%", number(value))
}

/// Texts near an edge stay inside.
fn label(at: f64, text: String) -> Label {
    let anchor = match at {
        at if at < 5.0 => "start",
        at if at > 95.0 => "end",
        _ => "middle",
    };
    Label { at: percent(at), anchor, text }
}

fn scale<'a>(report: &'a Report, rules: &'a Rules) -> Scale<'a> {
    let score = &report.score;
    let mut above = 100.0;
    let mut bands = Vec::new();
    for grade in &rules.grades {
        bands.push(Band {
            grade: &grade.grade,
            from: percent(grade.from),
            width: percent(above - grade.from),
            middle: percent(f64::midpoint(above, grade.from)),
            is_own: grade.grade == score.grade,
        });
        above = grade.from;
    }
    bands.reverse();
    // Two ends that are close share one label.
    let ends = if score.high - score.low < 12.0 {
        let text = if score.low < score.high {
            format!("{} to {}", number(score.low), number(score.high))
        } else {
            number(score.low)
        };
        vec![label(f64::midpoint(score.low, score.high), text)]
    } else {
        vec![label(score.low, number(score.low)), label(score.high, number(score.high))]
    };
    let mut caps: Vec<f64> = score.caps.iter().map(|cap| cap.at_most).collect();
    caps.sort_by(f64::total_cmp);
    caps.dedup();
    Scale {
        from: percent(score.low),
        // What is certain to a point is a point that can be seen.
        width: percent(((score.high - score.low).max(0.6) * 10.0).round() / 10.0),
        bands,
        ends,
        caps: caps.into_iter().map(|at| label(at, format!("cap {}", number(at)))).collect(),
    }
}

fn item_view<'a>(item: &'a Item, rules: &Rules, links: &Links<'a>) -> ItemView<'a> {
    let weighed = |(id, status): (&'a String, &crate::verdict::Status)| {
        let severity = links.severity(id);
        let weight = severity.and_then(|severity| rules.weights.get(&severity)).copied().unwrap_or_default();
        let counts = !matches!(status, Status::NotApplicable | Status::Attestation);
        Weighed { checked: links.checked(id, Some(*status)), weight: if counts { weight } else { 0 } }
    };
    let all: Vec<Weighed<'a>> = item.checks.iter().map(weighed).collect();
    let (mut checks, without): (Vec<_>, Vec<_>) = all.into_iter().partition(|weighed| weighed.weight > 0);
    checks.sort_by_key(|weighed| std::cmp::Reverse(weighed.checked.status));
    let is_point = (item.high - item.low).abs() < 0.05;
    ItemView {
        item,
        range: if is_point {
            number(item.low)
        } else {
            format!("{} to {}", number(item.low), number(item.high))
        },
        from: percent(item.low),
        width: (!is_point).then(|| percent(((item.high - item.low) * 10.0).round() / 10.0)),
        all: item.passed + item.failed + item.unknown,
        low: number(item.low),
        high: number(item.high),
        checks,
        weightless: without.len(),
        unexamined: item.unexamined.iter().map(ToString::to_string).collect(),
        unexamined_weight: rules.weights.get(&rules.unexamined).copied().unwrap_or_default(),
    }
}

fn sum(
    report: &Report,
    end: &'static str,
    value: impl Fn(&Item) -> f64,
    binds: impl Fn(&Cap) -> bool,
    result: f64,
) -> Sum {
    let items = &report.score.items;
    let terms: Vec<String> = items.iter().map(|item| number(value(item))).collect();
    #[expect(clippy::cast_precision_loss, reason = "there are 14 items")]
    let mean = items.iter().map(value).sum::<f64>() / (items.len().max(1) as f64);
    let cap = report.score.caps.iter().filter(|cap| binds(cap)).map(|cap| cap.at_most).min_by(f64::total_cmp);
    Sum {
        end,
        terms: terms.join(" + "),
        count: items.len(),
        mean: number((mean * 10.0).round() / 10.0),
        cap: cap.filter(|cap| *cap < mean).map(number),
        result: number(result),
    }
}
