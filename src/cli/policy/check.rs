//! `policy check`: whether a server loads a policy, and what is wrong with what it records.

use std::sync::Arc;

use anyhow::bail;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::input::{self, PolicyArgs, PolicyFile, PolicyText, Source};
use crate::analyze::policy::coverage::TooLarge;
use crate::analyze::policy::load::{Problem, ProblemKind};
use crate::analyze::policy::{AuditPolicy, known};
use crate::analyze::version::Version;
use crate::audit::{Outcome, Plan};
use crate::check::Check;
use crate::cli::Ending;
use crate::cli::judging::{self, JudgingArgs};
use crate::cli::output::OutputArgs;
use crate::cli::settings::dated;
use crate::cli::targets::{Target, TargetParser, Targets};
use crate::framework::choice::Choice;
use crate::framework::frameworks;
use crate::report::format::{Format, Page};
use crate::report::{Report, Summary, plural, style, table};
use crate::snapshot::{self, PolicyOrigin, Reading, Scope, Snapshot};
use crate::verdict::Finding;
use crate::waiver::{Acceptance, comment};

/// The folder of the checks of policies.
const CATEGORY: &str = "policy";

/// How the ids of built-in checks begin.
const BUILTIN_IDS: &str = "LA-";

/// Arguments of `policy check`.
#[derive(Debug, clap::Args)]
#[command(mut_group("policy", |group| group.required(true)), after_help = "Ends with 1 if kube-apiserver would not start with the policy, or if something at or above --fail-on is wrong with it.

Examples:
  kubectl logaudit policy check -f audit-policy.yaml
  kubectl logaudit policy check -f audit-policy.yaml --kubernetes 1.31 --fail-on medium -o json
  kubectl logaudit policy check -f audit-policy.yaml -o table -o sarif=audit-policy.sarif"
)]
pub(crate) struct Args {
    #[command(flatten)]
    policy: PolicyArgs,
    /// The Kubernetes version of the server
    #[arg(long, value_name = "VERSION", value_parser = input::parse_version, default_value_t = input::DEFAULT_VERSION)]
    kubernetes: Version,
    /// The form of the report, or with =FILE a form to be written there; may be given several times
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = TargetParser, default_value = "table")]
    output: Vec<Target>,
    #[command(flatten)]
    to: OutputArgs,
    /// Only say whether kube-apiserver starts with the policy, and what it drops of it
    #[arg(long)]
    load_only: bool,
    /// Let no waiver in a comment of the policy count
    #[arg(long, help_heading = "Gate")]
    no_comment_waivers: bool,
    #[command(flatten)]
    judging: JudgingArgs,
}

/// What `policy check -o json` prints: whether it loads, the policy as the server understands it, and every finding.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    /// The version of this form; it changes when a field is removed or changes its meaning.
    schema_version: u32,
    /// What the policy is called.
    file: &'a str,
    /// The version it was loaded for.
    kubernetes: String,
    /// Whether the server starts with it.
    valid: bool,
    /// Why not.
    errors: &'a [Problem],
    /// What the server drops.
    warnings: &'a [Problem],
    /// The policy as the server understands it.
    policy: Option<&'a AuditPolicy>,
    /// What the checks of audit policies say.
    findings: &'a [Finding],
    /// Counts and gate; none if it does not load.
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a Summary>,
}

/// The version of the form of JSON.
const SCHEMA_VERSION: u32 = 1;

/// The JSON Schema of what `policy check -o json` prints.
pub fn schema() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Answer<'_>>();
    schema.insert("title".into(), "Check of an audit policy by kubectl logaudit".into());
    schema.to_value()
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Ending> {
    let targets = Targets::new(&args.output, &args.to)?;
    let Some(source) = args.policy.source() else { bail!("give a policy with -f FILE or --known ID") };
    let file = PolicyFile::from(&source)?.load(args.kubernetes);
    if let Some(limit) = file.loaded.errors.iter().find(|error| error.kind == ProblemKind::Limit) {
        bail!("{}: {}", file.name, limit.message);
    }
    if args.load_only && targets.formats().any(|format| !is_own(format)) {
        bail!("--load-only judges nothing, so there is only -o table, wide, json or yaml");
    }
    let is_judged = file.loaded.is_valid() && !args.load_only;
    // Other forms know only findings, and one of these is that the server does not start.
    let outcome = if is_judged || targets.formats().any(|format| !is_own(format)) {
        Some(judge(args, &file, &source)?)
    } else {
        None
    };
    let report = outcome.as_ref().filter(|_| is_judged).map(|(_, outcome)| &outcome.report);
    targets.write(|format| match (format, &outcome) {
        (Format::Json, _) => Ok(serde_json::to_string_pretty(&answer(&file, report))? + "\n"),
        (Format::Yaml, _) => Ok(serde_yaml::to_string(&serde_json::to_value(answer(&file, report))?)?),
        (Format::Table | Format::Wide, _) | (_, None) => Ok(people(args, format, &file, report)),
        (_, Some((plan, outcome))) => format.render(&Page {
            report: &outcome.report,
            facts: &outcome.facts,
            checks: &plan.checks,
            table: options(args, format),
        }),
    })?;
    let passed = file.loaded.is_valid() && report.is_none_or(|report| report.summary.gate.passed);
    Ok(if passed { Ending::Clean } else { Ending::Findings })
}

/// Whether this command writes the form itself, with what it knows of the policy beside the findings.
fn is_own(format: Format) -> bool {
    matches!(format, Format::Table | Format::Wide | Format::Json | Format::Yaml)
}

/// The checks of policies and of the waivers in their comments, and whatever the user adds.
fn is_about_policies(check: &Check) -> bool {
    check.category == CATEGORY || check.is_about_waivers() || !check.id.starts_with(BUILTIN_IDS)
}

/// Judges the policy as `run` judges that of a cluster, by the checks of policies and waivers alone.
fn judge(args: &Args, file: &PolicyText, source: &Source) -> anyhow::Result<(Arc<Plan>, Outcome)> {
    let mut snapshot = Snapshot::empty(Scope::Manifests, file.name.clone());
    snapshot.version = Reading::read(format!("v{}.0", file.server));
    snapshot.waivers = comment::comments(&file.name, &file.text);
    snapshot.policies = vec![snapshot::PolicyText {
        name: file.name.clone(),
        at: file.name.clone(),
        line: 1,
        origin: PolicyOrigin::Manifest,
        paths: Vec::new(),
        inside: None,
        config_map: None,
        text: file.text.clone(),
    }];
    if let Source::File(path) = source
        && !source.is_stdin()
    {
        snapshot.files.push(path.display().to_string());
    }
    let plan = Plan {
        reported: Choice::These(Vec::new()),
        demands: args.judging.demands(None),
        least_severity: args.judging.severity,
        about: is_about_policies,
        acceptance: Acceptance { comments: !args.no_comment_waivers, ..Acceptance::default() },
        ..Plan::everything(args.judging.load_checks()?, frameworks())
    };
    let plan = dated(plan, &snapshot)?;
    let outcome = judging::judge(&plan, snapshot)?;
    let too_large = TooLarge.to_string();
    if outcome.report.findings.iter().any(|finding| finding.reason == too_large) {
        bail!("{}: {too_large}", file.name);
    }
    Ok((plan, outcome))
}

fn answer<'a>(file: &'a PolicyText, report: Option<&'a Report>) -> Answer<'a> {
    Answer {
        schema_version: SCHEMA_VERSION,
        file: &file.name,
        kubernetes: file.server.to_string(),
        valid: file.loaded.is_valid(),
        errors: &file.loaded.errors,
        warnings: &file.loaded.warnings,
        policy: file.loaded.policy.as_ref(),
        findings: report.map_or(&[], |report| report.findings.as_slice()),
        summary: report.map(|report| &report.summary),
    }
}

fn options(args: &Args, format: Format) -> table::Options {
    table::Options {
        wide: format == Format::Wide,
        no_headers: args.to.no_headers,
        quiet: args.judging.quiet,
        unknown_gates: args.judging.fail_on_unknown,
        controls: false,
    }
}

fn people(args: &Args, format: Format, file: &PolicyText, report: Option<&Report>) -> String {
    let PolicyText { name, text, loaded, server } = file;
    let mut out = String::new();
    for problem in loaded.errors.iter().chain(&loaded.warnings) {
        for line in problem.render(text, name).lines() {
            out.push_str(&style::visible(line));
            out.push('\n');
        }
        out.push('\n');
    }
    let Some(policy) = &loaded.policy else {
        out.push_str(&format!(
            "{}: kube-apiserver {server} does not start with this policy\n",
            style::visible(name)
        ));
        return out;
    };
    if !args.judging.quiet {
        let equals: Vec<&str> = known::alike(policy).map(|known| known.name.as_str()).collect();
        let equals =
            if equals.is_empty() { String::new() } else { format!("; it equals {}", equals.join(", ")) };
        out.push_str(&format!(
            "{}  {}: {}, loads on Kubernetes {server}{equals}\n\n",
            style::heading("Policy"),
            style::visible(name),
            plural(policy.rules.len(), "rule"),
        ));
    }
    if let Some(report) = report {
        out.push_str(&table::render_findings(report, options(args, format)));
        // What a policy check leaves aside; notes on a cluster would be out of place.
        for note in &report.notes {
            out.push_str(&format!("note: {}\n", style::visible(note)));
        }
    }
    out
}
