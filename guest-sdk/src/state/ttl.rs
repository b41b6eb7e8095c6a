//! How long entries live, and by which clock.

use super::record;
use super::store::Store;
use crate::raw::StateKind;
use crate::time::Span;

/// Which time: that of the events, or that of the host's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Event time, as watermarks tell it.
    Event,
    /// Processing time, as ticks tell it.
    Processing,
}

/// How long an entry of state lives after it was last written. Once it is over, the entry is gone.
///
/// By event time an entry is gone when event time has reached its end, which is counted from the
/// event time of the row or timer that wrote it. By processing time it is counted from the time at
/// which the row entered the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl {
    pub(super) domain: Domain,
    pub(super) micros: i64,
}

impl Ttl {
    /// A life of this length by event time. It is 1 microsecond at least.
    #[must_use]
    pub const fn event_time(span: Span) -> Self {
        Self { domain: Domain::Event, micros: longer(span) }
    }

    /// A life of this length by processing time. It is 1 microsecond at least.
    #[must_use]
    pub const fn processing_time(span: Span) -> Self {
        Self { domain: Domain::Processing, micros: longer(span) }
    }

    pub(crate) fn goes_by(self, domain: Domain) -> bool {
        self.domain == domain
    }
}

const fn longer(span: Span) -> i64 {
    if span.micros() < 1 { 1 } else { span.micros() }
}

/// How far each time has come. It never falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    pub(super) event: i64,
    pub(super) processing: i64,
}

impl Clock {
    pub(super) const START: Self = Self { event: i64::MIN, processing: i64::MIN };

    #[inline]
    pub(super) fn now(self, domain: Domain) -> i64 {
        match domain {
            Domain::Event => self.event,
            Domain::Processing => self.processing,
        }
    }
}

impl Store {
    /// Moves a clock, unless it is there already.
    #[inline]
    pub(crate) fn advance(&mut self, domain: Domain, time: i64) {
        let clock = match domain {
            Domain::Event => &mut self.clock.event,
            Domain::Processing => &mut self.clock.processing,
        };
        *clock = time.max(*clock);
    }

    /// When an entry ends that is written now, by a row or timer of this event time. Where no time
    /// is known yet it does not end.
    pub(super) fn expiry(&self, ttl: Ttl, event_time: Option<i64>) -> i64 {
        let now = match (ttl.domain, event_time) {
            (Domain::Event, Some(time)) => time.max(self.clock.event),
            (domain, _) => self.clock.now(domain),
        };
        if now == i64::MIN { i64::MAX } else { now.saturating_add(ttl.micros) }
    }

    /// Whether an entry that ends then is still there.
    #[inline]
    pub(super) fn lives(&self, ttl: Ttl, expiry: i64) -> bool {
        expiry > self.clock.now(ttl.domain)
    }

    /// Removes what has ended, four times in the shortest life. Entries that have ended are not
    /// there to the transform anyway: this is for memory.
    pub(crate) fn sweep(&mut self, domain: Domain) {
        let Some(period) = self.period(domain) else { return };
        let round = self.clock.now(domain).div_euclid(period);
        let swept = &mut self.swept[domain as usize];
        if swept.replace(round) == Some(round) {
            return;
        }
        let ended: Vec<u32> = self
            .slab
            .addresses()
            .filter(|address| self.has_ended(self.slab.block(*address), domain))
            .collect();
        for address in ended {
            self.remove_at(address);
        }
    }

    /// When the next sweep is due, if there is anything to sweep.
    pub(crate) fn next_sweep(&self, domain: Domain) -> Option<i64> {
        let period = self.period(domain).filter(|_| self.slab.addresses().next().is_some())?;
        let round = self.clock.now(domain).div_euclid(period);
        round.checked_add(1)?.checked_mul(period)
    }

    fn period(&self, domain: Domain) -> Option<i64> {
        let lives = self.states.iter().filter_map(|state| state.ttl);
        let shortest = lives.filter(|ttl| ttl.domain == domain).map(|ttl| ttl.micros).min()?;
        Some((shortest / 4).max(1))
    }

    fn has_ended(&self, block: &[u8], domain: Domain) -> bool {
        if record::flags(block) & (record::LIVE | record::DEAD) != record::LIVE {
            return false;
        }
        let state = &self.states[record::state(block) as usize];
        let Some(ttl) = state.ttl.filter(|ttl| ttl.domain == domain) else { return false };
        let body = &block[self.body(block)];
        if matches!(state.kind, StateKind::List) {
            return super::list::elements(body, true)
                .all(|element| element.is_some_and(|(expiry, _)| !self.lives(ttl, expiry)));
        }
        read_expiry(body).is_some_and(|(expiry, _)| !self.lives(ttl, expiry))
    }
}

/// The expiry at the front of an entry that has one, and the rest.
#[inline]
pub(super) fn read_expiry(body: &[u8]) -> Option<(i64, &[u8])> {
    let (expiry, rest) = body.split_first_chunk()?;
    Some((i64::from_le_bytes(*expiry), rest))
}
