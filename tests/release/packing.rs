//! The packer: what is in a release, that it is the same each time, and what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::{have, host, krew, names, platforms, root, run, stdout, tool, version, yaml};

pub(super) const HOMEPAGE: &str = "https://example.org/logaudit";
pub(super) const BASE_URL: &str = "https://example.org/logaudit/files/v1";
const EPOCH: &str = "1790000000";
const NEEDED: [&str; 8] = ["cargo", "gzip", "jq", "sha256sum", "strip", "tar", "unzip", "zip"];

/// The shortest file that begins as a program for this platform does.
fn stand_in(platform: &str) -> Vec<u8> {
    let elf = |machine: u8| [b"\x7fELF\x02\x01".as_slice(), &[0; 12], &[machine, 0]].concat();
    match platform {
        "linux-amd64" => elf(0x3e),
        "linux-arm64" => elf(0xb7),
        "darwin-amd64" => b"\xcf\xfa\xed\xfe\x07\0\0\x01".to_vec(),
        "darwin-arm64" => b"\xcf\xfa\xed\xfe\x0c\0\0\x01".to_vec(),
        "windows-amd64" => [b"MZ".as_slice(), &[0; 58], b"\x40\0\0\0PE\0\0\x64\x86"].concat(),
        _ => panic!("no stand-in for {platform}"),
    }
}

fn program_name(platform: &str) -> &'static str {
    if platform.starts_with("windows-") { "kubectl-logaudit.exe" } else { "kubectl-logaudit" }
}

/// A folder with a stand-in for each platform.
fn stand_ins() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (platform, _) in platforms() {
        let at = folder.path().join(&platform);
        fs::create_dir(&at).unwrap();
        fs::write(at.join(program_name(&platform)), stand_in(&platform)).unwrap();
    }
    folder
}

/// The packer, told everything it must be told.
struct Packer {
    binaries: PathBuf,
    output: PathBuf,
    options: Vec<(&'static str, String)>,
}

impl Packer {
    fn new(binaries: &Path, output: &Path) -> Self {
        let options =
            vec![("--version", version()), ("--homepage", HOMEPAGE.into()), ("--base-url", BASE_URL.into())];
        Self { binaries: binaries.to_owned(), output: output.to_owned(), options }
    }

    fn with(mut self, option: &'static str, value: &str) -> Self {
        self.options.retain(|(name, _)| *name != option);
        self.options.push((option, value.to_owned()));
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(root().join(".ci/release/pack"));
        for (option, value) in &self.options {
            command.args([option, value.as_str()]);
        }
        command.arg("--binaries").arg(&self.binaries).arg("--output").arg(&self.output);
        command.env("SOURCE_DATE_EPOCH", EPOCH);
        command
    }

    fn pack(&self) -> Output {
        run(&mut self.command())
    }
}

/// A release with the program under test for this machine, and stand-ins for the other platforms.
fn release() -> (TempDir, PathBuf) {
    let binaries = stand_ins();
    let own = binaries.path().join(host()).join(program_name(&host()));
    // As it is released: without symbols, which are most of a build for tests.
    stdout(Command::new("strip").arg("-o").arg(own).arg(env!("CARGO_BIN_EXE_kubectl-logaudit")));
    let folder = tempfile::tempdir().unwrap();
    let dist = folder.path().join("dist");
    let output = Packer::new(binaries.path(), &dist).pack();
    assert!(output.status.success(), "{output:#?}");
    (folder, dist)
}

#[test]
fn a_release_is_whole_and_can_be_installed() {
    if !have(&NEEDED) {
        return;
    }
    let (folder, dist) = release();
    let archive = |platform: &str| {
        let end = if platform.starts_with("windows-") { "zip" } else { "tar.gz" };
        format!("kubectl-logaudit-{}-{platform}.{end}", version())
    };
    let mut expected = vec!["SHA256SUMS".to_owned(), "logaudit.yaml".into()];
    for (platform, _) in platforms() {
        expected.push(archive(&platform));
        expected.push(format!("kubectl-logaudit-{}-{platform}.cdx.json", version()));
    }
    expected.sort();
    assert_eq!(names(&dist), expected);
    assert_eq!(names(folder.path()), ["dist"], "the packer left something behind");

    let sums = fs::read_to_string(dist.join("SHA256SUMS")).unwrap();
    stdout(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&dist));
    let summed: Vec<&str> = sums.lines().map(|line| line.split_once("  ").unwrap().1).collect();
    let others: Vec<&String> = expected.iter().filter(|name| *name != "SHA256SUMS").collect();
    assert_eq!(summed, others);

    let mut materials = Vec::new();
    for (platform, target) in platforms() {
        entries_are_fixed(&dist.join(archive(&platform)), program_name(&platform));
        let material = dist.join(format!("kubectl-logaudit-{}-{platform}.cdx.json", version()));
        materials_are_those_of(&material, &target);
        materials.push(material);
    }
    follow_the_schema(&materials);
    let manifest = yaml(&fs::read_to_string(dist.join("logaudit.yaml")).unwrap());
    krew::describes(&manifest, &dist, &sums);
    krew::installs(&manifest, &dist.join(archive(&host())));
    krew::itself_installs(&dist, &archive(&host()));
}

/// Four files without a folder, sorted, of user 0, with one time and fixed modes.
fn entries_are_fixed(archive: &Path, program: &str) {
    let zip = archive.extension().is_some_and(|end| end == "zip");
    let listing = if zip {
        stdout(Command::new("zipinfo").args(["-T", "-l"]).arg(archive))
    } else {
        stdout(
            Command::new("tar")
                .env("TZ", "UTC")
                .args(["--numeric-owner", "--full-time", "-tvzf"])
                .arg(archive),
        )
    };
    let lines: Vec<Vec<&str>> = listing
        .lines()
        .filter(|line| line.starts_with("-rw"))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let found: Vec<&str> = lines.iter().map(|words| *words.last().unwrap()).collect();
    assert_eq!(found, ["LICENSE", "README.md", "THIRD-PARTY-NOTICES", program], "{listing}");
    for words in &lines {
        let mode = if words.last() == Some(&program) { "-rwxr-xr-x" } else { "-rw-r--r--" };
        assert_eq!(words[0], mode, "{listing}");
        let (time, owner) = if zip {
            (words[words.len() - 2].to_owned(), "0/0")
        } else {
            (format!("{} {}", words[3], words[4]), words[1])
        };
        let wanted = if zip { "20260921.141320" } else { "2026-09-21 14:13:20" };
        assert_eq!((time.as_str(), owner), (wanted, "0/0"), "{listing}");
    }
    let license = if zip {
        stdout(Command::new("unzip").arg("-p").arg(archive).arg("LICENSE"))
    } else {
        stdout(Command::new("tar").arg("-xzOf").arg(archive).arg("LICENSE"))
    };
    assert_eq!(license, super::read("LICENSE"));
}

/// Every crate that is built into the program for this target, each reached from it.
fn materials_are_those_of(file: &Path, target: &str) {
    let text = fs::read_to_string(file).unwrap();
    let bill: Value = serde_json::from_str(&text).unwrap();
    let own = &bill["metadata"]["component"];
    assert_eq!(own["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(own["properties"][0]["value"], target);
    let parts: Vec<String> = bill["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| {
            assert!(!part["licenses"].as_array().unwrap().is_empty(), "{part}");
            assert_eq!(part["hashes"][0]["content"].as_str().map(str::len), Some(64), "{part}");
            format!("{} {}", part["name"].as_str().unwrap(), part["version"].as_str().unwrap())
        })
        .collect();
    let listed = stdout(Command::new(root().join(".ci/release/crates")).arg(target));
    assert_eq!(parts, listed.lines().collect::<Vec<_>>(), "{target}");
    assert!(parts.iter().any(|part| part.starts_with("kube ")) && parts.len() > 100, "{parts:?}");
    assert_eq!(listed.contains("windows-sys"), target.contains("windows"), "{target}: {listed}");

    let graph = bill["dependencies"].as_array().unwrap();
    let mut reached: Vec<&str> = vec![own["bom-ref"].as_str().unwrap()];
    let mut next = 0;
    while let Some(reference) = reached.get(next) {
        let node = graph.iter().find(|node| node["ref"] == **reference).unwrap();
        let new: Vec<&str> = node["dependsOn"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        reached.extend(new);
        let mut seen = std::collections::BTreeSet::new();
        reached.retain(|reference| seen.insert(*reference));
        next += 1;
    }
    assert_eq!(reached.len(), parts.len() + 1, "{target}: something is not reached from the program");
}

/// The published schema of bills of materials accepts them.
fn follow_the_schema(materials: &[PathBuf]) {
    let Some(python) = tool("bin/python") else { return };
    let validate = "import sys\n\
        from cyclonedx.schema import SchemaVersion\n\
        from cyclonedx.validation.json import JsonStrictValidator\n\
        validator = JsonStrictValidator(SchemaVersion.V1_6)\n\
        for name in sys.argv[1:]:\n    \
            fault = validator.validate_str(open(name).read())\n    \
            if fault: sys.exit(f'{name}: {fault}')";
    let check = |files: &[PathBuf]| run(Command::new(&python).args(["-c", validate]).args(files));
    let output = check(materials);
    assert!(output.status.success(), "{output:#?}");
    // It does look.
    let broken = materials[0].with_file_name("broken.json");
    fs::write(&broken, fs::read_to_string(&materials[0]).unwrap().replace("\"library\"", "\"libary\""))
        .unwrap();
    assert!(!check(std::slice::from_ref(&broken)).status.success());
    fs::remove_file(broken).unwrap();
}

#[test]
fn the_same_programs_give_the_same_bytes() {
    if !have(&NEEDED) {
        return;
    }
    let binaries = stand_ins();
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let output = Packer::new(binaries.path(), &first).pack();
    assert!(output.status.success(), "{output:#?}");

    // Another machine: other times and modes of the files, another zone, language and umask, and names
    // of folders from where one is.
    for (platform, _) in platforms() {
        let program = binaries.path().join(&platform).join(program_name(&platform));
        fs::write(&program, stand_in(&platform)).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let beside = folder.path().join("binaries");
    std::os::unix::fs::symlink(binaries.path(), &beside).unwrap();
    let packer = Packer::new(Path::new("binaries"), Path::new("second")).command();
    let mut elsewhere = Command::new("sh");
    elsewhere.args(["-c", "umask 077; exec \"$@\"", "sh"]).arg(packer.get_program()).args(packer.get_args());
    elsewhere.env("SOURCE_DATE_EPOCH", EPOCH).env("TZ", "Asia/Kathmandu").env("LC_ALL", "C.UTF-8");
    stdout(elsewhere.current_dir(folder.path()));

    assert_eq!(names(&first), names(&second));
    for name in names(&first) {
        let same = fs::read(first.join(&name)).unwrap() == fs::read(second.join(&name)).unwrap();
        assert!(same, "{name} differs");
    }
}

#[test]
fn what_cannot_be_packed_is_refused_and_leaves_nothing() {
    if !have(&NEEDED) {
        return;
    }
    let binaries = stand_ins();
    let folder = tempfile::tempdir().unwrap();
    let dist = folder.path().join("dist");
    let packer = || Packer::new(binaries.path(), &dist);
    let refused = |output: Output, words: &[&str]| {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        // Before it, cargo may tell that it waits for another.
        assert!(stderr.lines().last().is_some_and(|line| line.starts_with("error: ")), "{stderr}");
        for word in words {
            assert!(stderr.contains(word), "no {word:?} in {stderr}");
        }
        assert_eq!(names(folder.path()), Vec::<String>::new(), "{stderr}");
    };

    for (version, word) in [
        ("v9.9.9", "Cargo.toml"),
        ("0.1.0", "behind a v"),
        ("v1.2", "semantic"),
        ("v01.2.3", "semantic"),
        ("", "--version"),
    ] {
        refused(packer().with("--version", version).pack(), &[word]);
    }
    for address in [
        "http://example.org/x",
        "ftp://example.org",
        "https://",
        "https://example.org/x/",
        "https://example.org/a b",
        "https://user:word@example.org/x",
        "https://example.org/\n  files: []",
        "",
    ] {
        refused(packer().with("--base-url", address).pack(), &["--base-url", "https"]);
        refused(packer().with("--homepage", address).pack(), &["--homepage", "https"]);
    }
    refused(packer().with("--sign", "yes").pack(), &["--sign is no option"]);
    refused(run(packer().command().env("SOURCE_DATE_EPOCH", "1")), &["1980"]);
    refused(run(packer().command().env("SOURCE_DATE_EPOCH", "yesterday")), &["yesterday"]);

    let program = binaries.path().join("darwin-arm64/kubectl-logaudit");
    fs::remove_file(&program).unwrap();
    refused(packer().pack(), &["there is no", "darwin-arm64/kubectl-logaudit"]);
    for other in ["darwin-amd64", "linux-arm64", "windows-amd64"] {
        fs::write(&program, stand_in(other)).unwrap();
        refused(packer().pack(), &["not built for darwin-arm64", other]);
    }
    for text in ["", "MZ", "#!/bin/sh\n"] {
        fs::write(&program, text).unwrap();
        refused(packer().pack(), &["not built for darwin-arm64", "no program that is known"]);
    }
    fs::write(&program, stand_in("darwin-arm64")).unwrap();

    // What is there already stays as it is.
    let taken = tempfile::tempdir().unwrap();
    fs::write(taken.path().join("kept"), "as it was").unwrap();
    refused(Packer::new(binaries.path(), taken.path()).pack(), &["exists"]);
    assert_eq!(names(taken.path()), ["kept"]);
    refused(Packer::new(binaries.path(), &dist.join("deep")).pack(), &["there is no folder"]);

    // A step that fails late leaves nothing either.
    let broken = tempfile::tempdir().unwrap();
    let zip = broken.path().join("zip");
    fs::write(&zip, "#!/bin/sh\nexit 12\n").unwrap();
    fs::set_permissions(&zip, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", broken.path().display(), std::env::var("PATH").unwrap());
    refused(run(packer().command().env("PATH", path)), &["could not be packed", "windows-amd64"]);
}
