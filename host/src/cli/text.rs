//! Numbers and tables as people read them.

use std::io::{IsTerminal, stderr, stdout};
use std::time::Duration;

use comfy_table::{CellAlignment, ContentArrangement, Table};

/// Rules above, below and under the header; nothing else.
const PRESET: &str = "  ── ──      ──    ";

/// Whether text may carry colour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(bool);

impl Paint {
    /// Colour if stdout is a terminal and `NO_COLOR` is not set.
    pub(super) fn stdout() -> Self {
        Self(stdout().is_terminal() && wanted())
    }

    /// Colour if stderr is a terminal and `NO_COLOR` is not set.
    pub(super) fn stderr() -> Self {
        Self(stderr().is_terminal() && wanted())
    }

    /// No colour.
    #[cfg(test)]
    pub(super) fn plain() -> Self {
        Self(false)
    }

    /// Whether there is colour.
    pub(super) const fn is_on(self) -> bool {
        self.0
    }

    /// Bold red: what failed.
    pub(super) fn red(self, text: &str) -> String {
        self.with("1;31", text)
    }

    /// Bold green: what is well.
    pub(super) fn green(self, text: &str) -> String {
        self.with("1;32", text)
    }

    /// Bold: a heading.
    pub(super) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// By convention, any content of `NO_COLOR` but an empty one turns colour off.
fn wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A table with these headings; the first `left` columns are texts, the others numbers.
pub(super) fn table(headings: &[&str], left: usize) -> Table {
    let mut table = Table::new();
    table
        .load_preset(PRESET)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headings.iter().copied());
    for column in table.column_iter_mut().skip(left) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A count with a comma every three digits.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun, in the plural but for one.
pub(super) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A size in the largest binary unit that leaves a whole number in front.
pub(super) fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut value = size as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{size} bytes") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A span of time: two decimals of seconds, whole minutes and seconds from a minute on.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.2} s", time.as_secs_f64()),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// Nanoseconds in the unit that leaves one to three digits in front. A cost that is below 0 or lost
/// in the noise is about 0.
pub(super) fn nanos(nanos: f64) -> String {
    if nanos < 0.05 {
        "≈ 0".to_owned()
    } else if nanos < 1e3 {
        format!("{nanos:.1} ns")
    } else if nanos < 1e6 {
        format!("{:.2} µs", nanos / 1e3)
    } else {
        format!("{:.2} ms", nanos / 1e6)
    }
}

/// Rows a second over a span of time; 0 where the span is.
pub(super) fn per_second(rows: u64, time: Duration) -> u64 {
    let seconds = time.as_secs_f64();
    if seconds > 0.0 { (rows as f64 / seconds).round() as u64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_commas() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(count(number), expected);
        }
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(1_000, "row"), "1,000 rows");
    }

    #[test]
    fn sizes_and_spans_have_fitting_units() {
        assert_eq!(bytes(0), "0 bytes");
        assert_eq!(bytes(1023), "1023 bytes");
        assert_eq!(bytes(1024 * 1024 * 3 / 2), "1.5 MiB");
        assert_eq!(span(Duration::from_millis(1_234)), "1.23 s");
        assert_eq!(span(Duration::from_secs(125)), "2 min 05 s");
        assert_eq!(span(Duration::from_secs(3_720)), "1 h 02 min");
        assert_eq!(span(Duration::from_secs(90_000)), "1 d 01 h");
        assert_eq!(nanos(3.26), "3.3 ns");
        assert_eq!(nanos(4_500.0), "4.50 µs");
        assert_eq!(nanos(-0.01), "≈ 0");
    }

    #[test]
    fn tables_have_rules_and_numbers_to_the_right() {
        let mut table = table(&["name", "rows"], 1);
        table.add_row(["a", "1"]).add_row(["bb", "100"]);
        let lines: Vec<String> = table.trim_fmt().lines().map(str::to_owned).collect();
        assert_eq!(lines[1], " name   rows");
        assert_eq!(lines[3], " a         1");
        assert_eq!(lines[4], " bb      100");
    }
}
