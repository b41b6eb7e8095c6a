//! A keyed transform that goes by the host's clock: each row comes back a moment later.

use millrace_sdk::keyed::{Context, Keyed, NoParams, Port, Problem, Setup, Timer};
use millrace_sdk::prelude::*;
use millrace_sdk::state::{List, Timers};

/// After this many microseconds a row comes back.
const MOMENT: i64 = 200_000;

/// What it reads; the key is the pipeline's to choose.
#[derive(Input)]
struct Row<'a> {
    wager_id: &'a str,
    #[meta(processing_time)]
    now: Timestamp,
}

/// A row that came back.
#[derive(Output)]
struct Reminder {
    wager_id: String,
    due: Timestamp,
}

struct Reminders {
    waiting: List<String>,
    due: Timers,
    reminders: Port<Reminder>,
}

impl Keyed for Reminders {
    const NAME: &'static str = "reminders_guest";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Input<'a> = Row<'a>;
    type Params = NoParams;

    fn open(_params: NoParams, setup: &mut Setup) -> Result<Self, Vec<Problem>> {
        Ok(Self {
            waiting: setup.list("waiting"),
            due: setup.processing_timers("due"),
            reminders: setup.port("reminders", &[]),
        })
    }

    fn on_change(&mut self, context: &mut Context<'_>, row: Row<'_>) -> Result<(), Reject> {
        self.waiting.push(context, &row.wager_id.to_owned());
        let due = row.now.checked_add_micros(MOMENT).ok_or("a row at the end of time")?;
        self.due.set(context, due);
        Ok(())
    }

    fn on_timer(&mut self, context: &mut Context<'_>, timer: Timer) {
        for wager_id in self.waiting.get(context) {
            context.emit(self.reminders, Reminder { wager_id, due: timer.time() });
        }
        self.waiting.clear(context);
    }
}

millrace_sdk::export_keyed!(Reminders);
