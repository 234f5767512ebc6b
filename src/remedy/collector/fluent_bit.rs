//! Fluent Bit's classic language: sections in brackets, one property on a line.

use super::Wants;
use super::fresh;

/// Where it keeps what must survive a restart.
pub const STATE: &str = "/var/lib/fluent-bit";

/// Outputs that send nothing anywhere.
const NOWHERE: [&str; 3] = ["null", "stdout", "counter"];

/// A section with its lines.
#[derive(Debug, Clone)]
struct Section {
    /// In lower case, without brackets; empty before the first section.
    kind: String,
    lines: Vec<String>,
}

impl Section {
    fn get(&self, key: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| {
            let (name, value) = property(line)?;
            name.eq_ignore_ascii_case(key).then_some(value)
        })
    }

    fn is(&self, kind: &str, name: &str) -> bool {
        self.kind == kind && self.get("name").is_some_and(|plugin| plugin.eq_ignore_ascii_case(name))
    }

    /// Sets a property in the place of one of the same name, or after the last line that says something.
    fn set(&mut self, key: &str, value: &str) {
        let at = |line: &String| property(line).is_some_and(|(name, _)| name.eq_ignore_ascii_case(key));
        let indent: String =
            self.lines.iter().skip(1).find(|line| property(line).is_some()).map_or_else(
                || "    ".into(),
                |line| line.chars().take_while(|c| c.is_whitespace()).collect(),
            );
        let new = format!("{indent}{key} {value}");
        if let Some(line) = self.lines.iter_mut().find(|line| at(line)) {
            *line = new;
            return;
        }
        let end = self.lines.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
        self.lines.insert(end, new);
    }

    fn remove(&mut self, key: &str) {
        self.lines.retain(|line| property(line).is_none_or(|(name, _)| !name.eq_ignore_ascii_case(key)));
    }
}

fn property(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with(['#', '[', '@']) {
        return None;
    }
    let (name, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    Some((name, value.trim()))
}

/// The text with what is wanted; none if it is no configuration in this language, or nothing changes.
pub fn edit(text: &str, wants: &Wants) -> Option<String> {
    let mut sections = sections(text);
    let sends = |section: &Section| {
        section.kind == "output"
            && section.get("name").is_some_and(|name| !NOWHERE.contains(&name.to_ascii_lowercase().as_str()))
    };
    let has_inputs = sections.iter().any(|section| section.kind == "input");
    let has_outputs = sections.iter().any(sends);
    if !has_inputs && !has_outputs {
        return None;
    }
    if has_inputs {
        add_inputs(&mut sections, wants);
    }
    let mut number = 0;
    for section in &mut sections {
        match section.kind.as_str() {
            "service" => service(section, wants),
            "input" => {
                input(section, wants, number);
                number += 1;
            }
            _ => {}
        }
    }
    if has_inputs
        && (wants.buffer || wants.metrics)
        && !sections.iter().any(|section| section.kind == "service")
    {
        let mut section = Section { kind: "service".into(), lines: vec!["[SERVICE]".into()] };
        service(&mut section, wants);
        section.lines.push(String::new());
        sections.insert(0, section);
    }
    let mut is_first = true;
    for section in sections.iter_mut().filter(|section| sends(section)) {
        if wants.retry && !section.get("retry_limit").is_some_and(is_forever) {
            section.set("Retry_Limit", "no_limits");
        }
        // One output takes everything; more would ship copies.
        if wants.routed && is_first && section.get("match_regex").is_none() {
            section.set("Match", "*");
        }
        is_first = false;
    }
    if wants.masks && has_inputs {
        // The audit log stays as it is: only what applications write is masked.
        let of_containers = sections.iter().find(|section| {
            section.is("input", "tail")
                && section
                    .get("path")
                    .is_some_and(|path| path.contains("containers") || path.contains("/pods/"))
        });
        let tag = of_containers.and_then(|section| section.get("tag")).unwrap_or("*").to_owned();
        let mut lines = vec!["[FILTER]".to_owned(), "    Name modify".to_owned(), format!("    Match {tag}")];
        lines.extend(["password", "token", "authorization"].map(|field| format!("    Remove {field}")));
        sections.push(Section { kind: "filter".into(), lines });
    }
    if let Some(receiver) = wants.destination.as_ref().filter(|_| has_outputs && !wants.audit.is_empty()) {
        let lines: Vec<String> = fresh::output(receiver)
            .lines()
            .map(|line| {
                if line.trim_start().starts_with("Match ") {
                    "    Match audit.*".to_owned()
                } else {
                    line.to_owned()
                }
            })
            .collect();
        sections.push(Section { kind: "output".into(), lines });
    }
    for section in &mut sections {
        if section.lines.last().is_some_and(|line| !line.is_empty()) && !section.kind.is_empty() {
            section.lines.push(String::new());
        }
    }
    let lines: Vec<String> = sections.into_iter().flat_map(|section| section.lines).collect();
    let edited = lines.join("\n").trim_end().to_owned() + "\n";
    (edited.trim_end() != text.trim_end()).then_some(edited)
}

fn is_forever(word: &str) -> bool {
    ["no_limits", "false", "off"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

fn sections(text: &str) -> Vec<Section> {
    let mut sections = vec![Section { kind: String::new(), lines: Vec::new() }];
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with('[') && trimmed.ends_with(']') {
            let kind = trimmed.trim_matches(['[', ']']).trim().to_ascii_lowercase();
            sections.push(Section { kind, lines: Vec::new() });
        }
        if let Some(section) = sections.last_mut() {
            section.lines.push(line.to_owned());
        }
    }
    sections.retain(|section| !section.lines.is_empty());
    sections
}

fn service(section: &mut Section, wants: &Wants) {
    if wants.buffer && section.get("storage.path").is_none() {
        section.set("storage.path", &format!("{STATE}/storage"));
    }
    if wants.metrics {
        section.set("HTTP_Server", "On");
    }
}

fn input(section: &mut Section, wants: &Wants, number: usize) {
    let reads = ["tail", "systemd"].iter().any(|name| section.is("input", name));
    if wants.buffer {
        section.set("storage.type", "filesystem");
        // Memory is no limit to what lies on the disk, and would make the input pause.
        section.remove("Mem_Buf_Limit");
    }
    if wants.position && reads && section.get("db").is_none() {
        section.set("DB", &format!("{STATE}/input-{number}.db"));
    }
    if wants.journal && section.is("input", "systemd") {
        section.remove("Systemd_Filter");
    }
}

fn add_inputs(sections: &mut Vec<Section>, wants: &Wants) {
    let mut added = Vec::new();
    let storage = if wants.buffer { "\n    storage.type filesystem" } else { "" };
    if !wants.audit.is_empty() {
        let paths = wants.audit.join(",");
        sections.retain(|section| {
            !(section.is("input", "tail")
                && section.get("path").is_some_and(|path| {
                    path.split(',').all(|path| wants.audit.iter().any(|audit| audit == path.trim()))
                }))
        });
        added.push(format!(
            "[INPUT]\n    Name tail\n    Alias audit\n    Tag audit.log\n    Path {paths}\n    Parser json\n    DB {STATE}/audit.db\n    Buffer_Chunk_Size 1M\n    Buffer_Max_Size 8M\n    Skip_Long_Lines On\n    Read_from_Head On{storage}\n"
        ));
    }
    if wants.journal && !sections.iter().any(|section| section.is("input", "systemd")) {
        added.push(format!(
            "[INPUT]\n    Name systemd\n    Alias journal\n    Tag host.*\n    DB {STATE}/journal.db\n    Read_From_Tail Off{storage}\n"
        ));
    }
    let after =
        sections.iter().rposition(|section| section.kind == "input").map_or(sections.len(), |last| last + 1);
    for text in added.into_iter().rev() {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.push(String::new());
        sections.insert(after, Section { kind: "input".into(), lines });
    }
}
