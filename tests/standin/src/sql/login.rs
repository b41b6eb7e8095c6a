//! The writing side of a MySQL connection.
//!
//! Packets are held until they are flushed. The library below knows few error numbers and refuses
//! every login with one of its own; the error that was meant is put in its place here. It also
//! greets with an ability that neither system has in these versions: to end the columns of a result
//! without a packet (`CLIENT_DEPRECATE_EOF`); that is taken back.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

use super::error::SqlError;
use super::packets::HEAD;

/// The high byte of `CLIENT_DEPRECATE_EOF`, the sixth behind the first byte of the capabilities.
const DEPRECATE_EOF: u8 = 0x01;

/// Where the capabilities begin in a greeting: behind the version, a number of four bytes, eight of
/// salt and a zero.
pub(super) fn capabilities(greeting: &[u8]) -> Option<usize> {
    let version = greeting.iter().skip(HEAD + 1).position(|byte| *byte == 0);
    version.map(|length| HEAD + 1 + length + 1 + 4 + 8 + 1)
}

/// Takes back what the systems cannot do; a character set and a status are between the halves.
fn without_deprecate_eof(greeting: &mut [u8]) {
    if let Some(byte) = capabilities(greeting).and_then(|first| greeting.get_mut(first + 6)) {
        *byte &= !DEPRECATE_EOF;
    }
}

/// The error that stands for the next one that is written.
#[derive(Clone, Default)]
pub(super) struct Meant(Arc<Mutex<Option<SqlError>>>);

impl Meant {
    /// The next error is this one.
    pub(super) fn set(&self, error: SqlError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn take(&self) -> Option<SqlError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A stream whose packets wait for the flush.
pub(super) struct Output<W> {
    inner: W,
    pending: Vec<u8>,
    sent: usize,
    greeted: bool,
    meant: Meant,
}

impl<W> Output<W> {
    /// Nothing written yet.
    pub(super) fn new(inner: W, meant: Meant) -> Self {
        Self { inner, pending: Vec::new(), sent: 0, greeted: false, meant }
    }
}

/// The bytes with their last packet, if it is an error, saying what was meant.
fn corrected(bytes: &[u8], error: &SqlError) -> Vec<u8> {
    let mut last = 0;
    let mut at = 0;
    while let Some([low, middle, high, _]) = bytes.get(at..at + 4) {
        last = at;
        at += 4 + usize::from(*low) + (usize::from(*middle) << 8) + (usize::from(*high) << 16);
    }
    let (Some(0xFF), Some(sequence)) = (bytes.get(last + 4), bytes.get(last + 3)) else {
        return bytes.to_vec();
    };
    let mut payload = vec![0xFF];
    payload.extend_from_slice(&error.code.to_le_bytes());
    payload.push(b'#');
    payload.extend_from_slice(error.state.as_bytes());
    // A message is cut where a packet would end.
    let message = error.message.as_bytes();
    payload.extend_from_slice(message.get(..60_000).unwrap_or(message));
    let mut corrected = bytes[..last].to_vec();
    let length = u32::try_from(payload.len()).unwrap_or(0).to_le_bytes();
    corrected.extend_from_slice(&[length[0], length[1], length[2], *sequence]);
    corrected.extend_from_slice(&payload);
    corrected
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Output<W> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().pending.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.greeted && !this.pending.is_empty() {
            without_deprecate_eof(&mut this.pending);
            this.greeted = true;
        }
        if this.sent == 0
            && let Some(error) = this.meant.take()
        {
            this.pending = corrected(&this.pending, &error);
        }
        while this.sent < this.pending.len() {
            let rest = this.pending.get(this.sent..).unwrap_or_default();
            match Pin::new(&mut this.inner).poll_write(context, rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => this.sent += written,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        this.pending.clear();
        this.sent = 0;
        Pin::new(&mut this.inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_promises_what_the_systems_can_do() {
        let before = b"\0\0\0\0\x0a8.0.33\0\x01\0\0\0saltsalt\0";
        let mut greeting = [&before[..], b"\x08\x82\x21\0\0\x28\x01rest"].concat();
        without_deprecate_eof(&mut greeting);
        assert_eq!(greeting, [&before[..], b"\x08\x82\x21\0\0\x28\0rest"].concat());
        let mut cut = b"\0\0\0\0\x0a8.0.33\0\x01".to_vec();
        without_deprecate_eof(&mut cut);
        assert_eq!(cut, b"\0\0\0\0\x0a8.0.33\0\x01");
    }

    #[test]
    fn the_last_error_is_the_one_that_was_meant() {
        let error = SqlError::new(1045, "no");
        let refused = [2, 0, 0, 1, 9, 9, 4, 0, 0, 2, 0xFF, 1, 2, 3];
        let bytes = corrected(&refused, &error);
        assert_eq!(bytes[..6], [2, 0, 0, 1, 9, 9]);
        assert_eq!(bytes[6..10], [11, 0, 0, 2]);
        assert_eq!(bytes[10..], *b"\xFF\x15\x04#28000no");
        assert_eq!(corrected(&[1, 0, 0, 1, 0], &error), [1, 0, 0, 1, 0]);
    }
}
