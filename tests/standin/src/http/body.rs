//! The body of a request, by length or in chunks, with `100 Continue` when it is first read.

use std::io::{self, ErrorKind, Read};
use std::time::Duration;

use super::headers::Headers;
use super::server::Life;
use super::wire::Wire;
use crate::stall::Stall;

/// The longest line between chunks.
const MAX_LINE: usize = 4096;
/// The most lines after the last chunk.
const MAX_TRAILERS: usize = 128;
/// After how many bytes a chunked body is cut that is to be cut half-way.
const HALF_OF_CHUNKED: u64 = 32 << 10;

/// How a request says where its body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// It has neither length nor chunks: no body.
    Absent,
    /// `Content-Length`.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// Both; read as chunks.
    Both(u64),
}

impl Framing {
    /// What the headers say, or why they cannot be understood.
    pub fn of(headers: &Headers) -> Result<Self, String> {
        let mut lengths = headers.all("content-length");
        let length = match lengths.next() {
            None => None,
            Some(text) => match text.parse::<u64>() {
                Ok(length) if text.bytes().all(|b| b.is_ascii_digit()) => Some(length),
                _ => return Err(format!("Content-Length is {text:?}")),
            },
        };
        if lengths.any(|other| other.parse::<u64>().ok() != length) {
            return Err("several values of Content-Length".to_owned());
        }
        match (headers.get("transfer-encoding"), length) {
            (None, None) => Ok(Self::Absent),
            (None, Some(length)) => Ok(Self::Length(length)),
            (Some(coding), length) if coding.eq_ignore_ascii_case("chunked") => {
                Ok(length.map_or(Self::Chunked, Self::Both))
            }
            (Some(coding), _) => Err(format!("Transfer-Encoding is {coding:?}")),
        }
    }

    /// Whether body bytes can come.
    #[must_use]
    pub fn has_bytes(self) -> bool {
        !matches!(self, Self::Absent | Self::Length(0))
    }
}

/// Where a fault cuts the connection while a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutPlan {
    /// When it is first read, after `100 Continue`.
    AfterContinue,
    /// After half of it.
    Half,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Nothing was read: `100 Continue` is still to be sent, if the client waits for it.
    Unread,
    /// Inside the bytes of the body, or of a chunk.
    Inside,
    /// It was read to its end.
    Done,
    /// It was cut or is malformed; nothing can follow on this connection.
    Broken,
}

/// The body of one request, still on its connection.
pub struct Body<'a> {
    wire: &'a mut Wire,
    framing: Framing,
    expects_continue: bool,
    progress: Progress,
    left: u64,
    received: u64,
    early: u64,
    plan: Option<CutPlan>,
    was_cut: bool,
    fault: Option<String>,
    in_chunk: bool,
    /// What every read waits for, and the server that it waits in.
    stall: Option<(&'a Stall, &'a Life)>,
}

impl<'a> Body<'a> {
    /// The body that follows on this connection.
    #[must_use]
    pub fn new(wire: &'a mut Wire, framing: Framing, expects_continue: bool) -> Self {
        Self {
            wire,
            framing,
            expects_continue,
            progress: Progress::Unread,
            left: 0,
            received: 0,
            early: 0,
            plan: None,
            was_cut: false,
            fault: None,
            in_chunk: false,
            stall: None,
        }
    }

    /// The length that the client announced.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        match self.framing {
            Framing::Length(length) | Framing::Both(length) => Some(length),
            Framing::Absent | Framing::Chunked => None,
        }
    }

    /// How its end is told.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// How many bytes of it were read.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// How many bytes the client had sent when the body was first read or watched for, without
    /// waiting for `100 Continue`.
    #[must_use]
    pub fn early_bytes(&self) -> u64 {
        self.early
    }

    /// Whether a next request can follow on the connection.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.progress == Progress::Done
            || (self.progress == Progress::Unread && !self.framing.has_bytes())
    }

    /// Whether a fault has cut the connection.
    #[must_use]
    pub fn was_cut(&self) -> bool {
        self.was_cut
    }

    /// What is wrong with its chunks.
    #[must_use]
    pub fn malformed(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Takes no byte while the servers stand still.
    pub fn wait_for(&mut self, stall: &'a Stall, life: &'a Life) {
        self.stall = Some((stall, life));
    }

    /// Cuts the connection while the body is read.
    pub fn plan_cut(&mut self, plan: CutPlan) {
        self.plan = Some(plan);
    }

    /// Watches for body bytes that come although nobody has asked for them yet.
    pub fn watch(&mut self, wait: Duration) -> io::Result<u64> {
        if self.progress == Progress::Unread && self.framing.has_bytes() {
            self.early = self.wire.watch(wait)? as u64;
        }
        Ok(self.early)
    }

    /// How long a read may wait from now on.
    pub fn set_silence(&self, silence: Duration) -> io::Result<()> {
        self.wire.set_silence(silence)
    }

    /// Reads all of it, at most this many bytes.
    pub fn read_all(&mut self, max: u64) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        self.by_ref().take(max.saturating_add(1)).read_to_end(&mut all)?;
        if all.len() as u64 > max {
            return Err(io::Error::new(ErrorKind::InvalidData, "the body is too long"));
        }
        Ok(all)
    }

    fn begin(&mut self) -> io::Result<()> {
        self.early = self.early.max(self.wire.buffered().len() as u64);
        // A client that has sent its body already does not wait, and is told all the same, as
        // the backends' server does it.
        if self.expects_continue && self.framing.has_bytes() {
            self.wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        self.progress = match self.framing {
            Framing::Absent | Framing::Length(0) => Progress::Done,
            _ => Progress::Inside,
        };
        if let Framing::Length(length) = self.framing {
            self.left = length;
        }
        if self.plan == Some(CutPlan::AfterContinue) {
            return Err(self.cut());
        }
        Ok(())
    }

    fn cut(&mut self) -> io::Error {
        self.was_cut = true;
        self.progress = Progress::Broken;
        io::Error::new(ErrorKind::ConnectionReset, "a fault cuts the connection")
    }

    fn broken(&mut self, why: String) -> io::Error {
        self.progress = Progress::Broken;
        self.fault = Some(why.clone());
        io::Error::new(ErrorKind::InvalidData, why)
    }

    /// How many bytes may still be read before a fault cuts.
    fn allowance(&self) -> u64 {
        let half = match (self.plan, self.framing) {
            (Some(CutPlan::Half), Framing::Length(length)) => length / 2,
            (Some(CutPlan::Half), _) => HALF_OF_CHUNKED,
            _ => u64::MAX,
        };
        half.saturating_sub(self.received)
    }

    /// A line between chunks.
    fn line(&mut self) -> io::Result<String> {
        match self.wire.take_line(MAX_LINE) {
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                Err(self.broken(error.to_string()))
            }
            other => other,
        }
    }

    /// Goes on to the next chunk with bytes, or to the end of the body.
    fn next_chunk(&mut self) -> io::Result<()> {
        if self.in_chunk {
            if !self.line()?.is_empty() {
                return Err(self.broken("a chunk is longer than it says".to_owned()));
            }
            if self.plan == Some(CutPlan::Half) {
                return Err(self.cut());
            }
        }
        let line = self.line()?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let is_hex = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let Some(size) = u64::from_str_radix(digits, 16).ok().filter(|_| is_hex) else {
            return Err(self.broken(format!("{line:?} is not the size of a chunk")));
        };
        self.in_chunk = true;
        self.left = size;
        if size == 0 {
            let mut trailers = 0;
            while !self.line()?.is_empty() {
                trailers += 1;
                if trailers > MAX_TRAILERS {
                    return Err(self.broken("the lines after the last chunk do not end".to_owned()));
                }
            }
            self.progress = Progress::Done;
        }
        Ok(())
    }
}

impl Read for Body<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        match self.progress {
            Progress::Unread => self.begin()?,
            Progress::Broken => return Err(ErrorKind::ConnectionReset.into()),
            Progress::Inside | Progress::Done => {}
        }
        if let Some((stall, life)) = self.stall
            && !stall.pass(life)
        {
            self.progress = Progress::Broken;
            return Err(ErrorKind::ConnectionReset.into());
        }
        if self.progress == Progress::Inside && self.left == 0 {
            self.next_chunk()?;
        }
        if self.plan == Some(CutPlan::Half) && self.allowance() == 0 {
            return Err(self.cut());
        }
        if self.progress == Progress::Done {
            return Ok(0);
        }
        let most = self.left.min(self.allowance()).min(into.len() as u64);
        let most = usize::try_from(most).unwrap_or(into.len());
        let count = self.wire.take(&mut into[..most])?;
        if count == 0 {
            self.progress = Progress::Broken;
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        self.received += count as u64;
        if self.left == 0 && matches!(self.framing, Framing::Length(_)) {
            self.progress = Progress::Done;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunked(bytes: &str) -> (io::Result<Vec<u8>>, bool) {
        let mut wire = Wire::of_bytes(bytes);
        let mut body = Body::new(&mut wire, Framing::Chunked, false);
        let read = body.read_all(1 << 20);
        (read, body.is_done())
    }

    #[test]
    fn continue_is_sent_when_the_body_is_first_read() {
        let mut wire = Wire::of_bytes("abcdGET");
        let mut body = Body::new(&mut wire, Framing::Length(4), true);
        assert!(body.wire.written().is_empty() && !body.is_done());
        assert_eq!(body.read_all(10).unwrap(), b"abcd");
        assert!(body.is_done() && body.received() == 4);
        assert_eq!(wire.written(), b"HTTP/1.1 100 Continue\r\n\r\n");
        assert_eq!(wire.buffered(), b"");
    }

    #[test]
    fn chunks_end_with_a_trailer() {
        let (read, done) = chunked("4;x=y\r\nabcd\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n");
        assert_eq!(read.unwrap(), b"abcd0123456789");
        assert!(done);
    }

    #[test]
    fn chunks_that_lie_are_refused() {
        for bytes in ["2\r\nabc\r\n0\r\n\r\n", "x\r\n", "-1\r\n", "\r\n", "4\r\nab"] {
            let (read, done) = chunked(bytes);
            assert!(read.is_err() && !done, "{bytes:?}");
        }
    }

    #[test]
    fn lines_between_chunks_have_a_bound() {
        for bytes in [format!("4;{}", "x".repeat(9000)), format!("0\r\n{}", "T: x\r\n".repeat(200))]
        {
            let mut wire = Wire::of_bytes(bytes);
            let mut body = Body::new(&mut wire, Framing::Chunked, false);
            assert!(body.read_all(10).is_err() && body.malformed().is_some());
        }
    }

    #[test]
    fn a_body_that_stops_early_is_an_error() {
        let mut wire = Wire::of_bytes("abc");
        let mut body = Body::new(&mut wire, Framing::Length(4), false);
        assert_eq!(body.read_all(10).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!(body.received(), 3);
    }

    #[test]
    fn a_fault_cuts_after_continue_or_half_way() {
        let mut wire = Wire::of_bytes("abcdef");
        let mut body = Body::new(&mut wire, Framing::Length(6), true);
        body.plan_cut(CutPlan::AfterContinue);
        assert!(body.read_all(10).is_err() && body.was_cut() && body.received() == 0);
        assert_eq!(wire.written(), b"HTTP/1.1 100 Continue\r\n\r\n");

        let mut wire = Wire::of_bytes("abcdef");
        let mut body = Body::new(&mut wire, Framing::Length(6), false);
        body.plan_cut(CutPlan::Half);
        assert!(body.read_all(10).is_err() && body.was_cut() && body.received() == 3);

        let mut wire = Wire::of_bytes("2\r\nab\r\n0\r\n\r\n");
        let mut body = Body::new(&mut wire, Framing::Chunked, false);
        body.plan_cut(CutPlan::Half);
        assert!(body.read_all(10).is_err() && body.was_cut() && body.received() == 2);
    }

    #[test]
    fn framing_is_what_the_headers_say() {
        let of = |pairs: &[(&str, &str)]| Framing::of(&pairs.iter().copied().collect());
        assert_eq!(of(&[]), Ok(Framing::Absent));
        assert_eq!(of(&[("Content-Length", "0")]), Ok(Framing::Length(0)));
        assert_eq!(of(&[("Transfer-Encoding", "Chunked")]), Ok(Framing::Chunked));
        let both = [("Content-Length", "3"), ("Transfer-Encoding", "chunked")];
        assert_eq!(of(&both), Ok(Framing::Both(3)));
        assert!(of(&[("Content-Length", "+3")]).is_err());
        assert!(of(&[("Content-Length", "3"), ("content-length", "4")]).is_err());
        assert!(of(&[("Transfer-Encoding", "gzip")]).is_err());
    }

    proptest! {
        #[test]
        fn chunks_read_back(parts in prop::collection::vec("[a-z]{1,40}", 0..8)) {
            let frame = |part: &String| format!("{:x}\r\n{part}\r\n", part.len());
            let framed: String = parts.iter().map(frame).collect();
            let (read, done) = chunked(&format!("{framed}0\r\n\r\n"));
            prop_assert_eq!(read.unwrap(), parts.concat().into_bytes());
            prop_assert!(done);
        }
    }
}
