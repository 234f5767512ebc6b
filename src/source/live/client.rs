//! GET and nothing else, with limits: tries, time, size, and how many at once.
//!
//! kube's own retries and time-outs are a controller's: fifteen tries, and no end to an answer. These are a command's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use kube::Config;
use kube::client::{Body, ClientBuilder};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

use super::answer::{Failure, refusal};
use super::fault::Fault;
use super::permissions::Access;
use super::wording::span;
use crate::snapshot::GapReason;
use crate::source::metrics;

/// How requests are limited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How often a request is tried altogether.
    pub tries: u32,
    /// How long one exchange may take with its whole body. None for no limit but the deadline.
    pub request: Option<Duration>,
    /// The longest that is waited because the server asks for it.
    pub retry_after: Duration,
    /// The wait before the second try; doubled for each further one.
    pub backoff: Duration,
    /// The largest body, decoded.
    pub body: u64,
    /// How many requests are under way at once.
    pub in_flight: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tries: 3,
            request: Some(Duration::from_secs(30)),
            retry_after: Duration::from_secs(15),
            backoff: Duration::from_millis(200),
            body: 64 * 1024 * 1024,
            in_flight: 8,
        }
    }
}

/// The largest body of a refusal that is looked at.
const MAX_REFUSAL: u64 = 64 * 1024;

/// How long making a connection may take. Three tries of it stay well below the usual deadline.
const CONNECT: Duration = Duration::from_secs(10);

/// In place of a deadline that lies beyond what a clock can show.
const NEVER: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What all clients of a run share.
pub(super) struct Shared {
    pub limits: Limits,
    /// When everything has to be over.
    pub deadline: Instant,
    /// How long everything may take, for messages.
    pub timeout: Duration,
    permits: Semaphore,
    requests: AtomicUsize,
    bytes: AtomicU64,
    /// Told about every exchange, if somebody wants to know.
    trace: Option<Box<dyn Fn(String) + Send + Sync>>,
}

impl Shared {
    /// `left` of `timeout` is left.
    pub(super) fn new(
        limits: Limits,
        timeout: Duration,
        left: Duration,
        trace: Option<Box<dyn Fn(String) + Send + Sync>>,
    ) -> Self {
        let now = Instant::now();
        Self {
            limits,
            deadline: now.checked_add(left).unwrap_or_else(|| now + NEVER),
            timeout,
            permits: Semaphore::new(limits.in_flight),
            requests: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
            trace,
        }
    }

    /// Whether the time for everything is over.
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// How many requests were sent.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// How many bytes of bodies came back, decoded.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Makes clients. Each has connections of its own, and so may reach another apiserver than the one before.
pub(super) struct Connector {
    make: Box<dyn Fn() -> Result<kube::Client, kube::Error> + Send + Sync>,
    shared: Arc<Shared>,
}

impl Connector {
    pub(super) fn new(mut config: Config, shared: Arc<Shared>) -> Self {
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT);
        let agent = concat!("kubectl-logaudit/", env!("CARGO_PKG_VERSION"));
        config.headers.push((header::USER_AGENT, HeaderValue::from_static(agent)));
        let make = move || Ok(ClientBuilder::try_from(config.clone())?.build());
        Self { make: Box::new(make), shared }
    }

    /// A client without connections yet.
    ///
    /// # Errors
    /// The configuration cannot be used for TLS, for the headers or for the credentials.
    pub(super) fn connect(&self) -> Result<Client, kube::Error> {
        Ok(Client { kube: (self.make)()?, shared: Arc::clone(&self.shared) })
    }
}

/// Sends requests.
#[derive(Clone)]
pub(super) struct Client {
    kube: kube::Client,
    pub shared: Arc<Shared>,
}

/// What a body is read into, piece by piece.
pub(super) trait Sink: Default {
    /// Takes the next piece.
    fn take(&mut self, piece: &[u8]) -> Result<(), String>;
}

impl Sink for Vec<u8> {
    fn take(&mut self, piece: &[u8]) -> Result<(), String> {
        self.extend_from_slice(piece);
        Ok(())
    }
}

impl Sink for metrics::Parser {
    fn take(&mut self, piece: &[u8]) -> Result<(), String> {
        self.push(piece)
    }
}

/// How one try ended without success.
enum Ended {
    /// Without an answer, or in the middle of it.
    Fault(Fault),
    /// With a status that is no success.
    Status(StatusCode, HeaderMap, Vec<u8>),
    TooLarge,
    /// In a form that the sink does not take.
    Refused(String),
    /// The time for one exchange was over.
    Timeout(Duration),
    /// The time for everything was over.
    Deadline,
}

impl Client {
    /// Reads a path of the catalogue, or the next page of its list, into a sink.
    pub(super) async fn get<S: Sink>(&self, access: Access, path: &str, accept: &str) -> Result<S, Failure> {
        let mut attempt = 1;
        loop {
            let begun = Instant::now();
            let ended = match self.attempt::<S>(path, accept).await {
                Ok(sink) => {
                    self.trace(path, "200 OK", begun);
                    return Ok(sink);
                }
                Err(ended) => ended,
            };
            let wait = self.wait_before_next(&ended, attempt);
            let failure = self.failure(access, ended);
            self.trace(path, &failure.gap.to_string(), begun);
            match wait {
                Some(wait) if Instant::now() + wait < self.shared.deadline => sleep(wait).await,
                _ => return Err(failure),
            }
            attempt += 1;
        }
    }

    async fn attempt<S: Sink>(&self, path: &str, accept: &str) -> Result<S, Ended> {
        let deadline = self.shared.deadline;
        let permit = timeout_at(deadline, self.shared.permits.acquire()).await;
        // The semaphore is never closed.
        let _permit = permit.map_err(|_| Ended::Deadline)?;
        let limit = self.shared.limits.request;
        let until =
            limit.and_then(|limit| Instant::now().checked_add(limit)).unwrap_or(deadline).min(deadline);
        self.shared.requests.fetch_add(1, Ordering::Relaxed);
        match (timeout_at(until, self.exchange(path, accept)).await, limit) {
            (Ok(result), _) => result,
            (Err(_), Some(limit)) if until < deadline => Err(Ended::Timeout(limit)),
            (Err(_), _) => Err(Ended::Deadline),
        }
    }

    async fn exchange<S: Sink>(&self, path: &str, accept: &str) -> Result<S, Ended> {
        let request = http::Request::builder()
            .method(Method::GET)
            .uri(path)
            .header(header::ACCEPT, accept)
            .body(Body::empty())
            .map_err(|error| Ended::Refused(error.to_string()))?;
        let response = self.kube.send(request).await.map_err(|error| Ended::Fault(Fault::of(&error)))?;
        let (head, body) = response.into_parts();
        if head.status == StatusCode::OK {
            let mut sink = S::default();
            self.drain(body, self.shared.limits.body, &mut sink).await?;
            return Ok(sink);
        }
        let mut text = Vec::new();
        match self.drain(body, MAX_REFUSAL, &mut text).await {
            // What was read of a refusal is enough, however it ended.
            Ok(()) | Err(_) => Err(Ended::Status(head.status, head.headers, text)),
        }
    }

    async fn drain<S: Sink>(&self, mut body: Body, limit: u64, sink: &mut S) -> Result<(), Ended> {
        let mut size = 0_u64;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Ended::Fault(broken(&error)))?;
            let Ok(piece) = frame.into_data() else { continue };
            self.shared.bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
            size = size.saturating_add(piece.len() as u64);
            if size > limit {
                return Err(Ended::TooLarge);
            }
            sink.take(&piece).map_err(Ended::Refused)?;
        }
        Ok(())
    }

    /// How long to wait before another try; none if there is no use in one.
    fn wait_before_next(&self, ended: &Ended, attempt: u32) -> Option<Duration> {
        let limits = &self.shared.limits;
        let backoff = limits.backoff.saturating_mul(1 << (attempt - 1).min(8));
        if attempt >= limits.tries {
            return None;
        }
        match ended {
            Ended::Fault(fault) => fault.is_transient().then_some(backoff),
            Ended::Status(code, headers, _) if matches!(code.as_u16(), 429 | 500 | 502 | 503 | 504) => {
                match retry_after(headers) {
                    // Coming back earlier than asked would be rude, and waiting for minutes is no use to anybody.
                    Some(wait) => (wait <= limits.retry_after).then_some(wait.max(backoff)),
                    None => Some(backoff),
                }
            }
            _ => None,
        }
    }

    fn failure(&self, access: Access, ended: Ended) -> Failure {
        match ended {
            Ended::Fault(fault) => Failure::connection(access, fault),
            Ended::Status(code, headers, body) => {
                let mut failure = refusal(access, code, &headers, &body);
                if let Some(wait) =
                    retry_after(&headers).filter(|wait| *wait > self.shared.limits.retry_after)
                {
                    let said = std::mem::take(&mut failure.gap.detail);
                    failure.gap.detail = format!("it asks to come back in {}: {said}", span(wait));
                }
                failure
            }
            Ended::TooLarge => Failure::new(
                access,
                GapReason::TooLarge,
                format!("more than {} MiB", self.shared.limits.body / (1024 * 1024)),
            ),
            Ended::Refused(what) => Failure::malformed(access, &what),
            Ended::Timeout(limit) => {
                Failure::new(access, GapReason::Timeout, format!("no whole answer within {}", span(limit)))
            }
            Ended::Deadline => Failure::new(
                access,
                GapReason::Timeout,
                format!("the time for the whole run, {}, was over", span(self.shared.timeout)),
            ),
        }
    }

    fn trace(&self, path: &str, outcome: &str, begun: Instant) {
        if let Some(trace) = &self.shared.trace {
            trace(format!("GET {path}: {outcome} after {} ms", begun.elapsed().as_millis()));
        }
    }
}

/// A body that ended in an error was cut off, whatever the layers call it.
fn broken(error: &kube::Error) -> Fault {
    match Fault::of(error) {
        Fault::Other(what) => Fault::Broken(what),
        fault => fault,
    }
}

/// `Retry-After` in seconds. The form with a date is not used by apiservers.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Reply, Server};
    use super::*;

    /// What a client with these limits reads from a server.
    #[expect(clippy::result_large_err, reason = "a test unwraps it at once")]
    fn get<S: Sink>(server: &Server, limits: Limits) -> Result<S, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let timeout = Duration::from_secs(10);
            let shared = Arc::new(Shared::new(limits, timeout, timeout, None));
            let client = Connector::new(Config::new(server.url.parse().unwrap()), shared).connect().unwrap();
            client.get(Access::Metrics, "/metrics", "*/*").await
        })
    }

    #[test]
    fn a_body_has_a_limit() {
        let server = Server::start(|_| Reply::Text(200, "go_threads 1\n".repeat(100)));
        let limits = |body| Limits { body, ..Limits::default() };
        assert_eq!(get::<Vec<u8>>(&server, limits(1300)).unwrap().len(), 1300);
        assert_eq!(get::<Vec<u8>>(&server, limits(1299)).unwrap_err().gap.reason, GapReason::TooLarge);
        assert_eq!(server.seen().len(), 2, "what is too large once is so again");
        assert!(get::<metrics::Parser>(&server, limits(1300)).unwrap().finish().is_ok());
    }

    #[test]
    fn no_more_requests_are_under_way_than_allowed() {
        use std::sync::atomic::AtomicUsize;
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (inside, peak) = (Arc::clone(&now), Arc::clone(&most));
        let server = Server::start(move |_| {
            peak.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(30));
            inside.fetch_sub(1, Ordering::SeqCst);
            Reply::Text(200, "ok".into())
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let timeout = Duration::from_secs(20);
            let shared = Arc::new(Shared::new(Limits::default(), timeout, timeout, None));
            let connector = Connector::new(Config::new(server.url.parse().unwrap()), shared);
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..24 {
                let client = connector.connect().unwrap();
                tasks.spawn(
                    async move { client.get::<Vec<u8>>(Access::Flagz, "/flagz", "*/*").await.is_ok() },
                );
            }
            assert!(tasks.join_all().await.into_iter().all(|ok| ok));
        });
        assert_eq!(most.load(Ordering::SeqCst), 8);
    }
}
