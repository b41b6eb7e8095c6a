//! What the guest says that it is, truly or not.

use crate::bindings::millrace::transform::types::{
    DataType, DecimalType, Description, Extras, Field, InputSchema, InputUse, Mode, Operations,
    Order, Port, Problem, Read, State, StateKind, TableUse,
};
use crate::misdeeds::spin;

/// The description for a misdeed.
pub(crate) fn describe(misdeed: &str, inputs: &[InputSchema]) -> Result<Description, Vec<Problem>> {
    let mut description = honest(misdeed, inputs);
    let ports = &mut description.outputs;
    match misdeed {
        "describe: loop" => spin(),
        "describe: trap" => panic!("describe does not like this"),
        "describe: no problem" => return Err(Vec::new()),
        "describe: two ports" => ports.push(Port { name: "more".to_owned(), ..ports[0].clone() }),
        "describe: other port" => ports[0].name = "other".to_owned(),
        "describe: twice" => {
            let again = ports[0].fields[0].clone();
            ports[0].fields.push(again);
        }
        "describe: decimal" => {
            ports[0].fields[2].data_type =
                DataType::Decimal(DecimalType { precision: 4, scale: 5 });
        }
        "describe: table" => {
            let table = TableUse { table: "nowhere".to_owned(), columns: Vec::new() };
            description.tables.push(table);
        }
        "describe: inputs" => description.inputs.clear(),
        "describe: state" => {
            let kind = StateKind::Value;
            description.states.push(State { name: "s".to_owned(), version: 1, kind });
        }
        _ => {}
    }
    Ok(description)
}

fn honest(misdeed: &str, inputs: &[InputSchema]) -> Description {
    let id = Read { column: "id".to_owned(), data_type: DataType::Int64, nullable: false };
    let extras = if misdeed.starts_with("before") { Extras::BEFORE } else { Extras::empty() };
    let input = InputUse { columns: vec![id], takes: Operations::all(), extras };
    let emits = misdeed.starts_with("emit");
    let keyed = misdeed.starts_with("save");
    let state = |name: &str, kind| State { name: name.to_owned(), version: 1, kind };
    let states = vec![state("due", StateKind::Timers), state("rules", StateKind::Broadcast)];
    Description {
        name: "hostile".to_owned(),
        version: "1.0.0".to_owned(),
        about: "Breaks bounds and the contract.".to_owned(),
        mode: if emits { Mode::Emit } else { Mode::Map },
        inputs: vec![input; inputs.len()],
        tables: Vec::new(),
        outputs: vec![Port { name: "out".to_owned(), fields: fields(), key: Vec::new() }],
        key: Vec::new(),
        keyed,
        order: Order::Arrival,
        states: if keyed { states } else { Vec::new() },
        watermarks: false,
        ticks: false,
    }
}

fn fields() -> Vec<Field> {
    let field =
        |name: &str, data_type, nullable| Field { name: name.to_owned(), data_type, nullable };
    vec![
        field("n", DataType::Int64, false),
        field("t", DataType::Text, true),
        field("d", DataType::Decimal(DecimalType { precision: 4, scale: 2 }), true),
    ]
}
