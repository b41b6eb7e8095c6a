//! One connection: bytes in, bytes out, with an end to every wait.

use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use rustls::{ServerConnection, StreamOwned};
use socket2::SockRef;

use super::headers::Headers;

/// The longest head of a request.
const MAX_HEAD: usize = 64 << 10;
/// The most headers of a request.
const MAX_HEADERS: usize = 128;
/// How many bytes are read at a time.
const BLOCK: usize = 64 << 10;
/// For how long a client may take no byte of a reply.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// How many bytes are thrown away after a reply, as Doris does it.
const MAX_DRAIN: u64 = 1 << 30;
/// For how long it may be silent while they are.
const DRAIN_SILENCE: Duration = Duration::from_secs(1);

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
    Memory(Cursor<Vec<u8>>, Vec<u8>),
}

/// A connection, with the bytes that were read from it and not yet taken.
pub struct Wire {
    stream: Stream,
    buffer: Vec<u8>,
    taken: usize,
}

/// The head of a request, as parsed.
#[derive(Clone, Debug)]
pub struct Head {
    /// The method.
    pub method: String,
    /// What stands between method and version.
    pub target: String,
    /// Whether it is HTTP/1.1, not 1.0.
    pub is_http11: bool,
    /// The headers.
    pub headers: Headers,
}

/// Why no request could be read.
#[derive(Debug, thiserror::Error)]
pub enum BadHead {
    /// The bytes are no HTTP.
    #[error("a request that is no HTTP/1.1: {0}")]
    Malformed(#[from] httparse::Error),
    /// The head does not end.
    #[error("the head of a request is longer than 64 KiB")]
    TooLong,
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Wire {
    /// A connection without TLS.
    pub fn plain(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        Ok(Self::over(Stream::Plain(stream)))
    }

    /// A connection with TLS, whose handshake comes with the first read.
    pub fn tls(stream: TcpStream, tls: ServerConnection) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        Ok(Self::over(Stream::Tls(Box::new(StreamOwned::new(tls, stream)))))
    }

    /// A connection that consists of these bytes: for tests.
    #[must_use]
    pub fn of_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::over(Stream::Memory(Cursor::new(bytes.into()), Vec::new()))
    }

    fn over(stream: Stream) -> Self {
        Self { stream, buffer: Vec::new(), taken: 0 }
    }

    /// What was written to a connection of [`Wire::of_bytes`].
    #[must_use]
    pub fn written(&self) -> &[u8] {
        match &self.stream {
            Stream::Memory(_, written) => written,
            _ => &[],
        }
    }

    fn socket(&self) -> Option<&TcpStream> {
        match &self.stream {
            Stream::Plain(stream) => Some(stream),
            Stream::Tls(stream) => Some(&stream.sock),
            Stream::Memory(..) => None,
        }
    }

    /// How long a read may wait from now on.
    pub fn set_silence(&self, silence: Duration) -> io::Result<()> {
        let silence = silence.max(Duration::from_millis(1));
        self.socket().map_or(Ok(()), |socket| socket.set_read_timeout(Some(silence)))
    }

    /// The bytes that were read and not yet taken.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        &self.buffer[self.taken..]
    }

    fn consume(&mut self, count: usize) {
        self.taken = (self.taken + count).min(self.buffer.len());
        if self.taken == self.buffer.len() {
            self.buffer.clear();
            self.taken = 0;
        }
    }

    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match &mut self.stream {
                Stream::Plain(stream) => stream.read(into),
                Stream::Tls(stream) => stream.read(into),
                Stream::Memory(bytes, _) => bytes.read(into),
            };
            match read {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Reads on into the buffer; 0 at the end of the connection.
    pub fn fill(&mut self) -> io::Result<usize> {
        if self.taken > 0 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        let old = self.buffer.len();
        let mut block = std::mem::take(&mut self.buffer);
        block.resize(old + BLOCK, 0);
        let read = self.receive(&mut block[old..]);
        block.truncate(old + read.as_ref().map_or(0, |count| *count));
        self.buffer = block;
        read
    }

    /// Takes bytes: those read before, else new ones; 0 at the end of the connection.
    pub fn take(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.buffered().is_empty() {
            return self.receive(into);
        }
        let count = into.len().min(self.buffered().len());
        into[..count].copy_from_slice(&self.buffered()[..count]);
        self.consume(count);
        Ok(count)
    }

    /// Takes a line without its line end, which must be CR LF.
    pub fn take_line(&mut self, max: usize) -> io::Result<String> {
        loop {
            if let Some(end) = self.buffered().windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(&self.buffered()[..end]).into_owned();
                self.consume(end + 2);
                return Ok(line);
            }
            if self.buffered().len() > max {
                return Err(io::Error::new(ErrorKind::InvalidData, "a line without an end"));
            }
            if self.fill()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// The next request's head; nothing when the connection ends before one begins.
    pub fn read_head(&mut self) -> Result<Option<Head>, BadHead> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut request = httparse::Request::new(&mut headers);
            let parsed = request.parse(self.buffered())?;
            if let httparse::Status::Complete(length) = parsed {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
                let head = Head {
                    method: request.method.unwrap_or_default().to_owned(),
                    target: request.path.unwrap_or_default().to_owned(),
                    is_http11: request.version == Some(1),
                    headers: request.headers.iter().map(|h| (h.name, text(h.value))).collect(),
                };
                self.consume(length);
                return Ok(Some(head));
            }
            if self.buffered().len() > MAX_HEAD {
                return Err(BadHead::TooLong);
            }
            if self.fill()? == 0 {
                let nothing = self.buffered().is_empty();
                return if nothing { Ok(None) } else { Err(BadHead::Io(eof())) };
            }
        }
    }

    /// How many bytes are there without waiting for longer than this.
    pub fn watch(&mut self, wait: Duration) -> io::Result<usize> {
        if self.buffered().is_empty() && !wait.is_zero() {
            self.set_silence(wait)?;
            match self.fill() {
                Err(error) if !is_timeout(&error) => return Err(error),
                _ => {}
            }
        }
        Ok(self.buffered().len())
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes),
            Stream::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
            Stream::Memory(_, written) => written.write_all(bytes),
        }
    }

    /// Ends the connection with a reset, as a crash does.
    pub fn reset(self) {
        if let Some(socket) = self.socket() {
            // Without it the end would be an orderly one, which is worse only for the test.
            let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
        }
    }

    /// Ends the connection so that the last reply arrives even if the client still sends: what it
    /// sends is thrown away until it stops. Gives how much that was.
    pub fn finish(mut self) -> u64 {
        if let Stream::Tls(stream) = &mut self.stream {
            stream.conn.send_close_notify();
            // The client may have gone already: then nobody waits for this.
            let _ = stream.flush();
        }
        let mut drained = self.buffered().len() as u64;
        self.consume(self.buffered().len());
        let Some(socket) = self.socket() else { return drained };
        if socket.shutdown(Shutdown::Write).is_err() || self.set_silence(DRAIN_SILENCE).is_err() {
            return drained;
        }
        let end = Instant::now() + Duration::from_secs(60);
        let mut block = vec![0; BLOCK];
        while drained < MAX_DRAIN && Instant::now() < end {
            match self.receive(&mut block) {
                Ok(0) | Err(_) => break,
                Ok(count) => drained += count as u64,
            }
        }
        drained
    }
}

fn eof() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the connection ended inside the head of a request")
}

/// Whether a read ended because nothing came in time.
#[must_use]
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_one_after_the_other() {
        let mut wire =
            Wire::of_bytes("PUT /a HTTP/1.1\r\nLabel:  x \r\n\r\nGET / HTTP/1.0\r\n\r\n");
        let first = wire.read_head().unwrap().unwrap();
        assert_eq!((first.method.as_str(), first.headers.get("label")), ("PUT", Some("x")));
        let second = wire.read_head().unwrap().unwrap();
        assert!(!second.is_http11 && wire.read_head().unwrap().is_none());
    }

    #[test]
    fn what_is_no_http_is_refused() {
        assert!(matches!(Wire::of_bytes("\u{1}\r\n\r\n").read_head(), Err(BadHead::Malformed(_))));
        assert!(matches!(Wire::of_bytes("PUT /a HT").read_head(), Err(BadHead::Io(_))));
        let long = format!("GET / HTTP/1.1\r\nx: {}", "y".repeat(2 * MAX_HEAD));
        assert!(matches!(Wire::of_bytes(long).read_head(), Err(BadHead::TooLong)));
    }
}
