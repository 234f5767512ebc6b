//! Names that tell what their values are.

use std::sync::LazyLock;

use regex::Regex;

/// Parts of names that tell that a value is a credential.
const TELLING: &str = r"(?i)(pass(word|wd|phrase)?$|passw|secret|token|api[_.-]?key|access[_.-]?key|private[_.-]?key|account[_.-]?key|shared[_.-]?(access[_.-]?)?(key|sig)|licen[cs]e|ingest(ion)?[_.-]?key|insert[_.-]?key|customer_?id|credential|authorization|connection[_.-]?string|enrol+ment|cookie|sas[_.-]?|additional_endpoints|cloud[_.-]?auth|(^|[_.-])(dsn|pwd|auth|key|hec|sig)$)";

/// Endings of names of variables that say where a collector sends to and what it reads.
const SETTINGS: &str = r"(^|_)(HOSTS?|HOSTNAME|PORT|SCHEME|PROTOCOL|URLS?|URI|ENDPOINTS?|ADDR(ESS)?|PATHS?|DIR|FILE|CONF|VERIFY|SSL_VERSION|SSL_VALIDATION|NO_SSL|TLS|SSL|INSECURE|REGION|ENABLED?|LEVEL|EXCLUDE|INCLUDE|EXCLUDE_LOGS|INCLUDE_LOGS|COLLECT_ALL|EVENTS|SITE|TAG|NAMESPACES?|MODE|LIMIT|SIZE|TYPE|PREFIX|HEAD|TAIL|TOPICS?|BROKERS?|INDEX|SERVERS?|EXCLUDE_PATH)$|^(xpack\.security\.(http\.ssl\.)?enabled|plugins\.security\.disabled|DISABLE_SECURITY_PLUGIN|discovery\.type|path\.data)$";

/// Fields of records, which settings that end in `key` name as often as they hold one.
const FIELDS: &str = r#"^["']?(?:\$|[\[.]|kubernetes|k8s|log|message|msg|stream|namespace|level|severity|pod|container|host|tag|time|_?systemd|SYSLOG|PRIORITY|_|MESSAGE|resource\.|attributes|body|service\.|event\.|loki\.|db\.|http\.|user\.|url\.|net\.|source\.|process\.|deployment\.)[\w.\-/$\[\]'"@]*["']?$"#;

/// Names of labels and annotations with a domain before them, all in words: `splunk.com/exclude`.
const QUALIFIED_NAMES: &str =
    r#"^["']?[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*\.[a-z]{2,12}/[a-z]+(?:[._-][a-z]+)*["']?$"#;

fn regex(pattern: &'static str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

/// Whether a name tells that its value is a credential.
pub fn is_telling(name: &str) -> bool {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| regex(TELLING));
    PATTERN.as_ref().is_none_or(|pattern| pattern.is_match(name))
}

/// Whether a variable is a setting that the analysis looks at.
pub(super) fn is_setting(name: &str) -> bool {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| regex(SETTINGS));
    PATTERN.as_ref().is_some_and(|pattern| pattern.is_match(name)) && !is_telling(name)
}

/// Whether a name only tells because it ends in `key`, and its value is the name of a field of records.
pub(super) fn keeps_value(name: &str, value: &str) -> bool {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| regex(FIELDS));
    static QUALIFIED: LazyLock<Option<Regex>> = LazyLock::new(|| regex(QUALIFIED_NAMES));
    let name = name.to_ascii_lowercase();
    let Some(rest) = name.strip_suffix("key") else { return false };
    (rest.is_empty() || !is_telling(rest) && !is_credential_key(&name))
        && [&PATTERN, &QUALIFIED]
            .into_iter()
            .any(|pattern| pattern.as_ref().is_some_and(|pattern| pattern.is_match(value.trim())))
}

/// Whether a name that ends in `key` is one of a credential.
fn is_credential_key(name: &str) -> bool {
    [
        "api",
        "access",
        "private",
        "account",
        "shared",
        "secret",
        "sec",
        "license",
        "licence",
        "ingest",
        "insert",
        "ingestion",
    ]
    .iter()
    .any(|word| name.contains(word))
}
