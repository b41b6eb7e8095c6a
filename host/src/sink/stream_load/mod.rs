//! Tables of StarRocks and Apache Doris, filled by Stream Load: a two-phase sink.
//!
//! Rows are checked against the table's columns, held over the epoch and folded by key. Preparing
//! encodes them into bodies of bounded size and loads each in a transaction of its own, which the
//! target makes durable; committing ends these transactions by their labels. At-least-once sinks
//! load as rows come, without transactions.
//!
//! | folder or file | what it is |
//! |---|---|
//! | `config` | the settings |
//! | `http` | requests, redirects, several frontends, TLS |
//! | `protocol` | what the two systems want said, and what their answers mean |
//! | `target` | what stands at the target: tables, columns, versions, by the MySQL port; DDL |
//! | `held` | the rows of an epoch, folded by key |
//! | `encode` | columns into JSON and CSV bodies |
//! | `transaction` | labels, intents, and the way of a part from body to prepared |
//! | `tables`, `route` | the tables that are filled, and which rows go to which |
//! | `write`, `commit` | the two halves; `eager` loads at-least-once, `open` makes both |
//! | `greeting` | what every load would fail of, found at the start |
//! | `tls` | whom TLS trusts, and what to do where it fails |
//! | `operator` | what `millrace check --connect` and `millrace ddl` ask |
//!
//! *Invariants*: a label is written down before it is used; a body inside a transaction is sent once;
//! a load counts only if no row of it was filtered; a key is in one transaction of an epoch only;
//! credentials go to hosts that the configuration or the cluster itself names.
//! *Not here*: when to prepare and commit (`pipeline`).

mod commit;
mod config;
mod eager;
mod encode;
mod error;
mod greeting;
mod held;
mod http;
mod open;
mod operator;
mod protocol;
mod route;
mod tables;
mod target;
mod tls;
mod transaction;
mod write;

pub use config::{
    Address, Audit, BackendRules, BodyFormat, Compression, Deletes, Endpoint, Evolution,
    LoadBounds, PartialUpdateMode, StreamLoadConfig, System, TableName, TablePiece, TruncatePolicy,
};
pub use error::StreamLoadError;
pub(super) use open::{initialise, open};
pub use operator::Statements;
pub(super) use operator::{apply, statements};
pub(super) use target::inspect;
pub use target::{Finding, Severity};
