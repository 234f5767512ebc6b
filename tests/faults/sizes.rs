//! Bodies beyond the limit of 64 MiB, plain and compressed: told as too large, and never held.

use super::{COUNTERS, DEADLINE, expect_said, expect_unknown, faulty, reported, routes};
use crate::support::cluster::{METRICS, NODES};
use crate::support::reply::Reply;
use crate::support::server::RecordedServer;
use crate::support::stage::Stage;

const TOO_LARGE: u64 = 65 * 1024 * 1024;
const KIB_PER_MIB: u64 = 1024;

#[test]
fn metrics_beyond_the_limit_are_unknown_and_take_no_memory() {
    let output = faulty(METRICS, Reply::HugeBody(TOO_LARGE)).run(&[]);
    let report = reported(&output);
    expect_unknown(&report, &COUNTERS);
    expect_said(&report, &["could not read /metrics: too large (more than 64 MiB)"]);
    if let Some(peak) = output.peak_kib {
        assert!(peak < 60 * KIB_PER_MIB, "{peak} KiB");
    }
}

#[test]
fn a_compression_bomb_is_unknown_and_takes_no_memory() {
    let bomb = routes().get(METRICS, Reply::HugeBody(1 << 40));
    let stage = Stage::on(RecordedServer::builder(bomb).gzip().start());
    let output = stage.run(&[]);
    let report = reported(&output);
    expect_unknown(&report, &COUNTERS);
    expect_said(&report, &["could not read /metrics: too large (more than 64 MiB)"]);
    if let Some(peak) = output.peak_kib {
        assert!(peak < 60 * KIB_PER_MIB, "{peak} KiB");
    }
}

#[test]
fn a_list_beyond_the_limit_is_a_gap() {
    let output = faulty(NODES, Reply::HugeBody(TOO_LARGE)).run(&[]);
    let report = reported(&output);
    output.expect_within(DEADLINE);
    expect_said(&report, &["could not read the nodes: too large (more than 64 MiB)"]);
    if let Some(peak) = output.peak_kib {
        assert!(peak < 192 * KIB_PER_MIB, "{peak} KiB");
    }
}
