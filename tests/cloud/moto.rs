//! EKS and CloudWatch Logs as moto's server plays them, asked by the real `aws`.
//!
//! `LOGAUDIT_CLOUD_TOOLS` names the folder with both; the test script puts them there.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use super::verdicts;
use crate::support::tool::{Output, Tool};

const REGION: &str = "us-east-1";

/// The folder of the tools; none where nobody put them anywhere.
fn tools() -> Option<PathBuf> {
    let folder = std::env::var_os("LOGAUDIT_CLOUD_TOOLS").map(|folder| Path::new(&folder).join("bin"));
    let found = folder.filter(|folder| folder.join("moto_server").is_file() && folder.join("aws").is_file());
    if found.is_none() {
        eprintln!("skipped: LOGAUDIT_CLOUD_TOOLS does not name a folder with aws and moto_server");
    }
    found
}

/// A server that ends with the test.
struct Moto {
    tools: PathBuf,
    server: Child,
    url: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Moto {
    fn start(tools: &Path) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Command::new(tools.join("moto_server"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moto = Self { tools: tools.to_owned(), server, url: format!("http://127.0.0.1:{port}") };
        let begun = Instant::now();
        while !answers(port) {
            assert!(begun.elapsed() < Duration::from_secs(60), "moto_server did not start");
            thread::sleep(Duration::from_millis(100));
        }
        moto
    }

    fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", self.tools.display())),
            ("AWS_ENDPOINT_URL", self.url.clone()),
            ("AWS_ACCESS_KEY_ID", "testing".into()),
            ("AWS_SECRET_ACCESS_KEY", "testing".into()),
            ("AWS_MAX_ATTEMPTS", "1".into()),
        ]
    }

    /// What `aws` prints.
    fn aws(&self, arguments: &str) -> String {
        let mut command = Command::new(self.tools.join("aws"));
        command.args(arguments.split(' ')).args(["--region", REGION, "--output", "json"]);
        let output = command.envs(self.env()).output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn logaudit(&self, arguments: &[&str]) -> Output {
        let mut tool = Tool::new().timeout(Duration::from_secs(120));
        for (name, value) in self.env() {
            tool = tool.env(name, value);
        }
        tool.args(["run", "--no-cluster", "-o", "json"]).args(arguments.iter().copied()).run()
    }

    fn judged(&self, cluster: &str, region: &str) -> Output {
        let place = ["--provider", "eks", "--cluster-name", cluster, "--region", region];
        self.logaudit(&[&["--cloud", "cli"], place.as_slice()].concat())
    }
}

fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let asked = stream.write_all(b"GET /moto-api/data.json HTTP/1.0\r\nHost: localhost\r\n\r\n");
    let mut first = [0_u8; 12];
    asked.is_ok() && stream.read_exact(&mut first).is_ok() && first.starts_with(b"HTTP/1.")
}

/// What the findings of one provider's checks came to.
fn of_eks(output: &Output) -> Vec<(String, String)> {
    verdicts(output).into_iter().filter(|(check, _)| check.starts_with("LA-EKS-")).collect()
}

#[test]
fn a_cluster_is_asked_about_and_saved_answers_say_the_same() {
    let Some(tools) = tools() else { return };
    let moto = Moto::start(&tools);
    let network =
        "--role-arn arn:aws:iam::123456789012:role/eks --resources-vpc-config subnetIds=subnet-1,subnet-2";
    moto.aws(&format!("eks create-cluster --name quiet {network}"));
    moto.aws(&format!(
        "eks create-cluster --name loud {network} --logging {{\"clusterLogging\":[{{\"types\":[\"api\",\"audit\",\"authenticator\"],\"enabled\":true}}]}}"
    ));
    moto.aws("logs create-log-group --log-group-name /aws/eks/loud/cluster");
    moto.aws("logs put-retention-policy --log-group-name /aws/eks/loud/cluster --retention-in-days 365");

    let quiet = verdicts(&moto.judged("quiet", REGION));
    assert_eq!(quiet["LA-EKS-001"], "fail");
    assert_eq!(quiet["LA-POL-030"], "fail", "nothing is recorded of reads of Secrets");

    let loud = moto.judged("loud", REGION);
    let all = verdicts(&loud);
    assert_eq!((all["LA-EKS-001"].as_str(), all["LA-POL-030"].as_str()), ("pass", "pass"));

    // The same cluster, from what the tool prints.
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump.json");
    let place = ["--cloud", "cli", "--provider", "eks", "--cluster-name", "loud", "--region", REGION];
    moto.logaudit(&[place.as_slice(), &["--cloud-dump", dump.to_str().unwrap()]].concat());
    let again = moto.logaudit(&["--cloud-file", dump.to_str().unwrap()]);
    assert_eq!(of_eks(&again), of_eks(&loud));
    let saved = folder.path().join("cluster.json");
    fs::write(&saved, moto.aws("eks describe-cluster --name loud")).unwrap();
    let alone = verdicts(&moto.logaudit(&["--cloud-file", saved.to_str().unwrap()]));
    assert_eq!(alone["LA-EKS-001"], "pass");

    // Names and regions under which there is nothing are no evidence of anything.
    for (cluster, region) in [("nobody", REGION), ("loud", "eu-west-1")] {
        let output = moto.judged(cluster, region);
        assert!(
            of_eks(&output).iter().all(|(_, status)| status == "unknown"),
            "{cluster} {region}: {output:#?}"
        );
        assert!(output.stdout.contains("not found"), "{cluster} {region}");
    }
}

#[test]
fn commands_of_fix_turn_it_green() {
    let Some(tools) = tools() else { return };
    let moto = Moto::start(&tools);
    moto.aws(
        "eks create-cluster --name quiet --role-arn arn:aws:iam::123456789012:role/eks --resources-vpc-config subnetIds=subnet-1,subnet-2",
    );
    let before = verdicts(&moto.judged("quiet", REGION));
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("remedies");
    let mut tool = Tool::new().timeout(Duration::from_secs(240));
    for (name, value) in moto.env() {
        tool = tool.env(name, value);
    }
    let place = [
        "--provider",
        "eks",
        "--cluster-name",
        "quiet",
        "--region",
        REGION,
        "--cloud",
        "cli",
        "--no-cluster",
    ];
    let output = tool.arg("fix").args(place).arg("--output-dir").arg(&target).run();
    assert!(matches!(output.code, Some(0 | 1)), "{output:#?}");

    // moto knows the first of the commands; what it does not know comes after them and needs values besides.
    let script = fs::read_to_string(target.join("commands.sh")).unwrap();
    let (head, commands) = script.split_once("\n# LA-EKS-").unwrap();
    let known: Vec<&str> = commands
        .split("\n# LA-EKS-")
        .filter(|one| one.contains("create-log-group") || one.contains("update-cluster-config"))
        .collect();
    let head: Vec<&str> = head.lines().filter(|line| !line.starts_with(": ")).collect();
    let script = format!("{}\n# {}\n", head.join("\n"), known.join("\n# "));
    let path = folder.path().join("commands.sh");
    fs::write(&path, script).unwrap();
    let output = Command::new("sh").arg(&path).env_clear().envs(moto.env()).output().unwrap();
    assert!(output.status.success(), "{output:?}");

    let after = verdicts(&moto.judged("quiet", REGION));
    let mut closed = 0;
    for (check, status) in before.iter().filter(|(_, status)| *status == "fail") {
        let claimed = check.starts_with("LA-POL-")
            || ["LA-EKS-001", "LA-EKS-002", "LA-EKS-003"].contains(&check.as_str());
        if claimed && after[check] == "pass" {
            closed += 1;
        }
        assert!(!claimed || after[check] != "fail", "{check}: {status}, then {}", after[check]);
    }
    assert!(closed > 20, "{closed} closed: {after:#?}");
}
