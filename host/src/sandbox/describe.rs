//! Asking a guest what it is: schemas on the way in, its description checked on the way back.

use std::collections::BTreeSet;

use super::bindings::wit;
use super::convert::{data_type, wit_data_type};
use super::description::{
    Description, Extras, InputSchema, InputUse, Mode, Order, Port, Problem, Read, State, StateKind,
    Subject, TableSchema, TableUse,
};
use super::error::DescribeError;
use super::fault::{Breach, Fault};
use super::runner::Runner;
use super::text::{MAX_NAME, MAX_TEXT, clip, clipped};
use crate::record::{Field, Operation};

/// The port of a map-like transform.
const MAP_PORT: &str = "out";

/// Entries of any one list of a description, and problems.
const MAX_ENTRIES: usize = 4_096;

/// Calls `describe` and checks the answer.
pub(super) fn describe(
    runner: &mut Runner,
    params: &serde_json::Value,
    inputs: &[InputSchema],
    tables: &[TableSchema],
) -> Result<Description, DescribeError> {
    let params = params.to_string();
    let answer = with_schemas(inputs, tables, |inputs, tables| {
        runner.enter("describe", None, |guest, store| {
            guest.call_describe(store, &params, inputs, tables)
        })
    })?;
    match answer {
        Ok(description) => {
            let checked = from_wit(description)
                .and_then(|description| check(&description, inputs).map(|()| description));
            let description = runner.settle("describe", checked.map_err(Breach::from))?;
            let missing = not_joined(&description, tables);
            if missing.is_empty() { Ok(description) } else { Err(DescribeError::Problems(missing)) }
        }
        Err(problems) if problems.is_empty() => {
            let fault = Fault::description("is refused without a problem");
            Ok(runner.settle("describe", Err(fault.into()))?)
        }
        Err(problems) => {
            let problems = problems.into_iter().take(MAX_ENTRIES).map(problem).collect();
            Err(DescribeError::Problems(problems))
        }
    }
}

/// Lends schemas to a call.
pub(super) fn with_schemas<R>(
    inputs: &[InputSchema],
    tables: &[TableSchema],
    call: impl FnOnce(&[wit::InputSchema<'_>], &[wit::TableSchema<'_>]) -> R,
) -> R {
    let input_fields: Vec<_> = inputs.iter().map(|schema| fields(&schema.fields)).collect();
    let table_fields: Vec<_> = tables.iter().map(|schema| fields(&schema.fields)).collect();
    let inputs: Vec<_> = inputs
        .iter()
        .zip(&input_fields)
        .map(|(schema, fields)| input_schema(schema, fields))
        .collect();
    let tables: Vec<_> = tables
        .iter()
        .zip(&table_fields)
        .map(|(schema, fields)| wit::TableSchema { name: &schema.name, fields })
        .collect();
    call(&inputs, &tables)
}

/// Lends one schema to a call.
pub(super) fn with_schema<R>(
    schema: &InputSchema,
    call: impl FnOnce(wit::InputSchema<'_>) -> R,
) -> R {
    let fields = fields(&schema.fields);
    call(input_schema(schema, &fields))
}

fn input_schema<'a>(
    schema: &'a InputSchema,
    fields: &'a [wit::FieldParam<'a>],
) -> wit::InputSchema<'a> {
    wit::InputSchema {
        input: u32::try_from(schema.input).expect("a stage has few inputs"),
        name: &schema.name,
        schema: schema.schema,
        fields,
    }
}

fn fields(fields: &[Field]) -> Vec<wit::FieldParam<'_>> {
    fields
        .iter()
        .map(|field| wit::FieldParam {
            name: &field.name,
            data_type: wit_data_type(field.data_type),
            nullable: field.nullable,
        })
        .collect()
}

/// The guest's description in the host's types. Destructured whole, so that a change of the
/// contract is noticed here.
fn from_wit(description: wit::Description) -> Result<Description, Fault> {
    let wit::Description {
        name,
        version,
        about,
        mode,
        inputs,
        tables,
        outputs,
        key,
        keyed,
        order,
        states,
        watermarks,
        ticks,
    } = description;
    Ok(Description {
        name: clipped(name, MAX_NAME),
        version: clipped(version, MAX_NAME),
        about: clipped(about, MAX_TEXT),
        mode: match mode {
            wit::Mode::Map => Mode::Map,
            wit::Mode::Emit => Mode::Emit,
        },
        inputs: inputs.into_iter().map(input_use).collect::<Result<_, _>>()?,
        tables: tables
            .into_iter()
            .map(|wit::TableUse { table, columns }| {
                Ok(TableUse { table, columns: reads(columns)? })
            })
            .collect::<Result<_, Fault>>()?,
        outputs: outputs.into_iter().map(port).collect::<Result<_, _>>()?,
        key,
        keyed,
        order: match order {
            wit::Order::Arrival => Order::Arrival,
            wit::Order::EventTime => Order::EventTime,
        },
        states: states.into_iter().map(state).collect(),
        watermarks,
        ticks,
    })
}

fn input_use(input: wit::InputUse) -> Result<InputUse, Fault> {
    let wit::InputUse { columns, takes, extras } = input;
    let operations = [
        (wit::Operations::INSERT, Operation::Insert),
        (wit::Operations::UPDATE, Operation::Update),
        (wit::Operations::DELETE, Operation::Delete),
        (wit::Operations::TRUNCATE, Operation::Truncate),
        (wit::Operations::READ, Operation::Read),
    ];
    let takes = operations
        .into_iter()
        .filter(|(flag, _)| takes.contains(*flag))
        .fold(0, |set, (_, operation)| set | 1 << operation as u8);
    let extras = Extras {
        operations: extras.contains(wit::Extras::OPERATIONS),
        event_times: extras.contains(wit::Extras::EVENT_TIMES),
        processing_times: extras.contains(wit::Extras::PROCESSING_TIMES),
        before: extras.contains(wit::Extras::BEFORE),
    };
    Ok(InputUse { columns: reads(columns)?, takes, extras })
}

fn reads(reads: Vec<wit::Read>) -> Result<Vec<Read>, Fault> {
    reads
        .into_iter()
        .map(|wit::Read { column, data_type: ty, nullable }| {
            Ok(Read { column, data_type: data_type(ty)?, nullable })
        })
        .collect()
}

fn port(port: wit::Port) -> Result<Port, Fault> {
    let wit::Port { name, fields, key } = port;
    let fields = fields
        .into_iter()
        .map(|wit::FieldResult { name, data_type: ty, nullable }| {
            Ok(Field { name: name.into(), data_type: data_type(ty)?, nullable })
        })
        .collect::<Result<_, Fault>>()?;
    Ok(Port { name, fields, key })
}

fn state(state: wit::State) -> State {
    let wit::State { name, version, kind } = state;
    let kind = match kind {
        wit::StateKind::Value => StateKind::Value,
        wit::StateKind::List => StateKind::List,
        wit::StateKind::Map => StateKind::Map,
        wit::StateKind::Broadcast => StateKind::Broadcast,
        wit::StateKind::Timers => StateKind::Timers,
    };
    State { name, version, kind }
}

fn problem(problem: wit::Problem) -> Problem {
    let wit::Problem { subject, message, hint } = problem;
    let subject = match subject {
        wit::Subject::Params(path) => Subject::Params(clipped(path, MAX_NAME)),
        wit::Subject::Column(column) => Subject::Column(clipped(column, MAX_NAME)),
        wit::Subject::Table(table) => Subject::Table(clipped(table, MAX_NAME)),
        wit::Subject::Whole => Subject::Whole,
    };
    let hint = hint.map(|hint| clipped(hint, MAX_TEXT));
    Problem { subject, message: clipped(message, MAX_TEXT), hint }
}

/// The tables that a transform reads and is not given: no breach, for it is the stage that lacks
/// them.
fn not_joined(description: &Description, tables: &[TableSchema]) -> Vec<Problem> {
    let given = |used: &TableUse| tables.iter().any(|table| table.name == used.table);
    let problem = |TableUse { table, .. }: &TableUse| Problem {
        subject: Subject::Table(table.clone()),
        message: format!(
            "`{}` reads the table `{table}`, which this transform does not join",
            description.name
        ),
        hint: Some(format!("`join.{table} = {{ on = \"…\" }}`")),
    };
    description.tables.iter().filter(|used| !given(used)).map(problem).collect()
}

/// The invariants of [`Description`] that are the transform's own matter.
fn check(description: &Description, inputs: &[InputSchema]) -> Result<(), Fault> {
    let wanted = inputs.iter().map(|schema| schema.input + 1).max().unwrap_or_default();
    let found = description.inputs.len();
    if found != wanted {
        return Err(Fault::description(format!("uses {found} inputs, the stage has {wanted}")));
    }
    for input in &description.inputs {
        unique("reads column", input.columns.iter().map(|read| &*read.column))?;
    }
    unique("uses table", description.tables.iter().map(|table| &*table.table))?;
    for table in &description.tables {
        unique("reads column", table.columns.iter().map(|read| &*read.column))?;
    }
    check_ports(description)?;
    check_state(description)
}

fn check_ports(description: &Description) -> Result<(), Fault> {
    let ports = &description.outputs;
    unique("names port", ports.iter().map(|port| &*port.name))?;
    for port in ports {
        unique("names column", port.fields.iter().map(|field| &*field.name))?;
        unique("names key column", port.key.iter().map(String::as_str))?;
        if description.mode == Mode::Emit && port.fields.is_empty() {
            let what = format!("gives port `{}` no columns", port.name);
            return Err(Fault::description(what));
        }
        for key in &port.key {
            if description.mode == Mode::Emit
                && !port.fields.iter().any(|field| *field.name == **key)
            {
                let what = format!("keys port `{}` by `{key}`, which it does not have", port.name);
                return Err(Fault::description(what));
            }
        }
    }
    match description.mode {
        Mode::Map if ports.len() != 1 || ports[0].name != MAP_PORT => {
            Err(Fault::description("is of mode map, so it must have one port, named `out`"))
        }
        Mode::Emit if ports.is_empty() => Err(Fault::description("is of mode emit without a port")),
        _ => Ok(()),
    }
}

fn check_state(description: &Description) -> Result<(), Fault> {
    unique("names key column", description.key.iter().map(String::as_str))?;
    unique("names state", description.states.iter().map(|state| &*state.name))?;
    if description.keyed {
        return Ok(());
    }
    if !description.key.is_empty() {
        return Err(Fault::description("has a key, but is not keyed"));
    }
    match description.states.iter().find(|state| state.kind != StateKind::Broadcast) {
        Some(state) => {
            let what = format!("keeps state `{}` by key, but is not keyed", state.name);
            Err(Fault::description(what))
        }
        None => Ok(()),
    }
}

/// Names that are neither empty, nor repeated, nor more or longer than anyone needs.
fn unique<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() {
            return Err(Fault::description(format!("{what} without a name")));
        }
        if name.len() > MAX_NAME {
            let start = clip(name, 32);
            return Err(Fault::description(format!(
                "{what} `{start}…`, a name of more than {MAX_NAME} bytes"
            )));
        }
        if seen.len() == MAX_ENTRIES {
            return Err(Fault::description(format!("{what} more than {MAX_ENTRIES} times")));
        }
        if !seen.insert(name) {
            return Err(Fault::description(format!("{what} `{name}` twice")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::DataType;

    fn fine() -> Description {
        Description {
            name: "t".to_owned(),
            version: "1".to_owned(),
            about: String::new(),
            mode: Mode::Map,
            inputs: Vec::new(),
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

    fn refused(change: impl FnOnce(&mut Description)) -> String {
        let mut description = fine();
        change(&mut description);
        match check(&description, &[]) {
            Ok(()) => "accepted".to_owned(),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn contradictions_are_named() {
        assert_eq!(refused(|_| {}), "accepted");
        assert!(refused(|d| d.outputs[0].name = "other".to_owned()).contains("`out`"));
        assert!(refused(|d| d.outputs.clear()).contains("one port"));
        assert!(refused(|d| d.mode = Mode::Emit).contains("no columns"));
        assert!(refused(|d| d.key = vec!["a".to_owned()]).contains("not keyed"));
        assert!(
            refused(|d| d.outputs[0].fields = vec![Field::new("a", DataType::Bool, true); 2])
                .contains("`a` twice")
        );
        assert!(
            refused(|d| {
                let field = |number| Field::new(&format!("c{number}"), DataType::Bool, true);
                d.outputs[0].fields = (0..=MAX_ENTRIES).map(field).collect();
            })
            .contains("names column more than 4096 times")
        );
        assert!(
            refused(|d| {
                let name = "n".repeat(MAX_NAME + 1);
                d.outputs[0].fields = vec![Field::new(&name, DataType::Bool, true)];
            })
            .contains("a name of more than 256 bytes")
        );
        assert!(
            refused(|d| {
                d.states = vec![State { name: "s".to_owned(), version: 1, kind: StateKind::Value }];
            })
            .contains("`s` by key")
        );
        assert!(
            refused(|d| {
                let extras = Extras::default();
                d.inputs = vec![InputUse { columns: Vec::new(), takes: 1, extras }];
            })
            .contains("uses 1 inputs")
        );
    }

    #[test]
    fn the_words_of_problems_are_bounded() {
        let long = || "x".repeat(3 * MAX_TEXT);
        let subject = wit::Subject::Column(long());
        let Problem { subject, message, hint } =
            problem(wit::Problem { subject, message: long(), hint: Some(long()) });
        assert_eq!(subject, Subject::Column("x".repeat(MAX_NAME)));
        assert_eq!((message.len(), hint.map(|hint| hint.len())), (MAX_TEXT, Some(MAX_TEXT)));
    }

    #[test]
    fn a_table_that_is_not_joined_is_a_problem_of_the_stage() {
        let used = |table: &str| TableUse { table: table.to_owned(), columns: Vec::new() };
        let description = Description { tables: vec![used("games"), used("users")], ..fine() };
        let games = TableSchema { name: "games".to_owned(), fields: Vec::new() };
        let problems = not_joined(&description, &[games]);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].subject, Subject::Table("users".to_owned()));
        assert_eq!(
            problems[0].message,
            "`t` reads the table `users`, which this transform does not join"
        );
        assert_eq!(problems[0].hint.as_deref(), Some("`join.users = { on = \"…\" }`"));
    }
}
