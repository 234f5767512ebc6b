//! `policy diff`: which requests two policies record differently, worked out exactly.

use anyhow::{Context, bail};

use super::coverage::Format;
use super::input::{self, PolicyFile, Source, ValidPolicy};
use crate::analyze::policy::apis::Apis;
use crate::analyze::policy::catalogue::CATALOGUE;
use crate::analyze::policy::coverage::differences;
use crate::analyze::version::Version;
use crate::cli::Ending;
use crate::cli::output::OutputArgs;
use crate::report::difference::{Differences, Side};

/// Arguments of `policy diff`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Not the texts are compared but what they do: rules in another order that record the same are no difference.
Exit codes: 0 no difference, 1 a difference, 2 could not do the job.

Examples:
  kubectl logaudit policy diff old.yaml new.yaml
  git show main:audit-policy.yaml | kubectl logaudit policy diff - audit-policy.yaml -o markdown
  kubectl logaudit policy diff known:gce audit-policy.yaml -o wide"
)]
pub(crate) struct Args {
    /// The policy as it was: a file, - for standard input, or known:ID for a published one
    #[arg(value_name = "BEFORE", value_parser = input::parse_source)]
    before: Source,
    /// The policy as it is to be
    #[arg(value_name = "AFTER", value_parser = input::parse_source)]
    after: Source,
    /// The Kubernetes version of the server
    #[arg(long, value_name = "VERSION", value_parser = input::parse_version, default_value_t = input::DEFAULT_VERSION)]
    kubernetes: Version,
    /// The form
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    to: OutputArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Ending> {
    if args.before.is_stdin() && args.after.is_stdin() {
        bail!("only one of the policies can come from standard input; give the other as a file");
    }
    args.to.prepare();
    let read = |source: &Source| PolicyFile::from(source)?.load(args.kubernetes).valid();
    let (before, after) = (read(&args.before)?, read(&args.after)?);
    let apis = Apis::of_version(args.kubernetes);
    let wildcard = input::wildcard(args.kubernetes);
    let found = differences(&before.policy, &after.policy, wildcard, &apis, &CATALOGUE)
        .with_context(|| format!("{} and {} together", before.name, after.name))?;
    let ending = if found.is_empty() { Ending::Clean } else { Ending::Findings };
    let sides = [&before, &after].map(side);
    let differences = Differences::new(args.kubernetes.to_string(), sides, found, &CATALOGUE);
    let text = match args.output {
        Format::Table | Format::Wide => differences.table(args.output == Format::Wide, args.to.no_headers),
        Format::Json => serde_json::to_string_pretty(&differences)? + "\n",
        Format::Markdown => differences.markdown(),
    };
    args.to.emit(text.as_bytes())?;
    Ok(ending)
}

fn side(policy: &ValidPolicy) -> Side {
    Side { policy: policy.name.clone(), rules: policy.rules_at() }
}
