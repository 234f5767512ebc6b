//! What the server has noticed.

use super::http;
use super::routes::Identity;

/// A request that reached the server, in the order of arrival.
#[derive(Clone, Debug)]
pub struct RequestSeen {
    pub method: String,
    /// The path with the query, as sent.
    pub path: String,
    pub headers: Vec<(String, String)>,
    /// Index into `RecordedServer::connections`.
    pub connection_id: usize,
    /// `None` when the credentials were unknown and the answer was 401.
    pub identity: Option<Identity>,
}

impl RequestSeen {
    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        http::header(&self.headers, name)
    }

    /// The path without the query.
    pub fn bare_path(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }
}

/// A TCP connection that reached the server, whether or not TLS came about.
#[derive(Clone, Debug)]
pub struct ConnectionSeen {
    pub id: usize,
    /// Which instance answers on it.
    pub instance: usize,
    /// The name the client asked for in its TLS hello; none for a bare address.
    pub server_name: Option<String>,
    /// True once the TLS handshake is done.
    pub established: bool,
    /// Why the connection ended, when it was not the usual farewell.
    pub error: Option<String>,
}
