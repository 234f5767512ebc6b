//! Sends a reply over a connection, faults included.

use std::io::{self, Read, Write};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::http::{self, ChunkWriter, Framing, Request};
use super::reply::{METRICS_TYPE, Reply};

/// Whether the connection is good for another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    Keep,
    Close,
    /// Close without the TLS farewell, as a dying process does.
    Abort,
}

/// What sending needs to know about the server.
pub struct Wire<'a> {
    /// Whether bodies are compressed for clients that accept it.
    pub gzip: bool,
    /// Waits so long; true if the server is to stop instead.
    pub pause: &'a dyn Fn(Duration) -> bool,
    /// Called once, right before the last bytes leave: what a client does after it has the
    /// answer must not count as simultaneous with this request.
    pub finished: &'a mut dyn FnMut(),
    /// Told how many bytes of whole answers are sent, their heads included.
    pub sent: &'a dyn Fn(usize),
}

const DRIP: Duration = Duration::from_millis(200);
const CHUNK: usize = 16 * 1024;

impl Wire<'_> {
    /// Sends a resolved reply.
    pub fn send(
        &mut self,
        stream: &mut (impl Read + Write),
        request: &Request,
        reply: &Reply,
    ) -> io::Result<After> {
        match reply {
            Reply::Full { status, headers, body } => self.send_full(stream, request, *status, headers, body),
            Reply::Delayed(pause, reply) => {
                if (self.pause)(*pause) {
                    return Ok(After::Abort);
                }
                self.send(stream, request, reply)
            }
            Reply::TruncatedBody(reply) => {
                let Reply::Full { status, headers, body } = reply.as_ref() else {
                    panic!("only a full answer can be truncated");
                };
                stream.write_all(&http::head(*status, headers, Framing::Length(body.len())))?;
                (self.finished)();
                stream.write_all(&body[..body.len() / 2])?;
                stream.flush()?;
                Ok(After::Abort)
            }
            Reply::EndlessSlowBody => {
                stream.write_all(&http::head(200, &content_type("application/json"), Framing::Chunked))?;
                let mut body = ChunkWriter(stream);
                while !(self.pause)(DRIP) {
                    body.write_all(b" ")?;
                    body.flush()?;
                }
                Ok(After::Abort)
            }
            Reply::HugeBody(bytes) => self.send_huge(stream, request, *bytes),
            Reply::Hang => {
                // Ends when the client leaves, or when the server shuts the socket down.
                while stream.read(&mut [0; 1024])? > 0 {}
                Ok(After::Abort)
            }
            Reply::CloseBeforeReply => {
                (self.finished)();
                Ok(After::Abort)
            }
            Reply::Computed(_) | Reply::Sequence(_) | Reply::Html200 | Reply::GarbageMetrics => {
                panic!("replies are resolved before they are sent")
            }
        }
    }

    fn send_full(
        &mut self,
        stream: &mut impl Write,
        request: &Request,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
    ) -> io::Result<After> {
        let mut headers = headers.to_vec();
        let compressed;
        let body = if self.compresses(request) && http::header(&headers, "content-encoding").is_none() {
            headers.push(("Content-Encoding".to_owned(), "gzip".to_owned()));
            headers.push(("Vary".to_owned(), "Accept-Encoding".to_owned()));
            compressed = http::gzip(body);
            &compressed
        } else {
            body
        };
        let after = if request.wants_close() { After::Close } else { After::Keep };
        if after == After::Close {
            headers.push(("Connection".to_owned(), "close".to_owned()));
        }
        let message = if http::header(&headers, "transfer-encoding").is_some() {
            let mut chunks = ChunkWriter(http::head(status, &headers, Framing::Chunked));
            body.chunks(CHUNK).try_for_each(|chunk| chunks.write_all(chunk))?;
            let mut message = chunks.0;
            ChunkWriter(&mut message).finish()?;
            message
        } else {
            let mut message = http::head(status, &headers, Framing::Length(body.len()));
            message.extend_from_slice(body);
            message
        };
        (self.sent)(message.len());
        let (most, last) = message.split_at(message.len().saturating_sub(CHUNK));
        stream.write_all(most)?;
        (self.finished)();
        stream.write_all(last)?;
        stream.flush()?;
        Ok(after)
    }

    fn send_huge(&mut self, stream: &mut impl Write, request: &Request, bytes: u64) -> io::Result<After> {
        let mut headers = content_type(METRICS_TYPE);
        let compresses = self.compresses(request);
        if compresses {
            headers.push(("Content-Encoding".to_owned(), "gzip".to_owned()));
        }
        stream.write_all(&http::head(200, &headers, Framing::Chunked))?;
        let mut chunks = ChunkWriter(stream);
        if compresses {
            let mut encoder = GzEncoder::new(chunks, Compression::fast());
            self.fill(&mut encoder, bytes)?;
            chunks = encoder.finish()?;
        } else {
            self.fill(&mut chunks, bytes)?;
        }
        (self.finished)();
        chunks.finish()?;
        Ok(After::Keep)
    }

    /// Comment lines, so many bytes of them.
    fn fill(&self, body: &mut impl Write, bytes: u64) -> io::Result<()> {
        let line = format!("# {}\n", "x".repeat(125));
        let block = line.repeat(CHUNK / line.len());
        let mut left = bytes;
        while left > 0 {
            if (self.pause)(Duration::ZERO) {
                return Err(io::Error::other("the server stops"));
            }
            let now = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
            body.write_all(&block.as_bytes()[..now])?;
            left -= now as u64;
        }
        Ok(())
    }

    fn compresses(&self, request: &Request) -> bool {
        self.gzip
            && http::header(&request.headers, "accept-encoding").is_some_and(|value| value.contains("gzip"))
    }
}

fn content_type(value: &str) -> Vec<(String, String)> {
    vec![("Content-Type".to_owned(), value.to_owned())]
}
