//! Managed clusters: commands of the provider's tool, and Terraform. Nothing of it is run here.
//!
//! What is to be done is data (`templates/cloud-*.yaml`). Neither commands nor Terraform hold names: they use variables, which
//! stand quoted at the head of the file, so that a name is never a part of a program.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::change::{Change, name};
use super::quote::{hcl, shell};
use super::situation::Situation;
use super::{File, Remedy};
use crate::analyze::cloud::provider::{Identity, identity};
use crate::audit::{Outcome, audit};
use crate::snapshot::Snapshot;
use crate::snapshot::cloud::CloudProvider;
use crate::verdict::Status;

const COMMANDS: &str = "commands.sh";
const TERRAFORM: &str = "main.tf";

/// What mends some checks of a provider.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Entry {
    checks: Vec<String>,
    /// Whether it only creates what is not there: it is left out where all that its answers name is there already, which may be
    /// set otherwise and better.
    #[serde(default)]
    creates: bool,
    does: String,
    costs: String,
    command: String,
    #[serde(default)]
    terraform: String,
    /// What each answer of the provider becomes.
    #[serde(default)]
    answers: Vec<Answer>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Answer {
    call: String,
    #[serde(default)]
    of: String,
    becomes: Value,
}

/// Variables that commands use, what they hold, and what to say of those that nobody told.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Provider {
    variables: BTreeMap<String, String>,
    entries: Vec<Entry>,
}

fn data(provider: CloudProvider) -> &'static str {
    match provider {
        CloudProvider::Eks => include_str!("templates/cloud-eks.yaml"),
        CloudProvider::Aks => include_str!("templates/cloud-aks.yaml"),
        CloudProvider::Gke => include_str!("templates/cloud-gke.yaml"),
    }
}

/// Commands and Terraform.
pub fn remedies(situation: &Situation<'_>) -> Vec<Remedy> {
    let identity = identity(situation.snapshot);
    let Some(provider) = identity.provider else { return Vec::new() };
    let Ok(data) = serde_yaml::from_str::<Provider>(data(provider)) else { return Vec::new() };
    let known = known(situation.snapshot, &identity);
    let changes = |entries: &[&Entry]| -> Vec<Change> {
        let answers = entries.iter().flat_map(|entry| &entry.answers);
        let change = |answer: &Answer| Change::Answer {
            call: answer.call.clone(),
            of: fill(&answer.of, &known),
            merge: filled(&answer.becomes, &known),
        };
        answers.map(change).collect()
    };
    let asked_for = |fails: &dyn Fn(&str) -> bool| -> Vec<&Entry> {
        let is_there = |answer: &Answer| {
            let told = situation.snapshot.cloud.answer(&answer.call, &fill(&answer.of, &known));
            let told = told.and_then(|told| told.reading.value());
            told.is_some_and(|told| names_all(told, &filled(&answer.becomes, &known)))
        };
        let is_asked_for = |entry: &&Entry| entry.checks.iter().any(|check| fails(check));
        let is_needed = |entry: &&Entry| !(entry.creates && entry.answers.iter().all(is_there));
        data.entries.iter().filter(is_asked_for).filter(is_needed).collect()
    };
    let mut entries = asked_for(&|check| situation.fails(check));
    if entries.is_empty() {
        return Vec::new();
    }
    // What comes to light asks for more: logs that are on can be dropped on their way.
    let mut snapshot = situation.snapshot.clone();
    for change in changes(&entries) {
        change.apply(&mut snapshot);
    }
    if let Ok(Outcome { report, .. }) = audit(situation.plan, &snapshot) {
        let fails =
            |check: &str| report.findings.iter().any(|one| one.check == check && one.status == Status::Fail);
        entries = asked_for(&|check| situation.fails(check) || fails(check));
    }
    let used: Vec<(&String, &String)> = data
        .variables
        .iter()
        .filter(|(name, _)| {
            let in_shell = format!("${{{name}}}");
            let in_terraform = format!("var.{}", name.to_ascii_lowercase());
            entries
                .iter()
                .any(|entry| entry.command.contains(&in_shell) || entry.terraform.contains(&in_terraform))
        })
        .collect();
    let needs: Vec<String> = used
        .iter()
        .filter(|(name, _)| !known.contains_key(name.as_str()))
        .map(|(name, what)| format!("{name}: {what}"))
        .collect();
    vec![Remedy {
        title: format!("Settings of {}", provider.title()),
        files: vec![
            File { name: COMMANDS.into(), text: commands(provider, &entries, &used, &known) },
            File { name: TERRAFORM.into(), text: terraform(provider, &entries, &used, &known) },
        ],
        changes: changes(&entries),
        does: entries.iter().map(|entry| entry.does.trim()).collect::<Vec<_>>().join(" "),
        costs: entries.iter().map(|entry| entry.costs.trim().to_owned()).collect(),
        apply: vec![
            format!(
                "Read `{COMMANDS}`, set the variables at its head, and run it with `sh {COMMANDS}`: it stops at the first command that fails. Or take `{TERRAFORM}` over into the configuration that manages the cluster; where a resource is managed already, put the arguments into that one instead of a second one."
            ),
            "One of the two, not both: Terraform takes back what it does not know.".into(),
        ],
        needs,
        ..Remedy::default()
    }]
}

/// Whether an answer names all items of lists that a part of it names.
fn names_all(answer: &Value, part: &Value) -> bool {
    match (answer, part) {
        (Value::Object(fields), Value::Object(parts)) => {
            parts.iter().all(|(key, part)| fields.get(key).is_some_and(|field| names_all(field, part)))
        }
        (Value::Array(items), Value::Array(parts)) => {
            parts.iter().all(|part| items.iter().any(|item| name(item).is_some() && name(item) == name(part)))
        }
        _ => true,
    }
}

/// What is known of the cluster, by the names of variables.
fn known(snapshot: &Snapshot, identity: &Identity) -> BTreeMap<&'static str, String> {
    let vpc = || {
        let cluster = snapshot.cloud.answer("eks/describe-cluster", "")?;
        Some(cluster.reading.value()?.pointer("/resourcesVpcConfig/vpcId")?.as_str()?.to_owned())
    };
    let pairs = [
        ("CLUSTER", identity.cluster.clone()),
        ("LOCATION", identity.location.clone()),
        ("ACCOUNT", identity.account.clone()),
        ("GROUP", identity.group.clone()),
        ("VPC", vpc()),
    ];
    pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// A text with what is known in the place of `${NAME}`; what is not known stays.
fn fill(text: &str, known: &BTreeMap<&'static str, String>) -> String {
    let Some((before, rest)) = text.split_once("${") else { return text.to_owned() };
    match rest.split_once('}') {
        Some((name, rest)) => {
            let value = known.get(name).cloned().unwrap_or_else(|| name.to_ascii_lowercase());
            format!("{before}{value}{}", fill(rest, known))
        }
        None => text.to_owned(),
    }
}

fn filled(value: &Value, known: &BTreeMap<&'static str, String>) -> Value {
    match value {
        Value::String(text) => fill(text, known).into(),
        Value::Array(items) => items.iter().map(|item| filled(item, known)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), filled(value, known))).collect()
        }
        other => other.clone(),
    }
}

fn commands(
    provider: CloudProvider,
    entries: &[&Entry],
    used: &[(&String, &String)],
    known: &BTreeMap<&'static str, String>,
) -> String {
    let mut text = format!(
        "#!/bin/sh\n# Log settings of {}. Nobody has run this: read it, set the variables, then run it with a login that may change them.\nset -eu\n\n",
        provider.title()
    );
    for (name, what) in used {
        match known.get(name.as_str()) {
            Some(value) => text.push_str(&format!("# {what}\n{name}={}\n", shell(value))),
            None => text.push_str(&format!("# {what}\n: \"${{{name}:?set it: {what}}}\"\n")),
        }
    }
    for entry in entries {
        text.push_str(&format!(
            "\n# {}: {}\n# {}\n",
            entry.checks.join(", "),
            entry.does.trim(),
            entry.costs.trim()
        ));
        text.push_str(entry.command.trim_end());
        text.push('\n');
    }
    text
}

fn terraform(
    provider: CloudProvider,
    entries: &[&Entry],
    used: &[(&String, &String)],
    known: &BTreeMap<&'static str, String>,
) -> String {
    let mut text = format!(
        "# Log settings of {}. To be taken over into the configuration that manages the cluster.\n",
        provider.title()
    );
    for (name, what) in used {
        let name_of_variable = name.to_ascii_lowercase();
        text.push_str(&format!(
            "\nvariable \"{name_of_variable}\" {{\n  description = {}\n  type        = string\n",
            hcl(what)
        ));
        if let Some(value) = known.get(name.as_str()) {
            text.push_str(&format!("  default     = {}\n", hcl(value)));
        }
        text.push_str("}\n");
    }
    for entry in entries.iter().filter(|entry| !entry.terraform.is_empty()) {
        text.push_str(&format!("\n# {}: {}\n", entry.checks.join(", "), entry.does.trim()));
        text.push_str(entry.terraform.trim_end());
        text.push('\n');
    }
    text
}
