//! OpenShift's `ClusterLogForwarder`, of `observability.openshift.io/v1` and the older `logging.openshift.io/v1`, from which
//! an operator makes a configuration of Vector (cluster-logging-operator: api/observability/v1).
//!
//! | module | does |
//! | --- | --- |
//! | `inputs` | what is read |
//! | `filters` | what happens on the way |
//! | `outputs` | where it goes |

mod filters;
mod inputs;
mod outputs;

use std::collections::BTreeMap;

use serde_json::json;

use super::dialect::Unreadable;
use super::model::{Input, Pipeline, Route, Step, Unread};
use super::vector::field::{Field, Text};
use crate::analyze::fact::Fact;
use crate::document::Document;
use crate::snapshot::Resource;
use crate::verdict::{Evidence, Rank};

/// How many inputs, outputs, filters or pipelines one object may have, and how many of them one pipeline may name.
const MAX_PARTS: usize = 200;
/// How many steps all ways through them may have.
const MAX_STEPS: usize = 20_000;

/// Reads a `ClusterLogForwarder`.
///
/// # Errors
/// Its specification is not one that the operator accepts.
pub fn read(resource: &Resource) -> Result<Pipeline, Unreadable> {
    let text = text(resource);
    let root = text.root();
    let spec = root.get("spec").ok_or_else(|| Unreadable::new(root.at(), "it has no spec"))?;
    let is_older = resource.group == "logging.openshift.io";
    for part in ["inputs", "outputs", "filters", "pipelines"] {
        if list(&spec, part).len() > MAX_PARTS {
            return Err(Unreadable::new(spec.at(), format!("more than {MAX_PARTS} {part}")));
        }
    }
    for pipeline in list(&spec, "pipelines") {
        if ["inputRefs", "outputRefs", "filterRefs"]
            .iter()
            .any(|refs| list(&pipeline, refs).len() > MAX_PARTS)
        {
            return Err(Unreadable::new(
                pipeline.at(),
                format!("a pipeline with more than {MAX_PARTS} references"),
            ));
        }
    }
    if spec.get("managementState").is_some_and(|state| state.text() == "Unmanaged") {
        return Err(Unreadable::new(
            format!("{}.managementState", spec.at()),
            "it is Unmanaged: the operator leaves the collector as somebody has changed it",
        ));
    }
    let data_dir = format!("/var/lib/vector/{}", resource.full_name());
    let reader = Reader { spec: &spec, is_older, data_dir };
    reader.pipeline()
}

/// The account the collector runs as. Its roles decide which of the inputs it may read. In the older form the
/// object `instance` need not name it: its collector runs as `logcollector`.
pub fn service_account(resource: &Resource) -> Option<String> {
    let name =
        |path: &str| resource.spec.pointer(path).and_then(serde_json::Value::as_str).map(str::to_owned);
    if resource.group == "logging.openshift.io" {
        let default = (resource.name == "instance").then(|| "logcollector".to_owned());
        return name("/serviceAccountName").or(default);
    }
    name("/serviceAccount/name")
}

fn text(resource: &Resource) -> Text {
    let document = Document { value: json!({ "spec": resource.spec }), place: resource.place() };
    Text { document, hidden: BTreeMap::new() }
}

/// The elements of a list, or none.
fn list<'a>(field: &Field<'a>, key: &str) -> Vec<Field<'a>> {
    field.get(key).map(|list| list.items()).unwrap_or_default()
}

/// A text field, or `""`.
fn name<'a>(field: &Field<'a>, key: &str) -> &'a str {
    field.get(key).map_or("", |name| name.text())
}

struct Reader<'a> {
    spec: &'a Field<'a>,
    is_older: bool,
    /// Where the operator has positions and buffers kept, on the node.
    data_dir: String,
}

/// A pipeline, with its references followed.
struct Way<'a> {
    /// The inputs it names, and where.
    inputs: BTreeMap<&'a str, String>,
    filters: Vec<filters::Named<'a>>,
    outputs: Vec<usize>,
}

impl<'a> Reader<'a> {
    fn ways<T, U>(&self, outputs: &[(String, T, U)]) -> Vec<Way<'a>> {
        let defined = list(self.spec, "filters");
        let index = |target: &Field<'_>| outputs.iter().position(|(output, ..)| output == target.text());
        list(self.spec, "pipelines")
            .iter()
            .map(|pipeline| Way {
                inputs: list(pipeline, "inputRefs").iter().map(|one| (one.text(), one.at())).collect(),
                filters: filters::named(&defined, pipeline),
                outputs: list(pipeline, "outputRefs").iter().filter_map(index).collect(),
            })
            .collect()
    }

    fn pipeline(&self) -> Result<Pipeline, Unreadable> {
        let mut unread = Vec::new();
        let mut outputs: Vec<(String, Vec<Step>, super::model::Output)> = Vec::new();
        for output in list(self.spec, "outputs") {
            let id = name(&output, "name").to_owned();
            outputs.push((id, outputs::steps(&output), outputs::output(&output, &self.data_dir)));
        }
        if self.is_older && self.refers_to("default") && !outputs.iter().any(|(id, ..)| id == "default") {
            outputs.push(("default".to_owned(), Vec::new(), outputs::default_store(self.spec)));
        }
        let mut inputs: Vec<(String, Input)> = Vec::new();
        for input in list(self.spec, "inputs") {
            let id = name(&input, "name");
            inputs.extend(
                inputs::custom(&input, id, self.is_older, &self.data_dir)
                    .into_iter()
                    .map(|one| (id.to_owned(), one)),
            );
        }
        for builtin in inputs::BUILTIN {
            if inputs.iter().any(|(id, _)| id == builtin) {
                continue;
            }
            if let Some(reference) = self.reference(builtin) {
                let made = inputs::builtin(&reference, builtin, &self.data_dir);
                inputs.extend(made.into_iter().map(|one| (builtin.to_owned(), one)));
            }
        }
        let ways = self.ways(&outputs);
        let mut left = MAX_STEPS;
        for (id, input) in &mut inputs {
            let mut routes = Vec::new();
            let mut evidence = Vec::new();
            for way in &ways {
                let Some(at) = way.inputs.get(id.as_str()) else { continue };
                evidence.push(Evidence { at: at.clone(), detail: format!("inputRefs has {id}") });
                let steps = filters::steps(&way.filters, &input.source);
                left = left.checked_sub((1 + steps.len()) * way.outputs.len()).ok_or_else(|| {
                    Unreadable::new(
                        self.spec.at(),
                        format!("more than {MAX_STEPS} steps through its pipelines"),
                    )
                })?;
                for output in &way.outputs {
                    let extra =
                        outputs.get(*output).map(|(_, extra, _)| extra.as_slice()).unwrap_or_default();
                    routes.push(Route { steps: [&steps, extra].concat(), output: *output });
                }
            }
            if evidence.is_empty() {
                evidence.push(Evidence {
                    at: self.spec.at(),
                    detail: format!("no pipeline has {id} in its inputRefs"),
                });
            }
            input.routes = Fact::known(routes, Rank::Configured, evidence);
        }
        self.dangling(&inputs, &outputs, &mut unread);
        Ok(Pipeline {
            inputs: inputs.into_iter().map(|(_, input)| input).collect(),
            outputs: outputs.into_iter().map(|(.., output)| output).collect(),
            unread,
            own_metrics: Some(Fact::at(
                true,
                Rank::Configured,
                self.spec.at(),
                "the operator adds an output for the collector's own metrics",
            )),
        })
    }

    fn refers_to(&self, output: &str) -> bool {
        list(self.spec, "pipelines")
            .iter()
            .any(|pipeline| list(pipeline, "outputRefs").iter().any(|one| one.text() == output))
    }

    /// Where a pipeline first names an input.
    fn reference(&self, input: &str) -> Option<Field<'a>> {
        let pipelines = list(self.spec, "pipelines").into_iter();
        pipelines.flat_map(|pipeline| list(&pipeline, "inputRefs")).find(|one| one.text() == input)
    }

    /// References to what is not there. The operator refuses the whole object for them.
    fn dangling<T, U, V>(
        &self,
        inputs: &[(String, T)],
        outputs: &[(String, U, V)],
        unread: &mut Vec<Unread>,
    ) {
        let filters = list(self.spec, "filters");
        for pipeline in list(self.spec, "pipelines") {
            let mut check = |key: &str, is_there: &dyn Fn(&str) -> bool| {
                for one in list(&pipeline, key).iter().filter(|one| !is_there(one.text())) {
                    let why =
                        format!("{key} names {}, which is not defined: the operator refuses it", one.text());
                    unread.push(Unread { at: one.at(), why });
                }
            };
            check("inputRefs", &|id| inputs.iter().any(|(input, _)| input == id));
            check("outputRefs", &|id| outputs.iter().any(|(output, ..)| output == id));
            check("filterRefs", &|id| {
                filters::is_builtin(id) || filters.iter().any(|filter| name(filter, "name") == id)
            });
        }
    }
}

#[cfg(test)]
mod tests;
