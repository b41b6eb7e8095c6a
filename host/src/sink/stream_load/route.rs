//! Which table each row goes to, where the table's name depends on the row.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::{Array, StringArray};

use super::config::TablePiece;
use crate::record::Batch;
use crate::sink::Refusal;

/// What Doris takes of a name; StarRocks takes more.
const NAME_BYTES_MAX: usize = 64;

/// A batch's rows, by table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Routed {
    /// Rows that name no table.
    pub refused: Vec<Refusal>,
    /// The tables in the order of their first row, each with its rows in order.
    pub tables: Vec<(String, Vec<u32>)>,
}

/// Sorts a batch's rows by the tables that `pieces` name.
pub(super) fn route(pieces: &[TablePiece], batch: &Batch) -> Routed {
    let columns: Vec<Option<&StringArray>> =
        pieces.iter().map(|piece| text(piece, batch)).collect();
    let mut routed = Routed::default();
    let (mut name, mut places) = (String::new(), HashMap::new());
    // Rows of one table mostly come together.
    let mut last = None;
    for row in 0..batch.rows {
        name.clear();
        if let Err(refusal) = write_name(&mut name, pieces, &columns, batch, row) {
            routed.refused.push(refusal);
            continue;
        }
        let same = |place: &usize| routed.tables[*place].0 == name;
        let known = last.filter(same).or_else(|| places.get(&name).copied());
        let place = known.unwrap_or_else(|| {
            places.insert(name.clone(), routed.tables.len());
            routed.tables.push((name.clone(), Vec::new()));
            routed.tables.len() - 1
        });
        routed.tables[place].1.push(u32::try_from(row).expect("a batch is small"));
        last = Some(place);
    }
    routed
}

fn text<'a>(piece: &TablePiece, batch: &'a Batch) -> Option<&'a StringArray> {
    match piece {
        TablePiece::Text(_) => None,
        TablePiece::Column(column) => batch.columns.get(*column)?.values.as_string_opt::<i32>(),
    }
}

fn write_name(
    name: &mut String,
    pieces: &[TablePiece],
    columns: &[Option<&StringArray>],
    batch: &Batch,
    row: usize,
) -> Result<(), Refusal> {
    for (piece, values) in pieces.iter().zip(columns) {
        let column = match piece {
            TablePiece::Text(text) => {
                name.push_str(text);
                continue;
            }
            TablePiece::Column(column) => *column,
        };
        let refuse = |reason: &str| Refusal {
            row,
            reason: reason.to_owned(),
            column: batch.schema.fields.get(column).map(|field| field.name.clone()),
        };
        match values {
            Some(values) if values.is_valid(row) => {
                let value = values.value(row);
                if value.is_empty() || !value.chars().all(is_plain) {
                    return Err(refuse(
                        "the value is to be part of a table's name, but has something else than \
                         letters, digits, `_` and `-`, or nothing",
                    ));
                }
                name.push_str(value);
            }
            _ => return Err(refuse("null, where the value is to be part of a table's name")),
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(refuse("the value makes a table's name of more than 64 bytes"));
        }
    }
    Ok(())
}

/// Whether both systems take a character in a name, and URLs have it as it is.
const fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::record::{DataType, Field, Operation, Operations, RowMeta, Schema};

    fn batch(tables: &[Option<&str>]) -> Batch {
        let rows = tables.len();
        let values: Arc<dyn Array> = Arc::new(StringArray::from(tables.to_vec()));
        Batch {
            schema: Arc::new(Schema::new(vec![Field::new("source", DataType::Text, true)])),
            columns: vec![values.into()],
            meta: Arc::new(RowMeta::plain("here", Operations::All(Operation::Insert), rows)),
            rows,
            selection: None,
            before: None,
        }
    }

    #[test]
    fn rows_go_by_their_values_and_keep_their_order() {
        let pieces = [TablePiece::Text("ods_".to_owned()), TablePiece::Column(0)];
        let long = "x".repeat(61);
        let values = [Some("a"), Some("b"), Some("a"), None, Some("a`b"), Some(""), Some(&*long)];
        let routed = route(&pieces, &batch(&values));
        let tables = [("ods_a".to_owned(), vec![0, 2]), ("ods_b".to_owned(), vec![1])];
        assert_eq!(routed.tables, tables);
        let rows: Vec<usize> = routed.refused.iter().map(|refusal| refusal.row).collect();
        assert_eq!(rows, [3, 4, 5, 6]);
        assert!(routed.refused.iter().all(|refusal| refusal.column.as_deref() == Some("source")));
    }
}
