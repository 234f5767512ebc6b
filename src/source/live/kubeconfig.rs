//! Kubeconfig files as kubectl finds, reads and merges them.
//!
//! The types are kube's. Its loader is not used, because kubectl is more lenient in ways that people rely on: files of
//! `KUBECONFIG` that are not there are skipped, empty strings count as not set, and a proxy exception is about the server.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use kube::config::{AuthInfo, Cluster, Kubeconfig};
use regex::Regex;
use secrecy::{ExposeSecret, SecretString};

use super::error::LiveError;
use super::proxy::Environment;
use super::wording::one_line;

/// The largest kubeconfig that is read.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What the kubeconfig files say together.
#[derive(Debug)]
pub(super) struct Loaded {
    /// All files merged; none if there is no file.
    pub config: Option<Kubeconfig>,
    /// The paths that were looked at, there or not.
    pub looked: Vec<PathBuf>,
}

/// Reads the file that was asked for, or those of `KUBECONFIG`, or `~/.kube/config`.
pub(super) fn load(explicit: Option<&Path>, environment: Environment<'_>) -> Result<Loaded, LiveError> {
    if let Some(path) = explicit {
        return Ok(Loaded { config: Some(read(path)?), looked: vec![path.to_owned()] });
    }
    let listed: Vec<PathBuf> = environment("KUBECONFIG")
        .map(|list| std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    let looked = if listed.is_empty() { default_path(environment).into_iter().collect() } else { listed };
    let mut config: Option<Kubeconfig> = None;
    for path in &looked {
        let next = match read(path) {
            Ok(next) => next,
            Err(LiveError::KubeconfigUnreadable { .. }) if !path.exists() => continue,
            Err(error) => return Err(error),
        };
        config = Some(match config.take() {
            None => next,
            Some(first) => merge(first, next, path)?,
        });
    }
    Ok(Loaded { config, looked })
}

fn default_path(environment: Environment<'_>) -> Option<PathBuf> {
    ["HOME", "USERPROFILE"]
        .into_iter()
        .find_map(|name| environment(name).filter(|value| !value.is_empty()))
        .map(|home| Path::new(&home).join(".kube").join("config"))
}

fn merge(first: Kubeconfig, next: Kubeconfig, path: &Path) -> Result<Kubeconfig, LiveError> {
    first.merge(next).map_err(|error| invalid(path, one_line(&error.to_string())))
}

fn invalid(path: &Path, what: impl Into<String>) -> LiveError {
    LiveError::KubeconfigInvalid { path: path.to_owned(), what: what.into() }
}

fn read(path: &Path) -> Result<Kubeconfig, LiveError> {
    let unreadable = |what: String| LiveError::KubeconfigUnreadable { path: path.to_owned(), what };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(one_line(&error.to_string())))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(unreadable(format!("it is larger than {} MiB", MAX_BYTES / (1024 * 1024))));
    }
    parse(&bytes, path)
}

/// Reads the text of a kubeconfig. Relative paths in it are relative to its folder.
pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Kubeconfig, LiveError> {
    let text = decode(bytes).ok_or_else(|| invalid(path, "it is not text"))?;
    // The snippet that an error may carry would show what stands around it, such as tokens.
    let options = serde_yaml::options! { with_snippet: false };
    let documents: Vec<Kubeconfig> = serde_yaml::from_multiple_with_options(&text, options)
        .map_err(|error| invalid(path, yaml(&error)))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut whole: Option<Kubeconfig> = None;
    for mut document in documents {
        tidy(&mut document, folder);
        whole = Some(match whole.take() {
            None => document,
            Some(first) => merge(first, document, path)?,
        });
    }
    Ok(whole.unwrap_or_default())
}

/// UTF-8, or UTF-16 with a mark, which PowerShell writes.
fn decode(bytes: &[u8]) -> Option<String> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, odd) = rest.as_chunks::<2>();
        odd.is_empty()
            .then(|| String::from_utf16(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>()).ok())?
    };
    if let Some(rest) = bytes.strip_prefix(&[0xff, 0xfe]) {
        wide(rest, u16::from_le_bytes)
    } else if let Some(rest) = bytes.strip_prefix(&[0xfe, 0xff]) {
        wide(rest, u16::from_be_bytes)
    } else {
        let rest = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
        String::from_utf8(rest.to_vec()).ok()
    }
}

/// What a YAML error says, without the value it is about.
fn yaml(error: &serde_yaml::Error) -> String {
    static VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r#"(string|integer|floating point|character|boolean|scalar|value) ("(?:[^"\\]|\\.)*"|`[^`]*`)"#,
        )
        .ok()
    });
    let text = error.without_snippet().to_string();
    let text = match VALUE.as_ref() {
        Some(pattern) => pattern.replace_all(&text, "$1").into_owned(),
        None => String::new(),
    };
    let what = one_line(text.lines().next().unwrap_or_default());
    match error.location() {
        Some(place) if !what.contains("line ") => {
            format!("line {}, column {}: {what}", place.line(), place.column())
        }
        _ => what,
    }
}

/// Empty strings count as not set, and relative paths are made absolute.
fn tidy(config: &mut Kubeconfig, folder: &Path) {
    drop_empty(&mut config.current_context);
    // Only kubectl's own kind ever stands there, and kube refuses to merge files that differ in it.
    config.kind = None;
    config.api_version = None;
    for cluster in config.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        let Cluster {
            server,
            certificate_authority,
            certificate_authority_data,
            proxy_url,
            tls_server_name,
            ..
        } = cluster;
        for text in [server, certificate_authority_data, proxy_url, tls_server_name] {
            drop_empty(text);
        }
        drop_empty(certificate_authority);
        absolute(certificate_authority, folder);
    }
    for user in config.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
        tidy_user(user, folder);
    }
}

fn tidy_user(user: &mut AuthInfo, folder: &Path) {
    for text in [
        &mut user.username,
        &mut user.client_certificate_data,
        &mut user.impersonate,
        &mut user.impersonate_uid,
    ] {
        drop_empty(text);
    }
    for path in [&mut user.token_file, &mut user.client_certificate, &mut user.client_key] {
        drop_empty(path);
        absolute(path, folder);
    }
    for secret in [&mut user.token, &mut user.client_key_data] {
        if secret.as_ref().is_some_and(|secret: &SecretString| secret.expose_secret().is_empty()) {
            *secret = None;
        }
    }
    // A command with a separator is a path; one without is looked up in PATH.
    if let Some(command) = user.exec.as_mut().map(|exec| &mut exec.command)
        && command.as_ref().is_some_and(|command| command.contains(std::path::is_separator))
    {
        absolute(command, folder);
    }
}

fn drop_empty(text: &mut Option<String>) {
    if text.as_ref().is_some_and(String::is_empty) {
        *text = None;
    }
}

fn absolute(path: &mut Option<String>, folder: &Path) {
    if let Some(text) = path
        && Path::new(text.as_str()).is_relative()
        && let Some(joined) = folder.join(text.as_str()).to_str()
    {
        *text = joined.to_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::ffi::OsString;

    const FILE: &str = "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters:\n- name: c\n  cluster:\n    server: \
        https://h\n    certificate-authority: pki/ca.crt\n    certificate-authority-data: ''\nusers:\n- name: u\n  user:\n    \
        token: ''\n    client-key: /abs/key\n    exec: {command: ./login, apiVersion: v1}\ncontexts:\n- name: a\n  context: \
        {cluster: c, user: u}\n";

    fn parsed(text: &[u8]) -> Result<Kubeconfig, String> {
        parse(text, Path::new("/home/x/.kube/config")).map_err(|error| error.to_string())
    }

    #[test]
    fn empty_strings_count_as_unset_and_paths_are_relative_to_the_file() {
        let config = parsed(FILE.as_bytes()).unwrap();
        let cluster = config.clusters[0].cluster.as_ref().unwrap();
        assert_eq!(cluster.certificate_authority.as_deref(), Some("/home/x/.kube/pki/ca.crt"));
        assert_eq!(cluster.certificate_authority_data, None);
        let user = config.auth_infos[0].auth_info.as_ref().unwrap();
        assert!(user.token.is_none());
        assert_eq!(user.client_key.as_deref(), Some("/abs/key"));
        assert_eq!(user.exec.as_ref().unwrap().command.as_deref(), Some("/home/x/.kube/./login"));
    }

    #[test]
    fn other_encodings_are_read() {
        let wide: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(FILE.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(parsed(&wide).unwrap().contexts.len(), 1);
        assert!(parsed(&wide[..wide.len() - 1]).unwrap_err().contains("not text"));
        let marked = [&[0xef, 0xbb, 0xbf], FILE.as_bytes()].concat();
        assert_eq!(parsed(&marked).unwrap().contexts.len(), 1);
        assert!(parsed(b"").unwrap().contexts.is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_without_values() {
        for text in [
            "users:\n- name: u\n  user: hunter2\n",
            "users:\n- name: u\n  user:\n    token: [hunter2]\n",
            "users:\n- name: u\n  user:\n    exec: \"hunter2\"\n",
            "users: hunter2\n",
            "hunter2",
            "users:\n- name: u\n  user: {token: \"hunter2\n",
            "users:\n- name: u\n  user:\n    token: hunter2\n   password: hunter2\n",
            "users:\n- name: u\n  user:\n    impersonate: x\n    as-groups: hunter2\n",
            "users:\n- name: u\n  user:\n    exec: {provideClusterInfo: hunter2}\n",
        ] {
            let error = parsed(text.as_bytes()).unwrap_err();
            assert!(error.contains("/home/x/.kube/config") && error.contains("line "), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_list_of_files_is_merged_and_missing_ones_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let first = write("1", "current-context: ''\ncontexts: [{name: x, context: {cluster: x}}]\n");
        let second = write("2", FILE);
        let list =
            std::env::join_paths([first.as_path(), Path::new("/does/not/exist"), second.as_path()]).unwrap();
        let environment = |name: &str| (name == "KUBECONFIG").then(|| list.clone());
        let loaded = load(None, &environment).unwrap();
        let config = loaded.config.unwrap();
        assert_eq!(config.current_context.as_deref(), Some("a"));
        assert_eq!(config.contexts.len(), 2);
        assert_eq!(loaded.looked.len(), 3);

        let nothing =
            load(None, &|name| (name == "HOME").then(|| OsString::from("/does/not/exist"))).unwrap();
        assert!(nothing.config.is_none());
        assert_eq!(nothing.looked, [Path::new("/does/not/exist/.kube/config")]);
        assert!(matches!(
            load(Some(Path::new("/does/not/exist")), &|_| None),
            Err(LiveError::KubeconfigUnreadable { .. })
        ));
        assert!(matches!(load(Some(folder.path()), &|_| None), Err(LiveError::KubeconfigUnreadable { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parsed(&bytes);
        }

        #[test]
        fn arbitrary_yaml_never_panics(
            lines in proptest::collection::vec((0_usize..6, "(- )?[a-z-]{1,12}: ?(\\[|\\{|'|\"|&a|\\*a|\\||~|[a-z0-9]{0,6}){0,2}"), 0..12)
        ) {
            let text: String = lines.iter().fold(String::new(), |all, (depth, line)| {
                all + &" ".repeat(*depth * 2) + line + "\n"
            });
            let _ = parsed(text.as_bytes());
        }

        #[test]
        fn a_kubeconfig_with_anything_in_its_fields_never_panics(
            field in prop::sample::select(vec!["clusters", "users", "contexts", "current-context", "preferences", "extensions"]),
            value in "(\\[|\\{)?(name: a)?,? ?(cluster|user|context|exec)?: ?[\\[\\]\\{\\}a-z0-9'\", ]{0,20}",
        ) {
            let _ = parsed(format!("{field}: {value}\n").as_bytes());
        }
    }
}
