//! A stateful transform as the host sees it.

use super::context::Context;
use super::ports::Ports;
use super::setup::Setup;
use super::{Keyed, Order};
use crate::column::{DECIMAL_OVERFLOW, InputValue, Reader};
use crate::decimal;
use crate::params;
use crate::raw::{
    self, Batch, Description, Extras, Failure, Fired, Guest, InputSchema, InputUse, Keys, Outcome,
    Problem, StateChunk, TableSchema,
};
use crate::reject::Reject;
use crate::row::{Intake, Projection, Report};
use crate::state::{Domain, Store};
use crate::time::Timestamp;

/// A [`Keyed`] transform with its state: the [`Guest`] that the host, or a test, calls.
pub struct Stage<T> {
    pub(super) transform: T,
    pub(super) store: Store,
    pub(super) ports: Ports,
    pub(super) scratch: Vec<u8>,
    wants: Wants,
}

/// What is wanted beside columns, watermarks and ticks among it.
#[derive(Clone, Copy)]
struct Wants {
    /// Rows come by event time, and timers fire between them.
    ordered: bool,
    event: bool,
    processing: bool,
}

impl Wants {
    fn new<T: Keyed>(setup: &Setup) -> Self {
        let ordered = matches!(T::ORDER, Order::EventTime);
        let event = setup.goes_by(Domain::Event);
        Self { ordered, event, processing: setup.goes_by(Domain::Processing) }
    }

    fn extras(self) -> Extras {
        let mut extras = Extras::empty();
        if self.event {
            extras |= Extras::EVENT_TIMES;
        }
        if self.processing {
            extras |= Extras::PROCESSING_TIMES;
        }
        extras
    }
}

/// A row beside its columns.
struct RowPlace<'a> {
    row: u32,
    group: u16,
    key: &'a [u8],
    event: Option<i64>,
    processing: Option<i64>,
}

impl<T: Keyed> Guest for Stage<T> {
    fn describe(
        params: &str,
        inputs: &[InputSchema],
        _tables: &[TableSchema],
    ) -> Result<Description, Vec<Problem>> {
        let mut setup = Setup::new();
        T::open(params::read(params)?, &mut setup)?;
        let wants = Wants::new::<T>(&setup);
        let mut description = Description::map(T::NAME, T::VERSION);
        let input = InputUse {
            columns: <T::Input<'static> as Projection<'static>>::reads(),
            takes: T::takes(),
            extras: <T::Input<'static> as Projection<'static>>::extras() | wants.extras(),
        };
        let count = inputs.iter().map(|schema| schema.input as usize + 1).max().unwrap_or(1);
        T::ABOUT.clone_into(&mut description.about);
        description.mode = raw::Mode::Emit;
        description.inputs = vec![input; count];
        description.key = T::KEY.iter().map(|column| (*column).to_owned()).collect();
        description.keyed = true;
        description.order = T::ORDER;
        description.states = setup.states().map_err(|problem| vec![problem])?;
        description.watermarks = wants.event;
        description.ticks = wants.processing;
        description.outputs = setup.ports.described;
        Ok(description)
    }

    fn open(
        params: &str,
        _inputs: &[InputSchema],
        _tables: &[TableSchema],
    ) -> Result<Self, Failure> {
        let mut setup = Setup::new();
        let transform = params::read(params).and_then(|params| T::open(params, &mut setup));
        let transform = transform.map_err(|problems| params::failure(&problems))?;
        let wants = Wants::new::<T>(&setup);
        let Setup { states, ports } = setup;
        Ok(Self { transform, store: Store::new(states), ports, scratch: Vec::new(), wants })
    }

    fn process(&mut self, mut batch: Batch) -> Result<Outcome, Failure> {
        let rows = batch.rows as usize;
        let keys = batch.keys.take().ok_or_else(|| Failure::new("the keys did not come"))?;
        if keys.groups.len() != rows || keys.encoded.offsets.len() != rows + 1 {
            let found = keys.groups.len();
            return Err(Failure::new(format!("{found} keys came with {rows} rows")));
        }
        let batch = Intake::new(batch)?;
        let mut report = Report::new();
        let done = self.rows(&batch, &keys, &mut report);
        raw::elsewhere();
        done?;
        Ok(report.emitted(self.ports.take()))
    }

    fn advance_watermark(&mut self, time: i64) -> Result<Fired, Failure> {
        let more = self.page(Domain::Event, time)?;
        Ok(Fired { emitted: self.ports.take(), more, next_tick: None })
    }

    fn tick(&mut self, now: i64) -> Result<Fired, Failure> {
        let more = self.page(Domain::Processing, now)?;
        let next_tick = if more { None } else { self.next_tick(now) };
        Ok(Fired { emitted: self.ports.take(), more, next_tick })
    }

    fn save(&mut self, max_bytes: u32) -> Result<StateChunk, Failure> {
        Ok(self.store.save(max_bytes))
    }

    fn restore(&mut self, chunk: StateChunk) -> Result<(), Failure> {
        self.store.restore(&chunk)
    }
}

impl<T: Keyed> Stage<T> {
    fn rows<'b>(
        &mut self,
        batch: &'b Intake,
        keys: &Keys,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let mut source = batch.after();
        let readers = <T::Input<'b> as Projection<'b>>::open(&mut source)?;
        let events =
            self.wants.event.then(|| source.event_times::<Option<Timestamp>>()).transpose()?;
        let entered =
            self.wants.processing.then(|| source.processing_times::<Timestamp>()).transpose()?;
        let pass = source.pass(report);
        for index in 0..pass.blocks() {
            let (block, live) = (readers.block(index), pass.live(index));
            let (events, entered) = (events.block(index), entered.block(index));
            for lane in (0..8).filter(|lane| (live >> lane) & 1 == 1) {
                let row = index * 8 + lane;
                let time = |block| <Option<Timestamp> as InputValue<'b>>::get(block, lane);
                let place = RowPlace {
                    row: row as u32,
                    group: keys.groups[row],
                    key: key(keys, row)?,
                    event: events.as_ref().and_then(time).map(Timestamp::micros),
                    processing: entered
                        .as_ref()
                        .map(|block| <Timestamp as InputValue<'b>>::get(block, lane).micros()),
                };
                self.turn(&place)?;
                let change = <T::Input<'b> as Projection<'b>>::row(&block, lane);
                self.change(&place, change, report);
            }
        }
        Ok(())
    }

    /// Moves the clocks to a row. In event-time order that fires what comes before it, so that no
    /// watermark has to come between two rows.
    #[inline]
    fn turn(&mut self, place: &RowPlace<'_>) -> Result<(), Failure> {
        if let Some(time) = place.processing {
            self.store.advance(Domain::Processing, time);
        }
        if let (true, Some(time)) = (self.wants.ordered, place.event) {
            self.fire(Domain::Event, time, usize::MAX)?;
            self.store.advance(Domain::Event, time);
        }
        raw::at_row(place.row);
        Ok(())
    }

    #[inline]
    fn change(&mut self, place: &RowPlace<'_>, row: T::Input<'_>, report: &mut Report) {
        let mut context = Context {
            store: &mut self.store,
            ports: &mut self.ports,
            scratch: &mut self.scratch,
            key: place.key,
            group: place.group,
            time: place.event,
            refusal: None,
        };
        let answer = self.transform.on_change(&mut context, row);
        let refusal = context.refusal;
        // The transform's own refusal says more than that something overflowed.
        let overflowed = decimal::take_overflow();
        match answer {
            Err(reject) => report.reject(place.row, reject),
            Ok(()) if overflowed => {
                let reject = refusal.unwrap_or_else(|| Reject::new(DECIMAL_OVERFLOW));
                report.reject(place.row, reject);
            }
            Ok(()) => {}
        }
    }
}

/// The encoded key of a row.
fn key(keys: &Keys, row: usize) -> Result<&[u8], Failure> {
    let offsets = &keys.encoded.offsets;
    let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
    let key = keys.encoded.bytes.get(start..end);
    key.ok_or_else(|| Failure::new("the offsets of the keys do not fit"))
}
