//! From a container to the files of its configuration.

use super::config::{Config, Env, File, Hidden, Lookup, Variable, folder};
use super::dialect::Dialect;
use super::products::Product;
use crate::snapshot::exposure::is_same_namespace;
use crate::snapshot::redact::REDACTED;
use crate::snapshot::{
    ConfigMapVolume, ConfigText, Container, EnvSource, GapReason, Medium, Snapshot, Workload,
};

/// Names that configurations usually have, by which one is found if the command line does not tell.
fn usual_names(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::FluentBit => &["fluent-bit.conf", "fluent-bit.yaml", "fluent-bit.yml", "td-agent-bit.conf"],
        Dialect::Fluentd => &["fluent.conf", "fluentd.conf", "td-agent.conf"],
        Dialect::Vector => &[
            "vector.yaml",
            "vector.yml",
            "vector.toml",
            "vector.json",
            "agent.yaml",
            "agent.toml",
            "aggregator.yaml",
            "aggregator.toml",
        ],
        Dialect::OpenTelemetry => {
            &["relay.yaml", "relay", "collector.yaml", "config.yaml", "otel-collector-config.yaml"]
        }
        Dialect::Alloy => &["config.alloy", "config.river"],
        Dialect::Promtail => {
            &["promtail.yaml", "promtail.yml", "config.yaml", "config.yml", "agent.yaml", "agent.yml"]
        }
        Dialect::Filebeat => &["filebeat.yml", "filebeat.yaml", "journalbeat.yml", "auditbeat.yml"],
        Dialect::ElasticAgent => &["agent.yml", "agent.yaml", "elastic-agent.yml"],
        Dialect::Logstash => &["logstash.conf", "pipeline.conf"],
        Dialect::SyslogNg => &["syslog-ng.conf"],
        Dialect::Rsyslog => &["rsyslog.conf"],
        Dialect::Datadog | Dialect::AzureAgentConfig | Dialect::Vlagent => &[],
    }
}

/// What a container's program reads when it starts.
pub fn config(snapshot: &Snapshot, workload: &Workload, container: &Container, product: &Product) -> Config {
    let (args, args_places) = args(workload, container).into_iter().unzip();
    let begun = |config: Config| Config {
        env: env(snapshot, workload, container),
        args,
        args_places,
        args_at: workload.field(&format!("spec.template.spec.containers[{}]", container.index)),
        ..config
    };
    if let Some(given) = given(snapshot, workload) {
        return begun(Config::of_text(product.config, &given.at, &given.text));
    }
    let mut config = begun(Config::default());
    mounted(snapshot, workload, container, &mut config);
    config.main = main(&config, product);
    let is_seen = |config: &Config| {
        config.main.ends_with('/') && config.files.iter().any(|file| file.path.starts_with(&config.main))
            || config.main.lines().any(|line| matches!(config.file(line), Lookup::Seen(_)))
            || config.files.iter().any(|file| folder(&file.path) == config.main)
    };
    if !is_seen(&config)
        && let Some(dialect) = product.dialect
    {
        let usual: Vec<&File> = config
            .files
            .iter()
            .filter(|file| usual_names(dialect).iter().any(|name| file.path.ends_with(&format!("/{name}"))))
            .collect();
        if let [one] = usual.as_slice() {
            config.main = one.path.clone();
        }
    }
    config
}

/// The text that was given for a workload.
fn given<'a>(snapshot: &'a Snapshot, workload: &Workload) -> Option<&'a ConfigText> {
    snapshot.configs.iter().find(|text| {
        text.given && text.config_map.namespace == workload.namespace && text.config_map.name == workload.name
    })
}

/// The file the program begins with: as its command line says, or where it looks by itself.
fn main(config: &Config, product: &Product) -> String {
    if product.dialect == Some(Dialect::OpenTelemetry) {
        // It lays several over each other.
        let named: Vec<String> = config.arguments(product.flags).iter().map(|value| path_of(value)).collect();
        return if named.is_empty() { product.config.to_owned() } else { named.join("\n") };
    }
    let mut rest = config.args.iter().map(String::as_str).peekable();
    while let Some(word) = rest.next() {
        for flag in product.flags {
            let value = word.strip_prefix(flag).and_then(|value| value.strip_prefix('='));
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                return path_of(value);
            }
            if word == *flag
                && let Some(value) = rest.peek()
            {
                return path_of(value);
            }
        }
        if product.dialect == Some(Dialect::Alloy)
            && word == "run"
            && let Some(value) = rest.clone().find(|word| !word.starts_with('-'))
        {
            return path_of(value);
        }
    }
    if product.dialect == Some(Dialect::Fluentd)
        && let Some(Variable::Seen(name, _)) = config.env.variables.get("FLUENTD_CONF")
    {
        return if name.starts_with('/') { name.clone() } else { format!("/fluentd/etc/{name}") };
    }
    product.config.to_owned()
}

/// The path in the value of a flag: the collector of OpenTelemetry also takes URIs.
fn path_of(value: &str) -> String {
    value.trim_matches('"').strip_prefix("file:").unwrap_or(value).to_owned()
}

/// The files that the container's mounts bring, and those that they hide.
fn mounted(snapshot: &Snapshot, workload: &Workload, container: &Container, config: &mut Config) {
    let name = workload.full_name();
    let supply = format!("; give the file with --config-for {name}=FILE");
    config.hidden.push(Hidden { path: "/".into(), why: format!("it is part of the image{supply}") });
    for mount in &container.mounts {
        let why = match &mount.medium {
            Medium::ConfigMap(volume) => {
                let files = files(snapshot, volume, &mount.path);
                if files.is_empty() {
                    if is_absent(snapshot, volume) {
                        config.absent.push((mount.path.clone(), mount.at.clone()));
                    }
                    unread(snapshot, volume) + &supply
                } else {
                    config.files.extend(files);
                    config.hidden.extend(unread_keys(snapshot, volume, &mount.path, &supply));
                    continue;
                }
            }
            Medium::Secret(secret) => {
                format!("it comes from the Secret {secret}, which is never read{supply}")
            }
            Medium::HostPath(path) => format!("it lies on the node below {path}"),
            Medium::EmptyDir => format!("another container of the pod writes it{supply}"),
            Medium::PersistentVolumeClaim => "it lies on a PersistentVolume".to_owned(),
            Medium::ApiObject => format!("it comes from a volume of several sources{supply}"),
            Medium::Other(kind) => format!("it comes from a volume of the kind {kind}"),
        };
        config.hidden.push(Hidden { path: mount.path.clone(), why });
    }
}

fn files(snapshot: &Snapshot, volume: &ConfigMapVolume, mount_path: &str) -> Vec<File> {
    let texts = snapshot.configs.iter().filter(|text| {
        !text.given
            && text.config_map.name == volume.name
            && is_same_namespace(&text.config_map.namespace, &volume.namespace)
    });
    let file = |text: &ConfigText, path| File { path, at: text.at.clone(), text: text.text.clone() };
    texts
        .flat_map(|text| {
            let paths = paths(volume, &text.config_map.key, mount_path).into_iter();
            paths.map(move |path| file(text, path))
        })
        .collect()
}

/// Where a key of a ConfigMap appears in the container.
fn paths(volume: &ConfigMapVolume, key: &str, mount_path: &str) -> Vec<String> {
    let mut names: Vec<&str> =
        volume.items.iter().filter(|(_, from)| *from == key).map(|(path, _)| path.as_str()).collect();
    if volume.items.is_empty() {
        names.push(key);
    }
    let paths = names.into_iter().filter_map(|name| match volume.sub_path.as_str() {
        "" => Some(format!("{}/{name}", mount_path.trim_end_matches('/'))),
        sub if sub == name => Some(mount_path.to_owned()),
        _ => None,
    });
    paths.collect()
}

/// The files of a ConfigMap that is read but for some of its keys.
fn unread_keys(snapshot: &Snapshot, volume: &ConfigMapVolume, mount_path: &str, supply: &str) -> Vec<Hidden> {
    let keys = snapshot.configs_unread.iter().filter(|unread| {
        !unread.key.is_empty()
            && unread.name == volume.name
            && is_same_namespace(&unread.namespace, &volume.namespace)
    });
    keys.flat_map(|unread| {
        let paths = paths(volume, &unread.key, mount_path).into_iter();
        paths.map(move |path| Hidden { path, why: format!("{}{supply}", unread.gap) })
    })
    .collect()
}

/// Whether the cluster says that a ConfigMap is not there. Pods start without those that are optional.
fn is_absent(snapshot: &Snapshot, volume: &ConfigMapVolume) -> bool {
    snapshot.configs_unread.iter().any(|unread| {
        unread.name == volume.name
            && unread.namespace == volume.namespace
            && unread.key.is_empty()
            && unread.gap.reason == GapReason::NotFound
    })
}

fn unread(snapshot: &Snapshot, volume: &ConfigMapVolume) -> String {
    let unread = snapshot.configs_unread.iter().find(|unread| {
        unread.name == volume.name && (unread.namespace == volume.namespace || volume.namespace.is_empty())
    });
    match unread {
        Some(unread) => unread.gap.to_string(),
        None => format!("the ConfigMap {} is not in the input, or has no such key", volume.name),
    }
}

/// The words of the container's command line, each with its place.
fn args(workload: &Workload, container: &Container) -> Vec<(String, String)> {
    let words = |field: &'static str, words: &[String]| -> Vec<(String, String)> {
        let base = format!("spec.template.spec.containers[{}].{field}", container.index);
        let place = |index| workload.field(&format!("{base}[{index}]"));
        words.iter().enumerate().map(|(index, word)| (word.clone(), place(index))).collect()
    };
    let mut all = words("command", &container.command);
    all.extend(words("args", &container.args));
    all
}

/// The container's environment.
fn env(snapshot: &Snapshot, workload: &Workload, container: &Container) -> Env {
    let mut env = Env::default();
    let at = |name: &str| {
        let index = container.env.iter().position(|variable| variable.name == name).unwrap_or_default();
        let path = format!("spec.template.spec.containers[{}].env[{index}]", container.index);
        let mark = workload.marks.get(&path).cloned();
        mark.unwrap_or_else(|| format!("container {} env {name}", container.name))
    };
    let text_of = |name: &str, key: &str| {
        let mut texts = snapshot.configs.iter().filter(|text| !text.given);
        texts.find(|text| text.config_map.name == name && text.config_map.key == key)
    };
    for variable in &container.env {
        let name = &variable.name;
        let value = match (&variable.value, &variable.from) {
            (Some(value), _) if value == REDACTED => {
                Variable::Hidden("set to a value that is not kept here".into(), at(name))
            }
            (Some(value), _) => Variable::Seen(value.clone(), at(name)),
            (None, Some(EnvSource::ConfigMap(key))) => match text_of(&key.name, &key.key) {
                Some(text) => Variable::Seen(text.text.clone(), text.at.clone()),
                None => Variable::Hidden(format!("set from the ConfigMap {}", key.name), at(name)),
            },
            (None, Some(EnvSource::Secret(secret))) => {
                Variable::Hidden(format!("set from the Secret {secret}"), at(name))
            }
            (None, _) => Variable::Hidden("set from the pod's own fields".into(), at(name)),
        };
        env.variables.insert(name.clone(), value);
    }
    for source in &container.env_from {
        match source {
            EnvSource::ConfigMap(map) => {
                let texts =
                    snapshot.configs.iter().filter(|text| !text.given && text.config_map.name == map.name);
                let mut any = false;
                for text in texts {
                    any = true;
                    let variable = Variable::Seen(text.text.clone(), text.at.clone());
                    env.variables.entry(text.config_map.key.clone()).or_insert(variable);
                }
                if !any {
                    env.open = Some(format!("the ConfigMap {} that sets variables was not read", map.name));
                }
            }
            EnvSource::Secret(secret) => {
                env.open = Some(format!("the Secret {secret} sets variables and is never read"));
            }
            EnvSource::Pod => {}
        }
    }
    env
}
