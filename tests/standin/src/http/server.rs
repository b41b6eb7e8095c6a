//! A listener and its connections: one thread each, all of which end when it stops.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection};
use socket2::SockRef;

use super::wire::Wire;

/// The most connections of one server; those beyond are refused.
const MAX_CONNECTIONS: usize = 1024;
/// For how long a stop waits until the connections' threads have ended.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// What a server does with a connection.
pub type Handler = Arc<dyn Fn(Wire, &Life) + Send + Sync>;

/// Whether a server still runs, and its connections.
#[derive(Debug, Default)]
pub struct Life {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    ended: bool,
    next: u64,
    connections: HashMap<u64, TcpStream>,
}

impl Life {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the server was stopped.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// Waits for so long, or until the server stops; whether it still runs.
    pub fn wait(&self, wait: Duration) -> bool {
        let end = Instant::now() + wait;
        let mut state = self.lock();
        while !state.ended {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            let woken = self.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    /// Takes a connection in; nothing if the server has ended or is full.
    fn enter(&self, stream: &TcpStream) -> io::Result<Option<u64>> {
        let handle = stream.try_clone()?;
        let mut state = self.lock();
        if state.ended || state.connections.len() >= MAX_CONNECTIONS {
            return Ok(None);
        }
        let id = state.next;
        state.next += 1;
        state.connections.insert(id, handle);
        Ok(Some(id))
    }

    fn leave(&self, id: u64) {
        self.lock().connections.remove(&id);
        self.changed.notify_all();
    }

    /// Ends every connection and wakes whoever waits.
    pub fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        for stream in state.connections.values() {
            // A connection that is gone already needs neither.
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.changed.notify_all();
    }

    /// Waits until every connection's thread has ended.
    fn settle(&self) {
        let end = Instant::now() + STOP_WAIT;
        let mut state = self.lock();
        while !state.connections.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let woken = self.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Leaves, however the connection's thread ends.
struct Presence {
    life: Arc<Life>,
    id: u64,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.life.leave(self.id);
    }
}

/// A server that runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    life: Arc<Life>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves the listener's connections, each by the handler in a thread of its own.
    pub fn start(
        name: &str,
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        handler: Handler,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let life = Arc::new(Life::default());
        let mine = Arc::clone(&life);
        let thread_name = name.to_owned();
        let accepting = thread::Builder::new()
            .name(format!("{name}-accept"))
            .spawn(move || accept(&thread_name, &listener, tls.as_ref(), &mine, &handler))?;
        Ok(Self { address, life, accepting: Some(accepting) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.life.end();
        // The accepting thread sees the end when it accepts the next connection: this one.
        let mut own = self.address;
        if own.ip().is_unspecified() {
            own.set_ip(match own {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        let woken = TcpStream::connect_timeout(&own, Duration::from_secs(1)).is_ok();
        let accepting = self.accepting.take();
        if let Some(accepting) = accepting.filter(|thread| woken || thread.is_finished()) {
            // It ends by a panic only after having printed it.
            let _ = accepting.join();
        }
        self.life.settle();
    }
}

fn accept(
    name: &str,
    listener: &TcpListener,
    tls: Option<&Arc<ServerConfig>>,
    life: &Arc<Life>,
    handler: &Handler,
) {
    loop {
        let accepted = listener.accept();
        if life.has_ended() {
            return;
        }
        // A client that went before it was accepted, or too many open files: the next may do.
        let Ok((stream, _)) = accepted else {
            if !life.wait(Duration::from_millis(10)) {
                return;
            }
            continue;
        };
        let Ok(Some(id)) = life.enter(&stream) else { continue };
        let presence = Presence { life: Arc::clone(life), id };
        let tls = tls.cloned();
        let handler = Arc::clone(handler);
        let started = thread::Builder::new().name(name.to_owned()).spawn(move || {
            // All of it, so that it leaves when the thread ends.
            let presence = presence;
            if let Ok(wire) = open(stream, tls) {
                handler(wire, &presence.life);
            }
        });
        if let Err(error) = started {
            eprintln!("millrace-standin: a connection got no thread: {error}");
        }
    }
}

fn open(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<Wire> {
    match tls {
        None => Wire::plain(stream),
        Some(config) => Wire::tls(stream, ServerConnection::new(config).map_err(io::Error::other)?),
    }
}
