//! Which file is found, and what one that was only found may not say.

use std::fs;
use std::os::unix::fs::symlink;

use super::{Folder, shown};

#[test]
fn the_file_is_looked_for_up_to_the_root_of_the_repository_and_no_further() {
    let folder = Folder::with("fail-on: low\n");
    fs::create_dir_all(folder.0.path().join("repo/deep/deeper")).unwrap();
    let from = |at: &str| {
        let tool = folder.tool(&["config", "show", "-o", "json"]).cwd(&folder.0.path().join(at));
        shown(&tool, "fail-on")
    };
    // Without a repository only the folder itself counts.
    assert_eq!(from("."), ("low".into(), ".logaudit.yaml:1:10".into()));
    assert_eq!(from("repo/deep").1, "default");
    fs::create_dir(folder.0.path().join("repo/.git")).unwrap();
    assert_eq!(from("repo/deep").1, "default", "the file lies above the repository");
    folder.write("repo/.logaudit.yaml", "fail-on: critical\n");
    assert_eq!(from("repo/deep/deeper"), ("critical".into(), "../../.logaudit.yaml:1:10".into()));
    assert_eq!(from("repo"), ("critical".into(), ".logaudit.yaml:1:10".into()));
    // A file nearer by takes its place whole.
    folder.write("repo/deep/.logaudit.yaml", "min-score: 3\n");
    assert_eq!(from("repo/deep/deeper").1, "default");
    // A worktree has a file of that name.
    folder.write("tree/.git", "gitdir: elsewhere\n");
    folder.write("tree/.logaudit.yaml", "fail-on: medium\n");
    fs::create_dir(folder.0.path().join("tree/a")).unwrap();
    assert_eq!(from("tree/a").0, "medium");
}

#[test]
fn a_file_of_the_home_is_not_read() {
    let folder = Folder::new();
    let tool = folder.tool(&["config", "show", "-o", "json"]);
    fs::write(tool.home().join(".logaudit.yaml"), "fail-on: low\n").unwrap();
    assert_eq!(shown(&tool, "fail-on").1, "default");
}

#[test]
fn a_file_that_was_only_found_runs_writes_and_reads_nothing_elsewhere() {
    let outside = Folder::new();
    outside.write("secret.yaml", "id: canary-of-a-secret\n");
    outside.write("other/.logaudit.yaml", "fail-on: canary-of-a-secret\n");
    let target = outside.0.path().join("secret.yaml");
    let target = target.to_str().unwrap();
    for (config, words) in [
        ("cloud: cli\n".to_owned(), "`cloud: cli` may run the command-line tool of a provider"),
        ("cloud: auto\n".to_owned(), "may run the command-line tool"),
        ("output: [json=report.json]\n".to_owned(), "`json=report.json` writes a file"),
        (format!("checks: [{target}]\n"), "lies outside of"),
        (format!("frameworks: [{target}]\n"), "lies outside of"),
        (format!("baseline: {target}\n"), "lies outside of"),
        ("checks: [../x]\n".to_owned(), "lies outside of"),
        ("checks: [link.yaml]\n".to_owned(), "lies outside of"),
    ] {
        let folder = Folder::with(&config);
        symlink(target, folder.0.path().join("link.yaml")).unwrap();
        let found = folder.over("ships-nothing", &[]);
        found.expect_refusal(&[words, ".logaudit.yaml:1:", "--config if you trust it"]);
        assert!(!found.stderr.contains("canary-of-a-secret"));
        assert!(!folder.0.path().join("report.json").exists());
        let validated = folder.tool(&["config", "validate"]).run();
        validated.expect_refusal(&[words]);
    }
    let linked = Folder::new();
    symlink(outside.0.path().join("other/.logaudit.yaml"), linked.0.path().join(".logaudit.yaml")).unwrap();
    let output = linked.over("ships-nothing", &[]);
    output.expect_refusal(&["is a link that leads out of the repository"]);
    assert!(!output.stderr.contains("canary-of-a-secret"));
    // Named, it may do all that.
    let folder = Folder::with("output: [json=report.json]\ncloud: auto\n");
    let run = folder
        .tool(&["run", "--config", ".logaudit.yaml", "--snapshot"])
        .arg(super::example("ships-nothing"))
        .run();
    run.expect_code(1);
    assert!(folder.0.path().join("report.json").exists());
}

/// The messages of a file that lies outside show what stands in it.
#[test]
fn a_folder_that_was_only_found_is_not_left_by_a_link_in_it() {
    let outside = Folder::new();
    let secret = outside.write("secret.yaml", "canary-of-a-secret:x:0:0\n");
    outside.write("folder/deep.yaml", "canary-of-a-secret\n");
    for setting in ["checks", "frameworks"] {
        for (name, target) in [("own/x.yaml", secret.clone()), ("own/sub", outside.0.path().join("folder"))] {
            let folder = Folder::with(&format!("{setting}: [own]\n"));
            folder.write("own/README.md", "");
            symlink(target, folder.0.path().join(name)).unwrap();
            for output in [folder.over("ships-nothing", &[]), folder.tool(&["config", "validate"]).run()] {
                output.expect_refusal(&[
                    ".logaudit.yaml:1:",
                    name,
                    "lies outside of",
                    "--config if you trust it",
                ]);
                assert!(!output.stderr.contains("canary-of-a-secret"), "{}", output.stderr);
            }
        }
        // A link that stays inside leads nowhere else.
        let folder = Folder::with(&format!("{setting}: [own]\n"));
        folder.write("own/README.md", "");
        folder.write("elsewhere.yaml", "canary-of-a-secret\n");
        symlink(folder.0.path().join("elsewhere.yaml"), folder.0.path().join("own/x.yaml")).unwrap();
        assert!(folder.over("ships-nothing", &[]).expect_code(2).stderr.contains("canary-of-a-secret"));
    }
}

/// A stricter gate is not lost because its file cannot be read.
#[test]
fn a_link_to_nothing_is_a_file_that_cannot_be_read() {
    let folder = Folder::new();
    symlink("/nonexistent/settings.yaml", folder.0.path().join(".logaudit.yaml")).unwrap();
    folder.over("ships-nothing", &[]).expect_refusal(&["cannot read the configuration .logaudit.yaml"]);
    let run = folder.over("ships-nothing", &["--no-config"]);
    run.expect_code(1);
}
