//! One function for each fuzz target: what it does with its input, and what must hold then.
//!
//! A panic is a finding. Inputs are text where they can be, so that the corpus can be read and written by hand.

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use logaudit::analyze::analyze;
use logaudit::analyze::apiserver::invocation::{self, Arguments};
use logaudit::analyze::collectors::config::{Config, Variable};
use logaudit::analyze::collectors::dialect::Dialect;
use logaudit::analyze::policy::load as policy_loader;
use logaudit::analyze::policy::matches::{Attributes, Evaluator, GroupWildcard};
use logaudit::analyze::policy::{AuditPolicy, GroupResources, PolicyRule};
use logaudit::analyze::tree::FactTree;
use logaudit::analyze::version::Version;
use logaudit::audit::{Plan, audit};
use logaudit::check::diagnostic::Diagnostic;
use logaudit::check::{CheckSet, limits, load};
use logaudit::config::file::File;
use logaudit::document::comments;
use logaudit::framework::conflicts::Conflicts;
use logaudit::framework::{self, Context, Verdicts, frameworks};
use logaudit::report::{Report, json, table, yaml};
use logaudit::snapshot::cloud::Cloud;
use logaudit::snapshot::redact::{keeps_flag, redact, redact_pod};
use logaudit::snapshot::{Container, EnvVar, Pod, Scope as Reach, Snapshot, io};
use logaudit::source::cloud::file;
use logaudit::source::live::contexts;
use logaudit::source::{flagz as flagz_source, manifests as manifests_source, metrics as metrics_source};
use logaudit::verdict::Status;
use logaudit::waiver::{Scope, comment};

/// What stands in the seeds wherever a secret could.
const CANARY: &str = "hunter2";

/// Far longer than anything here may take, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(10);

/// A configuration file. Whatever is wrong with it stands at a place of the text, and what is right in it judges.
pub fn configuration(bytes: &[u8]) {
    let Ok(text) = String::from_utf8(bytes.to_vec()) else { return };
    let faults = match File::parse("f.yaml", text.clone(), Path::new("")) {
        Err(fault) => vec![*fault],
        Ok(file) => match file.config(&EVERYTHING.checks) {
            Err(faults) => faults,
            Ok(config) => {
                for waiver in &config.waivers {
                    assert!(!waiver.reason.is_empty() && waiver.at.starts_with("f.yaml:"), "{waiver:?}");
                }
                for told in &config.overrides.told {
                    assert_ne!(told.value, told.default, "{told}");
                }
                return;
            }
        },
    };
    assert!(!faults.is_empty());
    for fault in faults {
        assert!(fault.span.end <= text.len() && !fault.to_string().is_empty(), "{fault:?}");
    }
}

/// The comments of a text, and those that waive.
pub fn waiver_comments(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    for comment in comments::comments(&text) {
        let index = usize::try_from(comment.line).unwrap_or(usize::MAX).saturating_sub(1);
        let line = lines.get(index).copied().unwrap_or_default();
        assert_eq!(line.chars().nth(comment.column.saturating_sub(1)), Some('#'), "{comment:?}");
        assert!(comment.beside >= comment.line && comment.beside <= lines.len() as u64, "{comment:?}");
    }
    for comment in comment::comments("f.yaml", &text) {
        if let Ok(waiver) = comment::read(&comment.text, Scope::default(), &comment.at) {
            assert!(!waiver.reason.trim().is_empty() && !waiver.check.is_empty(), "{waiver:?}");
        }
    }
}

/// The command line of a container, as it is and redacted.
///
/// The input is a list of elements, each after a line's beginning: `%c` of `command`, `%a` of `args`, `%e` a variable
/// `NAME=value`, or `NAME` alone for one whose value comes from elsewhere.
pub fn invocation(bytes: &[u8]) {
    let pod = pod(&String::from_utf8_lossy(bytes));
    let mut redacted = pod.clone();
    redact_pod(&mut redacted);
    let mut again = redacted.clone();
    redact_pod(&mut again);
    assert_eq!(redacted, again, "redacting twice is not redacting once");

    let parse = |pod: &Pod| invocation::of_container(pod, &pod.containers[0]);
    let (before, after) = (parse(&pod), parse(&redacted));
    for given in after.given.iter().filter(|given| !keeps_flag(&given.name)) {
        let value = given.value.text().unwrap_or_default();
        assert!(!value.contains(CANARY), "--{} still has the value {value:?}", given.name);
    }
    // Redaction may make a flag unknown, but it neither changes nor invents one, and it drops none in silence.
    let changed = || format!("{before:#?}\n{after:#?}\n{redacted:#?}");
    assert!(before.open.is_none() || after.open.is_some(), "{}", changed());
    // Where nothing shows which program is the apiserver, where its flags begin is a guess, and said to be one.
    if before.open.as_deref().is_some_and(|why| why.starts_with("the container starts")) {
        return;
    }
    let kept = |arguments: &Arguments| -> Vec<(String, Option<String>)> {
        let kept = arguments.given.iter().filter(|given| keeps_flag(&given.name));
        kept.map(|given| (given.name.clone(), given.value.text().map(str::to_owned))).collect()
    };
    let (before_kept, after_kept) = (kept(&before), kept(&after));
    let mut rest = before_kept.iter();
    for (name, value) in &after_kept {
        assert!(
            rest.any(|(known, text)| known == name && (value.is_none() || value == text)),
            "{}",
            changed()
        );
    }
    assert!(after.open.is_some() || before_kept.len() == after_kept.len(), "{}", changed());
}

fn pod(text: &str) -> Pod {
    let mut container = Container {
        index: 0,
        name: "kube-apiserver".into(),
        image: String::new(),
        command: Vec::new(),
        args: Vec::new(),
        env: Vec::new(),
        env_from: Vec::new(),
        mounts: Vec::new(),
        ports: std::collections::BTreeMap::new(),
    };
    for element in format!("\n{}", text.strip_suffix('\n').unwrap_or(text)).split("\n%").skip(1) {
        let Some((kind, element)) = element.split_at_checked(1) else { continue };
        let element = element.strip_prefix(' ').unwrap_or(element).to_owned();
        match kind {
            "c" => container.command.push(element),
            "a" => container.args.push(element),
            "e" => {
                let (name, value) = match element.split_once('=') {
                    Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                    None => (element, None),
                };
                container.env.push(EnvVar { name, value, from: None });
            }
            _ => {}
        }
    }
    Pod {
        namespace: "kube-system".into(),
        name: "kube-apiserver-cp1".into(),
        node_name: None,
        pod_ip: None,
        labels: [].into(),
        containers: vec![container],
        at: "Pod kube-system/kube-apiserver-cp1".into(),
        marks: [].into(),
    }
}

/// An answer of `/flagz`.
pub fn flagz(bytes: &[u8]) {
    let Ok(read) = flagz_source::parse(bytes) else { return };
    assert!(read.flags.keys().all(|name| keeps_flag(name)));
    let written = serde_json::json!({
        "kind": "Flagz", "apiVersion": "config.k8s.io/v1beta1", "metadata": {"name": "apiserver"}, "flags": read.flags,
    });
    let again = flagz_source::parse(written.to_string().as_bytes());
    assert_eq!(again.map(|again| again.flags), Ok(read.flags));
}

/// An answer of `/metrics`: whole and in pieces it must come to the same.
pub fn metrics(bytes: &[u8]) {
    let whole = metrics_source::parse(bytes);
    for size in [1, 7, 64] {
        let mut parser = metrics_source::Parser::default();
        let pieces = bytes.chunks(size).try_for_each(|piece| parser.push(piece));
        assert_eq!(pieces.and_then(|()| parser.finish()), whole, "in pieces of {size}");
    }
    if let Ok(counters) = whole {
        let mut numbers =
            counters.levels.values().chain(counters.errors.values()).copied().collect::<Vec<_>>();
        numbers.extend([counters.events, counters.requests, counters.rejected].into_iter().flatten());
        assert!(numbers.iter().all(|number| number.is_finite() && *number >= 0.0), "{numbers:?}");
    }
}

/// A snapshot file, plain or compressed, and everything that is made of it.
pub fn snapshot(bytes: &[u8]) {
    let Ok(snapshot) = io::from_bytes(bytes) else { return };
    examine(snapshot);
}

/// Manifests. A line `@@ NAME` begins a file of that name.
pub fn manifests(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let files: Vec<(String, String)> = match text.strip_prefix("@@ ") {
        None => vec![("input.yaml".to_owned(), text.to_owned())],
        Some(rest) => rest
            .split("\n@@ ")
            .map(|file| file.split_once('\n').unwrap_or((file, "")))
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .collect(),
    };
    match manifests_source::read_texts(&files) {
        Ok(snapshot) => examine(snapshot),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A check of a user, or only its condition if the input begins with `=`.
pub fn check_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let text = match text.strip_prefix('=') {
        Some(condition) => with_condition(condition),
        None => text.to_owned(),
    };
    let run = move || match load::load(CheckSet::default(), &[("fuzz/check.yaml".to_owned(), text)]) {
        Ok(checks) => {
            let plan = Plan::everything(checks, Vec::new());
            for snapshot in SNAPSHOTS.iter() {
                check_report(&audit(&plan, snapshot).expect("facts that serialise").report);
            }
        }
        Err(faults) => expect_places(&faults),
    };
    assert!(limits::within(LIMIT, run).is_some(), "still not done after {LIMIT:?}");
}

/// A framework of a user, beside the built-in ones.
pub fn framework_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let text = text.to_owned();
    let run = move || {
        let checks = &EVERYTHING.checks;
        let loaded = framework::load::add(frameworks(), &[("fuzz/framework.yaml".to_owned(), text)], checks);
        match loaded {
            Ok(all) => {
                let own =
                    all.iter().find(|known| known.file == "fuzz/framework.yaml").expect("what was added");
                for tree in TREES.iter() {
                    let heard = all.iter().map(|known| known.id.as_str()).collect();
                    let context = Context { all: &all, conflicts: Conflicts::of(&all), heard };
                    let mut verdicts = Verdicts::new(checks, tree, |_| true);
                    for edition in &own.editions {
                        let result = verdicts.framework((own, edition), &context);
                        for control in &result.controls {
                            let is_told = control.reason.as_ref().is_some_and(|reason| !reason.is_empty());
                            assert!(control.status == Status::Pass || is_told, "{control:?}");
                        }
                    }
                }
            }
            Err(faults) => expect_places(&faults),
        }
    };
    assert!(limits::within(LIMIT, run).is_some(), "still not done after {LIMIT:?}");
}

/// Faults can be drawn into their files.
fn expect_places(faults: &[Diagnostic]) {
    assert!(!faults.is_empty());
    for fault in faults {
        assert!(fault.text.get(fault.span.clone()).is_some(), "{fault:?}");
        assert!(!fault.to_string().is_empty());
    }
}

/// A check that differs from others only in what it asks.
fn with_condition(condition: &str) -> String {
    let condition = serde_json::to_string(condition).expect("text serialises");
    format!(
        "id: MY-FUZZ-001\ntitle: t\nseverity: low\nsince: 0.1.0\nthemes: [E01]\nwhat: w\nwhy: w\nfix: f\nfine-when: f\n\
         params: {{days: 30, names: [a, b]}}\neach: facts.apiServers\npass: {condition}\nsays: {{pass: p, fail: f}}\n"
    )
}

/// The text of a kubeconfig. Nothing that is said about it may quote what could be a secret.
pub fn kubeconfig(bytes: &[u8]) {
    match contexts(bytes, Path::new("/home/x/.kube/config")) {
        Ok(contexts) => {
            for server in contexts.iter().filter_map(|context| context.server.as_deref()) {
                assert!(server.starts_with("http://") || server.starts_with("https://"), "{server}");
                assert!(!server.split('/').nth(2).unwrap_or_default().contains('@'), "{server}");
            }
        }
        Err(error) => {
            let error = error.to_string();
            assert!(!error.contains(CANARY), "{error}");
        }
    }
}

/// An audit policy, as servers of three versions load it. What is understood of it is understood the same when it is
/// written down again.
pub fn policy_load(bytes: &[u8]) {
    for server in [Version::new(1, 20), Version::new(1, 35), Version::new(1, 36)] {
        let loaded = policy_loader::load(bytes, "policy.yaml", server);
        assert_eq!(loaded.policy.is_some(), loaded.errors.is_empty(), "{server}: {:?}", loaded.errors);
        let text = policy_loader::readable(bytes);
        for problem in loaded.errors.iter().chain(&loaded.warnings) {
            assert!(!problem.render(&text, "policy.yaml").is_empty());
            assert!(problem.line > 0 && problem.column > 0, "{problem:?}");
        }
        let Some(policy) = loaded.policy else { continue };
        assert_eq!(loaded.places.rules().len(), policy.rules.len());
        let mut written = serde_json::to_value(&policy).expect("a policy serialises");
        written["apiVersion"] = "audit.k8s.io/v1".into();
        written["kind"] = "Policy".into();
        let written = written.to_string();
        // Aliases stand for more than they are.
        if written.len() <= policy_loader::MAX_BYTES {
            let again = policy_loader::load(written.as_bytes(), "again.json", server);
            assert_eq!(again.policy.as_ref(), Some(&policy), "{server}: {:?}\n{written}", again.errors);
        }
    }
}

/// A policy, and requests after it, each on a line `%% user|groups|verb|group|resource|subresource|name|namespace|path`: `-`
/// is no user, groups stand between commas, and a request is about a resource if it has one. The evaluator must find the
/// rule that is found by asking them one by one.
pub fn policy_eval(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (policy, requests) = text.split_once("\n%% ").unwrap_or((&text, ""));
    let Some(policy) = policy_loader::load(policy.as_bytes(), "policy.yaml", Version::new(1, 36)).policy
    else {
        return;
    };
    let mut requests: Vec<Attributes> = requests.split("\n%% ").map(request).collect();
    // Those that a fuzzer would have to guess.
    requests.extend(policy.rules.iter().take(50).flat_map(requests_of));
    for wildcard in [GroupWildcard::Any, GroupWildcard::Literal] {
        let evaluator = Evaluator::with_group_wildcard(&policy, wildcard);
        for request in &requests {
            let decision = evaluator.evaluate(request);
            let rule = policy.rules.iter().position(|rule| matches(rule, request, wildcard));
            assert_eq!(decision.rule, rule, "{wildcard:?} {request:?}\n{policy:#?}");
            let expected = expected(&policy, rule);
            assert_eq!((decision.level, decision.omit_managed_fields), expected, "{request:?}");
            for stage in logaudit::analyze::policy::Stage::ALL {
                let omitted = policy.omit_stages.contains(&stage)
                    || rule.is_some_and(|rule| policy.rules[rule].omit_stages.contains(&stage));
                assert_eq!(decision.omit_stages.contains(stage), omitted, "{stage} {request:?}");
            }
        }
    }
}

fn request(line: &str) -> Attributes {
    let mut fields = line.trim_end_matches('\n').split('|');
    let mut next = || fields.next().unwrap_or_default().to_owned();
    let (user, groups) = (next(), next());
    let mut request = Attributes {
        user: (user != "-").then_some(user),
        groups: groups.split(',').filter(|group| !group.is_empty()).map(str::to_owned).collect(),
        verb: next(),
        api_group: next(),
        resource: next(),
        subresource: next(),
        name: next(),
        namespace: next(),
        path: next(),
        ..Attributes::default()
    };
    request.is_resource_request = !request.resource.is_empty();
    request
}

/// Requests made of what a rule names.
fn requests_of(rule: &PolicyRule) -> Vec<Attributes> {
    let first = |list: &[String]| list.first().cloned().unwrap_or_default();
    let base = Attributes {
        user: Some(first(&rule.users)),
        groups: rule.user_groups.clone(),
        verb: first(&rule.verbs),
        namespace: first(&rule.namespaces),
        ..Attributes::default()
    };
    let mut requests = vec![Attributes { user: None, ..base.clone() }];
    for url in rule.non_resource_urls.iter().take(5) {
        for path in [url.clone(), url.trim_end_matches('*').to_owned(), url.replace('*', "x")] {
            requests.push(Attributes { path, ..base.clone() });
        }
    }
    for named in rule.resources.iter().take(5) {
        for resource in named.resources.iter().take(5).map(String::as_str).chain(["pods"]) {
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            for subresource in [subresource, "", "x"] {
                for name in ["", named.resource_names.last().map_or("x", String::as_str)] {
                    requests.push(Attributes {
                        api_group: named.group.clone(),
                        resource: resource.to_owned(),
                        subresource: subresource.to_owned(),
                        name: name.to_owned(),
                        is_resource_request: true,
                        ..base.clone()
                    });
                }
            }
        }
    }
    requests
}

fn expected(policy: &AuditPolicy, rule: Option<usize>) -> (logaudit::analyze::policy::Level, bool) {
    match rule.map(|rule| &policy.rules[rule]) {
        Some(rule) => (rule.level, rule.omit_managed_fields.unwrap_or(policy.omit_managed_fields)),
        None => (logaudit::analyze::policy::Level::None, policy.omit_managed_fields),
    }
}

/// Whether a rule matches, in the order in which `k8s.io/apiserver` `pkg/audit/policy` asks.
fn matches(rule: &PolicyRule, request: &Attributes, wildcard: GroupWildcard) -> bool {
    let lists = |list: &[String], text: &str| list.iter().any(|item| item == text);
    let user = request.user.as_deref();
    if !rule.users.is_empty() && !user.is_some_and(|user| lists(&rule.users, user)) {
        return false;
    }
    let in_group = user.is_some() && request.groups.iter().any(|group| lists(&rule.user_groups, group));
    if !rule.user_groups.is_empty() && !in_group {
        return false;
    }
    if !rule.verbs.is_empty() && !lists(&rule.verbs, &request.verb) {
        return false;
    }
    if !rule.namespaces.is_empty() || !rule.resources.is_empty() {
        return request.is_resource_request
            && (rule.namespaces.is_empty() || lists(&rule.namespaces, &request.namespace))
            && (rule.resources.is_empty()
                || rule.resources.iter().any(|named| matches_resource(named, request, wildcard)));
    }
    if rule.non_resource_urls.is_empty() {
        return true;
    }
    !request.is_resource_request
        && rule.non_resource_urls.iter().any(|url| {
            let prefix = url.trim_end_matches('*');
            url == "*" || *url == request.path || prefix != url && request.path.starts_with(prefix)
        })
}

fn matches_resource(named: &GroupResources, request: &Attributes, wildcard: GroupWildcard) -> bool {
    let any_group = wildcard == GroupWildcard::Any && named.group == "*";
    if !any_group && named.group != request.api_group {
        return false;
    }
    if named.resources.is_empty() {
        return true;
    }
    if !named.resource_names.is_empty() && !named.resource_names.contains(&request.name) {
        return false;
    }
    let (resource, subresource) = (&request.resource, &request.subresource);
    let combined =
        if subresource.is_empty() { resource.clone() } else { format!("{resource}/{subresource}") };
    named.resources.iter().any(|item| {
        *item == combined
            || item == "*"
            || !subresource.is_empty() && item.strip_prefix("*/") == Some(subresource)
            || item.strip_suffix("/*") == Some(resource)
    })
}

/// The example clusters.
static SNAPSHOTS: LazyLock<Vec<Snapshot>> = LazyLock::new(|| {
    [
        include_bytes!("../../examples/ha-drift.json").as_slice(),
        include_bytes!("../../examples/managed-no-access.json"),
    ]
    .into_iter()
    .map(|bytes| io::from_bytes(bytes).expect("an example"))
    .collect()
});

/// The facts of the example snapshots.
static TREES: LazyLock<Vec<FactTree>> = LazyLock::new(|| {
    SNAPSHOTS
        .iter()
        .map(|snapshot| FactTree::new(&analyze(snapshot)).expect("facts that serialise"))
        .collect()
});

/// Everything that is built in.
static EVERYTHING: LazyLock<Plan> = LazyLock::new(|| {
    let checks = limits::on_big_stack(load::builtin).expect("built-in checks");
    Plan::everything(checks, frameworks())
});

/// A snapshot that was read is fit to be written and read again, and to be judged.
fn examine(snapshot: Snapshot) {
    for compress in [false, true] {
        let bytes = io::to_bytes(&snapshot, compress).expect("a snapshot serialises");
        assert_eq!(io::from_bytes(&bytes).expect("what was written"), snapshot, "compressed: {compress}");
    }
    let outcome = limits::within(LIMIT, move || audit(&EVERYTHING, &snapshot));
    check_report(&outcome.expect("an end within the limit").expect("facts that serialise").report);
}

fn check_report(report: &Report) {
    let score = &report.score;
    assert!(0.0 <= score.low && score.low <= score.high && score.high <= 100.0, "{score:?}");
    assert!((0.0..=1.0).contains(&score.judged), "{score:?}");
    for finding in &report.findings {
        assert!(!finding.reason.is_empty() && !finding.fingerprint.is_empty(), "{finding:?}");
        assert_eq!(finding.fix.is_some(), finding.status == Status::Fail, "{finding:?}");
    }
    let json = json::render(report).expect("JSON");
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    assert!(!yaml::render(report).expect("YAML").is_empty());
    for wide in [false, true] {
        assert!(!table::render(report, table::Options { wide, ..table::Options::default() }).is_empty());
    }
}

/// The languages of collectors, and the file each begins with. The place in this list is what the first byte of an input
/// picks, counted from `a`.
const DIALECTS: [(Dialect, &str); 16] = [
    (Dialect::FluentBit, "/etc/fluent-bit.conf"),
    (Dialect::FluentBit, "/etc/fluent-bit.yaml"),
    (Dialect::Fluentd, "/etc/fluent.conf"),
    (Dialect::Vector, "/etc/vector.yaml"),
    (Dialect::Vector, "/etc/vector.toml"),
    (Dialect::OpenTelemetry, "/etc/relay.yaml"),
    (Dialect::Alloy, "/etc/config.alloy"),
    (Dialect::Promtail, "/etc/promtail.yaml"),
    (Dialect::Filebeat, "/etc/filebeat.yml"),
    (Dialect::ElasticAgent, "/etc/agent.yml"),
    (Dialect::Logstash, "/usr/share/logstash/pipeline/logstash.conf"),
    (Dialect::Logstash, "/usr/share/logstash/config/pipelines.yml"),
    (Dialect::Rsyslog, "/etc/rsyslog.conf"),
    (Dialect::SyslogNg, "/etc/syslog-ng.conf"),
    (Dialect::AzureAgentConfig, "/etc/log-data-collection-settings"),
    (Dialect::Vlagent, "/arguments"),
];

/// The configuration of a collector. The first byte picks the dialect, the rest is the text; of vlagent each line is an
/// argument. Reading ends, comes to the same again, refuses with a reason, and routes lead to outputs that are there.
pub fn collector_config(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let (dialect, path) = DIALECTS[usize::from(first.wrapping_sub(b'a')) % DIALECTS.len()];
    let text = String::from_utf8_lossy(rest);
    let mut config = Config::of_text(path, "the text", &text);
    if path.ends_with("pipelines.yml") {
        config.main = "/usr/share/logstash/pipeline/".into();
    }
    if dialect == Dialect::Vlagent {
        config.args = text.lines().map(str::to_owned).collect();
    }
    config.env.variables.insert("SEEN".into(), Variable::Seen("seen".into(), "env SEEN".into()));
    config
        .env
        .variables
        .insert("HIDDEN".into(), Variable::Hidden("set from a Secret".into(), "env HIDDEN".into()));
    let begun = Instant::now();
    let outcome = dialect.read(&config);
    assert_eq!(outcome, dialect.read(&config), "reading twice is not reading once");
    assert!(begun.elapsed() < LIMIT, "{dialect:?} took {:?}", begun.elapsed());
    match outcome {
        Err(unreadable) => assert!(!unreadable.why.is_empty(), "{unreadable:?}"),
        Ok(pipeline) => {
            for input in &pipeline.inputs {
                for route in input.routes.value().into_iter().flatten() {
                    assert!(route.output < pipeline.outputs.len(), "{input:?}");
                }
            }
        }
    }
}

/// A saved answer of a cloud provider, after a letter: `f` and the filter of a log exclusion, anything else and JSON. It is
/// recognised or not, judged, and written and read again.
pub fn cloud_answer(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let documents: Vec<Vec<u8>> = match first {
        b'f' => {
            filtered(&String::from_utf8_lossy(rest)).iter().map(|one| one.to_string().into_bytes()).collect()
        }
        _ => vec![rest.to_vec()],
    };
    let mut found = Cloud::default();
    for document in documents {
        match file::answers("answer.json", &document) {
            Ok(answers) => found.answers.extend(answers),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    let mut snapshot = Snapshot::empty(Reach::Manifests, "fuzz");
    if file::put(found, &mut snapshot).is_ok() {
        redact(&mut snapshot);
        examine(snapshot);
    }
}

/// A cluster of GKE whose reads are recorded, but for what this filter leaves out.
fn filtered(filter: &str) -> [serde_json::Value; 3] {
    let bucket = |name: &str| format!("logging.googleapis.com/projects/p/locations/global/buckets/{name}");
    let logs = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"].map(|kind| serde_json::json!({"logType": kind}));
    let configs = [serde_json::json!({"service": "allServices", "auditLogConfigs": logs})];
    [
        serde_json::json!({
            "name": "demo",
            "location": "europe-west1",
            "currentMasterVersion": "1.33.5-gke.1",
            "selfLink": "https://container.googleapis.com/v1/projects/p/locations/europe-west1/clusters/demo",
        }),
        serde_json::json!([{"type": "project", "id": "p", "policy": {"auditConfigs": configs}}]),
        serde_json::json!({"sinks": [
            {"name": "_Required", "destination": bucket("_Required"), "filter": "LOG_ID(\"cloudaudit.googleapis.com/activity\")"},
            {"name": "_Default", "destination": bucket("_Default"), "exclusions": [{"name": "x", "filter": filter}]},
        ]}),
    ]
}
