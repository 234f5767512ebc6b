//! A small API server over real TLS sockets on 127.0.0.1.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::http::{self, Request};
use super::pki::{ClientCertificate, Pki};
use super::routes::{Asked, Identity, Routes, Rule, unauthorized};
pub use super::seen::{ConnectionSeen, RequestSeen};
use super::wire::{After, Wire};

/// Choices about a server that is not the usual one.
pub struct ServerBuilder {
    routes: Routes,
    gzip: bool,
    silent: bool,
    names: Vec<String>,
}

impl ServerBuilder {
    /// Compresses bodies for clients that accept it.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        self.gzip = true;
        self
    }

    /// Presents a certificate for this name only, such as one the client does not ask for.
    #[must_use]
    pub fn certificate_for(mut self, name: &str) -> Self {
        self.names = vec![name.to_owned()];
        self
    }

    /// Accepts connections and never says a word, not even TLS.
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Binds a free port and starts to answer.
    pub fn start(self) -> RecordedServer {
        let pki = Pki::new();
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("the bound address");
        let shared = Arc::new(Shared {
            tls: pki.server_config(&names),
            gzip: self.gzip,
            silent: self.silent,
            pki,
            state: Mutex::new(State { routes: self.routes.restarted(), ..State::default() }),
            stop: Mutex::new(false),
            stopping: Condvar::new(),
        });
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&shared, &listener)
        });
        RecordedServer { address, shared, acceptor: Some(acceptor) }
    }
}

/// The running server. Dropping it closes every connection and ends every thread.
pub struct RecordedServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl RecordedServer {
    /// Starts a server with a certificate for `127.0.0.1` and `localhost`.
    pub fn start(routes: Routes) -> Self {
        Self::builder(routes).start()
    }

    /// A server with choices.
    pub fn builder(routes: Routes) -> ServerBuilder {
        ServerBuilder {
            routes,
            gzip: false,
            silent: false,
            names: vec!["127.0.0.1".to_owned(), "localhost".to_owned()],
        }
    }

    /// Starts a server whose certificate is for another name than the one clients ask for.
    pub fn with_name_mismatch(routes: Routes) -> Self {
        Self::builder(routes).certificate_for("elsewhere.example.com").start()
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL for a kubeconfig.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The certificate authority a client has to trust.
    pub fn ca_pem(&self) -> String {
        self.shared.pki.ca_pem()
    }

    /// The certificates behind the server.
    pub fn pki(&self) -> &Pki {
        &self.shared.pki
    }

    /// The certificate with which this identity logs in.
    pub fn client_certificate(&self, identity: Identity) -> ClientCertificate {
        self.shared.pki.client_certificate(identity).clone()
    }

    /// Adds a rule while the server runs, such as counters that have grown in the meantime.
    pub fn add(&self, rule: Rule) {
        self.shared.state().routes.push(rule);
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<RequestSeen> {
        self.shared.state().requests.clone()
    }

    /// Every connection so far.
    pub fn connections(&self) -> Vec<ConnectionSeen> {
        self.shared.state().connections.clone()
    }

    /// How many bytes of whole answers were sent, compressed where they were.
    pub fn bytes_sent(&self) -> usize {
        self.shared.state().sent
    }

    /// The most requests that were being answered at the same time.
    pub fn max_in_flight(&self) -> usize {
        self.shared.state().max_in_flight
    }

    /// Forgets the requests and the high-water mark, to count anew.
    pub fn forget(&self) {
        let mut state = self.shared.state();
        state.requests.clear();
        state.max_in_flight = state.in_flight;
    }

    /// Fails the test unless every request was a plain read: GET, no Secret, no watch.
    pub fn assert_only_reads(&self) {
        for request in self.requests() {
            assert_eq!(request.method, "GET", "{request:?}");
            assert!(!request.bare_path().split('/').any(|part| part == "secrets"), "{request:?}");
            let query = request.path.split_once('?').map_or("", |(_, query)| query);
            assert_eq!(http::query_param(query, "watch"), None, "{request:?}");
            assert!(!request.bare_path().split('/').any(|part| part == "watch"), "{request:?}");
        }
    }
}

impl Drop for RecordedServer {
    fn drop(&mut self) {
        *lock(&self.shared.stop) = true;
        self.shared.stopping.notify_all();
        // Wakes the acceptor, which then sees that it is time to go.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        let threads = {
            let mut state = self.shared.state();
            for socket in state.sockets.values() {
                let _ = socket.shutdown(Shutdown::Both);
            }
            std::mem::take(&mut state.threads)
        };
        for thread in threads {
            let _ = thread.join();
        }
    }
}

/// The URL of a port on which nobody listens.
pub fn closed_port() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    format!("https://{}", listener.local_addr().expect("the bound address"))
}

/// The certificate of an authority that signed nothing here: the unknown CA of a kubeconfig.
pub fn stranger_ca_pem() -> String {
    Pki::new().ca_pem()
}

struct Shared {
    tls: Arc<ServerConfig>,
    gzip: bool,
    silent: bool,
    pki: Pki,
    state: Mutex<State>,
    stop: Mutex<bool>,
    stopping: Condvar,
}

struct State {
    routes: Routes,
    requests: Vec<RequestSeen>,
    connections: Vec<ConnectionSeen>,
    sockets: HashMap<usize, TcpStream>,
    threads: Vec<JoinHandle<()>>,
    in_flight: usize,
    max_in_flight: usize,
    sent: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            routes: Routes::empty(),
            requests: Vec::new(),
            connections: Vec::new(),
            sockets: HashMap::new(),
            threads: Vec::new(),
            in_flight: 0,
            sent: 0,
            max_in_flight: 0,
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Waits so long, or until the server stops; tells whether it does.
    fn pause(&self, pause: Duration) -> bool {
        let stop = lock(&self.stop);
        if *stop || pause.is_zero() {
            return *stop;
        }
        let waited = self.stopping.wait_timeout_while(stop, pause, |stop| !*stop);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    for socket in listener.incoming() {
        if *lock(&shared.stop) {
            return;
        }
        let Ok(socket) = socket else { continue };
        let mut state = shared.state();
        let id = state.connections.len();
        let instance = id % state.routes.instances();
        state.connections.push(ConnectionSeen {
            id,
            instance,
            server_name: None,
            established: false,
            error: None,
        });
        if let Ok(handle) = socket.try_clone() {
            state.sockets.insert(id, handle);
        }
        let shared = Arc::clone(shared);
        state.threads.push(thread::spawn(move || {
            let ended = serve(&shared, id, instance, socket);
            let mut state = shared.state();
            // Dropping the last handle closes the socket, which is what the client waits for.
            state.sockets.remove(&id);
            state.connections[id].error = ended.err().map(|error| error.to_string());
        }));
    }
}

fn serve(shared: &Shared, id: usize, instance: usize, mut socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    if shared.silent {
        while socket.read(&mut [0; 1024])? > 0 {}
        return Ok(());
    }
    let mut tls = ServerConnection::new(Arc::clone(&shared.tls)).map_err(io::Error::other)?;
    while tls.is_handshaking() {
        if let Err(error) = tls.complete_io(&mut socket) {
            // The alert that says why must still reach the client.
            let _ = tls.write_tls(&mut socket);
            return Err(error);
        }
    }
    let by_certificate =
        tls.peer_certificates().and_then(<[_]>::first).and_then(|own| shared.pki.identify(own));
    {
        let seen = &mut shared.state().connections[id];
        seen.established = true;
        seen.server_name = tls.server_name().map(str::to_owned);
    }
    let mut stream = BufReader::new(StreamOwned::new(tls, socket));
    while let Some(request) = next_request(&mut stream)? {
        match answer(shared, id, instance, by_certificate, &request, stream.get_mut())? {
            After::Keep => {}
            After::Close => {
                stream.get_mut().conn.send_close_notify();
                return stream.get_mut().flush();
            }
            After::Abort => return Ok(()),
        }
    }
    Ok(())
}

/// The next request; a client that just goes away between two has done nothing wrong.
fn next_request(stream: &mut impl BufRead) -> io::Result<Option<Request>> {
    match Request::read(stream) {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) =>
        {
            Ok(None)
        }
        other => other,
    }
}

fn answer(
    shared: &Shared,
    connection_id: usize,
    instance: usize,
    by_certificate: Option<Identity>,
    request: &Request,
    stream: &mut StreamOwned<ServerConnection, TcpStream>,
) -> io::Result<After> {
    let identity = identify(by_certificate, http::header(&request.headers, "authorization"));
    let routes = {
        let mut state = shared.state();
        state.requests.push(RequestSeen {
            method: request.method.clone(),
            path: request.target.clone(),
            headers: request.headers.clone(),
            connection_id,
            identity,
        });
        state.in_flight += 1;
        state.max_in_flight = state.max_in_flight.max(state.in_flight);
        state.routes.clone()
    };
    let mut flight = InFlight(Some(shared));
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let reply = match identity {
        None => unauthorized(path),
        Some(identity) => routes.answer(&Asked {
            method: request.method.clone(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: request.headers.clone(),
            identity,
            instance,
        }),
    };
    let pause = |pause| shared.pause(pause);
    let mut finished = || flight.land();
    let sent = |bytes: usize| shared.state().sent += bytes;
    Wire { gzip: shared.gzip, pause: &pause, finished: &mut finished, sent: &sent }
        .send(stream, request, &reply)
}

/// Who asks, or `None` if the credentials are unknown. As in kube-apiserver a client
/// certificate is looked at before a token.
fn identify(by_certificate: Option<Identity>, authorization: Option<&str>) -> Option<Identity> {
    match (by_certificate, authorization) {
        (Some(identity), _) => Some(identity),
        (None, None) => Some(Identity::Anonymous),
        (None, Some(value)) => Identity::of_token(value.strip_prefix("Bearer ")?),
    }
}

/// Counts a request as being answered until it lands, also if answering fails.
struct InFlight<'a>(Option<&'a Shared>);

impl InFlight<'_> {
    fn land(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.state().in_flight -= 1;
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.land();
    }
}

/// A test that has already failed in one thread should not hide behind poisoned locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
