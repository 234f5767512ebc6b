//! The way in: a synchronous function around a thread that reads, and that may hang without hanging the caller.

use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::client::{Connector, Limits, Shared};
use super::cluster::Reader;
use super::connection::{Connection, RequestTimeout};
use super::error::LiveError;
use super::plugin;
use super::resolve::{Endpoint, resolve};
use super::wording::one_line;
use crate::snapshot::Snapshot;

/// The time for everything, unless something else is asked for.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);

/// How long after its deadline the reading thread is waited for: it ends by itself unless something blocks it.
const GRACE: Duration = Duration::from_secs(2);

/// From this level of `-v` on every request is reported.
pub const TRACE_LEVEL: u8 = 6;

/// How a cluster is read.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long everything may take, credential plugin included.
    pub timeout: Duration,
    /// The time that the snapshot carries.
    pub captured_at: Timestamp,
}

impl Options {
    /// The usual options.
    pub fn new(captured_at: Timestamp) -> Self {
        Self { timeout: DEFAULT_TIMEOUT, captured_at }
    }
}

/// What reading a cluster took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadStats {
    /// Requests that were sent, repeated ones included.
    pub requests: usize,
    /// Bytes of answers, decoded.
    pub bytes: u64,
    /// The time it took, without the credential plugin.
    pub elapsed: Duration,
    /// The time the credential plugin took.
    pub plugin: Duration,
}

impl fmt::Display for ReadStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests, {} KiB, {:.1} s",
            self.requests,
            self.bytes / 1024,
            self.elapsed.as_secs_f64()
        )?;
        if self.plugin > Duration::ZERO {
            write!(f, ", and {:.1} s for the credential plugin", self.plugin.as_secs_f64())?;
        }
        Ok(())
    }
}

/// Reads a cluster into a redacted snapshot.
///
/// What is refused or missing is a [`Gap`](crate::snapshot::Gap) in the snapshot. `progress` is told in a few words what is being done; with
/// `-v 6` and above, about every request.
///
/// # Errors
/// [`LiveError`] if nothing at all could be read.
pub fn read(
    connection: &Connection,
    options: &Options,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<(Snapshot, ReadStats), LiveError> {
    let (sender, receiver) = channel();
    let state = Arc::new(Mutex::new(State::default()));
    let reporter = Reporter { sender: sender.clone(), state: Arc::clone(&state) };
    let (connection, thread_options) = (connection.clone(), options.clone());
    // A thread of its own: a credential plugin or a name lookup that hangs would hang whoever waits for it.
    std::thread::Builder::new()
        .name("read-cluster".into())
        .spawn(move || {
            let result = read_here(&connection, &thread_options, &reporter);
            // Nobody listens any more if it came too late.
            let _ = sender.send(Message::Done(Box::new(result)));
        })
        .map_err(|error| LiveError::Internal(one_line(&error.to_string())))?;
    wait(&receiver, options, &state, progress)
}

enum Message {
    Progress(String),
    Done(Box<Result<(Snapshot, ReadStats), LiveError>>),
}

/// What the waiting side has to know if the reading side does not come back.
#[derive(Debug, Default)]
struct State {
    server: String,
    cluster: String,
    doing: String,
}

/// How the reading thread speaks to the one that waits.
#[derive(Clone)]
struct Reporter {
    sender: Sender<Message>,
    state: Arc<Mutex<State>>,
}

impl Reporter {
    fn found(&self, endpoint: &Endpoint) {
        if let Ok(mut state) = self.state.lock() {
            state.server = endpoint.server().to_owned();
            state.cluster = endpoint.cluster.name.clone();
        }
    }

    fn doing(&self, what: impl Into<String>) {
        let what = what.into();
        if let Ok(mut state) = self.state.lock() {
            state.doing.clone_from(&what);
        }
        self.say(what);
    }

    fn say(&self, what: String) {
        let _ = self.sender.send(Message::Progress(what));
    }
}

fn wait(
    receiver: &Receiver<Message>,
    options: &Options,
    state: &Mutex<State>,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<(Snapshot, ReadStats), LiveError> {
    let begun = Instant::now();
    let patience = options.timeout.saturating_add(GRACE);
    loop {
        match receiver.recv_timeout(patience.saturating_sub(begun.elapsed())) {
            Ok(Message::Progress(text)) => progress(&text),
            Ok(Message::Done(result)) => return *result,
            Err(RecvTimeoutError::Timeout) => {
                let state = state.lock().map(|mut state| std::mem::take(&mut *state)).unwrap_or_default();
                return Err(LiveError::Deadline {
                    server: state.server,
                    cluster: state.cluster,
                    after: options.timeout,
                    doing: state.doing,
                });
            }
            // The thread has ended without a word, so it panicked; its message is already on stderr.
            Err(RecvTimeoutError::Disconnected) => {
                return Err(LiveError::Internal("the reading thread ended early".into()));
            }
        }
    }
}

fn read_here(
    connection: &Connection,
    options: &Options,
    reporter: &Reporter,
) -> Result<(Snapshot, ReadStats), LiveError> {
    let begun = Instant::now();
    let mut endpoint = resolve(connection, &|name| std::env::var_os(name))?;
    reporter.found(&endpoint);
    let mut plugin_time = Duration::ZERO;
    if let Some(plugin) = endpoint.plugin.take() {
        reporter.doing(format!(
            "running the credential plugin {}",
            plugin.command.as_deref().unwrap_or_default()
        ));
        let started = Instant::now();
        plugin::run(&plugin, &mut endpoint.config.auth_info, options.timeout)?;
        plugin_time = started.elapsed();
    }
    reporter.doing(format!("reading {} ({})", endpoint.server(), endpoint.cluster.name));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| LiveError::Internal(one_line(&error.to_string())))?;
    let mut limits = Limits::default();
    match connection.request_timeout {
        Some(RequestTimeout::After(limit)) => limits.request = Some(limit),
        Some(RequestTimeout::Unlimited) => limits.request = None,
        None => {}
    }
    let left = options.timeout.saturating_sub(begun.elapsed());
    let result = runtime.block_on(async {
        let shared = Arc::new(Shared::new(limits, options.timeout, left, trace(connection, reporter)));
        let connector = Connector::new(endpoint.config.clone(), Arc::clone(&shared));
        let doing = |what: String| reporter.doing(what);
        let snapshot =
            Box::pin(Reader { endpoint: &endpoint, options, doing: &doing }.read(&connector)).await?;
        Ok((snapshot, shared))
    });
    // A name lookup that hangs sits on a thread of the runtime, which must not be waited for.
    runtime.shutdown_background();
    let (snapshot, shared) = result?;
    let stats = ReadStats {
        requests: shared.requests(),
        bytes: shared.bytes(),
        elapsed: begun.elapsed().saturating_sub(plugin_time),
        plugin: plugin_time,
    };
    Ok((snapshot, stats))
}

type Trace = Option<Box<dyn Fn(String) + Send + Sync>>;

fn trace(connection: &Connection, reporter: &Reporter) -> Trace {
    connection.verbosity.filter(|level| *level >= TRACE_LEVEL)?;
    let reporter = reporter.clone();
    Some(Box::new(move |line| reporter.say(line)))
}
