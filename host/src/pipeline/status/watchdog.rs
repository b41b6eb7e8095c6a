//! Looks for a pipeline that does not come on: a pure decision over what it counts.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long a sink may wait for its target.
const SINK_PATIENCE: Duration = Duration::from_secs(30);
/// How long rows may wait for a checkpoint, at least.
const CHECKPOINT_PATIENCE: Duration = Duration::from_secs(60);
/// How many times a checkpoint may take what lies between two.
const CHECKPOINTS_LATE: u32 = 10;

/// What a look at a pipeline shows.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub now: Instant,
    /// Checkpoints so far.
    pub checkpoints: u64,
    /// Rows that were read and are in no checkpoint.
    pub unsaved: u64,
    /// The sinks that wait for their targets: why, and how long.
    pub waiting: Vec<(String, String, Duration)>,
}

/// Remembers since when rows wait, and what was said.
#[derive(Debug)]
pub(super) struct Watchdog {
    /// How long rows may wait for a checkpoint; `None`: as long as it takes so many to come together.
    patience: Option<Duration>,
    /// The checkpoints that there were when rows began to wait, and when that was.
    since: Option<(u64, Instant)>,
    /// What is wrong, as told in the log.
    told: BTreeSet<String>,
}

impl Watchdog {
    /// For a pipeline that takes a checkpoint so often.
    pub(super) fn new(every: Option<Duration>) -> Self {
        let late = |every: Duration| every.saturating_mul(CHECKPOINTS_LATE);
        let patience = every.map(|every| CHECKPOINT_PATIENCE.max(late(every)));
        Self { patience, since: None, told: BTreeSet::new() }
    }

    /// What is wrong, a sentence each. What was not before is logged.
    pub(super) fn look(&mut self, look: &Look) -> Vec<String> {
        let mut wrong = Vec::new();
        for (sink, reason, time) in &look.waiting {
            if *time >= SINK_PATIENCE {
                let seconds = time.as_secs();
                let sentence = format!("sink `{sink}` has waited for {seconds} s: {reason}");
                wrong.push((format!("sink `{sink}`"), sentence));
            }
        }
        if let Some(time) = self.late(look) {
            let seconds = time.as_secs();
            let cause = cause(look);
            let sentence = format!(
                "no checkpoint for {seconds} s, while {} rows that were read wait for one: {cause}",
                look.unsaved
            );
            wrong.push(("checkpoint".to_owned(), sentence));
        }
        self.tell(&wrong);
        wrong.into_iter().map(|(_, sentence)| sentence).collect()
    }

    /// How long rows have waited, where that is too long.
    fn late(&mut self, look: &Look) -> Option<Duration> {
        if look.unsaved == 0 {
            self.since = None;
            return None;
        }
        let since = match self.since {
            Some((checkpoints, since)) if checkpoints == look.checkpoints => since,
            _ => look.now,
        };
        self.since = Some((look.checkpoints, since));
        let time = look.now.saturating_duration_since(since);
        self.patience.filter(|patience| time >= *patience).map(|_| time)
    }

    fn tell(&mut self, wrong: &[(String, String)]) {
        for (what, sentence) in wrong {
            if self.told.insert(what.clone()) {
                tracing::warn!("{sentence}");
            }
        }
        let is_wrong = |what: &String| wrong.iter().any(|(wrong, _)| wrong == what);
        self.told.retain(|what| {
            let still = is_wrong(what);
            if !still {
                tracing::info!("{what}: goes on");
            }
            still
        });
    }
}

/// Why there is no checkpoint, as far as sinks say.
fn cause(look: &Look) -> String {
    let sinks: Vec<String> = look
        .waiting
        .iter()
        .map(|(sink, reason, _)| format!("sink `{sink}` waits: {reason}"))
        .collect();
    if sinks.is_empty() {
        return "no sink says that it waits, so a load may be without an answer, a node may hang, or \
                rows may be slow"
            .to_owned();
    }
    sinks.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(start: Instant, seconds: u32) -> Look {
        Look { now: start + SECOND * seconds, checkpoints: 0, unsaved: 0, waiting: Vec::new() }
    }

    fn waiting(seconds: u32) -> Vec<(String, String, Duration)> {
        vec![("ods".to_owned(), "too many versions".to_owned(), SECOND * seconds)]
    }

    #[test]
    fn a_sink_that_waits_too_long_is_named_with_its_reason() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(Some(SECOND));
        let mut look =
            |seconds: u32| watchdog.look(&Look { waiting: waiting(seconds), ..at(start, seconds) });
        assert_eq!(look(29), Vec::<String>::new());
        assert_eq!(look(31), ["sink `ods` has waited for 31 s: too many versions"]);
        assert_eq!(watchdog.look(&at(start, 32)), Vec::<String>::new(), "it goes on");
    }

    #[test]
    fn rows_that_no_checkpoint_comes_for_are_told_with_the_cause() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(Some(SECOND * 5));
        let unsaved = |seconds, checkpoints| Look { unsaved: 7, checkpoints, ..at(start, seconds) };
        assert!(watchdog.look(&unsaved(0, 1)).is_empty());
        assert!(watchdog.look(&unsaved(59, 1)).is_empty());
        let wrong = watchdog.look(&unsaved(60, 1));
        assert!(wrong[0].starts_with("no checkpoint for 60 s, while 7 rows"), "{wrong:?}");
        assert!(wrong[0].contains("no sink says"), "{wrong:?}");
        let wrong = watchdog.look(&Look { waiting: waiting(2), ..unsaved(61, 1) });
        assert!(wrong[0].ends_with("sink `ods` waits: too many versions"), "{wrong:?}");
        assert!(watchdog.look(&unsaved(62, 2)).is_empty(), "a checkpoint has come");
        assert!(watchdog.look(&unsaved(121, 2)).is_empty(), "which counts from there");
        assert!(!watchdog.look(&unsaved(122, 2)).is_empty());
    }

    #[test]
    fn a_pipeline_without_rows_needs_no_checkpoint() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(Some(SECOND));
        for seconds in [0, 100, 200] {
            assert!(watchdog.look(&at(start, seconds)).is_empty());
        }
        let unsaved = |seconds| Look { unsaved: 1, ..at(start, seconds) };
        assert!(watchdog.look(&unsaved(300)).is_empty(), "rows wait from now on");
        assert!(!watchdog.look(&unsaved(360)).is_empty());
    }

    #[test]
    fn how_long_is_too_long_follows_the_cadence() {
        let start = Instant::now();
        let unsaved = |seconds| Look { unsaved: 1, ..at(start, seconds) };
        let mut slow = Watchdog::new(Some(SECOND * 30));
        assert!(slow.look(&unsaved(0)).is_empty());
        assert!(slow.look(&unsaved(299)).is_empty() && !slow.look(&unsaved(300)).is_empty());
        let mut by_rows = Watchdog::new(None);
        assert!(by_rows.look(&unsaved(0)).is_empty());
        assert!(by_rows.look(&unsaved(100_000)).is_empty(), "as long as it takes");
    }
}
