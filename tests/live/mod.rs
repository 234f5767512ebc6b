//! Whole runs against the recorded cluster, through real kubeconfig files and TLS.

mod collectors;
mod connection;
mod exposure;
mod identities;
mod instances;
mod kubeconfig;
mod kubectl;
mod large;
mod reading;

use logaudit::verdict::Status;

use crate::support::report::Report;

/// Fails the test unless everything is known but the policy, which lies on a node.
fn only_the_policy_is_unknown(report: &Report) {
    let reasons = report.reasons(Status::Unknown);
    // Beside it, what rules there are in the store outside of the cluster.
    let allowed = ["lies on the control plane nodes", "rules there are not visible in the cluster"];
    assert!(reasons.iter().all(|reason| allowed.iter().any(|part| reason.contains(part))), "{reasons:?}");
}
