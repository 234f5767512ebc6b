//! Texts that are given as the configurations of workloads, in the place of what lies in Secrets and images.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

use crate::analyze::collectors::config::MAX_BYTES;
use crate::analyze::collectors::products::product_of;
use crate::snapshot::redact::redact;
use crate::snapshot::workload::{ConfigText, Workload};
use crate::snapshot::{ConfigMapKey, GapReason, Note, Reading, Snapshot};
use crate::source::manifests::files::STDIN;

/// The value of one `--config-for`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigFor {
    namespace: String,
    workload: String,
    file: String,
}

impl ConfigFor {
    /// Whether it comes from standard input.
    pub(super) fn is_stdin(&self) -> bool {
        self.file == "-"
    }

    fn full_name(&self) -> String {
        if self.namespace.is_empty() {
            self.workload.clone()
        } else {
            format!("{}/{}", self.namespace, self.workload)
        }
    }

    fn is_of(&self, text: &ConfigText) -> bool {
        text.given && text.config_map.namespace == self.namespace && text.config_map.name == self.workload
    }
}

/// `NAMESPACE/WORKLOAD=FILE`; manifests may leave the namespace out, and then it is left out here too.
pub(super) fn parse(text: &str) -> Result<ConfigFor, String> {
    const FORM: &str = "write NAMESPACE/WORKLOAD=FILE, such as logging/fluent-bit=fluent-bit.conf";
    let (workload, file) = text.split_once('=').ok_or_else(|| format!("it has no `=`; {FORM}"))?;
    let (namespace, name) = workload.split_once('/').unwrap_or(("", workload));
    let is_name = |name: &str| {
        name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.')
    };
    if name.is_empty() || !is_name(name) || !is_name(namespace) || workload.starts_with('/') {
        return Err(format!("`{workload}` is not the name of a workload; {FORM}"));
    }
    if file.is_empty() {
        return Err(format!("it names no file; {FORM}"));
    }
    Ok(ConfigFor { namespace: namespace.into(), workload: name.into(), file: file.into() })
}

/// Reads the texts.
pub(super) fn read(given: &[ConfigFor]) -> anyhow::Result<Vec<ConfigText>> {
    let mut texts: Vec<ConfigText> = Vec::new();
    for one in given {
        let name = one.full_name();
        if texts.iter().any(|text| one.is_of(text)) {
            bail!(
                "--config-for gives {name} twice; a workload has one configuration: join the files into one"
            );
        }
        let file = if one.is_stdin() { STDIN } else { one.file.as_str() };
        let text =
            read_file(one).with_context(|| format!("cannot read the configuration {file} of {name}"))?;
        texts.push(ConfigText {
            config_map: ConfigMapKey {
                namespace: one.namespace.clone(),
                name: one.workload.clone(),
                key: String::new(),
            },
            given: true,
            at: file.to_owned(),
            text,
        });
    }
    Ok(texts)
}

fn read_file(given: &ConfigFor) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    // One byte more than is read: enough to tell that it is too large.
    let limit = MAX_BYTES as u64 + 1;
    if given.is_stdin() {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    } else {
        let path = Path::new(&given.file);
        if std::fs::metadata(path)?.is_dir() {
            bail!("it is a folder; give the file in it");
        }
        std::fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    }
    if bytes.len() > MAX_BYTES {
        bail!(
            "it is larger than {} MiB, which no configuration is; is this the right file?",
            MAX_BYTES >> 20
        );
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow::anyhow!("it is not UTF-8 from byte {at} on; is it compressed, or not the text itself?")
    })?;
    if text.trim().is_empty() {
        bail!("it is empty; give the text that the workload reads, and check the command that writes it");
    }
    if is_secret(&text) {
        bail!(
            "it is a whole Secret, whose values are not kept here; give the text of one key: kubectl get secret NAME -o jsonpath='{{.data.KEY}}' | base64 -d"
        );
    }
    Ok(text)
}

/// Whether a text is an object that holds a Secret, in YAML or JSON.
fn is_secret(text: &str) -> bool {
    text.lines().any(|line| {
        let bare: String = line.chars().filter(|c| !c.is_whitespace() && *c != '"' && *c != '\'').collect();
        let bare = bare.trim_start_matches(['{', '-']).trim_end_matches([',', '}']);
        bare == "kind:Secret"
            || bare.starts_with("apiVersion:v1,kind:Secret")
            || bare.contains(",kind:Secret,")
    })
}

/// Puts the texts into a snapshot, in the place of those that were given for the same workloads when it was saved.
pub(super) fn put(texts: Vec<ConfigText>, snapshot: &mut Snapshot) -> anyhow::Result<()> {
    for text in texts {
        let of_same = |other: &ConfigText| {
            other.given
                && other.config_map.namespace == text.config_map.namespace
                && other.config_map.name == text.config_map.name
        };
        snapshot.configs.retain(|other| !of_same(other));
        if let Some(what) = unused(&text, snapshot)? {
            snapshot.notes.push(Note { at: text.at.clone(), text: what });
        }
        if text.at != STDIN {
            snapshot.files.push(text.at.clone());
        }
        snapshot.configs.push(text);
    }
    redact(snapshot);
    Ok(())
}

/// How many workloads are proposed.
const MAX_PROPOSED: usize = 5;

/// Why nothing may read a text, where not all workloads are known.
///
/// # Errors
/// It is certain that nothing reads it.
fn unused(text: &ConfigText, snapshot: &Snapshot) -> anyhow::Result<Option<String>> {
    let ConfigMapKey { namespace, name, .. } = &text.config_map;
    let wanted = if namespace.is_empty() { name.clone() } else { format!("{namespace}/{name}") };
    let reads = |workload: &&Workload| {
        let mut products = workload.containers.iter().filter_map(|container| product_of(&container.image));
        products.any(|product| product.dialect.is_some())
    };
    let named: Vec<&Workload> = snapshot.workloads.all().filter(|workload| workload.name == *name).collect();
    let exact: Vec<&Workload> =
        named.iter().copied().filter(|workload| workload.namespace == *namespace).collect();
    if exact.iter().any(reads) {
        return Ok(None);
    }
    if let Some(workload) = exact.first() {
        bail!(
            "--config-for {wanted} would not be used: {} has no container whose configuration is read",
            workload.title()
        );
    }
    if let Some(other) = named.first() {
        bail!(
            "--config-for {wanted} names no workload, but there is {}; write {}=FILE",
            other.title(),
            other.full_name()
        );
    }
    // Files show what they show; of a cluster it must be known that there is no such workload.
    let mut gaps = snapshot.workloads.kinds().into_iter().filter_map(Reading::gap);
    if let Some(gap) = gaps.find(|gap| gap.reason != GapReason::NotAsked) {
        return Ok(Some(format!(
            "given with --config-for {wanted} and not used: no workload of this name was read; {gap}"
        )));
    }
    let proposed: Vec<String> =
        snapshot.workloads.all().filter(reads).map(Workload::full_name).take(MAX_PROPOSED).collect();
    match proposed.as_slice() {
        [] => bail!("--config-for {wanted} names no workload, and none is there whose configuration is read"),
        some => bail!(
            "--config-for {wanted} names no workload; those that it can be given for: {}",
            some.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_names_a_workload_and_a_file() {
        let parsed = parse("logging/fluent-bit=a=b.conf").unwrap();
        assert_eq!((parsed.full_name().as_str(), parsed.file.as_str()), ("logging/fluent-bit", "a=b.conf"));
        assert_eq!(parse("fluent-bit=x").unwrap().namespace, "");
        for (text, expected) in [
            ("logging/fluent-bit", "has no `=`"),
            ("=x", "not the name of a workload"),
            ("/a=x", "not the name of a workload"),
            ("DaemonSet/a/b=x", "not the name of a workload"),
            ("logging/a=", "names no file"),
        ] {
            assert!(parse(text).unwrap_err().contains(expected), "{text}");
        }
    }

    #[test]
    fn an_empty_file_is_no_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fluent-bit.conf");
        std::fs::write(&path, " \n").unwrap();
        let given = parse(&format!("logging/fluent-bit={}", path.display())).unwrap();
        assert!(format!("{:#}", read(&[given]).unwrap_err()).contains("it is empty; "));
    }

    #[test]
    fn a_whole_secret_is_told_from_a_configuration() {
        for text in [
            "apiVersion: v1\nkind: Secret\ndata: {a: aHVudGVy}\n",
            "{\n  \"kind\": \"Secret\",\n  \"data\": {}}",
            "{\"apiVersion\":\"v1\",\"data\":{},\"kind\":\"Secret\",\"x\":1}",
            "items:\n- kind: Secret\n",
        ] {
            assert!(is_secret(text), "{text}");
        }
        assert!(!is_secret("[INPUT]\n  Name tail\n# kind: Secrets\nexclude: Secret\n"));
    }
}
