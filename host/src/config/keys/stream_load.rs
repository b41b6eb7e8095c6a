//! Keys of sinks of type `starrocks` and `doris`.

use super::{Key, defaulted, optional, required};

/// Keys of a sink of type `starrocks` or `doris`.
pub const STREAM_LOAD_SINK: &[Key] = &[
    required(
        "load_url",
        "URL or list of URLs",
        "the frontends' HTTP addresses, such as `http://fe1:8030`; one that fails is left aside for a while",
    ),
    optional(
        "mysql_url",
        "address or list of addresses",
        "the frontends' MySQL ports, such as `fe1:9030`; port 9030 of the hosts of `load_url` by default",
    ),
    defaulted("mysql_tls", "boolean", "false", "whether the MySQL ports speak TLS"),
    required("database", "name", "the database"),
    required(
        "table",
        "name",
        "the table. `{COLUMN}` stands for the text of that column, so that rows go to many tables: \
         `ods_{source.table}`, where `source.table` is the column that a source fills with `meta = \"table\"`",
    ),
    required("username", "text", "the user, by a variable: `\"${TARGET_USER}\"`"),
    optional("password", "secret", "the user's password, by a variable: `\"${TARGET_PASSWORD}\"`"),
    optional(
        "ca_file",
        "path",
        "the authority, as PEM, that certificates are checked against; those that browsers trust by default",
    ),
    optional(
        "mode",
        "`\"upsert\"` or `\"append\"`",
        "one row for each key, in a table with a primary or unique key; or every row, in one with a \
         duplicate key. By default `\"upsert\"` where there is a key, else `\"append\"`",
    ),
    optional("key", "column or list", "the key of `\"upsert\"`; the input's key by default"),
    defaulted(
        "if_exists",
        "`\"error\"`, `\"append\"` or `\"replace\"`",
        "error",
        "what becomes of rows that are there when the checkpoint store is new",
    ),
    defaulted(
        "create_table",
        "boolean",
        "false",
        "whether a table that is missing is made, as `millrace ddl` prints it",
    ),
    defaulted(
        "deletes",
        "`\"hard\"` or `\"soft\"`",
        "hard",
        "in `\"upsert\"` mode: whether a delete removes the row, or only says so in the audit column `deleted`",
    ),
    defaulted(
        "on_truncate",
        "`\"halt\"`, `\"apply\"` or `\"ignore\"`",
        "halt",
        "what becomes of a truncate of the source's table",
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
    defaulted(
        "evolution",
        "`\"halt\"`, `\"apply\"` or `\"ignore\"`",
        "halt",
        "what becomes of columns that the table lacks or has narrower: the pipeline does not start, or they \
         are added and widened, or left out",
    ),
    optional(
        "sequence",
        "column",
        "the column whose greater value wins over checkpoints and pipelines, too: Doris's sequence column, \
         StarRocks's merge condition. Without it the later change wins",
    ),
    optional(
        "audit",
        "boolean or table",
        "whether columns say what became of a row: true for all four by their default names, or a table of \
         the wanted ones",
    ),
    defaulted(
        "partial_update",
        "`\"row\"` or `\"column\"`",
        "row",
        "StarRocks: how updates without all columns are applied; `\"column\"` suits many rows of a few columns",
    ),
    defaulted(
        "format",
        "`\"csv\"`, `\"json\"` or `\"arrow\"`",
        "csv",
        "how rows are sent; a body that CSV or Arrow cannot carry goes as JSON. `\"arrow\"` is Doris's (2.1 \
         and later), and for tables without DATETIME and JSON",
    ),
    defaulted(
        "compression",
        "`\"none\"`, `\"gzip\"`, `\"lz4\"` or `\"zstd\"`",
        "none",
        "how bodies are compressed; `\"zstd\"` is StarRocks's, and Doris takes compressed bodies as CSV only",
    ),
    optional("load", "table", "how much one load holds, and how many are in flight"),
    defaulted(
        "memory",
        "size",
        "256MiB",
        "rows of a checkpoint that are held in memory until the target has them; more is kept on disk",
    ),
    defaulted(
        "spill",
        "size",
        "4GiB",
        "rows of a checkpoint that are held at all; near it a checkpoint is made early",
    ),
    optional("backends", "table", "which hosts may be sent rows, and with them the password"),
    defaulted("timeout", "duration", "10m", "how long one load may take at the target"),
    defaulted(
        "connect_timeout",
        "duration",
        "30s",
        "how long a connection may take, and a frontend to name a backend",
    ),
    defaulted(
        "prepared_timeout",
        "duration",
        "24h",
        "StarRocks: how long prepared rows wait there for their commit; Doris's frontend says it itself \
         (`stream_load_default_precommit_timeout_second`, an hour)",
    ),
    optional(
        "buckets",
        "integer",
        "of a table that is made: its buckets; the system chooses by default",
    ),
    optional(
        "replication",
        "integer",
        "of a table that is made: its replicas; as many as there are backends by default, at most 3",
    ),
];

/// `load` in such a sink.
pub const LOAD: &[Key] = &[
    defaulted("rows", "integer", "1000000", "rows of one load, at most"),
    defaulted("bytes", "size", "64MiB", "bytes of one load before compression, about"),
    defaulted(
        "linger",
        "duration",
        "1s",
        "of `delivery = \"at-least-once\"`: how long rows wait for more; otherwise the checkpoint decides",
    ),
    defaulted("in_flight", "integer", "4", "loads at the same time, 64 at most"),
];

/// `backends` in such a sink.
pub const BACKENDS: &[Key] = &[
    optional(
        "allowed",
        "list of hosts",
        "hosts, or `host:port`, beside the backends that the cluster lists over its MySQL port",
    ),
    defaulted(
        "direct",
        "boolean",
        "false",
        "whether loads go to `allowed` at once, without asking a frontend; for StarRocks with \
         `delivery = \"at-least-once\"` only",
    ),
    optional(
        "map",
        "addresses by name",
        "where a backend is reached that the frontend knows by another address: \
         `{ \"10.0.0.5:8040\" = \"gateway:18040\" }`",
    ),
    defaulted(
        "plain",
        "boolean",
        "false",
        "whether a frontend with TLS may point to a backend without: backends of both systems have none \
         of their own",
    ),
];

/// `audit` in such a sink, as a table.
pub const AUDIT: &[Key] = &[
    optional(
        "op",
        "name",
        "the column for the operation, as text: `insert`, `update`, `delete`, `read`",
    ),
    optional("deleted", "name", "the column that says whether the source has deleted the row"),
    optional("synced_at", "name", "the column for the time at which the row was sent, in UTC"),
    optional("version", "name", "the column for the row's place in its source, as a number"),
];
