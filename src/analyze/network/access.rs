//! Access logs: ingress controllers, Envoy Gateway, Istio.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Snapshot, config_map, unread, unseen, why_unread};
use crate::analyze::collectors::config::Variable;
use crate::analyze::collectors::fields::Fields;
use crate::analyze::collectors::products::{Product, Role, product_of};
use crate::analyze::collectors::resolve;
use crate::analyze::collectors::settings::Settings;
use crate::analyze::collectors::wanted::named_config;
use crate::analyze::fact::Fact;
use crate::snapshot::{Container, Resource, Scope, Workload};
use crate::verdict::{Evidence, Rank};

/// Something through which requests come.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessLog {
    /// What it is: `Deployment ingress-nginx/ingress-nginx-controller`.
    pub name: String,
    /// The kind: `ingress`, `mesh`.
    pub kind: String,
    /// Whether it logs accesses.
    pub on: Fact<bool>,
    /// Objects that switch the log off for a part; empty if there are none. Only for `mesh`.
    pub exceptions: Fact<Vec<String>>,
}

/// Every one.
pub(super) fn access_logs(snapshot: &Snapshot) -> Fact<Vec<AccessLog>> {
    if let Some(reason) = unseen(snapshot) {
        return Fact::unknown(reason);
    }
    let mut list = Vec::new();
    for workload in snapshot.workloads.all() {
        for container in &workload.containers {
            if let Some(product) = product_of(&container.image).filter(|one| one.role == Role::Ingress) {
                list.push(AccessLog {
                    name: workload.title(),
                    kind: "ingress".into(),
                    on: ingress(snapshot, workload, container, product),
                    exceptions: none(),
                });
            }
        }
    }
    list.extend(snapshot.resources.iter().filter(|one| one.kind == "EnvoyProxy").map(|one| AccessLog {
        name: format!("{} {}", one.kind, one.full_name()),
        kind: "ingress".into(),
        on: envoy(one),
        exceptions: none(),
    }));
    list.extend(istio(snapshot));
    if list.is_empty() && snapshot.scope == Scope::Manifests {
        return Fact::unknown(
            "the input shows no ingress controller; add its manifests with -f, or run against the cluster",
        );
    }
    Fact::known(list, Rank::Configured, Vec::new())
}

fn none() -> Fact<Vec<String>> {
    Fact::known(Vec::new(), Rank::Configured, Vec::new())
}

fn ingress(
    snapshot: &Snapshot,
    workload: &Workload,
    container: &Container,
    product: &'static Product,
) -> Fact<bool> {
    let at = workload.field(&format!("spec.template.spec.containers[{}]", container.index));
    match product.name {
        "ingress-nginx" => nginx(snapshot, workload, container, product, &at),
        "Traefik" => traefik(snapshot, workload, container, product, &at),
        name => Fact::unknown(format!("what {name} logs is not read ({at})")),
    }
}

/// `disable-access-log` and `disable-http-access-log`, which are off by default, the paths of the log, which do not count
/// with `enable-syslog`, and snippets (kubernetes/ingress-nginx, options of the ConfigMap).
fn nginx(
    snapshot: &Snapshot,
    workload: &Workload,
    container: &Container,
    product: &Product,
    at: &str,
) -> Fact<bool> {
    let default = || Fact::at(true, Rank::Documented, at, "access logs are on by default");
    let Some((namespace, name)) = named_config(workload, container, product) else {
        let names_one =
            container.args.iter().chain(&container.command).any(|word| word.contains("configmap"));
        return if names_one || container.args.is_empty() {
            Fact::unknown(format!("which ConfigMap it reads is not told ({at})"))
        } else {
            default()
        };
    };
    let texts = config_map(snapshot, &namespace, &name);
    if texts.is_empty() {
        return match why_unread(snapshot, &namespace, &name) {
            Some(why) => Fact::unknown(why),
            None if snapshot.scope == Scope::Manifests => {
                Fact::unknown(format!("the ConfigMap {namespace}/{name} is not in the input, or has no keys"))
            }
            None => default(),
        };
    }
    let off = texts.iter().find(|text| {
        ["disable-access-log", "disable-http-access-log"].contains(&text.config_map.key.as_str())
            && text.text.trim() == "true"
    });
    if let Some(text) = off {
        let detail = format!("{} is true", text.config_map.key);
        return Fact::at(false, Rank::Configured, text.at.clone(), detail);
    }
    let set = |key: &str| {
        let text = texts.iter().find(|text| text.config_map.key == key)?;
        Some((text, text.text.trim())).filter(|(_, value)| !value.is_empty())
    };
    let path = set("http-access-log-path").or_else(|| set("access-log-path"));
    let to_syslog = set("enable-syslog").is_some_and(|(_, value)| value == "true");
    if let Some((text, _)) = path.filter(|(_, path)| *path == "/dev/null" && !to_syslog) {
        let detail = format!("{} is /dev/null", text.config_map.key);
        return Fact::at(false, Rank::Configured, text.at.clone(), detail);
    }
    let snippets = ["http-snippet", "server-snippet", "location-snippet"].into_iter().filter_map(set);
    if let Some((text, _)) = snippets.into_iter().find(|(_, snippet)| switches_off(snippet)) {
        return Fact::unknown(format!(
            "which requests {} switches access logs off for is not judged ({})",
            text.config_map.key, text.at
        ));
    }
    match texts.first() {
        Some(text) => Fact::at(true, Rank::Configured, text.at.clone(), "nothing in it disables access logs"),
        None => default(),
    }
}

/// Whether directives of nginx switch an access log off.
fn switches_off(snippet: &str) -> bool {
    let lines = snippet.lines().map(|line| line.split('#').next().unwrap_or_default());
    let words: Vec<&str> = lines
        .flat_map(|line| line.split(|letter: char| letter.is_whitespace() || "{};".contains(letter)))
        .filter(|word| !word.is_empty())
        .collect();
    words.windows(2).any(|pair| matches!(pair, ["access_log", "off" | "/dev/null"]))
}

/// Off by default; `--accesslog` and what is below it switch it on, or `accessLog` in its file.
fn traefik(
    snapshot: &Snapshot,
    workload: &Workload,
    container: &Container,
    product: &'static Product,
    at: &str,
) -> Fact<bool> {
    let words = container.command.iter().chain(&container.args).map(|word| word.to_ascii_lowercase());
    let flags: Vec<String> = words.filter(|word| word.starts_with("--accesslog")).collect();
    if let Some(last) = flags.iter().rfind(|flag| !flag.starts_with("--accesslog.")) {
        let on = !last.ends_with("=false");
        return Fact::at(on, Rank::Configured, at, last.clone());
    }
    if let Some(first) = flags.first() {
        return Fact::at(true, Rank::Configured, at, first.clone());
    }
    let config = resolve::config(snapshot, workload, container, product);
    if config.env.variables.iter().any(|(name, value)| {
        name.starts_with("TRAEFIK_ACCESSLOG") && matches!(value, Variable::Seen(..) | Variable::Hidden(..))
    }) || config.env.open.is_some()
    {
        return Fact::unknown(format!("variables that are not kept here may switch access logs on ({at})"));
    }
    let named = ["traefik.yaml", "traefik.yml", "traefik.toml"];
    let file = config.files.iter().find(|file| {
        file.path == config.main || named.iter().any(|name| file.path.ends_with(&format!("/{name}")))
    });
    if let Some(file) = file {
        if std::path::Path::new(&file.path).extension().is_some_and(|end| end.eq_ignore_ascii_case("toml")) {
            return Fact::unknown(format!("its file in TOML is not read ({})", file.at));
        }
        return match Settings::of_text(&file.text, &file.at) {
            Ok(settings) => {
                let setting = settings.root().find("accessLog");
                setting.fact(
                    setting.is_present(),
                    if setting.is_present() { "accessLog is set" } else { "accessLog is not set" },
                )
            }
            Err(unreadable) => Fact::unknown(format!("{} ({})", unreadable.why, unreadable.at)),
        };
    }
    if !config.main.is_empty() || config.hidden.iter().any(|hidden| hidden.path.contains("traefik")) {
        return Fact::unknown(format!("its file is not seen ({at})"));
    }
    Fact::at(false, Rank::Documented, at, "--accesslog is not set, and access logs are off by default")
}

/// `spec.telemetry.accessLog` of Envoy Gateway's `EnvoyProxy`.
fn envoy(proxy: &Resource) -> Fact<bool> {
    let spec = Fields::spec(proxy);
    let Some(log) = spec.at_path(&["telemetry", "accessLog"]) else {
        return Fact::at(
            true,
            Rank::Documented,
            proxy.at.clone(),
            "without accessLog the default is its output",
        );
    };
    if log.flag("disable") == Some(true) {
        return log.known("disable", false, "disable is true");
    }
    let narrowed = log.items("settings").iter().any(|one| !one.items("matches").is_empty());
    if narrowed {
        return Fact::unknown(format!("which requests matches leave out is not judged ({})", log.at()));
    }
    log.known("disable", true, "access logs are not disabled")
}

/// Istio's mesh: `accessLogFile` of its configuration, and the Telemetry of its root namespace.
fn istio(snapshot: &Snapshot) -> Option<AccessLog> {
    const ROOT: &str = "istio-system";
    let texts = config_map(snapshot, ROOT, "istio");
    let mesh = texts.iter().find(|text| text.config_map.key == "mesh");
    let control = snapshot.workloads.all().find(|one| one.name.starts_with("istiod"));
    if mesh.is_none() && control.is_none() {
        return None;
    }
    let telemetries: Vec<&Resource> =
        snapshot.resources.iter().filter(|one| one.kind == "Telemetry").collect();
    let gap = unread(snapshot, "telemetries").map(ToString::to_string);
    let (mut on, mut off): (Option<Fact<bool>>, Vec<(String, String)>) = (None, Vec::new());
    for telemetry in &telemetries {
        let spec = Fields::spec(telemetry);
        let whole_mesh = telemetry.namespace == ROOT
            && ["selector", "targetRefs", "targetRef"].iter().all(|key| spec.get(key).is_none());
        for entry in spec.items("accessLogging") {
            if entry.flag("disabled") == Some(true) {
                off.push((format!("{} {}", telemetry.kind, telemetry.full_name()), entry.at_key("disabled")));
            }
            if !whole_mesh {
                continue;
            }
            on = Some(match (entry.flag("disabled"), entry.get("filter").or_else(|| entry.get("match"))) {
                (Some(true), _) => entry.known("disabled", false, "access logs of the mesh are disabled"),
                (_, Some(filter)) => Fact::unknown(format!(
                    "which requests the filter leaves out is not judged ({})",
                    filter.at()
                )),
                _ => Fact::at(true, Rank::Configured, entry.at(), "access logs of the mesh are on"),
            });
        }
    }
    let of_file = || match mesh {
        Some(text) => match Settings::of_text(&text.text, &text.at) {
            Ok(settings) => {
                let file = settings.root().find("accessLogFile");
                let providers = settings.root().find("defaultProviders.accessLogging");
                match (file.is_present().then(|| file.plain()), providers.is_present()) {
                    (_, true) => {
                        Fact::unknown(format!("what its providers do is not read ({})", providers.place()))
                    }
                    (Some(path), false) => file.fact(!path.is_empty(), format!("accessLogFile is '{path}'")),
                    (None, false) => Fact::unknown(format!(
                        "accessLogFile is not set, and its default depends on the profile ({})",
                        file.place()
                    )),
                }
            }
            Err(unreadable) => Fact::unknown(format!("{} ({})", unreadable.why, unreadable.at)),
        },
        None => Fact::unknown(why_unread(snapshot, ROOT, "istio").unwrap_or_else(|| {
            format!("the ConfigMap {ROOT}/istio was not read; other revisions have others")
        })),
    };
    let on = match (on, &gap) {
        (Some(fact), _) => fact,
        (None, None) => of_file(),
        (None, Some(gap)) => Fact::unknown(gap.clone()),
    };
    let names: Vec<String> = off.iter().map(|(name, _)| name.clone()).collect();
    let mut evidence: Vec<Evidence> = off
        .into_iter()
        .map(|(name, at)| Evidence { at, detail: format!("{name} disables access logs") })
        .collect();
    if evidence.is_empty() {
        let detail = format!("{} are there, and none disables access logs", telemetries.len());
        evidence.push(Evidence { at: "the Telemetry resources".into(), detail });
    }
    Some(AccessLog {
        name: "Istio".into(),
        kind: "mesh".into(),
        on,
        exceptions: match gap {
            Some(gap) => Fact::unknown(gap),
            None if snapshot.scope == Scope::Manifests && telemetries.is_empty() => {
                Fact::unknown("the input shows no Telemetry; add those of the mesh with -f")
            }
            None => Fact::known(names, Rank::Configured, evidence),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::manifests::read_texts;

    #[test]
    fn paths_and_snippets_of_nginx_switch_logs_off() {
        for (data, expected) in [
            ("use-gzip: 'true'", Some(true)),
            ("access-log-path: /dev/null", Some(false)),
            ("http-access-log-path: /dev/null", Some(false)),
            ("{access-log-path: /dev/null, http-access-log-path: /dev/stdout}", Some(true)),
            ("{access-log-path: /dev/null, enable-syslog: 'true'}", Some(true)),
            ("http-snippet: 'access_log off;'", None),
            ("server-snippet: 'location /x {access_log  /dev/null;}'", None),
            ("server-snippet: '# access_log off;'", Some(true)),
            ("http-snippet: 'access_log /var/log/x.log;'", Some(true)),
        ] {
            let data = if data.starts_with('{') { data.to_owned() } else { format!("{{{data}}}") };
            let text = format!(
                "apiVersion: apps/v1
kind: Deployment
metadata: {{name: controller, namespace: ingress-nginx}}
spec:
  template:
    spec:
      containers:
      - name: controller
        image: ingress-nginx/controller:v1.12.0
        args: [/nginx-ingress-controller, --configmap=ingress-nginx/c]
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: c, namespace: ingress-nginx}}
data: {data}
"
            );
            let snapshot = read_texts(&[("x.yaml".to_owned(), text)]).unwrap();
            let logs = access_logs(&snapshot);
            assert_eq!(logs.value().unwrap()[0].on.value().copied(), expected, "{data}");
        }
    }
}
