//! Where bodies and credentials may go: only to hosts that the configuration or the cluster names.
//! Before a redirect to one that is not known is refused, the cluster is asked again, since servers
//! join while a sink runs.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::place::{Place, parse_address};
use crate::sink::stream_load::config::{Address, BackendRules, Endpoint};
use crate::sink::stream_load::error::StreamLoadError;

/// The cluster is asked for its servers no more often than this.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// Asks the cluster where its servers take requests.
pub(in crate::sink::stream_load) type AskCluster =
    Box<dyn FnMut() -> Result<Vec<Address>, StreamLoadError> + Send>;

/// The rules about redirects.
pub(super) struct Routes {
    frontends: Vec<Address>,
    rules: BackendRules,
    listed: RwLock<BTreeSet<Address>>,
    asking: Mutex<Option<Asking>>,
}

/// How the cluster is asked, and when it last answered.
struct Asking {
    ask: AskCluster,
    answered: Option<Instant>,
}

impl Routes {
    /// The rules of a configuration.
    pub(super) fn new(frontends: &[Endpoint], rules: &BackendRules) -> Self {
        Self {
            frontends: frontends.iter().map(|endpoint| lower(&endpoint.address)).collect(),
            rules: rules.clone(),
            listed: RwLock::new(BTreeSet::new()),
            asking: Mutex::new(None),
        }
    }

    /// Asks by `ask` about servers that are not known.
    pub(super) fn ask_with(&self, ask: AskCluster) {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        *asking = Some(Asking { ask, answered: None });
    }

    /// Adds what the cluster says of itself.
    pub(super) fn allow(&self, addresses: &[Address]) {
        let mut listed = self.listed.write().unwrap_or_else(PoisonError::into_inner);
        listed.extend(addresses.iter().map(lower));
    }

    /// Where to go, if `from` points to `to`: after the address map, and only if it is allowed.
    pub(super) fn follow(&self, from: &Endpoint, to: Place) -> Result<Place, StreamLoadError> {
        let place = self.leads(from, to)?;
        if from.tls && !place.endpoint.tls && !self.rules.plain {
            return Err(StreamLoadError::Redirect {
                from: format!("the frontend {from}"),
                to: place.endpoint.to_string(),
                problem: "which has no TLS, so that rows and password would go in the clear"
                    .to_owned(),
                remedy: "backends of both systems take loads without TLS: say plain = true under \
                         `backends` if the network between is trusted, or put a proxy with TLS \
                         before them"
                    .to_owned(),
            });
        }
        Ok(place)
    }

    /// As [`Routes::follow`], for a request that has no credentials.
    pub(super) fn leads(&self, from: &Endpoint, to: Place) -> Result<Place, StreamLoadError> {
        let told = to.endpoint.address;
        if let Some(mapped) = self.mapped(&told) {
            let endpoint = Endpoint { address: mapped.clone(), ..to.endpoint };
            return Ok(Place { endpoint, path: to.path });
        }
        let named = self.rules.allowed.iter().any(|name| names(name, &told));
        if !named && is_this_machine(&told.host) && !self.frontends.iter().any(is_here) {
            return Err(loopback(from, &told));
        }
        if !named && !self.knows(&told) && !self.learns_of(&told, Instant::now())? {
            return Err(StreamLoadError::Redirect {
                from: format!("the frontend {from}"),
                to: told.to_string(),
                problem: "which neither the configuration names nor the cluster lists, so it gets \
                          neither rows nor password"
                    .to_owned(),
                remedy: format!(
                    "if it is a server of this cluster, name it: allowed = [\"{told}\"] under \
                     `backends`"
                ),
            });
        }
        Ok(Place { endpoint: Endpoint { address: told, ..to.endpoint }, path: to.path })
    }

    fn mapped(&self, told: &Address) -> Option<&Address> {
        let map = &self.rules.map;
        map.get(&told.to_string()).or_else(|| {
            let by_name = |name: &&String| parse_address(name, told.port).as_ref() == Some(told);
            map.keys().find(by_name).and_then(|name| map.get(name))
        })
    }

    fn knows(&self, told: &Address) -> bool {
        // A frontend's host is the configuration's word, whatever the port: small clusters have
        // both on one machine.
        let here = is_usual_here(&told.host);
        let same =
            |known: &Address| known.host == told.host || (here && is_usual_here(&known.host));
        self.frontends.iter().any(same)
            || self.listed.read().unwrap_or_else(PoisonError::into_inner).contains(told)
    }

    /// Whether the cluster lists a server that was not known. It is refused on a fresh answer only:
    /// one that joined since the last is waited for, as one that cannot be reached.
    fn learns_of(&self, told: &Address, now: Instant) -> Result<bool, StreamLoadError> {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Asking { ask, answered }) = &mut *asking else { return Ok(false) };
        // Another load may have asked while this one waited for its turn.
        if self.knows(told) {
            return Ok(true);
        }
        if answered.is_some_and(|at| now.saturating_duration_since(at) < ASK_EVERY) {
            return Err(StreamLoadError::Unreachable {
                what: "the backend",
                address: told.to_string(),
                cause: "the cluster did not list it a moment ago, and is about to be asked again"
                    .to_owned(),
            });
        }
        let addresses = ask()?;
        *answered = Some(now);
        self.allow(&addresses);
        Ok(self.knows(told))
    }
}

/// Whether `host` or `host:port` is that address.
fn names(name: &str, told: &Address) -> bool {
    parse_address(name, told.port).is_some_and(|named| named == *told)
}

fn is_here(address: &Address) -> bool {
    is_this_machine(&address.host)
}

/// Whether a name is one of those that everybody uses for this machine. Its other loopback addresses
/// may belong to other servers.
fn is_usual_here(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1")
}

/// Whether a name means whatever machine it is used on.
fn is_this_machine(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback() || ip.is_unspecified(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

fn loopback(from: &Endpoint, told: &Address) -> StreamLoadError {
    StreamLoadError::Redirect {
        from: format!("the frontend {from}"),
        to: told.to_string(),
        problem: "which is this machine: the backend registered itself under an address that only \
                  its own machine understands, as in containers"
            .to_owned(),
        remedy: format!(
            "register the backend under an address that can be reached from here, or replace it: \
             map = {{ \"{told}\" = \"{}:{}\" }} under `backends`",
            from.address.host, told.port
        ),
    }
}

fn lower(address: &Address) -> Address {
    Address { host: address.host.to_ascii_lowercase(), port: address.port }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(tls: bool, host: &str, port: u16) -> Endpoint {
        Endpoint { tls, address: Address { host: host.to_owned(), port } }
    }

    fn follow(frontend: &Endpoint, rules: &BackendRules, to: &str) -> Result<String, String> {
        let routes = Routes::new(std::slice::from_ref(frontend), rules);
        routes.allow(&[Address { host: "BE1".to_owned(), port: 8040 }]);
        let place = Place::parse(to, frontend).expect("a location");
        routes
            .follow(frontend, place)
            .map(|place| place.endpoint.to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn only_named_or_listed_hosts_get_credentials() {
        let frontend = endpoint(false, "fe", 8030);
        let mut rules = BackendRules::default();
        let be1 = Ok("http://be1:8040".to_owned());
        assert_eq!(follow(&frontend, &rules, "http://u:p@be1:8040/api/"), be1);
        let other = follow(&frontend, &rules, "http://u:p@be2:8040/api/").expect_err("not listed");
        assert!(other.contains("the frontend http://fe:8030 points to be2:8040"), "{other}");
        assert!(other.contains("allowed = [\"be2:8040\"]") && !other.contains("u:p"), "{other}");
        assert!(follow(&frontend, &rules, "http://be1:8041/api/").is_err(), "another port");
        assert!(follow(&frontend, &rules, "http://fe:8040/api/").is_ok(), "the frontend's host");
        rules.allowed = vec!["be2".to_owned(), "[2001:db8::1]:8040".to_owned()];
        assert!(follow(&frontend, &rules, "http://be2:8040/api/").is_ok());
        assert!(follow(&frontend, &rules, "http://[2001:db8::1]:8040/api/").is_ok());
        assert!(follow(&frontend, &rules, "http://[2001:db8::1]:8041/api/").is_err());
    }

    #[test]
    fn a_server_that_joins_later_is_asked_about_but_not_too_often() {
        let routes = Routes::new(&[endpoint(false, "fe", 8030)], &BackendRules::default());
        let address = |host: &str| Address { host: host.to_owned(), port: 8040 };
        let start = Instant::now();
        assert!(matches!(routes.learns_of(&address("be2"), start), Ok(false)), "nobody is asked");
        let mut answers = vec![vec!["be2", "be3"], vec!["be2"]];
        routes.ask_with(Box::new(move || match answers.pop() {
            Some(names) => Ok(names.into_iter().map(address).collect()),
            None => Err(StreamLoadError::ManyTables { sink: "s".to_owned() }),
        }));
        assert!(matches!(routes.learns_of(&address("be2"), start), Ok(true)));
        assert!(matches!(routes.learns_of(&address("be2"), start), Ok(true)), "it is known now");
        let soon = routes.learns_of(&address("be3"), start + ASK_EVERY / 2).expect_err("too soon");
        assert!(soon.is_transient(), "{soon}");
        assert!(matches!(routes.learns_of(&address("be3"), start + ASK_EVERY), Ok(true)));
        let failed = routes.learns_of(&address("be4"), start + ASK_EVERY * 2);
        assert!(matches!(failed, Err(StreamLoadError::ManyTables { .. })));
    }

    #[test]
    fn a_server_that_the_cluster_does_not_list_either_is_refused() {
        let frontend = endpoint(false, "fe", 8030);
        let routes = Routes::new(std::slice::from_ref(&frontend), &BackendRules::default());
        routes.ask_with(Box::new(|| Ok(vec![Address { host: "be2".to_owned(), port: 8040 }])));
        let place = |to: &str| Place::parse(to, &frontend).expect("a location");
        let error = routes.follow(&frontend, place("http://be9:8040/api/")).expect_err("unknown");
        assert!(matches!(error, StreamLoadError::Redirect { .. }), "{error}");
        assert!(routes.follow(&frontend, place("http://be2:8040/api/")).is_ok());
    }

    #[test]
    fn a_loopback_address_is_explained_unless_all_is_on_this_machine() {
        let mut rules = BackendRules::default();
        let frontend = endpoint(false, "fe", 8030);
        for told in ["127.0.0.1:8040", "localhost:8040", "[::1]:8040", "0.0.0.0:8040"] {
            let error = follow(&frontend, &rules, &format!("http://{told}/api/")).expect_err(told);
            assert!(error.contains(&format!("points to {told}, which is this machine")), "{error}");
            assert!(error.contains(&format!("map = {{ \"{told}\" = \"fe:8040\" }}")), "{error}");
        }
        let here = endpoint(false, "localhost", 8030);
        assert!(follow(&here, &rules, "http://127.0.0.1:8040/api/").is_ok());
        rules.map.insert("127.0.0.1:8040".to_owned(), Address { host: "fe".into(), port: 18_040 });
        let mapped = follow(&frontend, &rules, "http://127.0.0.1:8040/api/");
        assert_eq!(mapped.as_deref(), Ok("http://fe:18040"));
    }

    #[test]
    fn tls_is_not_left_unless_allowed() {
        let frontend = endpoint(true, "fe", 8030);
        let mut rules = BackendRules::default();
        let error = follow(&frontend, &rules, "http://be1:8040/api/").expect_err("no TLS");
        assert!(error.contains("plain = true"), "{error}");
        assert!(follow(&frontend, &rules, "https://be1:8040/api/").is_ok());
        rules.plain = true;
        assert!(follow(&frontend, &rules, "http://be1:8040/api/").is_ok());
    }
}
