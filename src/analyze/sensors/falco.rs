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
    let config = resolve::config(found.snapshot, found.workload, found.container, found.product);
    let settings = match config.file(&config.main) {
        Lookup::Seen(file) => Settings::of_text(&file.text, &file.at)
            .map_err(|unreadable| format!("{} ({})", unreadable.why, unreadable.at)),
        Lookup::Hidden(why) => {
            Err(format!("the configuration of {} is not seen: {why}", found.workload.title()))
        }
    };
    let words = found.container.command.iter().chain(&found.container.args);
    let overridden =
        words.clone().any(|word| word == "-o" || word.starts_with("-o=") || word.starts_with("--option"));
    let settings = match settings {
        Ok(_) if overridden => {
            Err(format!("options of the command line change its configuration ({})", found.at))
        }
        other => other,
    };
    let settings = match settings {
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
    Told {
        delivered: delivered(found, &root),
        watches_system: Fact::unknown(not_told()),
        audit_tls: audit_tls(&root),
        receives_audit,
    }
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
