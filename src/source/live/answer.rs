//! What an answer that is not the wanted one means.

use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use super::fault::Fault;
use super::permissions::Access;
use super::wording::one_line;
use crate::snapshot::{Gap, GapReason};

/// Why something could not be read: the gap it leaves, and what is behind it.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// The gap for the snapshot.
    pub gap: Gap,
    /// What is behind it.
    pub cause: Cause,
}

/// What is behind a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// No connection, or it broke off.
    Connection(Fault),
    /// The server answered with a status that is no success.
    Status {
        /// The status code.
        code: u16,
        /// Whether a Kubernetes `Status` came with it. Without one, who answered may not be an apiserver.
        kubernetes: bool,
    },
    /// Anything else.
    Answer,
}

impl Failure {
    /// A failure that lies in the answer itself.
    pub(super) fn new(access: Access, reason: GapReason, detail: impl Into<String>) -> Self {
        Self { gap: Gap::new(reason, access.what(), detail), cause: Cause::Answer }
    }

    /// An answer that is not in the form it should be in.
    pub(super) fn malformed(access: Access, detail: &str) -> Self {
        Self::new(access, GapReason::Malformed, one_line(detail))
    }

    /// A connection that could not be made or broke off.
    pub(super) fn connection(access: Access, fault: Fault) -> Self {
        let reason = match fault {
            Fault::ConnectTimeout => GapReason::Timeout,
            _ => GapReason::Unreachable,
        };
        Self { gap: Gap::new(reason, access.what(), fault.to_string()), cause: Cause::Connection(fault) }
    }

    /// Whether the server said in the words of Kubernetes that the object is not there.
    pub(super) fn is_absent(&self) -> bool {
        self.cause == Cause::Status { code: 404, kubernetes: true }
    }

    /// The status code, if the server answered with one that is no success.
    pub(super) fn code(&self) -> Option<u16> {
        match self.cause {
            Cause::Status { code, .. } => Some(code),
            _ => None,
        }
    }
}

/// The part of a Kubernetes `Status` that is used.
#[derive(Deserialize)]
struct Status {
    kind: String,
    #[serde(default)]
    message: String,
}

/// Reads an answer whose status is no success.
pub(super) fn refusal(access: Access, code: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let status: Option<Status> =
        serde_json::from_slice(body).ok().filter(|status: &Status| status.kind == "Status");
    let kubernetes = status.is_some();
    let detail = match status {
        Some(status) => one_line(&status.message),
        None => foreign(code, headers, body),
    };
    let reason = match code.as_u16() {
        401 => GapReason::Unauthorized,
        403 => GapReason::Forbidden,
        404 => GapReason::NotFound,
        406 => GapReason::NotAcceptable,
        410 => GapReason::Expired,
        429 => GapReason::Throttled,
        300..=399 => GapReason::Malformed,
        _ => GapReason::ServerError,
    };
    let mut gap = Gap::new(reason, access.what(), detail);
    // Only an apiserver's own refusal is mended by a permission.
    if reason == GapReason::Forbidden && kubernetes {
        gap = gap.with_grant(access.permission());
    }
    Failure { gap, cause: Cause::Status { code: code.as_u16(), kubernetes } }
}

/// What somebody says who does not answer with a `Status`.
fn foreign(code: StatusCode, headers: &HeaderMap, body: &[u8]) -> String {
    if code.is_redirection() {
        return match headers.get(header::LOCATION).and_then(|to| to.to_str().ok()) {
            // What follows the `?` of a login page is nobody's business.
            Some(to) => {
                format!("{code}: a redirection to {}", one_line(to.split(['?', '#']).next().unwrap_or(to)))
            }
            None => format!("{code}: a redirection"),
        };
    }
    if is_html(body) {
        return format!("{code} with a page of HTML, which no apiserver answers");
    }
    let text = String::from_utf8_lossy(body);
    match one_line(text.trim().lines().next().unwrap_or_default()) {
        said if said.is_empty() || !printable(&said) => code.to_string(),
        said => format!("{code}: {said}"),
    }
}

fn printable(text: &str) -> bool {
    !text.contains(char::REPLACEMENT_CHARACTER)
}

/// Whether a body is a page of HTML.
pub(super) fn is_html(body: &[u8]) -> bool {
    let body = body.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(body);
    body.trim_ascii_start().first() == Some(&b'<')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(access: Access, code: u16, body: &str) -> Failure {
        refusal(access, StatusCode::from_u16(code).unwrap(), &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn a_refusal_names_the_permission() {
        let status =
            r#"{"kind":"Status","message":"forbidden: User \"x\" cannot get path \"/metrics\"","code":403}"#;
        let failure = read(Access::Metrics, 403, status);
        assert_eq!(
            failure.gap.to_string(),
            "could not read /metrics: forbidden (forbidden: User \"x\" cannot get path \"/metrics\"); \
             grant `get` on the nonResourceURL `/metrics`"
        );
        let failure = read(Access::Leases, 403, status);
        assert!(failure.gap.grant.unwrap().to_string().contains("`list` on `leases.coordination.k8s.io`"));
        // A proxy's refusal is not mended by RBAC.
        assert_eq!(read(Access::Metrics, 403, "<html>").gap.grant, None);
    }

    #[test]
    fn every_status_has_its_reason() {
        for (code, reason) in [
            (302, GapReason::Malformed),
            (400, GapReason::ServerError),
            (401, GapReason::Unauthorized),
            (404, GapReason::NotFound),
            (406, GapReason::NotAcceptable),
            (410, GapReason::Expired),
            (429, GapReason::Throttled),
            (500, GapReason::ServerError),
            (504, GapReason::ServerError),
        ] {
            assert_eq!(read(Access::Nodes, code, "").gap.reason, reason);
        }
    }

    #[test]
    fn words_of_others_are_quoted_with_care() {
        assert_eq!(
            read(Access::Nodes, 404, "404 page not found\n").gap.detail,
            "404 Not Found: 404 page not found"
        );
        assert!(!read(Access::KubeadmConfig, 404, "404 page not found\n").is_absent());
        assert!(read(Access::KubeadmConfig, 404, r#"{"kind":"Status"}"#).is_absent());
        assert!(read(Access::Nodes, 502, "\u{feff} <html>").gap.detail.contains("HTML"));
        assert_eq!(read(Access::Nodes, 500, "\u{fffd}\u{fffd}").gap.detail, "500 Internal Server Error");
        assert_eq!(
            read(Access::Nodes, 500, "token=abcdef").gap.detail,
            "500 Internal Server Error: token=REDACTED"
        );
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, "https://login.example/x?state=hunter2".parse().unwrap());
        let failure = refusal(Access::Version, StatusCode::FOUND, &headers, b"");
        assert_eq!(failure.gap.detail, "302 Found: a redirection to https://login.example/x");
    }
}
