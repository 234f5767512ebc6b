//! The log settings of a managed cluster: from saved answers, or by asking the provider's command-line tool.
//!
//! | module | does |
//! | --- | --- |
//! | [`signs`] | what a kubeconfig tells of the provider |
//! | `file` | saved answers, raw or as the tools print them, recognised by their form |
//! | `tool`, `fault` | commands that read, run with limits, and what their failures mean |
//! | `eks`, `aks`, `gke` | which answers there are, how each is recognised and taken, and what is asked next |
//!
//! Both ways end in the same answers ([`crate::snapshot::cloud`]). Nothing is ever asked that could change anything.

mod aks;
mod eks;
mod fault;
pub mod file;
mod gke;
pub mod signs;
mod tool;

use std::time::{Duration, Instant};

use serde_json::Value;

use self::tool::Tool;
use crate::analyze::cloud::provider::{Identity, contradiction, identity, sign_of};
use crate::snapshot::cloud::{Call, Cloud, CloudAnswer, CloudProvider, call};
use crate::snapshot::{GapReason, Reading, Snapshot};

/// How many commands run at once.
const AT_ONCE: usize = 4;

/// How often answers may lead to further questions.
const ROUNDS: usize = 6;

/// The most commands that are run for one cluster.
const MOST: usize = 60;

/// One question: a call about one thing, and the arguments for the tool.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Question {
    call: &'static Call,
    of: String,
    arguments: Vec<String>,
}

impl Question {
    /// A question; none if there is no such call.
    fn new(id: &str, of: impl Into<String>, arguments: &[&str]) -> Option<Self> {
        let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
        Some(Self { call: call(id)?, of: of.into(), arguments })
    }
}

/// What an answer is, and of what.
type Taken = (&'static str, String, Value);

/// What is to be asked, by what is known: nothing that was already answered.
fn next(provider: CloudProvider, identity: &Identity, cloud: &Cloud) -> Vec<Question> {
    let questions = match provider {
        CloudProvider::Eks => eks::questions(identity, cloud),
        CloudProvider::Aks => aks::questions(identity, cloud),
        CloudProvider::Gke => gke::questions(identity, cloud),
    };
    let is_new = |question: &Question| cloud.answer(question.call.id, &question.of).is_none();
    questions.into_iter().filter(is_new).collect()
}

/// An answer in the form in which it is kept: without wrapping, `properties` taken up.
fn taken(call: &Call, value: Value) -> Value {
    match call.id.split_once('/').map(|(provider, _)| provider) {
        Some("eks") => eks::plain(call.id, value),
        Some("aks") => aks::plain(call.id, value),
        _ => gke::plain(call.id, value),
    }
}

/// Which answer a saved document is, by its form; more than one for a list of clusters.
fn recognise(document: &Value) -> Vec<Taken> {
    let found = eks::recognise(document);
    let found = if found.is_empty() { aks::recognise(document) } else { found };
    if found.is_empty() { gke::recognise(document) } else { found }
}

/// How the provider is asked.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Variables by which the tool acts as the person whom the kubeconfig names.
    pub login: Vec<(String, String)>,
    /// How long everything may take.
    pub timeout: Duration,
    /// Ask although the tool is missing or the provider is not sure, and report what comes of it.
    pub insist: bool,
}

/// Asks the provider of a cluster with its command-line tool, if it is known which and the tool is there.
pub fn ask(snapshot: &mut Snapshot, options: &Options, progress: &dyn Fn(&str)) {
    let identity = identity(snapshot);
    let Some(provider) = identity.provider else {
        if options.insist {
            snapshot.cloud.not_asked =
                Some("which provider runs the cluster is not known; name it with --provider".into());
        }
        return;
    };
    if !options.insist {
        if !identity.is_sure {
            snapshot.cloud.not_asked = Some(format!(
                "that {} runs it is not sure; ask with --cloud cli, and name it with --provider and --cluster-name",
                provider.title()
            ));
            return;
        }
        if !tool::is_there(provider) {
            snapshot.cloud.not_asked = Some(format!(
                "{} is not in PATH; install it, or give what it prints elsewhere with --cloud-file",
                provider.tool()
            ));
            return;
        }
    }
    let tool = Tool { provider, login: &options.login, deadline: Instant::now() + options.timeout };
    let mut asked = 0;
    for _ in 0..ROUNDS {
        let identity = self::identity(snapshot);
        let mut questions = next(provider, &identity, &snapshot.cloud);
        questions.truncate(MOST.saturating_sub(asked));
        if questions.is_empty() {
            break;
        }
        asked += questions.len();
        for some in questions.chunks(AT_ONCE) {
            if let Some(first) = some.first() {
                progress(&format!("asking {} for {}", provider.title(), first.call.what));
            }
            let answers: Vec<CloudAnswer> = std::thread::scope(|scope| {
                let running: Vec<_> =
                    some.iter().map(|question| scope.spawn(|| answer(&tool, question))).collect();
                running.into_iter().filter_map(|one| one.join().ok()).collect()
            });
            for mut answer in answers {
                // A tool that was led elsewhere, by an endpoint or a profile, answers for another cluster.
                let told = sign_of(&answer).and_then(|told| contradiction(&identity, &told));
                if let (Some(found), Some(call)) = (told, call(&answer.call)) {
                    let detail = format!("the answer is of another cluster: {found}");
                    answer.reading = Reading::missing(*fault::gap(call, GapReason::Malformed, detail));
                }
                snapshot.cloud.answers.push(answer);
            }
        }
    }
    if snapshot.cloud.answers.is_empty() {
        snapshot.cloud.not_asked = Some(unknown_place(provider, &identity));
    }
}

/// Which part of where the cluster is, is missing.
fn unknown_place(provider: CloudProvider, identity: &Identity) -> String {
    let missing: Vec<&str> = [
        ("--cluster-name", identity.cluster.is_none()),
        ("--region", identity.location.is_none() && provider != CloudProvider::Aks),
        ("--resource-group", identity.group.is_none() && provider == CloudProvider::Aks),
        ("--project", identity.account.is_none() && provider == CloudProvider::Gke),
    ]
    .into_iter()
    .filter_map(|(flag, is_missing)| is_missing.then_some(flag))
    .collect();
    if missing.is_empty() {
        return format!(
            "nothing was asked: what names the cluster is nothing that {} takes",
            provider.tool()
        );
    }
    format!(
        "{}: it is not known which cluster it is; name it with {}",
        GapReason::PlaceUnknown,
        missing.join(", ")
    )
}

fn answer(tool: &Tool<'_>, question: &Question) -> CloudAnswer {
    let reading = match tool.ask(question.call, &question.arguments) {
        Ok(value) => Reading::read(taken(question.call, value)),
        Err(gap) => Reading::missing(*gap),
    };
    CloudAnswer {
        call: question.call.id.to_owned(),
        of: question.of.clone(),
        at: format!("{} {}", tool.provider.tool(), question.arguments.join(" ")),
        reading,
    }
}
