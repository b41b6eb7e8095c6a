//! Sums and averages that round nothing.

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::{Connection, Error};

use super::super::decimal::Decimal;
use super::super::value::Value;
use super::arithmetic::Number;

/// What has been added up.
#[derive(Default)]
struct Total {
    exact: Option<Decimal>,
    float: f64,
    /// Whether a float was among the values.
    floating: bool,
    /// Whether a decimal was.
    decimal: bool,
    count: i64,
}

impl Total {
    fn add(&mut self, value: &Value) -> rusqlite::Result<()> {
        let Some(number) = Number::of(value) else { return Ok(()) };
        self.count += 1;
        match number {
            Number::Float(number) => {
                self.floating = true;
                self.float += number;
            }
            Number::Integer(_) | Number::Decimal(_) => {
                self.decimal |= matches!(number, Number::Decimal(_));
                let before = self.exact.unwrap_or_else(|| Decimal::integer(0));
                let after = number.decimal().and_then(|number| before.plus(number));
                self.exact = Some(after.ok_or_else(overflow)?);
            }
        }
        Ok(())
    }

    fn sum(&self) -> Value {
        let exact = self.exact.unwrap_or_else(|| Decimal::integer(0));
        if self.count == 0 {
            Value::Null
        } else if self.floating {
            Value::Double(self.float + exact.to_float())
        } else if self.decimal {
            Value::Text(exact.to_string())
        } else {
            i64::try_from(exact.whole())
                .map_or_else(|_| Value::Text(exact.to_string()), Value::Integer)
        }
    }

    fn average(&self) -> Value {
        match self.sum() {
            Value::Text(_) => {
                let exact = self.exact.and_then(|sum| sum.divide(Decimal::integer(self.count)));
                exact.map_or(Value::Null, |average| Value::Text(average.to_string()))
            }
            Value::Integer(sum) => Value::Double(sum as f64 / self.count as f64),
            Value::Double(sum) => Value::Double(sum / self.count as f64),
            Value::Null => Value::Null,
        }
    }
}

fn overflow() -> Error {
    Error::UserFunctionError("decimal overflow: the sum has more than 38 digits".into())
}

struct Sum;
struct Average;

impl Aggregate<Total, Value> for Sum {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Total> {
        Ok(Total::default())
    }

    fn step(&self, context: &mut Context<'_>, total: &mut Total) -> rusqlite::Result<()> {
        total.add(&Value::of(context.get_raw(0)))
    }

    fn finalize(&self, _: &mut Context<'_>, total: Option<Total>) -> rusqlite::Result<Value> {
        Ok(total.map_or(Value::Null, |total| total.sum()))
    }
}

impl Aggregate<Total, Value> for Average {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Total> {
        Ok(Total::default())
    }

    fn step(&self, context: &mut Context<'_>, total: &mut Total) -> rusqlite::Result<()> {
        total.add(&Value::of(context.get_raw(0)))
    }

    fn finalize(&self, _: &mut Context<'_>, total: Option<Total>) -> rusqlite::Result<Value> {
        Ok(total.map_or(Value::Null, |total| total.average()))
    }
}

/// Makes the aggregates known.
pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_aggregate_function("exact_sum", 1, flags, Sum)?;
    connection.create_aggregate_function("exact_avg", 1, flags, Average)
}
