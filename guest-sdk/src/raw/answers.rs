//! Short ways to make the contract's values.

use super::{
    Column, DataType, Description, Extras, Failure, Field, Fired, Images, InputUse, Mapped, Mode,
    Operations, Order, Outcome, Output, Port, Problem, StateChunk, Subject, Values, Varying,
};

impl Failure {
    /// A failure with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl Problem {
    /// A problem with the params as a whole, or with the one at this path.
    pub fn params(
        path: impl Into<String>,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Self {
        Self { subject: Subject::Params(path.into()), message: message.into(), hint }
    }
}

impl Description {
    /// A map-like transform of one input that reads nothing and adds nothing, takes inserts,
    /// updates and reads, and has the port `out`. Fill in the rest.
    pub fn map(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            about: String::new(),
            mode: Mode::Map,
            inputs: vec![InputUse {
                columns: Vec::new(),
                takes: Operations::INSERT | Operations::UPDATE | Operations::READ,
                extras: Extras::empty(),
            }],
            tables: Vec::new(),
            outputs: vec![Port { name: "out".to_owned(), fields: Vec::new(), key: Vec::new() }],
            key: Vec::new(),
            keyed: false,
            order: Order::Arrival,
            states: Vec::new(),
            watermarks: false,
            ticks: false,
        }
    }
}

impl Field {
    /// A field of a schema.
    pub fn new(name: impl Into<String>, data_type: DataType, nullable: bool) -> Self {
        Self { name: name.into(), data_type, nullable }
    }
}

impl Outcome {
    /// The answer of a map-like transform to a batch without before images.
    #[must_use]
    pub fn mapped(after: Images) -> Self {
        Self { output: Output::Mapped(Mapped { after, before: None }), rejected: Vec::new() }
    }
}

impl Column {
    /// Values without a null.
    #[must_use]
    pub fn of(values: Values) -> Self {
        Self { values, validity: None, unchanged: None }
    }
}

impl Varying {
    /// No values.
    #[must_use]
    pub fn empty() -> Self {
        Self { offsets: vec![0], bytes: Vec::new() }
    }
}

impl Fired {
    /// Nothing fired, and no tick is wanted.
    #[must_use]
    pub fn none() -> Self {
        Self { emitted: Vec::new(), more: false, next_tick: None }
    }
}

impl StateChunk {
    /// No entries, and no more to come.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            states: Vec::new(),
            groups: Vec::new(),
            keys: Varying::empty(),
            sub_keys: Varying::empty(),
            actions: Vec::new(),
            values: Varying::empty(),
            more: false,
        }
    }
}
