//! A blocking HTTPS client of a few lines, strict about framing.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use crate::support::server::RecordedServer;

/// One keep-alive connection.
pub struct Client {
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Client {
    /// Connects to the server by its address, trusting its authority.
    pub fn connect(server: &RecordedServer) -> Self {
        Self::try_connect(server.address(), &server.ca_pem(), "127.0.0.1").unwrap()
    }

    /// Connects, trusting this authority and expecting this name; the handshake is done.
    pub fn try_connect(address: SocketAddr, ca_pem: &str, name: &'static str) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut tls = ClientConnection::new(Arc::new(config), ServerName::try_from(name).unwrap()).unwrap();
        while tls.is_handshaking() {
            if let Err(error) = tls.complete_io(&mut socket) {
                let _ = tls.write_tls(&mut socket);
                return Err(error);
            }
        }
        Ok(Self { stream: BufReader::new(StreamOwned::new(tls, socket)) })
    }

    /// How long to wait for bytes; 10 s unless told.
    pub fn patience(self, timeout: Duration) -> Self {
        self.stream.get_ref().sock.set_read_timeout(Some(timeout)).unwrap();
        self
    }

    /// GET as this token (empty: without one).
    pub fn get(&mut self, token: &str, path: &str) -> io::Result<Answer> {
        self.get_with(token, path, &[("Accept", "application/json")])
    }

    /// GET with these headers.
    pub fn get_with(&mut self, token: &str, path: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
        self.send("GET", token, path, headers)?;
        let (status, headers) = self.head()?;
        let mut body = Vec::new();
        if find(&headers, "transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk()? {
                body.extend(chunk);
            }
        } else {
            body = vec![0; find(&headers, "content-length").unwrap().parse().unwrap()];
            self.stream.read_exact(&mut body)?;
        }
        Ok(Answer { status, headers, body })
    }

    /// Sends a request and does not wait for the answer.
    pub fn send(
        &mut self,
        method: &str,
        token: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> io::Result<()> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: kubernetes\r\n");
        if !token.is_empty() {
            request += &format!("Authorization: Bearer {token}\r\n");
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        self.stream.get_mut().write_all((request + "\r\n").as_bytes())?;
        self.stream.get_mut().flush()
    }

    /// Reads status and headers of an answer.
    pub fn head(&mut self) -> io::Result<(u16, Vec<(String, String)>)> {
        let status = self.line()?.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok((status, headers));
            }
            let (name, value) = line.split_once(": ").unwrap();
            headers.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Reads a chunk of a body; `None` is the end.
    pub fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let size = usize::from_str_radix(&self.line()?, 16).unwrap();
        let mut chunk = vec![0; size];
        self.stream.read_exact(&mut chunk)?;
        assert_eq!(self.line()?, "");
        Ok((size > 0).then_some(chunk))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.strip_suffix("\r\n").unwrap().to_owned())
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}
