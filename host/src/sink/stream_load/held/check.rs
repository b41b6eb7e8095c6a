//! Rows that are refused or left out by what they did, whatever their values.

use std::sync::Arc;

use arrow_array::Array;

use super::FoldRules;
use crate::record::{Batch, Operation, Operations};
use crate::sink::growing::change_words;
use crate::sink::{ChangePolicy, Refusal, WriteMode};

const NEEDED: &str = "the source left the value out as unchanged, but it is needed here";

const NEW_ROW_UNCHANGED: &str = "the source left the value out as unchanged, but the row is new, \
    so that there is none to keep; an update that changes the key makes such a row: let the source \
    send whole rows, in PostgreSQL by REPLICA IDENTITY FULL or by the connector's reselecting";

const UNORDERED_DELETE: &str = "the delete does not say its value of the sequence column, so that \
    nothing tells whether the row has changed since; let the source send whole rows of deletes, in \
    PostgreSQL by REPLICA IDENTITY FULL";

const UNORDERED_MOVE: &str = "the update changes the key and does not say its value of the sequence \
    column, so that nothing tells whether the row of the old key has changed since; let the source \
    fill that column in each change";

const TRUNCATE: &str = "a truncate is no change of a row; on_truncate says what becomes of it";

/// What becomes of a batch's rows.
pub(super) struct Verdict {
    /// Rows to set aside, in order.
    pub(super) refused: Vec<Refusal>,
    /// The rows to take; `None`: all.
    pub(super) kept: Option<Vec<u32>>,
}

enum Fate {
    Kept,
    LeftOut,
    Refused(Refusal),
}

/// Decides about those rows (`None`: all) of a batch.
pub(super) fn inspect(rules: &FoldRules, batch: &Batch, rows: Option<&[u32]>) -> Verdict {
    if is_clear(rules, batch) {
        return Verdict { refused: Vec::new(), kept: rows.map(<[u32]>::to_vec) };
    }
    let (mut refused, mut kept) = (Vec::new(), Vec::new());
    let mut decide = |row: u32| match fate(rules, batch, row as usize) {
        Fate::Kept => kept.push(row),
        Fate::LeftOut => {}
        Fate::Refused(refusal) => refused.push(refusal),
    };
    match rows {
        Some(rows) => rows.iter().copied().for_each(&mut decide),
        None => (0..u32::try_from(batch.rows).expect("a batch is small")).for_each(&mut decide),
    }
    let is_all = rows.is_none() && kept.len() == batch.rows;
    Verdict { refused, kept: (!is_all).then_some(kept) }
}

/// The refusal of an update that changes the key and does not say when, or of a row that leaves a
/// value out that nobody else has.
pub(super) fn refused_late(rules: &FoldRules, batch: &Batch, row: usize) -> Refusal {
    let is_moved = batch.before.as_ref().is_some_and(|before| before.present.value(row));
    if is_moved
        && let Some(column) = rules.sequence
        && is_untold(batch, column, row)
    {
        return refusal(batch, row, Some(column), UNORDERED_MOVE.to_owned());
    }
    let column = (0..batch.columns.len()).find(|column| is_unchanged(batch, *column, row));
    refusal(batch, row, column, NEW_ROW_UNCHANGED.to_owned())
}

/// Whether no row can be at fault: the common case.
fn is_clear(rules: &FoldRules, batch: &Batch) -> bool {
    let is_plain = |operation: Operation| match rules.mode {
        WriteMode::Append => matches!(operation, Operation::Insert | Operation::Read),
        WriteMode::Upsert => match operation {
            Operation::Truncate => false,
            Operation::Delete => rules.sequence.is_none(),
            Operation::Insert | Operation::Update | Operation::Read => true,
        },
    };
    let are_plain = match &batch.meta.operations {
        Operations::All(operation) => is_plain(*operation),
        Operations::Each(codes) => {
            codes.iter().all(|code| Operation::from_code(*code).is_some_and(is_plain))
        }
    };
    are_plain && batch.columns.iter().all(|column| column.unchanged.is_none())
}

fn fate(rules: &FoldRules, batch: &Batch, row: usize) -> Fate {
    let operation = batch.meta.operations.get(row);
    match rules.mode {
        WriteMode::Append => appended(rules, batch, row, operation),
        WriteMode::Upsert => upserted(rules, batch, row, operation),
    }
}

fn appended(rules: &FoldRules, batch: &Batch, row: usize, operation: Operation) -> Fate {
    let (policy, key) = match operation {
        Operation::Insert | Operation::Read => (ChangePolicy::Append, ""),
        Operation::Update => (rules.on_update, "on_update"),
        Operation::Delete | Operation::Truncate => (rules.on_delete, "on_delete"),
    };
    match policy {
        ChangePolicy::Ignore => return Fate::LeftOut,
        ChangePolicy::DeadLetter => {
            let reason = format!(
                "a sink in append mode cannot take {}; use mode = \"upsert\", or say {key} = \
                 \"ignore\" or \"append\"",
                change_words(operation)
            );
            return Fate::Refused(refusal(batch, row, None, reason));
        }
        ChangePolicy::Append => {}
    }
    needs(batch, row, 0..batch.columns.len(), NEEDED)
}

fn upserted(rules: &FoldRules, batch: &Batch, row: usize, operation: Operation) -> Fate {
    if operation == Operation::Truncate {
        return Fate::Refused(refusal(batch, row, None, TRUNCATE.to_owned()));
    }
    // The target would take it for older than any row, and leave the row without a word.
    if let Some(column) = rules.sequence.filter(|_| operation == Operation::Delete)
        && is_untold(batch, column, row)
    {
        return Fate::Refused(refusal(batch, row, Some(column), UNORDERED_DELETE.to_owned()));
    }
    match needs(batch, row, rules.key.iter().copied(), NEEDED) {
        Fate::Kept if matches!(operation, Operation::Insert | Operation::Read) => {
            needs(batch, row, 0..batch.columns.len(), NEW_ROW_UNCHANGED)
        }
        fate => fate,
    }
}

/// Refuses a row that leaves the value of one of `columns` out.
fn needs(
    batch: &Batch,
    row: usize,
    mut columns: impl Iterator<Item = usize>,
    reason: &str,
) -> Fate {
    match columns.find(|column| is_unchanged(batch, *column, row)) {
        Some(column) => Fate::Refused(refusal(batch, row, Some(column), reason.to_owned())),
        None => Fate::Kept,
    }
}

/// Whether a row does not say its value.
fn is_untold(batch: &Batch, column: usize, row: usize) -> bool {
    is_unchanged(batch, column, row) || batch.columns[column].values.is_null(row)
}

fn is_unchanged(batch: &Batch, column: usize, row: usize) -> bool {
    batch.columns[column].unchanged.as_ref().is_some_and(|bits| bits.value(row))
}

fn refusal(batch: &Batch, row: usize, column: Option<usize>, reason: String) -> Refusal {
    let column = column.map(|index| Arc::clone(&batch.schema.fields[index].name));
    Refusal { row, reason, column }
}
