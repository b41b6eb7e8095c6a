//! Keys of tables.

use super::{Key, defaulted, optional, required};

/// Keys of a table.
pub const TABLE: &[Key] = &[
    required("type", "`\"file\"` or `\"sqlite\"`", "the kind of table"),
    required("key", "column or list", "the columns that a join looks up"),
    required("columns", "columns by name", "the columns to read: see *Columns of a table*"),
    optional("refresh", "duration", "load it again this often; never if not given"),
];

/// Keys of a table of type `file`.
pub const FILE_TABLE: &[Key] = &[
    required("path", "path", "the file"),
    optional(
        "format",
        "`\"csv\"` or `\"json\"`",
        "CSV with a header line, or JSON lines; by default what the file's name ends in",
    ),
];

/// Keys of a table of type `sqlite`.
pub const SQLITE_TABLE: &[Key] = &[
    required("path", "path", "the database; it is only read, and must be there"),
    required(
        "query",
        "text",
        "one SELECT, whose result has a column for each of the table's: `select id, name from games`",
    ),
];

/// One column of a table. `name = "i64"` is short for `name = { type = "i64" }`.
pub const TABLE_COLUMN: &[Key] = &[
    optional(
        "path",
        "text",
        "its name in the file's header or objects, or in the query's result (where case means nothing); the \
         column's own name by default",
    ),
    required("type", "type", "as for a source's column; timestamps are ISO 8601 text"),
    defaulted("required", "boolean", "false", "whether null is an error"),
];
