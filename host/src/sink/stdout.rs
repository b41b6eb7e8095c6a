//! Rows as JSON lines on standard output, for looking and for pipes: at-least-once only, because
//! what is printed cannot be taken back.
//!
//! A change other than an insert or a read starts with a member `_operation` that names it.

use std::io::{self, ErrorKind, Write};

use super::blackhole::{NothingToCommit, nothing_prepared};
use super::{OpenSink, Prepared, Refusal, Sink, SinkError};
use crate::record::{Batch, Epoch, Operation, write_members, write_row};

/// Opens the sink.
pub(super) fn open() -> OpenSink {
    OpenSink { sink: Box::new(Lines::new(io::stdout())), committer: Box::new(NothingToCommit) }
}

struct Lines<W> {
    writer: W,
    /// The batch as text, kept for its capacity.
    lines: Vec<u8>,
}

impl<W: Write> Lines<W> {
    fn new(writer: W) -> Self {
        Self { writer, lines: Vec::new() }
    }
}

impl<W: Write + Send> Sink for Lines<W> {
    fn write(&mut self, batch: &Batch) -> Result<Vec<Refusal>, SinkError> {
        self.lines.clear();
        for row in 0..batch.rows {
            write_change(&mut self.lines, batch, row);
            self.lines.push(b'\n');
        }
        self.writer.write_all(&self.lines).and_then(|()| self.writer.flush()).map_err(
            |source| match source.kind() {
                ErrorKind::BrokenPipe => SinkError::BrokenPipe,
                _ => SinkError::Stdout { source },
            },
        )?;
        Ok(Vec::new())
    }

    fn prepare(&mut self, _: Epoch) -> Result<Prepared, SinkError> {
        Ok(nothing_prepared())
    }
}

fn write_change(out: &mut Vec<u8>, batch: &Batch, row: usize) {
    let operation = batch.meta.operations.get(row);
    if matches!(operation, Operation::Insert | Operation::Read) {
        write_row(out, batch, row);
        return;
    }
    out.extend_from_slice(b"{\"_operation\":\"");
    out.extend_from_slice(operation.name().as_bytes());
    out.extend_from_slice(b"\",");
    let members = out.len();
    write_members(out, batch, row);
    if out.len() == members {
        out.pop();
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array};

    use super::*;
    use crate::record::{Column, DataType, Field, Operations, RowMeta, Schema};

    fn batch(operations: Operations, values: Vec<i64>) -> Batch {
        let rows = values.len();
        Batch {
            schema: Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, true)])),
            columns: vec![Column::from(Arc::new(Int64Array::from(values)) as ArrayRef)],
            meta: Arc::new(RowMeta::plain("test", operations, rows)),
            rows,
            selection: None,
            before: None,
        }
    }

    #[test]
    fn each_row_is_a_line_and_names_its_operation_where_it_is_not_a_new_row() {
        let mut sink = Lines::new(Vec::new());
        let refused = sink.write(&batch(Operations::All(Operation::Insert), vec![1, 2])).unwrap();
        assert!(refused.is_empty());
        let deletes = Operations::Each(vec![Operation::Delete as u8].into());
        sink.write(&batch(deletes, vec![3])).unwrap();
        assert_eq!(
            String::from_utf8(sink.writer).unwrap(),
            "{\"id\":1}\n{\"id\":2}\n{\"_operation\":\"delete\",\"id\":3}\n"
        );
    }

    #[test]
    fn a_reader_that_has_gone_is_named() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let rows = batch(Operations::All(Operation::Read), vec![1]);
        let error = Lines::new(Gone).write(&rows).unwrap_err();
        assert!(matches!(error, SinkError::BrokenPipe));
    }
}
