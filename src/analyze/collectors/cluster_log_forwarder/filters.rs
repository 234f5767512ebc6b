//! Filters: `kubeAPIAudit` is a second audit policy, `drop` drops records, `prune` removes fields
//! (cluster-logging-operator: api/observability/v1, `filter_types.go`).

use super::{list, name};
use crate::analyze::collectors::model::{Effect, Source, Step};
use crate::analyze::collectors::vector::field::Field;

/// Filters of the older form that need not be defined.
pub(super) fn is_builtin(filter: &str) -> bool {
    matches!(filter, "parse" | "detectMultilineException" | "openshiftLabels")
}

/// A filter as a pipeline names it.
pub(super) struct Named<'a> {
    reference: Field<'a>,
    /// Its definition, if it has one.
    filter: Option<Field<'a>>,
}

/// The filters of a pipeline, in their order.
pub(super) fn named<'a>(defined: &[Field<'a>], pipeline: &Field<'a>) -> Vec<Named<'a>> {
    list(pipeline, "filterRefs")
        .into_iter()
        .map(|reference| {
            let filter = defined.iter().find(|filter| name(filter, "name") == reference.text()).cloned();
            Named { reference, filter }
        })
        .collect()
}

/// What filters do to what an input reads.
pub(super) fn steps(filters: &[Named<'_>], source: &Source) -> Vec<Step> {
    filters
        .iter()
        .filter_map(|Named { reference, filter }| match filter {
            Some(filter) => step(filter, source),
            None if is_builtin(reference.text()) => None,
            None => Some(Step {
                at: reference.at(),
                what: format!("the filter {} is not defined", reference.text()),
                effect: Effect::Unclear,
            }),
        })
        .collect()
}

fn step(filter: &Field<'_>, source: &Source) -> Option<Step> {
    let id = name(filter, "name");
    let made =
        |what: &str, effect| Some(Step { at: filter.at(), what: format!("filter {id}: {what}"), effect });
    match name(filter, "type") {
        // It looks only at records of API servers, which alone are read from files as such.
        "kubeAPIAudit" if matches!(source, Source::Files { .. } | Source::Network { .. }) => made(
            "kubeAPIAudit drops audit events by a policy of its own, and some without one",
            Effect::DropsSome,
        ),
        "drop" => made("drop takes away records that meet its tests", Effect::DropsSome),
        "prune" => made("prune removes fields", Effect::Redacts),
        "kubeAPIAudit" | "parse" | "detectMultilineException" | "openshiftLabels" => None,
        other => made(&format!("what {other} does is not known"), Effect::Unclear),
    }
}
