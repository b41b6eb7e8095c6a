//! What time and deaths do to transactions.

use crate::world::World;

use super::ledger::Ledger;
use super::record::{Kind, State};
use super::texts;

impl Ledger {
    /// Aborts what has waited for too long or has lost its backend, and publishes what is due.
    pub(super) fn expire(&mut self, world: &World) {
        let now_ms = world.clock.now_ms();
        let late = self.store.all().filter(|known| known.state.is_open());
        let late = late.filter(|known| known.deadline_ms <= now_ms);
        let mut over: Vec<_> = late.map(|known| (known.id, texts::TIMED_OUT)).collect();
        let contexts = self.contexts.values().chain(self.tasks.values());
        let idle = contexts.filter(|context| context.is_idle(now_ms));
        over.extend(idle.map(|context| (context.txn, texts::TIMED_OUT)));
        let is_dead = |backend: usize| {
            world.nodes.backends().get(backend).is_none_or(|member| !member.is_alive())
        };
        let orphans = self.contexts.iter().filter(|((backend, _), _)| is_dead(*backend));
        over.extend(orphans.map(|(_, context)| (context.txn, texts::BACKEND_DOWN)));
        // A frontend that was restarted has forgotten transactions that backends still hold: they
        // are not there to be aborted.
        let timeout_s = world.settings.get().load_timeout_s;
        let timeout_ms = i64::try_from(timeout_s).unwrap_or(i64::MAX).saturating_mul(1000);
        let forgotten = self.contexts.values().filter(|context| {
            self.store.get(context.txn).is_none()
                && context.busy.is_empty()
                && now_ms.saturating_sub(context.used_ms) >= timeout_ms
        });
        over.extend(forgotten.map(|context| (context.txn, texts::TIMED_OUT)));
        for (txn, reason) in over {
            self.abort(world, txn, reason);
            self.contexts.retain(|_, context| context.txn != txn);
        }
        self.coordinators.retain(|_, backend| !is_dead(*backend));
        self.publish_due(world);
    }

    /// The frontends have lost their memory: what was not prepared was never written down.
    pub(super) fn restart_frontend(&mut self, world: &World) {
        let lost = self.store.all().filter(|known| known.state == State::Prepare);
        let lost: Vec<(i64, Kind)> = lost.map(|known| (known.id, known.kind)).collect();
        for (txn, kind) in lost {
            world.catalog.ended(txn);
            self.store.remove(txn);
            if kind == Kind::Multi {
                self.tasks.retain(|_, context| context.txn != txn);
            }
        }
        self.coordinators.clear();
    }
}
