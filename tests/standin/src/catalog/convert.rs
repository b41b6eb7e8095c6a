//! One value of a load as a value of its column.

use serde_json::Value as Json;

use super::ColumnType;
use super::decimal::Decimal;
use super::definition::ColumnDef;
use super::moment::Moment;
use super::rows::Cell;
use super::value::Value;
use crate::world::System;

/// How values are converted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conversion {
    /// Whose rules apply.
    pub(super) system: System,
    /// What times with an offset are converted to, in minutes.
    pub(super) offset: i64,
    /// Whether a decimal with too many digits behind the point is refused instead of rounded.
    pub(super) exact: bool,
}

/// Why a value is none of its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unfit {
    /// The reason, for the error log.
    pub(super) reason: String,
    /// Whether its row is refused in any mode.
    pub(super) always: bool,
}

impl From<String> for Unfit {
    fn from(reason: String) -> Self {
        Self { reason, always: false }
    }
}

/// The value of a cell that is not null.
pub(super) fn value(
    column: &ColumnDef,
    cell: &Cell,
    conversion: &Conversion,
) -> Result<Value, Unfit> {
    let name = &column.name;
    match &column.column_type {
        ColumnType::Boolean => boolean(name, cell).map_err(Unfit::from),
        ColumnType::TinyInt => integer(name, cell, i8::MIN.into(), i8::MAX.into(), conversion),
        ColumnType::SmallInt => integer(name, cell, i16::MIN.into(), i16::MAX.into(), conversion),
        ColumnType::Int => integer(name, cell, i32::MIN.into(), i32::MAX.into(), conversion),
        ColumnType::BigInt => integer(name, cell, i64::MIN.into(), i64::MAX.into(), conversion),
        ColumnType::LargeInt => integer(name, cell, i128::MIN, i128::MAX, conversion),
        ColumnType::Float | ColumnType::Double => float(column, cell).map_err(Unfit::from),
        ColumnType::Decimal { precision, scale } => {
            decimal(name, cell, *precision, *scale, conversion).map_err(Unfit::from)
        }
        ColumnType::Char(_) | ColumnType::Varchar(_) | ColumnType::String => {
            text(column, cell, conversion)
        }
        ColumnType::Date => date(name, cell, conversion).map_err(Unfit::from),
        ColumnType::DateTime(digits) => {
            date_time(name, cell, *digits, conversion).map_err(Unfit::from)
        }
        ColumnType::Json | ColumnType::Variant => json(name, cell, conversion).map_err(Unfit::from),
        ColumnType::Array(_) => nested(name, cell, '[').map_err(Unfit::from),
        ColumnType::Map(_) | ColumnType::Struct(_) => nested(name, cell, '{').map_err(Unfit::from),
        ColumnType::Varbinary(_) => match cell {
            Cell::Text(text) => Ok(Value::Text(text.clone())),
            _ => Err(format!("JSON cannot be loaded into VARBINARY. column: {name}").into()),
        },
        ColumnType::Opaque(word) => Err(Unfit {
            reason: format!("{word} needs a function in the columns header. column: {name}"),
            always: true,
        }),
    }
}

/// The cell as text, whatever it is.
fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) => text.clone(),
        Cell::Json(Json::String(text)) => text.clone(),
        Cell::Json(value) => value.to_string(),
    }
}

/// What an error quotes of a value.
fn quoted(cell: &Cell) -> String {
    let mut text = shown(cell);
    if let Some((cut, _)) = text.char_indices().nth(100) {
        text.truncate(cut);
    }
    text
}

fn boolean(name: &str, cell: &Cell) -> Result<Value, String> {
    let text = shown(cell);
    let truth = match (cell, text.trim().to_ascii_lowercase().as_str()) {
        (Cell::Json(Json::Array(_) | Json::Object(_)), _) => None,
        (_, "true") => Some(true),
        (_, "false") => Some(false),
        (_, number) => Decimal::parse(number).map(|number| !number.is_zero()),
    };
    truth
        .map(|truth| Value::Integer(i64::from(truth)))
        .ok_or_else(|| format!("The value '{}' is not a boolean. column: {name}", quoted(cell)))
}

fn integer(
    name: &str,
    cell: &Cell,
    least: i128,
    most: i128,
    conversion: &Conversion,
) -> Result<Value, Unfit> {
    let wrong = |what: &str| format!("{what}. column: {name}, value: {}", quoted(cell));
    if let Cell::Json(Json::Bool(truth)) = cell {
        return match conversion.system {
            System::Doris => Ok(Value::Integer(i64::from(*truth))),
            System::StarRocks => Err(wrong("The value is a boolean and no number").into()),
        };
    }
    let text = shown(cell);
    let whole = text.trim().parse::<i128>().ok();
    // A fraction is cut off.
    let whole = whole.or_else(|| Decimal::parse(&text).map(Decimal::whole));
    let Some(number) = whole else {
        let digits = text.trim().trim_start_matches(['-', '+']);
        let large = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        return Err(wrong(if large { "Value is overflow" } else { "Illegal value" }).into());
    };
    if !(least..=most).contains(&number) {
        return Err(wrong("Value is overflow").into());
    }
    if most == i128::MAX {
        return Ok(Value::Text(number.to_string()));
    }
    i64::try_from(number).map(Value::Integer).map_err(|_| wrong("Value is overflow").into())
}

fn float(column: &ColumnDef, cell: &Cell) -> Result<Value, String> {
    let text = shown(cell);
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let number = match (cell, &column.column_type) {
        (Cell::Json(Json::Bool(_)), _) => None,
        (_, ColumnType::Float) => {
            // A float is kept as the shortest decimal that gives it again.
            let narrow = text.trim().parse::<f32>().ok().filter(|number| number.is_finite());
            narrow.and_then(|number| number.to_string().parse::<f64>().ok())
        }
        _ => number,
    };
    number.map(Value::Double).ok_or_else(|| {
        format!("Illegal or overflowing float. column: {}, value: {}", column.name, quoted(cell))
    })
}

fn decimal(
    name: &str,
    cell: &Cell,
    precision: u32,
    scale: u32,
    conversion: &Conversion,
) -> Result<Value, String> {
    let wrong = |what: &str| {
        format!(
            "{what}. column: {name}, type: decimal({precision},{scale}), value: {}",
            quoted(cell)
        )
    };
    if let Cell::Json(Json::Bool(_)) = cell {
        return Err(wrong("A boolean is no decimal"));
    }
    let number = Decimal::parse(&shown(cell)).ok_or_else(|| wrong("Illegal decimal"))?;
    if conversion.exact && number.exceeds_scale(scale) {
        return Err(wrong("Decimal has more digits behind the point than the column"));
    }
    let rounded = number.rounded(scale).filter(|number| number.fits(precision));
    let rounded = rounded.ok_or_else(|| wrong("Decimal is out of range"))?;
    Ok(Value::Text(rounded.to_string()))
}

fn text(column: &ColumnDef, cell: &Cell, conversion: &Conversion) -> Result<Value, Unfit> {
    let text = match cell {
        Cell::Json(Json::Bool(truth)) => u8::from(*truth).to_string(),
        other => shown(other),
    };
    let capacity = column.column_type.capacity(conversion.system).unwrap_or(u32::MAX);
    if text.len() <= capacity as usize {
        return Ok(Value::Text(text));
    }
    let (name, length) = (&column.name, text.len());
    Err(match conversion.system {
        System::StarRocks => format!(
            "Value length is beyond the capacity. column: {name}, capacity: {capacity}, length: {length}"
        )
        .into(),
        System::Doris => Unfit {
            reason: format!(
                "column_name[{name}], the length of input is too long than schema. first 32 bytes \
                 of input str: [{}] schema length: {capacity}; actual length: {length}; ",
                text.chars().take(32).collect::<String>()
            ),
            always: true,
        },
    })
}

/// The moment of a cell, converted by its offset where the system does so.
fn moment(name: &str, cell: &Cell, conversion: &Conversion) -> Result<Moment, String> {
    let wrong = || format!("Invalid date or time. column: {name}, value: {}", quoted(cell));
    if !matches!(cell, Cell::Text(_) | Cell::Json(Json::String(_))) {
        return Err(wrong());
    }
    let (moment, offset) = Moment::parse(&shown(cell)).ok_or_else(wrong)?;
    match (offset, conversion.system) {
        (None, _) => Ok(moment),
        (Some(_), System::StarRocks) => Err(wrong()),
        (Some(offset), System::Doris) => {
            let micros = moment.to_micros() + (conversion.offset - offset) * 60_000_000;
            Moment::of_micros(micros).ok_or_else(wrong)
        }
    }
}

fn date(name: &str, cell: &Cell, conversion: &Conversion) -> Result<Value, String> {
    moment(name, cell, conversion).map(|moment| Value::Text(moment.date()))
}

fn date_time(
    name: &str,
    cell: &Cell,
    digits: u8,
    conversion: &Conversion,
) -> Result<Value, String> {
    let moment = moment(name, cell, conversion)?;
    let text = match conversion.system {
        System::StarRocks => Some(moment.date_time(None)),
        System::Doris => moment.rounded(digits).map(|moment| moment.date_time(Some(digits))),
    };
    text.map(Value::Text).ok_or_else(|| format!("Time out of range. column: {name}"))
}

fn json(name: &str, cell: &Cell, conversion: &Conversion) -> Result<Value, String> {
    let text = match (cell, conversion.system) {
        (Cell::Json(Json::String(text)), System::Doris) | (Cell::Text(text), _) => text,
        (Cell::Json(value), _) => return Ok(Value::Text(value.to_string())),
        (Cell::Null, _) => return Ok(Value::Null),
    };
    serde_json::from_str::<Json>(text)
        .map(|value| Value::Text(value.to_string()))
        .map_err(|error| format!("Invalid JSON: {error}. column: {name}, value: {}", quoted(cell)))
}

fn nested(name: &str, cell: &Cell, open: char) -> Result<Value, String> {
    let value = match cell {
        Cell::Json(Json::String(text)) | Cell::Text(text) => serde_json::from_str(text).ok(),
        Cell::Json(value) => Some(value.clone()),
        Cell::Null => None,
    };
    value
        .filter(|value: &Json| if open == '[' { value.is_array() } else { value.is_object() })
        .map(|value| Value::Text(value.to_string()))
        .ok_or_else(|| format!("Illegal nested value. column: {name}, value: {}", quoted(cell)))
}
