//! The manifest for Krew, and the program as Krew installs it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use serde_json::{Value, json};

use super::packing::{BASE_URL, HOMEPAGE};
use super::{platforms, program, read, root, run, stdout, version, yaml};
use crate::support::tool::Tool;

/// What Krew's own validation and the review for its index would say of a manifest.
fn faults(file_name: &str, manifest: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut demand = |holds: bool, fault: &str| {
        if !holds {
            faults.push(fault.to_owned());
        }
    };
    let matches = |pattern: &str, value: &Value| {
        value.as_str().is_some_and(|text| Regex::new(pattern).unwrap().is_match(text))
    };
    let name = &manifest["metadata"]["name"];
    let spec = &manifest["spec"];
    demand(manifest["apiVersion"] == "krew.googlecontainertools.github.com/v1alpha2", "apiVersion");
    demand(manifest["kind"] == "Plugin", "kind");
    demand(matches(r"^[\w-]+$", name), "name");
    demand(!matches(r"(?i)^(con|prn|aux|nul|com[1-9]|lpt[1-9])$", name), "name of a device");
    demand(file_name == format!("{}.yaml", name.as_str().unwrap_or_default()), "file name");
    demand(
        matches(r"^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$", &spec["version"]),
        "version",
    );
    demand(matches(r"^https://\S+$", &spec["homepage"]), "homepage");
    demand(matches(r"^[^\r\n]{1,50}$", &spec["shortDescription"]), "shortDescription");
    let description = spec["description"].as_str().unwrap_or_default();
    demand(
        !description.is_empty() && description.lines().all(|line| line.chars().count() <= 80),
        "description",
    );
    let platforms = spec["platforms"].as_array().cloned().unwrap_or_default();
    demand(!platforms.is_empty(), "platforms");
    let mut selected = BTreeSet::new();
    for platform in &platforms {
        let labels = platform["selector"]["matchLabels"].as_object().cloned().unwrap_or_default();
        demand(!labels.is_empty() && labels.keys().all(|key| key == "os" || key == "arch"), "selector");
        let words: Vec<&str> = labels.values().filter_map(Value::as_str).collect();
        demand(selected.insert(words.join("-")), "overlapping selectors");
        demand(matches(r"^https://\S+\.(tar\.gz|zip)$", &platform["uri"]), "uri");
        demand(matches(r"^[a-f0-9]{64}$", &platform["sha256"]), "sha256");
        demand(matches(r"^[^/.][^/]*$", &platform["bin"]), "bin");
        demand(
            labels.get("os") != Some(&json!("windows")) || matches(r"\.exe$", &platform["bin"]),
            "bin on Windows",
        );
        let files =
            platform.get("files").map(|files| files.as_array().is_some_and(|files| !files.is_empty()));
        demand(files != Some(false), "files");
    }
    faults
}

/// Fails the test unless Krew accepts the manifest and what it says of the archives is so.
pub(super) fn describes(manifest: &Value, dist: &Path, sums: &str) {
    assert_eq!(faults("logaudit.yaml", manifest), Vec::<String>::new());
    let sums: BTreeMap<&str, &str> =
        sums.lines().filter_map(|line| line.split_once("  ")).map(|(sum, file)| (file, sum)).collect();
    let spec = &manifest["spec"];
    assert_eq!((&spec["version"], &spec["homepage"]), (&json!(version()), &json!(HOMEPAGE)));
    let mut described = Vec::new();
    for platform in spec["platforms"].as_array().unwrap() {
        let labels = &platform["selector"]["matchLabels"];
        described.push(format!("{}-{}", labels["os"].as_str().unwrap(), labels["arch"].as_str().unwrap()));
        let (folder, archive) = platform["uri"].as_str().unwrap().rsplit_once('/').unwrap();
        assert_eq!(folder, BASE_URL);
        assert!(archive.contains(described.last().unwrap().as_str()), "{platform}");
        assert_eq!(platform["sha256"], sums[archive]);
        let archive = dist.join(archive);
        let listing = if archive.extension().is_some_and(|end| end == "zip") {
            stdout(Command::new("zipinfo").arg("-1").arg(&archive))
        } else {
            stdout(Command::new("tar").arg("-tzf").arg(&archive))
        };
        let bin = platform["bin"].as_str().unwrap();
        assert!(listing.lines().any(|entry| entry == bin) && listing.lines().any(|entry| entry == "LICENSE"));
    }
    let all: Vec<String> = platforms().into_iter().map(|(platform, _)| platform).collect();
    assert_eq!(described, all);
    assert_eq!(as_the_bot_renders(manifest), *manifest);
}

/// The bot's template, rendered with what the manifest says of the archives.
fn as_the_bot_renders(manifest: &Value) -> Value {
    // The release workflow writes in where the archives lie.
    let workflow = yaml(&read(".github/workflows/release.yml"));
    let steps = workflow["jobs"]["krew"]["steps"].as_array().unwrap();
    let script = steps.iter().find_map(|step| step["run"].as_str()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".krew.yaml");
    fs::write(&file, read(".krew.yaml")).unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-ec", script]).current_dir(folder.path());
    stdout(bash.env("HOMEPAGE", HOMEPAGE).env("BASE_URL", BASE_URL));
    let template = fs::read_to_string(file).unwrap().replace("{{ .TagName }}", &version());

    let call = Regex::new(r#"\{\{addURIAndSha "([^"]+)" \.TagName \}\}"#).unwrap();
    let platforms = manifest["spec"]["platforms"].as_array().unwrap();
    let rendered = call.replace_all(&template, |found: &regex::Captures<'_>| {
        let platform = platforms.iter().find(|platform| platform["uri"] == found[1]);
        let sum = platform.unwrap_or_else(|| panic!("no {} in the manifest", &found[1]))["sha256"]
            .as_str()
            .unwrap();
        format!("uri: {}\n    sha256: {sum}", &found[1])
    });
    yaml(&rendered)
}

/// Unpacks an archive as Krew does, into the store, with one link to it on the PATH; then kubectl runs and completes it.
pub(super) fn installs(manifest: &Value, archive: &Path) {
    let krew = tempfile::tempdir().unwrap();
    let store = krew.path().join("store/logaudit").join(manifest["spec"]["version"].as_str().unwrap());
    let bin = krew.path().join("bin");
    fs::create_dir_all(&store).unwrap();
    fs::create_dir_all(&bin).unwrap();
    stdout(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&store));
    symlink(store.join("kubectl-logaudit"), bin.join("kubectl-logaudit")).unwrap();
    works_from(&bin);
}

/// The program answers from this folder of the PATH, by itself and through kubectl.
fn works_from(bin: &Path) {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    let tool = || Tool::new().env("PATH", &path).cwd(root());
    let says = format!("kubectl-logaudit {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(tool().arg("version").run_program(&bin.join("kubectl-logaudit")).expect_code(0).stdout, says);

    let Some(kubectl) = program("kubectl") else {
        eprintln!("skipped: there is no kubectl on the PATH to start the plugin");
        return;
    };
    assert_eq!(tool().args(["logaudit", "version"]).run_program(&kubectl).expect_code(0).stdout, says);
    for (example, code) in [("kubeadm-hardened", 0), ("ships-nothing", 1), ("absent", 2)] {
        let file = format!("examples/{example}.json");
        tool().args(["logaudit", "run", "--snapshot", &file]).run_program(&kubectl).expect_code(code);
    }

    let told = tool().args(["version", "--client", "-o", "json"]).run_program(&kubectl);
    let told = told.json()["clientVersion"]["gitVersion"].as_str().unwrap_or_default().to_owned();
    let minor =
        Regex::new(r"^v1\.(\d+)").unwrap().captures(&told).map(|found| found[1].parse::<u32>().unwrap());
    if minor.is_none_or(|minor| minor < 26) {
        eprintln!("skipped: kubectl {told} does not complete plugins; 1.26 does");
        return;
    }
    // Krew makes no second link. The one that the program tells users to make goes through Krew's own.
    symlink(bin.join("kubectl-logaudit"), bin.join("kubectl_complete-logaudit")).unwrap();
    let offered = tool().args(["__complete", "logaudit", "run", "--snap"]).run_program(&kubectl);
    assert!(offered.expect_code(0).stdout.starts_with("--snapshot"), "{offered:#?}");
}

/// The same with Krew itself, where it is.
pub(super) fn itself_installs(dist: &Path, archive: &str) {
    let Some(krew) = program("kubectl-krew") else {
        eprintln!("skipped: there is no kubectl-krew on the PATH; its layout was made by hand");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut install = Command::new(krew);
    install
        .arg("install")
        .arg("--manifest")
        .arg(dist.join("logaudit.yaml"))
        .arg("--archive")
        .arg(dist.join(archive));
    install.env("KREW_ROOT", folder.path()).env("KREW_NO_UPGRADE_CHECK", "1");
    let output = run(&mut install);
    assert!(output.status.success(), "{output:#?}");
    works_from(&folder.path().join("bin"));
}

/// No checksum stands in the repository: before there is an archive, each would be made up.
#[test]
fn the_committed_manifest_is_refused_by_krew() {
    let text = read("krew/logaudit.yaml");
    let faults: BTreeSet<String> = faults("logaudit.yaml", &yaml(&text)).into_iter().collect();
    let wanted = ["homepage", "sha256", "uri", "version"].map(str::to_owned);
    assert_eq!(faults, BTreeSet::from(wanted));
    assert!(!Regex::new("[a-f0-9]{64}").unwrap().is_match(&(text + &read(".krew.yaml"))));
}

#[test]
fn each_rule_of_krew_can_be_broken() {
    let platform = |os: &str, bin: &str| {
        json!({"selector": {"matchLabels": {"os": os, "arch": "amd64"}}, "bin": bin,
               "uri": format!("https://example.org/{os}.tar.gz"), "sha256": "0a".repeat(32)})
    };
    let good = json!({
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2", "kind": "Plugin", "metadata": {"name": "p"},
        "spec": {"version": "v1.0.0", "homepage": "https://example.org", "shortDescription": "s", "description": "d",
                 "platforms": [platform("linux", "p"), platform("windows", "p.exe")]},
    });
    assert_eq!(faults("p.yaml", &good), Vec::<String>::new());
    let broken = [
        ("/apiVersion", json!("v1"), "apiVersion"),
        ("/kind", json!("Pod"), "kind"),
        ("/metadata/name", json!("a b"), "name"),
        ("/metadata/name", json!("NUL"), "name of a device"),
        ("/metadata/name", json!("q"), "file name"),
        ("/spec/version", json!("1.0.0"), "version"),
        ("/spec/version", json!("v1.0"), "version"),
        ("/spec/homepage", json!("http://example.org"), "homepage"),
        ("/spec/shortDescription", json!("x".repeat(51)), "shortDescription"),
        ("/spec/shortDescription", json!("a\nb"), "shortDescription"),
        ("/spec/description", json!("x".repeat(81)), "description"),
        ("/spec/platforms", json!([]), "platforms"),
        ("/spec/platforms/0/selector", json!({}), "selector"),
        ("/spec/platforms/0/selector/matchLabels", json!({"libc": "musl"}), "selector"),
        ("/spec/platforms/0/selector/matchLabels/os", json!("windows"), "overlapping selectors"),
        ("/spec/platforms/0/uri", json!("https://example.org/p.rar"), "uri"),
        ("/spec/platforms/0/uri", json!("http://example.org/p.zip"), "uri"),
        ("/spec/platforms/0/sha256", json!("0A".repeat(32)), "sha256"),
        ("/spec/platforms/0/bin", json!("../p"), "bin"),
        ("/spec/platforms/1/bin", json!("p"), "bin on Windows"),
    ];
    for (place, value, fault) in broken {
        let mut manifest = good.clone();
        *manifest.pointer_mut(place).unwrap() = value;
        let found = faults("p.yaml", &manifest);
        assert!(found.iter().any(|found| found == fault), "{place}: {found:?}");
    }
    let mut manifest = good;
    manifest["spec"]["platforms"][0]["files"] = json!([]);
    assert_eq!(faults("p.yaml", &manifest), ["files"]);
}
