//! Starting and ending a whole stand-in.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::breaches::Breaches;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::faults::Faults;
use crate::http::{Certificate, Handler, Life, Node, Server, Stats, Wire, greet_as_stranger};
use crate::nodes::{Nodes, authority};
use crate::settings::{Limits, Settings};
use crate::stall::Stall;
use crate::transaction::Transactions;
use crate::world::{System, Version, World};
use crate::{control, sql};

/// How often timeouts are looked at.
const TICK: Duration = Duration::from_secs(1);
/// Where the foreign host listens, so that it is another host than every server.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));

/// Which ports have TLS, all with one certificate. The control port never has.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The certificate.
    pub certificate: Certificate,
    /// Whether frontends speak https.
    pub frontends: bool,
    /// Whether backends do, which the real ones cannot: as if proxies stood before them.
    pub backends: bool,
    /// Whether the MySQL port offers TLS to clients that ask for it.
    pub mysql: bool,
}

impl Tls {
    /// Every port has it.
    #[must_use]
    pub const fn everywhere(certificate: Certificate) -> Self {
        Self { certificate, frontends: true, backends: true, mysql: true }
    }
}

/// What to start. Port 0 picks a free one.
#[derive(Clone, Debug)]
pub struct Options {
    /// The system to play.
    pub system: System,
    /// The version to claim.
    pub version: Version,
    /// Whether it is shared-data StarRocks, or Doris in cloud mode.
    pub cloud: bool,
    /// How many frontends.
    pub frontends: usize,
    /// How many backends.
    pub backends: usize,
    /// The address that all ports listen at.
    pub listen: IpAddr,
    /// The host that frontends name in redirects; else the address.
    pub advertise: Option<String>,
    /// The HTTP port of the first frontend; the others take free ones.
    pub http_port: u16,
    /// The HTTP port of the first backend; the others take free ones.
    pub backend_port: u16,
    /// The MySQL port.
    pub mysql_port: u16,
    /// The control port, which listens at 127.0.0.1 whatever the others do.
    pub control_port: u16,
    /// Where tables and prepared transactions are kept; else in memory.
    pub data: Option<PathBuf>,
    /// The user who may do everything.
    pub user: String,
    /// That user's password.
    pub password: String,
    /// Who has TLS; else nobody.
    pub tls: Option<Tls>,
}

impl Options {
    /// One frontend and two backends in memory, at free ports of 127.0.0.1; the user is `root`
    /// without a password.
    #[must_use]
    pub fn new(system: System) -> Self {
        Self {
            system,
            version: Version::default_of(system),
            cloud: false,
            frontends: 1,
            backends: 2,
            listen: Ipv4Addr::LOCALHOST.into(),
            advertise: None,
            http_port: 0,
            backend_port: 0,
            mysql_port: 0,
            control_port: 0,
            data: None,
            user: "root".to_owned(),
            password: String::new(),
            tls: None,
        }
    }
}

/// A running stand-in. Dropping it ends it.
pub struct StandIn {
    // In the order in which they end.
    control: Server,
    _ticker: Ticker,
    _mysql: sql::Serving,
    _stranger: Option<Server>,
    cluster: Arc<Cluster>,
}

impl StandIn {
    /// Starts one, ready when this returns.
    pub fn start(options: Options) -> io::Result<Self> {
        let bind = |port| listen(SocketAddr::new(options.listen, port));
        let several = |count: usize, first: u16| -> io::Result<Vec<TcpListener>> {
            (0..count.max(1)).map(|index| bind(if index == 0 { first } else { 0 })).collect()
        };
        let frontends = several(options.frontends, options.http_port)?;
        let backends = several(options.backends, options.backend_port)?;
        let mysql = bind(options.mysql_port)?;
        let control = listen((Ipv4Addr::LOCALHOST, options.control_port).into())?;
        let tls = options.tls.as_ref().map(|tls| tls.certificate.server_config());
        let tls = tls.transpose().map_err(io::Error::other)?;
        let nodes = Nodes::new(
            &addresses(&frontends)?,
            &addresses(&backends)?,
            mysql.local_addr()?,
            options.advertise.as_deref(),
        );
        if let Some(tls) = &options.tls {
            nodes.set_https(tls.frontends, tls.backends);
        }
        let mysql_tls = tls.clone().filter(|_| options.tls.as_ref().is_some_and(|tls| tls.mysql));
        let world = world(&options, nodes);
        Transactions::restore(&world);
        let stranger = stranger(&world)?;
        let mysql = sql::serve(Arc::clone(&world), mysql, mysql_tls)?;
        let ticker = Ticker::start(Arc::clone(&world))?;
        let cluster = Arc::new(Cluster::start(world, tls, frontends, backends)?);
        let controlled = Arc::clone(&cluster);
        let handler: Handler =
            Arc::new(move |wire: Wire, _: &Life| control::serve(&controlled, wire));
        let control = Server::start("control", control, None, handler)?;
        Ok(Self { control, _ticker: ticker, _mysql: mysql, _stranger: stranger, cluster })
    }

    /// Where the frontends' HTTP listens.
    #[must_use]
    pub fn http(&self) -> Vec<SocketAddr> {
        self.world().nodes.frontends().iter().map(|member| member.address).collect()
    }

    /// Where the backends' HTTP listens.
    #[must_use]
    pub fn backends(&self) -> Vec<SocketAddr> {
        self.world().nodes.backends().iter().map(|member| member.address).collect()
    }

    /// Where the MySQL port listens.
    #[must_use]
    pub fn mysql(&self) -> SocketAddr {
        self.world().nodes.mysql()
    }

    /// Where the control port listens.
    #[must_use]
    pub fn control(&self) -> SocketAddr {
        self.control.address()
    }

    /// What the servers share: faults, settings, transactions, tables.
    #[must_use]
    pub fn world(&self) -> &Arc<World> {
        self.cluster.world()
    }

    /// What clients did against the protocol so far.
    #[must_use]
    pub fn breaches(&self) -> Vec<String> {
        self.world().breaches.all()
    }

    /// The rows of a statement, which runs as the administrator and past the MySQL port.
    ///
    /// # Panics
    /// Where the statement is wrong: it is the test's own.
    #[must_use]
    pub fn sql(&self, statement: &str) -> Vec<Vec<String>> {
        match sql::rows(self.world(), sql::ADMINISTRATOR, "", statement) {
            Ok(rows) => rows,
            Err(error) => panic!("{statement}: {error}"),
        }
    }

    /// Ends a frontend: its port refuses and its connections are reset.
    pub fn kill_frontend(&self, index: usize) {
        self.cluster.kill(Node::Frontend(index));
    }

    /// Starts it again.
    pub fn revive_frontend(&self, index: usize) -> io::Result<()> {
        self.cluster.revive(Node::Frontend(index))
    }

    /// Ends a backend, which loses the transactions that it had not prepared.
    pub fn kill_backend(&self, index: usize) {
        self.cluster.kill(Node::Backend(index));
    }

    /// Starts it again.
    pub fn revive_backend(&self, index: usize) -> io::Result<()> {
        self.cluster.revive(Node::Backend(index))
    }

    /// The frontends lose what they had in memory: transactions in PREPARE, but none that is
    /// PREPARED.
    pub fn restart_frontends(&self) {
        Transactions::restart_frontend(self.world());
    }

    /// Moves the stand-in's clock, and lets timeouts act.
    pub fn advance(&self, by: Duration) {
        self.world().clock.advance(by);
        Transactions::tick(self.world());
    }
}

/// Listens; an error says where.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen at {address}: {error}"))
    })
}

fn addresses(listeners: &[TcpListener]) -> io::Result<Vec<SocketAddr>> {
    listeners.iter().map(TcpListener::local_addr).collect()
}

fn world(options: &Options, nodes: Nodes) -> Arc<World> {
    let Options { system, version, .. } = *options;
    let catalog = Catalog::open(system, version, options.data.as_deref());
    catalog.administrator(&options.user, &options.password);
    Arc::new(World {
        system,
        version,
        catalog,
        transactions: Transactions::new(),
        faults: Faults::default(),
        breaches: Breaches::default(),
        clock: Clock::default(),
        settings: Settings::new(Limits { cloud: options.cloud, ..Limits::of(system) }),
        nodes,
        stats: Stats::default(),
        stall: Stall::default(),
    })
}

/// A foreign host, where the machine has a second address of its own for it.
fn stranger(world: &Arc<World>) -> io::Result<Option<Server>> {
    let Ok(listener) = TcpListener::bind((STRANGER, 0)) else { return Ok(None) };
    let address = listener.local_addr()?;
    world.nodes.set_stranger(authority(&address.ip().to_string(), address.port()));
    let world = Arc::clone(world);
    let handler: Handler = Arc::new(move |wire: Wire, _: &Life| greet_as_stranger(&world, wire));
    Server::start("stranger", listener, None, handler).map(Some)
}

/// The thread that lets timeouts act.
struct Ticker {
    life: Arc<Life>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(world: Arc<World>) -> io::Result<Self> {
        let life = Arc::new(Life::default());
        let mine = Arc::clone(&life);
        let thread = thread::Builder::new().name("ticker".to_owned()).spawn(move || {
            while mine.wait(TICK) {
                Transactions::tick(&world);
            }
        })?;
        Ok(Self { life, thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.life.end();
        if let Some(thread) = self.thread.take() {
            // A panic in it was printed when it happened.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_named() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let port = taken.local_addr().expect("it is bound").port();
        let named = Options::new(System::StarRocks);
        for options in [
            Options { http_port: port, ..named.clone() },
            Options { mysql_port: port, ..named.clone() },
            Options { control_port: port, ..named.clone() },
        ] {
            let error = StandIn::start(options).err().expect("somebody listens there");
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
            let text = error.to_string();
            assert!(text.contains(&format!("cannot listen at 127.0.0.1:{port}: ")), "{text}");
        }
    }
}
