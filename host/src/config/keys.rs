//! Every key that a pipeline's file may have: its name, what it takes, its default, what it is for.
//!
//! *Invariants*: the readers in `raw` take names, defaults and what is required from here, so the
//! reference that is made of these tables cannot differ from what the program does.

/// Whether a key may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It may not.
    Required,
    /// It may, and then means nothing, or what its description says.
    Optional,
    /// It may, and then stands for this, as it would be written (without quotes).
    Default(&'static str),
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// The kind of value that it takes, in a word or two.
    pub takes: &'static str,
    /// Whether it may be left out.
    pub presence: Presence,
    /// What it is for.
    pub about: &'static str,
}

impl Key {
    /// What it takes, as a sentence has it: `a name, a list or a table`.
    pub(super) fn takes_in_words(&self) -> String {
        let listed =
            |words: &str| words.split(", ").map(with_article).collect::<Vec<_>>().join(", ");
        self.takes.split(" or ").map(listed).collect::<Vec<_>>().join(" or ")
    }
}

/// A kind of value with its article, unless it is a value itself, more than one, or a substance.
fn with_article(kind: &str) -> String {
    if kind.starts_with('`') || kind.starts_with("as ") || kind.contains(" by ") || kind == "text" {
        kind.to_owned()
    } else if kind.starts_with(['a', 'e', 'i', 'o', 'u']) {
        format!("an {kind}")
    } else {
        format!("a {kind}")
    }
}

const fn required(name: &'static str, takes: &'static str, about: &'static str) -> Key {
    Key { name, takes, presence: Presence::Required, about }
}

const fn optional(name: &'static str, takes: &'static str, about: &'static str) -> Key {
    Key { name, takes, presence: Presence::Optional, about }
}

const fn defaulted(
    name: &'static str,
    takes: &'static str,
    default: &'static str,
    about: &'static str,
) -> Key {
    Key { name, takes, presence: Presence::Default(default), about }
}

const ON_ERROR: &str = "what becomes of a row that is refused: `\"dead-letter\"` sets it aside and goes \
     on, `\"halt\"` stops the pipeline; `{ action = \"dead-letter\", max = 1000 }` stops it at the \
     1001st. By default `\"dead-letter\"` where there is a `[dead_letters]`, else `\"halt\"`";

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

/// Keys of every source.
pub const SOURCE: &[Key] = &[
    required("type", "`\"file\"` or `\"generator\"`", "the kind of source"),
    required("columns", "columns by name", "the columns to read: see *Columns of a source*"),
    optional("event_time", "table", "which column is the event time"),
    optional("on_error", "text or table", ON_ERROR),
];

/// Keys of a source of type `file`.
pub const FILE_SOURCE: &[Key] = &[
    required("path", "path", "the file"),
    defaulted(
        "format",
        "`\"json\"`",
        "json",
        "newline-delimited JSON; a column's path starts at the line",
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
        "`\"timestamp\"`, `\"file\"` or `\"line\"`",
        "in place of `path`: something that the source knows about the record",
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
         timestamps, and for them only",
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
        "without rows for this long, the source no longer holds others back; takes effect for \
         transforms that use event time, which this version does not run yet",
    ),
];

/// Keys of a table.
pub const TABLE: &[Key] = &[
    required("type", "`\"file\"`", "the kind of table"),
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

/// One column of a table. `name = "i64"` is short for `name = { type = "i64" }`.
pub const TABLE_COLUMN: &[Key] = &[
    optional(
        "path",
        "text",
        "its name in the file's header or objects; the column's own name by default",
    ),
    required("type", "type", "as for a source's column; timestamps are ISO 8601 text"),
    defaulted("required", "boolean", "false", "whether null is an error"),
];

/// Keys of a transform.
pub const TRANSFORM: &[Key] = &[
    required(
        "input",
        "name, list or table",
        "a source, a transform, or one port of a transform as `name.port`; a list takes the rows of all",
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
    optional("key", "column or list", "the key of a keyed module that leaves it open"),
    defaulted(
        "parallelism",
        "integer",
        "1",
        "instances of a keyed module, each with its share of the keys",
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

/// The table form of `on_error`.
pub const ON_ERROR_TABLE: &[Key] = &[
    required("action", "`\"dead-letter\"` or `\"halt\"`", "what becomes of a refused row"),
    optional("max", "integer", "how many dead letters of this node are accepted; one more halts"),
];

/// One column of a sink's `expect`.
pub const EXPECT_COLUMN: &[Key] = &[
    required("type", "type", "the type, as for a source's column"),
    defaulted("required", "boolean", "false", "whether it may not be null"),
];

/// A part of the file and its keys, for the reference.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Its heading.
    pub title: &'static str,
    /// What it is, in a sentence or two.
    pub about: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

/// All parts, in the order of the reference.
pub const PARTS: &[Part] = &[
    Part { title: "The file", about: "", keys: ROOT },
    Part { title: "`[pipeline]`", about: "", keys: PIPELINE },
    Part {
        title: "`checkpoint`",
        about: "In `[pipeline]`, or as `[pipeline.checkpoint]`.",
        keys: CHECKPOINT,
    },
    Part { title: "`batch`", about: "In `[pipeline]`, or as `[pipeline.batch]`.", keys: BATCH },
    Part { title: "`[sources.NAME]`", about: "Keys of every source.", keys: SOURCE },
    Part {
        title: "Source `file`",
        about: "Reads a file once, from its start to its end.",
        keys: FILE_SOURCE,
    },
    Part {
        title: "Source `generator`",
        about: "Makes up wagers, the same ones each time: for demonstrations and benchmarks.",
        keys: GENERATOR_SOURCE,
    },
    Part {
        title: "Columns of a source",
        about: "`[sources.NAME.columns]`. `name = \"i64\"` is short for `name = { type = \"i64\" }`. Columns \
                that nothing downstream uses are not decoded, unless they are part of the key, `required`, \
                or the event time.",
        keys: SOURCE_COLUMN,
    },
    Part { title: "`event_time`", about: "`[sources.NAME.event_time]`.", keys: EVENT_TIME },
    Part { title: "`[tables.NAME]`", about: "Keys of every table.", keys: TABLE },
    Part {
        title: "Table `file`",
        about: "Read whole. To change it under a running pipeline, write a new file beside it and rename that \
                over the old one. A file that changes while it is read is read again, and after a few times \
                refused as being written; one that is written in place with a pause may be taken for whole.",
        keys: FILE_TABLE,
    },
    Part {
        title: "Columns of a table",
        about: "`[tables.NAME.columns]`. `name = \"i64\"` is short for `name = { type = \"i64\" }`.",
        keys: TABLE_COLUMN,
    },
    Part { title: "`[transforms.NAME]`", about: "", keys: TRANSFORM },
    Part { title: "`join.TABLE`", about: "In a transform.", keys: JOIN },
    Part {
        title: "`limits`",
        about: "In a transform. Breaking one is an error of that stage.",
        keys: LIMITS,
    },
    Part { title: "`[sinks.NAME]`", about: "Keys of every sink.", keys: SINK },
    Part {
        title: "Sink `sqlite`",
        about: "A table of an SQLite database. Decimals are text at full scale, times are UTC text. Where rows \
                of several sources are upserted, see [sinks.md](sinks.md#upserts).",
        keys: SQLITE_SINK,
    },
    Part { title: "Sink `file`", about: "JSON lines.", keys: FILE_SINK },
    Part {
        title: "Sink `stdout`",
        about: "JSON lines on standard output. At-least-once only: what is printed cannot be taken back.",
        keys: STDOUT_SINK,
    },
    Part {
        title: "Sink `blackhole`",
        about: "Nowhere. It asks for every column all the same, so that benchmarks are honest.",
        keys: BLACKHOLE_SINK,
    },
    Part {
        title: "`expect`",
        about: "`[sinks.NAME.expect]`, one entry a column.",
        keys: EXPECT_COLUMN,
    },
    Part {
        title: "`[dead_letters]`",
        about: "Any sink, with the columns `time`, `stage`, `reason`, `column`, `position`, \
                `artifact` and `input`. Not among `[sinks]`, and without an `input`.",
        keys: DEAD_LETTERS,
    },
    Part { title: "`on_error`", about: "As a table.", keys: ON_ERROR_TABLE },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_articles() {
        let words = |takes: &'static str| required("k", takes, "").takes_in_words();
        assert_eq!(words("integer"), "an integer");
        assert_eq!(words("name, list or table"), "a name, a list or a table");
        assert_eq!(words("text or list"), "text or a list");
        assert_eq!(words("columns by name"), "columns by name");
        assert_eq!(words("`\"a\"`, `\"b\"` or `\"c\"`"), "`\"a\"`, `\"b\"` or `\"c\"`");
    }
}
