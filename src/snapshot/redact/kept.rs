//! Which flags keep their values, and which flags take the next word as theirs.

/// Flags of kube-apiserver whose values the analysis reads and that take a value.
const VALUED_FLAGS: [&str; 34] = [
    "advertise-address",
    "audit-log-batch-buffer-size",
    "audit-log-batch-max-size",
    "audit-log-batch-max-wait",
    "audit-log-batch-throttle-burst",
    "audit-log-batch-throttle-qps",
    "audit-log-format",
    "audit-log-maxage",
    "audit-log-maxbackup",
    "audit-log-maxsize",
    "audit-log-mode",
    "audit-log-path",
    "audit-log-truncate-max-batch-size",
    "audit-log-truncate-max-event-size",
    "audit-log-version",
    "audit-policy-file",
    "audit-webhook-batch-buffer-size",
    "audit-webhook-batch-initial-backoff",
    "audit-webhook-batch-max-size",
    "audit-webhook-batch-max-wait",
    "audit-webhook-batch-throttle-burst",
    "audit-webhook-batch-throttle-qps",
    "audit-webhook-config-file",
    "audit-webhook-initial-backoff",
    "audit-webhook-mode",
    "audit-webhook-truncate-max-batch-size",
    "audit-webhook-truncate-max-event-size",
    "audit-webhook-version",
    "event-ttl",
    "feature-gates",
    "logging-format",
    "openshift-config",
    "v",
    "vmodule",
];

/// Boolean flags of kube-apiserver whose values the analysis reads.
const BOOLEAN_KEPT: [&str; 6] = [
    "audit-log-batch-throttle-enable",
    "audit-log-compress",
    "audit-log-truncate-enabled",
    "audit-webhook-batch-throttle-enable",
    "audit-webhook-truncate-enabled",
    "enable-logs-handler",
];

/// Its other boolean flags.
const BOOLEAN_FLAGS: [&str; 34] = [
    "add-dir-header",
    "aggregator-reject-forwarding-redirect",
    "allow-privileged",
    "alsologtostderr",
    "anonymous-auth",
    "audit-dynamic-configuration",
    "contention-profiling",
    "disable-http2-serving",
    "emulation-forward-compatible",
    "enable-aggregator-routing",
    "enable-bootstrap-token-auth",
    "enable-garbage-collector",
    "enable-inflight-quota-handler",
    "enable-priority-and-fairness",
    "enable-swagger-ui",
    "encryption-provider-config-automatic-reload",
    "help",
    "kubelet-https",
    "log-json-split-stream",
    "log-text-split-stream",
    "logtostderr",
    "one-output",
    "permit-address-sharing",
    "permit-port-sharing",
    "profiling",
    "repair-malformed-updates",
    "service-account-extend-token-expiration",
    "service-account-lookup",
    "shutdown-send-retry-after",
    "skip-headers",
    "skip-log-headers",
    "unauthenticated-http2-dos-mitigation",
    "version",
    "watch-cache",
];

/// Whether the value of a flag is kept. `name` is without dashes; underscores count as dashes.
pub fn keeps_flag(name: &str) -> bool {
    let name = name.replace('_', "-");
    VALUED_FLAGS.contains(&name.as_str()) || BOOLEAN_KEPT.contains(&name.as_str())
}

/// Whether a flag without `=` takes the next word as its value, as pflag does: a boolean never, another always, even if
/// that word looks like a flag. Of a flag that is not listed here, only a word that does not look like one is taken.
pub fn takes_next(name: &str, next: &str) -> bool {
    let name = name.replace('_', "-");
    let name = name.as_str();
    if BOOLEAN_KEPT.contains(&name) || BOOLEAN_FLAGS.contains(&name) {
        return false;
    }
    VALUED_FLAGS.contains(&name) || !next.starts_with('-') || next[1..].parse::<f64>().is_ok() || next == "-"
}
