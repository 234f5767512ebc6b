//! `policy generate`: audit policies of our own, each proved before it is printed.

use anyhow::{Context, bail};

use super::coverage;
use super::input::{self, PolicyFile};
use crate::analyze::policy::catalogue::CATALOGUE;
use crate::analyze::version::Version;
use crate::check::builtin;
use crate::cli::Ending;
use crate::cli::output::{OutputArgs, warn};
use crate::report::matrix::Matrix;
use crate::verdict::Severity;

/// Arguments of `policy generate`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Before it is printed, a profile is loaded as the server does and proved: every class of requests is \
recorded at its level, whoever sends them, and no Secret, token or other body made for credentials is logged. What was \
proved is said on standard error.

Examples:
  kubectl logaudit policy generate --profile recommended --output-file audit-policy.yaml
  kubectl logaudit policy generate --profile stig | kubectl logaudit policy coverage -f -"
)]
pub(crate) struct Args {
    /// What for
    #[arg(long, value_enum, value_name = "PROFILE")]
    profile: Profile,
    /// With the profile stig: DISA STIG V-242403 by the letter, which writes the values of all Secrets into the log
    #[arg(long)]
    literal: bool,
    /// The Kubernetes version of the server
    #[arg(long, value_name = "VERSION", value_parser = input::parse_version, default_value_t = input::DEFAULT_VERSION)]
    kubernetes: Version,
    #[command(flatten)]
    to: OutputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Profile {
    /// Everything is recorded, nothing with its body
    Minimal,
    /// Everything is recorded, and with its body where an investigation needs it, except for bodies made for credentials
    Recommended,
    /// Every change with what was sent and answered
    Forensic,
    /// DISA STIG V-242403, except for bodies that hold credentials
    Stig,
}

impl Profile {
    fn file(self, literal: bool) -> &'static str {
        match self {
            Self::Minimal => "profiles/minimal.yaml",
            Self::Recommended => "profiles/recommended.yaml",
            Self::Forensic => "profiles/forensic.yaml",
            Self::Stig if literal => "profiles/stig-literal.yaml",
            Self::Stig => "profiles/stig.yaml",
        }
    }
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Ending> {
    if args.literal && args.profile != Profile::Stig {
        bail!("--literal goes with --profile stig only: it gives DISA STIG V-242403 by the letter");
    }
    if args.kubernetes < OLDEST {
        bail!(
            "the profiles are for Kubernetes {OLDEST} and later: older servers do not know omitManagedFields, so not for {}",
            args.kubernetes
        );
    }
    let name = args.profile.file(args.literal);
    let text =
        builtin::text(name).with_context(|| format!("internal error: {name} is not in this program"))?;
    let matrix = prove(name, text, args.kubernetes)?;
    let demands = Demands { investigate: args.profile != Profile::Minimal, leaks: args.literal };
    let faults = demands.faults(&matrix);
    if !faults.is_empty() {
        bail!(
            "internal error: {name} does not hold what it promises on Kubernetes {}; please report this:\n  {}",
            args.kubernetes,
            faults.join("\n  ")
        );
    }
    args.to.emit(text.as_bytes())?;
    warn(&demands.proof(name, &matrix));
    Ok(Ending::Clean)
}

/// The first server that knows every field of the profiles: before, there was no `omitManagedFields`.
const OLDEST: Version = Version::new(1, 23);

/// Loads a profile and works out what it records.
fn prove(name: &str, text: &str, server: Version) -> anyhow::Result<Matrix> {
    let loaded = PolicyFile::of_text(name, text).load(server);
    if let Some(warning) = loaded.loaded.warnings.first() {
        bail!("internal error: {}", warning.render(&loaded.text, name));
    }
    let policy = loaded.valid().context("internal error")?;
    let classes: Vec<_> = CATALOGUE.classes.iter().collect();
    coverage::matrix(&policy, &classes, true)
}

/// What a profile must show.
struct Demands {
    /// Whether classes are recorded at their level for investigation, not only for detection.
    investigate: bool,
    /// Whether bodies with credentials may be logged.
    leaks: bool,
}

impl Demands {
    /// Where a profile falls short.
    fn faults(&self, matrix: &Matrix) -> Vec<String> {
        let mut faults = Vec::new();
        for class in &matrix.classes {
            let shallow = class.shallow.iter().filter(|_| self.investigate);
            for exception in class.undetected.iter().chain(shallow) {
                faults.push(format!(
                    "{}: {} is recorded at level {}",
                    class.id,
                    exception.requests.words(),
                    exception.level
                ));
            }
        }
        for body in matrix.leaks(Severity::High).filter(|_| !self.leaks) {
            for exception in &body.logged {
                faults.push(format!("{}: the body of {} is logged", body.id, exception.requests.words()));
            }
        }
        faults
    }

    /// What was proved, and what leaks.
    fn proof(&self, name: &str, matrix: &Matrix) -> String {
        let count = matrix.classes.len();
        let level = if self.investigate { "investigation" } else { "detection" };
        let mut text = format!(
            "{} on Kubernetes {}: covers {count} of {count} classes at their level for {level}",
            name.trim_start_matches("profiles/").trim_end_matches(".yaml"),
            matrix.kubernetes
        );
        if !matrix.not_served.is_empty() {
            text.push_str(&format!(" ({} more not served)", matrix.not_served.len()));
        }
        let bodies = |leaks: bool| -> Vec<String> {
            let logged =
                matrix.leaks(Severity::Low).filter(|body| (body.severity >= Severity::High) == leaks);
            logged.map(|body| format!("{} ({})", body.title, body.severity)).collect()
        };
        let (leaks, others) = (bodies(true), bodies(false));
        if leaks.is_empty() {
            text.push_str("; no capped body is logged");
        }
        if !others.is_empty() {
            text.push_str(&format!("; bodies logged knowingly: {}", others.join(", ")));
        }
        if !leaks.is_empty() {
            text.push_str(&format!(
                "\nwarning: it logs bodies that hold credentials, for whoever reads the log to use: {}",
                leaks.join(", ")
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(rules: &str, demands: &Demands) -> Vec<String> {
        let text = format!("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n{rules}");
        demands.faults(&prove("test.yaml", &text, input::DEFAULT_VERSION).unwrap())
    }

    #[test]
    fn a_profile_that_does_not_hold_is_found_out() {
        let strict = Demands { investigate: true, leaks: false };
        let found = faults(
            "- {level: None, verbs: [get], resources: [{resources: [secrets]}]}\n- {level: Metadata}\n",
            &strict,
        );
        assert!(found.iter().any(|fault| fault.starts_with("RC-01: get secrets by everyone")), "{found:#?}");
        assert!(
            found.iter().any(|fault| fault.starts_with("RC-36: ")),
            "not enough to investigate: {found:#?}"
        );
        let found = faults("- {level: RequestResponse}\n", &strict);
        assert!(found.iter().any(|fault| fault.starts_with("BODY-SECRETS: ")), "{found:#?}");
        assert_eq!(faults("- {level: Metadata}\n", &Demands { investigate: false, leaks: false }), [""; 0]);
        let dropped = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- {level: Metadata, user: [x]}\n";
        assert!(
            prove("test.yaml", dropped, input::DEFAULT_VERSION)
                .unwrap_err()
                .to_string()
                .contains("internal error")
        );
    }
}
