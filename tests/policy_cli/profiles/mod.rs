//! The profiles in `checks/profiles`, against tables of what they must and must not record.

use std::path::{Path, PathBuf};

use crate::support::tool::Tool;

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy_cli/profiles").join(name)
}

fn profile(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("checks/profiles").join(format!("{name}.yaml"))
}

#[test]
fn profiles_record_what_they_say_on_every_server() {
    for server in ["1.23", "1.30", "1.36"] {
        for name in ["minimal", "recommended", "forensic", "stig", "stig-literal"] {
            let output = Tool::new()
                .args(["policy", "test", "--kubernetes", server])
                .arg(here(&format!("{name}.yaml")))
                .run();
            output.expect_code(0);
            assert!(output.stderr.is_empty(), "a warning of a profile of our own: {}", output.stderr);
        }
    }
}

#[test]
fn no_profile_drops_what_security_depends_on_or_logs_credentials() {
    for name in ["minimal", "recommended", "forensic", "stig"] {
        let output =
            Tool::new().args(["policy", "test", "-f"]).arg(profile(name)).arg(here("all.yaml")).run();
        output.expect_code(0);
    }
    // The letter of V-242403 does, and the table says so.
    let literal =
        Tool::new().args(["policy", "test", "-f"]).arg(profile("stig-literal")).arg(here("all.yaml")).run();
    literal.expect_code(1);
    assert!(literal.stdout.contains("expected level Metadata, got RequestResponse"), "{}", literal.stdout);
}

#[test]
fn noise_is_dropped_narrowly() {
    for name in ["minimal", "recommended", "forensic"] {
        let output =
            Tool::new().args(["policy", "test", "-f"]).arg(profile(name)).arg(here("noise.yaml")).run();
        output.expect_code(0);
    }
}

#[test]
fn headers_are_those_that_profiles_promise() {
    for name in ["minimal", "recommended", "forensic", "stig"] {
        let text = std::fs::read_to_string(profile(name)).unwrap();
        assert!(text.contains("\nomitStages: [RequestReceived]\n"), "{name}");
        assert_eq!(text.matches("omitStages").count(), 1, "{name}: other stages stay");
        assert_eq!(
            text.contains("\nomitManagedFields: true\n"),
            name != "minimal",
            "{name}: where bodies are logged"
        );
    }
    let stig = std::fs::read_to_string(profile("stig")).unwrap();
    assert!(stig.contains("Deviation from DISA STIG V-242403"));
}
