//! What one apiserver is configured to record, where it writes it, how long that is kept and what may get lost.

use schemars::JsonSchema;
use serde::Serialize;

use super::flags::{Flags, constant};
use super::problems::{self, FlagProblem, Repeat};
use crate::analyze::fact::Fact;
use crate::analyze::units::whole;
use crate::analyze::version::Version;
use crate::snapshot::{Medium, Mount};
use crate::verdict::{Evidence, Rank};

/// The audit configuration of one apiserver.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Audit {
    /// Whether `--audit-policy-file` is set. Without it nothing is recorded, whatever else is set.
    pub policy_set: Fact<bool>,
    /// `--audit-policy-file`.
    pub policy_file: Fact<String>,
    /// Whether kube-apiserver runs in a container, so that its files must be mounted into it.
    pub in_container: Fact<bool>,
    /// Whether a mount brings the policy file into the container; true for a process on the host.
    pub policy_mounted: Fact<bool>,
    /// Whether that mount is read-only.
    pub policy_read_only: Fact<bool>,
    /// The backends that are set: `log`, `webhook`.
    pub backends: Fact<Vec<String>>,
    /// The log backend.
    pub log: LogBackend,
    /// The webhook backend.
    pub webhook: WebhookBackend,
    /// Audit flags that are given more than once: the last one counts.
    pub repeated: Fact<Vec<Repeat>>,
    /// Flags with which kube-apiserver does not start: not its own, or with a value it refuses.
    pub refused: Fact<Vec<FlagProblem>>,
}

/// `--audit-log-…`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogBackend {
    /// Whether `--audit-log-path` is set.
    pub enabled: Fact<bool>,
    /// `--audit-log-path`.
    pub path: Fact<String>,
    /// Whether it writes to a file, and not to standard output (`-`).
    pub to_file: Fact<bool>,
    /// Whether the file outlives the container: on a writable hostPath or PersistentVolumeClaim, or on the host itself.
    /// Unknown for volumes of other kinds.
    pub durable: Fact<bool>,
    /// Whether the mount that holds the file is meant for audit logs alone: neither it nor the host's directory behind it
    /// is one that others use, such as `/`, `/var`, `/var/log`, `/etc/kubernetes` or `/etc/ssl/certs`.
    pub own_directory: Fact<bool>,
    /// Whether the file lies below `/var/log`, which the `/logs/` handler of the apiserver serves.
    pub under_var_log: Fact<bool>,
    /// `--audit-log-format`: `json` or `legacy`.
    pub format: Fact<String>,
    /// `--audit-log-mode`: `blocking`, `blocking-strict` or `batch`.
    pub mode: Fact<String>,
    /// Days after which a rotated file is deleted; 0 for no limit.
    pub max_age_days: Fact<i64>,
    /// Whether `--audit-log-maxage` is given.
    pub max_age_given: Fact<bool>,
    /// Rotated files kept; 0 for no limit.
    pub max_backups: Fact<i64>,
    /// Whether `--audit-log-maxbackup` is given.
    pub max_backups_given: Fact<bool>,
    /// Size in megabytes at which the file is rotated; 0 for never (1.36 and later; before, 0 meant 100).
    pub max_size_megabytes: Fact<i64>,
    /// Whether `--audit-log-maxsize` is given.
    pub max_size_given: Fact<bool>,
    /// Whether the log is limited by age or by count and size, so that it cannot fill the disk.
    pub bounded: Fact<bool>,
    /// Megabytes that rotation keeps, the current file included; 0 for no limit.
    pub kept_megabytes: Fact<i64>,
    /// Audit events a day, from the counters of this instance since it started.
    pub events_per_day: Fact<i64>,
    /// Events that the buffer of mode `batch` holds; what does not fit is dropped.
    pub buffer_size: Fact<i64>,
    /// Events a second that mode `batch` can write; 0 for no limit.
    pub throttle_events_per_second: Fact<i64>,
    /// `--audit-log-truncate-enabled`: large events lose their bodies, larger ones are dropped.
    pub truncates: Fact<bool>,
    /// `--audit-log-truncate-max-event-size` in bytes.
    pub truncate_max_event_bytes: Fact<i64>,
}

/// `--audit-webhook-…`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookBackend {
    /// Whether `--audit-webhook-config-file` is set.
    pub enabled: Fact<bool>,
    /// `--audit-webhook-mode`.
    pub mode: Fact<String>,
    /// Events that the buffer of mode `batch` holds; what does not fit is dropped.
    pub buffer_size: Fact<i64>,
    /// Events a second that mode `batch` can send: throttle × batch size; 0 for no limit.
    pub throttle_events_per_second: Fact<i64>,
    /// Seconds that an event may wait in the buffer and be lost if the process dies.
    pub max_wait_seconds: Fact<i64>,
    /// `--audit-webhook-truncate-enabled`: large events lose their bodies, larger ones are dropped.
    pub truncates: Fact<bool>,
    /// `--audit-webhook-truncate-max-event-size` in bytes.
    pub truncate_max_event_bytes: Fact<i64>,
}

/// What stands behind the paths of an apiserver.
#[derive(Debug, Clone)]
pub enum Paths {
    /// A container with these mounts.
    Mounts(Vec<Mount>),
    /// A process on the host: every path is the host's.
    Host,
    /// Not known: why.
    Unknown(String),
}

/// What the analysis knows of one apiserver beside its flags.
#[derive(Debug, Clone)]
pub struct Context {
    /// Its mounts.
    pub paths: Paths,
    /// Audit events a day, as counted.
    pub events_per_day: Fact<i64>,
    /// Why a policy file that is set proves nothing here, where a distribution puts an empty policy in its place.
    pub policy_doubt: Option<String>,
}

/// The facts about auditing from the flags of one apiserver.
pub fn audit(flags: &Flags, context: &Context) -> Audit {
    let set = |name: &str| flags.text(name).map(|text| !text.is_empty());
    let log_enabled = flags.text("audit-log-path").map(|path| !matches!(path.as_str(), "" | "/dev/null"));
    let webhook_enabled = set("audit-webhook-config-file");
    let backends = log_enabled.clone().zip(webhook_enabled.clone()).map(|(log, webhook)| {
        [("log", log), ("webhook", webhook)]
            .into_iter()
            .filter(|(_, on)| *on)
            .map(|(name, _)| name.to_owned())
            .collect()
    });
    Audit {
        policy_set: set("audit-policy-file").and_then(|set| match &context.policy_doubt {
            Some(doubt) if set => Fact::unknown(doubt.clone()),
            _ => constant(set),
        }),
        policy_file: flags.shown_text("audit-policy-file"),
        in_container: match &context.paths {
            Paths::Mounts(_) => constant(true),
            Paths::Host => constant(false),
            Paths::Unknown(reason) => Fact::unknown(reason.clone()),
        },
        policy_mounted: mounted(flags, "audit-policy-file", &context.paths)
            .map(|place| place != Place::Container),
        policy_read_only: mounted(flags, "audit-policy-file", &context.paths).and_then(|place| match place {
            Place::Mount { read_only, .. } => constant(read_only),
            Place::Container => Fact::unknown("no mount holds the policy file"),
            Place::Host => {
                Fact::unknown("the process runs on the host; only its file permissions protect the policy")
            }
        }),
        backends,
        log: log_backend(flags, context, log_enabled),
        webhook: webhook_backend(flags, webhook_enabled),
        repeated: problems::repeated(flags),
        refused: problems::refused(flags),
    }
}

fn log_backend(flags: &Flags, context: &Context, enabled: Fact<bool>) -> LogBackend {
    let path = flags.text("audit-log-path");
    let place = mounted(flags, "audit-log-path", &context.paths);
    let max_size = effective_max_size(flags);
    let max_age = flags.int("audit-log-maxage");
    let max_backups = flags.int("audit-log-maxbackup");
    // Without rotation (size 0) neither age nor count has any effect.
    let bounded = max_size
        .clone()
        .zip(max_age.clone().zip(max_backups.clone()))
        .map(|(size, (age, count))| size > 0 && (age > 0 || count > 0));
    let kept = max_size.clone().zip(max_backups.clone()).map(|(size, count)| {
        if size > 0 && count > 0 { size.saturating_mul(count.saturating_add(1)) } else { 0 }
    });
    LogBackend {
        to_file: path.clone().map(|path| is_file(&path)),
        durable: place.clone().and_then(|place| match place {
            Place::Host => constant(true),
            Place::Container => constant(false),
            Place::Mount { read_only: true, .. } => constant(false),
            Place::Mount { durable: Durable::Yes, .. } => constant(true),
            Place::Mount { durable: Durable::No, .. } => constant(false),
            Place::Mount { durable: Durable::Unclear(kind), .. } => Fact::unknown(format!(
                "the file lies on a volume of the kind `{kind}`; whether that outlives the container is not known here"
            )),
        }),
        own_directory: place.and_then(|place| match place {
            Place::Mount { path, host_path, .. } => {
                constant(!is_shared(&path) && !host_path.is_some_and(|path| is_shared(&path)))
            }
            Place::Host => Fact::unknown("the process runs on the host; its directories are not visible"),
            Place::Container => Fact::unknown("no mount holds the log file"),
        }),
        under_var_log: path.map(|path| clean(&path).starts_with("/var/log/")),
        path: flags.shown_text("audit-log-path"),
        enabled,
        format: word(flags, "audit-log-format", &FORMATS),
        mode: word(flags, "audit-log-mode", &MODES),
        max_age_days: max_age,
        max_age_given: flags.given("audit-log-maxage"),
        max_backups,
        max_backups_given: flags.given("audit-log-maxbackup"),
        max_size_megabytes: max_size,
        max_size_given: flags.given("audit-log-maxsize"),
        bounded,
        kept_megabytes: kept,
        events_per_day: context.events_per_day.clone(),
        buffer_size: flags.int("audit-log-batch-buffer-size"),
        throttle_events_per_second: throttle(flags, "audit-log"),
        truncates: flags.bool("audit-log-truncate-enabled"),
        truncate_max_event_bytes: flags.int("audit-log-truncate-max-event-size"),
    }
}

fn webhook_backend(flags: &Flags, enabled: Fact<bool>) -> WebhookBackend {
    WebhookBackend {
        enabled,
        mode: word(flags, "audit-webhook-mode", &MODES),
        buffer_size: flags.int("audit-webhook-batch-buffer-size"),
        throttle_events_per_second: throttle(flags, "audit-webhook"),
        max_wait_seconds: flags
            .seconds("audit-webhook-batch-max-wait")
            .map(|seconds| whole(seconds.ceil()).unwrap_or(i64::MAX)),
        truncates: flags.bool("audit-webhook-truncate-enabled"),
        truncate_max_event_bytes: flags.int("audit-webhook-truncate-max-event-size"),
    }
}

/// The formats of the log backend.
const FORMATS: [&str; 2] = ["json", "legacy"];

/// The modes of a backend.
const MODES: [&str; 3] = ["batch", "blocking", "blocking-strict"];

/// A flag that takes one of some words: only these are shown if the value comes from a variable.
fn word(flags: &Flags, name: &str, known: &[&str]) -> Fact<String> {
    flags.get(name).and_then(|setting| {
        if setting.hidden && !known.contains(&setting.text.as_str()) {
            Fact::unknown(format!("--{name} comes from an environment variable"))
        } else {
            constant(setting.text)
        }
    })
}

/// Events a second that a throttled batch backend can pass on; 0 if it is not throttled.
fn throttle(flags: &Flags, prefix: &str) -> Fact<i64> {
    flags.bool(&format!("{prefix}-batch-throttle-enable")).and_then(|enabled| {
        if !enabled {
            return constant(0);
        }
        let qps = flags.float(&format!("{prefix}-batch-throttle-qps"));
        let size = flags.int(&format!("{prefix}-batch-max-size"));
        qps.zip(size).map(|(qps, size)| {
            #[expect(clippy::cast_precision_loss, reason = "a batch size is far below 2^52")]
            let ceiling = qps * size as f64;
            // A throttle below one event a second must not look like none.
            whole(ceiling.floor()).unwrap_or(i64::MAX).max(1)
        })
    })
}

/// The size at which the file is rotated: before 1.36, lumberjack read 0 as its own 100 MB
/// (`gopkg.in/natefinch/lumberjack.v2`, `Logger.MaxSize`); since, 0 switches rotation off.
fn effective_max_size(flags: &Flags) -> Fact<i64> {
    flags.int("audit-log-maxsize").and_then(|size| {
        if size != 0 {
            return constant(size);
        }
        match flags.version {
            Some(version) if version >= Version::new(1, 36) => constant(0),
            Some(_) => constant(100),
            None => Fact::unknown(
                "--audit-log-maxsize=0 rotates at 100 MB before Kubernetes 1.36 and never since; the version is not known here",
            ),
        }
    })
}

/// What holds a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Host,
    Container,
    Mount { path: String, host_path: Option<String>, read_only: bool, durable: Durable },
}

/// Whether what a volume holds outlives the container.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Durable {
    Yes,
    No,
    /// Not known for this kind of volume.
    Unclear(String),
}

/// Directories that hold more than audit logs.
fn is_shared(path: &str) -> bool {
    const SHARED: [&str; 10] = [
        "",
        "/etc",
        "/etc/kubernetes",
        "/etc/kubernetes/manifests",
        "/etc/kubernetes/pki",
        "/etc/ssl",
        "/etc/ssl/certs",
        "/var",
        "/var/lib",
        "/var/log",
    ];
    SHARED.contains(&path.trim_end_matches('/'))
}

/// What holds the file that a flag names.
fn mounted(flags: &Flags, name: &str, paths: &Paths) -> Fact<Place> {
    flags.text(name).and_then(|path| match paths {
        Paths::Host => constant(Place::Host),
        Paths::Unknown(reason) => Fact::unknown(reason.clone()),
        Paths::Mounts(_) if !is_file(&path) => Fact::unknown(format!("--{name} names no file")),
        Paths::Mounts(mounts) => {
            match holding(mounts, &path) {
                None => constant(Place::Container),
                Some(mount) => {
                    let (backing, durable) = match &mount.medium {
                        Medium::HostPath(path) => (format!("hostPath {path}"), Durable::Yes),
                        Medium::PersistentVolumeClaim => ("a PersistentVolumeClaim".to_owned(), Durable::Yes),
                        Medium::EmptyDir => ("an emptyDir".to_owned(), Durable::No),
                        Medium::ConfigMap(volume) => (format!("the ConfigMap {}", volume.name), Durable::No),
                        Medium::Secret(name) => (format!("the Secret {name}"), Durable::No),
                        Medium::ApiObject => ("an API object".to_owned(), Durable::No),
                        Medium::Other(kind) if kind == Medium::NO_SUCH_VOLUME => (kind.clone(), Durable::No),
                        Medium::Other(kind) => (kind.clone(), Durable::Unclear(kind.clone())),
                    };
                    let host_path = match &mount.medium {
                        Medium::HostPath(path) => Some(path.clone()),
                        _ => None,
                    };
                    // What comes from an API object is mounted read-only whatever the mount says (kubernetes #58720).
                    let read_only = mount.read_only || mount.medium.is_api_object();
                    let access = if read_only { "read-only" } else { "writable" };
                    Fact::known(
                        Place::Mount { path: mount.path.clone(), host_path, read_only, durable },
                        Rank::Configured,
                        vec![Evidence {
                            at: mount.at.clone(),
                            detail: format!("{} is {backing}, {access}", mount.path),
                        }],
                    )
                }
            }
        }
    })
}

/// The mount that holds a file: the innermost.
pub(in crate::analyze) fn holding<'a>(mounts: &'a [Mount], file: &str) -> Option<&'a Mount> {
    mounts
        .iter()
        .filter(|mount| covers(&mount.path, file))
        .max_by_key(|mount| mount.path.trim_end_matches('/').len())
}

/// Whether a mount path holds a file.
fn covers(mount: &str, file: &str) -> bool {
    if !mount.starts_with('/') || !file.starts_with('/') {
        return false;
    }
    let (mount, file) = (clean(mount), clean(file));
    file.strip_prefix(mount.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// An absolute path without `.`, `..` and doubled slashes, as Go's `path.Clean` gives it.
pub(in crate::analyze) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Whether a log path names a file: not standard output under one of its names, and not nowhere.
fn is_file(path: &str) -> bool {
    !matches!(
        path,
        "" | "-"
            | "/dev/null"
            | "/dev/stdout"
            | "/dev/stderr"
            | "/proc/self/fd/1"
            | "/proc/self/fd/2"
            | "/dev/fd/1"
            | "/dev/fd/2"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_holds_what_lies_below_it() {
        for (mount, file, expected) in [
            ("/var/log", "/var/log/audit.log", true),
            ("/var/log/", "/var/log/audit.log", true),
            ("/var/log", "/var/logs/audit.log", false),
            ("/", "/x", true),
            ("/etc/audit.yaml", "/etc/audit.yaml", true),
            ("/var/log", "\"/var/log/q.log\"", false),
            ("/var/log", "/var/log/../../tmp/audit.log", false),
            ("/var/log/kubernetes", "/var/log//kubernetes/audit.log", true),
            ("", "/x", false),
            ("/var/log", "audit.log", false),
        ] {
            assert_eq!(covers(mount, file), expected, "{mount} {file}");
        }
    }
}
