//! A source, a stage and a sink on a thread each, with bounded edges between them, as a pipeline
//! would have them.

use std::sync::Arc;
use std::thread;

use anyhow::{Context, anyhow, ensure};
use crossbeam_channel::{Receiver, Sender, bounded};
use millrace::config::Plan;
use millrace::record::Batch;
use millrace::sink::{Handle, Sink, SinkContext};
use millrace::source::{Budget, Next, Source};
use millrace::telemetry::Clock;

/// Batches that an edge holds, as in a pipeline.
const EDGE_CAPACITY: usize = 4;

/// How many rows there were.
pub struct Tally {
    /// That the source read.
    pub read: u64,
    /// That the sink took.
    pub written: u64,
}

/// Runs the one source and the one sink of `plan` with `apply` between them; a batch of which
/// nothing is left comes back as `None`.
pub fn run(
    plan: &Plan,
    mut apply: impl FnMut(Batch) -> anyhow::Result<Option<Batch>> + Send,
) -> anyhow::Result<Tally> {
    let source = plan.sources.first().context("the pipeline has a source")?;
    let mut source = source.config.open(None, Clock::System)?;
    let mut sink = open_sink(plan)?;
    let (decoded, undone) = bounded(EDGE_CAPACITY);
    let (done, unwritten) = bounded(EDGE_CAPACITY);
    thread::scope(|scope| {
        let reading = scope.spawn(move || read(&mut *source, &plan.batch, &decoded));
        let working = scope.spawn(move || -> anyhow::Result<()> {
            for batch in undone {
                if let Some(batch) = apply(batch)? {
                    send(&done, batch)?;
                }
            }
            Ok(())
        });
        let writing = scope.spawn(move || write(&mut *sink, unwritten));
        let (reading, working, writing) = (reading.join(), working.join(), writing.join());
        // Who fails first makes the thread before it fail too: the last one's error is the cause.
        let written = writing.map_err(|_| anyhow!("the writing thread panicked"))??;
        working.map_err(|_| anyhow!("the stage's thread panicked"))??;
        let read = reading.map_err(|_| anyhow!("the reading thread panicked"))??;
        Ok(Tally { read, written })
    })
}

fn open_sink(plan: &Plan) -> anyhow::Result<Box<dyn Sink>> {
    let sink = plan.sinks.first().context("the pipeline has a sink")?;
    let context = SinkContext {
        pipeline: plan.name.clone(),
        sink: sink.config.name.clone(),
        incarnation: "twin".to_owned(),
        segments: std::env::temp_dir(),
        schema: sink.schema.clone(),
        clock: Clock::System,
        counters: Arc::default(),
    };
    Ok(sink.config.open(&context, &Handle(serde_json::Value::Null))?.sink)
}

fn read(source: &mut dyn Source, budget: &Budget, rows: &Sender<Batch>) -> anyhow::Result<u64> {
    let mut read = 0;
    loop {
        match source.next(budget)? {
            Next::Rows(next) => {
                ensure!(next.rejected.is_empty(), "a line was rejected");
                read += next.batch.rows as u64;
                if next.batch.rows > 0 {
                    send(rows, next.batch)?;
                }
            }
            Next::Idle => {}
            Next::Finished => return Ok(read),
        }
    }
}

fn write(sink: &mut dyn Sink, rows: Receiver<Batch>) -> anyhow::Result<u64> {
    let mut written = 0;
    for batch in rows {
        let batch = batch.gathered();
        let refused = sink.write(&batch)?;
        ensure!(refused.is_empty(), "a row was refused");
        written += batch.rows as u64;
    }
    Ok(written)
}

fn send(edge: &Sender<Batch>, batch: Batch) -> anyhow::Result<()> {
    edge.send(batch).map_err(|_| anyhow!("the next thread has gone"))
}
