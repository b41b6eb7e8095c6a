//! What a guest may ask of the host: a line in the log, a count, and to say where it panicked.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker};

use super::bindings::{Guest, host, wit};
use super::error::Place;
use super::store::StoreData;

/// Bytes of a log line or panic message that are kept.
pub(super) const MAX_LINE: usize = 4 << 10;

/// Counter names that one instance may use.
const MAX_COUNTERS: usize = 64;

/// Bytes of a counter's name.
const MAX_NAME: usize = 64;

/// Makes our imports known to a linker.
pub(super) fn link(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
    fn host(data: &mut StoreData) -> &mut HostState {
        &mut data.host
    }
    Guest::add_to_linker::<StoreData, HasSelf<HostState>>(linker, host)
}

/// Behind the imports of one instance.
pub(super) struct HostState {
    stage: Arc<str>,
    artifact: Arc<str>,
    counters: BTreeMap<String, Count>,
    counted: bool,
    warned: bool,
    panic: Option<(Place, String)>,
}

/// A counter: what calls that succeeded added, and what the present call did.
#[derive(Default)]
struct Count {
    settled: u64,
    pending: u64,
}

impl HostState {
    pub(super) fn new(stage: Arc<str>, artifact: Arc<str>) -> Self {
        Self {
            stage,
            artifact,
            counters: BTreeMap::new(),
            counted: false,
            warned: false,
            panic: None,
        }
    }

    pub(super) fn stage(&self) -> &Arc<str> {
        &self.stage
    }

    pub(super) fn artifact(&self) -> &Arc<str> {
        &self.artifact
    }

    pub(super) fn begin_call(&mut self) {
        self.panic = None;
        if std::mem::take(&mut self.counted) {
            for count in self.counters.values_mut() {
                count.pending = 0;
            }
        }
    }

    /// Takes over what the present call counted; called once it has succeeded.
    pub(super) fn settle(&mut self) {
        if std::mem::take(&mut self.counted) {
            for count in self.counters.values_mut() {
                count.settled = count.settled.saturating_add(std::mem::take(&mut count.pending));
            }
        }
    }

    /// The counters, by name.
    pub(super) fn counters(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counters
            .iter()
            .filter(|(_, count)| count.settled > 0)
            .map(|(name, count)| (name.as_str(), count.settled))
    }

    /// What the guest said about its panic in the present call.
    pub(super) fn take_panic(&mut self) -> Option<(Place, String)> {
        self.panic.take()
    }
}

impl wit::Host for HostState {}

impl host::Host for HostState {
    fn log(&mut self, level: host::Level, message: String) {
        let Self { stage, artifact, .. } = self;
        let message = clip(&message);
        match level {
            host::Level::Trace => tracing::trace!(%stage, %artifact, "{message}"),
            host::Level::Debug => tracing::debug!(%stage, %artifact, "{message}"),
            host::Level::Info => tracing::info!(%stage, %artifact, "{message}"),
            host::Level::Warn => tracing::warn!(%stage, %artifact, "{message}"),
            host::Level::Error => tracing::error!(%stage, %artifact, "{message}"),
        }
    }

    fn count(&mut self, name: String, delta: u64) {
        if let Some(count) = self.counters.get_mut(&name) {
            count.pending = count.pending.saturating_add(delta);
        } else if self.counters.len() < MAX_COUNTERS && is_name(&name) {
            self.counters.insert(name, Count { settled: 0, pending: delta });
        } else if !std::mem::replace(&mut self.warned, true) {
            let name = clip(&name);
            tracing::warn!(
                stage = %self.stage,
                "counter `{name}` is left out: names are lowercase words joined by `_`, at most {MAX_COUNTERS}"
            );
            return;
        }
        self.counted = true;
    }

    fn panicked(&mut self, place: host::Place, message: String) {
        let place = match place {
            host::Place::Row(row) => Place::Row(row as usize),
            host::Place::Timer(host::TimerPlace { time, key }) => Place::Timer { time, key },
            host::Place::Elsewhere => Place::Elsewhere,
        };
        self.panic = Some((place, clip(&message).to_owned()));
    }
}

/// The beginning of a text, [`MAX_LINE`] bytes or less, cut between characters.
fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_LINE)]
}

fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use host::Host as _;

    use super::*;

    fn state() -> HostState {
        HostState::new("stage".into(), "artifact".into())
    }

    #[test]
    fn counts_of_a_failed_call_do_not_stay() {
        let mut state = state();
        state.begin_call();
        state.count("rows_seen".to_owned(), 2);
        state.settle();
        state.begin_call();
        state.count("rows_seen".to_owned(), 40);
        state.begin_call();
        state.count("rows_seen".to_owned(), 1);
        state.settle();
        assert_eq!(state.counters().collect::<Vec<_>>(), [("rows_seen", 3)]);
    }

    #[test]
    fn names_are_bounded_in_number_and_form() {
        let mut state = state();
        state.begin_call();
        for index in 0..100 {
            state.count(format!("counter_{index}"), 1);
        }
        state.count("Bad Name".to_owned(), 1);
        state.settle();
        assert_eq!(state.counters().count(), MAX_COUNTERS);
        assert!(state.counters().all(|(name, _)| is_name(name)));
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let long = "é".repeat(MAX_LINE);
        assert_eq!(clip(&long).len(), MAX_LINE);
        let long = format!("a{long}");
        assert_eq!(clip(&long).len(), MAX_LINE - 1);
        assert_eq!(clip("short"), "short");
    }
}
