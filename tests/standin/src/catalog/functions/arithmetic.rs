//! Arithmetic and comparisons over integers, decimals as text, and floats.

use super::super::decimal::Decimal;
use super::super::value::Value;
use super::{Function, argument, time, whole};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("exact_add", add),
    ("exact_subtract", subtract),
    ("exact_multiply", multiply),
    ("exact_divide", divide),
    ("exact_quotient", quotient),
    ("exact_remainder", remainder),
    ("exact_negate", negate),
    ("exact_compare", compare),
    ("exact_round", round),
    ("exact_abs", absolute),
    ("floor", floor),
    ("ceil", ceil),
    ("greatest", greatest),
    ("least", least),
];

/// A number of one of the three kinds.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Integer(i64),
    Decimal(Decimal),
    Float(f64),
}

impl Number {
    /// The number that a value is; `None` for null and for text that is none.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::Integer(number) => Some(Self::Integer(*number)),
            Value::Double(number) => Some(Self::Float(*number)),
            Value::Text(text) => Decimal::parse(text).map(Self::Decimal),
        }
    }

    pub(super) fn float(self) -> f64 {
        match self {
            Self::Integer(number) => number as f64,
            Self::Decimal(number) => number.to_float(),
            Self::Float(number) => number,
        }
    }

    pub(super) fn decimal(self) -> Option<Decimal> {
        match self {
            Self::Integer(number) => Some(Decimal::integer(number)),
            Self::Decimal(number) => Some(number),
            Self::Float(_) => None,
        }
    }
}

/// A decimal as a value, or the error of one that has grown too long.
pub(super) fn exact(number: Option<Decimal>) -> Result<Value, String> {
    let number = number.ok_or("decimal overflow: the result has more than 38 digits")?;
    Ok(Value::Text(number.to_string()))
}

fn operate(
    arguments: &[Value],
    integers: fn(i64, i64) -> Option<i64>,
    decimals: fn(Decimal, Decimal) -> Option<Decimal>,
    floats: fn(f64, f64) -> f64,
) -> Result<Value, String> {
    let numbers = (Number::of(argument(arguments, 0)), Number::of(argument(arguments, 1)));
    let (Some(left), Some(right)) = numbers else { return Ok(Value::Null) };
    match (left, right) {
        (Number::Integer(left), Number::Integer(right)) => match integers(left, right) {
            Some(number) => Ok(Value::Integer(number)),
            None => exact(decimals(Decimal::integer(left), Decimal::integer(right))),
        },
        // A literal with a point is a float to SQLite and a decimal to both systems.
        (Number::Float(left), Number::Decimal(right)) => match Decimal::parse(&left.to_string()) {
            Some(left) => exact(decimals(left, right)),
            None => Ok(Value::Double(floats(left, right.to_float()))),
        },
        (Number::Decimal(left), Number::Float(right)) => match Decimal::parse(&right.to_string()) {
            Some(right) => exact(decimals(left, right)),
            None => Ok(Value::Double(floats(left.to_float(), right))),
        },
        (left, right) => match (left.decimal(), right.decimal()) {
            (Some(left), Some(right)) => exact(decimals(left, right)),
            _ => Ok(Value::Double(floats(left.float(), right.float()))),
        },
    }
}

fn add(arguments: &[Value]) -> Result<Value, String> {
    if let Some(moved) = time::moved(argument(arguments, 0), argument(arguments, 1), 1) {
        return Ok(moved);
    }
    operate(arguments, i64::checked_add, Decimal::plus, |left, right| left + right)
}

fn subtract(arguments: &[Value]) -> Result<Value, String> {
    if let Some(moved) = time::moved(argument(arguments, 0), argument(arguments, 1), -1) {
        return Ok(moved);
    }
    let decimals = |left: Decimal, right: Decimal| left.plus(right.negated());
    operate(arguments, i64::checked_sub, decimals, |left, right| left - right)
}

fn multiply(arguments: &[Value]) -> Result<Value, String> {
    operate(arguments, i64::checked_mul, Decimal::multiply, |left, right| left * right)
}

fn divide(arguments: &[Value]) -> Result<Value, String> {
    let numbers = (Number::of(argument(arguments, 0)), Number::of(argument(arguments, 1)));
    let (Some(left), Some(right)) = numbers else { return Ok(Value::Null) };
    if right.float() == 0.0 {
        return Ok(Value::Null);
    }
    match (left, right) {
        (Number::Decimal(_), _) | (_, Number::Decimal(_)) => {
            let quotient = |left: Decimal, right: Decimal| left.divide(right);
            operate(arguments, |_, _| None, quotient, |left, right| left / right)
        }
        _ => Ok(Value::Double(left.float() / right.float())),
    }
}

fn quotient(arguments: &[Value]) -> Result<Value, String> {
    match (whole(arguments, 0), whole(arguments, 1)) {
        (Some(left), Some(right)) => {
            Ok(left.checked_div(right).map_or(Value::Null, Value::Integer))
        }
        _ => Ok(Value::Null),
    }
}

fn remainder(arguments: &[Value]) -> Result<Value, String> {
    let right = Number::of(argument(arguments, 1));
    if right.is_none_or(|right| right.float() == 0.0) {
        return Ok(Value::Null);
    }
    operate(arguments, i64::checked_rem, Decimal::remainder, |left, right| left % right)
}

fn negate(arguments: &[Value]) -> Result<Value, String> {
    let decimals = |left: Decimal, right: Decimal| left.plus(right.negated());
    let zero = [Value::Integer(0), argument(arguments, 0).clone()];
    operate(&zero, i64::checked_sub, decimals, |left, right| left - right)
}

fn compare(arguments: &[Value]) -> Result<Value, String> {
    let (left, right) = (argument(arguments, 0), argument(arguments, 1));
    if left.is_null() || right.is_null() {
        return Ok(Value::Null);
    }
    let order = match (Number::of(left), Number::of(right)) {
        (Some(left), Some(right)) => match (left.decimal(), right.decimal()) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => left.float().total_cmp(&right.float()),
        },
        _ => left.text().cmp(&right.text()),
    };
    Ok(Value::Integer(order as i64))
}

fn round(arguments: &[Value]) -> Result<Value, String> {
    let digits = u32::try_from(whole(arguments, 1).unwrap_or(0)).unwrap_or(0);
    match Number::of(argument(arguments, 0)) {
        None => Ok(Value::Null),
        Some(Number::Integer(number)) => Ok(Value::Integer(number)),
        Some(Number::Decimal(number)) => exact(number.rounded(digits)),
        Some(Number::Float(number)) => {
            let unit = 10_f64.powi(i32::try_from(digits).unwrap_or(0));
            Ok(Value::Double((number * unit).round() / unit))
        }
    }
}

fn absolute(arguments: &[Value]) -> Result<Value, String> {
    match Number::of(argument(arguments, 0)) {
        Some(number) if number.float() < 0.0 => negate(arguments),
        Some(_) => Ok(argument(arguments, 0).clone()),
        None => Ok(Value::Null),
    }
}

fn floor(arguments: &[Value]) -> Result<Value, String> {
    Ok(match Number::of(argument(arguments, 0)) {
        None => Value::Null,
        Some(Number::Integer(number)) => Value::Integer(number),
        Some(number) => Value::Integer(number.float().floor() as i64),
    })
}

fn ceil(arguments: &[Value]) -> Result<Value, String> {
    Ok(match Number::of(argument(arguments, 0)) {
        None => Value::Null,
        Some(Number::Integer(number)) => Value::Integer(number),
        Some(number) => Value::Integer(number.float().ceil() as i64),
    })
}

fn extreme(arguments: &[Value], wanted: i64) -> Result<Value, String> {
    let mut best = argument(arguments, 0).clone();
    for value in arguments {
        match compare(&[value.clone(), best.clone()])? {
            Value::Null => return Ok(Value::Null),
            Value::Integer(order) if order == wanted => best = value.clone(),
            _ => {}
        }
    }
    Ok(best)
}

fn greatest(arguments: &[Value]) -> Result<Value, String> {
    extreme(arguments, 1)
}

fn least(arguments: &[Value]) -> Result<Value, String> {
    extreme(arguments, -1)
}
