//! The data that policies are judged by: the catalogue of requests, the table of APIs, the published policies.

use std::collections::BTreeSet;
use std::fs;

use logaudit::analyze::policy::apis::Apis;
use logaudit::analyze::policy::catalogue::{CATALOGUE, RequestClass, RequestPattern};
use logaudit::analyze::policy::known::{self, Known};
use logaudit::analyze::policy::load::{self, Loaded};
use logaudit::analyze::policy::{AuditPolicy, Level, PolicyRule};
use logaudit::analyze::version::Version;
use logaudit::verdict::Severity;

/// The group that stands for whatever no policy names.
const UNKNOWN_GROUP: &str = "unknown.example";

fn patterns() -> impl Iterator<Item = (&'static RequestClass, &'static RequestPattern)> {
    CATALOGUE.classes.iter().flat_map(|class| class.requests.iter().map(move |pattern| (class, pattern)))
}

fn newest() -> Apis {
    Apis::of_version(load::NEWEST)
}

/// What can be done with `pods` or `pods/exec`.
fn verbs_of<'a>(apis: &'a Apis, group: &str, resource: &str) -> Option<&'a [String]> {
    let (name, subresource) = match resource.split_once('/') {
        Some((name, subresource)) => (name, Some(subresource)),
        None => (resource, None),
    };
    let found = apis.get(group, name)?;
    match subresource {
        Some(subresource) => found.subresources.get(subresource).map(Vec::as_slice),
        None => Some(&found.verbs),
    }
}

/// A policy as JSON, which the server takes for a policy file as well.
fn text(policy: &AuditPolicy) -> String {
    let mut document = serde_json::to_value(policy).unwrap();
    document["apiVersion"] = "audit.k8s.io/v1".into();
    document["kind"] = "Policy".into();
    document.to_string()
}

fn loaded(text: &str) -> Loaded {
    load::load(text.as_bytes(), "policy.yaml", load::NEWEST)
}

#[test]
fn the_classes_are_numbered_without_gaps() {
    let ids: Vec<&str> = CATALOGUE.classes.iter().map(|class| class.id.as_str()).collect();
    let expected: Vec<String> = (1..=70).map(|number| format!("RC-{number:02}")).collect();
    assert_eq!(ids, expected);
}

#[test]
fn the_classes_say_what_they_are_about() {
    let mut titles = BTreeSet::new();
    for class in &CATALOGUE.classes {
        let id = &class.id;
        assert!(titles.insert(&class.title), "{id}: the title is that of another class");
        assert!((1..=60).contains(&class.title.chars().count()), "{id}: {}", class.title);
        assert!(!class.title.ends_with('.') && class.why.ends_with('.'), "{id}");
        assert!(class.detect != Level::None && class.detect <= class.investigate, "{id}");
        assert!(!class.who.is_empty() && !class.requests.is_empty(), "{id}");
        let technique = |attack: &String| attack.starts_with('T') || attack.starts_with("MS-TA");
        assert!(class.attack.iter().all(technique), "{id}: {:?}", class.attack);
    }
}

#[test]
fn a_pattern_is_about_resources_or_urls() {
    for (class, pattern) in patterns() {
        let id = &class.id;
        assert!(!pattern.verbs.is_empty(), "{id}: {pattern:?}");
        assert_ne!(pattern.resources.is_empty(), pattern.urls.is_empty(), "{id}: {pattern:?}");
        if !pattern.urls.is_empty() {
            assert!(pattern.group.is_empty() && pattern.namespaces.is_empty(), "{id}: {pattern:?}");
            assert!(pattern.names.is_empty(), "{id}: {pattern:?}");
            assert!(pattern.urls.iter().all(|url| url.starts_with('/')), "{id}: {pattern:?}");
        }
        assert!(pattern.investigate.is_none_or(|level| level >= class.detect), "{id}: {pattern:?}");
        let each_once: BTreeSet<&String> = pattern.verbs.iter().collect();
        assert_eq!(each_once.len(), pattern.verbs.len(), "{id}: {pattern:?}");
    }
}

#[test]
fn requests_of_the_catalogue_exist() {
    let newest = newest();
    let all: Vec<Apis> = (15..=40).map(|minor| Apis::of_version(Version::new(1, minor))).collect();
    let mut named = 0;
    for (class, pattern) in patterns() {
        if !Apis::is_builtin_group(&pattern.group) {
            // Others have a domain; "*" is each group.
            assert!(pattern.group == "*" || pattern.group.contains('.'), "{}: {pattern:?}", class.id);
            continue;
        }
        for resource in &pattern.resources {
            let served = verbs_of(&newest, &pattern.group, resource)
                .or_else(|| all.iter().find_map(|apis| verbs_of(apis, &pattern.group, resource)))
                .unwrap_or_else(|| panic!("{}: no {resource} in {:?}", class.id, pattern.group));
            for verb in &pattern.verbs {
                assert!(served.contains(verb), "{}: no {verb} of {resource}", class.id);
                named += 1;
            }
        }
    }
    assert!(named > 300, "{named} requests");
}

#[test]
fn the_group_that_stands_for_any_is_nowhere_else() {
    assert!(!Apis::is_builtin_group(UNKNOWN_GROUP));
    let classes: BTreeSet<&str> = patterns()
        .filter(|(_, pattern)| pattern.group == UNKNOWN_GROUP)
        .map(|(class, _)| class.id.as_str())
        .collect();
    assert_eq!(classes, BTreeSet::from(["RC-37", "RC-62", "RC-63", "RC-68"]));
    for known in known::all() {
        assert!(!known.policy.contains(UNKNOWN_GROUP), "{}", known.id);
    }
}

#[test]
fn no_class_asks_for_a_body_that_must_not_be_logged() {
    let credentials = || CATALOGUE.bodies.iter().filter(|body| body.severity == Severity::High);
    for (class, pattern) in patterns() {
        let level = pattern.investigate.unwrap_or(class.investigate);
        for body in credentials() {
            let excepted = |name: &String| body.except.iter().any(|except| except.names.contains(name));
            if !pattern.names.is_empty() && pattern.names.iter().all(excepted) {
                continue;
            }
            let objects = body.objects.iter().filter(|objects| objects.group == pattern.group);
            for resource in objects.flat_map(|objects| &objects.resources) {
                if !pattern.resources.contains(resource) {
                    continue;
                }
                for (part, verb) in
                    body.sensitive.iter().flat_map(|part| pattern.verbs.iter().map(move |verb| (part, verb)))
                {
                    let logged = part.logged_from(verb).is_some_and(|from| level >= from);
                    assert!(!logged, "{} asks for {} of {verb} {resource}", class.id, body.id);
                }
            }
        }
    }
}

#[test]
fn bodies_are_of_objects_that_exist() {
    let newest = newest();
    let mut ids = BTreeSet::new();
    for body in &CATALOGUE.bodies {
        assert!(ids.insert(&body.id) && body.id.starts_with("BODY-"), "{}", body.id);
        assert!(!body.sensitive.is_empty() && !body.objects.is_empty(), "{}", body.id);
        for objects in body.objects.iter().filter(|objects| Apis::is_builtin_group(&objects.group)) {
            for resource in &objects.resources {
                assert!(verbs_of(&newest, &objects.group, resource).is_some(), "{}: {resource}", body.id);
            }
        }
    }
    let names = |namespace: &str| -> BTreeSet<&String> {
        let body = CATALOGUE.bodies.iter().find(|body| body.id == "BODY-CONFIGMAPS").unwrap();
        let here = |namespaces: &[String]| namespaces.iter().any(|known| known == namespace);
        let except = body.except.iter().filter(|except| here(&except.namespaces));
        except.flat_map(|except| &except.names).collect()
    };
    for (_, pattern) in patterns().filter(|(class, _)| class.id == "RC-10") {
        assert_eq!(names(&pattern.namespaces[0]), pattern.names.iter().collect(), "RC-10");
    }
}

#[test]
fn noise_is_a_policy_that_drops_it() {
    let newest = newest();
    let mut ids = BTreeSet::new();
    let mut rules = Vec::new();
    for noise in &CATALOGUE.noise {
        let (id, rule) = (&noise.id, &noise.rule);
        assert!(ids.insert(id) && id.starts_with("NOISE-"), "{id}");
        assert_eq!(rule.level, Level::None, "{id}");
        assert!(noise.caution.ends_with('.'), "{id}");
        for resources in rule.resources.iter().filter(|one| Apis::is_builtin_group(&one.group)) {
            assert!(!resources.resources.is_empty(), "{id}: a whole group");
            // Some of a rule's verbs may be none of one of its subresources; none may be none of all.
            for resource in &resources.resources {
                let served = verbs_of(&newest, &resources.group, resource)
                    .unwrap_or_else(|| panic!("{id}: {resource}"));
                assert!(rule.verbs.iter().any(|verb| served.contains(verb)), "{id}: {resource}");
            }
            assert!(!resources.resources.iter().any(|name| name == "secrets" || name == "*"), "{id}");
        }
        rules.push(rule.clone());
    }
    rules.push(PolicyRule { level: Level::Metadata, ..PolicyRule::default() });
    let policy = AuditPolicy { rules, ..AuditPolicy::default() };
    let loaded = loaded(&text(&policy));
    assert_eq!(loaded.errors, [], "{:?}", loaded.errors);
    assert_eq!(loaded.warnings, [], "{:?}", loaded.warnings);
    assert_eq!(loaded.policy, Some(policy));
}

#[test]
fn noise_without_senders_is_narrow_where_it_is_tolerated() {
    for noise in CATALOGUE.noise.iter().filter(|noise| noise.tolerated) {
        let rule = &noise.rule;
        let anyone = rule.users.is_empty() && rule.user_groups.is_empty();
        let events = rule.resources.iter().all(|one| one.resources == ["events"]);
        let health = rule.resources.is_empty() && !rule.non_resource_urls.is_empty();
        let by_name = rule.resources.iter().all(|one| !one.resource_names.is_empty()) && !health;
        assert!(!anyone || health || (events || by_name) && !rule.verbs.is_empty(), "{}", noise.id);
        let broad = ["system:authenticated", "system:serviceaccounts", "system:masters"];
        assert!(!rule.user_groups.iter().any(|group| broad.contains(&group.as_str())), "{}", noise.id);
    }
}

#[test]
fn apis_come_and_go_with_versions() {
    let served = |minor: u32, group: &str, resource: &str| {
        verbs_of(&Apis::of_version(Version::new(1, minor)), group, resource).is_some()
    };
    for (first, group, resource) in [
        (21, "storage.k8s.io", "csistoragecapacities"),
        (23, "", "pods/ephemeralcontainers"),
        (28, "authentication.k8s.io", "selfsubjectreviews"),
        (30, "admissionregistration.k8s.io", "validatingadmissionpolicies"),
        (33, "", "pods/resize"),
        (33, "networking.k8s.io", "servicecidrs"),
        (34, "resource.k8s.io", "resourceclaims"),
        (36, "admissionregistration.k8s.io", "mutatingadmissionpolicies"),
    ] {
        assert!(!served(first - 1, group, resource), "{resource}");
        assert!(served(first, group, resource) && served(36, group, resource), "{resource}");
    }
    for (gone, group, resource) in [
        (19, "auditregistration.k8s.io", "auditsinks"),
        (22, "extensions", "ingresses"),
        (25, "policy", "podsecuritypolicies"),
    ] {
        assert!(served(gone - 1, group, resource), "{resource}");
        assert!(!served(gone, group, resource) && !served(36, group, resource), "{resource}");
    }
    for minor in 20..=36 {
        for (group, resource) in [
            ("", "pods"),
            ("", "pods/exec"),
            ("", "services"),
            ("apps", "deployments"),
            ("batch", "cronjobs"),
        ] {
            assert!(served(minor, group, resource), "1.{minor}: {resource}");
        }
    }
    let services = |minor: u32| Apis::of_version(Version::new(1, minor)).get("", "services").unwrap().clone();
    assert!(!services(22).verbs.contains(&"deletecollection".to_owned()));
    assert!(services(23).verbs.contains(&"deletecollection".to_owned()));
}

/// `discovery/` holds what kube-apiserver 1.36.2 answers to aggregated discovery, with the groups of two operators beside.
#[test]
fn the_table_agrees_with_a_recorded_server() {
    let newest = newest();
    let folder = format!("{}/tests/policy_data/discovery", env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    for file in ["api.json", "apis.json"] {
        let answer = fs::read_to_string(format!("{folder}/{file}")).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        for group in answer["items"].as_array().unwrap() {
            let name = group["metadata"]["name"].as_str().unwrap_or_default();
            if !Apis::is_builtin_group(name) {
                continue;
            }
            for resource in
                group["versions"].as_array().unwrap().iter().flat_map(|version| {
                    version["resources"].as_array().into_iter().flatten().collect::<Vec<_>>()
                })
            {
                let plural = resource["resource"].as_str().unwrap();
                let ours = newest.get(name, plural).unwrap_or_else(|| panic!("no {plural} in {name:?}"));
                assert_eq!(ours.namespaced, resource["scope"] == "Namespaced", "{plural}");
                let sorted = |verbs: &serde_json::Value| -> BTreeSet<String> {
                    verbs.as_array().unwrap().iter().map(|verb| verb.as_str().unwrap().to_owned()).collect()
                };
                assert_eq!(ours.verbs.iter().cloned().collect::<BTreeSet<_>>(), sorted(&resource["verbs"]));
                let subresources = resource["subresources"].as_array().into_iter().flatten();
                let theirs: BTreeSet<&str> =
                    subresources.clone().map(|one| one["subresource"].as_str().unwrap()).collect();
                assert_eq!(ours.subresources.keys().map(String::as_str).collect::<BTreeSet<_>>(), theirs);
                for one in subresources {
                    let verbs = &ours.subresources[one["subresource"].as_str().unwrap()];
                    let verbs: BTreeSet<String> = verbs.iter().cloned().collect();
                    assert_eq!(verbs, sorted(&one["verbs"]), "{plural}: {one}");
                }
                found.insert((name.to_owned(), plural.to_owned()));
            }
        }
    }
    assert_eq!(newest.resources.keys().cloned().collect::<BTreeSet<_>>(), found);
}

#[test]
fn known_policies_load_without_a_warning() {
    let ids: Vec<&str> = known::all().iter().map(|known| known.id.as_str()).collect();
    assert!(ids.is_sorted() && ids.len() == 13, "{ids:?}");
    let distributions =
        ["kubeadm", "k3s", "rke2", "openshift", "eks", "gke", "aks", "microk8s", "talos", "k0s", "other"];
    for known in known::all() {
        let id = &known.id;
        let loaded = known.load();
        assert!(loaded.is_valid(), "{id}: {:?}", loaded.errors);
        assert_eq!(loaded.warnings, [], "{id}");
        assert!(distributions.contains(&known.distribution.as_str()), "{id}");
        assert!(!known.name.is_empty() && !known.gaps.is_empty(), "{id}");
        assert!(known.documented.ends_with('.') && known.gaps.iter().all(|gap| gap.ends_with('.')), "{id}");
        assert_eq!(known.version() == load::NEWEST, known.kubernetes.is_none(), "{id}");
    }
}

#[test]
fn known_policies_are_recognised() {
    for known in known::all() {
        let own = known.load().policy.unwrap();
        let is_found = |policy: &AuditPolicy| known::alike(policy).any(|found| found.id == known.id);
        assert!(is_found(&own), "{}", known.id);
        assert!(known::recognise(&own).is_some(), "{}", known.id);

        let mut reformatted = own.clone();
        for rule in &mut reformatted.rules {
            rule.users.reverse();
            rule.user_groups.reverse();
            rule.verbs.reverse();
            rule.resources.reverse();
            rule.resources.iter_mut().for_each(|one| one.resources.reverse());
            rule.non_resource_urls.reverse();
            rule.omit_stages.extend(&own.omit_stages);
        }
        let reformatted = loaded(&text(&reformatted)).policy.unwrap();
        assert!(is_found(&reformatted), "{}", known.id);

        let mut other = own.clone();
        other.rules.insert(0, PolicyRule { users: vec!["ci".to_owned()], ..PolicyRule::default() });
        assert!(known::recognise(&other).is_none(), "{}", known.id);
        other.rules = own.rules.iter().rev().cloned().collect();
        assert!(own.rules.len() == 1 || !is_found(&other), "{}", known.id);
    }
    assert!(known::recognise(&AuditPolicy::default()).is_none());
}

#[test]
fn equal_known_policies_are_all_found() {
    let alike = |level: Level| -> Vec<&str> {
        let rules = vec![PolicyRule { level, ..PolicyRule::default() }];
        known::alike(&AuditPolicy { rules, ..AuditPolicy::default() })
            .map(|known| known.id.as_str())
            .collect()
    };
    assert_eq!(alike(Level::None), ["gardener-default", "rke2-default"]);
    assert_eq!(alike(Level::Metadata), ["k3s-hardening", "talos"]);
    assert_eq!(alike(Level::RequestResponse), [""; 0]);
}

#[test]
fn policies_of_providers_are_those_that_they_publish() {
    for known in ["eks", "aks", "gce"] {
        let path =
            format!("{}/tests/recordings/provider-audit-policies/{known}.yaml", env!("CARGO_MANIFEST_DIR"));
        let published = fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let known: &Known = known::all().iter().find(|one| one.id == known).unwrap();
        let published = load::load(&published, "published.yaml", known.version()).policy.unwrap();
        let alike: Vec<&str> = known::alike(&published).map(|found| found.id.as_str()).collect();
        assert_eq!(alike, [known.id.as_str()]);
    }
}

#[test]
fn only_managed_clusters_have_a_fixed_policy() {
    let fixed = |name: &str| known::of_distribution(name).map(|known| known.id.as_str());
    assert_eq!(fixed("eks"), Some("eks"));
    assert_eq!(fixed("aks"), Some("aks"));
    assert_eq!(fixed("gke"), Some("gce"));
    for name in ["kubeadm", "k3s", "rke2", "openshift", "talos", "other", ""] {
        assert_eq!(fixed(name), None, "{name}");
    }
}
