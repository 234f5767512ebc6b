//! Examples in both formats.

mod corpus;
mod hostile;
mod outputs;
mod reading;
mod routing;

use super::read;
use crate::analyze::collectors::config::{Config, File, Hidden};
use crate::analyze::collectors::dialect::Unreadable;
use crate::analyze::collectors::model::{Effect, Input, Output, Pipeline, Route, Step};
use crate::analyze::fact::Fact;

/// Files below `/fluent-bit/etc`, of which the first is the main one; a Secret is mounted at `/secret`.
fn config(files: &[(&str, &str)]) -> Config {
    let file = |(name, text): &(&str, &str)| File {
        path: format!("/fluent-bit/etc/{name}"),
        at: format!("ConfigMap logging/fluent-bit data[{name}]"),
        text: (*text).to_owned(),
    };
    Config {
        main: format!("/fluent-bit/etc/{}", files[0].0),
        files: files.iter().map(file).collect(),
        hidden: vec![Hidden { path: "/secret".into(), why: "from the Secret logging/extra".into() }],
        ..Config::default()
    }
}

fn classic(text: &str) -> Pipeline {
    read(&config(&[("fluent-bit.conf", text)])).unwrap()
}

fn yaml(text: &str) -> Pipeline {
    read(&config(&[("fluent-bit.yaml", text)])).unwrap()
}

fn refused(text: &str) -> Unreadable {
    read(&config(&[("fluent-bit.conf", text)])).unwrap_err()
}

/// Of a place in the main file, what follows the file.
fn line(at: &str) -> &str {
    at.strip_prefix("ConfigMap logging/fluent-bit data[fluent-bit.").unwrap_or(at)
}

/// A fact's value and where its first evidence stands.
fn at<T: Clone>(fact: &Fact<T>) -> (T, String, String) {
    let Fact::Known(known) = fact else { panic!("unknown: {:?}", fact.reason()) };
    let evidence = &known.evidence[0];
    (known.value.clone(), line(&evidence.at).to_owned(), evidence.detail.clone())
}

fn routes(input: &Input) -> &[Route] {
    input.routes.value().unwrap()
}

/// The outputs an input leads to, each with the lines and texts of the steps on the way.
fn ways(pipeline: &Pipeline, input: usize) -> Vec<(usize, Vec<String>)> {
    let shown = |step: &Step| format!("{} {} {}", line(&step.at), step.what, kind(&step.effect));
    routes(&pipeline.inputs[input])
        .iter()
        .map(|route| (route.output, route.steps.iter().map(shown).collect()))
        .collect()
}

fn kind(effect: &Effect) -> &'static str {
    match effect {
        Effect::Selects => "selects",
        Effect::Skips => "skips",
        Effect::LongLines(_) => "long lines",
        Effect::DropsAll => "drops all",
        Effect::Namespaces(rule) if rule.only.is_some() => "only namespaces",
        Effect::Namespaces(_) => "all but namespaces",
        Effect::DropsSome => "drops some",
        Effect::Samples => "samples",
        Effect::Limits => "limits",
        Effect::Redacts => "redacts",
        Effect::Unclear => "unclear",
    }
}

fn output(text: &str) -> Output {
    classic(text).outputs.remove(0)
}
