//! Keys of sinks and of `[dead_letters]`.

use super::{Key, ON_ERROR, defaulted, optional, required};

/// Keys of every sink.
pub const SINK: &[Key] = &[
    required(
        "type",
        "`\"sqlite\"`, `\"file\"`, `\"stdout\"` or `\"blackhole\"`",
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
        "`\"sqlite\"`, `\"file\"`, `\"stdout\"` or `\"blackhole\"`",
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

/// Keys of a sink of type `file`.
pub const FILE_SINK: &[Key] = &[
    required("path", "path", "the file; a JSON object on each line"),
    defaulted(
        "if_exists",
        "`\"error\"`, `\"append\"` or `\"replace\"`",
        "error",
        "what becomes of a file that has content when the checkpoint store is new",
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
