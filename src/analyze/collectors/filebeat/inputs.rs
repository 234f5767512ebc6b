//! Inputs of Beats: files, journals, the kernel's audit, what others send, and what is found in the cluster.

use super::{Beat, data_folder, further, processors, settings};
use crate::analyze::collectors::config::{Config, MAX_FILES};
use crate::analyze::collectors::model::{
    Effect, Glob, Input, Listener, Marker, NamespaceRule, OptOut, Source, Step, Unread,
};
use crate::analyze::collectors::settings::Setting;
use crate::analyze::fact::Fact;

/// Where hints look for the logs of a container unless told (Filebeat docs: "hints based autodiscover").
const CONTAINERS: &str = "/var/log/containers";

/// Collects inputs and what is not seen.
pub(super) struct Reader<'a> {
    pub(super) config: &'a Config,
    pub(super) root: &'a Setting<'a>,
    pub(super) beat: Beat,
    pub(super) inputs: Vec<Input>,
    pub(super) unread: Vec<Unread>,
}

impl Reader<'_> {
    pub(super) fn read_all(&mut self) {
        let (root, beat) = (self.root, self.beat);
        if beat == Beat::Journalbeat {
            for (index, item) in root.find("journalbeat.inputs").items().iter().enumerate() {
                let input = self.journal(&format!("journalbeat.inputs[{index}]"), item, "paths", beat);
                self.inputs.push(input);
            }
        }
        if beat == Beat::Auditbeat {
            self.modules("auditbeat.modules", &root.find("auditbeat.modules"));
            self.files("auditbeat.config.modules", &root.find("auditbeat.config.modules"), true);
        }
        if let Some(why) = root.get("filebeat").why() {
            self.unread.push(Unread { at: root.get("filebeat").place(), why: why.to_owned() });
        }
        for key in ["filebeat.inputs", "filebeat.prospectors"] {
            self.list(key, &root.find(key));
        }
        self.modules("filebeat.modules", &root.find("filebeat.modules"));
        self.files("filebeat.config.inputs", &root.find("filebeat.config.inputs"), false);
        self.files("filebeat.config.modules", &root.find("filebeat.config.modules"), true);
        for (index, provider) in root.find("filebeat.autodiscover.providers").items().iter().enumerate() {
            self.provider(&format!("autodiscover[{index}]"), provider);
        }
    }

    fn list(&mut self, name: &str, list: &Setting<'_>) {
        if let Some(why) = list.why() {
            self.unread.push(Unread { at: list.place(), why: format!("{name} is not seen: {why}") });
        }
        for (index, item) in list.items().iter().enumerate() {
            let id = item.get("id").plain();
            let id = if id.is_empty() { format!("{name}[{index}]") } else { id };
            if self.is_enabled(item)
                && let Some(input) = self.input(&id, item)
            {
                self.inputs.push(input);
            }
        }
    }

    /// Whether it runs. What is switched by something that is not seen is told as unread.
    fn is_enabled(&mut self, item: &Setting<'_>) -> bool {
        match item.get("enabled").flag(true) {
            Fact::Known(known) => known.value,
            Fact::Unknown(unknown) => {
                self.unread.push(Unread { at: item.place(), why: unknown.reason });
                false
            }
        }
    }

    fn input(&self, id: &str, item: &Setting<'_>) -> Option<Input> {
        let kind = item.get("type").plain();
        Some(match kind.as_str() {
            "" | "log" | "filestream" | "container" | "docker" | "stdin" => self.files_input(id, item, &kind),
            "journald" => self.journal(id, item, "paths", Beat::Filebeat),
            "httpjson" | "cel" | "aws-cloudwatch" | "aws-s3" | "gcp-pubsub" | "azure-eventhub" | "winlog" => {
                draft(id, item, Source::Other(kind))
            }
            "syslog" | "tcp" | "udp" | "unix" | "http_endpoint" | "kafka" | "mqtt" | "netflow" => {
                let listeners = listeners(item, &kind);
                draft(id, item, Source::Network { protocol: kind, listeners })
            }
            "redis" | "cloudfoundry" | "benchmark" => return None,
            _ => draft(id, item, Source::Other(kind)),
        })
    }

    fn files_input(&self, id: &str, item: &Setting<'_>, kind: &str) -> Input {
        let mut input = draft(id, item, files(item, kind));
        input.position = Some(self.registry(item, Beat::Filebeat));
        input.steps = file_steps(item);
        input
    }

    /// Offsets are kept in the registry, for all inputs.
    fn registry(&self, item: &Setting<'_>, beat: Beat) -> Fact<Option<String>> {
        let own = self.root.find("filebeat.registry.path");
        let old = self.root.get("filebeat").get("registry_file");
        let name = match (own.text(), old.text()) {
            (Err(why), _) | (_, Err(why)) => return Fact::unknown(why),
            (Ok(Some(path)), _) | (Ok(None), Ok(Some(path))) if !path.contains("${") => path,
            _ => "registry".to_owned(),
        };
        if name.starts_with('/') {
            return item.fact(Some(name.clone()), format!("the registry is {name}"));
        }
        data_folder(self.root, beat).map(|folder| Some(format!("{}/{name}", folder.trim_end_matches('/'))))
    }

    fn journal(&self, id: &str, item: &Setting<'_>, paths: &str, beat: Beat) -> Input {
        let folder = item.get(paths).texts().into_iter().next();
        let mut only = Vec::new();
        for key in ["units", "syslog_identifiers", "identifiers", "transports", "facilities", "kernel"] {
            only.extend(item.get(key).texts());
        }
        for key in ["include_matches.match", "include_matches.and", "include_matches.or", "include_matches"] {
            let matches = item.find(key);
            if matches.is_set() {
                only.extend(if matches.is_list() {
                    matches.texts()
                } else {
                    vec![matches.fact(key.to_owned(), format!("{key} is set"))]
                });
                break;
            }
        }
        let mut input = draft(id, item, Source::Journal { folder, only });
        let since = item.get("seek").plain();
        input.position = Some(if matches!(since.as_str(), "head" | "tail") {
            item.get("seek").fact(None, format!("seek {since}: reading begins there after every restart"))
        } else {
            self.registry(item, beat)
        });
        input.steps = processors::steps(&item.get("processors"));
        input
    }

    /// Modules that read the kernel's audit, and modules of Filebeat, which bring their own paths.
    fn modules(&mut self, name: &str, list: &Setting<'_>) {
        for (index, module) in list.items().iter().enumerate() {
            let kind = module.get("module").plain();
            let id = format!("{name}[{index}]");
            if kind.is_empty() || !self.is_enabled(module) {
                continue;
            }
            if kind == "auditd" && name.starts_with("auditbeat") {
                let mut input = draft(&id, module, Source::KernelAudit);
                input.steps = processors::steps(&module.get("processors"));
                self.inputs.push(input);
                continue;
            }
            let source = Source::Other(format!("module {kind}"));
            let mut found = false;
            for (fileset, setting) in module.entries() {
                let paths = setting.find("var.paths");
                if paths.is_set() && setting.get("enabled").flag(true).value() != Some(&false) {
                    let source = Source::Files { include: paths.texts(), exclude: Vec::new() };
                    let mut input = draft(&format!("{id}.{fileset}"), &setting, source);
                    input.position = Some(self.registry(&setting, Beat::Filebeat));
                    self.inputs.push(input);
                    found = true;
                }
            }
            if !found {
                self.inputs.push(draft(&id, module, source));
            }
        }
    }

    /// `config.inputs` and `config.modules`: files of further inputs or modules.
    fn files(&mut self, name: &str, section: &Setting<'_>, modules: bool) {
        let path = section.get("path");
        if !section.is_set() || section.get("enabled").flag(true).value() == Some(&false) {
            return;
        }
        let pattern = match path.text() {
            Ok(Some(pattern)) => further(self.root, self.beat, &pattern),
            Ok(None) => return,
            Err(why) => {
                self.unread.push(Unread { at: path.place(), why: format!("{name} is not seen: {why}") });
                return;
            }
        };
        let (files, more) = self.config.glob(&pattern);
        if let Some(why) = more {
            self.unread.push(Unread { at: path.place(), why: format!("{pattern} is not seen: {why}") });
        }
        for file in files.into_iter().take(MAX_FILES) {
            match settings(&file.text, &file.at, &self.config.env) {
                Err(unreadable) => self.unread.push(Unread { at: unreadable.at, why: unreadable.why }),
                Ok(settings) => {
                    let kind = name.split('.').next().unwrap_or_default();
                    if modules {
                        self.modules(&format!("{kind}.modules"), &settings.root());
                    } else {
                        self.list(name, &settings.root());
                    }
                }
            }
        }
    }

    /// A provider of autodiscover: hints in annotations, and templates with conditions.
    fn provider(&mut self, id: &str, provider: &Setting<'_>) {
        if let Some(why) = provider.why() {
            self.unread.push(Unread { at: provider.place(), why: format!("{id} is not seen: {why}") });
        }
        if !matches!(provider.get("type").plain().as_str(), "kubernetes" | "docker") {
            let what = format!("autodiscover by {}", provider.get("type").plain());
            self.inputs.push(draft(id, provider, Source::Other(what)));
            return;
        }
        let hints = provider.get("hints");
        match hints.get("enabled").flag(false) {
            Fact::Unknown(unknown) => self.unread.push(Unread { at: hints.place(), why: unknown.reason }),
            Fact::Known(known) if known.value => self.hints(id, provider, &hints),
            Fact::Known(_) => {}
        }
        for (index, template) in provider.get("templates").items().iter().enumerate() {
            for (number, item) in template.get("config").items().iter().enumerate() {
                let id = format!("{id}.templates[{index}].config[{number}]");
                let module = item.get("module").plain();
                let found = if module.is_empty() {
                    self.input(&id, item)
                } else {
                    Some(draft(&id, item, Source::Other(format!("module {module}"))))
                };
                if let Some(mut input) = found {
                    let condition = template.get("condition");
                    if condition.is_set() {
                        let what = "started only for containers that a condition chooses".to_owned();
                        input
                            .steps
                            .insert(0, Step { at: condition.place(), what, effect: Effect::DropsSome });
                    }
                    self.inputs.push(input);
                }
            }
        }
    }

    fn hints(&mut self, id: &str, provider: &Setting<'_>, hints: &Setting<'_>) {
        let default = hints.get("default_config");
        let on = default.get("enabled").flag(true);
        let prefix = provider.get("prefix").plain();
        let prefix = if prefix.is_empty() { "co.elastic".to_owned() } else { prefix };
        let only = match &on {
            Fact::Known(known) if known.value => None,
            Fact::Known(_) => Some(format!("pods with hints: annotations {prefix}.logs/enabled=true")),
            Fact::Unknown(unknown) => {
                self.unread.push(Unread { at: default.place(), why: unknown.reason.clone() });
                Some("pods chosen by what is not seen".to_owned())
            }
        };
        let path = default.get("paths").items().first().map(Setting::plain).unwrap_or_default();
        let folder = match path.split("${").next().unwrap_or_default().rsplit_once('/') {
            Some((folder, _)) if !folder.is_empty() => folder.to_owned(),
            _ => CONTAINERS.to_owned(),
        };
        let source = Source::Containers {
            through_api: false,
            folder,
            exclude: Vec::new(),
            namespaces: NamespaceRule::default(),
            only,
        };
        let mut input = draft(id, provider, source);
        input.position = Some(self.registry(provider, Beat::Filebeat));
        input.steps = file_steps(&default);
        let honoured = hints.get("enabled").flag(false);
        for (key, value) in
            [(format!("{prefix}.logs/enabled"), "false"), (format!("{prefix}.logs/disable"), "true")]
        {
            input.opt_outs.push(OptOut {
                marker: Marker::Annotation,
                key,
                value: value.to_owned(),
                on_namespaces: true,
                honoured: honoured.clone(),
            });
        }
        self.inputs.push(input);
    }
}

fn draft(id: &str, item: &Setting<'_>, source: Source) -> Input {
    Input {
        id: id.to_owned(),
        at: item.place(),
        source,
        position: None,
        opt_outs: Vec::new(),
        steps: Vec::new(),
        routes: Fact::unknown("the ways from it are not followed"),
    }
}

/// Where an input of this kind listens.
pub(in super::super) fn listeners(item: &Setting<'_>, kind: &str) -> Vec<Listener> {
    let listener = |part: &Setting<'_>, key: &str| {
        let address = part.get(key);
        let port = match address.text() {
            Err(why) => Fact::unknown(why),
            Ok(Some(text)) => address.fact(text.clone(), format!("{key} {text}")),
            Ok(None) => Fact::unknown(format!("{key} is not set at {}", part.place())),
        };
        let ssl = part.get("ssl");
        let tls =
            if ssl.is_set() { ssl.get("enabled").flag(true) } else { part.fact(false, "ssl is not set") };
        Listener::new(port, tls)
    };
    match kind {
        "tcp" | "udp" | "netflow" => vec![listener(item, "host")],
        "http_endpoint" => vec![listener(item, "listen_port")],
        "syslog" => ["tcp", "udp"]
            .into_iter()
            .map(|key| item.find(&format!("protocol.{key}")))
            .filter(Setting::is_present)
            .map(|part| listener(&part, "host"))
            .collect(),
        // Others wait at a socket of their own, or ask elsewhere.
        _ => Vec::new(),
    }
}

/// The files of an input of this kind.
pub(in super::super) fn files(item: &Setting<'_>, kind: &str) -> Source {
    let (include, mut exclude) =
        if kind == "docker" { (docker(item), Vec::new()) } else { (globs(item, "paths"), Vec::new()) };
    for key in ["exclude_files", "prospector.scanner.exclude_files"] {
        let list = item.find(key);
        exclude.extend(list.texts().into_iter().map(|regex| of_regex(regex, &list)));
    }
    exclude.extend(links(item, kind));
    Source::Files { include, exclude }
}

/// The entries of `/var/log/containers` are links, which `filestream` and `log`, `logfile` of the Elastic Agent, do not follow unless told; `container` does
/// (Beats docs: `prospector.scanner.symlinks`, `symlinks`).
fn links(item: &Setting<'_>, kind: &str) -> Option<Glob> {
    let setting = match kind {
        "filestream" => item.find("prospector.scanner.symlinks"),
        "" | "log" | "logfile" => item.get("symlinks"),
        _ => return None,
    };
    match setting.flag(false) {
        Fact::Known(known) if known.value => None,
        Fact::Known(_) => Some(setting.fact(
            format!("{CONTAINERS}/*"),
            format!("{CONTAINERS} holds links, which are not followed unless symlinks is true"),
        )),
        Fact::Unknown(unknown) => Some(Fact::unknown(unknown.reason)),
    }
}

/// The paths of files. What is filled in for each container stands for any text.
fn globs(item: &Setting<'_>, key: &str) -> Vec<Glob> {
    item.get(key).texts().into_iter().map(|path| path.map(|path| filled(&path))).collect()
}

/// `${data.kubernetes.container.id}` and its like as `*`.
fn filled(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((_, behind)) = after.split_once('}') else { break };
        if !out.ends_with('*') {
            out.push('*');
        }
        rest = behind.strip_prefix('*').unwrap_or(behind);
    }
    out.push_str(rest);
    out
}

/// The input `docker` reads the files of containers by their IDs.
fn docker(item: &Setting<'_>) -> Vec<Glob> {
    let path = item.find("containers.path").plain();
    let folder = if path.is_empty() { "/var/lib/docker/containers".to_owned() } else { path };
    let ids = item.find("containers.ids");
    ids.texts().into_iter().map(|id| id.map(|id| format!("{folder}/{}/*-json.log", filled(&id)))).collect()
}

/// Regular expressions for files to leave out, as globs where that says the same.
fn of_regex(regex: Fact<String>, list: &Setting<'_>) -> Glob {
    regex.and_then(|regex| match simple(&regex) {
        Some(glob) => list.fact(glob, format!("{} {regex}", list.name())),
        None => Fact::unknown(format!("{} is a regular expression that is not read as a glob", list.name())),
    })
}

fn simple(regex: &str) -> Option<String> {
    let (start, body) = regex.strip_prefix('^').map_or(("**", regex), |rest| ("", rest));
    let (body, end) = body.strip_suffix('$').map_or((body, "**"), |rest| (rest, ""));
    let mut glob = start.to_owned();
    let body = body.replace("\\.", "\u{1}").replace(".*", "\u{2}");
    for c in body.chars() {
        match c {
            '\u{1}' => glob.push('.'),
            '\u{2}' => glob.push_str("**"),
            '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' => {
                return None;
            }
            c => glob.push(c),
        }
    }
    glob.push_str(end);
    Some(glob.replace("****", "**"))
}

/// What is lost in reading files.
fn file_steps(item: &Setting<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (key, verb) in [
        ("exclude_lines", "lines that match exclude_lines are dropped"),
        ("include_lines", "only lines that match include_lines are kept"),
        ("ignore_older", "files not written to for long are left out"),
        ("ignore_inactive", "files written before the start are left out"),
    ] {
        let setting = item.get(key);
        let off = matches!(setting.plain().as_str(), "0" | "0s" | "");
        if setting.is_set()
            && (setting.is_list() && !setting.items().is_empty() || !off || setting.why().is_some())
        {
            let effect = if key.starts_with("ignore") { Effect::Skips } else { Effect::DropsSome };
            steps.push(Step { at: setting.place(), what: verb.to_owned(), effect });
        }
    }
    steps.extend(processors::steps(&item.get("processors")));
    steps
}
