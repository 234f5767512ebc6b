//! What remedies look at.

use crate::analyze::fact::Fact;
use crate::analyze::version::Version;
use crate::analyze::{Facts, analyze};
use crate::audit::Plan;
use crate::report::Report;
use crate::snapshot::{DeclarationKind, DeclaredApiServer, Snapshot};
use crate::verdict::{Finding, Severity, Status};

/// What a failure of severity high weighs among all failures.
pub const WEIGHT_OF_HIGH: u64 = 1_000_000;

/// What the user wants beside green checks.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Where logs are to be sent.
    pub destination: Option<Destination>,
    /// The texts of the files that were read, by the names they have in evidence.
    pub texts: Vec<(String, String)>,
}

/// A receiver of logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The path, which begins with a slash.
    pub path: String,
    /// Whether it was given, or only stands for one.
    pub is_given: bool,
}

impl Destination {
    /// What stands for a receiver that nobody named. The domain is reserved (RFC 6761): nothing is ever sent there.
    pub fn placeholder() -> Self {
        Self { host: "set-your-log-receiver.invalid".into(), port: 443, path: "/".into(), is_given: false }
    }

    /// A text as it is once what stands for a receiver in it is set. A placeholder is judged to lead nowhere, as it does.
    pub fn as_if_set(text: &str, placeholder: &str) -> String {
        text.replace(placeholder, &placeholder.replace(".invalid", ".example.org"))
    }

    /// Reads an HTTPS URL.
    ///
    /// # Errors
    /// Why it is none that logs can be sent to.
    pub fn parse(url: &str) -> Result<Self, String> {
        let rest =
            url.strip_prefix("https://").ok_or("it must begin with https://: logs travel encrypted")?;
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, format!("/{path}")),
            None => (rest, "/".to_owned()),
        };
        if authority.contains('@') {
            return Err(
                "it must hold no user or password: those belong in the Secret that the README names".into()
            );
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| format!("`{port}` is no port"))?),
            None => (authority, 443),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if host.is_empty() || !host.chars().all(is_name) || host.starts_with('-') {
            return Err(format!("`{host}` is no host name"));
        }
        let is_path = |c: char| c.is_ascii_alphanumeric() || "/-._~%?=&+,:".contains(c);
        if let Some(c) = path.chars().find(|c| !is_path(*c)) {
            return Err(format!("its path holds `{}`; write that as %XX", c.escape_default()));
        }
        Ok(Self { host: host.to_owned(), port, path, is_given: true })
    }

    /// As a URL.
    pub fn url(&self) -> String {
        format!("https://{}:{}{}", self.host, self.port, self.path)
    }
}

/// A snapshot, what is known of it and what fails.
#[derive(Debug)]
pub struct Situation<'a> {
    /// What was read, with the remedies so far.
    pub snapshot: &'a Snapshot,
    /// The facts about it.
    pub facts: Facts,
    /// By what it is judged.
    pub plan: &'a Plan,
    /// What the user wants.
    pub wishes: &'a Wishes,
    failing: Vec<&'a Finding>,
}

impl<'a> Situation<'a> {
    /// Looks at a snapshot with remedies. What failed at the beginning and does not pass by now counts as failing: the text of a
    /// policy that flags name is unknown until there is one.
    pub fn new(
        plan: &'a Plan,
        snapshot: &'a Snapshot,
        beginning: &'a Report,
        report: &'a Report,
        wishes: &'a Wishes,
    ) -> Self {
        let failed = |report: &'a Report| report.findings.iter().filter(|one| one.status == Status::Fail);
        let passes = |finding: &Finding| {
            report.findings.iter().any(|other| {
                other.check == finding.check
                    && other.subject == finding.subject
                    && other.status == Status::Pass
            })
        };
        let failing: Vec<&Finding> =
            failed(report).chain(failed(beginning).filter(|finding| !passes(finding))).collect();
        Self { snapshot, facts: analyze(snapshot), plan, wishes, failing }
    }

    /// Whether a check fails on some subject.
    pub fn fails(&self, check: &str) -> bool {
        self.failing.iter().any(|finding| finding.check == check)
    }

    /// Whether one of these checks fails.
    pub fn fails_any(&self, checks: &[&str]) -> bool {
        checks.iter().any(|check| self.fails(check))
    }

    /// Whether a check fails whose id begins like this.
    pub fn fails_in(&self, beginning: &str) -> bool {
        self.failing.iter().any(|finding| finding.check.starts_with(beginning))
    }

    /// The subjects on which a check fails.
    pub fn subjects(&self, check: &str) -> Vec<&'a str> {
        let of_check = self.failing.iter().filter(|finding| finding.check == check);
        of_check.map(|finding| finding.subject.as_str()).collect()
    }

    /// The distribution, if it is known.
    pub fn distribution(&self) -> Option<&str> {
        self.facts.kubernetes.distribution.value().map(String::as_str)
    }

    /// The version of the cluster, or the lowest that its apiservers declare.
    pub fn version(&self) -> Option<Version> {
        let of_cluster = self.facts.kubernetes.version.value().and_then(|text| Version::parse(text));
        of_cluster.or_else(|| {
            let servers = self.facts.api_servers.value().into_iter().flatten();
            servers.filter_map(|server| Version::parse(server.version.value()?)).min()
        })
    }

    /// Everything that declares an apiserver.
    pub fn declared(&self) -> impl Iterator<Item = &'a DeclaredApiServer> {
        let kubeadm = self.snapshot.kubeadm_config.value().and_then(Option::as_ref);
        kubeadm.into_iter().chain(&self.snapshot.declared)
    }

    /// Whether something of one of these kinds declares an apiserver.
    pub fn is_declared_by(&self, kinds: &[DeclarationKind]) -> bool {
        self.declared().any(|declared| kinds.contains(&declared.kind))
    }

    /// How much fails, as one number: a failure of a higher severity outweighs any number below it that occurs in practice.
    pub fn weight_of(report: &Report, beginning: &str) -> u64 {
        let failed = report.findings.iter().filter(|finding| finding.status == Status::Fail);
        failed
            .filter(|finding| finding.check.starts_with(beginning))
            .map(|finding| match finding.severity {
                Severity::Critical => 1_000_000_000,
                Severity::High => WEIGHT_OF_HIGH,
                Severity::Medium => 1_000,
                Severity::Low => 1,
            })
            .sum()
    }
}

/// The value on which all agree who are known to have one.
pub fn agreed<T: PartialEq + Clone>(facts: impl IntoIterator<Item = Fact<T>>) -> Option<T> {
    let mut values = facts.into_iter().filter_map(|fact| fact.value().cloned());
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}
