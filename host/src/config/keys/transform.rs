//! Keys of transforms, and of `on_error`.

use super::{Key, ON_ERROR, defaulted, optional, required};

/// Keys of a transform.
pub const TRANSFORM: &[Key] = &[
    required(
        "input",
        "name, list or table",
        "a source, a transform, or one port of a transform as `name.port`; a list takes the rows of all. A \
         transform that takes the rows of one input in the order of event time has the port `late`, too: rows that came \
         too late for it",
    ),
    required("module", "path", "the WebAssembly module"),
    optional(
        "params",
        "table",
        "handed to the module, which refuses what it does not take when the file is checked",
    ),
    optional(
        "join",
        "tables by name",
        "for each table that the module reads: how rows find theirs",
    ),
    optional(
        "key",
        "column or list",
        "the columns that the state of a keyed module is kept by, where the module leaves them open",
    ),
    defaulted(
        "parallelism",
        "integer",
        "1",
        "instances of a keyed module, each with its share of the keys; another number takes effect at the \
         next start, when state is shared out anew",
    ),
    optional("limits", "table", "what one instance may use"),
    optional("on_error", "text or table", ON_ERROR),
];

/// `limits` of a transform.
pub const LIMITS: &[Key] = &[
    defaulted("max_memory", "size", "256MiB", "memory of one instance, at most"),
    defaulted("deadline", "duration", "500ms", "time of one call, at most"),
    defaulted("max_output", "size", "256MiB", "bytes that one call may answer, at most"),
    defaulted(
        "max_table_elements",
        "integer",
        "20000",
        "elements of one WebAssembly table, at most",
    ),
    defaulted(
        "max_waiting",
        "size",
        "256MiB",
        "bytes of rows that wait in front of one instance for their event time, at most, where the module \
         takes its rows in the order of event time; more stop the pipeline",
    ),
];

/// `join.NAME` of a transform, NAME being one of `[tables]`.
pub const JOIN: &[Key] = &[
    required(
        "on",
        "column or list",
        "the input's columns that stand for the table's key, in its order",
    ),
    defaulted(
        "missing",
        "`\"null\"`, `\"reject\"` or `\"drop\"`",
        "null",
        "what becomes of a row that finds none: its table columns are null, it is refused, or it is left out",
    ),
];

/// The table form of `on_error`.
pub const ON_ERROR_TABLE: &[Key] = &[
    required("action", "`\"dead-letter\"` or `\"halt\"`", "what becomes of a refused row"),
    optional("max", "integer", "how many dead letters of this node are accepted; one more halts"),
];
