//! What is recorded of classes of requests, of bodies and of noise: by all policies together.

use super::super::coverage::{BodyCoverage, ClassCoverage, Exception, NoiseCoverage, TooLarge};
use super::judged::{Answers, Decider, Judged, MAX_PLACES, State, Works};
use super::{BodyRecord, Catalogue, NoiseRecord, RequestRecord};
use crate::analyze::fact::Fact;
use crate::verdict::{Evidence, Rank};

/// How many exceptions a sentence names.
const NAMED: usize = 3;

/// One policy's answer: what it records, or why that is not known.
type Answer<'j, 's, T> = Result<Said<'j, 's, T>, String>;

/// What a policy records.
#[derive(Clone, Copy)]
struct Said<'j, 's, T> {
    works: &'j Works<'s>,
    answer: T,
    /// What is recorded at the least, and why that may be all.
    least: Option<(T, &'j str)>,
}

/// The answers of all policies to a question, the one with this number in its list.
fn ask<'j, 's, T>(
    judged: &'j [Judged<'s>],
    list: impl Fn(&'j Answers) -> Option<&'j Vec<T>>,
    number: usize,
) -> Vec<Answer<'j, 's, &'j T>> {
    let answer = |judged: &'j Judged<'s>| match &judged.state {
        State::Works(works) => {
            let of = |answers: &'j Answers| list(answers).and_then(|list| list.get(number));
            let least = works
                .doubt
                .as_ref()
                .map(|doubt| of(&doubt.answers).map(|least| (least, doubt.reason.as_str())));
            match (of(&works.answers), least) {
                (Some(answer), None) => Ok(Said { works, answer, least: None }),
                (Some(answer), Some(Some(least))) => Ok(Said { works, answer, least: Some(least) }),
                _ => Err(TooLarge.to_string()),
            }
        }
        State::Refused { .. } => Err(refused(judged)),
        State::Unknown(reason) => Err(reason.clone()),
    };
    judged.iter().map(answer).collect()
}

fn refused(judged: &Judged<'_>) -> String {
    format!("the apiserver does not start with the policy {}, so that it records nothing by it", judged.name)
}

/// Why nothing at all can be said, if that is so.
fn hidden(judged: &[Judged<'_>]) -> Option<String> {
    let mut reasons: Vec<String> = Vec::new();
    for judged in judged {
        let reason = match &judged.state {
            State::Works(_) => return None,
            State::Refused { .. } => refused(judged),
            State::Unknown(reason) => reason.clone(),
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons.truncate(NAMED);
    Some(reasons.join("; "))
}

pub(super) fn requests(judged: &[Judged<'_>], catalogue: &Catalogue) -> Fact<Vec<RequestRecord>> {
    if let Some(reason) = hidden(judged) {
        return Fact::unknown(reason);
    }
    let list = catalogue.classes.iter().enumerate().map(|(number, class)| {
        let answers = ask(judged, |answers| answers.classes.as_ref(), number);
        let whole = |coverage: &ClassCoverage| {
            let aside = but_for(&coverage.left_aside);
            format!(
                "each of these requests, whoever sends it, is recorded at {} or more{aside}",
                coverage.least
            )
        };
        RequestRecord {
            name: format!("{} {}", class.id, class.title),
            id: class.id.clone(),
            severity: class.severity.as_str().to_owned(),
            served: served(
                answers.iter().map(|answer| answer.as_ref().map(|said| (said.works, said.answer.served))),
            ),
            detected: verdict(&answers, ClassCoverage::is_detected, |class| &class.undetected, whole),
            undetected: sentence(&answers, |class| &class.undetected),
            undetected_by_provider: by_provider(&answers, |class| &class.undetected),
            investigated: verdict(
                &answers,
                ClassCoverage::is_investigated,
                |class| if class.undetected.is_empty() { &class.shallow } else { &class.undetected },
                whole,
            ),
            shallow: sentence(&answers, |class| &class.shallow),
            shallow_by_provider: by_provider(&answers, |class| &class.shallow),
            level: level(&answers),
            left_aside: left_aside(&answers),
            detect_level: class.detect.as_str().to_owned(),
            investigate_level: class.investigate.as_str().to_owned(),
        }
    });
    Fact::known(list.collect(), Rank::Evaluated, Vec::new())
}

pub(super) fn bodies(judged: &[Judged<'_>], catalogue: &Catalogue) -> Fact<Vec<BodyRecord>> {
    if let Some(reason) = hidden(judged) {
        return Fact::unknown(reason);
    }
    let list = catalogue.bodies.iter().enumerate().map(|(number, body)| {
        let answers = ask(judged, |answers| answers.bodies.as_ref(), number);
        let is_clean = |body: &BodyCoverage| body.logged.is_empty();
        let clean = verdict(&answers, is_clean, |body| &body.logged, |_| "no such body is logged".to_owned());
        BodyRecord {
            name: body.title.clone(),
            id: body.id.clone(),
            severity: body.severity.as_str().to_owned(),
            served: served(
                answers.iter().map(|answer| answer.as_ref().map(|said| (said.works, said.answer.served))),
            ),
            logged: clean.map(|clean| !clean),
            logged_by_provider: by_provider(&answers, |body| &body.logged),
            requests: sentence(&answers, |body| &body.logged),
        }
    });
    Fact::known(list.collect(), Rank::Evaluated, Vec::new())
}

pub(super) fn noise(judged: &[Judged<'_>], catalogue: &Catalogue) -> Fact<Vec<NoiseRecord>> {
    if let Some(reason) = hidden(judged) {
        return Fact::unknown(reason);
    }
    let list = catalogue.noise.iter().enumerate().map(|(number, noise)| {
        let answers = ask(judged, |answers| answers.noise.as_ref(), number);
        let is_quiet = |noise: &NoiseCoverage| noise.recorded.is_empty();
        let quiet =
            verdict(&answers, is_quiet, |noise| &noise.recorded, |_| "all of it is dropped".to_owned());
        NoiseRecord {
            name: noise.title.clone(),
            id: noise.id.clone(),
            volume: noise.volume.as_str().to_owned(),
            tolerated: noise.tolerated,
            recorded: quiet.map(|quiet| !quiet),
            recorded_by_provider: by_provider(&answers, |noise| &noise.recorded),
            requests: sentence(&answers, |noise| &noise.recorded),
        }
    });
    Fact::known(list.collect(), Rank::Evaluated, Vec::new())
}

/// Whether something is so by every policy: false as soon as one says no, else unknown if one is not known.
fn verdict<T>(
    answers: &[Answer<'_, '_, &T>],
    is_so: impl Fn(&T) -> bool,
    exceptions: impl Fn(&T) -> &[Exception],
    whole: impl Fn(&T) -> String,
) -> Fact<bool> {
    let one = |answer: &Answer<'_, '_, &T>| match answer {
        Err(reason) => Fact::unknown(reason.clone()),
        Ok(Said { answer, least: Some((least, doubt)), .. }) if is_so(answer) != is_so(least) => {
            Fact::unknown(*doubt)
        }
        Ok(Said { works, answer, .. }) if is_so(answer) => works.fact(true, &whole(answer)),
        Ok(Said { works, answer, .. }) => Fact::known(false, works.rank, places(works, exceptions(answer))),
    };
    answers.iter().map(one).reduce(Fact::and).unwrap_or_else(|| Fact::unknown("there is no policy"))
}

/// Whether there are exceptions, and all of them are for policies of providers, which nobody can change. What is one only if the
/// settings are as they may be, leaves it open.
fn by_provider<T>(answers: &[Answer<'_, '_, &T>], exceptions: impl Fn(&T) -> &[Exception]) -> Fact<bool> {
    let mut some = false;
    let mut rank = Rank::Observed;
    let mut doubt = None;
    for Said { works, answer, least } in answers.iter().flatten() {
        rank = rank.min(works.rank);
        let own = |exception: &Exception| {
            works.limits.is_some() && !matches!(works.decider(exception.rule), Decider::Setting(_))
        };
        if !exceptions(answer).iter().all(own) {
            return Fact::known(false, works.rank, Vec::new());
        }
        some |= !exceptions(answer).is_empty();
        if let Some((least, reason)) = least
            && exceptions(answer).len() != exceptions(least).len()
        {
            doubt = Some(*reason);
        }
    }
    match doubt.filter(|_| some) {
        Some(reason) => Fact::unknown(reason),
        None => Fact::known(some, rank, Vec::new()),
    }
}

/// Whether there is anything to record: by what is served, which is the same for all policies but for what they name.
fn served<'j, 's: 'j>(
    answers: impl Iterator<Item = Result<(&'j Works<'s>, bool), &'j String>>,
) -> Fact<bool> {
    let mut reason = String::new();
    let known = answers.filter_map(|answer| {
        let (works, served) = match answer {
            Ok(answer) => answer,
            Err(why) => {
                reason.clone_from(why);
                return None;
            }
        };
        let from = if works.apis.complete { "discovery" } else { "the APIs of this Kubernetes version" };
        Some(Fact::at(
            served,
            works.rank,
            from,
            if served { "served, or named by the policy" } else { "not served" },
        ))
    });
    known.reduce(Fact::or).unwrap_or_else(|| Fact::unknown(reason))
}

fn places(works: &Works<'_>, exceptions: &[Exception]) -> Vec<Evidence> {
    if !works.is_set {
        return works.evidence.clone();
    }
    let evidence = exceptions.iter().take(MAX_PLACES).map(|exception| {
        let what = match works.decider(exception.rule) {
            Decider::Rule(rule) => format!("rules[{rule}] decides"),
            Decider::Setting(why) => format!("{why}, which decides"),
            Decider::Nothing => "no rule matches".to_owned(),
        };
        let lost = if exception.lost_by_stages { ", with the stages that are omitted," } else { "" };
        Evidence {
            at: works.rule_place(exception.rule),
            detail: format!("{what}{lost} on `{}`: {}", exception.requests.witness, exception.level),
        }
    });
    evidence.collect()
}

/// The exceptions in a sentence; empty if there are none.
fn sentence<T>(answers: &[Answer<'_, '_, &T>], exceptions: impl Fn(&T) -> &[Exception]) -> Fact<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut left_out = 0;
    let mut rank = Rank::Observed;
    let none_is_set = answers.iter().flatten().all(|said| !said.works.is_set);
    for Said { works, answer, .. } in answers.iter().flatten() {
        rank = rank.min(works.rank);
        if !works.is_set && !exceptions(answer).is_empty() {
            // To name requests would make each class look like a gap of its own.
            let why = if none_is_set { "as" } else { "where" };
            parts.push(format!("all of it, {why} no audit policy is set"));
            continue;
        }
        for exception in exceptions(answer) {
            if parts.len() >= NAMED {
                left_out += 1;
                continue;
            }
            parts.push(words(works, exception));
        }
    }
    Fact::known(listed(parts, left_out), rank, Vec::new())
}

/// The exceptions of one policy in a sentence; empty if there are none.
pub(super) fn less(works: &Works<'_>, exceptions: &[Exception]) -> String {
    if !works.is_set && !exceptions.is_empty() {
        return "all of it, as no audit policy is set".to_owned();
    }
    let parts = exceptions.iter().take(NAMED).map(|exception| words(works, exception)).collect();
    listed(parts, exceptions.len().saturating_sub(NAMED))
}

fn words(works: &Works<'_>, exception: &Exception) -> String {
    let by = match works.decider(exception.rule) {
        Decider::Rule(rule) => format!("{}, rules[{rule}]", exception.level),
        Decider::Setting(why) => format!("{}, {why}", exception.level),
        Decider::Nothing => format!("{}, no rule", exception.level),
    };
    format!("{} ({by})", exception.requests.words())
}

fn listed(mut parts: Vec<String>, left_out: usize) -> String {
    if left_out > 0 {
        parts.push(format!("and {left_out} more"));
    }
    parts.join("; ")
}

fn level(answers: &[Answer<'_, '_, &ClassCoverage>]) -> Fact<String> {
    let served = || answers.iter().flatten().map(|said| said.answer).filter(|class| class.served);
    let least = served().map(|class| class.least).min();
    let most = served().map(|class| class.most).max();
    let rank = answers.iter().flatten().map(|said| said.works.rank).min().unwrap_or(Rank::Evaluated);
    let words = match (least, most) {
        (Some(least), Some(most)) if least == most => least.as_str().to_owned(),
        (Some(least), Some(most)) => format!("{least} to {most}"),
        _ => return Fact::unknown("there is no such request"),
    };
    Fact::known(words, rank, Vec::new())
}

/// What of a class is not recorded by any of the policies and does not count.
fn left_aside(answers: &[Answer<'_, '_, &ClassCoverage>]) -> Fact<String> {
    let mut noise: Vec<String> = Vec::new();
    for Said { answer: class, .. } in answers.iter().flatten() {
        let more =
            class.left_aside.iter().filter(|title| !noise.contains(title)).cloned().collect::<Vec<_>>();
        noise.extend(more);
    }
    let rank = answers.iter().flatten().map(|said| said.works.rank).min().unwrap_or(Rank::Evaluated);
    Fact::known(but_for(&noise), rank, Vec::new())
}

/// `, but for tolerated noise: Health and version`; empty if there is none.
fn but_for(noise: &[String]) -> String {
    if noise.is_empty() { String::new() } else { format!(", but for tolerated noise: {}", noise.join(", ")) }
}
