//! Dates and times: parts of them, units, intervals, the clock.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use super::super::moment::{DAY, Moment, SECOND};
use super::super::value::Value;
use super::{Function, argument, whole};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("now", now),
    ("current_timestamp", now),
    ("localtimestamp", now),
    ("utc_timestamp", now),
    ("curdate", today),
    ("current_date", today),
    ("date_trunc", truncate),
    ("date_format", format),
    ("date_add", date_add),
    ("adddate", date_add),
    ("days_add", date_add),
    ("date_sub", date_sub),
    ("days_sub", date_sub),
    ("datediff", difference_of_days),
    ("timestampdiff", difference),
    ("time_interval", interval),
    ("unix_timestamp", unix_timestamp),
    ("from_unixtime", from_unixtime),
    ("date", date),
    ("to_date", date),
    ("year", |arguments| part(arguments, |moment| moment.year)),
    ("quarter", |arguments| part(arguments, |moment| (moment.month - 1) / 3 + 1)),
    ("month", |arguments| part(arguments, |moment| moment.month)),
    ("day", |arguments| part(arguments, |moment| moment.day)),
    ("dayofmonth", |arguments| part(arguments, |moment| moment.day)),
    ("dayofweek", |arguments| part(arguments, Moment::weekday)),
    ("dayofyear", |arguments| part(arguments, Moment::day_of_year)),
    ("hour", |arguments| part(arguments, |moment| moment.micros / (3600 * SECOND))),
    ("minute", |arguments| part(arguments, |moment| moment.micros / (60 * SECOND) % 60)),
    ("second", |arguments| part(arguments, |moment| moment.micros / SECOND % 60)),
];

/// The functions whose values are not those of their arguments alone.
pub(super) const CLOCK: [&str; 7] = [
    "now",
    "current_timestamp",
    "localtimestamp",
    "utc_timestamp",
    "curdate",
    "current_date",
    "unix_timestamp",
];

/// What the text of an interval begins with; no text of a user does.
const INTERVAL: &str = "\u{1}interval ";

fn moment(value: &Value) -> Option<Moment> {
    Moment::parse(&value.text()?).map(|(moment, _)| moment)
}

fn clock() -> Moment {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(elapsed.as_secs()).unwrap_or(0) * SECOND;
    Moment::of_micros(micros).unwrap_or(Moment { year: 1970, month: 1, day: 1, micros: 0 })
}

/// A time, or null.
fn timed(moment: Option<Moment>) -> Result<Value, String> {
    Ok(moment.map_or(Value::Null, |moment| Value::Text(moment.date_time(None))))
}

fn now(_: &[Value]) -> Result<Value, String> {
    timed(Some(clock()))
}

fn today(_: &[Value]) -> Result<Value, String> {
    Ok(Value::Text(clock().date()))
}

fn date(arguments: &[Value]) -> Result<Value, String> {
    let moment = moment(argument(arguments, 0));
    Ok(moment.map_or(Value::Null, |moment| Value::Text(moment.date())))
}

fn part(arguments: &[Value], of: fn(Moment) -> i64) -> Result<Value, String> {
    Ok(moment(argument(arguments, 0)).map_or(Value::Null, |moment| Value::Integer(of(moment))))
}

fn truncate(arguments: &[Value]) -> Result<Value, String> {
    // StarRocks puts the unit first, Doris last.
    let (first, second) = (argument(arguments, 0), argument(arguments, 1));
    let (unit, time) = match (moment(first), moment(second)) {
        (Some(time), _) => (second.text(), time),
        (None, Some(time)) => (first.text(), time),
        (None, None) => return Ok(Value::Null),
    };
    let unit = unit.unwrap_or_default();
    match time.truncated(&unit) {
        Some(moment) => timed(Some(moment)),
        None => Err(format!(
            "date_trunc function can't support argument other than year, quarter, month, week, day, hour, minute or second: {unit}"
        )),
    }
}

fn format(arguments: &[Value]) -> Result<Value, String> {
    let (Some(moment), Some(format)) =
        (moment(argument(arguments, 0)), argument(arguments, 1).text())
    else {
        return Ok(Value::Null);
    };
    Ok(Value::Text(formatted(moment, &format)))
}

fn formatted(moment: Moment, format: &str) -> String {
    let seconds = moment.micros / SECOND;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(character) = rest.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let _ = match rest.next() {
            Some('Y') => write!(text, "{:04}", moment.year),
            Some('y') => write!(text, "{:02}", moment.year % 100),
            Some('m') => write!(text, "{:02}", moment.month),
            Some('c') => write!(text, "{}", moment.month),
            Some('d') => write!(text, "{:02}", moment.day),
            Some('e') => write!(text, "{}", moment.day),
            Some('j') => write!(text, "{:03}", moment.day_of_year()),
            Some('H') => write!(text, "{hour:02}"),
            Some('k') => write!(text, "{hour}"),
            Some('h' | 'I') => write!(text, "{:02}", (hour + 11) % 12 + 1),
            Some('i') => write!(text, "{minute:02}"),
            Some('s' | 'S') => write!(text, "{second:02}"),
            Some('f') => write!(text, "{:06}", moment.micros % SECOND),
            Some('T') => write!(text, "{hour:02}:{minute:02}:{second:02}"),
            Some('p') => write!(text, "{}", if hour < 12 { "AM" } else { "PM" }),
            Some('w') => write!(text, "{}", moment.weekday() - 1),
            Some(other) => write!(text, "{other}"),
            None => write!(text, "%"),
        };
    }
    text
}

fn interval(arguments: &[Value]) -> Result<Value, String> {
    let unit = argument(arguments, 1).text().unwrap_or_default();
    Ok(whole(arguments, 0).map_or(Value::Null, |count| {
        Value::Text(format!("{INTERVAL}{count} {}", unit.to_ascii_lowercase()))
    }))
}

/// A time that an interval is added to, `None` where neither argument is one.
pub(super) fn moved(time: &Value, by: &Value, sign: i64) -> Option<Value> {
    let Value::Text(text) = by else { return None };
    let (count, unit) = text.strip_prefix(INTERVAL)?.split_once(' ')?;
    let count = sign * count.parse::<i64>().ok()?;
    let Some(from) = moment(time) else { return Some(Value::Null) };
    let micros =
        |unit: i64| Moment::of_micros(from.to_micros().saturating_add(count.saturating_mul(unit)));
    let to = match unit {
        "second" => micros(SECOND),
        "minute" => micros(60 * SECOND),
        "hour" => micros(3600 * SECOND),
        "day" => micros(DAY),
        "week" => micros(7 * DAY),
        "month" => from.plus_months(count),
        "quarter" => from.plus_months(count * 3),
        "year" => from.plus_months(count * 12),
        _ => None,
    };
    // A date stays one as long as whole days are added to it.
    let is_date = time.text().is_some_and(|text| text.trim().len() <= 10);
    let whole_days = !matches!(unit, "second" | "minute" | "hour");
    Some(match to {
        None => Value::Null,
        Some(moment) if is_date && whole_days => Value::Text(moment.date()),
        Some(moment) => Value::Text(moment.date_time(None)),
    })
}

fn date_add(arguments: &[Value]) -> Result<Value, String> {
    shifted(arguments, 1)
}

fn date_sub(arguments: &[Value]) -> Result<Value, String> {
    shifted(arguments, -1)
}

fn shifted(arguments: &[Value], sign: i64) -> Result<Value, String> {
    let (time, by) = (argument(arguments, 0), argument(arguments, 1));
    if let Some(moved) = moved(time, by, sign) {
        return Ok(moved);
    }
    // A number alone counts days.
    let days = interval(&[by.clone(), Value::Text("day".to_owned())])?;
    Ok(moved(time, &days, sign).unwrap_or(Value::Null))
}

fn difference_of_days(arguments: &[Value]) -> Result<Value, String> {
    let ends = (moment(argument(arguments, 0)), moment(argument(arguments, 1)));
    let (Some(to), Some(from)) = ends else { return Ok(Value::Null) };
    Ok(Value::Integer(to.days() - from.days()))
}

fn difference(arguments: &[Value]) -> Result<Value, String> {
    let unit = argument(arguments, 0).text().unwrap_or_default().to_ascii_lowercase();
    let ends = (moment(argument(arguments, 1)), moment(argument(arguments, 2)));
    let (Some(from), Some(to)) = ends else { return Ok(Value::Null) };
    let micros = to.to_micros() - from.to_micros();
    let months = || {
        let all = (to.year - from.year) * 12 + to.month - from.month;
        all - i64::from(all > 0 && (to.day, to.micros) < (from.day, from.micros))
    };
    Ok(Value::Integer(match unit.as_str() {
        "second" => micros / SECOND,
        "minute" => micros / (60 * SECOND),
        "hour" => micros / (3600 * SECOND),
        "day" => micros / DAY,
        "week" => micros / (7 * DAY),
        "month" => months(),
        "year" => months() / 12,
        _ => return Err(format!("unknown unit {unit}")),
    }))
}

fn unix_timestamp(arguments: &[Value]) -> Result<Value, String> {
    let at = if arguments.is_empty() { Some(clock()) } else { moment(argument(arguments, 0)) };
    Ok(at.map_or(Value::Null, |moment| Value::Integer(moment.to_micros().div_euclid(SECOND))))
}

fn from_unixtime(arguments: &[Value]) -> Result<Value, String> {
    let micros = whole(arguments, 0).and_then(|seconds| seconds.checked_mul(SECOND));
    timed(micros.and_then(Moment::of_micros))
}
