//! Firing timers.

use super::context::{Context, Timer};
use super::{Keyed, Stage};
use crate::column::DECIMAL_OVERFLOW;
use crate::decimal;
use crate::raw::{self, Failure};
use crate::reject::Reject;
use crate::state::{Domain, Due};
use crate::time::Timestamp;

/// Timers that one call fires at most, and rows after which it ends: so that neither its deadline nor
/// the bound on its output is in reach.
const PAGE: usize = 1_024;

/// Microseconds after which the host is asked to tick again at the latest. A row may set a timer
/// between two ticks, and can ask for none itself.
const POLL: i64 = 1_000_000;

impl<T: Keyed> Stage<T> {
    /// Fires a page of the timers up to `time`; whether there are more. After the last page that time
    /// has come, and what has ended by it is removed.
    pub(super) fn page(&mut self, domain: Domain, time: i64) -> Result<bool, Failure> {
        // What an earlier call left behind must not be laid on the first timer.
        decimal::take_overflow();
        if self.fire(domain, time, PAGE)? {
            return Ok(true);
        }
        if time != i64::MAX {
            self.store.advance(domain, time);
            self.store.sweep(domain);
        }
        Ok(false)
    }

    /// Fires at most `most` timers up to `limit`; whether there are more.
    pub(super) fn fire(
        &mut self,
        domain: Domain,
        limit: i64,
        most: usize,
    ) -> Result<bool, Failure> {
        let mut fired = 0;
        // The end of a finite input is no time: should the input grow, its rows go on from here.
        let ends = limit == i64::MAX;
        while let Some(due) = self.store.take_timer(domain, limit) {
            if !ends {
                self.store.advance(domain, due.time);
            }
            self.ring(domain, &due)?;
            fired += 1;
            if most != usize::MAX && (fired >= most || self.ports.rows() >= most) {
                return Ok(self.store.first_timer(domain).is_some_and(|time| time <= limit));
            }
        }
        Ok(false)
    }

    fn ring(&mut self, domain: Domain, due: &Due) -> Result<(), Failure> {
        raw::at_timer(due.time, due.key.clone());
        let mut context = Context {
            store: &mut self.store,
            ports: &mut self.ports,
            scratch: &mut self.scratch,
            key: &due.key,
            group: due.group,
            time: matches!(domain, Domain::Event).then_some(due.time),
            refusal: None,
        };
        let timer = Timer { state: due.state, time: Timestamp::from_micros(due.time) };
        self.transform.on_timer(&mut context, timer);
        let refusal = context.refusal;
        raw::elsewhere();
        if decimal::take_overflow() {
            let refusal = refusal.unwrap_or_else(|| Reject::new(DECIMAL_OVERFLOW));
            let column = refusal.column.map_or_else(String::new, |name| format!("`{name}`: "));
            let (reason, time) = (refusal.reason, timer.time());
            return Err(Failure::new(format!("{column}{reason} in the timer of {time}")));
        }
        Ok(())
    }

    /// When the next tick is wanted.
    pub(super) fn next_tick(&mut self, now: i64) -> Option<i64> {
        let timer = self.store.first_timer(Domain::Processing);
        let sweep = self.store.next_sweep(Domain::Processing);
        [timer, sweep, Some(now.saturating_add(POLL))].into_iter().flatten().min()
    }
}
