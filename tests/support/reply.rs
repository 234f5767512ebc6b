//! What the server may answer: recorded bodies, hand-written ones, and faults.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::recordings::recording;
use super::routes::Asked;

type Compute = dyn Fn(&Asked) -> Reply + Send + Sync;

/// An answer, or a way of failing to give one. Every variant works on every path.
#[derive(Clone)]
#[expect(clippy::enum_variant_names, reason = "`CloseBeforeReply` says when, not what")]
pub enum Reply {
    /// A whole answer. It is sent chunked when `headers` say so, as recordings may.
    Full { status: u16, headers: Vec<(String, String)>, body: Arc<[u8]> },
    /// An answer that depends on the request, such as a page of a list.
    Computed(Arc<Compute>),
    /// Waits before it answers, so that overlapping requests can be counted.
    Delayed(Duration, Box<Reply>),
    /// One reply after the other, per rule and over all connections; the last one stays.
    Sequence(Vec<Reply>),
    /// Closes the connection after the request, without a byte.
    CloseBeforeReply,
    /// Half the body of an answer whose Content-Length is right, then a closed connection.
    TruncatedBody(Box<Reply>),
    /// White space, one byte every 200 ms, until the client leaves or the server stops.
    EndlessSlowBody,
    /// A chunked body of so many bytes, never held in memory: comment lines that a metrics
    /// parser would accept. Under the server's gzip switch it is a compression bomb.
    HugeBody(u64),
    /// 200 with an HTML page, as a captive portal or a login proxy answers.
    Html200,
    /// 200 with the content type of metrics and a body that is not metrics.
    GarbageMetrics,
    /// The request is read and never answered.
    Hang,
}

impl Reply {
    /// The recorded answer with this id.
    pub fn recorded(id: &str) -> Self {
        let found = recording(id);
        Self::Full { status: found.status, headers: found.headers.clone(), body: Arc::clone(&found.body) }
    }

    /// An answer of any content type.
    pub fn text(status: u16, content_type: &str, body: impl AsRef<[u8]>) -> Self {
        let headers = [("Cache-Control", "no-cache, private"), ("Content-Type", content_type)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        Self::Full { status, headers, body: body.as_ref().into() }
    }

    /// A JSON answer, compact and with a line end, as the API server sends it.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", format!("{body}\n"))
    }

    /// An answer worked out from the request.
    pub fn computed(reply: impl Fn(&Asked) -> Self + Send + Sync + 'static) -> Self {
        Self::Computed(Arc::new(reply))
    }

    /// A failure `Status` of the API.
    pub fn status(code: u16, reason: &str, message: &str, details: &Value) -> Self {
        let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "details": details, "code": code});
        Self::json(code, &body)
    }

    /// 404 for an object that is not there, in the shape of recording 106.
    pub fn not_found(resource: &str, name: &str) -> Self {
        let message = format!("{resource} \"{name}\" not found");
        Self::status(404, "NotFound", &message, &json!({"name": name, "kind": resource}))
    }

    /// 404 for a path or group the server does not know: plain text, not a `Status`.
    pub fn unknown_path() -> Self {
        Self::recorded("111")
    }

    /// 429 with `Retry-After`, as a `Status`.
    pub fn too_many_requests(retry_after_seconds: u32) -> Self {
        const MESSAGE: &str = "Too many requests, please try again later.";
        Self::status(429, "TooManyRequests", MESSAGE, &json!({"retryAfterSeconds": retry_after_seconds}))
            .with_header("Retry-After", &retry_after_seconds.to_string())
    }

    /// 429 with `Retry-After` in plain text, which is how the in-flight limit and priority and
    /// fairness reject a request.
    pub fn too_many_requests_text(retry_after_seconds: u32) -> Self {
        Self::text(429, "text/plain; charset=utf-8", "Too many requests, please try again later.\n")
            .with_header("Retry-After", &retry_after_seconds.to_string())
    }

    /// 503 as a `Status`, for a server that is starting or stopping.
    pub fn unavailable() -> Self {
        Self::status(
            503,
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
            &json!({}),
        )
    }

    /// The same answer with a header added or replaced.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        match &mut self {
            Self::Full { headers, .. } => {
                headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
                headers.push((name.to_owned(), value.to_owned()));
            }
            _ => panic!("only a full answer has headers"),
        }
        self
    }

    /// The same answer after a pause.
    #[must_use]
    pub fn after(self, pause: Duration) -> Self {
        Self::Delayed(pause, Box::new(self))
    }

    /// The same answer cut in half.
    #[must_use]
    pub fn truncated(self) -> Self {
        Self::TruncatedBody(Box::new(self))
    }

    /// What is left to send once the request and the number of earlier ones are known.
    pub fn resolve(&self, asked: &Asked, earlier: usize) -> Self {
        match self {
            Self::Computed(reply) => reply(asked).resolve(asked, earlier),
            Self::Delayed(pause, reply) => Self::Delayed(*pause, Box::new(reply.resolve(asked, earlier))),
            Self::TruncatedBody(reply) => Self::TruncatedBody(Box::new(reply.resolve(asked, earlier))),
            Self::Sequence(replies) => {
                let next = replies.get(earlier).or(replies.last());
                next.expect("a sequence has at least one reply").resolve(asked, earlier)
            }
            Self::Html200 => Self::text(200, "text/html; charset=utf-8", HTML),
            Self::GarbageMetrics => Self::text(200, METRICS_TYPE, GARBAGE),
            other => other.clone(),
        }
    }
}

/// The content type of a real `/metrics`.
pub const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

const HTML: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n\
    <body><form action=\"/login\">Please sign in to continue.</form></body></html>\n";

/// Broken names, missing and impossible values, a lone label brace, bytes that are not UTF-8.
const GARBAGE: &[u8] = b"# TYPE apiserver_audit_event_total counter\n\
    apiserver_audit_event_total\n\
    apiserver_audit_event_total twelve\n\
    apiserver_audit_level_total{level=\"Metadata\" 98\n\
    {} 1\n\
    process_start_time_seconds \xff\xfe\n\
    \x00\x01\x02\n";
