//! What SELECT calls that SQLite lacks or rounds: exact arithmetic and sums, times, casts.
//!
//! The translator of statements writes `exact_…` where a statement adds, compares or aggregates,
//! so that decimals, which are text, never become floats.

mod aggregate;
mod arithmetic;
mod cast;
mod text;
mod time;

use std::cmp::Ordering;

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, Error};

use super::decimal::Decimal;
use super::value::Value;

/// A function: its arguments in, its value out, or why there is none.
type Function = fn(&[Value]) -> Result<Value, String>;

/// Makes the functions and collations known to a connection.
pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    connection.create_collation("DECIMAL", |left: &str, right: &str| {
        match (Decimal::parse(left), Decimal::parse(right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => left.cmp(right),
        }
    })?;
    connection.create_collation("MOMENT", moments)?;
    let all = [arithmetic::FUNCTIONS, cast::FUNCTIONS, text::FUNCTIONS, time::FUNCTIONS];
    for (name, function) in all.into_iter().flatten() {
        // The clock's functions give another value each time.
        let flags = if time::CLOCK.contains(name) {
            FunctionFlags::SQLITE_UTF8
        } else {
            FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC
        };
        connection.create_scalar_function(*name, -1, flags, move |context| {
            let arguments: Vec<Value> =
                (0..context.len()).map(|at| Value::of(context.get_raw(at))).collect();
            function(&arguments)
                .map_err(|reason| Error::UserFunctionError(format!("{name}: {reason}").into()))
        })?;
    }
    aggregate::register(connection)
}

/// Times in their order, whatever digits of a second and whatever parts they are written with.
fn moments(left: &str, right: &str) -> Ordering {
    const FULL: &[u8] = b"0000-00-00 00:00:00.000000";
    let padded = |text: &str| {
        let rest = FULL.get(text.len()..).unwrap_or_default().to_vec();
        text.bytes()
            .map(|byte| if byte == b'T' { b' ' } else { byte })
            .chain(rest)
            .collect::<Vec<_>>()
    };
    padded(left).cmp(&padded(right))
}

/// The argument at a place, null where there is none.
fn argument(arguments: &[Value], at: usize) -> &Value {
    arguments.get(at).unwrap_or(&Value::Null)
}

/// The whole number at a place, null for null and for what is none.
fn whole(arguments: &[Value], at: usize) -> Option<i64> {
    match argument(arguments, at) {
        Value::Integer(number) => Some(*number),
        Value::Null => None,
        other => i64::try_from(Decimal::parse(&other.text()?)?.whole()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(sql: &str) -> Option<String> {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        connection.query_row(sql, [], |row| Ok(Value::of(row.get_ref(0)?).text())).unwrap()
    }

    #[test]
    fn decimals_stay_exact() {
        for (sql, expected) in [
            ("SELECT exact_add('0.10', '0.20')", "0.30"),
            ("SELECT exact_subtract('100.00', 0.5)", "99.50"),
            ("SELECT exact_divide('10.00', '4.00')", "2.50000000"),
            ("SELECT exact_divide(1, 4)", "0.25"),
            ("SELECT exact_sum(column1) FROM (VALUES ('0.10'), ('0.20'), (NULL))", "0.30"),
            ("SELECT exact_avg(column1) FROM (VALUES ('1.00'), ('2.00'))", "1.50000000"),
            ("SELECT exact_sum(column1) FROM (VALUES (1), (2))", "3"),
            ("SELECT max(column1 COLLATE DECIMAL) FROM (VALUES ('9.00'), ('10.00'))", "10.00"),
            ("SELECT cast_as('1.239', 'decimal(10,2)')", "1.24"),
            ("SELECT exact_round('2.345', 2)", "2.35"),
        ] {
            assert_eq!(one(sql).as_deref(), Some(expected), "{sql}");
        }
        assert_eq!(one("SELECT exact_divide('1', '0.00')"), None);
        assert_eq!(one("SELECT exact_sum(column1) FROM (VALUES (NULL))"), None);
    }

    #[test]
    fn comparisons_are_of_amounts_where_both_are_numbers() {
        for (sql, expected) in [
            ("SELECT exact_compare('9.00', 10)", "-1"),
            ("SELECT exact_compare('b', 'a')", "1"),
            ("SELECT exact_compare('1.50', 1.5)", "0"),
        ] {
            assert_eq!(one(sql).as_deref(), Some(expected), "{sql}");
        }
    }

    #[test]
    fn times_are_cut_moved_and_written() {
        for (sql, expected) in [
            ("SELECT date_trunc('hour', '2026-11-21 13:45:10')", "2026-11-21 13:00:00"),
            ("SELECT date_format('2026-11-21 13:05:10', '%Y-%m-%d %H:00')", "2026-11-21 13:00"),
            ("SELECT hour('2026-11-21 13:45:10')", "13"),
            ("SELECT date_sub('2026-03-31', time_interval(1, 'MONTH'))", "2026-02-28"),
            (
                "SELECT exact_add('2026-03-31 00:00:00', time_interval(1, 'HOUR'))",
                "2026-03-31 01:00:00",
            ),
            ("SELECT datediff('2026-03-31', '2026-03-01 10:00:00')", "30"),
            ("SELECT timestampdiff('MINUTE', '2026-01-01', '2026-01-01 02:00:00')", "120"),
        ] {
            assert_eq!(one(sql).as_deref(), Some(expected), "{sql}");
        }
    }

    #[test]
    fn moments_are_padded() {
        assert_eq!(moments("2026-01-01", "2026-01-01 00:00:00.000"), Ordering::Equal);
        assert_eq!(moments("2026-01-01T00:00:01", "2026-01-01 00:00:00"), Ordering::Greater);
    }
}
