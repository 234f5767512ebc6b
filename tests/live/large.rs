//! A large cluster: requests, bytes, memory and time. Run with `--nocapture` it prints what it took.

use std::time::Instant;

use crate::support::routes::Routes;
use crate::support::server::RecordedServer;
use crate::support::stage::{Stage, pinned};

#[test]
fn five_thousand_nodes_take_few_requests_and_little_memory() {
    let stage = Stage::on(RecordedServer::builder(Routes::large()).gzip().start());
    let output = stage.tool().args(["snapshot", "-v", "1"]).run();
    output.expect_code(0);
    let peak = output.peak_kib.map_or(0, |kib| kib / 1024);
    let sent = stage.server.bytes_sent() / (1024 * 1024);
    let saved = output.stdout.len() / (1024 * 1024);
    println!(
        "5,000 nodes, 12,000 workloads: {}, {sent} MiB sent, {peak} MB resident, snapshot of {saved} MiB",
        output.stderr.trim()
    );
    let requests = stage.server.requests();
    assert!(requests.len() <= 150, "{} requests", requests.len());
    for request in &requests {
        assert_ne!(request.bare_path(), "/api/v1/pods", "{request:?}");
        assert!(!request.path.contains("/secrets"), "{request:?}");
    }
    assert!(sent <= 30, "{sent} MiB sent");
    assert!(peak <= 150, "{peak} MB resident");

    let begun = Instant::now();
    let judged = pinned().args(["run", "-o", "json", "--snapshot", "-"]).stdin(&output.stdout).run();
    let took = begun.elapsed();
    let peak = judged.peak_kib.map_or(0, |kib| kib / 1024);
    println!("judging the snapshot: {:.1} s, {peak} MB resident", took.as_secs_f64());
    let report = judged.report();
    assert!(report.findings().any(|finding| finding["check"] == "LA-COL-016"), "namespaces are judged");
    assert!(peak <= 150, "{peak} MB resident");
}
