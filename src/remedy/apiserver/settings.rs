//! Which flags and mounts mend what fails.

use std::collections::BTreeMap;

use crate::analyze::apiserver::ApiServer;
use crate::analyze::collectors::paths::is_or_below;
use crate::analyze::fact::Fact;
use crate::audit::{Outcome, audit};
use crate::remedy::change::{Change, HostPath};
use crate::remedy::quote::is_plain;
use crate::remedy::situation::{Situation, agreed};
use crate::snapshot::{Medium, Mount};
use crate::verdict::Status;

/// Where a distribution keeps things.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// The audit policy.
    pub policy: &'static str,
    /// The audit log.
    pub log: &'static str,
    /// Whether the apiserver runs in a container whose mounts are declared beside its flags.
    pub mounts: bool,
}

/// Flags and mounts for every apiserver: they are to be the same on all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Flags without dashes.
    pub flags: BTreeMap<String, String>,
    /// Files and folders of the host that the container needs and does not have.
    pub paths: Vec<HostPath>,
    /// The audit policy.
    pub policy: String,
    /// The audit log.
    pub log: String,
}

/// A volume of the host in what declares an apiserver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// The path on the host.
    pub host: String,
    /// The path in the container.
    pub path: String,
    /// Whether it is only read.
    pub read_only: bool,
    /// Whether it is a folder.
    pub is_folder: bool,
}

impl HostPath {
    /// The file of the audit policy.
    fn policy(path: &str) -> Self {
        Self { name: "audit-policy".into(), path: path.to_owned(), read_only: true, is_folder: false }
    }

    /// The folder of the audit log.
    fn log(path: &str) -> Self {
        Self { name: "audit-log".into(), path: folder(path).to_owned(), read_only: false, is_folder: true }
    }
}

/// What kubeadm mounts by itself; a volume of another name at the same path keeps the pod from starting.
const KUBEADM_OWN: [&str; 2] = ["/etc/kubernetes/pki", "/etc/ssl/certs"];

/// Flags that are set where one of these checks fails. Those of the log's rotation are always among the settings.
const FLAGS: [(&str, &str, &[&str]); 9] = [
    ("audit-log-mode", "blocking", &["LA-API-006", "LA-API-013"]),
    ("audit-log-format", "json", &["LA-API-015"]),
    ("audit-log-truncate-max-event-size", "102400", &["LA-API-016"]),
    ("audit-webhook-truncate-max-event-size", "102400", &["LA-API-017"]),
    ("audit-webhook-batch-throttle-enable", "false", &["LA-API-018"]),
    ("audit-webhook-batch-buffer-size", "10000", &["LA-API-019"]),
    ("enable-logs-handler", "false", &["LA-API-021"]),
    ("v", "2", &["LA-API-022"]),
    ("event-ttl", "1h0m0s", &["LA-RET-006"]),
];

/// Checks that bear on policy, backend and rotation.
const BASE: [&str; 15] = [
    "LA-API-002",
    "LA-API-003",
    "LA-API-011",
    "LA-API-012",
    "LA-API-014",
    "LA-API-025",
    "LA-API-026",
    "LA-API-027",
    "LA-API-028",
    "LA-API-029",
    "LA-RET-001",
    "LA-RET-002",
    "LA-RET-003",
    "LA-RET-004",
    "LA-RET-005",
];

/// Days for which audit files are kept on the node, as the checks ask for.
const DAYS: i64 = 30;

/// Megabytes of an audit file.
const MEGABYTES: i64 = 100;

/// Rotated files where no rate is known.
const FILES: i64 = 10;

/// Bytes of an event, as LA-RET-005 has it.
const BYTES_PER_EVENT: i64 = 1200;

/// The most files that are proposed: 100 GB.
const MOST_FILES: i64 = 1000;

impl Settings {
    /// Whether something fails that flags can mend.
    pub fn is_asked_for(situation: &Situation<'_>) -> bool {
        situation.fails_any(&BASE) || FLAGS.iter().any(|(_, _, checks)| situation.fails_any(checks))
    }

    /// What mends the failures of a situation.
    pub fn of(situation: &Situation<'_>, habits: Habits) -> Self {
        let mut settings = Self::with_flags(situation, habits, &[]);
        // A log that is written can be served, or be in a form that nobody reads: what comes to light asks for more flags.
        for _ in 0..2 {
            let mut snapshot = situation.snapshot.clone();
            for change in settings.changes() {
                change.apply(&mut snapshot);
            }
            let Ok(Outcome { report, .. }) = audit(situation.plan, &snapshot) else { break };
            let fails = |check: &str| {
                report.findings.iter().any(|one| one.check == check && one.status == Status::Fail)
            };
            let more: Vec<&str> = FLAGS
                .iter()
                .filter(|(flag, _, checks)| {
                    settings.flags.contains_key(*flag) || checks.iter().any(|check| fails(check))
                })
                .map(|(flag, ..)| *flag)
                .collect();
            let next = Self::with_flags(situation, habits, &more);
            if next == settings {
                break;
            }
            settings = next;
        }
        settings
    }

    /// What they change.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes = vec![Change::Flags(self.flags.clone())];
        changes.extend(self.paths.iter().cloned().map(Change::HostPath));
        changes
    }

    /// What mends the failures of a situation, with more flags of [`FLAGS`].
    fn with_flags(situation: &Situation<'_>, habits: Habits, more: &[&str]) -> Self {
        let servers: Vec<&ApiServer> = situation.facts.api_servers.value().into_iter().flatten().collect();
        let text = |of: fn(&ApiServer) -> &Fact<String>| {
            agreed(
                servers
                    .iter()
                    .map(|server| of(server).clone())
                    .filter(|fact| fact.value().is_none_or(|path| !path.is_empty())),
            )
            .filter(|path| path.starts_with('/') && is_plain(path))
        };
        let own_policy = text(|server| &server.audit.policy_file);
        let policy = own_policy.clone().unwrap_or_else(|| habits.policy.to_owned());
        let is_lost = situation.fails_any(&["LA-API-011", "LA-API-012", "LA-API-029"]);
        let own_log = text(|server| &server.audit.log.path).filter(|_| !is_lost);
        let log = own_log.clone().unwrap_or_else(|| habits.log.to_owned());
        let (max_age, backups, size) = rotation(situation, &servers);
        let mut flags: BTreeMap<String, String> = [
            ("audit-policy-file", policy.clone()),
            ("audit-log-path", log.clone()),
            ("audit-log-maxage", max_age.to_string()),
            ("audit-log-maxbackup", backups.to_string()),
            ("audit-log-maxsize", size.to_string()),
        ]
        .into_iter()
        .map(|(flag, value)| (flag.to_owned(), value))
        .collect();
        let drifts = situation.facts.control_plane.drift.value().into_iter().flatten();
        let differs: Vec<&str> = drifts.map(|drift| drift.flag.as_str()).collect();
        for (flag, value, checks) in FLAGS {
            if situation.fails_any(checks) || differs.contains(&flag) || more.contains(&flag) {
                flags.insert(flag.to_owned(), value.to_owned());
            }
        }
        let mut paths = Vec::new();
        if habits.mounts {
            let in_place = |of: fn(&ApiServer) -> &Fact<bool>| {
                !servers.is_empty() && servers.iter().all(|server| of(server).value() == Some(&true))
            };
            if own_policy.is_none()
                || !in_place(|server| &server.audit.policy_mounted)
                || situation.fails("LA-API-028")
            {
                paths.push(HostPath::policy(&policy));
            }
            if own_log.is_none() || !in_place(|server| &server.audit.log.durable) {
                paths.push(HostPath::log(&log));
            }
        }
        Self { flags, paths, policy, log }
    }

    /// The volumes of policy and log, all of them: what makes a pod from a declaration mounts nothing else. One that is there
    /// already stays as it is declared, or else as a pod has it, where it serves.
    pub fn volumes(&self, situation: &Situation<'_>) -> Vec<Volume> {
        let declared = situation.declared().flat_map(|one| one.mounts.iter().flatten());
        let pods = situation.snapshot.pods.value().into_iter().flatten();
        let of_pods = pods.flat_map(|pod| &pod.containers).flat_map(|container| &container.mounts);
        let mounts: Vec<&Mount> = declared.chain(of_pods).collect();
        let mut volumes: Vec<Volume> = Vec::new();
        for path in [HostPath::policy(&self.policy), HostPath::log(&self.log)] {
            let wanted = self.paths.contains(&path);
            // Of mounts below each other the innermost is what the apiserver sees, and of the same one the first that is told.
            let holding = mounts.iter().rev().filter(|mount| is_or_below(&path.path, &mount.path));
            let holding = holding.max_by_key(|mount| mount.path.len());
            let volume = match holding.map(|mount| (&mount.medium, *mount)) {
                Some((Medium::HostPath(host), mount))
                    if !wanted || mount.read_only == path.read_only || mount.path == path.path =>
                {
                    if KUBEADM_OWN.contains(&mount.path.as_str()) {
                        continue;
                    }
                    Volume {
                        name: path.name,
                        host: host.clone(),
                        read_only: if wanted { path.read_only } else { mount.read_only },
                        is_folder: path.is_folder || mount.path != path.path,
                        path: mount.path.clone(),
                    }
                }
                _ => Volume {
                    name: path.name,
                    host: path.path.clone(),
                    path: path.path,
                    read_only: path.read_only,
                    is_folder: path.is_folder,
                },
            };
            match volumes.iter_mut().find(|other| other.path == volume.path) {
                // One folder for both must be writable for the log.
                Some(other) => other.read_only &= volume.read_only,
                None => volumes.push(volume),
            }
        }
        volumes
    }

    /// What they do, in words.
    pub fn words(&self) -> String {
        let flag = |name: &str| self.flags.get(name).map_or("", String::as_str);
        let mut text = format!(
            "Every apiserver loads the audit policy {} and writes {}, of which it keeps {} days and {} files of {} MB.",
            self.policy,
            self.log,
            flag("audit-log-maxage"),
            flag("audit-log-maxbackup"),
            flag("audit-log-maxsize")
        );
        let base = [
            "audit-policy-file",
            "audit-log-path",
            "audit-log-maxage",
            "audit-log-maxbackup",
            "audit-log-maxsize",
        ];
        let more: Vec<String> = self
            .flags
            .iter()
            .filter(|(name, _)| !base.contains(&name.as_str()))
            .map(|(name, value)| format!("`--{name}={value}`"))
            .collect();
        if !more.is_empty() {
            text.push_str(&format!(" It also gets {}.", more.join(", ")));
        }
        text
    }

    /// What the files take on the disk.
    pub fn space(&self) -> String {
        let number =
            |name: &str| self.flags.get(name).and_then(|value| value.parse::<i64>().ok()).unwrap_or_default();
        let (files, size) = (number("audit-log-maxbackup"), number("audit-log-maxsize"));
        if files == 0 || size == 0 {
            return "Rotated files are not limited by number: see to the space of their folder.".into();
        }
        let megabytes = files.saturating_add(1).saturating_mul(size);
        format!(
            "The audit files take up to {megabytes} MB on each node of the control plane. An event takes about 1.2 kB; `LA-RET-005` tells after a day whether they span {DAYS} days."
        )
    }
}

/// Days, files and megabytes: what is set and good enough stays.
fn rotation(situation: &Situation<'_>, servers: &[&ApiServer]) -> (i64, i64, i64) {
    let set = |value: fn(&ApiServer) -> &Fact<i64>, given: fn(&ApiServer) -> &Fact<bool>, least: i64| {
        let is_given = servers.iter().all(|server| given(server).value() == Some(&true));
        agreed(servers.iter().map(|server| value(server).clone())).filter(|value| is_given && *value >= least)
    };
    let age = set(|one| &one.audit.log.max_age_days, |one| &one.audit.log.max_age_given, DAYS);
    let size = set(|one| &one.audit.log.max_size_megabytes, |one| &one.audit.log.max_size_given, MEGABYTES);
    let size = size.unwrap_or(MEGABYTES);
    let rates = situation.facts.counters.value().into_iter().flatten();
    let rate = rates.filter_map(|sample| sample.events_per_day.value().copied()).max().unwrap_or_default();
    let bytes = rate.saturating_mul(BYTES_PER_EVENT).saturating_mul(DAYS);
    let needed = (bytes / size.max(1).saturating_mul(1 << 20)).saturating_add(1).clamp(FILES, MOST_FILES);
    let files = set(|one| &one.audit.log.max_backups, |one| &one.audit.log.max_backups_given, needed);
    (age.unwrap_or(DAYS), files.unwrap_or(needed), size)
}

/// The folder of a path.
pub fn folder(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((folder, _)) => folder,
    }
}
