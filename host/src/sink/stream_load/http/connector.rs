//! The library's connections, with two things added: an error from before there was a connection is
//! told from later ones, and an answer that comes before the whole body is sent is still heard.

use std::error::Error;
use std::fmt;
use std::io;

use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
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

impl Marking<DefaultConnector> {
    /// The library's connector.
    pub(super) fn connector() -> Self {
        Self(DefaultConnector::default())
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

impl Connector for Marking<DefaultConnector> {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let connection = self.0.connect(details, chained).map_err(mark)?;
        Ok(connection.map(|inner| {
            let hearing: Self::Out = Box::new(Hearing { inner, is_cut: false, unsent: None });
            hearing
        }))
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

/// Whether the other side has closed the connection, after which what it sent can still be read.
fn is_hangup(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
    )
}
