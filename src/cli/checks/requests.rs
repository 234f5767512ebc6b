//! Entries of the catalogue of requests, explained: classes, bodies, noise.

use std::fmt::Write as _;

use crate::analyze::policy::PolicyRule;
use crate::analyze::policy::catalogue::{
    Body, BodyPart, CATALOGUE, Noise, RequestClass, RequestPattern, Who,
};

/// The ids of all entries.
pub(super) fn ids<'a>() -> impl Iterator<Item = &'a str> {
    titles().map(|(id, _)| id)
}

/// The ids and titles of all entries.
pub(crate) fn titles<'a>() -> impl Iterator<Item = (&'a str, &'a str)> {
    let classes = CATALOGUE.classes.iter().map(|class| (class.id.as_str(), class.title.as_str()));
    let bodies = CATALOGUE.bodies.iter().map(|body| (body.id.as_str(), body.title.as_str()));
    let noise = CATALOGUE.noise.iter().map(|noise| (noise.id.as_str(), noise.title.as_str()));
    classes.chain(bodies).chain(noise)
}

/// Everything about an entry, whatever the case of its id; none if there is none.
pub(super) fn show(id: &str) -> Option<String> {
    let is = |known: &str| known.eq_ignore_ascii_case(id.trim());
    let class = CATALOGUE.classes.iter().find(|class| is(&class.id)).map(class);
    let body = || CATALOGUE.bodies.iter().find(|body| is(&body.id)).map(body_of);
    let noise = || CATALOGUE.noise.iter().find(|noise| is(&noise.id)).map(noise_of);
    class.or_else(body).or_else(noise)
}

fn section(out: &mut String, heading: &str, lines: impl IntoIterator<Item = String>) {
    let _ = write!(out, "\n{heading}\n");
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
}

fn class(class: &RequestClass) -> String {
    let mut out = format!("{}  {}\nclass of requests, severity {}\n", class.id, class.title, class.severity);
    section(&mut out, "Why it matters", [class.why.clone()]);
    section(
        &mut out,
        "Needed",
        [format!("{} to detect it", class.detect), format!("{} to investigate it", class.investigate)],
    );
    section(&mut out, "Requests", class.requests.iter().map(requests));
    let who: Vec<&str> = class.who.iter().map(|who| senders(*who)).collect();
    let mut by = vec![who.join(", ")];
    if !class.except.is_empty() {
        let except: Vec<&str> =
            class.except.users.iter().chain(&class.except.groups).map(String::as_str).collect();
        by.push(format!("except {}", except.join(", ")));
    }
    section(&mut out, "Sent by", by);
    if !class.attack.is_empty() {
        section(&mut out, "ATT&CK, Microsoft's threat matrix (MS-)", [class.attack.join(", ")]);
    }
    let _ = write!(
        out,
        "\n`kubectl logaudit policy coverage -f POLICY --class {} -o wide` shows what a policy records of it\n",
        class.id
    );
    out
}

fn body_of(body: &Body) -> String {
    let mut out = format!("{}  {}\nbody, severity {} if it is logged\n", body.id, body.title, body.severity);
    section(&mut out, "What is in it", [body.why.clone()]);
    let parts: Vec<&str> = body
        .sensitive
        .iter()
        .map(|part| match part {
            BodyPart::Request => "in what is sent (levels Request and RequestResponse)",
            BodyPart::Response => "in what is answered (level RequestResponse)",
        })
        .collect();
    section(&mut out, "Where", parts.into_iter().map(str::to_owned));
    let objects = body.objects.iter().map(|objects| resources(&objects.group, &objects.resources).join(", "));
    section(&mut out, "Objects", objects);
    if !body.except.is_empty() {
        let except = body
            .except
            .iter()
            .map(|named| format!("{} in {}", named.names.join(", "), named.namespaces.join(", ")));
        section(&mut out, "Except", except);
    }
    out
}

fn noise_of(noise: &Noise) -> String {
    let mut out = format!("{}  {}\nnoise, volume {}\n", noise.id, noise.title, noise.volume.as_str());
    let tolerated = if noise.tolerated {
        "no gap: where a class has such requests in it, they are left aside"
    } else {
        "a gap in the classes that have such requests in them"
    };
    section(&mut out, "Dropping exactly this is", [tolerated.to_owned()]);
    section(&mut out, "Beware", [noise.caution.clone()]);
    section(&mut out, "A rule that drops it", rule(&noise.rule));
    out
}

fn rule(rule: &PolicyRule) -> Vec<String> {
    let text = serde_yaml::to_string(rule).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// `pods/exec`, `deployments.apps/scale`.
fn resources(group: &str, list: &[String]) -> Vec<String> {
    let full = |resource: &String| match (group, resource.as_str()) {
        ("", "*") => "everything in the core group".to_owned(),
        ("", _) => resource.clone(),
        ("*", "*") => "everything in every group".to_owned(),
        (_, "*") => format!("everything in {group}"),
        _ => match resource.split_once('/') {
            Some((resource, subresource)) => format!("{resource}.{group}/{subresource}"),
            None => format!("{resource}.{group}"),
        },
    };
    list.iter().map(full).collect()
}

/// Requests in words: `get, list secrets in kube-system`.
fn requests(pattern: &RequestPattern) -> String {
    let mut objects = resources(&pattern.group, &pattern.resources);
    objects.extend(pattern.urls.iter().cloned());
    let mut text = format!("{} {}", pattern.verbs.join(", "), objects.join(", "));
    let names: Vec<&str> =
        pattern.names.iter().map(|name| if name.is_empty() { "(no name)" } else { name.as_str() }).collect();
    for (before, list) in [("named", names), ("in", pattern.namespaces.iter().map(String::as_str).collect())]
    {
        if !list.is_empty() {
            let _ = write!(text, " {before} {}", list.join(", "));
        }
    }
    if let Some(level) = pattern.investigate {
        let _ = write!(text, " (to investigate: {level})");
    }
    text
}

/// Kinds of senders in words.
fn senders(who: Who) -> &'static str {
    match who {
        Who::Person => "people who are logged in",
        Who::Unprivileged => "people without any group of the system's",
        Who::ServiceAccount => "service accounts",
        Who::WorkloadAccount => "service accounts outside of kube-* namespaces",
        Who::PlatformAccount => "service accounts in kube-system",
        Who::Node => "nodes",
        Who::Anonymous => "anonymous requests",
        Who::FailedAuthentication => "requests with refused credentials (401)",
    }
}

/// The whole catalogue as the page `docs/requests.md`.
pub fn page() -> String {
    let mut out = String::from(
        "# Requests that security depends on\n\n\
         Generated from `checks/requests.yaml`. `kubectl logaudit checks show RC-01` prints the same of one entry.\n\n\
         A *class* is a set of requests that belong together for whoever looks for an attack. At the level *to detect* it can be\n\
         told that it happened and who did it, at the level *to investigate* also what it did. Levels are those of Kubernetes:\n\
         None, Metadata, Request, RequestResponse. A policy that misses a class at the level to detect, be it for one sender only, has a\n\
         finding of the class's severity; [audit policies](policy.md) has the commands. After *sent by* stands who counts; requests of\n\
         others, and tolerated noise, are left aside. Techniques are those of MITRE ATT&CK (`T…`) and of Microsoft's threat matrix for\n\
         Kubernetes (`MS-…`).\n\n\
         ## Classes\n\n| id | severity | requests | to detect | to investigate |\n| --- | --- | --- | --- | --- |\n",
    );
    for class in &CATALOGUE.classes {
        let _ = writeln!(
            out,
            "| [{}](#{}) | {} | {} | {} | {} |",
            class.id,
            class.id.to_lowercase(),
            class.severity,
            class.title,
            class.detect,
            class.investigate
        );
    }
    page_of_classes(&mut out);
    page_of_bodies(&mut out);
    page_of_noise(&mut out);
    out
}

fn page_of_classes(out: &mut String) {
    for class in &CATALOGUE.classes {
        let _ = write!(out, "\n### {}\n\n**{}** ({})", class.id, class.title, class.severity);
        let _ = write!(out, "\n\n{}\n\n", class.why);
        for pattern in &class.requests {
            let _ = writeln!(out, "- {}", code(&requests(pattern)));
        }
        let who: Vec<&str> = class.who.iter().map(|who| senders(*who)).collect();
        let _ = write!(
            out,
            "\n{} to detect, {} to investigate. Sent by {}",
            class.detect,
            class.investigate,
            who.join(", ")
        );
        if !class.except.is_empty() {
            let except: Vec<String> =
                class.except.users.iter().chain(&class.except.groups).map(|name| code(name)).collect();
            let _ = write!(out, "; except {}", except.join(", "));
        }
        out.push('.');
        if !class.attack.is_empty() {
            let _ = write!(out, " Techniques: {}.", class.attack.join(", "));
        }
        out.push('\n');
    }
}

fn page_of_bodies(out: &mut String) {
    out.push_str(
        "\n## Bodies\n\nObjects that hold credentials or personal data. Severity *high* is for credentials: a level that writes the sensitive part \
         to\nthe log leaks them. The others may be logged knowingly.\n\n\
         | id | severity | objects | sensitive | why | except |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for body in &CATALOGUE.bodies {
        let objects: Vec<String> = body
            .objects
            .iter()
            .flat_map(|objects| resources(&objects.group, &objects.resources))
            .map(|name| code(&name))
            .collect();
        let parts: Vec<&str> = body
            .sensitive
            .iter()
            .map(|part| match part {
                BodyPart::Request => "request",
                BodyPart::Response => "answer",
            })
            .collect();
        let except: Vec<String> = body
            .except
            .iter()
            .map(|named| format!("{} in {}", named.names.join(", "), named.namespaces.join(", ")))
            .collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            body.id,
            body.severity,
            objects.join(", "),
            parts.join(", "),
            body.why,
            except.join("; ")
        );
    }
}

fn page_of_noise(out: &mut String) {
    out.push_str(
        "\n## Noise\n\nRequests that come often and say little, as rules that drop them. Where one is *tolerated*, dropping exactly this is \
         no gap:\nits requests are left aside in every class. A rule that drops more than this is a gap all the same.\n",
    );
    for noise in &CATALOGUE.noise {
        let tolerated = if noise.tolerated { "tolerated" } else { "not tolerated" };
        let _ = write!(
            out,
            "\n### {}\n\n**{}** ({tolerated}, volume {}). {}\n\n```yaml\n{}\n```\n",
            noise.id,
            noise.title,
            noise.volume.as_str(),
            noise.caution,
            rule(&noise.rule).join("\n")
        );
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_explained() {
        for (id, title) in titles() {
            let text = show(&format!(" {} ", id.to_lowercase())).unwrap();
            assert!(text.starts_with(&format!("{id}  {title}\n")), "{text}");
            assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
        }
        assert_eq!(show("RC-00"), None);
    }
}
