//! What a policy records of whole classes of requests: proved over all senders, namespaces and names.
//!
//! | module | does |
//! | --- | --- |
//! | `patterns` | patterns of the catalogue into targets: verb and resource, or verb and path |
//! | `target` | which rules can match a target |
//! | `identity` | who can send requests |
//! | `walk` | who reaches which rule, exactly |
//! | `asked` | what the catalogue's entries ask about |
//! | `cells` | namespaces and names, divided as the rules divide them |
//! | `budget` | how much work a policy may take |
//! | `survey` | the same for many targets |
//! | `gather`, `describe` | requests that end alike put together, and in words |
//! | `difference` | what two policies record differently |
//! | `reach` | which rules requests reach at all |
//!
//! The answers are exact as far as the catalogue's classes go: if a class is recorded, there is no request in it that is
//! not, and every exception comes with a request that shows it. What an identity can be is in `identity`.

mod asked;
mod budget;
mod cells;
mod describe;
mod difference;
mod gather;
mod identity;
mod patterns;
mod reach;
mod survey;
mod target;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use schemars::JsonSchema;
use serde::Serialize;
use thiserror::Error;

pub use describe::Span;
pub use difference::{Change, Difference, differences};
pub use gather::Requests;
pub use reach::{Decider, Reach, can_be_in_namespace, can_be_named, is_only_about_resources};

use super::apis::Apis;
use super::catalogue::{Body, BodyPart, Catalogue, Noise, RequestClass, RequestPattern, Senders, Who};
use super::matches::{Attributes, Decision, Evaluator, GroupWildcard, RequestKind, effective_level};
use super::{AuditPolicy, Level, PolicyRule};
use crate::verdict::Severity;
use asked::{Makers, everyone, excepted, excluded, makers, patterns_of, patterns_of_noise};
use budget::Budget;
use cells::Objects;
use gather::{Gathered, witness};
use identity::{Everyone, Kind};
use patterns::World;
use survey::{Answer, Survey};
use target::Target;
use walk::{Block, Only, Outcome, Part, RuleSet};

/// A policy names so many users, groups, namespaces and names together that going through all of them was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the policy tells so many users, groups, namespaces and names apart that its coverage was not worked out; `policy eval` tells what is recorded of single requests"
)]
pub struct TooLarge;

/// What is recorded of a class of requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassCoverage {
    /// The class: `RC-01`.
    pub id: String,
    /// What its requests do.
    pub title: String,
    /// How bad it is if they are not recorded.
    pub severity: Severity,
    /// The least level at which they can be detected.
    pub detect: Level,
    /// The least level at which they can be investigated.
    pub investigate: Level,
    /// Whether any of its requests exists: its API is served, or the policy names its group.
    pub served: bool,
    /// The lowest level at which one of them is recorded; what stages that are omitted take away is taken off.
    pub least: Level,
    /// The highest.
    pub most: Level,
    /// Requests recorded below the level for detection. None: all are recorded.
    pub undetected: Vec<Exception>,
    /// Requests that can be detected, and are recorded below the level for investigation.
    pub shallow: Vec<Exception>,
    /// Noise among its requests that is not recorded, and does not count because dropping it is tolerated.
    pub left_aside: Vec<String>,
    /// The same for each kind of sender that counts.
    pub senders: Vec<SenderCoverage>,
}

/// What is recorded of the requests of a class that senders of one kind send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SenderCoverage {
    /// The kind.
    pub who: Who,
    /// The lowest level at which one of these requests is recorded.
    pub least: Level,
    /// The highest.
    pub most: Level,
    /// Whether each is recorded at the level for detection.
    pub detected: bool,
    /// Whether each is recorded at the level for investigation.
    pub investigated: bool,
}

impl ClassCoverage {
    /// Whether every request of the class is recorded at the level for detection.
    pub fn is_detected(&self) -> bool {
        self.undetected.is_empty()
    }

    /// Whether every request of the class is recorded at the level for investigation.
    pub fn is_investigated(&self) -> bool {
        self.undetected.is_empty() && self.shallow.is_empty()
    }
}

/// Where bodies are logged that should not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BodyCoverage {
    /// The kind of body: `BODY-SECRETS`.
    pub id: String,
    /// What they are.
    pub title: String,
    /// How bad it is to have them in the log.
    pub severity: Severity,
    /// Whether such objects exist: their API is served, or the policy names its group.
    pub served: bool,
    /// The requests whose bodies are logged. None: no such body is logged.
    pub logged: Vec<Exception>,
}

/// What is recorded of requests that come often and say little.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NoiseCoverage {
    /// The kind of noise: `NOISE-LEASES`.
    pub id: String,
    /// What it is.
    pub title: String,
    /// The highest level at which some of it is recorded.
    pub most: Level,
    /// The requests that are recorded. None: all of it is dropped.
    pub recorded: Vec<Exception>,
}

/// Requests that are recorded at another level than the rest of what is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exception {
    /// Which requests.
    #[serde(flatten)]
    pub requests: Requests,
    /// The level at which they are really recorded.
    pub level: Level,
    /// The rule that decides, counted from 0; none where no rule matches.
    pub rule: Option<usize>,
    /// Whether the deciding rule asks for more, and stages that are omitted take it away.
    pub lost_by_stages: bool,
}

/// Works out what a policy records.
#[derive(Debug)]
pub struct Prover<'p> {
    policy: &'p AuditPolicy,
    catalogue: &'p Catalogue,
    apis: &'p Apis,
    evaluator: Evaluator,
    wildcard: GroupWildcard,
    everyone: Everyone,
    world: World<'p>,
    budget: Budget,
}

/// Everyone whose requests are served.
const LOGGED: [Who; 4] = [Who::Person, Who::ServiceAccount, Who::Node, Who::Anonymous];

/// And those whose credentials are refused.
const EVERYONE: [Who; 5] =
    [Who::Person, Who::ServiceAccount, Who::Node, Who::Anonymous, Who::FailedAuthentication];

impl<'p> Prover<'p> {
    /// For a policy on servers that serve these APIs.
    pub fn new(
        policy: &'p AuditPolicy,
        wildcard: GroupWildcard,
        apis: &'p Apis,
        catalogue: &'p Catalogue,
    ) -> Self {
        let everyone = everyone(&[policy], catalogue);
        let evaluator = Evaluator::with_group_wildcard(policy, wildcard);
        let world = World::new(apis, policy.rules.iter());
        Self { policy, catalogue, apis, evaluator, wildcard, everyone, world, budget: Budget::new() }
    }

    /// What is recorded of every class, in the catalogue's order.
    ///
    /// # Errors
    /// The policy is too large.
    pub fn classes(&self) -> Result<Vec<ClassCoverage>, TooLarge> {
        self.of_classes(&self.catalogue.classes)
    }

    /// What is recorded of a class.
    ///
    /// # Errors
    /// The policy is too large.
    pub fn class(&self, class: &RequestClass) -> Result<ClassCoverage, TooLarge> {
        let excluded = excluded(self.catalogue, &class.except);
        self.of_class(&self.survey(&class.who, &excluded), class)
    }

    /// What is recorded of some classes.
    ///
    /// # Errors
    /// The policy is too large.
    pub fn of_classes(&self, classes: &[RequestClass]) -> Result<Vec<ClassCoverage>, TooLarge> {
        // Most classes ask about the same senders: their answers are worked out together.
        let mut asked: Vec<(&[Who], &Senders)> = Vec::new();
        let mut numbers = Vec::new();
        for class in classes {
            let key = (class.who.as_slice(), &class.except);
            numbers.push(asked.iter().position(|known| *known == key).unwrap_or_else(|| {
                asked.push(key);
                asked.len() - 1
            }));
        }
        let excluded: Vec<Vec<PolicyRule>> =
            asked.iter().map(|(_, except)| excluded(self.catalogue, except)).collect();
        let surveys: Vec<Survey<'_, 1>> =
            asked.iter().zip(&excluded).map(|((who, _), excluded)| self.survey(who, excluded)).collect();
        let mut list = Vec::new();
        for (class, number) in classes.iter().zip(numbers) {
            if let Some(survey) = surveys.get(number) {
                list.push(self.of_class(survey, class)?);
            }
        }
        Ok(list)
    }

    fn survey<'s>(&'s self, who: &'s [Who], excluded: &'s [PolicyRule]) -> Survey<'s, 1> {
        let excluded: Vec<&PolicyRule> = excluded.iter().collect();
        let set = RuleSet::new(&excluded, &self.policy.rules, &self.everyone);
        Survey::new(&self.everyone, [set], who, self.wildcard, &self.budget)
    }

    fn of_class<'s>(
        &self,
        survey: &Survey<'s, 1>,
        class: &'s RequestClass,
    ) -> Result<ClassCoverage, TooLarge> {
        let mut coverage = ClassCoverage {
            id: class.id.clone(),
            title: class.title.clone(),
            severity: class.severity,
            detect: class.detect,
            investigate: class.investigate,
            served: false,
            least: Level::RequestResponse,
            most: Level::None,
            undetected: Vec::new(),
            shallow: Vec::new(),
            left_aside: Vec::new(),
            senders: Vec::new(),
        };
        let (mut undetected, mut shallow) = (Gathered::default(), Gathered::default());
        let mut senders: BTreeMap<Kind, SenderCoverage> = BTreeMap::new();
        let mut left_aside = BTreeSet::new();
        let tell = |pattern: &RequestPattern, found: &Found<'_>| {
            coverage.served = true;
            coverage.least = coverage.least.min(found.level);
            coverage.most = coverage.most.max(found.level);
            let is_detected = found.level >= class.detect;
            let is_investigated =
                is_detected && found.level >= pattern.investigate.unwrap_or(class.investigate);
            for kind in found.part.kinds(found.everyone) {
                let told = senders.entry(*kind).or_insert_with(|| SenderCoverage {
                    who: kind.who(),
                    least: found.level,
                    most: found.level,
                    detected: true,
                    investigated: true,
                });
                told.least = told.least.min(found.level);
                told.most = told.most.max(found.level);
                told.detected &= is_detected;
                told.investigated &= is_investigated;
            }
            if !is_detected {
                found.add_to(&mut undetected);
            } else if !is_investigated {
                found.add_to(&mut shallow);
            }
        };
        self.go(survey, &class.requests, tell, |number, level| {
            if level < class.detect {
                left_aside.insert(number);
            }
        })?;
        // The rules that leave something aside begin with the tolerated noise.
        let noise = self.catalogue.noise.iter().filter(|noise| noise.tolerated).enumerate();
        let noise = noise.filter(|(number, _)| left_aside.contains(number));
        coverage.left_aside = noise.map(|(_, noise)| noise.title.clone()).collect();
        if !coverage.served {
            coverage.least = Level::None;
        }
        coverage.senders = senders.into_values().collect();
        coverage.undetected = exceptions(undetected);
        coverage.shallow = exceptions(shallow);
        Ok(coverage)
    }

    /// Where bodies of each kind are logged, in the catalogue's order.
    ///
    /// # Errors
    /// The policy is too large.
    pub fn bodies(&self) -> Result<Vec<BodyCoverage>, TooLarge> {
        // What is asked about is made first, so that answers can be shared: almost no body excepts anything.
        let asked: Vec<(&Body, Vec<RequestPattern>, Vec<PolicyRule>)> =
            self.catalogue.bodies.iter().map(|body| (body, patterns_of(body), excepted(body))).collect();
        let shared = self.survey(&LOGGED, &[]);
        let list = asked.iter().map(|(body, patterns, excepted)| {
            if excepted.is_empty() {
                self.of_body(&shared, body, patterns)
            } else {
                self.of_body(&self.survey(&LOGGED, excepted), body, patterns)
            }
        });
        list.collect()
    }

    /// Where bodies of a kind are logged.
    ///
    /// # Errors
    /// The policy is too large.
    pub fn body(&self, body: &Body) -> Result<BodyCoverage, TooLarge> {
        let (patterns, excepted) = (patterns_of(body), excepted(body));
        self.of_body(&self.survey(&LOGGED, &excepted), body, &patterns)
    }

    fn of_body<'s>(
        &self,
        survey: &Survey<'s, 1>,
        body: &Body,
        patterns: &'s [RequestPattern],
    ) -> Result<BodyCoverage, TooLarge> {
        let (mut served, mut logged) = (false, Gathered::default());
        self.go(
            survey,
            patterns,
            |_, found| {
                served = true;
                found.add_some_to(&mut logged, |target| {
                    let from = |part: &BodyPart| part.logged_from(target.verb());
                    body.sensitive.iter().filter_map(from).min().is_some_and(|from| found.level >= from)
                });
            },
            |_, _| {},
        )?;
        Ok(BodyCoverage {
            id: body.id.clone(),
            title: body.title.clone(),
            severity: body.severity,
            served,
            logged: exceptions(logged),
        })
    }

    /// What is recorded of each kind of noise, in the catalogue's order.
    ///
    /// # Errors
    /// The policy is too large.
    pub fn noise(&self) -> Result<Vec<NoiseCoverage>, TooLarge> {
        let asked: Vec<(&Noise, Vec<RequestPattern>, Makers<'_>)> = self
            .catalogue
            .noise
            .iter()
            .map(|noise| (noise, patterns_of_noise(noise), makers(noise)))
            .collect();
        let mut surveys: Vec<(Makers<'_>, Survey<'_, 1>)> = Vec::new();
        for (.., makers) in &asked {
            if !surveys.iter().any(|(known, _)| known == makers) {
                let only = Only { users: makers.users, groups: &[] };
                surveys.push((*makers, self.survey(makers.who, &[]).only(only)));
            }
        }
        let mut list = Vec::new();
        for (noise, patterns, makers) in &asked {
            if let Some((_, survey)) = surveys.iter().find(|(known, _)| known == makers) {
                list.push(self.of_noise(survey, noise, patterns)?);
            }
        }
        Ok(list)
    }

    fn of_noise<'s>(
        &self,
        survey: &Survey<'s, 1>,
        noise: &Noise,
        patterns: &'s [RequestPattern],
    ) -> Result<NoiseCoverage, TooLarge> {
        let (mut most, mut recorded) = (Level::None, Gathered::default());
        self.go(
            survey,
            patterns,
            |_, found| {
                if found.level > Level::None {
                    most = most.max(found.level);
                    found.add_to(&mut recorded);
                }
            },
            |_, _| {},
        )?;
        Ok(NoiseCoverage {
            id: noise.id.clone(),
            title: noise.title.clone(),
            most,
            recorded: exceptions(recorded),
        })
    }

    /// Goes through every target of some patterns and tells what is found.
    fn go<'s>(
        &self,
        survey: &Survey<'s, 1>,
        patterns: &'s [RequestPattern],
        mut tell: impl FnMut(&'s RequestPattern, &Found<'_>),
        mut aside: impl FnMut(usize, Level),
    ) -> Result<(), TooLarge> {
        for pattern in patterns {
            let objects = Objects { namespaces: &pattern.namespaces, names: &pattern.names };
            // Targets that are answered alike are told together.
            let mut alike: Vec<(Answer<1>, RequestKind, Vec<Target>)> = Vec::new();
            for target in self.world.targets(pattern) {
                let kind = RequestKind::of(&as_somebody(target.attributes("", "")));
                let answer = survey.answer(&target, objects)?;
                let same = |(known, of, _): &&mut (Answer<1>, RequestKind, Vec<Target>)| {
                    *of == kind && Rc::ptr_eq(known, &answer)
                };
                match alike.iter_mut().find(same) {
                    Some((.., targets)) => targets.push(target),
                    None => alike.push((answer, kind, vec![target])),
                }
            }
            for (blocks, usual, targets) in &alike {
                for block in blocks.iter() {
                    for part in &block.parts {
                        let [outcome] = part.outcomes;
                        if let Outcome::Excluded(number) = outcome {
                            aside(number, self.least_of(survey.everyone, targets, block, part, *usual)?);
                            continue;
                        }
                        let decision = self.decision(outcome);
                        let kind = if part.is_refused { RequestKind::FailedAuthentication } else { *usual };
                        let level = effective_level(&decision, kind);
                        let end = (level, outcome, level < decision.level);
                        let Survey { everyone, who, .. } = survey;
                        tell(pattern, &Found { everyone, who, targets, block, part, level, end });
                    }
                }
            }
        }
        Ok(())
    }

    /// The lowest level at which a part is recorded that is not asked about. One target speaks for all that are alike.
    fn least_of(
        &self,
        everyone: &Everyone,
        targets: &[Target],
        block: &Block<1>,
        part: &Part<1>,
        usual: RequestKind,
    ) -> Result<Level, TooLarge> {
        let Some(target) = targets.first() else { return Ok(Level::RequestResponse) };
        let mut least = Level::RequestResponse;
        for sender in part.identities() {
            self.budget.spend(8)?;
            let decision = self.evaluator.evaluate(&witness(everyone, target, block, Some(sender)));
            let kind = if part.is_refused { RequestKind::FailedAuthentication } else { usual };
            least = least.min(effective_level(&decision, kind));
        }
        Ok(least)
    }

    fn decision(&self, outcome: Outcome) -> Decision {
        match outcome {
            Outcome::Rule(rule) => self.evaluator.by_rule(rule),
            Outcome::Excluded(_) | Outcome::Unmatched => self.evaluator.unmatched(),
        }
    }
}

fn as_somebody(mut attributes: Attributes) -> Attributes {
    attributes.user = Some(String::new());
    attributes
}

/// Requests that end alike.
struct Found<'f> {
    everyone: &'f Everyone,
    who: &'f [Who],
    targets: &'f [Target],
    block: &'f Block<1>,
    part: &'f Part<1>,
    level: Level,
    end: End,
}

/// The level at which requests are really recorded, what decides, and whether stages that are omitted take something away.
type End = (Level, Outcome, bool);

impl Found<'_> {
    /// Adds these requests to others that end alike.
    fn add_to(&self, gathered: &mut Gathered<End>) {
        self.add_some_to(gathered, |_| true);
    }

    /// Adds those for some targets.
    fn add_some_to(&self, gathered: &mut Gathered<End>, is_meant: impl Fn(&Target) -> bool) {
        let targets = self.targets.iter().filter(|target| is_meant(target));
        gathered.add(self.end, self.everyone, targets, self.block, self.part, self.who);
    }
}

/// The exceptions, least recorded first.
fn exceptions(gathered: Gathered<End>) -> Vec<Exception> {
    let list = gathered.list().into_iter().map(|((level, outcome, lost_by_stages), requests)| Exception {
        requests,
        level,
        rule: outcome.rule(),
        lost_by_stages,
    });
    list.collect()
}
