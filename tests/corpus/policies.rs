//! What real audit policies record: counted by the same means as one policy is judged.

use std::path::Path;

use logaudit::analyze::policy::AuditPolicy;
use logaudit::analyze::policy::apis::Apis;
use logaudit::analyze::policy::catalogue::CATALOGUE;
use logaudit::analyze::policy::coverage::{BodyCoverage, ClassCoverage, Prover};
use logaudit::analyze::policy::lint::{Kind, Remark, lint};
use logaudit::analyze::policy::load::{NEWEST, load};
use logaudit::analyze::policy::matches::GroupWildcard;
use logaudit::analyze::version::Version;

use super::{corpus, files, name};

/// What is known of one policy.
struct Known {
    file: String,
    classes: Vec<ClassCoverage>,
    bodies: Vec<BodyCoverage>,
    remarks: Vec<Remark>,
}

impl Known {
    fn of(file: &Path, policy: &AuditPolicy, apis: &Apis) -> Self {
        let prover = Prover::new(policy, GroupWildcard::Any, apis, &CATALOGUE);
        Self {
            file: name(file),
            classes: prover.classes().unwrap(),
            bodies: CATALOGUE.bodies.iter().map(|body| prover.body(body).unwrap()).collect(),
            remarks: lint(&prover).unwrap(),
        }
    }

    fn class(&self, id: &str) -> &ClassCoverage {
        self.classes.iter().find(|class| class.id == id).unwrap()
    }

    fn misses(&self, id: &str) -> bool {
        !self.class(id).is_detected()
    }

    /// Nothing of a class is recorded at all.
    fn is_blind(&self, id: &str) -> bool {
        self.class(id).most == logaudit::analyze::policy::Level::None
    }

    fn logs(&self, id: &str) -> bool {
        self.bodies.iter().any(|body| body.id == id && !body.logged.is_empty())
    }

    fn is(&self, kind: Kind) -> bool {
        self.remarks.iter().any(|remark| remark.kind == kind)
    }
}

#[test]
fn what_real_policies_record() {
    let Some(corpus) = corpus() else { return };
    let apis = Apis::of_version(NEWEST);
    let (mut known, mut beta, mut refused) = (Vec::new(), 0, 0);
    let files = files(&corpus.join("audit-policy"));
    for file in &files {
        let text = std::fs::read(file).unwrap();
        // The newest server, else the last that read beta versions.
        let policy = load(&text, "policy.yaml", NEWEST).policy.or_else(|| {
            let policy = load(&text, "policy.yaml", Version::new(1, 23)).policy;
            beta += u32::from(policy.is_some());
            policy
        });
        match policy {
            Some(policy) => known.push(Known::of(file, &policy, &apis)),
            None => refused += 1,
        }
    }
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/corpus.md")).unwrap();
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    println!(
        "{} policies, {beta} of them for servers before 1.24 only, {refused} refused by every server",
        files.len()
    );
    let mut missing: Vec<String> = Vec::new();
    let mut count = |title: &str, is: &dyn Fn(&Known) -> bool| {
        let found: Vec<&str> =
            known.iter().filter(|policy| is(policy)).map(|policy| policy.file.as_str()).collect();
        println!("{:>4}  {title}", found.len());
        // One has, many have.
        let (verb, rest) = title.split_once(' ').unwrap();
        let verb = match (found.len(), verb) {
            (1, "have") => "has".to_owned(),
            (1, verb) => format!("{verb}s"),
            _ => verb.to_owned(),
        };
        let row = match title {
            "record none of them" => format!("; {} {verb} none |", found.len()),
            _ => format!("| {} | {verb} {rest}", found.len()),
        };
        missing.extend((!page.contains(&row)).then_some(row));
        found.len()
    };
    println!("of the {} that load:", known.len());
    for said in [
        format!("counts what {} real audit policies record", files.len()),
        format!("{beta} of them only on servers before 1.24"),
        format!("| of {} | what they do |", known.len()),
    ] {
        assert!(page.contains(&said), "docs/corpus.md does not say `{said}`");
    }
    assert_eq!(refused, 0, "docs/corpus.md says that all load");
    let leaks = count("write bodies of Secrets to the log", &|policy| policy.logs("BODY-SECRETS"));
    count("write bodies of ConfigMaps to the log", &|policy| policy.logs("BODY-CONFIGMAPS"));
    count("write tokens issued for service accounts to the log", &|policy| policy.logs("BODY-ISSUED-TOKENS"));
    let shadowed = count("have a rule that no request reaches", &|policy| policy.is(Kind::Unreachable));
    count("have a rule that changes nothing", &|policy| policy.is(Kind::WithoutEffect));
    count("have a part that no request matches", &|policy| policy.is(Kind::NeverMatches));
    count("name a resource that there is not", &|policy| policy.is(Kind::UnknownResource));
    count("record requests without their outcome", &|policy| policy.is(Kind::LosesOutcome));
    let logins = count("miss failed logins (401), or some of them", &|policy| policy.misses("RC-62"));
    let exec = count("miss commands run in containers, or some of them", &|policy| policy.misses("RC-12"));
    count("record none of them", &|policy| policy.is_blind("RC-12"));
    count("miss reads of Secrets by someone", &|policy| policy.misses("RC-01"));
    count("miss changes of role bindings by someone", &|policy| policy.misses("RC-36"));
    count("miss API groups that they do not name", &|policy| policy.misses("RC-68"));
    count("miss deleted events", &|policy| policy.misses("RC-57"));
    let whole = count("record every class of requests of the catalogue that they serve", &|policy| {
        policy.classes.iter().all(|class| !class.served || class.is_detected())
    });
    assert_eq!(missing, [""; 0], "docs/corpus.md does not say so");
    assert!(known.len() >= 70 && leaks > 10 && shadowed > 3 && logins > 10 && exec > 10 && whole > 10);
}
