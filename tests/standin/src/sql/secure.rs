//! TLS at the MySQL port. The library below has it only with another version of rustls, so that a
//! relay stands before it: offers TLS in its greeting, shakes hands, and hands the packets on.
//!
//! *Not here*: what the packets say (`port`).

use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, copy_bidirectional};
use tokio::net::TcpStream;

use super::login::capabilities;
use super::packets::HEAD;

/// Bytes that are read at a time.
const BLOCK: usize = 16 << 10;
/// The longest packet before TLS.
const MAX_PACKET: usize = 64 << 10;
/// The flag `CLIENT_SSL` in the second byte of the capabilities.
const TLS: u8 = 0x08;
/// A client's packet that asks for TLS is no longer: the rest of it comes encrypted.
const REQUEST: usize = 32;

/// Passes a client's connection on to the library's end, with TLS if the client asks for it.
pub(super) async fn relay(
    config: Arc<ServerConfig>,
    mut client: TcpStream,
    mut library: DuplexStream,
) -> io::Result<()> {
    let mut greeting = packet(&mut library).await?;
    offer(&mut greeting);
    client.write_all(&greeting).await?;
    let answer = packet(&mut client).await?;
    if asks_for_tls(&answer) {
        let tls = ServerConnection::new(config).map_err(io::Error::other)?;
        return secured(tls, client, library).await;
    }
    library.write_all(&answer).await?;
    copy_bidirectional(&mut client, &mut library).await.map(drop)
}

/// One packet with its head.
async fn packet(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut packet = vec![0; HEAD];
    from.read_exact(&mut packet).await?;
    let [low, middle, high] = [0, 1, 2].map(|at| usize::from(packet[at]));
    let length = low + (middle << 8) + (high << 16);
    if length > MAX_PACKET {
        return Err(ErrorKind::InvalidData.into());
    }
    packet.resize(HEAD + length, 0);
    from.read_exact(&mut packet[HEAD..]).await?;
    Ok(packet)
}

/// Puts the flag into a greeting.
fn offer(greeting: &mut [u8]) {
    if let Some(byte) = capabilities(greeting).and_then(|first| greeting.get_mut(first + 1)) {
        *byte |= TLS;
    }
}

fn asks_for_tls(answer: &[u8]) -> bool {
    answer.len() == HEAD + REQUEST && answer.get(HEAD + 1).is_some_and(|byte| byte & TLS != 0)
}

/// What has come: from the client, as records, or from the library, as packets.
enum Came {
    Records(usize),
    Packets(usize),
}

/// Encrypts one way and decrypts the other, until one of the two hangs up.
async fn secured(
    mut tls: ServerConnection,
    mut client: TcpStream,
    mut library: DuplexStream,
) -> io::Result<()> {
    let (mut records, mut packets) = (vec![0; BLOCK], vec![0; BLOCK]);
    let mut plain = Vec::new();
    let mut is_begun = false;
    loop {
        flush(&mut tls, &mut client).await?;
        match next(&mut client, &mut records, &mut library, &mut packets).await? {
            Came::Records(0) => return Ok(()),
            Came::Records(count) => {
                if let Err(error) = decrypt(&mut tls, &records[..count], &mut plain) {
                    // The client is told why.
                    flush(&mut tls, &mut client).await?;
                    return Err(error);
                }
            }
            Came::Packets(0) => {
                tls.send_close_notify();
                return flush(&mut tls, &mut client).await;
            }
            Came::Packets(count) => tls.writer().write_all(&packets[..count])?,
        }
        if !is_begun && plain.len() > HEAD + 1 {
            // Some clients say in the answer, too, that they have TLS, of which the library knows
            // nothing.
            plain[HEAD + 1] &= !TLS;
            is_begun = true;
        }
        if is_begun && !plain.is_empty() {
            library.write_all(&plain).await?;
            plain.clear();
        }
    }
}

/// Sends what TLS has to say.
async fn flush(tls: &mut ServerConnection, client: &mut TcpStream) -> io::Result<()> {
    let mut records = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut records)?;
    }
    client.write_all(&records).await
}

/// Takes records, and adds what was in them.
fn decrypt(tls: &mut ServerConnection, mut records: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
    let mut block = [0; 4096];
    while !records.is_empty() && tls.read_tls(&mut records)? > 0 {
        tls.process_new_packets().map_err(io::Error::other)?;
        loop {
            match tls.reader().read(&mut block) {
                Ok(0) => break,
                Ok(count) => plain.extend_from_slice(&block[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

async fn next(
    client: &mut TcpStream,
    records: &mut [u8],
    library: &mut DuplexStream,
    packets: &mut [u8],
) -> io::Result<Came> {
    let mut of_client = pin!(client.read(records));
    let mut of_library = pin!(library.read(packets));
    poll_fn(|context| {
        if let Poll::Ready(read) = of_client.as_mut().poll(context) {
            return Poll::Ready(read.map(Came::Records));
        }
        of_library.as_mut().poll(context).map(|read| read.map(Came::Packets))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_put_behind_the_salt_and_is_read_from_a_short_answer() {
        let mut greeting = b"\0\0\0\0\x0a8.0.33\0\x01\0\0\0saltsalt\0\xff\xf7rest".to_vec();
        offer(&mut greeting);
        assert!(greeting.ends_with(b"saltsalt\0\xff\xffrest"), "{greeting:?}");
        let mut cut = b"\0\0\0\0\x0a8.0.33".to_vec();
        offer(&mut cut);
        assert_eq!(cut, b"\0\0\0\0\x0a8.0.33");

        let mut answer = vec![0; HEAD + REQUEST];
        assert!(!asks_for_tls(&answer));
        answer[HEAD + 1] = TLS;
        assert!(asks_for_tls(&answer));
        answer.push(0);
        assert!(!asks_for_tls(&answer), "it has more to say in the clear");
    }
}
