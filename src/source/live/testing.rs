//! A server on a socket that answers as a test says, over plain HTTP.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// A request as it came in.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Connections are counted from 0.
    pub connection: usize,
    pub method: String,
    pub path: String,
    /// Lower case.
    pub head: String,
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    Json(u16, Value),
    Text(u16, String),
    /// With a header.
    With(u16, &'static str, &'static str, String),
    /// Promises more than it sends.
    CutOff(String),
    /// Sends the text byte by byte, for ever.
    Drip,
    /// Ends the connection without an answer.
    Close,
    /// Says nothing.
    Hang,
}

pub(super) struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(super) fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().flatten().enumerate() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, connection, &log, &*answer));
            }
        });
        Self { url, seen }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn count(&self, part: &str) -> usize {
        self.seen().iter().filter(|seen| seen.path.contains(part)).count()
    }
}

fn serve(mut stream: TcpStream, connection: usize, log: &Mutex<Vec<Seen>>, answer: &dyn Fn(&Seen) -> Reply) {
    while let Some(head) = read_head(&mut stream) {
        let mut words = head.split(' ');
        let seen = Seen {
            connection,
            method: words.next().unwrap_or_default().to_owned(),
            path: words.next().unwrap_or_default().to_owned(),
            head: head.to_lowercase(),
        };
        log.lock().unwrap().push(seen.clone());
        let (code, header, body) = match answer(&seen) {
            Reply::Json(code, value) => {
                (code, "content-type: application/json".to_owned(), value.to_string())
            }
            Reply::Text(code, text) => (code, "content-type: text/plain".to_owned(), text),
            Reply::With(code, name, value, text) => (code, format!("{name}: {value}"), text),
            Reply::CutOff(text) => {
                let _ =
                    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len() + 10);
                return;
            }
            Reply::Drip => {
                let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
                while stream.write_all(b" ").is_ok() {
                    std::thread::sleep(Duration::from_millis(20));
                }
                return;
            }
            Reply::Close => return,
            Reply::Hang => {
                std::thread::sleep(Duration::from_secs(60));
                return;
            }
        };
        let length = body.len();
        if write!(stream, "HTTP/1.1 {code} X\r\n{header}\r\ncontent-length: {length}\r\n\r\n{body}").is_err()
        {
            return;
        }
    }
}

fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        if head.is_empty() && byte == [0x16] {
            // A TLS handshake. Go's server answers the other way round with the same words.
            let _ = stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\nnot here\n");
            return None;
        }
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}
