//! The running frontends and backends, each of which can be killed and revived alone.

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;

use crate::http::{Handler, Life, Node, Server, Wire, serve};
use crate::nodes::Member;
use crate::transaction::Transactions;
use crate::world::World;

/// The servers of one stand-in.
pub struct Cluster {
    world: Arc<World>,
    tls: Option<Arc<ServerConfig>>,
    frontends: Vec<Mutex<Option<Server>>>,
    backends: Vec<Mutex<Option<Server>>>,
}

impl Cluster {
    /// Starts all of them.
    pub fn start(
        world: Arc<World>,
        tls: Option<Arc<ServerConfig>>,
        frontends: Vec<TcpListener>,
        backends: Vec<TcpListener>,
    ) -> io::Result<Self> {
        let mut cluster = Self { world, tls, frontends: Vec::new(), backends: Vec::new() };
        for (index, listener) in frontends.into_iter().enumerate() {
            let server = cluster.serve(Node::Frontend(index), listener)?;
            cluster.frontends.push(Mutex::new(Some(server)));
        }
        for (index, listener) in backends.into_iter().enumerate() {
            let server = cluster.serve(Node::Backend(index), listener)?;
            cluster.backends.push(Mutex::new(Some(server)));
        }
        Ok(cluster)
    }

    /// What the servers share.
    #[must_use]
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    fn serve(&self, node: Node, listener: TcpListener) -> io::Result<Server> {
        let world = Arc::clone(&self.world);
        let handler: Handler = Arc::new(move |wire: Wire, life: &Life| {
            serve(&world, node, wire, life);
        });
        let is_https = match node {
            Node::Frontend(_) => self.world.nodes.is_https(),
            Node::Backend(_) => self.world.nodes.backends_are_https(),
        };
        let tls = self.tls.clone().filter(|_| is_https);
        Server::start(&node.name(), listener, tls, handler)
    }

    fn place(&self, node: Node) -> Option<(&Mutex<Option<Server>>, &Member)> {
        let nodes = &self.world.nodes;
        match node {
            Node::Frontend(index) => self.frontends.get(index).zip(nodes.frontends().get(index)),
            Node::Backend(index) => self.backends.get(index).zip(nodes.backends().get(index)),
        }
    }

    /// The server of this name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<Node> {
        let index = |prefix: &str| name.strip_prefix(prefix).and_then(|digits| digits.parse().ok());
        let node = index("fe").map(Node::Frontend).or_else(|| index("be").map(Node::Backend))?;
        self.place(node).map(|_| node)
    }

    /// Ends a server: its port refuses, its connections are reset, and a backend forgets what it
    /// held in memory. Nothing happens to one that is dead.
    pub fn kill(&self, node: Node) {
        let Some((place, member)) = self.place(node) else { return };
        member.set_alive(false);
        self.world.nodes.elect();
        let server = place.lock().unwrap_or_else(PoisonError::into_inner).take();
        if server.is_none() {
            return;
        }
        drop(server);
        // A transaction that was not prepared dies with the backend that held it.
        Transactions::tick(&self.world);
    }

    /// Starts a dead server again at its address.
    pub fn revive(&self, node: Node) -> io::Result<()> {
        let Some((place, member)) = self.place(node) else { return Ok(()) };
        let mut server = place.lock().unwrap_or_else(PoisonError::into_inner);
        if server.is_none() {
            *server = Some(self.serve(node, TcpListener::bind(member.address)?)?);
        }
        member.set_alive(true);
        self.world.nodes.elect();
        Ok(())
    }
}
