//! What a stateful transform declares.

use super::ports::{Port, Ports};
use crate::raw::{self, Problem, StateKind, Subject};
use crate::row::Output;
use crate::state::{
    Broadcast, Declared, Domain, List, Map, StateCodec, Timers, Ttl, Value,
    save::{LAYOUT, META},
};

/// The name of a state, and what else is to be said of it. A name alone will do.
///
/// ```
/// use millrace_sdk::keyed::Spec;
/// use millrace_sdk::state::Ttl;
/// use millrace_sdk::time::Span;
///
/// let spec = Spec::new("open").version(2).ttl(Ttl::event_time(Span::from_secs(3_600)));
/// # let _ = spec;
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Spec {
    name: &'static str,
    version: u32,
    ttl: Option<Ttl>,
}

impl Spec {
    /// A state of this name, unique in its transform; of version 1, without a TTL.
    pub const fn new(name: &'static str) -> Self {
        Self { name, version: 1, ttl: None }
    }

    /// The version, which the host compares before it restores. Raise it when the type of the state
    /// changes, or whether it has a TTL.
    pub const fn version(self, version: u32) -> Self {
        Self { version, ..self }
    }

    /// How long an entry lives after it was last written.
    pub const fn ttl(self, ttl: Ttl) -> Self {
        Self { ttl: Some(ttl), ..self }
    }
}

impl From<&'static str> for Spec {
    fn from(name: &'static str) -> Self {
        Self::new(name)
    }
}

/// Takes the declarations of a transform, and gives handles for them. The order of the calls is the
/// order of the states and ports in `describe`; saved state is found again by its name.
pub struct Setup {
    pub(super) states: Vec<Declared>,
    pub(super) ports: Ports,
}

impl Setup {
    pub(super) fn new() -> Self {
        Self { states: Vec::new(), ports: Ports::default() }
    }

    /// Declares one value a key.
    pub fn value<T: StateCodec>(&mut self, spec: impl Into<Spec>) -> Value<T> {
        Value::new(self.declare(spec.into(), StateKind::Value, Domain::Event))
    }

    /// Declares an ordered list a key.
    pub fn list<T: StateCodec>(&mut self, spec: impl Into<Spec>) -> List<T> {
        List::new(self.declare(spec.into(), StateKind::List, Domain::Event))
    }

    /// Declares a map a key.
    pub fn map<K: StateCodec, V: StateCodec>(&mut self, spec: impl Into<Spec>) -> Map<K, V> {
        Map::new(self.declare(spec.into(), StateKind::Map, Domain::Event))
    }

    /// Declares one value that is the same for all keys.
    pub fn broadcast<T: StateCodec>(&mut self, spec: impl Into<Spec>) -> Broadcast<T> {
        Broadcast::new(self.declare(spec.into(), StateKind::Broadcast, Domain::Event))
    }

    /// Declares timers that fire when event time reaches them. A TTL says nothing here.
    pub fn event_timers(&mut self, spec: impl Into<Spec>) -> Timers {
        let spec = Spec { ttl: None, ..spec.into() };
        Timers { state: self.declare(spec, StateKind::Timers, Domain::Event) }
    }

    /// Declares timers that fire when the host's clock reaches them, or up to a second later. A TTL
    /// says nothing here.
    pub fn processing_timers(&mut self, spec: impl Into<Spec>) -> Timers {
        let spec = Spec { ttl: None, ..spec.into() };
        Timers { state: self.declare(spec, StateKind::Timers, Domain::Processing) }
    }

    /// Declares an output port, whose rows are `O`; `key` names those of its columns that make its
    /// key, if it has one.
    pub fn port<O: Output>(&mut self, name: &str, key: &[&str]) -> Port<O> {
        let key = key.iter().map(|column| (*column).to_owned()).collect();
        self.ports.add(raw::Port { name: name.to_owned(), fields: O::fields(), key })
    }

    fn declare(&mut self, spec: Spec, kind: StateKind, domain: Domain) -> u8 {
        let state = self.states.len() as u8;
        let Spec { name, version, ttl } = spec;
        self.states.push(Declared { name, version, kind, ttl, domain });
        state
    }

    /// The states as `describe` answers them, with that of the SDK at the end.
    pub(super) fn states(&self) -> Result<Vec<raw::State>, Problem> {
        let state = |declared: &Declared| raw::State {
            name: declared.name.to_owned(),
            version: declared.version,
            kind: declared.kind,
        };
        let mut states: Vec<_> = self.states.iter().map(state).collect();
        if states.len() > 250 {
            return Err(Problem {
                subject: Subject::Whole,
                message: format!("the transform declares {} states, more than 250", states.len()),
                hint: None,
            });
        }
        states.push(raw::State {
            name: META.to_owned(),
            version: LAYOUT.into(),
            kind: StateKind::Broadcast,
        });
        Ok(states)
    }

    /// Whether timers or lives go by this time.
    pub(super) fn goes_by(&self, domain: Domain) -> bool {
        self.states.iter().any(|state| {
            let timers = matches!(state.kind, StateKind::Timers) && state.domain == domain;
            timers || state.ttl.is_some_and(|ttl| ttl.goes_by(domain))
        })
    }
}
