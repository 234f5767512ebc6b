//! Container logs in what `kubectl cluster-info dump` prints.

use std::borrow::Cow;

const START: &str = "==== START logs for container ";
const END: &str = "==== END logs for container ";

/// The text with all container logs blanked out, so that only the objects remain and keep their lines.
///
/// Without `--output-directory` kubectl prints the logs of every pod between its objects
/// (`k8s.io/kubectl/pkg/cmd/clusterinfo/clusterinfo_dump.go`).
pub fn without_container_logs(text: &str) -> Cow<'_, str> {
    if !text.contains(START) {
        return Cow::Borrowed(text);
    }
    let mut inside = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        // A log that ends without a newline has the end mark on its last line.
        let ends = line.contains(END);
        inside |= line.starts_with(START);
        if inside {
            kept.push('\n');
        } else {
            kept.push_str(line);
        }
        inside &= !ends;
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_leave_blank_lines() {
        let dump = "{}\n==== START logs for container a of pod b/c ====\n{\nx==== END logs for container a of pod b/c ====\n{}\n";
        assert_eq!(without_container_logs(dump), "{}\n\n\n\n{}\n");
        assert!(matches!(without_container_logs("{}"), Cow::Borrowed(_)));
    }
}
