//! Falco: `falco.yaml` and `-o` (falcosecurity/falco `userspace/falco/configuration.cpp`: an output that is not named is off).

use super::{Found, Told};
use crate::analyze::collectors::config::Lookup;
use crate::analyze::collectors::endpoint::{Location, location};
use crate::analyze::collectors::resolve;
use crate::analyze::collectors::settings::{Setting, Settings};
use crate::analyze::fact::Fact;
use crate::verdict::Rank;

/// What its configuration says.
pub(super) fn told(found: &Found<'_>) -> Told {
    let settings = match settings(found) {
        Ok(settings) => settings,
        Err(reason) => {
            return Told {
                delivered: Fact::unknown(reason.clone()),
                watches_system: Fact::unknown(not_told()),
                receives_audit: Fact::unknown(reason.clone()),
                audit_tls: Fact::unknown(reason),
            };
        }
    };
    let root = settings.root();
    let receives_audit = receives_audit(&root);
    let finds_nothing = no_rules(found, &root).or_else(|| {
        // Plugins bring events of their own.
        no_driver(&root).filter(|_| root.find("load_plugins").items().is_empty())
    });
    Told {
        delivered: finds_nothing.unwrap_or_else(|| delivered(found, &root)),
        watches_system: Fact::unknown(not_told()),
        audit_tls: audit_tls(&root),
        receives_audit,
    }
}

/// Its configuration, or why it is not known.
fn settings(found: &Found<'_>) -> Result<Settings, String> {
    let config = resolve::config(found.snapshot, found.workload, found.container, found.product);
    let settings = match config.file(&config.main) {
        Lookup::Seen(file) => Settings::of_text(&file.text, &file.at)
            .map_err(|unreadable| format!("{} ({})", unreadable.why, unreadable.at)),
        Lookup::Hidden(why) => {
            Err(format!("the configuration of {} is not seen: {why}", found.workload.title()))
        }
    }?;
    let mut words = found.container.command.iter().chain(&found.container.args);
    if words.any(|word| word == "-o" || word.starts_with("-o=") || word.starts_with("--option")) {
        return Err(format!("options of the command line change its configuration ({})", found.at));
    }
    Ok(settings)
}

/// That it sees no system calls or has no rules, if it is set up so.
pub(super) fn blind(found: &Found<'_>) -> Option<Fact<bool>> {
    let settings = settings(found).ok()?;
    let root = settings.root();
    no_driver(&root).or_else(|| no_rules(found, &root))
}

/// `engine.kind` of a Falco without a driver.
fn no_driver(root: &Setting<'_>) -> Option<Fact<bool>> {
    let kind = root.find("engine.kind");
    (kind.plain() == "nodriver").then(|| kind.fact(false, "engine.kind nodriver: it sees no system calls"))
}

/// A list of files of rules that is empty, where the command line names none.
fn no_rules(found: &Found<'_>, root: &Setting<'_>) -> Option<Fact<bool>> {
    let files = root.find("rules_files");
    let mut words = found.container.command.iter().chain(&found.container.args);
    let named = words.any(|word| word.starts_with("-r")) || root.find("rules_file").is_set();
    let is_empty = files.is_list() && files.items().is_empty() && !named;
    is_empty.then(|| files.fact(false, "rules_files is empty: it has no rules"))
}

fn not_told() -> String {
    "what rules of Falco leave out is not judged".into()
}

/// Whether alerts leave the node on some way.
fn delivered(found: &Found<'_>, root: &Setting<'_>) -> Fact<bool> {
    let on = |output: &str| root.find(&format!("{output}.enabled")).flag(false);
    let stdout = on("stdout_output").and(found.printed(&found.container.name));
    let file = root.find("file_output.filename").plain();
    let file = on("file_output").and(found.file(&file));
    let http = on("http_output").and(http(root));
    let unjudged = |output: &str, what: &str| {
        on(output).and(Fact::unknown(format!("{what} ({})", root.find(output).place())))
    };
    stdout
        .or(file)
        .or(http)
        .or(unjudged("program_output", "what the program that gets the alerts does with them is not known"))
        .or(unjudged("grpc_output", "whether somebody fetches the alerts through gRPC is not known"))
        .or(unjudged("syslog_output", "whether somebody reads the syslog of the container is not known"))
}

fn http(root: &Setting<'_>) -> Fact<bool> {
    let url = root.find("http_output.url");
    let text = match url.text() {
        Ok(Some(text)) if !text.is_empty() => text,
        Ok(_) => return root.find("http_output").fact(false, "http_output has no url"),
        Err(why) => return Fact::unknown(why),
    };
    let host = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
    let host = host.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    if host.contains("falcosidekick") {
        return Fact::unknown(format!(
            "alerts go to Falcosidekick, whose outputs are in a Secret, which is never read ({})",
            url.place()
        ));
    }
    match location(host) {
        Location::Outside => url.fact(true, format!("alerts are sent to {host}")),
        _ => Fact::unknown(format!("what {host} does with alerts is not known ({})", url.place())),
    }
}

/// The settings of the plugin k8saudit, if it is loaded.
fn plugin<'a>(root: &Setting<'a>) -> Option<Setting<'a>> {
    let loaded = root.find("load_plugins").items().iter().any(|name| name.plain() == "k8saudit");
    let plugins = root.find("plugins").items();
    plugins.into_iter().find(|plugin| loaded && plugin.find("name").plain() == "k8saudit")
}

/// Whether the plugin listens, and does not read a file.
fn receives_audit(root: &Setting<'_>) -> Fact<bool> {
    match plugin(root) {
        Some(plugin) => {
            let params = plugin.find("open_params");
            match params.text() {
                Ok(Some(text)) => {
                    let listens = text.starts_with("http");
                    params.fact(listens, if listens { "k8saudit listens" } else { "k8saudit reads a file" })
                }
                Ok(None) => plugin.fact(true, "k8saudit is loaded"),
                Err(why) => Fact::unknown(why),
            }
        }
        None => Fact::at(false, Rank::Configured, root.place(), "the plugin k8saudit is not loaded"),
    }
}

/// Whether the plugin listens with TLS.
fn audit_tls(root: &Setting<'_>) -> Fact<bool> {
    let Some(plugin) = plugin(root) else { return Fact::unknown("the plugin k8saudit is not loaded") };
    let params = plugin.find("open_params");
    match params.text() {
        Ok(Some(text)) if text.starts_with("https://") => params.fact(true, "k8saudit listens for HTTPS"),
        Ok(Some(text)) if text.starts_with("http://") => {
            params.fact(false, "k8saudit listens for plain HTTP")
        }
        Ok(_) => Fact::unknown(format!("how k8saudit listens is not told ({})", params.place())),
        Err(why) => Fact::unknown(why),
    }
}

#[cfg(test)]
mod tests {
    use crate::analyze::analyze;
    use crate::source::manifests::read_texts;

    /// Whether a sensor is present, whether its alerts are delivered, and whether it is ready.
    fn facts(config: &str, desired: i64) -> (Option<bool>, Option<bool>, Option<bool>) {
        let text = format!(
            "apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: falco, namespace: falco, generation: 1}}
spec:
  template:
    spec:
      containers:
      - {{name: falco, image: falcosecurity/falco:0.41, volumeMounts: [{{name: c, mountPath: /etc/falco}}]}}
      volumes: [{{name: c, configMap: {{name: falco}}}}]
status: {{observedGeneration: 1, desiredNumberScheduled: {desired}, numberReady: {desired}, updatedNumberScheduled: {desired}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: falco, namespace: falco}}
data:
  falco.yaml: |
    {config}
    http_output: {{enabled: true, url: 'https://siem.example.com'}}
"
        );
        let mut snapshot = read_texts(&[("x.yaml".to_owned(), text)]).unwrap();
        snapshot.scope = crate::snapshot::Scope::Cluster;
        let runtime = analyze(&snapshot).runtime;
        let sensor = &runtime.sensors.value().unwrap()[0];
        let value = |fact: &crate::analyze::fact::Fact<bool>| fact.value().copied();
        (value(&runtime.present), value(&sensor.delivered), value(&sensor.ready))
    }

    #[test]
    fn without_a_driver_or_rules_it_finds_nothing() {
        for (config, present, delivered) in [
            ("engine: {kind: modern_ebpf}", true, true),
            ("rules_files: [/etc/falco/falco_rules.yaml]", true, true),
            ("engine: {kind: nodriver}", false, false),
            ("rules_files: []", false, false),
            ("engine: {kind: nodriver}\n    load_plugins: [k8saudit]", false, true),
        ] {
            assert_eq!(facts(config, 2), (Some(present), Some(delivered), Some(true)), "{config}");
        }
    }

    #[test]
    fn a_daemon_set_that_wants_no_pods_is_not_ready() {
        assert_eq!(facts("priority: debug", 0), (Some(true), Some(true), None));
    }
}
