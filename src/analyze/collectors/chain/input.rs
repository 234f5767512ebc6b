//! Whether a collector sees logs where they lie, and takes them in.

use super::steps::in_rule;
use super::{Target, no, yes};
use crate::analyze::collectors::collector::Collector;
use crate::analyze::collectors::glob;
use crate::analyze::collectors::model::{Glob, Input, Source};
use crate::analyze::collectors::paths::{self, ContainerLog, in_container};
use crate::analyze::fact::Fact;
use crate::snapshot::{Medium, Mount};
use crate::verdict::{Evidence, Rank};

/// What operators mount of the node: some the same folders always, those of a `HostTailer` what its tailers name, others what
/// the resource asks for, which is not read.
fn by_operator(collector: &Collector<'_>, host: &str) -> Fact<bool> {
    const MOUNTING: [&str; 5] =
        ["ClusterLogForwarder", "Logging", "FluentbitAgent", "FluentBit", "DatadogAgent"];
    let kind = collector.resource.map_or("", |resource| resource.kind.as_str());
    if kind == "HostTailer" {
        return by_tailers(collector, host);
    }
    if collector.resource.is_none() || MOUNTING.contains(&kind) {
        return yes(&collector.at, "its operator mounts what it reads");
    }
    Fact::unknown(format!(
        "what {} mounts of the node is not seen: its workload is not read; add it with -f, or run against the cluster",
        collector.name
    ))
}

/// Whether one of the tailers reads a path of the node, and so has it mounted.
fn by_tailers(collector: &Collector<'_>, host: &str) -> Fact<bool> {
    let pipeline = match &collector.pipeline {
        Ok(pipeline) => pipeline,
        Err(unreadable) => return Fact::unknown(format!("{} ({})", unreadable.why, unreadable.at)),
    };
    let tails = |input: &Input| match &input.source {
        Source::Files { include, .. } => is_included(include, host, &input.at),
        Source::Journal { folder: Some(folder), .. } => {
            folder.clone().map(|folder| paths::is_or_below(host, folder.trim_end_matches('/')))
        }
        _ => no(&input.at, format!("it does not read {host}")),
    };
    let none = || no(&collector.at, format!("none of its tailers reads {host}"));
    pipeline.inputs.iter().map(tails).reduce(Fact::or).unwrap_or_else(none)
}

/// Whether a path of the node is mounted.
pub(super) fn mount_of(collector: &Collector<'_>, host: &str) -> Fact<bool> {
    let Some(container) = collector.container else {
        return by_operator(collector, host);
    };
    if let Some((_, mount)) = in_container(container, host).first() {
        yes(&mount.at, format!("{} of the node is mounted", folder_of(mount)))
    } else {
        let mounts: Vec<String> = container.mounts.iter().filter_map(host_path).collect();
        let shown = if mounts.is_empty() { "nothing".to_owned() } else { mounts.join(", ") };
        no(&collector.at, format!("{host} of the node is not mounted; of the node it mounts {shown}"))
    }
}

fn host_path(mount: &Mount) -> Option<String> {
    match &mount.medium {
        Medium::HostPath(path) => Some(path.clone()),
        _ => None,
    }
}

fn folder_of(mount: &Mount) -> String {
    host_path(mount).unwrap_or_default()
}

/// Whether an input sees the logs, and whether it takes them in.
pub(super) fn taken_in(
    collector: &Collector<'_>,
    input: &Input,
    target: &Target,
) -> (Fact<bool>, Fact<bool>) {
    match (&input.source, target) {
        (Source::Files { include, exclude }, Target::Containers { namespace, pod, container, .. }) => {
            let log = paths::container_log(namespace, pod, container);
            container_files(collector, input, (include, exclude), &log)
        }
        (Source::Files { include, exclude }, Target::File { path, .. }) => {
            files(collector, input, (include, exclude), &[path.as_str()])
        }
        (
            Source::Containers { through_api: true, namespaces, only, .. },
            Target::Containers { namespace, .. },
        ) => {
            let read = in_rule(namespaces, namespace, &input.at).and(not_limited(only.as_deref(), &input.at));
            (yes(&input.at, "it reads through the API"), read)
        }
        (
            Source::Containers { folder, exclude, namespaces, only, .. },
            Target::Containers { namespace, pod, container, .. },
        ) => {
            let log = paths::container_log(namespace, pod, container);
            let folder = if folder.is_empty() { paths::POD_LOGS } else { folder };
            let mounted = mount_of(collector, folder);
            let read = in_rule(namespaces, namespace, &input.at).and(not_excluded(
                exclude,
                &[&log.file, &log.link],
                &input.at,
            ));
            let read = read.and(not_limited(only.as_deref(), &input.at));
            (mounted, read)
        }
        (Source::Journal { folder, only }, Target::Journal) => {
            let mounted = match folder {
                Some(folder) => match folder {
                    Fact::Known(known) => journal_folder(collector, &known.value),
                    Fact::Unknown(unknown) => Fact::unknown(unknown.reason.clone()),
                },
                None => ["/var/log/journal", "/run/log/journal"]
                    .iter()
                    .map(|folder| mount_of(collector, folder))
                    .reduce(Fact::or)
                    .unwrap_or_else(|| no(&input.at, "no folder")),
            };
            let limits: Vec<&str> = only.iter().filter_map(|unit| unit.value().map(String::as_str)).collect();
            let detail = if only.is_empty() {
                "all of the journal".to_owned()
            } else {
                format!("limited to {}", limits.join(", "))
            };
            (mounted, yes(&input.at, detail))
        }
        (Source::Events { namespaces, .. }, Target::Events) if namespaces.only.is_some() => {
            let place =
                namespaces.only.iter().flatten().next().map_or(input.at.as_str(), |one| one.at.as_str());
            (yes(&input.at, "events come through the API"), no(place, "only those of some namespaces"))
        }
        (Source::Events { .. }, Target::Events) => {
            (yes(&input.at, "events come through the API"), yes(&input.at, "its input is events"))
        }
        _ => (no(&input.at, "not for them"), no(&input.at, "not for them")),
    }
}

/// Whether an input is for all pods. What it comes to is told by no single pod if it is not.
fn not_limited(only: Option<&str>, at: &str) -> Fact<bool> {
    match only {
        None => yes(at, "it reads all pods"),
        Some(only) => Fact::unknown(format!("only {only} are read, which need not be all pods ({at})")),
    }
}

/// Whether a folder of the container is a journal of the node.
fn journal_folder(collector: &Collector<'_>, folder: &str) -> Fact<bool> {
    let Some(container) = collector.container else {
        return by_operator(collector, folder);
    };
    let seen = ["/var/log/journal", "/run/log/journal"]
        .iter()
        .flat_map(|host| in_container(container, host))
        .find(|(path, _)| {
            path == folder.trim_end_matches('/') || paths::is_or_below(path, folder.trim_end_matches('/'))
        });
    match seen {
        Some((_, mount)) => yes(&mount.at, format!("{} of the node is mounted", folder_of(mount))),
        None => no(&collector.at, format!("{folder} in the container is not a journal of the node")),
    }
}

/// Container logs by files: the links of `/var/log/containers` lead to `/var/log/pods`, which must be mounted too.
fn container_files(
    collector: &Collector<'_>,
    input: &Input,
    globs: (&[Glob], &[Glob]),
    log: &ContainerLog,
) -> (Fact<bool>, Fact<bool>) {
    let way = |path: &str| {
        let (mounted, read) = files(collector, input, globs, &[path]);
        (mounted.clone(), mounted.and(read))
    };
    let (mounted, read) = way(&log.link);
    let leads = links_lead(collector, log);
    let link = (mounted.and(leads.clone()), leads.and(read));
    let file = way(&log.file);
    let (docker_mounted, docker_read) = way(&log.docker);
    // Nodes of these years run containerd or CRI-O; which it is, is not read.
    let if_docker = |fact: Fact<bool>| match fact.value() {
        Some(true) => Fact::unknown(format!(
            "logs lie in /var/lib/docker/containers only where the container runtime is Docker, which is not read ({})",
            input.at
        )),
        _ => fact,
    };
    // The way that comes further says what is wrong.
    (link.0.or(file.0).or(if_docker(docker_mounted)), link.1.or(file.1).or(if_docker(docker_read)))
}

/// Whether the links of `/var/log/containers` lead somewhere in the container. They are absolute, so what they lead to must be
/// mounted at the path it has on the node.
fn links_lead(collector: &Collector<'_>, log: &ContainerLog) -> Fact<bool> {
    let Some(container) = collector.container else { return by_operator(collector, &log.file) };
    let seen = in_container(container, &log.file);
    if let Some((_, mount)) = seen.iter().find(|(path, _)| *path == log.file) {
        yes(&mount.at, format!("{} of the node is mounted", folder_of(mount)))
    } else {
        let at = seen.first().map_or(collector.at.as_str(), |(_, mount)| mount.at.as_str());
        no(
            at,
            "the entries of /var/log/containers are links to /var/log/pods, which is not mounted at that path",
        )
    }
}

/// Whether files of the node are mounted, and read by an input's globs.
fn files(
    collector: &Collector<'_>,
    input: &Input,
    (include, exclude): (&[Glob], &[Glob]),
    hosts: &[&str],
) -> (Fact<bool>, Fact<bool>) {
    let mut mounted: Option<Fact<bool>> = None;
    let mut read: Option<Fact<bool>> = None;
    let or = |slot: Option<Fact<bool>>, fact: Fact<bool>| {
        Some(match slot {
            Some(known) => known.or(fact),
            None => fact,
        })
    };
    for host in hosts {
        mounted = or(mounted, mount_of(collector, host));
        let seen: Vec<String> = match collector.container {
            Some(container) => in_container(container, host).into_iter().map(|(path, _)| path).collect(),
            None => vec![(*host).to_owned()],
        };
        for path in &seen {
            read = or(
                read,
                is_included(include, path, &input.at).and(not_excluded(exclude, &[path], &input.at)),
            );
        }
    }
    let mounted = mounted.unwrap_or_else(|| no(&input.at, "nothing is looked for"));
    let read = read.unwrap_or_else(|| mounted.clone());
    (mounted, read)
}

fn is_included(include: &[Glob], path: &str, at: &str) -> Fact<bool> {
    let one = |glob: &Glob| glob.clone().map(|pattern| glob::matches(&pattern, path));
    let all = include.iter().map(one).reduce(Fact::or).unwrap_or_else(|| no(at, "it names no path"));
    match all {
        Fact::Known(mut known) if !known.value => {
            let shown: Vec<&str> = include.iter().filter_map(Fact::value).map(String::as_str).collect();
            let places = known.evidence.iter().map(|one| one.at.clone());
            known.evidence = vec![Evidence {
                // Where several globs stand, their input is the place.
                at: places
                    .reduce(|a, b| if a == b { a } else { at.to_owned() })
                    .unwrap_or_else(|| at.to_owned()),
                detail: format!("{path} is not matched by {}", shown.join(", ")),
            }];
            known.rank = Rank::Evaluated;
            Fact::Known(known)
        }
        Fact::Known(mut known) => {
            known.rank = Rank::Evaluated;
            Fact::Known(known)
        }
        unknown @ Fact::Unknown(_) => unknown,
    }
}

fn not_excluded(exclude: &[Glob], paths: &[&str], at: &str) -> Fact<bool> {
    for glob in exclude {
        match glob {
            Fact::Known(known) => {
                if paths.iter().any(|path| glob::matches(&known.value, path)) {
                    let place = known.evidence.first().map_or(at, |evidence| evidence.at.as_str());
                    return no(place, format!("{} is left out", known.value));
                }
            }
            Fact::Unknown(unknown) => return Fact::unknown(unknown.reason.clone()),
        }
    }
    yes(at, "not left out")
}
