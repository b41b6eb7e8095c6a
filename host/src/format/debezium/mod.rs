//! Debezium's messages as JSON lines into columns: each line is one message's value.
//!
//! A line is told apart by what it holds, line by line:
//!
//! | line | is |
//! |---|---|
//! | `null`, or a `payload` that is `null` | a tombstone, which the delete before it has told: nothing |
//! | `{"schema":…,"payload":…}` | its payload, whose values the schema explains |
//! | an `op` of one character beside an object `source` | an envelope: a change of the row `after` |
//! | an `op` of `c`, `r`, `u` or `d` beside an object `before` or `after` | the same |
//! | only a `ts_ms`; a transaction's `BEGIN` or `END`; a `databaseName` with its `ddl` | no row: nothing |
//! | any other object | a row of `ExtractNewRecordState`, with `__op`, `__deleted` and others if added |
//!
//! | `op` | change |
//! |---|---|
//! | `c`, `r` | insert, read |
//! | `u` | update; the before image is `before`, where that is not null |
//! | `d`, or `__deleted` | delete: the row is the key of `before`, the before image all of `before` |
//! | `t` | truncate, a row of nulls, if it is known whose |
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
//! column's type and its `unit` do: a timestamp or a time is text in ISO 8601 or a count of its unit, a
//! date is text or days, a number is a number or numeric text. Base64 decimals need a schema, or
//! `decimal.handling.mode=string`; without either they are refused, also those whose base64 looks like
//! a number. Bytes are base64: those of `binary.handling.mode=hex` cannot be told from it. A text in a
//! `json` column is the document's own text. Debezium's placeholder for a value that PostgreSQL left
//! out makes the value *unchanged*; within a document it is refused. `NaN` and the infinities are texts
//! and become floats.
//!
//! **Which table.** A source reads one. Told which, it passes all others over; not told, it refuses
//! truncates, and changes of a second table.
//!
//! **What is refused.** `NaN` and the infinities of decimals and times, also where Debezium's arithmetic
//! has overflowed on them, and arrays of arrays, whose elements Debezium loses. What Debezium has already
//! lost comes as it left it: `NaN` as null in precise mode, unsigned 64-bit numbers as negative ones unless
//! `bigint.unsigned.handling.mode=precise`, all digits beyond a double's in double mode. Deletes of
//! unwrapped rows need `delete.tombstone.handling.mode=rewrite`: a tombstone alone has no row, and is
//! warned of.
//!
//! | file | holds |
//! |---|---|
//! | `decoder` | lines out of chunks, what a batch is made of |
//! | `members` | the members of a line's object, by name |
//! | `message` | what a line is, and where its images and origin stand |
//! | `tables` | whose message a line is |
//! | `tombstones` | whether deletes are lost |
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
mod members;
mod message;
mod moment;
mod schema;
mod tables;
mod tombstones;
mod value;

#[cfg(test)]
mod tests;

pub use decoder::{ChangeFact, DebeziumDecoder, DecodedChanges};
