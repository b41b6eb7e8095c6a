//! Rows on their way to ports.

use std::any::Any;
use std::marker::PhantomData;

use crate::column::Builders;
use crate::operation::Operation;
use crate::raw::{self, Emitted, Times};
use crate::row::Output;

/// A port whose rows are `O`. [`Setup::port`](super::Setup::port) declares one.
pub struct Port<O> {
    index: usize,
    row: PhantomData<fn(O)>,
}

impl<O> Clone for Port<O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for Port<O> {}

/// All ports of a transform, and the rows that were emitted since they were last taken.
#[derive(Default)]
pub(super) struct Ports {
    pub(super) described: Vec<raw::Port>,
    buffers: Vec<Box<dyn Buffer>>,
    rows: usize,
}

impl Ports {
    pub(super) fn add<O: Output>(&mut self, port: raw::Port) -> Port<O> {
        self.described.push(port);
        self.buffers.push(Box::new(Rows::<O::Builders>::new()));
        Port { index: self.buffers.len() - 1, row: PhantomData }
    }

    /// Rows that were emitted and not yet taken.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn emit<O: Output>(
        &mut self,
        port: Port<O>,
        row: O,
        operation: Operation,
        time: Option<i64>,
    ) {
        let rows: Option<&mut Rows<O::Builders>> = self.buffers[port.index].as_any().downcast_mut();
        rows.expect("a port belongs to the transform that declared it").push(row, operation, time);
        self.rows += 1;
    }

    /// The rows of each port that has any.
    pub(super) fn take(&mut self) -> Vec<Emitted> {
        self.rows = 0;
        let buffers = self.buffers.iter_mut().enumerate();
        buffers.filter_map(|(port, buffer)| buffer.take(port as u32)).collect()
    }
}

/// A port's rows, whatever their type is.
trait Buffer {
    fn as_any(&mut self) -> &mut dyn Any;
    fn take(&mut self, port: u32) -> Option<Emitted>;
}

/// A port's rows, as columns that grow by a block at a time.
struct Rows<B> {
    builders: B,
    operations: Vec<u8>,
    times: Vec<i64>,
    timed: Vec<u8>,
}

impl<B: Builders> Rows<B> {
    fn new() -> Self {
        Self { builders: B::new(0), operations: Vec::new(), times: Vec::new(), timed: Vec::new() }
    }

    fn push<O: Output<Builders = B>>(&mut self, row: O, operation: Operation, time: Option<i64>) {
        let (block, lane) = (self.times.len() / 8, self.times.len() % 8);
        if lane == 0 {
            self.builders.grow(block + 1);
            self.timed.push(0);
        }
        let mut blocks = self.builders.blocks(block);
        row.write(&mut blocks, lane);
        B::close(blocks);
        self.operations.push(operation.code());
        self.times.push(time.unwrap_or_default());
        self.timed[block] |= u8::from(time.is_some()) << lane;
    }
}

impl<B: Builders> Buffer for Rows<B> {
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn take(&mut self, port: u32) -> Option<Emitted> {
        let rows = self.times.len();
        if rows == 0 {
            return None;
        }
        let Self { builders, operations, times, timed } = std::mem::replace(self, Self::new());
        let mut columns = Vec::new();
        builders.finish(rows, &mut columns);
        let inserts = operations.iter().all(|code| *code == Operation::Insert.code());
        let count: u32 = timed.iter().map(|bits| bits.count_ones()).sum();
        let validity = (count as usize != rows).then_some(timed);
        Some(Emitted {
            port,
            rows: rows as u32,
            columns,
            operations: (!inserts).then_some(operations),
            event_times: (count > 0).then_some(Times { values: times, validity }),
        })
    }
}
