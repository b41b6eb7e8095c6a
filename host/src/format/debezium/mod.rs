//! Debezium's messages as JSON lines into columns: each line is one message's value.
//!
//! A line is told apart by what it holds, line by line:
//!
//! | line | is |
//! |---|---|
//! | `null`, or a `payload` that is `null` | a tombstone, which the delete before it has told: nothing |
//! | `{"schema":…,"payload":…}` | its payload, whose values the schema explains |
//! | an `op` beside a `source`, `before` or `after` | an envelope: a change of the row `after` |
//! | any other object | a row of `ExtractNewRecordState`, with `__op`, `__deleted` and others if added |
//!
//! | `op` | change |
//! |---|---|
//! | `c`, `r` | insert, read |
//! | `u` | update; the before image is `before`, where that is not null |
//! | `d`, or `__deleted` | delete: the row is the key of `before`, the before image all of `before` |
//! | `t` | truncate, a row of nulls |
//! | `m` | a logical message, which is no row: nothing |
//! | none in an unwrapped row | update: nobody knows whether the row is new |
//!
//! **What a delete tells.** Under PostgreSQL's `REPLICA IDENTITY DEFAULT` only the key in `before` is
//! true: Debezium fills the other columns with null or with their type's default, and a reader cannot
//! tell. So a deleted row keeps its key and nothing else, and what stands beside it in the before
//! image is worth what the table's identity makes it (`FULL`: all of it; MySQL and MariaDB: all of
//! it). A before image that cannot be read whole is left out: the row was refused when it came.
//!
//! **What a value is.** A schema's semantic type decides, over a declared `unit`. Without a schema the
//! column's type and its `unit` do: a timestamp is text in ISO 8601 or a count of its unit, a date is
//! text or days, a time is text or a count of its unit (microseconds if it has none), a number is a
//! number or numeric text. Base64 decimals need a schema, or `decimal.handling.mode=string`; without
//! either nearly all are refused, but not those few whose base64 is digits only. Bytes are base64:
//! those of `binary.handling.mode=hex` cannot be told from it. A text in a `json` column is the
//! document's own text. Debezium's placeholder for a value that PostgreSQL left out makes the value
//! *unchanged*.
//!
//! **What is refused.** `NaN` and the infinities, also where Debezium's arithmetic has overflowed on
//! them, and arrays of arrays, whose elements Debezium loses. What Debezium has already lost comes as
//! it left it: `NaN` as null in precise mode, unsigned 64-bit numbers as negative ones unless
//! `bigint.unsigned.handling.mode=precise`, all digits beyond a double's in double mode. Deletes of
//! unwrapped rows need `delete.tombstone.handling.mode=rewrite`: a tombstone alone has no row.
//!
//! | file | holds |
//! |---|---|
//! | `decoder` | lines out of chunks, what a batch is made of |
//! | `message` | what a line is, and where its images and origin stand |
//! | `schema` | what the schemas of messages say of the columns |
//! | `image` | the columns of rows, and those of before images |
//! | `value`, `moment` | one value into its column; times |
//!
//! *Invariants*: each line is checked whole by the strict grammar of `json`, but for a schema that is
//! byte for byte one that was checked before. Nothing allocates per row but rejects.
//! *Not here*: keys and headers of messages (they are not in the value), and what a scalar means for
//! a type (`format::value`).

mod decoder;
mod image;
mod message;
mod moment;
mod schema;
mod value;

#[cfg(test)]
mod tests;

pub use decoder::{ChangeFact, DebeziumDecoder, DecodedChanges};
