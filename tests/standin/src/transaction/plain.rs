//! A load that is a transaction by itself: both systems, Doris' first phase and group commit too.

use std::io::Read;

use crate::catalog::{LoadRules, TableDef};
use crate::faults::Point;
use crate::http::{Body, Cut, Node, Request, Response};
use crate::load::{
    self, Batch, BodyError, GroupCommit, LoadSpec, Refusal, Timings, check_declared_size,
};
use crate::world::{System, World};

use super::ledger::{Beginning, DELAY_MS, NotBegun};
use super::plain_reply::{LoadReply, Outcome};
use super::record::{Kind, State};
use super::{Strikes, Transactions, texts};

/// For how long rows of an asynchronous group commit stay unseen, in milliseconds.
const GROUP_MS: i64 = 10_000;

/// A load on its way.
struct Load<'a> {
    world: &'a World,
    strikes: Strikes<'a>,
    backend: usize,
    spec: LoadSpec,
    group: GroupCommit,
    reply: LoadReply,
}

impl Transactions {
    /// Serves `_stream_load` at a backend.
    ///
    /// # Errors
    /// Where the connection is to be dropped without a reply.
    pub fn stream_load(
        world: &World,
        request: &Request,
        db: &str,
        table: &str,
        body: &mut Body,
    ) -> Result<Response, Cut> {
        let backend = backend_of(request);
        let length = body.content_length();
        let strikes = Strikes::new(world, request, "load", table);
        let limit = world.settings.get().http_concurrency;
        let serving = enter(world, backend);
        let refused = if strikes.takes(Point::ShuttingDown) {
            Some(Refusal::new("SERVICE_UNAVAILABLE", texts::SHUTTING_DOWN))
        } else if strikes.takes(Point::HttpConcurrency) || serving > limit {
            Some(texts::too_many_requests(limit))
        } else {
            None
        };
        let answer = match refused {
            Some(refusal) => {
                let reply = LoadReply::new(request.label(), is_two_phase(request));
                Ok(reply.response(world.system, &Outcome::Fail(refusal)))
            }
            None => serve(world, request, (db, table), strikes, length, body),
        };
        leave(world, backend);
        answer
    }
}

/// The backend that a request came to; a frontend never serves bodies.
pub(super) fn backend_of(request: &Request) -> usize {
    match request.node {
        Node::Backend(index) | Node::Frontend(index) => index,
    }
}

fn enter(world: &World, backend: usize) -> usize {
    let mut ledger = world.transactions.lock();
    let serving = ledger.loads.entry(backend).or_default();
    *serving += 1;
    *serving
}

fn leave(world: &World, backend: usize) {
    let mut ledger = world.transactions.lock();
    let serving = ledger.loads.entry(backend).or_default();
    *serving = serving.saturating_sub(1);
}

fn serve(
    world: &World,
    request: &Request,
    (db, table): (&str, &str),
    strikes: Strikes,
    length: Option<u64>,
    body: &mut dyn Read,
) -> Result<Response, Cut> {
    let system = world.system;
    let early = |refusal| {
        let reply = LoadReply::new(request.label(), is_two_phase(request));
        reply.response(system, &Outcome::Fail(refusal))
    };
    let spec = match LoadSpec::parse(system, world.version, &request.headers) {
        Ok(spec) => spec,
        Err(refusal) => return Ok(early(refusal)),
    };
    if let Err(refusal) = check_declared_size(&world.settings.get(), &spec, length, 0) {
        return Ok(early(refusal));
    }
    let group = group_of(world, &spec, db, table);
    let label = match (&spec.label, group) {
        (_, GroupCommit::Sync | GroupCommit::Async) => format!("group_commit_{}", uuid()),
        (Some(label), _) => label.clone(),
        (None, _) => uuid(),
    };
    let mut reply = LoadReply::new(&label, spec.two_phase);
    reply.group_commit = group != GroupCommit::Off;
    let backend = backend_of(request);
    let mut load = Load { world, strikes, backend, spec, group, reply };
    load::declarations(world, &request.headers, &label);
    if let Err(outcome) = load.begin(request, db, table, length) {
        return Ok(load.reply.response(system, &outcome));
    }
    let outcome = match load.run(db, table, length, body) {
        Ok(outcome) => outcome,
        Err(Ended::Lost) => {
            load.abort("the client closed the connection");
            return Err(Cut);
        }
        Err(Ended::Refused(refusal)) => {
            load.abort(&refusal.message);
            Outcome::Fail(refusal)
        }
    };
    Ok(load.reply.response(system, &outcome))
}

/// How a load ends without a commit.
enum Ended {
    /// There is nobody to answer.
    Lost,
    /// It fails.
    Refused(Refusal),
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Load<'_> {
    /// Begins the transaction: from now on its label is in use.
    fn begin(
        &mut self,
        request: &Request,
        db: &str,
        table: &str,
        length: Option<u64>,
    ) -> Result<(), Outcome> {
        let started = Timings::start();
        let mut declared = LoadSpec::parameters(&request.headers);
        let length = length.map_or_else(|| "chunked".to_owned(), |length| length.to_string());
        declared.push(("length".to_owned(), length));
        let label = self.reply.label.clone();
        let strikes = self.strikes.takes(Point::TxnLimit);
        let mut ledger = self.world.transactions.lock();
        ledger.expire(self.world);
        let new = Beginning {
            db,
            table,
            label: &label,
            kind: Kind::Load,
            backend: self.backend,
            timeout_s: self.spec.timeout_s,
            declared,
        };
        let compared = new.declared.clone();
        match ledger.begin(self.world, new, strikes) {
            Ok(txn) => {
                self.reply.txn = txn;
                self.reply.timings.begin_ms = started.elapsed_ms();
                Ok(())
            }
            Err(NotBegun::Refused(refusal)) => Err(Outcome::Fail(refusal)),
            Err(NotBegun::Used(used, refusal)) => {
                let known = ledger.store.get(used.txn);
                if known.is_some_and(|known| known.kind == Kind::Load && known.declared != compared)
                    && !used.state.is_open()
                    && self.world.settings.get().strict_client
                {
                    let what = format!("label {label} is used again for another body");
                    self.world.breaches.report(what);
                }
                let status = used.state.job_status(self.world.system).unwrap_or_default();
                Err(Outcome::LabelUsed(status, refusal))
            }
        }
    }

    /// Plans the load, takes its rows, and commits or pre-commits them.
    fn run(
        &mut self,
        db: &str,
        table: &str,
        length: Option<u64>,
        body: &mut dyn Read,
    ) -> Result<Outcome, Ended> {
        let started = self.reply.timings.elapsed_ms();
        let definition = self.world.catalog.table(db, table).map_err(|_| {
            let message = texts::unknown_table(self.world.system, db, table);
            Refusal::of_frontend(self.world.system, "ANALYSIS_ERROR", message)
        })?;
        let rules = load::plan(self.world, &definition, &self.spec)?;
        let planned = self.reply.timings.elapsed_ms();
        let limits = self.world.settings.get();
        let bytes = match load::read(&limits, body) {
            Ok(bytes) => bytes,
            Err(BodyError::Lost) => return Err(Ended::Lost),
            Err(BodyError::TooLong(refusal)) => return Err(refusal.into()),
        };
        // Only a body in chunks that has a length beside them gets this far.
        if length.is_some_and(|length| length != bytes.len() as u64) {
            let message = "receive body don't equal with body bytes";
            return Err(Refusal::new("INTERNAL_ERROR", message).into());
        }
        let read = self.reply.timings.elapsed_ms();
        let batch = self.write(&definition, &rules, bytes)?;
        let written = self.reply.timings.elapsed_ms();
        let outcome = self.end(table, batch)?;
        let times = &mut self.reply.timings;
        times.plan_ms = planned.saturating_sub(started);
        times.read_ms = read.saturating_sub(planned);
        times.write_ms = written.saturating_sub(read);
        times.commit_ms = times.elapsed_ms().saturating_sub(written);
        Ok(outcome)
    }

    /// The rows as they will be stored, or why the load fails by them.
    fn write(
        &mut self,
        table: &TableDef,
        rules: &LoadRules,
        bytes: Vec<u8>,
    ) -> Result<Batch, Ended> {
        let system = self.world.system;
        write_fault(self.world, &self.strikes, &table.database, &table.name)?;
        self.reply.counts.bytes = bytes.len() as u64;
        let batch = load::stage(self.world, table, &self.spec, rules, bytes)?;
        self.reply.counts = batch.counts;
        self.reply.list(self.world, self.backend, &batch.bad);
        if batch.counts.exceed(self.spec.max_filter_ratio) {
            if system == System::Doris {
                self.reply.counts.loaded = 0;
            }
            return Err(Refusal::new("DATA_QUALITY_ERROR", texts::TOO_MANY_FILTERED).into());
        }
        Ok(batch)
    }

    /// Prepares, and commits unless there is a second phase.
    fn end(&mut self, table: &str, batch: Batch) -> Result<Outcome, Ended> {
        let (world, txn) = (self.world, self.reply.txn);
        if self.spec.two_phase && self.strikes.takes(Point::PrepareFails) {
            let message = "pre-commit transaction failed";
            return Err(Refusal::of_frontend(world.system, "INTERNAL_ERROR", message).into());
        }
        let unknown =
            (!self.spec.two_phase).then(|| self.strikes.strike(Point::StatusUnknown)).flatten();
        if unknown.is_some_and(|strike| !strike.after) {
            return Err(texts::status_unknown().into());
        }
        let late = !self.spec.two_phase && self.strikes.takes(Point::PublishTimeout);
        let mut ledger = world.transactions.lock();
        ledger.expire(world);
        let timeout_s = world.settings.get().prepared_timeout_s;
        let staged = vec![(table.to_owned(), batch.staged)];
        if !ledger.prepare(world, txn, staged, batch.counts, timeout_s) {
            let reason = ledger.store.get(txn).map_or("", |known| known.reason.as_str());
            let message = format!("transaction [{txn}] is already aborted. abort reason: {reason}");
            return Err(Refusal::of_frontend(world.system, "ANALYSIS_ERROR", message).into());
        }
        if self.spec.two_phase {
            return Ok(Outcome::Success);
        }
        let delay_ms = match (late, self.group) {
            (true, _) => DELAY_MS,
            (false, GroupCommit::Async) => GROUP_MS,
            (false, _) => 0,
        };
        ledger.commit(world, txn, delay_ms);
        drop(ledger);
        if unknown.is_some() {
            return Ok(Outcome::Fail(texts::status_unknown()));
        }
        Ok(if late { Outcome::PublishTimeout } else { Outcome::Success })
    }

    fn abort(&self, reason: &str) {
        let mut ledger = self.world.transactions.lock();
        let open = ledger.store.get(self.reply.txn).is_some_and(|it| it.state == State::Prepare);
        if open {
            ledger.abort(self.world, self.reply.txn, reason);
        }
    }
}

/// Faults that strike while rows are written.
pub(super) fn write_fault(
    world: &World,
    strikes: &Strikes,
    db: &str,
    table: &str,
) -> Result<(), Refusal> {
    if strikes.takes(Point::MemoryLimit) {
        return Err(texts::memory_limit(world.system));
    }
    let many = strikes.takes(Point::TooManyVersions);
    if many || world.transactions.lock().has_too_many_versions(world, db, table) {
        return Err(texts::too_many_versions(world.system));
    }
    Ok(())
}

/// Whether Doris commits the load with others: by its header, else by the table's property.
fn group_of(world: &World, spec: &LoadSpec, db: &str, table: &str) -> GroupCommit {
    if world.system == System::StarRocks {
        return GroupCommit::Off;
    }
    if let Some(mode) = spec.group_commit {
        return mode;
    }
    let property = world.catalog.table(db, table).ok().and_then(|definition| {
        definition.properties.get("group_commit_mode").map(|mode| mode.to_ascii_lowercase())
    });
    match property.as_deref() {
        Some("sync_mode") => GroupCommit::Sync,
        Some("async_mode") => GroupCommit::Async,
        _ => GroupCommit::Off,
    }
}

fn is_two_phase(request: &Request) -> bool {
    request.headers.get("two_phase_commit") == Some("true")
}

/// A label of the server's own.
fn uuid() -> String {
    let text = format!("{:032x}", rand::random::<u128>());
    let parts = [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]];
    parts.join("-")
}
