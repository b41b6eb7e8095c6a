//! Values of prepared statements, as their binary protocol has them.
//!
//! *Not here*: parameters, which come the other way (`port`).

use std::io::{self, Write};

use opensrv_mysql::{Column, ColumnType as Wire, ToMysqlValue};

/// A value that is kept as text.
pub(super) struct Cell<'a>(pub(super) &'a str);

impl ToMysqlValue for Cell<'_> {
    fn to_mysql_text<W: Write>(&self, out: &mut W) -> io::Result<()> {
        self.0.to_mysql_text(out)
    }

    fn to_mysql_bin<W: Write>(&self, out: &mut W, column: &Column) -> io::Result<()> {
        if is_text(column.coltype) {
            return self.0.to_mysql_bin(out, column);
        }
        let is_none = || {
            let message = format!("{:?} is no {:?}", self.0, column.coltype);
            io::Error::new(io::ErrorKind::InvalidData, message)
        };
        out.write_all(&encoded(self.0, column.coltype).ok_or_else(is_none)?)
    }
}

/// How a column is announced: as its type says, or as text where a value is none of that type.
pub(super) fn announced(kind: Wire, rows: &[Vec<Option<String>>], at: usize) -> Wire {
    let mut values = rows.iter().filter_map(|row| row.get(at)?.as_deref());
    if is_text(kind) || values.all(|value| encoded(value, kind).is_some()) {
        kind
    } else {
        Wire::MYSQL_TYPE_VAR_STRING
    }
}

/// Whether values of a type are text in both protocols.
fn is_text(kind: Wire) -> bool {
    matches!(kind, Wire::MYSQL_TYPE_VAR_STRING | Wire::MYSQL_TYPE_NEWDECIMAL)
}

/// The bytes of a number or a time.
fn encoded(text: &str, kind: Wire) -> Option<Vec<u8>> {
    Some(match kind {
        Wire::MYSQL_TYPE_TINY => text.parse::<i8>().ok()?.to_le_bytes().to_vec(),
        Wire::MYSQL_TYPE_SHORT => text.parse::<i16>().ok()?.to_le_bytes().to_vec(),
        Wire::MYSQL_TYPE_LONG => text.parse::<i32>().ok()?.to_le_bytes().to_vec(),
        Wire::MYSQL_TYPE_LONGLONG => text.parse::<i64>().ok()?.to_le_bytes().to_vec(),
        Wire::MYSQL_TYPE_FLOAT => text.parse::<f32>().ok()?.to_le_bytes().to_vec(),
        Wire::MYSQL_TYPE_DOUBLE => text.parse::<f64>().ok()?.to_le_bytes().to_vec(),
        Wire::MYSQL_TYPE_DATE | Wire::MYSQL_TYPE_DATETIME => moment(text)?,
        _ => return None,
    })
}

/// `2026-11-21`, with or without ` 13:10:00` and `.25`: a length, and that many bytes.
fn moment(text: &str) -> Option<Vec<u8>> {
    let (date, time) = text.split_once(' ').map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.splitn(3, '-');
    let mut bytes = vec![0];
    bytes.extend_from_slice(&parts.next()?.parse::<u16>().ok()?.to_le_bytes());
    for _ in 0..2 {
        bytes.push(parts.next()?.parse().ok()?);
    }
    if let Some(time) = time {
        let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
        let mut parts = clock.splitn(3, ':');
        for _ in 0..3 {
            bytes.push(parts.next()?.parse().ok()?);
        }
        if fraction.len() > 6 {
            return None;
        }
        let micros: u32 = format!("{fraction:0<6}").parse().ok()?;
        if micros > 0 {
            bytes.extend_from_slice(&micros.to_le_bytes());
        }
    }
    bytes[0] = u8::try_from(bytes.len() - 1).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_have_their_bytes() {
        assert_eq!(encoded("-2", Wire::MYSQL_TYPE_TINY), Some(vec![0xFE]));
        assert_eq!(encoded("258", Wire::MYSQL_TYPE_LONG), Some(vec![2, 1, 0, 0]));
        assert_eq!(encoded("1.5", Wire::MYSQL_TYPE_FLOAT), Some(1.5_f32.to_le_bytes().to_vec()));
        assert_eq!(encoded("300", Wire::MYSQL_TYPE_TINY), None);
        assert_eq!(moment("2026-11-21"), Some(vec![4, 0xEA, 7, 11, 21]));
        let noon = moment("2026-11-21 12:30:05");
        assert_eq!(noon, Some(vec![7, 0xEA, 7, 11, 21, 12, 30, 5]));
        let later = moment("2026-11-21 12:30:05.25").unwrap();
        assert_eq!((later[0], &later[8..]), (11, &250_000_u32.to_le_bytes()[..]));
        for wrong in ["", "2026-11", "2026-11-21 12:30", "2026-11-21 12:30:05.1234567"] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_column_with_another_kind_of_value_is_text() {
        let row = |value: &str| vec![Some(value.to_owned())];
        let (long, text) = (Wire::MYSQL_TYPE_LONG, Wire::MYSQL_TYPE_VAR_STRING);
        let decimal = Wire::MYSQL_TYPE_NEWDECIMAL;
        assert_eq!(announced(long, &[row("1"), vec![None], row("2")], 0), long);
        assert_eq!(announced(long, &[row("1"), row("x")], 0), text);
        assert_eq!(announced(decimal, &[row("1.0")], 0), decimal);
    }
}
