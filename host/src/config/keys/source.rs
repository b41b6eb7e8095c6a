//! Keys of sources.

use super::{Key, ON_ERROR, defaulted, optional, required};

/// Keys of every source.
pub const SOURCE: &[Key] = &[
    required("type", "`\"file\"` or `\"generator\"`", "the kind of source"),
    required("columns", "columns by name", "the columns to read: see *Columns of a source*"),
    optional("event_time", "table", "which column is the event time"),
    optional("on_error", "text or table", ON_ERROR),
];

/// Keys of a source of type `file`.
pub const FILE_SOURCE: &[Key] = &[
    required(
        "path",
        "path or list",
        "the file or files, read one after the other; each may be a pattern with `*`, `?`, `[…]` and `**`, \
         whose matches are read in the order of their bytes",
    ),
    defaulted(
        "format",
        "`\"json\"`, `\"debezium-json\"` or `\"csv\"`",
        "json",
        "`\"json\"`: newline-delimited JSON; a column's path starts at the line. `\"debezium-json\"`: a \
         message of Debezium a line; a column's path starts at the row. `\"csv\"`: comma-separated values; \
         a column's path is its name in the header",
    ),
    defaulted(
        "compression",
        "`\"auto\"`, `\"none\"`, `\"gzip\"` or `\"zstd\"`",
        "auto",
        "how the files are compressed; `\"auto\"`: as each one's name says, which ends in `.gz` or `.zst`",
    ),
    defaulted("delimiter", "text", ",", "of CSV: the character between two fields"),
    defaulted(
        "header",
        "boolean",
        "true",
        "of CSV: whether the first line of each file names the columns; without it, a column's `path` is \
         the number of its field, from 1",
    ),
    optional(
        "table",
        "text or list",
        "of `\"debezium-json\"`: the table that is read, such as `\"orders\"`, or `\"public.orders\"` with its \
         schema or database; or several that have the same columns. Messages of other tables are passed \
         over. Without it all must be of one table. A truncate is refused but where one table is named",
    ),
    optional(
        "null",
        "text",
        "of CSV: the unquoted text that means null; an empty unquoted field if not given",
    ),
];

/// Keys of a source of type `generator`.
pub const GENERATOR_SOURCE: &[Key] = &[
    optional("count", "integer", "how many wagers to make; endless if not given"),
    defaulted("seed", "integer", "0", "the same seed makes the same wagers"),
    optional("rate", "number", "wagers a second; as fast as they are taken if not given"),
    defaulted("start", "time", "2026-01-01T00:00:00Z", "the event time of the first wager"),
];

/// One column of a source. `name = "i64"` is short for `name = { type = "i64" }`.
pub const SOURCE_COLUMN: &[Key] = &[
    optional(
        "path",
        "text or list",
        "where its value is in the record: member names joined by dots, or a list of them (for names \
         with dots); the column's own name by default, `\"\"` for the whole record",
    ),
    optional(
        "meta",
        "`\"timestamp\"`, `\"file\"`, `\"line\"`, `\"lsn\"` or `\"table\"`",
        "in place of `path`: something that the source knows about the record. Only `\"debezium-json\"` has \
         `\"lsn\"` and `\"table\"`, and its `\"timestamp\"` is that of the change",
    ),
    optional(
        "type",
        "type",
        "`bool`, `i16`, `i32`, `i64`, `f32`, `f64`, `decimal(p,s)`, `text`, `binary`, `date`, `time`, \
         `timestamp`, `uuid` or `json`; required unless `meta` implies it",
    ),
    optional(
        "unit",
        "`\"s\"`, `\"ms\"`, `\"us\"`, `\"ns\"` or `\"iso\"`",
        "how a timestamp is written: a number of these units since 1970, or ISO 8601 text; required for \
         timestamps, and for them only. With `\"debezium-json\"` a message's schema says it, and comes \
         first; without a schema numbers need it, also those of a `time`",
    ),
    defaulted(
        "key",
        "boolean",
        "false",
        "whether it belongs to the key; then null is refused, too",
    ),
    optional("required", "boolean", "whether null is refused; false by default, true for a key"),
];

/// `event_time` of a source.
pub const EVENT_TIME: &[Key] = &[
    required("column", "column", "a timestamp column of this source"),
    defaulted(
        "disorder",
        "duration",
        "0s",
        "how much earlier than the latest row another may still come",
    ),
    optional(
        "idle",
        "duration",
        "without rows for this long, the source no longer holds back the time of transforms that read \
         others too; what then comes after all may be late there",
    ),
];
