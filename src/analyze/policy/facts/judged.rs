//! One situation: a policy that apiservers load, none, or one that is not known.

use super::super::coverage::{BodyCoverage, ClassCoverage, NoiseCoverage, Prover, Reach, TooLarge};
use super::super::lint::{self, Kind, Remark};
use super::super::load::{self, Loaded};
use super::super::matches::GroupWildcard;
use super::super::sources::PolicyState;
use super::super::{Level, Stage};
use super::{
    Apis, AuditPolicy, Catalogue, Instances, NEWEST, Places, Policy, PolicyText, ServerPolicy, Snapshot,
    classes, known,
};
use crate::analyze::cloud::recorded::{Lost, Recorded};
use crate::analyze::fact::Fact;
use crate::analyze::version::Version;
use crate::verdict::{Evidence, Rank};

/// The oldest version whose loader is told apart from the newest, besides those that read beta versions.
const BEFORE_ANY_GROUP: Version = Version::new(1, 35);

/// The last version that reads policies of `audit.k8s.io/v1beta1`.
const LAST_BETA: Version = Version::new(1, 23);

/// What apiservers load.
pub(super) struct Judged<'s> {
    pub(super) name: String,
    servers: Vec<String>,
    pub(super) state: State<'s>,
    /// Whether one of the servers writes its log in mode `blocking-strict`.
    strict: Fact<bool>,
}

pub(super) enum State<'s> {
    /// A policy that works, or none, which is a policy without rules.
    Works(Box<Works<'s>>),
    /// The apiserver does not start with it.
    Refused { problems: Vec<String>, evidence: Vec<Evidence>, rank: Rank },
    /// Not known.
    Unknown(String),
}

/// A policy that works.
pub(super) struct Works<'s> {
    pub(super) policy: AuditPolicy,
    places: Places,
    /// What a line and a column follow.
    at: String,
    /// How many lines stand before the text.
    lines_before: u32,
    dropped: Vec<(String, String)>,
    beta: bool,
    /// Whether there is a policy at all.
    pub(super) is_set: bool,
    /// What shows that this is the policy.
    pub(super) evidence: Vec<Evidence>,
    pub(super) rank: Rank,
    /// What a provider's policy, which nobody can change, does whatever its settings are; none for others' policies.
    pub(super) limits: Option<Limits>,
    /// What stands before the policy's own rules: settings of a provider that leave events out.
    before: Vec<Lost>,
    /// What is recorded at the least, where what it lets through is not certain.
    pub(super) doubt: Option<Doubt>,
    pub(super) apis: &'s Apis,
    pub(super) answers: Answers,
}

/// What nobody but the provider can change.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Classes of requests of which its policy leaves some out.
    pub unrecorded: Vec<String>,
    /// Kinds of bodies that it brings into the log.
    pub exposed: Vec<String>,
}

impl Limits {
    fn of(answers: &Answers, of_its_own: Vec<String>) -> Self {
        let classes = answers.classes.iter().flatten().filter(|class| class.served && !class.is_detected());
        let classes = classes.map(|class| format!("{} {}", class.id, class.title));
        let bodies = answers.bodies.iter().flatten().filter(|body| body.served && !body.logged.is_empty());
        Self {
            unrecorded: classes.chain(of_its_own).collect(),
            exposed: bodies.map(|body| body.title.clone()).collect(),
        }
    }
}

/// That less may be recorded.
pub(super) struct Doubt {
    pub(super) reason: String,
    pub(super) answers: Answers,
}

/// A provider that runs the apiservers.
#[derive(Clone, Copy)]
pub(super) struct Managed<'m> {
    /// The distribution.
    pub(super) distribution: Option<&'m str>,
    /// What its settings let through.
    pub(super) recorded: Option<&'m Recorded>,
}

/// What was asked about a policy: the answers, or that it is too large.
pub(super) struct Answers {
    pub(super) classes: Option<Vec<ClassCoverage>>,
    pub(super) bodies: Option<Vec<BodyCoverage>>,
    pub(super) noise: Option<Vec<NoiseCoverage>>,
    remarks: Option<Vec<Remark>>,
    /// Whether anything is recorded, and the lowest level of all.
    everything: Option<(bool, Level)>,
}

impl Answers {
    /// Whether anything is recorded.
    fn records(&self) -> bool {
        self.everything.is_some_and(|(some, _)| some)
    }

    fn of(policy: &AuditPolicy, wildcard: GroupWildcard, apis: &Apis, catalogue: &Catalogue) -> Self {
        let prover = Prover::new(policy, wildcard, apis, catalogue);
        // Without a policy there is nothing to look through.
        let has_rules = !policy.rules.is_empty();
        Self {
            classes: prover.classes().ok(),
            bodies: prover.bodies().ok(),
            noise: prover.noise().ok(),
            remarks: if has_rules { lint::lint(&prover).ok() } else { Some(Vec::new()) },
            everything: if has_rules { everything(&prover).ok() } else { Some((false, Level::None)) },
        }
    }
}

impl<'s> Judged<'s> {
    pub(super) fn new(
        entry: &ServerPolicy,
        snapshot: &Snapshot,
        instances: &Instances,
        apis: &'s Apis,
        catalogue: &'s Catalogue,
        managed: Managed<'_>,
    ) -> Self {
        let works = |policy: AuditPolicy| Works {
            answers: Answers::of(&policy, wildcard(entry.version), apis, catalogue),
            policy,
            places: Places::default(),
            at: entry.at.clone(),
            lines_before: 0,
            dropped: Vec::new(),
            beta: false,
            is_set: true,
            evidence: Vec::new(),
            rank: Rank::Evaluated,
            limits: None,
            before: Vec::new(),
            doubt: None,
            apis,
        };
        let state = match &entry.state {
            PolicyState::Unset { evidence } => State::Works(Box::new(Works {
                is_set: false,
                rank: Rank::Configured,
                evidence: evidence.clone(),
                ..works(AuditPolicy::default())
            })),
            PolicyState::Text { text, rank, evidence } => match snapshot.policies.get(*text) {
                Some(text) => of_text(text, entry.version, *rank, evidence, works),
                None => State::Unknown("the snapshot lacks the policy's text".into()),
            },
            PolicyState::Unknown(reason) => {
                // An apiserver that is seen is not the provider's own.
                let mut servers =
                    instances.list.iter().filter(|instance| entry.servers.contains(&instance.name));
                let is_seen = servers.any(|instance| instance.flags.unread.is_none());
                match managed.distribution.and_then(known::of_distribution).filter(|_| !is_seen) {
                    Some(published) => of_published(published, managed.recorded, works),
                    None => State::Unknown(reason.clone()),
                }
            }
        };
        let servers = instances.list.iter().filter(|instance| entry.servers.contains(&instance.name));
        let modes = servers.flat_map(|instance| {
            ["audit-log-mode", "audit-webhook-mode"].map(|flag| instance.flags.text(flag))
        });
        let strict = modes.map(|mode| mode.map(|mode| mode == "blocking-strict")).reduce(Fact::or);
        let strict = strict.unwrap_or_else(|| Fact::unknown("no apiserver is visible that loads the policy"));
        Self { name: entry.name.clone(), servers: entry.servers.clone(), state, strict }
    }

    /// What a provider's policy does whatever its settings are.
    pub(super) fn limits(&self) -> Option<Limits> {
        match &self.state {
            State::Works(works) => works.limits.clone(),
            State::Refused { .. } | State::Unknown(_) => None,
        }
    }

    /// The facts about the policy itself.
    pub(super) fn facts(&self) -> Policy {
        let unknown = |reason: &str| Policy {
            name: self.name.clone(),
            servers: self.servers.clone(),
            fixed: false,
            set: Fact::unknown(reason),
            loads: Fact::unknown(reason),
            problems: Fact::unknown(reason),
            dropped_keys: Fact::unknown(reason),
            api_version: Fact::unknown(reason),
            rules: Fact::unknown(reason),
            records: Fact::unknown(reason),
            least_level: Fact::unknown(reason),
            unreachable: Fact::unknown(reason),
            without_effect: Fact::unknown(reason),
            never_matches: Fact::unknown(reason),
            unknown_resources: Fact::unknown(reason),
            loses_outcome: Fact::unknown(reason),
            doubles: Fact::unknown(reason),
            managed_fields: Fact::unknown(reason),
            strict_without_effect: Fact::unknown(reason),
            known_as: Fact::unknown(reason),
            classes: classes::rows(self),
        };
        match &self.state {
            State::Unknown(reason) => unknown(reason),
            State::Refused { problems, evidence, rank } => Policy {
                set: Fact::known(true, *rank, evidence.clone()),
                loads: Fact::known(false, *rank, evidence.clone()),
                problems: Fact::known(problems.clone(), *rank, evidence.clone()),
                ..unknown("the apiserver does not start with the policy")
            },
            State::Works(works) => self.of_working(works, unknown(NO_POLICY)),
        }
    }

    fn of_working(&self, works: &Works<'_>, none: Policy) -> Policy {
        let set = Fact::known(works.is_set, works.rank, works.evidence.clone());
        let doubtful = |fact: Fact<bool>, same: fn(&Answers) -> bool| match &works.doubt {
            Some(doubt) if !same(&doubt.answers) => fact.and_then(|_| Fact::unknown(doubt.reason.clone())),
            _ => fact,
        };
        let set = doubtful(set, Answers::records);
        let none = Policy { fixed: works.limits.is_some(), ..none };
        let records = |records: bool, least: Level| {
            (
                doubtful(works.fact(records, "the policy"), Answers::records),
                works.fact(least.as_str().to_owned(), "the lowest level over all requests"),
            )
        };
        if !works.is_set {
            let (records, least_level) = records(false, Level::None);
            return Policy { set, records, least_level, ..none };
        }
        let dropped: Vec<String> = works.dropped.iter().map(|(_, message)| message.clone()).collect();
        let dropped_evidence = works
            .dropped
            .iter()
            .map(|(at, message)| Evidence { at: at.clone(), detail: message.clone() })
            .collect();
        let api_version = if works.beta { "a version before audit.k8s.io/v1" } else { "audit.k8s.io/v1" };
        let of_kind = |kind: Kind| match &works.answers.remarks {
            Some(remarks) => works.remarks(remarks.iter().filter(|remark| remark.kind == kind)),
            None => Fact::unknown(TooLarge.to_string()),
        };
        let (records, least_level) = match works.answers.everything {
            Some((some, least)) => records(some, least),
            None => (Fact::unknown(TooLarge.to_string()), Fact::unknown(TooLarge.to_string())),
        };
        let received = Stage::RequestReceived;
        let mut recording = works.policy.rules.iter().filter(|rule| rule.level > Level::None);
        let omits_received = works.policy.omit_stages.contains(&received)
            || recording.any(|rule| rule.omit_stages.contains(&received));
        let omits_received = works.fact(omits_received, "omitStages");
        Policy {
            set,
            loads: doubtful(works.fact(true, "the apiserver starts with it"), Answers::records),
            problems: works.fact(Vec::new(), "no errors"),
            dropped_keys: Fact::known(
                dropped,
                works.rank,
                if works.dropped.is_empty() { works.whole() } else { dropped_evidence },
            ),
            api_version: works.fact(api_version.to_owned(), "apiVersion"),
            rules: works.fact(i64::try_from(works.policy.rules.len()).unwrap_or(i64::MAX), "rules"),
            records,
            least_level,
            unreachable: of_kind(Kind::Unreachable),
            without_effect: of_kind(Kind::WithoutEffect),
            never_matches: of_kind(Kind::NeverMatches),
            unknown_resources: of_kind(Kind::UnknownResource),
            loses_outcome: of_kind(Kind::LosesOutcome),
            doubles: of_kind(Kind::Doubles),
            managed_fields: of_kind(Kind::ManagedFields),
            strict_without_effect: self.strict.clone().and(omits_received),
            known_as: works.fact(
                known::alike(&works.policy).map(|known| known.name.clone()).collect(),
                "compared with published policies",
            ),
            ..none
        }
    }
}

const NO_POLICY: &str = "there is no audit policy";

/// Whether anything is recorded, and the lowest level of all.
fn everything(prover: &Prover<'_>) -> Result<(bool, Level), TooLarge> {
    let levels = Reach::new(prover)?.levels();
    let some = levels.iter().any(|(level, _)| *level > Level::None);
    Ok((some, levels.iter().map(|(level, _)| *level).min().unwrap_or_default()))
}

fn wildcard(version: Option<Version>) -> GroupWildcard {
    if version.unwrap_or(NEWEST) > BEFORE_ANY_GROUP { GroupWildcard::Any } else { GroupWildcard::Literal }
}

fn of_text<'s>(
    text: &PolicyText,
    version: Option<Version>,
    rank: Rank,
    evidence: &[Evidence],
    works: impl Fn(AuditPolicy) -> Works<'s>,
) -> State<'s> {
    let load = |version| load::load(text.text.as_bytes(), &text.at, version);
    let lines_before = text.line.saturating_sub(1);
    let place = |line: u32, column: u32| format!("{}:{}:{column}", text.at, line + lines_before);
    let Loaded { policy, errors, warnings, places, .. } = load(version.unwrap_or(NEWEST));
    let read_as_beta = version.is_none_or(|version| version <= LAST_BETA) && load(NEWEST).policy.is_none();
    if version.is_none() {
        let elsewhere = [BEFORE_ANY_GROUP, LAST_BETA].map(|version| load(version).policy);
        if elsewhere.iter().any(|other| other.is_some() != policy.is_some()) {
            return State::Unknown(
                "whether the apiserver starts with the policy depends on its version, which is not known"
                    .into(),
            );
        }
    }
    let Some(policy) = policy else {
        let problems: Vec<String> = errors.iter().map(|error| error.message.clone()).collect();
        let evidence = errors
            .iter()
            .take(MAX_PLACES)
            .map(|error| Evidence { at: place(error.line, error.column), detail: error.message.clone() })
            .collect();
        return State::Refused { problems, evidence, rank };
    };
    let dropped = warnings
        .iter()
        .map(|warning| (place(warning.line, warning.column), warning.message.clone()))
        .collect();
    State::Works(Box::new(Works {
        places,
        at: text.at.clone(),
        lines_before,
        dropped,
        beta: read_as_beta,
        evidence: evidence.to_vec(),
        rank: if rank == Rank::Documented { rank } else { Rank::Evaluated },
        ..works(policy)
    }))
}

fn of_published<'s>(
    published: &known::Known,
    recorded: Option<&Recorded>,
    works: impl Fn(AuditPolicy) -> Works<'s>,
) -> State<'s> {
    let Loaded { policy: Some(policy), places, .. } = published.load() else {
        return State::Unknown(format!(
            "the policy that {} is documented to have does not load",
            published.name
        ));
    };
    let at = format!("{} ({})", published.name, published.documented);
    let (lost, doubtful, reason) = match recorded {
        Some(Recorded::Read { lost, doubtful, .. }) => {
            let reasons: Vec<&str> = doubtful.iter().map(|lost| lost.why.as_str()).collect();
            (lost.clone(), doubtful.clone(), reasons.join("; "))
        }
        Some(Recorded::Unread(why)) => (
            Vec::new(),
            vec![Lost::everything(&at, "")],
            format!(
                "{} is documented to have a policy that records it; whether this cluster's audit log is on is not known: {why}",
                published.name
            ),
        ),
        None => (
            Vec::new(),
            vec![Lost::everything(&at, "")],
            format!(
                "{} is documented to have a policy that records it; whether this cluster's audit log is on and kept is not known",
                published.name
            ),
        ),
    };
    // What the provider's own users do is told as a limit; it hides nothing that the customer's people do.
    let mut policy = policy;
    let mut of_its_own = Vec::new();
    for rule in policy.rules.iter_mut().filter(|rule| rule.level == Level::None && published.is_own(rule)) {
        of_its_own.push(format!(
            "{} by {}, the provider's own",
            rule.verbs.join(", "),
            rule.users.join(", ")
        ));
        rule.level = Level::Metadata;
    }
    let policy = policy;
    // What is left out stands before everything else, as rules that record nothing.
    let led_by = |rules: &[&[Lost]]| {
        let before = rules.iter().copied().flatten().map(|lost| lost.rule.clone());
        AuditPolicy { rules: before.chain(policy.rules.iter().cloned()).collect(), ..policy.clone() }
    };
    let doubt =
        (!doubtful.is_empty()).then(|| Doubt { reason, answers: works(led_by(&[&doubtful, &lost])).answers });
    let own = works(policy.clone());
    let limits = Limits::of(&own.answers, of_its_own);
    let whole = if lost.is_empty() {
        own
    } else {
        let Works { answers, .. } = works(led_by(&[&lost]));
        // What is odd in the policy itself is the provider's, whatever stands before it.
        Works { answers: Answers { remarks: own.answers.remarks, ..answers }, ..own }
    };
    State::Works(Box::new(Works {
        places,
        evidence: vec![Evidence {
            at: at.clone(),
            detail: "the policy as it is documented; it was not seen".into(),
        }],
        at,
        rank: Rank::Documented,
        limits: Some(limits),
        before: lost,
        doubt,
        ..whole
    }))
}

/// What decides about a request.
pub(super) enum Decider<'w> {
    /// A rule of the policy, counted from 0.
    Rule(usize),
    /// A setting of the provider that leaves its event out, in words.
    Setting(&'w str),
    /// No rule matches.
    Nothing,
}

/// How many places of evidence a fact carries.
pub(super) const MAX_PLACES: usize = 12;

impl Works<'_> {
    /// A fact that rests on the policy as a whole.
    pub(super) fn fact<T>(&self, value: T, detail: &str) -> Fact<T> {
        let evidence = if self.is_set {
            vec![Evidence { at: self.at.clone(), detail: detail.to_owned() }]
        } else {
            self.evidence.clone()
        };
        Fact::known(value, self.rank, evidence)
    }

    fn whole(&self) -> Vec<Evidence> {
        vec![Evidence { at: self.at.clone(), detail: "no key is dropped".to_owned() }]
    }

    /// Where a field stands: `audit-policy.yaml:14:3`.
    pub(super) fn place(&self, field: &str) -> String {
        let at = self.places.nearest(field);
        if !self.is_set || self.rank == Rank::Documented {
            return self.at.clone();
        }
        format!("{}:{}:{}", self.at, at.line + self.lines_before, at.column)
    }

    /// Where a rule stands, by its number among those that were asked about; the policy itself where none decides.
    pub(super) fn rule_place(&self, rule: Option<usize>) -> String {
        match rule.map(|rule| (self.before.get(rule), rule)) {
            Some((Some(lost), _)) => lost.at.clone(),
            Some((None, rule)) => self.place(&format!("rules[{}]", rule.saturating_sub(self.before.len()))),
            None => self.at.clone(),
        }
    }

    /// What decides: `rules[3]`, a provider's setting, or nothing.
    pub(super) fn decider(&self, rule: Option<usize>) -> Decider<'_> {
        match rule.map(|rule| (self.before.get(rule), rule)) {
            Some((Some(lost), _)) => Decider::Setting(&lost.why),
            Some((None, rule)) => Decider::Rule(rule.saturating_sub(self.before.len())),
            None => Decider::Nothing,
        }
    }

    fn remarks<'r>(&self, remarks: impl Iterator<Item = &'r Remark> + Clone) -> Fact<Vec<String>> {
        let list: Vec<String> =
            remarks.clone().map(|remark| format!("{}: {}", remark.field, remark.message)).collect();
        if list.is_empty() {
            return self.fact(list, "looked through");
        }
        let evidence = remarks
            .take(MAX_PLACES)
            .map(|remark| Evidence { at: self.place(&remark.field), detail: remark.message.clone() })
            .collect();
        Fact::known(list, self.rank, evidence)
    }
}
