//! Rows on their way from a load into a table: as parsed, as checked, as staged.

use serde::{Deserialize, Serialize};

use super::value::Value;

/// One row as the load's format gave it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadRow {
    /// Columns and values in the order of the row; hidden columns (`__op`,
    /// `__DORIS_DELETE_SIGN__`, `__DORIS_SEQUENCE_COL__`) stand here like all others.
    pub values: Vec<(String, Cell)>,
    /// The row as it came, for the error log.
    pub text: String,
}

/// One value as the load's format gave it.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// `null` in JSON, `\N` in CSV.
    Null,
    /// A field of a text format.
    Text(String),
    /// A value of a JSON document.
    Json(serde_json::Value),
}

/// How a load updates rows by less than all their columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Partial {
    /// StarRocks, `partial_update_mode: row`.
    Row,
    /// StarRocks, `partial_update_mode: column`.
    Column,
    /// Doris, all rows with the same columns.
    Fixed,
    /// Doris, each row with columns of its own.
    Flexible,
}

/// What a load's headers say about its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadRules {
    /// An unconvertible value filters its row instead of becoming null.
    pub strict: bool,
    /// Rows carry some of the columns; the others keep what is stored.
    pub partial: Option<Partial>,
    /// The columns that the load names (the `columns` header), hidden ones among them; all of the
    /// table's where it names none.
    pub columns: Option<Vec<String>>,
    /// StarRocks: a stored row is replaced only where the new value of this column is not smaller.
    pub merge_condition: Option<String>,
    /// Doris: the column named by `function_column.sequence_col`.
    pub sequence_column: Option<String>,
    /// The zone that Doris converts times with an offset to: `UTC`, `+08:00`, `Asia/Shanghai`.
    pub timezone: String,
    /// Doris: a partial update of a row that is not there inserts it.
    pub new_key_append: bool,
    /// Doris: every row deletes (`merge_type: DELETE`).
    pub delete_all: bool,
}

impl Default for LoadRules {
    fn default() -> Self {
        Self {
            strict: false,
            partial: None,
            columns: None,
            merge_condition: None,
            sequence_column: None,
            timezone: "UTC".to_owned(),
            new_key_append: true,
            delete_all: false,
        }
    }
}

/// A load's rows after the checks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Converted {
    /// The rows that are to be stored.
    pub staged: Staged,
    /// The rows that were refused, each with its text and the reason.
    pub filtered: Vec<(String, String)>,
    /// Rows that the load itself left out; they count for no ratio.
    pub unselected: u64,
    /// Why nothing of the load can be taken, if so.
    pub refused: Option<String>,
}

/// Checked rows of one load, not visible yet; it outlives a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Staged {
    /// The columns that the rows' values belong to, by place.
    pub columns: Vec<String>,
    /// The rows in the order of the load.
    pub rows: Vec<StagedRow>,
    /// How the rows update.
    pub partial: Option<Partial>,
    /// The column that decides whether a stored row is replaced.
    pub merge_condition: Option<String>,
}

/// One checked row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StagedRow {
    /// Whether the row deletes its key.
    pub delete: bool,
    /// The row's sequence, in tables that have one.
    pub sequence: Option<Value>,
    /// A value for each of the columns; `None` is a column that this row does not touch.
    pub values: Vec<Option<Value>>,
}
