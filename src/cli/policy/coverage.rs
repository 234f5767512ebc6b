//! `policy coverage`: what a policy records of every class of requests, proved over all senders, namespaces and names.

use anyhow::{Context, bail};

use super::input::{self, PolicyArgs, ValidPolicy};
use crate::analyze::policy::apis::Apis;
use crate::analyze::policy::catalogue::{CATALOGUE, RequestClass};
use crate::analyze::policy::coverage::Prover;
use crate::analyze::version::Version;
use crate::cli::Ending;
use crate::cli::output::OutputArgs;
use crate::report::matrix::{self, Matrix};
use crate::suggest::nearest;

/// Arguments of `policy coverage`.
#[derive(Debug, clap::Args)]
#[command(
    mut_group("policy", |group| group.required(true)),
    after_help = "Every answer holds for all users, groups, namespaces and names; an exception comes with the rule that \
decides and a request that shows it. `kubectl logaudit checks show RC-01` explains a class.

Exit codes: 0 it was worked out, 2 it was not; the gate for pipelines is policy check.

Examples:
  kubectl logaudit policy coverage -f audit-policy.yaml
  kubectl logaudit policy coverage -f audit-policy.yaml --class RC-01,RC-12 -o wide
  kubectl logaudit policy coverage --known gce -o markdown"
)]
pub(crate) struct Args {
    #[command(flatten)]
    policy: PolicyArgs,
    /// Only these classes of requests, and no bodies: RC-01,RC-12
    #[arg(long = "class", value_name = "ID", value_delimiter = ',')]
    classes: Vec<String>,
    /// The Kubernetes version of the server
    #[arg(long, value_name = "VERSION", value_parser = input::parse_version, default_value_t = input::DEFAULT_VERSION)]
    kubernetes: Version,
    /// The form
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    to: OutputArgs,
}

/// The form of coverage and of differences.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    #[default]
    Table,
    /// With every exception, its rule and an example
    Wide,
    Json,
    /// For a comment on a pull request
    Markdown,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Ending> {
    args.to.prepare();
    let ids: Vec<String> = args.classes.iter().map(|id| id.trim().to_uppercase()).collect();
    let classes = selected(&ids)?;
    let policy = args.policy.read(args.kubernetes)?;
    let matrix = matrix(&policy, &classes, args.classes.is_empty())?;
    let text = match args.output {
        Format::Table | Format::Wide => matrix.table(args.output == Format::Wide, args.to.no_headers),
        Format::Json => serde_json::to_string_pretty(&matrix)? + "\n",
        Format::Markdown => matrix.markdown(),
    };
    args.to.emit(text.as_bytes())?;
    Ok(Ending::Clean)
}

/// The classes with these ids, in the catalogue's order; all if there are none.
fn selected(ids: &[String]) -> anyhow::Result<Vec<&'static RequestClass>> {
    let known = || CATALOGUE.classes.iter();
    if ids.iter().any(String::is_empty) {
        bail!("--class has an empty id; give ids such as RC-01,RC-12, or leave it out for all classes");
    }
    for id in ids {
        if !known().any(|class| class.id == *id) {
            let near = nearest(id, known().map(|class| class.id.as_str()));
            let near = near.map(|near| format!(" did you mean `{near}`?")).unwrap_or_default();
            let (first, last) = (known().next(), known().next_back());
            let range = first.zip(last).map(|(first, last)| format!("{} to {}", first.id, last.id));
            bail!(
                "there is no class of requests `{id}`;{near} They go from {}, and `kubectl logaudit checks show RC-01` explains one",
                range.unwrap_or_default()
            );
        }
    }
    Ok(known().filter(|class| ids.is_empty() || ids.contains(&class.id)).collect())
}

/// Everything, in one proof.
pub(super) fn matrix(
    policy: &ValidPolicy,
    classes: &[&RequestClass],
    with_bodies: bool,
) -> anyhow::Result<Matrix> {
    let apis = Apis::of_version(policy.server);
    let prover = Prover::new(&policy.policy, input::wildcard(policy.server), &apis, &CATALOGUE);
    let context = || policy.name.clone();
    let mut matrix = Matrix {
        schema_version: matrix::SCHEMA_VERSION,
        kubernetes: policy.server.to_string(),
        policy: policy.name.clone(),
        rules: policy.rules_at(),
        classes: Vec::new(),
        bodies: Vec::new(),
        not_served: Vec::new(),
    };
    for class in classes {
        let coverage = prover.class(class).with_context(context)?;
        if coverage.served {
            matrix.classes.push(coverage);
        } else {
            matrix.not_served.push(coverage.id);
        }
    }
    for body in CATALOGUE.bodies.iter().filter(|_| with_bodies) {
        let coverage = prover.body(body).with_context(context)?;
        if coverage.served {
            matrix.bodies.push(coverage);
        }
    }
    Ok(matrix)
}
