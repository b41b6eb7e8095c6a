//! What the guest says that it is, for each of its parts.

use serde_json::Value;

use crate::bindings::millrace::transform::types::{
    DataType, Description, Extras, Field, InputSchema, InputUse, Mode, Operations, Order, Port,
    Problem, Read, State, StateKind, Subject, TableSchema, TableUse,
};

/// The description for `do`.
pub(crate) fn describe(
    params: &Value,
    inputs: &[InputSchema],
    tables: &[TableSchema],
) -> Result<Description, Vec<Problem>> {
    let base = base(params, inputs);
    Ok(match params["do"].as_str().unwrap_or_default() {
        "echo" => echo(base, inputs),
        "extras" => extras(base, params),
        "reject" | "host" => base,
        "emit" => emit(base),
        "timers" => timers(base),
        "state" => state(base),
        "schemas" => {
            let fields = vec![
                field("input", DataType::Int32),
                field("schema", DataType::Int32),
                field("name", DataType::Text),
            ];
            Description { outputs: vec![port("out", fields, &[])], ..base }
        }
        "tables" => joined(base, params, inputs, tables),
        "problems" => return Err(problems()),
        other => return Err(vec![unknown(other)]),
    })
}

fn base(params: &Value, inputs: &[InputSchema]) -> Description {
    let extras = params["extras"].as_array().map(Vec::as_slice).unwrap_or_default();
    let extras = extras.iter().fold(Extras::empty(), |extras, name| {
        extras
            | match name.as_str() {
                Some("operations") => Extras::OPERATIONS,
                Some("event-times") => Extras::EVENT_TIMES,
                Some("processing-times") => Extras::PROCESSING_TIMES,
                Some("before") => Extras::BEFORE,
                _ => Extras::empty(),
            }
    });
    let takes = match params["takes"].as_str() {
        Some("inserts") => Operations::INSERT | Operations::READ,
        _ => Operations::all(),
    };
    let inputs = usize::from(!inputs.is_empty())
        .max(inputs.iter().map(|schema| schema.input as usize + 1).max().unwrap_or_default());
    Description {
        name: "contract".to_owned(),
        version: "1.2.3".to_owned(),
        about: "Shows back what it is handed.".to_owned(),
        mode: Mode::Map,
        inputs: vec![InputUse { columns: Vec::new(), takes, extras }; inputs],
        tables: Vec::new(),
        outputs: vec![port("out", Vec::new(), &[])],
        key: Vec::new(),
        keyed: false,
        order: Order::Arrival,
        states: Vec::new(),
        watermarks: false,
        ticks: false,
    }
}

/// Reads every column and puts each in its own place.
fn echo(mut base: Description, inputs: &[InputSchema]) -> Description {
    for schema in inputs {
        base.inputs[schema.input as usize].columns = schema.fields.iter().map(read).collect();
    }
    let fields = inputs.first().map(|schema| schema.fields.clone()).unwrap_or_default();
    base.outputs = vec![port("out", fields, &[])];
    base
}

/// What goes beside columns, as columns.
fn extras(mut base: Description, params: &Value) -> Description {
    let fields = vec![
        field("operation", DataType::Int16),
        Field { nullable: true, ..field("event_time", DataType::Timestamp) },
        field("processing_time", DataType::Timestamp),
        field("group", DataType::Int32),
        field("key", DataType::Binary),
    ];
    base.inputs[0].extras = Extras::OPERATIONS | Extras::EVENT_TIMES | Extras::PROCESSING_TIMES;
    base.outputs = vec![port("out", fields, &[])];
    base.keyed = true;
    base.key = params["key"].as_str().map(str::to_owned).into_iter().collect();
    base
}

/// Rows of its own: `evens` with everything that an emitted row can have, `all` with nothing.
fn emit(mut base: Description) -> Description {
    let id = field("id", DataType::Int64);
    base.inputs[0].columns = vec![read(&id)];
    let note = Field { nullable: true, ..field("note", DataType::Text) };
    base.mode = Mode::Emit;
    base.outputs = vec![port("evens", vec![id.clone(), note], &["id"]), port("all", vec![id], &[])];
    base
}

fn timers(base: Description) -> Description {
    let fields = vec![field("time", DataType::Timestamp), field("page", DataType::Int32)];
    Description {
        mode: Mode::Emit,
        outputs: vec![port("fired", fields, &[])],
        keyed: true,
        order: Order::EventTime,
        states: vec![piece("due", StateKind::Timers)],
        watermarks: true,
        ticks: true,
        ..base
    }
}

fn state(base: Description) -> Description {
    Description {
        keyed: true,
        states: vec![
            piece("last", StateKind::Value),
            piece("history", StateKind::List),
            piece("parts", StateKind::Map),
            piece("rules", StateKind::Broadcast),
            piece("due", StateKind::Timers),
        ],
        ..base
    }
}

/// Reads the first joined table whole and adds its columns; with `own`, the input's before them.
fn joined(
    mut base: Description,
    params: &Value,
    inputs: &[InputSchema],
    tables: &[TableSchema],
) -> Description {
    let mut fields = Vec::new();
    if params["own"] == true {
        fields = inputs.first().map(|schema| schema.fields.clone()).unwrap_or_default();
        base.inputs[0].columns = fields.iter().map(read).collect();
    }
    fields.extend(tables.first().map(|table| table.fields.clone()).unwrap_or_default());
    let tables = tables.first().map(|table| TableUse {
        table: table.name.clone(),
        columns: table.fields.iter().map(read).collect(),
    });
    Description {
        tables: tables.into_iter().collect(),
        outputs: vec![port("out", fields, &[])],
        ..base
    }
}

fn problems() -> Vec<Problem> {
    let problem = |subject, hint: Option<&str>| Problem {
        subject,
        message: "is not as it should be".to_owned(),
        hint: hint.map(str::to_owned),
    };
    vec![
        problem(Subject::Params("limits.max".to_owned()), Some("make it 5")),
        problem(Subject::Column("amount".to_owned()), None),
        problem(Subject::Table("games".to_owned()), None),
        problem(Subject::Whole, None),
    ]
}

fn unknown(part: &str) -> Problem {
    Problem {
        subject: Subject::Params("do".to_owned()),
        message: format!("there is no part `{part}`"),
        hint: None,
    }
}

fn field(name: &str, data_type: DataType) -> Field {
    Field { name: name.to_owned(), data_type, nullable: false }
}

fn read(field: &Field) -> Read {
    Read { column: field.name.clone(), data_type: field.data_type, nullable: field.nullable }
}

fn port(name: &str, fields: Vec<Field>, key: &[&str]) -> Port {
    let key = key.iter().map(|column| (*column).to_owned()).collect();
    Port { name: name.to_owned(), fields, key }
}

fn piece(name: &str, kind: StateKind) -> State {
    State { name: name.to_owned(), version: 3, kind }
}
