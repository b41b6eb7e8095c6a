//! Every key that a pipeline's file may have: its name, what it takes, its default, what it is for.
//!
//! *Invariants*: the readers in `raw` take names, defaults and what is required from here, so the
//! reference and the JSON Schema that are made of these tables cannot differ from what the program
//! does. What a key takes and where a part stands is said in words, which `form` reads.

mod form;
mod pipeline;
mod sink;
mod source;
mod stream_load;
mod table;
mod transform;

pub(super) use form::{Kind, Place};
pub use pipeline::*;
pub use sink::*;
pub use source::*;
pub use stream_load::*;
pub use table::*;
pub use transform::*;

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

/// A part of the file and its keys, for the reference.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Its heading, which says where its keys stand, too: `form` reads it.
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
        title: "Table `sqlite`",
        about: "The result of a query over an SQLite database, read whole.",
        keys: SQLITE_TABLE,
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
    Part {
        title: "Sink `starrocks`",
        about: "A table of StarRocks, or several, by Stream Load: see \
                [sinks.md](sinks.md#starrocks-and-doris).",
        keys: STREAM_LOAD_SINK,
    },
    Part {
        title: "Sink `doris`",
        about: "A table of Apache Doris, or several, by Stream Load: the same keys as those of `starrocks`.",
        keys: STREAM_LOAD_SINK,
    },
    Part { title: "`load`", about: "In a sink of type `starrocks` or `doris`.", keys: LOAD },
    Part {
        title: "`backends`",
        about: "In a sink of type `starrocks` or `doris`.",
        keys: BACKENDS,
    },
    Part {
        title: "`audit`",
        about: "In a sink of type `starrocks` or `doris`, as a table; columns that are not named are not \
                written. The names of `audit = true` are `millrace_op`, `millrace_deleted`, \
                `millrace_synced_at` and `millrace_version`.",
        keys: AUDIT,
    },
    Part {
        title: "Sink `file`",
        about: "A file of JSON lines or CSV, or a folder of Parquet files: see \
                [sinks.md](sinks.md#file-and-stdout).",
        keys: FILE_SINK,
    },
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
