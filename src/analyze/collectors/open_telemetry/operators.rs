//! The operators inside of receivers that read files: most parse, some drop (Stanza docs: operators).

use crate::analyze::collectors::model::{Effect, Step};
use crate::analyze::collectors::settings::Setting;

/// Operators that change fields, fold lines into one, or do nothing.
const HARMLESS: [&str; 26] = [
    "add",
    "assign_keys",
    "container",
    "copy",
    "csv_parser",
    "flatten",
    "json_array_parser",
    "json_parser",
    "key_value_parser",
    "move",
    "noop",
    "recombine",
    "regex_parser",
    "regex_replace",
    "remove",
    "retain",
    "scope_name_parser",
    "severity_parser",
    "syslog_parser",
    "time_parser",
    "trace_parser",
    "unquote",
    "uri_parser",
    "metadata",
    "xml_parser",
    "restructure",
];

/// What operators take away.
pub(super) fn steps(operators: &Setting<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(why) = operators.why() {
        steps.push(step(operators, format!("operators that are not seen: {why}"), Effect::Unclear));
    }
    for operator in operators.items() {
        let kind = operator.get("type").plain();
        match kind.as_str() {
            "filter" => {
                let ratio = operator.get("drop_ratio").plain().parse::<f64>().unwrap_or(1.0);
                if ratio > 0.0 {
                    steps.push(step(
                        &operator,
                        "the operator filter drops what its expr matches",
                        Effect::DropsSome,
                    ));
                }
            }
            "router" if !operator.get("default").is_set() => {
                let what = "the operator router has no default: what meets no route is dropped";
                steps.push(step(&operator, what, Effect::DropsSome));
            }
            "router" => {}
            "file_output" | "stdout" | "drop_output" => {
                steps.push(step(
                    &operator,
                    format!("the operator {kind} takes records out"),
                    Effect::Unclear,
                ));
            }
            kind if HARMLESS.contains(&kind) => {}
            kind => steps.push(step(
                &operator,
                format!("the operator {kind}, which is not known here"),
                Effect::Unclear,
            )),
        }
        let on_error = operator.get("on_error");
        if matches!(on_error.plain().as_str(), "drop" | "drop_quiet") {
            steps.push(step(
                &on_error,
                format!("the operator {kind} drops what it cannot read"),
                Effect::DropsSome,
            ));
        }
    }
    steps
}

fn step(setting: &Setting<'_>, what: impl Into<String>, effect: Effect) -> Step {
    Step { at: setting.place(), what: what.into(), effect }
}
