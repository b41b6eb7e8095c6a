//! What the values at one path have been so far, and the narrowest type that takes all of them.
//!
//! *Invariants*: a type is named only if it reads every value that was seen; where none does, the
//! guess says so, and the column is for the user to settle. Times and uuids are recognised by the
//! conversion that a run would use.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::Format;
use crate::format::{ColumnBuilder, ColumnSpec, Scalar};
use crate::record::DataType;

/// A type for a column, and what else its declaration needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guess {
    pub data_type: DataType,
    /// The `unit` of a timestamp.
    pub unit: Option<&'static str>,
    /// What the user may want to know.
    pub note: Option<String>,
    /// Whether it reads every value that was seen; if not, no type does.
    pub takes_all: bool,
}

impl Guess {
    pub(super) const fn of(data_type: DataType) -> Self {
        Self { data_type, unit: None, note: None, takes_all: true }
    }

    pub(super) const fn timestamp(unit: &'static str) -> Self {
        Self { data_type: DataType::Timestamp, unit: Some(unit), note: None, takes_all: true }
    }
}

/// How many values of each kind there were; nulls are none.
#[derive(Debug, Default)]
struct Kinds {
    bools: u64,
    numbers: u64,
    texts: u64,
    /// MongoDB's `$date`.
    instants: u64,
    arrays: u64,
    objects: u64,
}

/// What was seen at one path.
#[derive(Debug)]
pub(super) struct Seen {
    kinds: Kinds,
    /// Of the numbers, and of the texts that are numbers.
    digits: Digits,
    /// Texts that are numbers, too.
    numeric_texts: u64,
    /// Texts that stand for floats which are no numbers.
    special_texts: u64,
    /// Whether every text is a document of JSON itself.
    documents: bool,
    /// Whether every number is an integer that an `i64` holds.
    integers: bool,
    /// The units in which every number is a time of this century.
    epochs: Vec<(&'static str, i64)>,
    /// The types of texts that every text has been read as.
    readers: Vec<(DataType, ColumnBuilder)>,
    /// The first value that is not null.
    example: Option<String>,
}

/// The widest digits before and behind the point.
#[derive(Clone, Copy, Debug, Default)]
struct Digits {
    whole: usize,
    scale: usize,
}

/// Units of epoch times, each with how many there are in a second.
const UNITS: [(&str, i64); 3] = [("s", 1), ("ms", 1_000), ("us", 1_000_000)];
/// 2001-09-09, from when on seconds have ten digits, and 2100-01-01.
const EPOCH_SECONDS: std::ops::Range<i64> = 1_000_000_000..4_102_444_800;
/// Exponents beyond this make no decimal, whatever the digits.
const FAR: i64 = 60;
/// What Debezium writes for floats that JSON has no numbers for.
const SPECIAL_FLOATS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

impl Seen {
    pub(super) fn new() -> Self {
        let types = [DataType::Date, DataType::Time, DataType::Timestamp, DataType::Uuid];
        Self {
            kinds: Kinds::default(),
            digits: Digits::default(),
            numeric_texts: 0,
            special_texts: 0,
            documents: true,
            integers: true,
            epochs: UNITS.to_vec(),
            readers: types.into_iter().map(reader).collect(),
            example: None,
        }
    }

    /// How many values were not null.
    pub(super) const fn values(&self) -> u64 {
        let Kinds { bools, numbers, texts, instants, arrays, objects } = self.kinds;
        bools + numbers + texts + instants + arrays + objects
    }

    /// Whether every value was an object, so that its members are what counts.
    pub(super) const fn is_object(&self) -> bool {
        self.kinds.objects > 0 && self.kinds.objects == self.values()
    }

    /// The first value that was not null, as JSON; none for objects.
    pub(super) fn example(&self) -> Option<&str> {
        self.example.as_deref()
    }

    /// Takes an object into account whose members are looked at one by one.
    pub(super) fn add_object(&mut self) {
        self.kinds.objects += 1;
    }

    /// Takes a value into account that is not such an object.
    pub(super) fn add(&mut self, value: &Value) {
        if !value.is_null() && self.example.is_none() {
            self.example = Some(value.to_string());
        }
        match value {
            Value::Null => {}
            Value::Bool(_) => self.kinds.bools += 1,
            Value::Number(number) => self.add_number(&number.to_string()),
            Value::String(text) => {
                self.documents &= serde_json::from_str::<IgnoredAny>(text).is_ok();
                self.add_text(text);
            }
            Value::Array(_) => self.kinds.arrays += 1,
            Value::Object(_) => match extended(value) {
                Some(Extended::Text(text)) => self.add_text(text),
                Some(Extended::Number(text)) => self.add_number(text),
                Some(Extended::Instant) => self.kinds.instants += 1,
                None => self.kinds.objects += 1,
            },
        }
    }

    fn add_number(&mut self, text: &str) {
        self.kinds.numbers += 1;
        let integer = text.parse::<i64>().ok();
        self.integers &= integer.is_some();
        self.epochs.retain(|(_, per_second)| {
            integer.is_some_and(|number| EPOCH_SECONDS.contains(&number.div_euclid(*per_second)))
        });
        match digits(text) {
            Some(digits) => self.digits.widen(digits),
            None => self.digits.widen(Digits { whole: usize::MAX / 2, scale: 0 }),
        }
    }

    fn add_text(&mut self, text: &str) {
        self.kinds.texts += 1;
        if let Some(digits) = digits(text) {
            self.numeric_texts += 1;
            self.integers &= text.parse::<i64>().is_ok();
            self.digits.widen(digits);
        }
        self.special_texts += u64::from(SPECIAL_FLOATS.contains(&text));
        self.readers.retain_mut(|(data_type, reader)| reads(*data_type, reader, text));
    }

    /// The narrowest type that takes all values; none if there were only nulls. `name` is the
    /// column's, in words.
    pub(super) fn guess(&self, name: &str, format: Format) -> Option<Guess> {
        let all = self.values();
        let Kinds { bools, numbers, texts, instants, arrays, objects } = self.kinds;
        let is_numbers = numbers + texts == all;
        if all == 0 {
            return None;
        }
        Some(if bools == all {
            Guess::of(DataType::Bool)
        } else if instants == all {
            Guess::timestamp("ms")
        } else if numbers == all {
            self.number(name)
        } else if texts == all {
            self.text()
        } else if format == Format::Csv {
            Guess::of(DataType::Text)
        } else if is_numbers && self.numeric_texts == texts {
            // The reader takes numeric text for a number, as some writers send both.
            let note = Some("numbers, some of them as text".to_owned());
            Guess { note, ..self.decimal_or_integer() }
        } else if format == Format::DebeziumJson
            && is_numbers
            && self.numeric_texts + self.special_texts == texts
        {
            let note = Some("NaN or an infinity among them, which no decimal holds".to_owned());
            Guess { note, ..Guess::of(DataType::Float64) }
        } else if arrays + objects == 0 {
            let note = Some("of several types, each as it is written".to_owned());
            Guess { note, ..Guess::of(DataType::Text) }
        } else {
            self.json(format)
        })
    }

    /// Lists and objects, perhaps beside other values: JSON is all of these, but a text in a message
    /// of Debezium's is the document's own text.
    fn json(&self, format: Format) -> Guess {
        let takes_all = format != Format::DebeziumJson || self.documents;
        let note = "no type takes all of them: lists or objects, and texts that are no JSON";
        let note = (!takes_all).then(|| note.to_owned());
        Guess { note, takes_all, ..Guess::of(DataType::Json) }
    }

    fn number(&self, name: &str) -> Guess {
        if self.integers
            && says_time(name)
            && let Some((unit, _)) = self.epochs.first()
        {
            return Guess::timestamp(unit);
        }
        self.decimal_or_integer()
    }

    fn decimal_or_integer(&self) -> Guess {
        if self.integers {
            return Guess::of(DataType::Int64);
        }
        let Digits { whole, scale } = self.digits;
        // Cents at least, where there is a fraction at all: the sample's next row may have them.
        let scale = if scale > 0 { scale.max(2) } else { 0 };
        let precision = match whole.saturating_add(scale) {
            0..=18 => 18,
            19..=38 => 38,
            _ => {
                let note = Some("beyond the 38 digits of a decimal".to_owned());
                return Guess { note, ..Guess::of(DataType::Float64) };
            }
        };
        Guess::of(DataType::Decimal { precision, scale: u8::try_from(scale).unwrap_or(u8::MAX) })
    }

    fn text(&self) -> Guess {
        match self.readers.first().map(|(data_type, _)| *data_type) {
            Some(DataType::Timestamp) => Guess::timestamp("iso"),
            Some(data_type) => Guess::of(data_type),
            None if self.numeric_texts == self.kinds.texts => {
                let number = self.decimal_or_integer().data_type;
                let note = Some(format!("numbers as text: {number} reads them, too"));
                Guess { note, ..Guess::of(DataType::Text) }
            }
            None => Guess::of(DataType::Text),
        }
    }
}

impl Digits {
    fn widen(&mut self, other: Self) {
        self.whole = self.whole.max(other.whole);
        self.scale = self.scale.max(other.scale);
    }
}

/// The digits of a number, or of a text that is one; none if it is no number, or one far from any
/// decimal.
fn digits(text: &str) -> Option<Digits> {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_empty = whole.is_empty() && fraction.is_empty();
    if is_empty || !is_number(whole) || !is_number(fraction) || exponent.abs() > FAR {
        return None;
    }
    let moved = |length: usize, by: i64| {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        usize::try_from(length.saturating_add(by)).unwrap_or(0)
    };
    let whole = whole.trim_start_matches('0').len();
    Some(Digits { whole: moved(whole, exponent), scale: moved(fraction.len(), -exponent) })
}

/// A column of this type, to try texts on.
fn reader(data_type: DataType) -> (DataType, ColumnBuilder) {
    let spec = ColumnSpec {
        name: "sample".into(),
        path: Vec::new(),
        data_type,
        unit: None,
        required: false,
        key: false,
    };
    (data_type, ColumnBuilder::new(&spec))
}

/// Whether the text reads as this type and looks like it: digits alone could be days or hashes.
fn reads(data_type: DataType, reader: &mut ColumnBuilder, text: &str) -> bool {
    let mark = if data_type == DataType::Time { ':' } else { '-' };
    let reads = text.contains(mark) && reader.push(Scalar::Text(text)).is_ok();
    reader.truncate(0);
    reads
}

/// Whether a name is one of a time.
fn says_time(name: &str) -> bool {
    name.split('_').any(|word| {
        matches!(word, "time" | "date" | "at" | "ts" | "timestamp" | "datetime" | "epoch")
    })
}

/// What MongoDB's extended JSON makes of an object of one member.
pub(super) enum Extended<'a> {
    Text(&'a str),
    Number(&'a str),
    Instant,
}

/// The scalar that an object stands for, if it is one of those that readers unwrap.
pub(super) fn extended(value: &Value) -> Option<Extended<'_>> {
    let members = value.as_object()?;
    let (name, inner) = members.iter().next().filter(|_| members.len() == 1)?;
    Some(match name.as_str() {
        "$oid" => Extended::Text(inner.as_str()?),
        "$numberDecimal" | "$numberLong" | "$numberInt" | "$numberDouble" => {
            Extended::Number(inner.as_str()?)
        }
        "$date" => Extended::Instant,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(name: &str, values: &str) -> String {
        guessed_in(Format::Json, name, values)
    }

    fn guessed_in(format: Format, name: &str, values: &str) -> String {
        let mut seen = Seen::new();
        let values: Vec<Value> = serde_json::from_str(values).expect("a list");
        for value in &values {
            seen.add(value);
        }
        match seen.guess(name, format) {
            Some(Guess { takes_all: false, .. }) => "none takes all".to_owned(),
            Some(Guess { data_type, unit: Some(unit), .. }) => format!("{data_type} {unit}"),
            Some(guess) => guess.data_type.to_string(),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn the_narrowest_type_that_takes_all_is_named() {
        for (values, data_type) in [
            ("[null]", "nothing"),
            ("[true, null, false]", "bool"),
            ("[1, -9223372036854775808]", "i64"),
            ("[1, 9223372036854775808]", "decimal(38,0)"),
            ("[1, 12.5]", "decimal(18,2)"),
            ("[12345678901234567.125]", "decimal(38,3)"),
            ("[1e3, 15e-1]", "decimal(18,2)"),
            ("[1e300]", "f64"),
            ("[1, \"2.25\"]", "decimal(18,2)"),
            ("[1, \"x\"]", "text"),
            ("[1.5, \"NaN\"]", "text"),
            ("[[1], \"x\"]", "json"),
            ("[\"1\", \"2\"]", "text"),
            ("[true, 1]", "text"),
            ("[[1], null]", "json"),
            ("[{\"a\": 1}, 2]", "json"),
            ("[\"2026-01-01\", \"2026-02-28\"]", "date"),
            ("[\"2026-01-01\", \"2026-02-28T10:00:00Z\"]", "timestamp iso"),
            ("[\"10:00\", \"23:59:59.5\"]", "time"),
            ("[\"2026-01-01\", \"soon\"]", "text"),
            ("[\"0d9b3d5c-7a55-4a5e-9d0e-3f6c2b1a7e11\"]", "uuid"),
            ("[\"0d9b3d5c7a554a5e9d0e3f6c2b1a7e11\"]", "text"),
            ("[{\"$oid\": \"6750a1b2c3d4e5f601234567\"}]", "text"),
            ("[{\"$numberDecimal\": \"12.50\"}, 0]", "decimal(18,2)"),
            ("[{\"$date\": 1795168800123}]", "timestamp ms"),
        ] {
            assert_eq!(guessed("x", values), data_type, "{values}");
        }
    }

    #[test]
    fn messages_of_debezium_have_floats_and_documents_as_text() {
        for (values, data_type) in [
            ("[1.5, \"NaN\", \"2\", \"-Infinity\"]", "f64"),
            ("[\"NaN\"]", "text"),
            ("[1.5, \"inf\"]", "text"),
            ("[[1], \"{}\"]", "json"),
            ("[[1], \"x\"]", "none takes all"),
            ("[{\"a\": 1}, \"x\"]", "none takes all"),
        ] {
            assert_eq!(guessed_in(Format::DebeziumJson, "x", values), data_type, "{values}");
        }
    }

    #[test]
    fn integers_are_times_only_if_both_the_digits_and_the_name_say_so() {
        for (name, values, data_type) in [
            ("begin_time", "[1795168800123]", "timestamp ms"),
            ("created_at", "[1795168800]", "timestamp s"),
            ("ts_us", "[1795168800123456, null]", "timestamp us"),
            ("begin_time", "[1795168800123, 0]", "i64"),
            ("begin_time", "[1795168800123, 1795168800]", "i64"),
            ("total", "[1795168800123]", "i64"),
            ("lifetime", "[1795168800123]", "i64"),
        ] {
            assert_eq!(guessed(name, values), data_type, "{name} {values}");
        }
    }

    #[test]
    fn mixed_fields_of_csv_stay_text() {
        let mut seen = Seen::new();
        seen.add(&Value::from(12));
        seen.add(&Value::from("012"));
        assert_eq!(seen.guess("code", Format::Csv), Some(Guess::of(DataType::Text)));
    }
}
