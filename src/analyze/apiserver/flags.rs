//! The flags of kube-apiserver that bear on auditing: their forms, their defaults by version, and looking them up.
//!
//! Source of forms and defaults: `k8s.io/apiserver` `pkg/server/options/audit.go`, and for `event-ttl` and
//! `enable-logs-handler` `k8s.io/kubernetes` `pkg/controlplane/apiserver/options/options.go`.

use super::invocation::{Arguments, Given, Value};
use crate::analyze::fact::Fact;
use crate::analyze::units::go_duration_seconds;
use crate::analyze::version::Version;
use crate::verdict::Rank;

/// The form of a flag's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Text,
    /// `strconv.ParseBool`.
    Bool,
    /// A whole number.
    Int,
    /// A decimal number.
    Float,
    /// A Go duration.
    Duration,
}

/// A flag whose form is known.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Its name.
    pub name: &'static str,
    /// The form of its value.
    pub form: Form,
    /// Its default, where that does not depend on the version.
    pub default: &'static str,
}

const fn flag(name: &'static str, form: Form, default: &'static str) -> Flag {
    Flag { name, form, default }
}

/// The oldest version all of whose audit flags are in [`FLAGS`].
pub const OLDEST_LISTED: Version = Version::new(1, 27);

/// The newest version all of whose audit flags are in [`FLAGS`].
pub const NEWEST_LISTED: Version = Version::new(1, 36);

/// Every flag about auditing that kube-apiserver 1.27 to 1.36 has, and those beside it whose form matters here.
pub const FLAGS: [Flag; 33] = [
    flag("audit-log-batch-buffer-size", Form::Int, "10000"),
    flag("audit-log-batch-max-size", Form::Int, "1"),
    flag("audit-log-batch-max-wait", Form::Duration, "0s"),
    flag("audit-log-batch-throttle-burst", Form::Int, "0"),
    flag("audit-log-batch-throttle-enable", Form::Bool, "false"),
    flag("audit-log-batch-throttle-qps", Form::Float, "0"),
    flag("audit-log-compress", Form::Bool, "false"),
    flag("audit-log-format", Form::Text, "json"),
    flag("audit-log-maxage", Form::Int, ""),
    flag("audit-log-maxbackup", Form::Int, ""),
    flag("audit-log-maxsize", Form::Int, ""),
    flag("audit-log-mode", Form::Text, "blocking"),
    flag("audit-log-path", Form::Text, ""),
    flag("audit-log-truncate-enabled", Form::Bool, "false"),
    flag("audit-log-truncate-max-batch-size", Form::Int, "10485760"),
    flag("audit-log-truncate-max-event-size", Form::Int, "102400"),
    flag("audit-log-version", Form::Text, "audit.k8s.io/v1"),
    flag("audit-policy-file", Form::Text, ""),
    flag("audit-webhook-batch-buffer-size", Form::Int, "10000"),
    flag("audit-webhook-batch-initial-backoff", Form::Duration, "10s"),
    flag("audit-webhook-batch-max-size", Form::Int, "400"),
    flag("audit-webhook-batch-max-wait", Form::Duration, "30s"),
    flag("audit-webhook-batch-throttle-burst", Form::Int, "15"),
    flag("audit-webhook-batch-throttle-enable", Form::Bool, "true"),
    flag("audit-webhook-batch-throttle-qps", Form::Float, "10"),
    flag("audit-webhook-config-file", Form::Text, ""),
    flag("audit-webhook-initial-backoff", Form::Duration, "10s"),
    flag("audit-webhook-mode", Form::Text, "batch"),
    flag("audit-webhook-truncate-enabled", Form::Bool, "false"),
    flag("audit-webhook-truncate-max-batch-size", Form::Int, "10485760"),
    flag("audit-webhook-truncate-max-event-size", Form::Int, "102400"),
    flag("audit-webhook-version", Form::Text, "audit.k8s.io/v1"),
    flag("event-ttl", Form::Duration, "1h0m0s"),
];

/// The flag of that name, if its form is known.
pub fn known_flag(name: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.name == name)
}

/// The default of a flag, and how it depends on the version; none where the version decides and is not known.
pub fn default_of(name: &str, version: Option<Version>) -> Option<&'static str> {
    // apiserver 0.36 gave rotation defaults to the audit log; before, 0 meant no limit.
    const ROTATION_DEFAULTS: Version = Version::new(1, 36);
    // kubernetes #125787: the /logs handler is off by default since 1.31.
    const LOGS_HANDLER_OFF: Version = Version::new(1, 31);
    match name {
        "audit-log-maxage" => version.map(|v| if v >= ROTATION_DEFAULTS { "366" } else { "0" }),
        "audit-log-maxbackup" | "audit-log-maxsize" => {
            version.map(|v| if v >= ROTATION_DEFAULTS { "100" } else { "0" })
        }
        "enable-logs-handler" => version.map(|v| if v >= LOGS_HANDLER_OFF { "false" } else { "true" }),
        "v" => Some("0"),
        "logging-format" => Some("text"),
        "feature-gates" | "vmodule" => Some(""),
        name => known_flag(name).map(|flag| flag.default),
    }
}

/// Where flags were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// `/flagz`: effective values.
    Flagz,
    /// A pod: what the process was started with.
    Pod,
    /// A declaration: what should be.
    Declared,
}

/// The flags of one apiserver as one source gives them.
#[derive(Debug, Clone)]
pub struct FlagSource {
    /// The kind of source.
    pub rung: Rung,
    /// What to call it in a sentence.
    pub label: String,
    /// Where it stands.
    pub at: String,
    /// The arguments.
    pub arguments: Arguments,
}

impl FlagSource {
    /// All occurrences of a flag.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Given> + 'a {
        self.arguments.given.iter().filter(move |given| given.name == name)
    }

    /// The occurrence that counts: kube-apiserver takes the last one of a scalar flag.
    pub fn last<'a>(&'a self, name: &'a str) -> Option<&'a Given> {
        self.all(name).last()
    }
}

/// A flag's value as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value; the default where it is not given.
    pub text: String,
    /// Whether it was given rather than left at its default; none if that cannot be told (`/flagz` shows both alike).
    pub given: Option<bool>,
    /// Whether the value comes from a variable and must not be shown.
    pub hidden: bool,
}

/// All that is known about the flags of one apiserver.
#[derive(Debug, Clone)]
pub struct Flags {
    /// The sources, the most direct first.
    pub sources: Vec<FlagSource>,
    /// The server's version.
    pub version: Option<Version>,
    /// Why nothing is known, for an instance that was not read.
    pub unread: Option<String>,
}

impl Flags {
    /// The effective value of a flag with its evidence.
    pub fn get(&self, name: &str) -> Fact<Setting> {
        if let Some(reason) = &self.unread {
            return Fact::unknown(reason.clone());
        }
        let mut open: Option<&str> = None;
        for source in &self.sources {
            if let Some(given) = source.last(name) {
                return match &given.value {
                    Value::Unreadable(why) => {
                        Fact::unknown(format!("{} at {}: {why}", given.written, given.at))
                    }
                    value => {
                        let text = value.text().unwrap_or_default().to_owned();
                        let given_here = match source.rung {
                            Rung::Flagz => self.given_elsewhere(name, &text),
                            Rung::Pod | Rung::Declared => Some(true),
                        };
                        let setting =
                            Setting { text, given: given_here, hidden: matches!(value, Value::Hidden(_)) };
                        Fact::at(setting, Rank::Configured, given.at.clone(), given.written.clone())
                    }
                };
            }
            if source.arguments.open.is_none() {
                return self.default(name, source);
            }
            open = open.or(source.arguments.open.as_deref());
        }
        Fact::unknown(open.unwrap_or("no source shows the flags of this apiserver"))
    }

    /// What a flag is if a complete source does not give it.
    fn default(&self, name: &str, source: &FlagSource) -> Fact<Setting> {
        let Some(default) = default_of(name, self.version) else {
            return Fact::unknown(format!(
                "--{name} is not given and its default depends on the Kubernetes version, which is not known here; add a source that shows the version"
            ));
        };
        let detail = match (default, self.version) {
            ("", _) => format!("--{name} is not given"),
            (default, Some(version)) => {
                format!("--{name} is not given; the default of {version} is {default}")
            }
            (default, None) => format!("--{name} is not given; the default is {default}"),
        };
        let setting = Setting { text: default.to_owned(), given: Some(false), hidden: false };
        Fact::at(setting, Rank::Configured, source.at.clone(), detail)
    }

    /// `/flagz` shows defaults too: whether a flag is given is told by the other sources, or by a value that is no default.
    fn given_elsewhere(&self, name: &str, text: &str) -> Option<bool> {
        for source in self.sources.iter().filter(|source| source.rung != Rung::Flagz) {
            if source.last(name).is_some() {
                return Some(true);
            }
            if source.arguments.open.is_none() {
                return Some(false);
            }
        }
        match default_of(name, self.version) {
            Some(default) if !same_value(name, default, text) => Some(true),
            _ => None,
        }
    }

    /// A text flag.
    pub fn text(&self, name: &str) -> Fact<String> {
        self.get(name).map(|setting| setting.text)
    }

    /// A text flag as it may be shown: a value that comes from a variable is shown by its name only.
    pub fn shown_text(&self, name: &str) -> Fact<String> {
        self.get(name).and_then(|setting| {
            if setting.hidden {
                Fact::unknown(format!("--{name} comes from an environment variable"))
            } else {
                constant(setting.text)
            }
        })
    }

    /// Whether a flag is given rather than left at its default.
    pub fn given(&self, name: &str) -> Fact<bool> {
        // Of a flag that is certainly not given this is known, even if its default is not.
        let complete = self.sources.iter().find(|source| {
            source.rung == Rung::Flagz || source.last(name).is_some() || source.arguments.open.is_none()
        });
        if self.unread.is_none()
            && let Some(source) = complete
            && source.rung != Rung::Flagz
            && source.last(name).is_none()
        {
            let detail = format!("--{name} is not given");
            return Fact::at(false, Rank::Configured, source.at.clone(), detail);
        }
        self.get(name).and_then(|setting| match setting.given {
            Some(given) => constant(given),
            None => Fact::unknown(format!(
                "/flagz shows the value of --{name} but not whether it was given; grant `list` on `pods` in namespace `kube-system`"
            )),
        })
    }

    /// A whole number.
    pub fn int(&self, name: &str) -> Fact<i64> {
        self.parsed(name, parse_int, "a whole number")
    }

    /// A decimal number.
    pub fn float(&self, name: &str) -> Fact<f64> {
        self.parsed(name, |text| text.parse().ok(), "a number")
    }

    /// A boolean.
    pub fn bool(&self, name: &str) -> Fact<bool> {
        self.parsed(name, parse_bool, "true or false")
    }

    /// A duration in seconds.
    pub fn seconds(&self, name: &str) -> Fact<f64> {
        self.parsed(name, go_duration_seconds, "a duration")
    }

    fn parsed<T>(&self, name: &str, parse: impl Fn(&str) -> Option<T>, form: &str) -> Fact<T> {
        self.get(name).and_then(|setting| match parse(&setting.text) {
            Some(value) => constant(value),
            None if setting.hidden => {
                Fact::unknown(format!("--{name} comes from a variable and is not {form}"))
            }
            None => Fact::unknown(format!(
                "--{name}={} is not {form}; kube-apiserver does not start with it",
                setting.text
            )),
        })
    }

    /// The first source that shows what the process runs with.
    pub fn primary(&self) -> Option<&FlagSource> {
        self.sources.first()
    }
}

/// A value that follows from what it is combined with and needs no evidence of its own.
pub fn constant<T>(value: T) -> Fact<T> {
    Fact::known(value, Rank::Observed, Vec::new())
}

/// `strconv.ParseInt` with base 0, as pflag uses it.
pub fn parse_int(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    // Underscores stand between digits, or between the prefix of a base and a digit.
    let digit_or_base = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
    if lower.contains('_')
        && !(lower.starts_with('0') || lower.chars().all(|c| c.is_ascii_digit() || c == '_'))
        || !lower.split('_').all(digit_or_base)
    {
        return None;
    }
    let lower = lower.replace('_', "");
    let value = if let Some(hex) = lower.strip_prefix("0x") {
        i64::from_str_radix(hex, 16)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        i64::from_str_radix(octal, 8)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        i64::from_str_radix(binary, 2)
    } else if lower.len() > 1 && lower.starts_with('0') {
        i64::from_str_radix(&lower[1..], 8)
    } else if lower.starts_with(|c: char| c.is_ascii_digit()) {
        lower.parse()
    } else {
        return None;
    };
    value.ok().and_then(|value| value.checked_mul(sign))
}

/// `strconv.ParseBool`.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// Whether two spellings of a flag's value mean the same.
pub fn same_value(name: &str, left: &str, right: &str) -> bool {
    if left == right {
        return true;
    }
    match known_flag(name).map_or(Form::Text, |flag| flag.form) {
        Form::Text => false,
        Form::Bool => parse_bool(left).is_some() && parse_bool(left) == parse_bool(right),
        Form::Int => parse_int(left).is_some() && parse_int(left) == parse_int(right),
        Form::Float => left.parse::<f64>().is_ok_and(|left| right.parse() == Ok(left)),
        Form::Duration => {
            go_duration_seconds(left).is_some() && go_duration_seconds(left) == go_duration_seconds(right)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::apiserver::invocation::Arguments;

    fn flags(given: &[(&str, &str)], version: Option<Version>) -> Flags {
        let given = given
            .iter()
            .map(|(name, value)| Given {
                name: (*name).into(),
                value: Value::Text((*value).into()),
                at: format!("at {name}"),
                written: format!("--{name}={value}"),
            })
            .collect();
        let source = FlagSource {
            rung: Rung::Pod,
            label: "pod".into(),
            at: "pod".into(),
            arguments: Arguments { given, open: None },
        };
        Flags { sources: vec![source], version, unread: None }
    }

    #[test]
    fn defaults_follow_the_version() {
        for (minor, maxage, logs) in [(30, 0, true), (31, 0, false), (35, 0, false), (36, 366, false)] {
            let flags = flags(&[], Some(Version::new(1, minor)));
            assert_eq!(flags.int("audit-log-maxage").value(), Some(&maxage), "1.{minor}");
            assert_eq!(flags.bool("enable-logs-handler").value(), Some(&logs), "1.{minor}");
        }
        let Fact::Unknown(unknown) = flags(&[], None).int("audit-log-maxage") else {
            panic!("no version, no default")
        };
        assert!(unknown.reason.contains("depends on the Kubernetes version"), "{}", unknown.reason);
    }

    #[test]
    fn the_last_one_wins() {
        let flags = flags(&[("audit-log-maxage", "3"), ("audit-log-maxage", "30")], None);
        assert_eq!(flags.int("audit-log-maxage").value(), Some(&30));
    }

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("30", Some(30)),
            ("0x1f", Some(31)),
            ("010", Some(8)),
            ("30d", None),
            ("", None),
            ("-1", Some(-1)),
            ("1_000", Some(1000)),
            ("0x_1f", Some(31)),
            ("1__0", None),
            ("_1", None),
            ("1_", None),
        ] {
            assert_eq!(parse_int(text), expected, "{text}");
        }
    }

    #[test]
    fn spellings_of_one_value_are_the_same() {
        assert!(same_value("event-ttl", "1h", "1h0m0s"));
        assert!(same_value("audit-log-compress", "true", "1"));
        assert!(!same_value("audit-log-path", "a", "b"));
        assert!(!same_value("audit-log-maxage", "x", "y"));
    }
}
