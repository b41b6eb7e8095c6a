//! What a table is: columns, model, keys, distribution, properties.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::column_type::ColumnType;

/// The property that names the column which orders the changes of a Doris key.
pub const SEQUENCE_COLUMN: &str = "function_column.sequence_col";
/// The property that gives a Doris table a hidden sequence column of this type.
pub const SEQUENCE_TYPE: &str = "function_column.sequence_type";
/// The hidden column of Doris that deletes a row.
pub const DELETE_SIGN: &str = "__DORIS_DELETE_SIGN__";
/// The hidden column of Doris that carries a row's sequence.
pub const HIDDEN_SEQUENCE: &str = "__DORIS_SEQUENCE_COL__";
/// The pseudo-column of StarRocks that says whether a row upserts or deletes.
pub const OPERATION: &str = "__op";

/// How rows of one key come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Model {
    /// All rows are kept.
    Duplicate,
    /// The last row of a key is kept, by merging.
    Unique,
    /// StarRocks: the last row of a key is kept, and rows can be deleted and updated in part.
    Primary,
    /// The rows of a key are aggregated, column by column.
    Aggregate,
}

impl Model {
    /// The words before the list of key columns.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Duplicate => "DUPLICATE KEY",
            Self::Unique => "UNIQUE KEY",
            Self::Primary => "PRIMARY KEY",
            Self::Aggregate => "AGGREGATE KEY",
        }
    }

    /// `UNIQUE_KEYS` as the schema endpoint and `tables_config` name it.
    #[must_use]
    pub fn keys_type(self) -> &'static str {
        match self {
            Self::Duplicate => "DUP_KEYS",
            Self::Unique => "UNIQUE_KEYS",
            Self::Primary => "PRIMARY_KEYS",
            Self::Aggregate => "AGG_KEYS",
        }
    }
}

/// How the values of one column of an aggregate table come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aggregation {
    /// The last value.
    Replace,
    /// The last value that is not null.
    ReplaceIfNotNull,
    /// The sum.
    Sum,
    /// The greatest.
    Max,
    /// The smallest.
    Min,
}

impl Aggregation {
    /// The word of the definition.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Replace => "REPLACE",
            Self::ReplaceIfNotNull => "REPLACE_IF_NOT_NULL",
            Self::Sum => "SUM",
            Self::Max => "MAX",
            Self::Min => "MIN",
        }
    }

    /// The aggregation of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Replace, Self::ReplaceIfNotNull, Self::Sum, Self::Max, Self::Min]
            .into_iter()
            .find(|aggregation| aggregation.word().eq_ignore_ascii_case(word))
    }
}

/// What a column holds where a row says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColumnDefault {
    /// A literal.
    Literal(String),
    /// The time of the load.
    Now,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDef {
    /// Its name, as written.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// Whether it takes nulls.
    pub nullable: bool,
    /// What it holds where a row says nothing; null where `None`.
    pub default: Option<ColumnDefault>,
    /// Its comment.
    pub comment: String,
    /// How an aggregate table merges it.
    pub aggregation: Option<Aggregation>,
    /// Whether it belongs to the key.
    pub key: bool,
}

/// One table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDef {
    /// Its number, never used again.
    pub id: i64,
    /// Its database.
    pub database: String,
    /// Its name.
    pub name: String,
    /// Its columns, those of the key first.
    pub columns: Vec<ColumnDef>,
    /// Its model.
    pub model: Model,
    /// The columns of its key, in order.
    pub keys: Vec<String>,
    /// The columns of `ORDER BY`, where they are not the key.
    pub sort: Vec<String>,
    /// The columns that rows are distributed by; none is `RANDOM`.
    pub distribution: Vec<String>,
    /// How many buckets; none is `AUTO`.
    pub buckets: Option<u32>,
    /// The text of `PARTITION BY`, kept as written.
    pub partition: Option<String>,
    /// Its properties.
    pub properties: BTreeMap<String, String>,
    /// Its comment.
    pub comment: String,
}

impl TableDef {
    /// The column of this name, whatever its case.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnDef> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The place of the column of this name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The columns of the key.
    pub fn key_columns(&self) -> impl Iterator<Item = &ColumnDef> {
        self.columns.iter().filter(|column| column.key)
    }

    /// Whether rows of one key replace each other.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        matches!(self.model, Model::Primary | Model::Unique)
    }

    /// Whether this property is set to `true`.
    #[must_use]
    pub fn is_on(&self, property: &str) -> bool {
        self.properties.get(property).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Whether a Doris unique table merges on write: it does unless it says that it does not.
    #[must_use]
    pub fn merges_on_write(&self) -> bool {
        self.model == Model::Unique
            && self
                .properties
                .get("enable_unique_key_merge_on_write")
                .is_none_or(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The column that a Doris table's changes are ordered by, by its property.
    #[must_use]
    pub fn sequence_column(&self) -> Option<&ColumnDef> {
        self.property_ending(SEQUENCE_COLUMN).and_then(|name| self.column(name))
    }

    /// The type of a Doris table's sequence, whether mapped to a column or hidden.
    #[must_use]
    pub fn sequence_type(&self) -> Option<ColumnType> {
        if let Some(column) = self.sequence_column() {
            return Some(column.column_type.clone());
        }
        self.property_ending(SEQUENCE_TYPE).and_then(|word| ColumnType::parse(word).ok())
    }

    /// The property of this name, with or without its first word.
    fn property_ending(&self, name: &str) -> Option<&str> {
        let short = name.split_once('.').map_or(name, |(_, short)| short);
        self.properties.get(name).or_else(|| self.properties.get(short)).map(String::as_str)
    }
}

/// A view, materialized or not: its SELECT is run whenever it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewDef {
    /// Its database.
    pub database: String,
    /// Its name.
    pub name: String,
    /// The names of its columns, where it gives them.
    pub columns: Vec<String>,
    /// Its SELECT, as written.
    pub select: String,
    /// The database that unqualified names of the SELECT belong to.
    pub home: String,
    /// Whether it was made as a materialized one.
    pub materialized: bool,
    /// The whole statement, for SHOW CREATE.
    pub statement: String,
}
