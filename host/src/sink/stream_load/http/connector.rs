//! The library's connections, with three things added: an error from before there was a connection
//! is told from later ones, an answer that comes before the whole body is sent is still heard, and
//! waiting for the rest of half an answer ends when it comes or cannot come any more.
//!
//! *Invariants*: what hears is below TLS, which would not read while it has something to write;
//! what waits is above it, where the library looks for what has come.

use std::error::Error;
use std::fmt;
use std::io;
use std::mem;

use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, RustlsConnector, TcpConnector, Transport,
};

/// An error from before there was a connection.
#[derive(Debug)]
pub(super) struct NotConnected(pub ureq::Error);

impl fmt::Display for NotConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for NotConnected {}

fn mark(error: ureq::Error) -> ureq::Error {
    ureq::Error::Other(Box::new(NotConnected(error)))
}

/// The library's resolver or connector, whose errors are told from later ones.
#[derive(Debug)]
pub(super) struct Marking<T>(T);

impl Marking<DefaultResolver> {
    /// The library's resolver.
    pub(super) fn resolver() -> Self {
        Self(DefaultResolver::default())
    }
}

/// TCP, and TLS on it where it is asked for.
#[derive(Debug, Default)]
pub(super) struct Layers {
    tcp: TcpConnector,
    tls: RustlsConnector,
}

impl Marking<Layers> {
    /// The library's connectors.
    pub(super) fn connector() -> Self {
        Self(Layers::default())
    }
}

impl Resolver for Marking<DefaultResolver> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.0.resolve(uri, config, timeout).map_err(mark)
    }
}

impl Connector for Marking<Layers> {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(connection) = self.0.tcp.connect(details, chained).map_err(mark)? else {
            return Ok(None);
        };
        let hearing = Hearing { inner: Box::new(connection), is_cut: false, unsent: None };
        let secured = self.0.tls.connect(details, Some(hearing));
        let secured = secured.map_err(|error| mark(in_handshake(error)))?;
        Ok(secured.map(|inner| {
            let connection: Self::Out = Box::new(Awaiting { inner, has_ended: false });
            connection
        }))
    }
}

/// Somebody is there who hangs up on a greeting of TLS: others say so, some ports only do it.
fn in_handshake(error: ureq::Error) -> ureq::Error {
    match error {
        ureq::Error::Io(error)
            if error.kind() == io::ErrorKind::UnexpectedEof || is_hangup(&error) =>
        {
            ureq::Error::Io(io::Error::other(
                "it hangs up in the middle of the TLS handshake (does this port speak TLS?)",
            ))
        }
        error => error,
    }
}

/// A connection on which the server may answer before it has the whole body, and hang up. The
/// library would report that the rest cannot be written, and never read the answer that says why:
/// here the rest goes nowhere, and the error comes only if there is no answer.
#[derive(Debug)]
struct Hearing {
    inner: Box<dyn Transport>,
    /// Whether the server takes nothing more.
    is_cut: bool,
    /// Why, as long as no answer has come.
    unsent: Option<io::Error>,
}

impl Transport for Hearing {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if self.is_cut {
            return Ok(());
        }
        match self.inner.transmit_output(amount, timeout) {
            Err(ureq::Error::Io(error)) if is_hangup(&error) => {
                (self.is_cut, self.unsent) = (true, Some(error));
                Ok(())
            }
            result => result,
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let result = self.inner.await_input(timeout);
        let unsent = self.unsent.take();
        match (result, unsent) {
            (Ok(false) | Err(_), Some(error)) => Err(ureq::Error::Io(error)),
            (result, _) => result,
        }
    }

    fn is_open(&mut self) -> bool {
        !self.is_cut && self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// A connection on which waiting for an answer comes to an end. Before it sends a body, the library
/// waits for leave, and that may come in pieces. On a connection that was used before it would take
/// the first one for news each time that it looks, and never read the next; of one that the server
/// has closed it would go on expecting more. Both would last until all of its time is over.
#[derive(Debug)]
struct Awaiting<T> {
    inner: T,
    /// Whether the server has said that nothing more comes.
    has_ended: bool,
}

impl<T: Transport> Transport for Awaiting<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let buffers = self.inner.buffers();
        // Nothing is taken: by this the buffers forget that the last answer was news. Of an answer
        // that is there already they must not.
        if buffers.input().is_empty() {
            buffers.input_consume(0);
        }
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let has_more = self.inner.await_input(timeout)?;
        // Once is how the end of a body is told.
        if !has_more && mem::replace(&mut self.has_ended, true) {
            return Err(ureq::Error::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(has_more)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// Whether the other side has closed the connection, after which what it sent can still be read.
fn is_hangup(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
    )
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use std::time::Duration;

    use ureq::Agent;
    use ureq::unversioned::transport::LazyBuffers;

    use super::*;

    /// What a server that has said all would not say.
    const NEEDLESS: &str = "";
    const LEAVE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
    const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

    /// A connection that says one piece each time that it is asked, and then hangs up.
    #[derive(Debug)]
    struct Scripted {
        pieces: VecDeque<&'static str>,
        buffers: LazyBuffers,
    }

    impl Transport for Scripted {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.buffers
        }

        fn transmit_output(&mut self, _: usize, _: NextTimeout) -> Result<(), ureq::Error> {
            Ok(())
        }

        fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
            let Some(piece) = self.pieces.pop_front() else { return Ok(false) };
            assert_ne!(piece, NEEDLESS, "all that is needed is there");
            self.buffers.input_append_buf()[..piece.len()].copy_from_slice(piece.as_bytes());
            self.buffers.input_appended(piece.len());
            Ok(true)
        }

        fn is_open(&mut self) -> bool {
            !self.pieces.is_empty()
        }
    }

    /// Makes one connection.
    #[derive(Debug)]
    struct Once(Mutex<Option<Scripted>>);

    impl Connector for Once {
        type Out = Awaiting<Scripted>;

        fn connect(
            &self,
            _: &ConnectionDetails,
            _: Option<()>,
        ) -> Result<Option<Self::Out>, ureq::Error> {
            let inner = self.0.lock().unwrap().take().expect("the first is used again");
            Ok(Some(Awaiting { inner, has_ended: false }))
        }
    }

    /// An agent whose only connection says these pieces.
    fn agent(pieces: &[&'static str]) -> Agent {
        let pieces = pieces.iter().copied().collect();
        let scripted = Scripted { pieces, buffers: LazyBuffers::new(1 << 10, 1 << 10) };
        let config = Agent::config_builder()
            .proxy(None)
            .timeout_await_100(None)
            .timeout_global(Some(Duration::from_secs(2)))
            .build();
        Agent::with_parts(config, Once(Mutex::new(Some(scripted))), DefaultResolver::default())
    }

    fn put(agent: &Agent) -> Result<String, ureq::Error> {
        let request = agent.put("http://127.0.0.1:8040/").header("expect", "100-continue");
        request.send("a body")?.body_mut().read_to_string()
    }

    #[test]
    fn leave_to_send_a_body_may_come_in_pieces_on_a_connection_that_was_used_before() {
        let agent = agent(&[LEAVE, ANSWER, "HTTP/1.1 1", "00 Continue\r\n", "\r\n", ANSWER]);
        assert_eq!(put(&agent).unwrap(), "{}");
        assert_eq!(put(&agent).unwrap(), "{}");
    }

    #[test]
    fn an_answer_that_comes_with_the_leave_is_heard() {
        let both = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        let agent = agent(&[LEAVE, ANSWER, both, NEEDLESS]);
        assert_eq!(put(&agent).unwrap(), "{}");
        assert_eq!(put(&agent).unwrap(), "{}");
    }

    #[test]
    fn a_connection_that_ends_in_the_middle_of_a_line_is_not_waited_for() {
        for half in ["HTTP/1.1 1", "HTTP/1.1 200 OK\r\n"] {
            let Err(ureq::Error::Io(error)) = put(&agent(&[half])) else {
                panic!("{half:?} is no answer");
            };
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{half:?}");
        }
    }
}
