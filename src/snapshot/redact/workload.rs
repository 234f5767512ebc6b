//! What of collectors and other workloads may be kept.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::{REDACTED, policy};
use crate::snapshot::{Node, Resource, Snapshot, Workload};

/// Parts of names that tell that a value is a credential.
const TELLING: &str = r"(?i)(pass(word|wd|phrase)?$|passw|secret|token|api[_.-]?key|access[_.-]?key|private[_.-]?key|account[_.-]?key|shared[_.-]?(access[_.-]?)?(key|sig)|licen[cs]e|ingest(ion)?[_.-]?key|insert[_.-]?key|customer_?id|credential|authorization|connection[_.-]?string|enrol+ment|cookie|sas[_.-]?|(^|[_.-])(dsn|pwd|auth|key|hec)$)";

/// Endings of names of variables that say where a collector sends to and what it reads.
const SETTINGS: &str = r"(^|_)(HOSTS?|HOSTNAME|PORT|SCHEME|PROTOCOL|URLS?|URI|ENDPOINTS?|ADDR(ESS)?|PATHS?|DIR|FILE|CONF|VERIFY|SSL_VERSION|SSL_VALIDATION|NO_SSL|TLS|SSL|INSECURE|REGION|ENABLED?|LEVEL|EXCLUDE|INCLUDE|EXCLUDE_LOGS|INCLUDE_LOGS|COLLECT_ALL|EVENTS|SITE|TAG|NAMESPACES?|MODE|LIMIT|SIZE|TYPE|PREFIX|HEAD|TAIL|TOPICS?|BROKERS?|INDEX|SERVERS?|EXCLUDE_PATH)$";

fn regex(pattern: &'static str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

/// Whether a name tells that its value is a credential.
pub fn is_telling(name: &str) -> bool {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| regex(TELLING));
    PATTERN.as_ref().is_none_or(|pattern| pattern.is_match(name))
}

fn is_setting(name: &str) -> bool {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| regex(SETTINGS));
    PATTERN.as_ref().is_some_and(|pattern| pattern.is_match(name)) && !is_telling(name)
}

/// Narrows a workload to what may be kept: of the command line no scripts and no value of a telling flag, of the
/// environment only the values of settings.
pub(super) fn redact_workload(workload: &mut Workload) {
    for container in &mut workload.containers {
        for words in [&mut container.command, &mut container.args] {
            redact_words(words);
        }
        for variable in &mut container.env {
            if variable.value.is_some() && !is_setting(&variable.name) {
                variable.value = Some(REDACTED.into());
            }
        }
    }
}

fn redact_words(words: &mut [String]) {
    let mut follows_telling = false;
    for word in words {
        let is_flag = word.starts_with('-');
        if follows_telling && !is_flag || word.contains(char::is_whitespace) {
            // A script, or a value of its own.
            REDACTED.clone_into(word);
            follows_telling = false;
            continue;
        }
        let (name, value) =
            word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
        let telling = is_flag && is_telling(name.trim_start_matches('-'));
        follows_telling = telling && value.is_none();
        if telling && value.is_some() {
            *word = format!("{name}={REDACTED}");
        }
    }
}

/// Blanks what looks like a credential in the text of a configuration, so that every line stays where it stood: the values of
/// telling keys in whatever language, and what credentials look like. What refers to a variable or a file stays, because it
/// says where the value comes from without telling it.
pub(super) fn blank_config(text: &str) -> String {
    static KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
        regex(
            r#"^(?P<key>[\s\-]*["']?(?P<name>[@A-Za-z_][\w.@/\-]*)["']?\s*(?:=>|[:=]|\s)\s*)(?P<value>\S.*?)(?P<end>\s*,?)$"#,
        )
    });
    static HEADER: LazyLock<Option<Regex>> =
        LazyLock::new(|| regex(r"(?i)^(?P<key>\s*header\s+\S+\s+)(?P<value>\S.*?)(?P<end>)$"));
    let mut out = String::with_capacity(text.len());
    // What stands between telling keys is looked through as a whole, because a key in PEM has several lines.
    let mut others = String::new();
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\n', '\r']);
        let ending = whole.get(line.len()..).unwrap_or_default();
        let trimmed = line.trim_start();
        if trimmed.starts_with('#') || trimmed.starts_with("//") {
            let marker = line.len() - trimmed.len() + if trimmed.starts_with('#') { 1 } else { 2 };
            others.push_str(line.get(..marker).unwrap_or_default());
            others.push_str(ending);
            continue;
        }
        let header = HEADER.as_ref().and_then(|pattern| pattern.captures(line));
        let found = header.or_else(|| {
            let found = KEY.as_ref().and_then(|pattern| pattern.captures(line))?;
            is_telling(found.name("name")?.as_str()).then_some(found)
        });
        let parts = found.and_then(|found| {
            Some((found.name("key")?.as_str(), found.name("value")?.as_str(), found.name("end")?.as_str()))
        });
        // What opens a structure is looked through like any other line.
        let Some((key, value, end)) =
            parts.filter(|(_, value, _)| !value.starts_with(['{', '[']) || value.starts_with("{{"))
        else {
            others.push_str(whole);
            continue;
        };
        out.push_str(&policy::blank_credentials(&others));
        others.clear();
        if is_reference(value) {
            out.push_str(whole);
            continue;
        }
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
        let quote = quote
            .filter(|quote| value.len() > 1 && value.ends_with(*quote))
            .map_or(String::new(), String::from);
        for part in [key, &quote, REDACTED, &quote, end, ending] {
            out.push_str(part);
        }
    }
    out.push_str(&policy::blank_credentials(&others));
    out
}

/// Whether a value says where a credential comes from, or is none: a variable, a file, a switch, the opening of a block.
fn is_reference(value: &str) -> bool {
    const VARIABLES: [&str; 9] =
        ["${", "#{", "$(", "sys.env", "env(", "local.file", "remote.", "{{", "file://"];
    const FOLDERS: [&str; 8] = ["/etc/", "/var/", "/run/", "/usr/", "/opt/", "/mnt/", "/secrets/", "/certs/"];
    const NOTHING: [&str; 13] =
        ["true", "false", "on", "off", "yes", "no", "null", "none", "~", "", "|", ">", "|-"];
    let bare = value.trim_matches(['"', '\'', '`']);
    // What stands in for a variable that is not set is the credential itself.
    let has_default = bare.contains(":-") || bare.contains("||") || bare.contains("fetch(");
    let begins = |with: &[&str]| with.iter().any(|beginning| bare.starts_with(beginning));
    begins(&VARIABLES) && !has_default
        || begins(&FOLDERS)
        || bare.starts_with('/')
            && [".pem", ".key", ".crt", ".json"].iter().any(|ending| bare.ends_with(ending))
        || NOTHING.contains(&bare.to_ascii_lowercase().as_str())
        || bare == REDACTED
}

/// Narrows a custom resource: values of telling keys go, texts in it are treated as configurations.
pub(super) fn redact_resource(resource: &mut Resource) {
    redact_value(&mut resource.spec);
    redact_value(&mut resource.status);
}

fn redact_value(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                match field {
                    Value::String(text) if is_telling(key) && !is_reference(text) => {
                        REDACTED.clone_into(text);
                    }
                    other => redact_value(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact_value),
        Value::String(text) if text.contains('\n') => *text = blank_config(text),
        _ => {}
    }
}

/// Labels of nodes that are looked at whoever asks for them.
const NODE_LABELS: [&str; 6] = [
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "type",
    "eks.amazonaws.com/compute-type",
    "node-role.kubernetes.io/control-plane",
    "node-role.kubernetes.io/master",
];

/// Keeps of the nodes' labels those by which some workload chooses nodes.
pub(super) fn narrow_nodes(snapshot: &mut Snapshot) {
    let placements = snapshot.workloads.all().map(|workload| &workload.placement);
    let mut wanted: Vec<String> = NODE_LABELS.map(str::to_owned).to_vec();
    for placement in placements {
        wanted.extend(placement.node_selector.keys().cloned());
        let terms = placement.terms.iter().flatten().flat_map(|term| &term.labels);
        wanted.extend(terms.map(|requirement| requirement.key.clone()));
    }
    wanted.sort();
    wanted.dedup();
    if let super::super::Reading::Read { value: nodes } = &mut snapshot.nodes {
        for Node { labels, .. } in nodes {
            labels.retain(|key, _| wanted.binary_search(key).is_ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_telling_keys_go_in_every_language() {
        for (line, expected) in [
            ("    HTTP_Passwd   hunter2", "    HTTP_Passwd   REDACTED"),
            ("    HTTP_Passwd   ${ES_PASSWORD}", "    HTTP_Passwd   ${ES_PASSWORD}"),
            ("    password: ${ES_PASSWORD}", "    password: ${ES_PASSWORD}"),
            ("    password: ${ES_PASSWORD:-hunter2}", "    password: REDACTED"),
            ("  password \"#{ENV['X']}\"", "  password \"#{ENV['X']}\""),
            ("      default_token: \"hunter2\"", "      default_token: \"REDACTED\""),
            ("api_key = \"hunter2\"", "api_key = \"REDACTED\""),
            ("    password => \"hunter2\"", "    password => \"REDACTED\""),
            ("  \"apiKey\": \"hunter2\",", "  \"apiKey\": \"REDACTED\","),
            ("    Header X-Key hunter2", "    Header X-Key REDACTED"),
            ("    splunk_token hunter2", "    splunk_token REDACTED"),
            ("    tls.key_file /certs/key.pem", "    tls.key_file /certs/key.pem"),
            ("# password hunter2", "#"),
            ("    Match kube.*", "    Match kube.*"),
            ("    K8S-Logging.Exclude On", "    K8S-Logging.Exclude On"),
            ("    Kube_Token_File /var/run/secrets/token", "    Kube_Token_File /var/run/secrets/token"),
            ("    url: https://u:hunter2@host/x", "    url: https://XXXXXXXXX@host/x"),
        ] {
            assert_eq!(blank_config(line), expected);
            assert_eq!(blank_config(expected), expected, "twice");
        }
        let text = "a: |\n  -----BEGIN PRIVATE KEY-----\n  hunter2\n  -----END PRIVATE KEY-----\nb: 1\n";
        let blanked = blank_config(text);
        assert!(!blanked.contains("hunter2"));
        assert_eq!(blanked.lines().count(), 5);
    }

    #[test]
    fn scripts_and_telling_flags_go() {
        let mut words: Vec<String> =
            ["-c", "run this hunter2", "--api-key=hunter2", "--token", "hunter2", "--config=/a"]
                .map(str::to_owned)
                .to_vec();
        redact_words(&mut words);
        assert_eq!(words, ["-c", REDACTED, "--api-key=REDACTED", "--token", REDACTED, "--config=/a"]);
    }

    #[test]
    fn only_settings_keep_their_values() {
        for (name, expected) in [
            ("FLUENT_ELASTICSEARCH_HOST", true),
            ("DD_LOGS_CONFIG_CONTAINER_COLLECT_ALL", true),
            ("DD_API_KEY", false),
            ("ES_PASSWORD", false),
            ("SECRET_PATH", false),
            ("HOME", false),
            ("LOKI_URL", true),
        ] {
            assert_eq!(is_setting(name), expected, "{name}");
        }
    }
}
