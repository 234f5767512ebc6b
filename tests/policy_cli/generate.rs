//! `policy generate`.

use serde_json::json;

use super::rooted;
use crate::support::tool::{Output, Tool};

const PROFILES: [&str; 4] = ["minimal", "recommended", "forensic", "stig"];

fn generate(arguments: &[&str]) -> Output {
    rooted(&["policy", "generate"]).args(arguments).run()
}

#[test]
fn every_profile_is_proved_for_every_version() {
    for profile in PROFILES {
        for minor in 23..=36 {
            let version = format!("1.{minor}");
            let output = generate(&["--profile", profile, "--kubernetes", &version]);
            output.expect_code(0);
            assert!(output.stderr.contains("; no capped body is logged"), "{version}: {}", output.stderr);
        }
    }
}

#[test]
fn what_is_printed_is_the_profile_and_covers_every_class() {
    for profile in PROFILES {
        let file = format!("{}/checks/profiles/{profile}.yaml", env!("CARGO_MANIFEST_DIR"));
        let generated = generate(&["--profile", profile]);
        assert_eq!(generated.stdout, std::fs::read_to_string(file).unwrap());
        let coverage =
            Tool::new().args(["policy", "coverage", "-f", "-", "-o", "json"]).stdin(&generated.stdout).run();
        coverage.expect_code(0);
        assert!(coverage.stderr.is_empty(), "a warning: {}", coverage.stderr);
        let matrix = coverage.json();
        for class in matrix["classes"].as_array().unwrap() {
            assert_eq!(class["undetected"], json!([]), "{profile}: {class:#}");
            if profile != "minimal" {
                assert_eq!(class["shallow"], json!([]), "{profile}: {class:#}");
            }
        }
        for body in matrix["bodies"].as_array().unwrap().iter().filter(|body| body["severity"] == "high") {
            assert_eq!(body["logged"], json!([]), "{profile}: {body:#}");
        }
    }
}

#[test]
fn the_proof_is_one_line() {
    let proofs = PROFILES.map(|profile| generate(&["--profile", profile]).stderr);
    for proof in &proofs {
        assert_eq!(proof.lines().count(), 1, "{proof}");
    }
    super::golden("policy-generate.proofs", &proofs.concat());
}

#[test]
fn stig_keeps_the_caps_and_says_so_and_the_letter_of_it_says_what_it_leaks() {
    let stig = generate(&["--profile", "stig"]);
    assert!(stig.stdout.contains("# Deviation from DISA STIG V-242403"), "{}", stig.stdout);
    let literal = generate(&["--profile", "stig", "--literal"]);
    literal.expect_code(0);
    assert!(literal.stdout.ends_with("rules:\n- level: RequestResponse\n"), "{}", literal.stdout);
    for leak in [
        "warning",
        "Secrets (high)",
        "ConfigMaps (high)",
        "Tokens of service accounts (high)",
        "Token reviews (high)",
    ] {
        assert!(literal.stderr.contains(leak), "{leak}: {}", literal.stderr);
    }
    generate(&["--profile", "minimal", "--literal"]).expect_refusal(&["--literal", "stig"]);
    generate(&["--profile", "minimal", "--kubernetes", "1.22"]).expect_refusal(&["1.23 and later", "1.22"]);
    assert_eq!(generate(&["--profile", "maximal"]).code, Some(2));
    assert_eq!(generate(&[]).code, Some(2));
}

#[test]
fn it_can_be_written_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    let output = generate(&["--profile", "minimal", "--output-file", &file.to_string_lossy()]);
    output.expect_code(0);
    assert!(output.stdout.is_empty());
    assert!(std::fs::read_to_string(file).unwrap().contains("kind: Policy"));
}

/// No rule is without effect, and nothing in them matches nothing.
#[test]
fn profiles_have_no_odd_rules() {
    for profile in PROFILES {
        let generated = generate(&["--profile", profile, "--kubernetes", "1.36"]);
        let check = Tool::new()
            .args(["policy", "check", "-f", "-", "--kubernetes", "1.36", "-o", "json"])
            .stdin(&generated.stdout)
            .run()
            .json();
        let odd = ["LA-POL-005", "LA-POL-006", "LA-POL-007", "LA-POL-008"];
        let findings = check["findings"].as_array().unwrap().iter();
        let mut judged = 0;
        for finding in findings.filter(|finding| odd.iter().any(|check| finding["check"] == *check)) {
            assert_eq!(finding["status"], "pass", "{profile}: {finding:#}");
            judged += 1;
        }
        assert!(judged >= odd.len(), "{profile}: {judged} findings");
    }
}
