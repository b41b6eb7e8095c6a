//! The columns of rows, or those of before images.
//!
//! *Invariants*: all columns have the same number of rows; a row that is refused leaves none behind.

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

use super::schema::Semantic;
use super::value::{self, Scratch};
use crate::format::json::{PathTree, Walk, blocked};
use crate::format::{ColumnBuilder, ColumnSpec, TimeUnit};
use crate::record::Column;

/// Why a line is no row.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) reason: String,
    pub(super) column: Option<String>,
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self { reason, column: None }
    }
}

/// An object in which a row's values were found.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    pub(super) text: &'a str,
    pub(super) tree: &'a PathTree,
    /// By column: its node of the tree.
    pub(super) nodes: &'a [usize],
    pub(super) walk: &'a Walk,
    /// By column: what the schema says; empty without one.
    pub(super) semantics: &'a [Option<Semantic>],
}

impl Document<'_> {
    /// Whether none of the columns is in it, not even as a null.
    pub(super) fn is_strange(&self) -> bool {
        let is_missing = |node: &usize| matches!(self.walk.value(self.tree, *node), Ok(None));
        !self.nodes.is_empty() && self.nodes.iter().all(is_missing)
    }
}

#[derive(Debug)]
struct ImageColumn {
    builder: ColumnBuilder,
    unit: Option<TimeUnit>,
    key: bool,
    /// The rows whose value did not change and is not known.
    unchanged: Vec<usize>,
}

/// Columns under construction.
#[derive(Debug)]
pub(super) struct Image {
    columns: Vec<ImageColumn>,
    rows: usize,
}

impl Image {
    pub(super) fn new(specs: &[ColumnSpec]) -> Self {
        let column = |spec: &ColumnSpec| ImageColumn {
            builder: ColumnBuilder::new(spec),
            unit: spec.unit,
            key: spec.key,
            unchanged: Vec::new(),
        };
        Self { columns: specs.iter().map(column).collect(), rows: 0 }
    }

    /// Appends a row: all of the document, or its key with nulls beside it.
    pub(super) fn push(
        &mut self,
        document: &Document<'_>,
        key_only: bool,
        scratch: &mut Scratch,
    ) -> Result<(), Refusal> {
        let row = self.rows;
        let pushed = self.columns.iter_mut().enumerate().try_for_each(|(index, column)| {
            if key_only && !column.key {
                column.builder.push_absent();
                return Ok(());
            }
            column
                .push(document, index, row, scratch)
                .map_err(|reason| Refusal { reason, column: Some(column.builder.name.to_string()) })
        });
        match pushed {
            Ok(()) => self.rows += 1,
            Err(_) => self.truncate(row),
        }
        pushed
    }

    /// Appends rows of nulls until there are `rows`.
    pub(super) fn pad(&mut self, rows: usize) {
        for _ in self.rows..rows {
            for column in &mut self.columns {
                column.builder.push_absent();
            }
            self.rows += 1;
        }
    }

    /// Takes back all rows from `rows` on.
    pub(super) fn truncate(&mut self, rows: usize) {
        for column in &mut self.columns {
            column.builder.truncate(rows);
            while column.unchanged.last().is_some_and(|row| *row >= rows) {
                column.unchanged.pop();
            }
        }
        self.rows = self.rows.min(rows);
    }

    /// Hands over the rows so far and starts again.
    pub(super) fn finish(&mut self) -> Vec<Column> {
        let rows = std::mem::take(&mut self.rows);
        let finish = |column: &mut ImageColumn| Column {
            values: column.builder.finish(),
            unchanged: bits(&column.unchanged, rows).inspect(|_| column.unchanged.clear()),
        };
        self.columns.iter_mut().map(finish).collect()
    }
}

impl ImageColumn {
    fn push(
        &mut self,
        document: &Document<'_>,
        index: usize,
        row: usize,
        scratch: &mut Scratch,
    ) -> Result<(), String> {
        let node = document.nodes.get(index).copied().unwrap_or_default();
        let found = match document.walk.value(document.tree, node) {
            Ok(Some(found)) => found,
            Ok(None) => return self.builder.push_null(),
            Err((above, kind)) => return Err(blocked(document.tree, node, above, kind)),
        };
        let raw = document.text.get(found.start..found.end).unwrap_or_default();
        if value::is_unavailable(self.builder.data_type, found.kind, raw) {
            if self.key {
                let expected = self.builder.expected();
                return Err(format!("expected {expected}, found an unavailable value in a key"));
            }
            self.builder.push_absent();
            self.unchanged.push(row);
            return Ok(());
        }
        let semantic = document.semantics.get(index).copied().flatten();
        value::push(&mut self.builder, semantic, self.unit, (found.kind, raw), scratch)
    }
}

/// `set` as one bit for each of `rows` rows, or `None` where none is set.
pub(super) fn bits(set: &[usize], rows: usize) -> Option<BooleanBuffer> {
    if set.is_empty() {
        return None;
    }
    let mut bits = BooleanBufferBuilder::new(rows);
    bits.append_n(rows, false);
    for row in set {
        bits.set_bit(*row, true);
    }
    Some(bits.finish())
}
