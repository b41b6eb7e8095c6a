//! Keys of the file as a whole and of `[pipeline]`.

use super::{Key, defaulted, optional, required};

/// The top level of the file.
pub const ROOT: &[Key] = &[
    required("pipeline", "table", "what concerns the pipeline as a whole"),
    required("sources", "tables by name", "where changes enter"),
    optional("tables", "tables by name", "dimension tables that the host keeps for joins"),
    optional("transforms", "tables by name", "WebAssembly modules, each in its place in the graph"),
    required("sinks", "tables by name", "where changes leave"),
    optional("dead_letters", "table", "the sink for rows that are refused"),
];

/// `[pipeline]`.
pub const PIPELINE: &[Key] = &[
    required("name", "name", "the pipeline's name: it is part of what sinks remember, so keep it"),
    defaulted(
        "delivery",
        "`\"exactly-once\"` or `\"at-least-once\"`",
        "exactly-once",
        "what every sink promises, unless it says otherwise itself",
    ),
    optional("checkpoint", "table", "when and where progress is saved"),
    optional("batch", "table", "how large batches grow, and how long they wait"),
    defaulted(
        "stop_timeout",
        "duration",
        "30s",
        "how long a stop may take to drain what was read; past it the process ends with exit code 3: \
         what was collected but not stored comes again, what was stored is finished at the next start",
    ),
];

/// `checkpoint` in `[pipeline]`.
pub const CHECKPOINT: &[Key] = &[
    optional("every", "duration", "save this often; `\"5s\"` if neither this nor `rows` is given"),
    optional("rows", "integer", "save after this many rows, too"),
    optional(
        "store",
        "path",
        "the folder that holds the checkpoints; `\".millrace/NAME\"` by default. A new store is a new \
         start",
    ),
];

/// `batch` in `[pipeline]`.
pub const BATCH: &[Key] = &[
    defaulted("rows", "integer", "8192", "rows of a batch, at most"),
    defaulted(
        "bytes",
        "size",
        "4MiB",
        "input bytes of a batch, at most; one larger row still passes",
    ),
    defaulted(
        "linger",
        "duration",
        "50ms",
        "how long a batch that is not full waits for more rows, `\"10s\"` at most: checkpoints and stops \
         wait with it",
    ),
];
