//! Keys of sinks and of `[dead_letters]`.

use super::{Key, ON_ERROR, defaulted, optional, required};

/// Keys of every sink.
pub const SINK: &[Key] = &[
    required(
        "type",
        "`\"starrocks\"`, `\"doris\"`, `\"sqlite\"`, `\"file\"`, `\"stdout\"` or `\"blackhole\"`",
        "the kind of sink",
    ),
    required("input", "name", "a source, a transform, or one port of a transform as `name.port`"),
    optional(
        "delivery",
        "as in `[pipeline]`",
        "what this sink promises; the pipeline's by default",
    ),
    optional(
        "expect",
        "types by column",
        "columns that the target relies on: checked before the start, never converted. \
         `total = \"decimal(18,2)\"`, or `{ type = \"…\", required = true }` where it may not be null",
    ),
    optional("on_error", "text or table", ON_ERROR),
];

/// Keys of `[dead_letters]`, beside those of its type.
pub const DEAD_LETTERS: &[Key] = &[
    required(
        "type",
        "`\"starrocks\"`, `\"doris\"`, `\"sqlite\"`, `\"file\"`, `\"stdout\"` or `\"blackhole\"`",
        "the kind of sink",
    ),
    optional(
        "delivery",
        "as in `[pipeline]`",
        "what this sink promises; the pipeline's by default",
    ),
];

/// Keys of a sink of type `sqlite`.
pub const SQLITE_SINK: &[Key] = &[
    required("path", "path", "the database, which is made if it is not there"),
    required("table", "name", "the table, which is made if it is not there"),
    optional(
        "mode",
        "`\"upsert\"` or `\"append\"`",
        "one row for each key, or every row; by default `\"upsert\"` where there is a key, else \
         `\"append\"`",
    ),
    optional("key", "column or list", "the key of `\"upsert\"`; the input's key by default"),
    defaulted(
        "if_exists",
        "`\"error\"`, `\"append\"` or `\"replace\"`",
        "error",
        "what becomes of rows that are there when the checkpoint store is new",
    ),
    optional(
        "on_delete",
        "`\"dead-letter\"`, `\"ignore\"` or `\"append\"`",
        "in `\"append\"` mode: what becomes of a delete; `\"dead-letter\"` by default",
    ),
    optional(
        "on_update",
        "`\"dead-letter\"`, `\"ignore\"` or `\"append\"`",
        "in `\"append\"` mode: what becomes of an update; `\"dead-letter\"` by default",
    ),
];

/// Keys of a sink of type `file`, those of all formats.
pub const FILE_SINK: &[Key] = &[
    required(
        "path",
        "path",
        "the file; of `format = \"parquet\"`, the folder that gets a file for each checkpoint",
    ),
    optional(
        "format",
        "`\"json\"`, `\"csv\"` or `\"parquet\"`",
        "how rows are written; by default what the path ends with says: `.csv`, `.parquet`, and \
         otherwise JSON lines",
    ),
    defaulted(
        "if_exists",
        "`\"error\"`, `\"append\"` or `\"replace\"`",
        "error",
        "what becomes of a file that has content, or of a folder that has Parquet files, when the \
         checkpoint store is new; in a folder, `\"replace\"` removes the files `part-*.parquet` \
         and those that were prepared, and nothing else",
    ),
    // Of a format's own keys none has a default here: no other format may have it.
    optional(
        "delimiter",
        "character",
        "of `format = \"csv\"`: what stands between two fields, `,` by default; one of ASCII that \
         no number, date or base64 text has, such as `;` or a tab, `\\t`",
    ),
    optional(
        "header",
        "boolean",
        "of `format = \"csv\"`: whether an empty file begins with the columns' names; true by \
         default",
    ),
    optional(
        "null",
        "text",
        "of `format = \"csv\"`: what stands for a null, never in quotes; nothing by default, and an \
         empty text is `\"\"` then",
    ),
    optional(
        "row_group_rows",
        "integer",
        "of `format = \"parquet\"`: the most rows of a row group, 1048576 by default; one that \
         takes 128 MiB of memory is written earlier",
    ),
    optional(
        "compression",
        "`\"zstd\"` or `\"none\"`",
        "of `format = \"parquet\"`: how pages are compressed; `\"zstd\"` by default",
    ),
];

/// Keys of a sink of type `stdout`: none of its own.
pub const STDOUT_SINK: &[Key] = &[];

/// Keys of a sink of type `blackhole`: none of its own.
pub const BLACKHOLE_SINK: &[Key] = &[];

/// One column of a sink's `expect`.
pub const EXPECT_COLUMN: &[Key] = &[
    required("type", "type", "the type, as for a source's column"),
    defaulted("required", "boolean", "false", "whether it may not be null"),
];
