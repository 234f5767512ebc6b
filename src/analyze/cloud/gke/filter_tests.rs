use proptest::prelude::*;

use super::*;

fn read_of_secrets() -> Entry {
    let exactly = |text: &str| Text::Exactly(text.to_owned());
    let fields = [
        ("resource.type", exactly("k8s_cluster")),
        ("resource.labels.cluster_name", exactly("demo")),
        ("resource.labels.", Text::Absent),
        ("jsonpayload.", Text::Absent),
        ("protopayload.servicename", exactly("k8s.io")),
        ("protopayload.methodname", exactly("io.k8s.core.v1.secrets.get")),
    ];
    let fields = fields.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
    Entry { log: "cloudaudit.googleapis.com/data_access".into(), fields }
}

fn any_get() -> Entry {
    let mut entry = read_of_secrets();
    entry.fields.insert("protopayload.methodname".into(), Text::EndsWith(".get".into()));
    entry
}

fn judged(filter: &str, entry: &Entry) -> Truth {
    Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}")).matches(entry)
}

#[test]
fn filters_are_judged_as_documented() {
    use Truth::{No, Perhaps, Yes};
    for (filter, expected) in [
        ("", Yes),
        ("-- nothing but a comment", Yes),
        (r#"resource.type="k8s_cluster" AND protoPayload.methodName:".get""#, Yes),
        (r#"resource.type="k8s_cluster" protoPayload.methodName:".list""#, No),
        // Case counts only in regular expressions.
        (r#"resource.type="K8S_Cluster""#, Yes),
        (r#"protoPayload.methodName=~"secrets\.(get|list)$""#, Yes),
        (r#"protoPayload.methodName=~"SECRETS""#, No),
        (r#"protoPayload.methodName!~"secrets""#, No),
        (r#"resource.type!="k8s_cluster""#, No),
        // OR binds closer than AND.
        (r#"resource.type="x" AND resource.type="k8s_cluster" OR protoPayload.serviceName="k8s.io""#, No),
        (r#"resource.type="k8s_cluster" OR resource.type="x" AND protoPayload.serviceName="no""#, No),
        (r#"NOT resource.type="x" OR resource.type="k8s_cluster""#, Yes),
        (r#"NOT LOG_ID("cloudaudit.googleapis.com/activity") AND NOT LOG_ID("other")"#, Yes),
        (r#"log_id("cloudaudit.googleapis.com/data_access")"#, Yes),
        (r#"LOG_ID("cloudaudit.googleapis.com/activity") -protoPayload.serviceName="k8s.io""#, No),
        (r#"-protoPayload.serviceName="k8s.io""#, No),
        (r#"-(resource.type="x")"#, Yes),
        (r#"resource.type=("gce_instance" OR "k8s_cluster")"#, Yes),
        (r#"resource.type=("gce_instance" OR NOT "k8s_cluster")"#, No),
        (r#"resource.type!=("gce_instance" OR "k8s_cluster")"#, Perhaps),
        ("resource.type = k8s_cluster -- the cluster\nprotoPayload.serviceName = k8s.io", Yes),
        (r#""secrets.get""#, Yes),
        ("k8s.io", Yes),
        ("robot", Perhaps),
        // A label that such entries do not have is equal to nothing.
        (r#"resource.labels.namespace_name="kube-system""#, No),
        (r#"NOT resource.labels.namespace_name="kube-system""#, Yes),
        (r#"jsonPayload.level="debug""#, No),
        (r#"jsonPayload.level!="debug""#, Perhaps),
        // What is not known.
        (r#"protoPayload.authenticationInfo.principalEmail="ops@example.com""#, Perhaps),
        (r#"labels."k8s-pod/app"="x""#, Perhaps),
        ("severity>=ERROR", Perhaps),
        ("sample(insertId, 0.25)", Perhaps),
        (r#"ip_in_net(protoPayload.requestMetadata.callerIp, "10.0.0.0/8") AND resource.type="x""#, No),
        (r#"cast(jsonPayload.x, INT64) > 5 OR resource.type="k8s_cluster""#, Yes),
        (r#"timestamp > "2026-01-01T00:00:00Z""#, Perhaps),
        (r#"protoPayload.methodName=~"(""#, Perhaps),
    ] {
        assert_eq!(judged(filter, &read_of_secrets()), expected, "{filter}");
    }
}

#[test]
fn of_a_method_only_the_end_may_be_known() {
    use Truth::{No, Perhaps, Yes};
    for (filter, expected) in [
        (r#"protoPayload.methodName:".get""#, Yes),
        (r#"protoPayload.methodName:"secrets""#, Perhaps),
        (r#"protoPayload.methodName="io.k8s.core.v1.pods.get""#, Perhaps),
        (r#"protoPayload.methodName="io.k8s.core.v1.pods.list""#, No),
        (r#"protoPayload.methodName!="io.k8s.core.v1.pods.list""#, Yes),
        (r#"protoPayload.methodName=~"\.get$""#, Perhaps),
        ("protoPayload.methodName:*", Yes),
    ] {
        assert_eq!(judged(filter, &any_get()), expected, "{filter}");
    }
}

#[test]
fn what_is_no_filter_is_refused() {
    let deep = format!("{}a=b{}", "(".repeat(500), ")".repeat(500));
    let values = format!("a={}b{}", "(".repeat(500), ")".repeat(500));
    let long = "a".repeat(MAX_LENGTH + 1);
    for filter in [
        "(a=b", "a=b)", "a=", "=b", "a AND", "AND a", "a OR", "NOT", "-", "()", "a=()", "\"open", "a=(b OR)",
        "f(x", "a,b", &deep, &values, &long,
    ] {
        assert!(Filter::parse(filter).is_err(), "{filter}");
    }
}

#[test]
fn long_filters_are_read_in_time() {
    let many = "a=b OR ".repeat(2_000) + "c=d";
    assert_eq!(judged(&many, &read_of_secrets()), Truth::Perhaps);
    let nots = "NOT ".repeat(4_000) + "resource.type=k8s_cluster";
    assert_eq!(judged(&nots, &read_of_secrets()), Truth::Yes);
}

/// A filter over fields that are known, and what it comes to.
fn known() -> impl Strategy<Value = (String, bool)> {
    let leaf = prop_oneof![
        Just((r#"resource.type="k8s_cluster""#.to_owned(), true)),
        Just((r#"resource.type!="k8s_cluster""#.to_owned(), false)),
        Just((r#"protoPayload.methodName:".GET""#.to_owned(), true)),
        Just((r#"protoPayload.methodName=~"list$""#.to_owned(), false)),
        Just((r#"LOG_ID("cloudaudit.googleapis.com/activity")"#.to_owned(), false)),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| (format!("({} AND {})", a.0, b.0), a.1 && b.1)),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| (format!("({}\n{})", a.0, b.0), a.1 && b.1)),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| (format!("({} OR {})", a.0, b.0), a.1 || b.1)),
            inner.prop_map(|a| (format!("NOT ({})", a.0), !a.1)),
        ]
    })
}

proptest! {
    #[test]
    fn known_fields_leave_no_doubt((filter, expected) in known()) {
        prop_assert_eq!(judged(&filter, &read_of_secrets()), Truth::from(expected), "{}", filter);
    }

    #[test]
    fn what_is_certain_of_any_method_holds_for_each((filter, _) in known(), verb in "[a-z.]{0,12}") {
        let mut one = any_get();
        one.fields.insert("protopayload.methodname".into(), Text::Exactly(format!("io.k8s.{verb}.get")));
        let (of_any, of_one) = (judged(&filter, &any_get()), judged(&filter, &one));
        prop_assert!(of_any == Truth::Perhaps || of_any == of_one, "{} {:?} {:?}", filter, of_any, of_one);
    }

    #[test]
    fn nothing_makes_it_panic(filter in r#"(NOT |AND |OR |-|--|\(|\)|"|'|\\|a|=|!=|=~|:|<|,|\n|LOG_ID\(|\PC| ){0,60}"#) {
        if let Ok(filter) = Filter::parse(&filter) {
            let _ = filter.matches(&any_get());
        }
    }
}
