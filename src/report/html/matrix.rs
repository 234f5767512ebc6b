//! What each audit policy records, as a heat map: classes of requests by who sends them.

use std::borrow::Cow;

use crate::analyze::Facts;
use crate::analyze::fact::Fact;
use crate::analyze::policy::Level;
use crate::analyze::policy::catalogue::Who;
use crate::analyze::policy::facts::{Cell, ClassRow, Policy, Reached};
use crate::snapshot::redact::scrub;
use crate::verdict::Severity;

/// The columns.
const SENDERS: [(Who, &str); 5] = [
    (Who::Person, "People"),
    (Who::ServiceAccount, "Service accounts"),
    (Who::Node, "Nodes"),
    (Who::Anonymous, "Anonymous"),
    (Who::FailedAuthentication, "Refused"),
];

/// The heat maps, or why there is none.
pub(super) struct Matrices<'a> {
    pub(super) columns: [&'static str; 5],
    pub(super) policies: Vec<Matrix<'a>>,
    pub(super) unknown: Option<Cow<'a, str>>,
}

/// The heat map of a policy.
pub(super) struct Matrix<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) servers: String,
    pub(super) unset: bool,
    pub(super) rank: String,
    pub(super) unknown: Option<Cow<'a, str>>,
    pub(super) rows: Vec<Row<'a>>,
    pub(super) served: usize,
    pub(super) detected: usize,
    pub(super) investigated: usize,
    pub(super) undecided: usize,
    /// Why cells are not known.
    pub(super) reasons: Vec<Cow<'a, str>>,
    pub(super) left_aside: Vec<&'a str>,
    pub(super) not_served: Vec<&'a str>,
}

/// A class of requests.
pub(super) struct Row<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) severity: Severity,
    pub(super) needs: String,
    pub(super) cells: Vec<Square>,
    pub(super) less: Cow<'a, str>,
}

/// A cell of the map.
pub(super) struct Square {
    /// The class of the style sheet.
    pub(super) style: &'static str,
    /// The levels in letters.
    pub(super) letters: String,
    /// The same in words.
    pub(super) words: String,
}

impl<'a> Matrices<'a> {
    pub(super) fn new(facts: &'a Facts) -> Self {
        let policies = facts.policies.value().into_iter().flatten().map(matrix).collect();
        Self { columns: SENDERS.map(|(_, name)| name), policies, unknown: facts.policies.reason().map(scrub) }
    }
}

fn matrix(policy: &Policy) -> Matrix<'_> {
    let rows = policy.classes.value().map_or(&[][..], Vec::as_slice);
    let mut served: Vec<&ClassRow> = rows.iter().filter(|row| row.served).collect();
    // Gaps that are certain stand before those that are not known.
    let order = |row: &ClassRow| match row.reached() {
        Some(Reached::Neither) => 0,
        Some(Reached::Detect) => 1,
        None => 2,
        Some(Reached::Investigate) => 3,
    };
    served.sort_by_key(|row| (order(row), std::cmp::Reverse(row.severity)));
    let count = |least: Reached| served.iter().filter(|row| row.reached() >= Some(least)).count();
    let mut reasons: Vec<Cow<'_, str>> = Vec::new();
    let mut left_aside: Vec<&str> = Vec::new();
    for class in &served {
        let unknown = class.cells.iter().filter_map(|cell| cell.reached.as_ref().err());
        for reason in unknown.map(|reason| scrub(reason)) {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        for noise in &class.left_aside {
            if !left_aside.contains(&noise.as_str()) {
                left_aside.push(noise);
            }
        }
    }
    Matrix {
        reasons,
        left_aside,
        name: scrub(&policy.name),
        servers: scrub(&policy.servers.join(", ")).into_owned(),
        unset: policy.set.value() == Some(&false),
        rank: match &policy.classes {
            Fact::Known(known) => known.rank.to_string(),
            Fact::Unknown(_) => String::new(),
        },
        unknown: policy.classes.reason().map(scrub),
        detected: count(Reached::Detect),
        investigated: count(Reached::Investigate),
        undecided: served.iter().filter(|row| row.reached().is_none()).count(),
        served: served.len(),
        rows: served.into_iter().map(row).collect(),
        not_served: rows.iter().filter(|row| !row.served).map(|row| row.title.as_str()).collect(),
    }
}

fn row(class: &ClassRow) -> Row<'_> {
    let cells = SENDERS.map(|(who, _)| square(class.cells.iter().find(|cell| cell.who == who)));
    let needs = if class.detect == class.investigate {
        class.detect.to_string()
    } else {
        format!("{}, {} to investigate", class.detect, class.investigate)
    };
    Row {
        id: &class.id,
        title: &class.title,
        severity: class.severity,
        needs,
        cells: cells.into(),
        less: scrub(&class.less),
    }
}

fn square(cell: Option<&Cell>) -> Square {
    let Some(cell) = cell else {
        return Square { style: "none", letters: String::new(), words: "does not count".to_owned() };
    };
    let levels = if cell.least == cell.most {
        cell.least.to_string()
    } else {
        format!("{} to {}", cell.least, cell.most)
    };
    let letters = if cell.least == cell.most {
        letter(cell.least).to_owned()
    } else {
        format!("{}\u{2013}{}", letter(cell.least), letter(cell.most))
    };
    let (style, told) = match cell.reached {
        Err(_) => {
            return Square { style: "open", letters: "?".to_owned(), words: "not known".to_owned() };
        }
        Ok(Reached::Neither) => ("gap", "some not detected"),
        Ok(Reached::Detect) => ("part", "all recorded, some with too little detail to investigate"),
        Ok(Reached::Investigate) => ("full", "all recorded, with enough detail to investigate"),
    };
    Square { style, letters, words: format!("{levels}: {told}") }
}

fn letter(level: Level) -> &'static str {
    match level {
        Level::None => "N",
        Level::Metadata => "M",
        Level::Request => "R",
        Level::RequestResponse => "RR",
    }
}
