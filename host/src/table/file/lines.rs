//! JSON lines as a table: the decoder of the sources, for which the whole file is one batch.

use super::{Fault, Rows};
use crate::format::{JsonDecoder, Limits};
use crate::table::TableColumn;

/// Reads the declared columns of a whole file.
pub(super) fn read(content: &[u8], columns: &[TableColumn]) -> Result<Rows, Fault> {
    let mut decoder = JsonDecoder::new(columns.iter().map(TableColumn::spec).collect());
    let progress = decoder.decode_chunk(content, Limits { rows: usize::MAX, bytes: usize::MAX });
    debug_assert_eq!(
        progress.bytes,
        content.len(),
        "a table's file is smaller than any batch may be"
    );
    let decoded = decoder.finish();
    if let Some(reject) = decoded.rejects.into_iter().next() {
        return Err(match reject.column {
            Some(column) => Fault::in_column(reject.line, &column, &reject.reason),
            None => Fault { line: reject.line, reason: reject.reason },
        });
    }
    Ok(Rows {
        columns: decoded.columns,
        lines: decoded.lines.into_iter().map(i64::cast_unsigned).collect(),
    })
}
