//! What a guest may ask of the host: a line in the log, a count, and to say where it panicked.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker};

use super::bindings::{Guest, host, wit};
use super::error::Place;
use super::store::StoreData;
use super::text::{LineBudget, MAX_TEXT, clipped, one_line};

/// Bytes of a timer's key that are kept when it panics.
const MAX_KEY: usize = 1 << 10;

/// Counter names that one instance may use.
const MAX_COUNTERS: usize = 64;

/// Bytes of a counter's name.
const MAX_COUNTER_NAME: usize = 64;

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
    lines: Arc<LineBudget>,
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
            lines: Arc::default(),
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

    /// The lines that it may log, by its own import or by WASI's.
    pub(super) fn lines(&self) -> &Arc<LineBudget> {
        &self.lines
    }

    /// Says how many lines the call that has ended was not let log.
    pub(super) fn end_call(&mut self) {
        let left_out = self.lines.renew();
        if left_out > 0 {
            let Self { stage, artifact, .. } = self;
            tracing::warn!(%stage, %artifact, "{left_out} lines were left out");
        }
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
        use tracing::Level;

        // Lines that nobody sees do not use up the budget of those that somebody does.
        let seen = match level {
            host::Level::Trace => tracing::enabled!(Level::TRACE),
            host::Level::Debug => tracing::enabled!(Level::DEBUG),
            host::Level::Info => tracing::enabled!(Level::INFO),
            host::Level::Warn => tracing::enabled!(Level::WARN),
            host::Level::Error => tracing::enabled!(Level::ERROR),
        };
        if !seen || !self.lines.take() {
            return;
        }
        let Self { stage, artifact, .. } = self;
        let message = one_line(&message);
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
            let name = one_line(&name);
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
            host::Place::Timer(host::TimerPlace { time, mut key }) => {
                key.truncate(MAX_KEY);
                key.shrink_to_fit();
                Place::Timer { time, key }
            }
            host::Place::Elsewhere => Place::Elsewhere,
        };
        self.panic = Some((place, clipped(message, MAX_TEXT)));
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= MAX_COUNTER_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use host::Host as _;

    use super::super::text::MAX_LINES;
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

    /// What is logged meanwhile, as the log's lines.
    fn logged(act: impl FnOnce()) -> Vec<String> {
        use std::sync::{Mutex, PoisonError};

        #[derive(Clone, Default)]
        struct Written(Arc<Mutex<Vec<u8>>>);

        impl std::io::Write for Written {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
                Ok(bytes.len())
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        let written = Written::default();
        let to = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || to.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, act);
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn lines_are_logged_at_their_level_and_stay_lines() {
        let long = "x".repeat(3 * MAX_TEXT);
        let lines = logged(|| {
            let mut state = state();
            state.log(host::Level::Trace, "unseen".to_owned());
            state.log(host::Level::Debug, "first\n2026 ERROR forged".to_owned());
            state.log(host::Level::Error, long);
            state.end_call();
        });
        let [debug, error] = &lines[..] else { panic!("two lines: {lines:?}") };
        assert!(debug.contains("DEBUG") && debug.contains("first\\n2026 ERROR forged"), "{debug}");
        assert!(debug.contains("stage=stage") && debug.contains("artifact=artifact"), "{debug}");
        assert!(error.contains("ERROR") && error.len() < MAX_TEXT + 256, "{}", error.len());
    }

    #[test]
    fn a_call_logs_so_many_lines_and_the_next_one_again() {
        let lines = logged(|| {
            let mut state = state();
            for _ in 0..2 {
                state.begin_call();
                for _ in 0..MAX_LINES + 20 {
                    state.log(host::Level::Info, "again".to_owned());
                }
                state.end_call();
            }
        });
        assert_eq!(lines.len() as u64, 2 * (MAX_LINES + 1));
        let left_out = lines.iter().filter(|line| line.contains("20 lines were left out"));
        assert_eq!(left_out.count(), 2);
    }

    #[test]
    fn what_a_panic_tells_is_bounded() {
        let mut state = state();
        let timer = host::TimerPlace { time: 1, key: vec![7; 3 * MAX_KEY] };
        state.panicked(host::Place::Timer(timer), "é".repeat(MAX_TEXT));
        let Some((Place::Timer { time: 1, key }, message)) = state.take_panic() else {
            panic!("it told of a timer")
        };
        assert_eq!((key.len(), message.len()), (MAX_KEY, MAX_TEXT));
    }
}
