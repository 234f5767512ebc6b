//! What no dialect should come to, and what is not seen.

use super::*;
use crate::analyze::collectors::model::{Effect, NamespaceMatch, NamespaceRule, Pattern, Receiver, Unread};
use crate::analyze::collectors::products::Role;
use crate::snapshot::{Resource, Scope};

/// A collector that reads events, with a way to each of these outputs, of which there is one.
fn collector(routes: &[usize], receiver: Receiver, unread: bool) -> Collector<'static> {
    let unknown = || "not of interest".to_owned();
    let output = Output {
        id: "store".into(),
        at: "output".into(),
        receiver,
        hosts: Fact::unknown(unknown()),
        tls: Fact::unknown(unknown()),
        verified: None,
        authenticated: Fact::unknown(unknown()),
        buffer: Fact::unknown(unknown()),
        retry: Fact::unknown(unknown()),
        when_full: Fact::unknown(unknown()),
    };
    let route = |output: &usize| Route { steps: Vec::new(), output: *output };
    let input = Input {
        id: "events".into(),
        at: "input".into(),
        source: Source::Events { namespaces: NamespaceRule::default(), only_warnings: false },
        position: None,
        opt_outs: Vec::new(),
        steps: Vec::new(),
        routes: Fact::known(routes.iter().map(route).collect(), Rank::Configured, Vec::new()),
    };
    let unread = unread.then(|| Unread { at: "include".into(), why: "it is not seen".into() });
    Collector {
        name: "Deployment logging/events".into(),
        product: "events".into(),
        role: Role::Collector,
        at: "deployment".into(),
        workload: None,
        container: None,
        resource: None,
        on_nodes: false,
        taken_up_by: None,
        pipeline: Ok(Pipeline {
            inputs: vec![input],
            outputs: vec![output],
            unread: unread.into_iter().collect(),
            own_metrics: None,
        }),
    }
}

fn nothing() -> Snapshot {
    Snapshot::empty(Scope::Cluster, "c")
}

fn links(routes: &[usize], receiver: Receiver, unread: bool) -> [Option<bool>; 4] {
    let found = follow(&nothing(), &[collector(routes, receiver, unread)], &Target::Events).unwrap();
    [found.read, found.kept, found.routed, found.shipped].map(|link| link.value().copied())
}

#[test]
fn what_is_not_seen_may_drop_and_lead_on() {
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(links(&[], Receiver::Http, false), [yes, yes, no, no]);
    assert_eq!(links(&[], Receiver::Http, true), [yes, None, None, None]);
}

#[test]
fn no_way_is_lost() {
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(links(&[1], Receiver::Http, false), [yes, yes, None, None]);
    assert_eq!(links(&[0, 1], Receiver::Nothing, false), [yes, yes, yes, None]);
    assert_eq!(links(&[0], Receiver::Nothing, false), [yes, yes, yes, no]);
    // What only a hop takes ends there.
    assert_eq!(links(&[0], Receiver::Hop("forward".into()), false), [yes, yes, no, no]);
}

#[test]
fn what_has_no_namespace_may_be_in_no_list_of_them() {
    let shop = || vec![NamespaceMatch { at: "grep:1".into(), pattern: Pattern::Name("shop".into()) }];
    let passed = |rule: NamespaceRule, namespace| {
        let step = Step { at: "grep".into(), what: "grep".into(), effect: Effect::Namespaces(rule) };
        passes(&[&step], namespace, true).value().copied()
    };
    let only = NamespaceRule { only: Some(shop()), except: Vec::new() };
    let except = NamespaceRule { only: None, except: shop() };
    assert_eq!(passed(only.clone(), Some("shop")), Some(true));
    assert_eq!(passed(only.clone(), Some("other")), Some(false));
    assert_eq!(passed(only, None), None);
    assert_eq!(passed(except, None), Some(true));
}

#[test]
fn what_may_be_dropped_is_said_once() {
    let what = "filterx may drop or change records".to_owned();
    let step = Step { at: "log:1".into(), what, effect: Effect::Unclear };
    let Fact::Unknown(unknown) = passes(&[&step], None, true) else { panic!("it is not told") };
    assert_eq!(unknown.reason, "filterx may drop or change records: what passes is not told (log:1)");
}

#[test]
fn a_tailer_sees_the_files_it_names_alone() {
    let resource = Resource { kind: "HostTailer".into(), ..Resource::default() };
    let mut tailer = collector(&[0], Receiver::Http, false);
    tailer.on_nodes = true;
    tailer.resource = Some(&resource);
    let Ok(pipeline) = &mut tailer.pipeline else { panic!("it is read") };
    let path = Fact::at("/opt/y.log".to_owned(), Rank::Configured, "tailer", "path");
    pipeline.inputs[0].source = Source::Files { include: vec![path], exclude: Vec::new() };
    let mounted = |path: &str| {
        let target = Target::File { path: path.into(), is_audit: true };
        follow(&nothing(), std::slice::from_ref(&tailer), &target).unwrap().mounted.value().copied()
    };
    assert_eq!(mounted("/opt/y.log"), Some(true));
    assert_eq!(mounted("/var/log/kubernetes/audit.log"), Some(false));
}
