//! The reading side of a MySQL connection: never more than one packet at a time.
//!
//! Clients may send requests before the first of them is answered. The library below takes whatever
//! has come, and of several packets reads the first one from memory that it has already given back:
//! statements were lost. So that it sees the next packet only when it asks for it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// Bytes before a packet's payload: its length, and its number.
pub(super) const HEAD: usize = 4;
/// Bytes that are read at a time.
const BLOCK: usize = 16 << 10;

/// A stream whose reads end where a packet does.
pub(super) struct Input<R> {
    inner: R,
    /// What has come and was not yet asked for, from `at` on.
    held: Vec<u8>,
    at: usize,
    /// What is still to come of the packet that is being read, its head included.
    left: usize,
}

impl<R> Input<R> {
    /// Nothing read yet.
    pub(super) fn new(inner: R) -> Self {
        Self { inner, held: Vec::new(), at: 0, left: 0 }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Input<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while out.remaining() > 0 {
            let rest = this.held.get(this.at..).unwrap_or_default();
            if this.left == 0
                && let Some([low, middle, high, _]) = rest.get(..HEAD)
            {
                let [low, middle, high] = [low, middle, high].map(|byte| usize::from(*byte));
                let length = low + (middle << 8) + (high << 16);
                this.left = HEAD + length;
            }
            let count = this.left.min(rest.len()).min(out.remaining());
            if count > 0 {
                out.put_slice(&rest[..count]);
                this.at += count;
                this.left -= count;
                break;
            }
            this.held.drain(..this.at);
            this.at = 0;
            let before = this.held.len();
            this.held.resize(before + BLOCK, 0);
            let mut block = ReadBuf::new(&mut this.held[before..]);
            let polled = Pin::new(&mut this.inner).poll_read(context, &mut block);
            let come = block.filled().len();
            this.held.truncate(before + come);
            ready!(polled)?;
            if come == 0 {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::runtime::Builder;

    use super::*;

    /// What reads of so many bytes find.
    fn reads(bytes: &[u8], at_once: usize) -> Vec<Vec<u8>> {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (mut input, mut found) = (Input::new(bytes), Vec::new());
            let mut buffer = vec![0; at_once];
            loop {
                let count = input.read(&mut buffer).await.unwrap();
                if count == 0 {
                    return found;
                }
                found.push(buffer[..count].to_vec());
            }
        })
    }

    #[test]
    fn a_read_ends_with_its_packet() {
        let bytes = b"\x03\0\0\0abc\0\0\0\x01\x02\0\0\0de";
        let packets = [&b"\x03\0\0\0abc"[..], b"\0\0\0\x01", b"\x02\0\0\0de"];
        assert_eq!(reads(bytes, 100), packets);
        let parts = [&b"\x03\0\0\0a"[..], b"bc", b"\0\0\0\x01", b"\x02\0\0\0d", b"e"];
        assert_eq!(reads(bytes, 5), parts);
        assert_eq!(reads(bytes, 1).concat(), bytes);
    }

    #[test]
    fn a_packet_is_longer_than_what_comes_at_once() {
        let mut bytes = vec![0, 0, 1, 0];
        bytes.resize(HEAD + (1 << 16), 7);
        bytes.extend_from_slice(b"\x01\0\0\0z");
        let found = reads(&bytes, 1 << 20);
        assert_eq!(found.concat(), bytes);
        assert_eq!(found.last().unwrap(), b"\x01\0\0\0z");
    }
}
