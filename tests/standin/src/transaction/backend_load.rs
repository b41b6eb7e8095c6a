//! A load inside a StarRocks transaction, of one table or of several.

use std::io::Read;

use crate::faults::Point;
use crate::http::{Cut, Request, Response};
use crate::load::{
    self, Batch, BodyError, Format, LoadSpec, Refusal, Timings, check_declared_size,
};
use crate::world::World;

use super::backend::{check_names, drop_context, not_exists, refused, reply};
use super::context::{ABORTED, Context, in_processing};
use super::ledger::Ledger;
use super::plain::{backend_of, write_fault};
use super::{Strikes, multi};

/// Where a transaction is held.
enum Place {
    /// On a backend, by label.
    Backend((usize, String)),
    /// At the frontend, by database and label.
    Frontend((String, String)),
}

impl Place {
    fn of(world: &World, request: &Request) -> Self {
        let label = request.label().to_owned();
        if multi::is_asked(world, &request.headers) {
            let db = request.headers.get("db").unwrap_or_default().to_owned();
            Self::Frontend((db, label))
        } else {
            Self::Backend((backend_of(request), label))
        }
    }

    fn context<'a>(&self, ledger: &'a mut Ledger) -> Option<&'a mut Context> {
        match self {
            Self::Backend(key) => ledger.contexts.get_mut(key),
            Self::Frontend(key) => ledger.tasks.get_mut(key),
        }
    }
}

/// What the header stage of a load found out.
struct Admitted {
    txn: i64,
    db: String,
    table: String,
    /// Bytes that the transaction has already.
    before: u64,
}

/// How the load ends.
enum Ended {
    /// There is nobody to answer.
    Lost,
    /// It fails, and with it the transaction.
    Spoilt(Refusal),
    /// The rows are no rows: told when the transaction is to be prepared.
    Later(Refusal, u64),
    /// Its rows are there.
    Rows(Box<Batch>),
}

/// Serves a load.
pub(super) fn load(
    world: &World,
    request: &Request,
    length: Option<u64>,
    body: &mut dyn Read,
    strikes: &Strikes,
) -> Result<Response, Cut> {
    let label = request.label();
    let place = Place::of(world, request);
    let mut timings = Timings::start();
    let admitted = match admit(world, request, &place, strikes) {
        Ok(admitted) => admitted,
        Err(refusal) => return Ok(refused(&refusal)),
    };
    load::declarations(world, &request.headers, label);
    let spec = LoadSpec::parse(world.system, world.version, &request.headers);
    let (ended, ratio) = match spec {
        Err(refusal) => (Ended::Spoilt(refusal), 0.0),
        Ok(mut spec) => {
            // Inside a transaction anything but exactly `true` is false.
            if request.headers.get("partial_update") != Some("true") {
                spec.partial = None;
            }
            let limits = world.settings.get();
            let ended = match check_declared_size(&limits, &spec, length, admitted.before) {
                Err(refusal) => Ended::Spoilt(refusal),
                Ok(()) => run(world, &admitted, &spec, body, strikes, &mut timings),
            };
            (ended, spec.max_filter_ratio)
        }
    };
    settle(world, label, &place, &admitted, Outcome { ended, ratio, timings })
}

/// What is left of a load once its body was read.
struct Outcome {
    ended: Ended,
    ratio: f64,
    timings: Timings,
}

/// Gives the rows to the transaction, if it is still there, and lets the next request in.
fn settle(
    world: &World,
    label: &str,
    place: &Place,
    admitted: &Admitted,
    Outcome { ended, ratio, timings }: Outcome,
) -> Result<Response, Cut> {
    let mut ledger = world.transactions.lock();
    let context = place.context(&mut ledger).filter(|context| context.txn == admitted.txn);
    let Some(context) = context else {
        // It was rolled back or timed out while the body came.
        return match ended {
            Ended::Lost => Err(Cut),
            _ => Ok(refused(&not_exists(label))),
        };
    };
    context.busy.remove(&admitted.table);
    context.used_ms = world.clock.now_ms();
    context.max_filter_ratio = ratio;
    let bytes = match ended {
        Ended::Lost => {
            context.spoilt = true;
            return Err(Cut);
        }
        Ended::Spoilt(refusal) => {
            context.spoilt = true;
            return Ok(refused(&refusal));
        }
        Ended::Later(refusal, bytes) => {
            if context.failed.is_none() {
                context.failed = Some(refusal);
            }
            context.counts.bytes += bytes;
            bytes
        }
        Ended::Rows(batch) => {
            let bytes = batch.counts.bytes;
            context.add(&admitted.table, *batch);
            bytes
        }
    };
    context.timings.plan_ms += timings.plan_ms;
    context.timings.read_ms += timings.read_ms;
    context.timings.write_ms += timings.write_ms;
    Ok(reply("OK", "", |object| {
        object
            .with("Label", label)
            .with("TxnId", admitted.txn)
            .with("LoadBytes", bytes)
            .with("StreamLoadPlanTimeMs", timings.plan_ms)
            .with("ReceivedDataTimeMs", timings.read_ms)
    }))
}

/// Lets a load in: one at a time, with the parameters of the one before.
fn admit(
    world: &World,
    request: &Request,
    place: &Place,
    strikes: &Strikes,
) -> Result<Admitted, Refusal> {
    let label = request.label();
    let missing = |name: &str| Refusal::new("INVALID_ARGUMENT", format!("empty {name}"));
    let db = request.headers.filled("db").ok_or_else(|| missing("db"))?;
    let table = request.headers.filled("table").ok_or_else(|| missing("table"))?;
    let drops = strikes.takes(Point::DropContext);
    let mut ledger = world.transactions.lock();
    if let (true, Place::Backend(key)) = (drops, place) {
        drop_context(&mut ledger, world, key);
    }
    let context = place.context(&mut ledger).ok_or_else(|| not_exists(label))?;
    check_names(context, request)?;
    if context.busy.contains(table) {
        return Err(in_processing());
    }
    if context.spoilt {
        if world.settings.get().strict_client {
            let what = format!("load {label}: sent again in a transaction that has failed");
            world.breaches.report(what);
        }
        return Err(Refusal::new("ABORTED", ABORTED));
    }
    let parameters = LoadSpec::parameters(&request.headers);
    let begun = context.parameters.get(table);
    if begun.is_some_and(|before| *before != parameters) {
        context.spoilt = true;
        return Err(Refusal::new("INTERNAL_ERROR", "load request not equal last."));
    }
    let is_first = begun.is_none();
    context.busy.insert(table.to_owned());
    context.parameters.insert(table.to_owned(), parameters);
    context.used_ms = world.clock.now_ms();
    let (txn, before) = (context.txn, context.counts.bytes);
    if is_first && context.table.is_empty() {
        world.catalog.began(db, table, txn);
    }
    Ok(Admitted { txn, db: db.to_owned(), table: table.to_owned(), before })
}

/// Plans the load and takes its rows.
fn run(
    world: &World,
    admitted: &Admitted,
    spec: &LoadSpec,
    body: &mut dyn Read,
    strikes: &Strikes,
    timings: &mut Timings,
) -> Ended {
    let internal = |refusal: Refusal| Refusal::new("INTERNAL_ERROR", refusal.message);
    let Admitted { db, table, .. } = admitted;
    let Ok(definition) = world.catalog.table(db, table) else {
        let message = super::texts::unknown_table(world.system, db, table);
        return Ended::Spoilt(Refusal::new("INTERNAL_ERROR", message));
    };
    let rules = match load::plan(world, &definition, spec) {
        Ok(rules) => rules,
        Err(refusal) => return Ended::Spoilt(internal(refusal)),
    };
    timings.plan_ms = timings.elapsed_ms();
    let bytes = match load::read(&world.settings.get(), body) {
        Ok(bytes) => bytes,
        Err(BodyError::Lost) => return Ended::Lost,
        Err(BodyError::TooLong(refusal)) => return Ended::Spoilt(refusal),
    };
    timings.read_ms = timings.elapsed_ms().saturating_sub(timings.plan_ms);
    if let Err(refusal) = write_fault(world, strikes, db, table) {
        return Ended::Spoilt(refusal);
    }
    if let Format::Csv(style) = &spec.format
        && spec.codec_is_plain()
        && !bytes.is_empty()
        && !bytes.ends_with(&style.delimiter)
    {
        let what = "the CSV of a load inside a transaction does not end with the row delimiter";
        world.breaches.report(format!("load {}: {what}", strikes.label));
    }
    let length = bytes.len() as u64;
    let ended = match load::stage(world, &definition, spec, &rules, bytes) {
        Ok(batch) => Ended::Rows(Box::new(batch)),
        Err(refusal) => Ended::Later(internal(refusal), length),
    };
    timings.write_ms =
        timings.elapsed_ms().saturating_sub(timings.read_ms).saturating_sub(timings.plan_ms);
    ended
}
