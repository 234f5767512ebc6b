//! Azure Kubernetes Service.
//!
//! | module | tells |
//! | --- | --- |
//! | [`settings`] | which categories the diagnostic settings send, of all of them together |
//! | [`destinations`], [`places`] | where the logs go, how long they stay there, and what can stop or delete them |
//! | [`alerts`] | who is told of what they show, and of their end |
//! | [`resource`] | ids |

pub mod alerts;
pub mod destinations;
pub mod places;
pub mod resource;
pub mod settings;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use self::alerts::AuditAlert;
use self::places::Place;
use self::resource::ResourceId;
use self::settings::{AUDIT, AUDIT_ADMIN, CATEGORIES, Settings};
use super::provider::Identity;
use super::recorded::{Lost, Recorded};
use super::told::{Scene, Told};
use crate::analyze::fact::Fact;
use crate::analyze::policy::{GroupResources, PolicyRule};

/// The cluster as AKS knows it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Aks {
    /// Its name.
    pub name: String,
    /// Whether audit events go anywhere, be it without those of get and list.
    pub audit: Fact<bool>,
    /// Whether audit events of get and list go anywhere: the category `kube-audit`.
    pub audit_reads: Fact<bool>,
    /// Whether the decisions of Entra ID and Azure RBAC go anywhere: the category `guard`.
    pub guard: Fact<bool>,
    /// Whether people log in with Entra ID or are allowed by Azure RBAC.
    pub entra: Fact<bool>,
    /// The documented categories.
    pub categories: Vec<Category>,
    /// The places that take logs.
    pub places: Fact<Vec<Place>>,
    /// The rules that search the audit log in Log Analytics.
    pub audit_alerts: Fact<Vec<AuditAlert>>,
    /// Whether the administrative part of the subscription's activity log is sent anywhere.
    pub activity_log: Fact<bool>,
    /// Whether an alert tells somebody that a diagnostic setting was removed.
    pub removal_alert: Fact<bool>,
    /// Whether Container Insights collects what containers write, in its old form or its new one.
    pub container_insights: Fact<bool>,
    /// Whether the sensor of Defender is switched on in the cluster.
    pub defender_sensor: Fact<bool>,
    /// Whether the subscription has the plan of Defender for Containers.
    pub defender_plan: Fact<bool>,
    /// Whether the network's observability is switched on.
    pub network_observability: Fact<bool>,
}

/// A category of logs of the control plane.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Category {
    /// Its name.
    pub name: String,
    /// Whether it goes anywhere.
    pub sent: Fact<bool>,
}

/// The facts.
pub fn facts(scene: &Scene<'_>) -> Aks {
    let scene = *scene;
    let cluster = shown(scene);
    let id = cluster.as_ref().ok().and_then(|told| told.text("id"));
    let diagnostics = diagnostics(scene, &cluster);
    let category = |name: &str| match &diagnostics {
        Ok((told, settings)) => settings.category(*told, name),
        Err(reason) => Fact::unknown(reason.clone()),
    };
    let of_cluster = |of: fn(Told<'_>) -> Fact<bool>| match &cluster {
        Ok(told) => of(*told),
        Err(reason) => Fact::unknown(reason.clone()),
    };
    let (places, audit_alerts) = match &diagnostics {
        Ok((told, settings)) => {
            let places = places::places(scene, *told, settings, cluster.clone());
            (
                told.fact(places, "", "the diagnostic settings"),
                alerts::audit_alerts(scene, &destinations::destinations(settings), id),
            )
        }
        Err(reason) => (Fact::unknown(reason.clone()), Fact::unknown(reason.clone())),
    };
    Aks {
        name: scene.name(),
        audit: category(AUDIT).or(category(AUDIT_ADMIN)),
        audit_reads: category(AUDIT),
        guard: category("guard"),
        entra: of_cluster(entra),
        categories: CATEGORIES.map(|name| Category { name: name.to_owned(), sent: category(name) }).to_vec(),
        places,
        audit_alerts,
        activity_log: alerts::activity_log(scene, id),
        removal_alert: alerts::removal_alert(scene, id),
        container_insights: of_cluster(container_insights),
        defender_sensor: of_cluster(|told| {
            told.switch("securityProfile.defender.securityMonitoring.enabled", false)
        }),
        defender_plan: defender_plan(scene, id),
        network_observability: of_cluster(network_observability),
    }
}

type Diagnostics<'s> = Result<(Told<'s>, Settings<'s>), String>;

/// The cluster's own settings.
fn shown(scene: Scene<'_>) -> Result<Told<'_>, String> {
    let answered = |call| scene.snapshot.cloud.answer(call, "").is_some();
    // Where the cluster had to be looked for and was not found, that is the reason.
    if !answered("aks/show") && answered("aks/list") {
        let told = scene.told("aks/list", "")?;
        let number = told.items("").map_or(0, <[Value]>::len);
        let host = scene.identity.host.as_deref().unwrap_or_default();
        return Err(format!(
            "none of the {number} clusters that `az aks list` prints has the server's name {host}; name the cluster with --cluster-name, --resource-group and --subscription"
        ));
    }
    let told = scene.told("aks/show", "")?;
    // What is missing of something else is not switched off.
    if told.text("name").is_none() {
        return Err("the answer that should tell the settings of the cluster tells of no cluster".into());
    }
    if told.text("id").is_some_and(|id| !is_this(scene.identity, id)) {
        return Err("the settings that were given are those of another cluster".into());
    }
    Ok(told)
}

/// The diagnostic settings, if they are those of this cluster.
fn diagnostics<'s>(scene: Scene<'s>, cluster: &Result<Told<'s>, String>) -> Diagnostics<'s> {
    let told = scene.told("aks/diagnostic-settings", "");
    // Where the cluster was not found, that is what is missing, and an empty list is no evidence.
    let (told, id) = match (told, cluster) {
        (Err(_), Err(reason)) => return Err(reason.clone()),
        (Err(reason), Ok(_)) => return Err(reason),
        (Ok(told), Ok(cluster)) => (told, cluster.text("id")),
        (Ok(told), Err(reason)) if told.items("").is_some_and(<[Value]>::is_empty) => {
            return Err(format!("an empty list may be that of another cluster; {reason}"));
        }
        (Ok(told), Err(_)) => (told, owner(told, scene.identity)?),
    };
    Settings::read(told.value, id).map(|settings| (told, settings))
}

/// The cluster to which diagnostic settings belong by their own ids, as far as they have any.
fn owner<'s>(told: Told<'s>, identity: &Identity) -> Result<Option<&'s str>, String> {
    let items = told.items("").unwrap_or(std::slice::from_ref(told.value));
    let ids = items.iter().filter_map(|item| item.get("id").and_then(Value::as_str));
    let mut clusters: Vec<&str> = Vec::new();
    for cluster in ids.filter_map(resource::extended) {
        if !clusters.iter().any(|other| other.eq_ignore_ascii_case(cluster)) {
            clusters.push(cluster);
        }
    }
    let own: Vec<&str> = clusters.iter().copied().filter(|cluster| is_this(identity, cluster)).collect();
    match own.as_slice() {
        [own] => Ok(Some(own)),
        [] if clusters.is_empty() => Ok(None),
        [] => Err("the diagnostic settings that were given are those of another cluster".into()),
        _ => Err("the diagnostic settings that were given are those of several clusters; name one with --cluster-name and --resource-group".into()),
    }
}

/// Whether an id is that of the cluster, as far as it is known which one it is.
fn is_this(identity: &Identity, id: &str) -> bool {
    let is = |known: &Option<String>, is: &str| {
        known.as_deref().is_none_or(|known| known.eq_ignore_ascii_case(is))
    };
    ResourceId::parse(id).is_some_and(|id| {
        is(&identity.cluster, id.name)
            && is(&identity.group, id.group)
            && is(&identity.account, id.subscription)
    })
}

fn entra(cluster: Told<'_>) -> Fact<bool> {
    const OLD: &str = "aadProfile.clientAppID";
    let managed = cluster.switch("aadProfile.managed", false);
    match managed.or(cluster.switch("aadProfile.enableAzureRBAC", false)) {
        Fact::Known(known) if !known.value && cluster.get(OLD).is_some() => Fact::unknown(format!(
            "{OLD} is set: people log in with Entra ID in its old form, of which it is not known whether guard tells of it"
        )),
        known => known,
    }
}

/// Either form is enough, unless a rule elsewhere decides what is collected.
fn container_insights(cluster: Told<'_>) -> Fact<bool> {
    const RULE: &str = "addonProfiles.omsagent.config.useAADAuth";
    let is_by_rule = match cluster.get(RULE) {
        Some(Value::String(text)) => !text.eq_ignore_ascii_case("false"),
        other => other.is_some_and(|other| *other != Value::Bool(false)),
    };
    let old = match cluster.switch("addonProfiles.omsagent.enabled", false) {
        Fact::Known(known) if known.value && is_by_rule => Fact::unknown(format!(
            "the add-on is on with {RULE}, so that a data collection rule decides what it collects; `az monitor data-collection rule association list --resource CLUSTER-ID` names it"
        )),
        known => known,
    };
    old.or(cluster.switch("azureMonitorProfile.containerInsights.enabled", false))
}

fn network_observability(cluster: Told<'_>) -> Fact<bool> {
    const ALL: &str = "networkProfile.advancedNetworking.enabled";
    const OWN: &str = "networkProfile.advancedNetworking.observability.enabled";
    let all = cluster.switch(ALL, false);
    if all.value() == Some(&true) && cluster.get(OWN).is_none() {
        return Fact::unknown(format!("{ALL} is true and the answer does not tell {OWN}"));
    }
    all.and(cluster.switch(OWN, false))
}

fn defender_plan(scene: Scene<'_>, cluster: Option<&str>) -> Fact<bool> {
    let plan = scene.told("aks/defender-plan", "");
    let own = alerts::own_subscription(scene, cluster);
    let (told, own) = match plan.and_then(|told| Ok((told, own?))) {
        Ok(read) => read,
        Err(reason) => return Fact::unknown(reason),
    };
    let of = told.text("id").and_then(resource::subscription);
    if !of.is_some_and(|of| of.eq_ignore_ascii_case(own)) {
        return Fact::unknown(format!(
            "the plan that was given is not known to be that of the subscription {own}"
        ));
    }
    match told.text("pricingTier") {
        Some(tier @ ("Standard" | "Free")) => told.fact(tier == "Standard", "pricingTier", tier),
        Some(tier) => Fact::unknown(format!("the plan's tier is {tier}, of which nothing is known here")),
        None => Fact::unknown("the answer does not tell the plan's tier"),
    }
}

/// What reaches the audit log.
pub fn recorded(scene: &Scene<'_>) -> Recorded {
    let scene = *scene;
    let cluster = shown(scene);
    let (told, settings) = match diagnostics(scene, &cluster) {
        Ok(read) => read,
        Err(reason) => return Recorded::Unread(reason),
    };
    let all = settings.category(told, AUDIT);
    let any = all.clone().or(settings.category(told, AUDIT_ADMIN));
    let at = |fact: &Fact<bool>| match fact {
        Fact::Known(known) => known.evidence.first().map(|evidence| evidence.at.clone()).unwrap_or_default(),
        Fact::Unknown(_) => told.evidence("", "").at,
    };
    let read = |lost: Vec<Lost>, doubtful: Vec<Lost>| Recorded::Read { at: at(&any), lost, doubtful };
    if any.value() == Some(&false) {
        let why = "neither kube-audit nor kube-audit-admin is sent anywhere";
        return read(vec![Lost::everything(at(&any), why)], Vec::new());
    }
    if let Some((stopped, why)) = stopped(scene, told, &settings, &cluster) {
        return read(vec![Lost::everything(stopped, why)], Vec::new());
    }
    match (&all, &any) {
        (Fact::Known(known), _) if known.value => read(Vec::new(), Vec::new()),
        (Fact::Known(_), Fact::Known(_)) => read(without_reads(&at(&any)), Vec::new()),
        (Fact::Unknown(unknown), Fact::Known(_)) => {
            let doubt = without_reads(&at(&any));
            let doubt = doubt.into_iter().map(|lost| Lost { why: unknown.reason.clone(), ..lost });
            read(Vec::new(), doubt.collect())
        }
        (_, Fact::Unknown(unknown)) => Recorded::Unread(unknown.reason.clone()),
    }
}

/// Where every place that takes the audit log has stopped taking it.
fn stopped(
    scene: Scene<'_>,
    told: Told<'_>,
    settings: &Settings<'_>,
    cluster: &Result<Told<'_>, String>,
) -> Option<(String, String)> {
    if destinations::destinations(settings).iter().any(|one| one.doubt.is_some()) {
        return None;
    }
    let places = places::places(scene, told, settings, cluster.clone());
    let mut audit = places.iter().filter(|place| place.audit && place.kind != "not-known").peekable();
    let first = audit.peek().map(|place| place.takes_in.clone())?;
    if !audit.all(|place| place.takes_in.value() == Some(&false)) {
        return None;
    }
    let Fact::Known(first) = first else { return None };
    let evidence = first.evidence.first()?;
    Some((evidence.at.clone(), format!("the workspace takes no logs at present: {}", evidence.detail)))
}

/// What `kube-audit-admin` leaves out.
fn without_reads(at: &str) -> Vec<Lost> {
    let resources = ["pods/exec", "pods/attach", "pods/portforward"];
    let shells = PolicyRule {
        verbs: vec!["get".into()],
        resources: vec![GroupResources {
            resources: resources.map(str::to_owned).to_vec(),
            ..GroupResources::default()
        }],
        ..PolicyRule::default()
    };
    vec![
        Lost {
            rule: shells,
            at: at.to_owned(),
            why: "kube-audit-admin is documented to leave out get, with which shells over WebSocket begin: a risk, not observed".into(),
        },
        Lost::verbs(&["get", "list"], at, "kube-audit-admin leaves out get and list"),
    ]
}
