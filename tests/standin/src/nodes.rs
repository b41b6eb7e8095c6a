//! The servers of one stand-in: where they are, whether they live, who leads.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// One frontend or backend.
#[derive(Debug)]
pub struct Member {
    /// `fe0`, `be1`: its name in faults and in the control port.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// The host that it tells clients, an IPv6 address without brackets.
    pub host: String,
    alive: AtomicBool,
}

impl Member {
    fn new(kind: &str, index: usize, address: SocketAddr, advertised: Option<&str>) -> Self {
        Self {
            name: format!("{kind}{index}"),
            address,
            host: advertised.map_or_else(|| address.ip().to_string(), str::to_owned),
            alive: AtomicBool::new(true),
        }
    }

    /// Whether it serves.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Relaxed)
    }

    /// Says whether it serves.
    pub fn set_alive(&self, alive: bool) {
        self.alive.store(alive, Ordering::Relaxed);
    }

    /// The port that it listens at.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `host:port` as it stands in a URL.
    #[must_use]
    pub fn authority(&self) -> String {
        authority(&self.host, self.port())
    }
}

/// `host:port` as it stands in a URL: IPv6 addresses in brackets.
#[must_use]
pub fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// All servers.
#[derive(Debug)]
pub struct Nodes {
    frontends: Vec<Member>,
    backends: Vec<Member>,
    mysql: SocketAddr,
    leader: AtomicUsize,
    next: AtomicUsize,
    https: AtomicBool,
    backends_https: AtomicBool,
    stranger: OnceLock<String>,
}

impl Nodes {
    /// The servers at these addresses, all alive, the first frontend leading.
    #[must_use]
    pub fn new(
        frontends: &[SocketAddr],
        backends: &[SocketAddr],
        mysql: SocketAddr,
        advertised: Option<&str>,
    ) -> Self {
        let members = |kind: &str, addresses: &[SocketAddr]| {
            let members = addresses.iter().enumerate();
            members.map(|(index, address)| Member::new(kind, index, *address, advertised)).collect()
        };
        Self {
            frontends: members("fe", frontends),
            backends: members("be", backends),
            mysql,
            leader: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            https: AtomicBool::new(false),
            backends_https: AtomicBool::new(false),
            stranger: OnceLock::new(),
        }
    }

    /// Whether frontends speak https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https.load(Ordering::Relaxed)
    }

    /// Whether backends do, which the real ones cannot: as if proxies stood before them.
    #[must_use]
    pub fn backends_are_https(&self) -> bool {
        self.backends_https.load(Ordering::Relaxed)
    }

    /// Says who speaks https.
    pub fn set_https(&self, frontends: bool, backends: bool) {
        self.https.store(frontends, Ordering::Relaxed);
        self.backends_https.store(backends, Ordering::Relaxed);
    }

    /// `host:port` of a host that is no part of the system, which asks for credentials.
    #[must_use]
    pub fn stranger(&self) -> &str {
        self.stranger.get().map_or("stranger.invalid:8040", String::as_str)
    }

    /// Says where that host listens; once.
    pub fn set_stranger(&self, authority: String) {
        // A second stranger would change nothing: one is enough.
        let _ = self.stranger.set(authority);
    }

    /// The frontends, by index.
    #[must_use]
    pub fn frontends(&self) -> &[Member] {
        &self.frontends
    }

    /// The backends, by index.
    #[must_use]
    pub fn backends(&self) -> &[Member] {
        &self.backends
    }

    /// Where the MySQL port listens.
    #[must_use]
    pub fn mysql(&self) -> SocketAddr {
        self.mysql
    }

    /// The index of the frontend that leads.
    #[must_use]
    pub fn leader(&self) -> usize {
        self.leader.load(Ordering::Relaxed)
    }

    /// Lets the first living frontend lead, if the leader does not live.
    pub fn elect(&self) {
        if self.frontends.get(self.leader()).is_some_and(Member::is_alive) {
            return;
        }
        if let Some(leader) = self.frontends.iter().position(Member::is_alive) {
            self.leader.store(leader, Ordering::Relaxed);
        }
    }

    /// The next living backend in turn.
    #[must_use]
    pub fn next_backend(&self) -> Option<usize> {
        let alive: Vec<usize> =
            (0..self.backends.len()).filter(|index| self.backends[*index].is_alive()).collect();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        alive.get(turn.checked_rem(alive.len())?).copied()
    }

    /// The server of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Member> {
        self.frontends.iter().chain(&self.backends).find(|member| member.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> Nodes {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Nodes::new(&[address(1), address(2)], &[address(3), address(4)], address(5), Some("::1"))
    }

    #[test]
    fn backends_take_turns_and_the_dead_are_passed_over() {
        let nodes = nodes();
        assert_ne!(nodes.next_backend(), nodes.next_backend());
        nodes.backends()[0].set_alive(false);
        assert_eq!((nodes.next_backend(), nodes.next_backend()), (Some(1), Some(1)));
        nodes.backends()[1].set_alive(false);
        assert_eq!(nodes.next_backend(), None);
    }

    #[test]
    fn a_dead_leader_is_followed_by_a_living_frontend() {
        let nodes = nodes();
        nodes.frontends()[0].set_alive(false);
        nodes.elect();
        assert_eq!(nodes.leader(), 1);
        nodes.frontends()[0].set_alive(true);
        nodes.elect();
        assert_eq!(nodes.leader(), 1);
    }

    #[test]
    fn addresses_stand_in_urls() {
        assert_eq!(nodes().backends()[0].authority(), "[::1]:3");
        assert_eq!(authority("host", 80), "host:80");
    }
}
