//! Just enough HTTP/1.1 to read a request and to frame an answer.

use std::io::{self, BufRead, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

/// A request as it came over the wire; a body is read (so that keep-alive stays in step) and
/// dropped, because a read-only client has none to send.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path with the query, as sent.
    pub target: String,
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// Reads the next request of a connection; `None` when the client has closed it.
    pub fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let Some(start) = line(from)? else { return Ok(None) };
        let mut words = start.split(' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not an HTTP request line"));
        };
        let mut request = Self { method: method.to_owned(), target: target.to_owned(), headers: Vec::new() };
        while let Some(header) = line(from)?.filter(|header| !header.is_empty()) {
            if let Some((name, value)) = header.split_once(':') {
                request.headers.push((name.to_owned(), value.trim().to_owned()));
            }
        }
        if let Some(length) = header(&request.headers, "content-length").and_then(|text| text.parse().ok()) {
            io::copy(&mut from.take(length), &mut io::sink())?;
        }
        Ok(Some(request))
    }

    /// Whether the client wants the connection closed after this exchange.
    pub fn wants_close(&self) -> bool {
        header(&self.headers, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// The first header of that name, whatever its case.
pub fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// A query parameter, decoded the way form encoding asks (`+` is a space).
pub fn query_param(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key) == name).then(|| decode(value))
    })
}

/// Percent-decoding; a broken escape stays as it is.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, escaped) {
            (b'%', Some(value)) => {
                out.push(value);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (other, _) => out.push(other),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// How the bytes of an answer's body are delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Length(usize),
    Chunked,
}

/// The head of an answer. Framing headers among `headers` are replaced by `framing`.
pub fn head(status: u16, headers: &[(String, String)], framing: Framing) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status} {}\r\n", reason(status)).into_bytes();
    for (name, value) in headers {
        if !["content-length", "transfer-encoding"].contains(&name.to_ascii_lowercase().as_str()) {
            out.extend(format!("{name}: {value}\r\n").into_bytes());
        }
    }
    let framing = match framing {
        Framing::Length(bytes) => format!("Content-Length: {bytes}\r\n\r\n"),
        Framing::Chunked => "Transfer-Encoding: chunked\r\n\r\n".to_owned(),
    };
    out.extend(framing.into_bytes());
    out
}

/// Writes what it is given as HTTP chunks, one per write.
pub struct ChunkWriter<W: Write>(pub W);

impl<W: Write> ChunkWriter<W> {
    /// The chunk that ends the body.
    pub fn finish(mut self) -> io::Result<()> {
        self.0.write_all(b"0\r\n\r\n")?;
        self.0.flush()
    }
}

impl<W: Write> Write for ChunkWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !bytes.is_empty() {
            let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
            chunk.extend_from_slice(bytes);
            chunk.extend_from_slice(b"\r\n");
            self.0.write_all(&chunk)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A body as `Content-Encoding: gzip` carries it.
pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("compressing into memory")
}

fn line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    const LONGEST: u64 = 64 * 1024;
    let mut line = String::new();
    if from.take(LONGEST).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        410 => "Gone",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unknown",
    }
}
