//! A figure, its gate, and tables of them.

use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde_json::{Value, json};

use crate::stats::Slope;

/// Rules above, below and under the header; nothing else.
const PRESET: &str = "  ── ──      ──    ";

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// CPU seconds a million rows.
    CpuSeconds,
    /// One thing as a multiple of another.
    Times,
    /// Nanoseconds.
    Nanos,
    /// Milliseconds.
    Millis,
    /// Millions of bytes.
    Megabytes,
    /// Allocations.
    Allocations,
    /// Rows.
    Rows,
}

impl Unit {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CpuSeconds => "cpu-seconds-per-million-rows",
            Self::Times => "times",
            Self::Nanos => "nanoseconds",
            Self::Millis => "milliseconds",
            Self::Megabytes => "megabytes",
            Self::Allocations => "allocations",
            Self::Rows => "rows",
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::CpuSeconds => format!("{value:.3} s/M"),
            Self::Times => format!("{value:.3} x"),
            Self::Nanos if value < 100.0 => format!("{value:.2} ns"),
            Self::Nanos => format!("{value:.0} ns"),
            Self::Millis => format!("{value:.1} ms"),
            Self::Megabytes => format!("{value:.1} MB"),
            Self::Allocations => format!("{value:.4}"),
            Self::Rows => format!("{value:.0} rows"),
        }
    }
}

/// One figure.
#[derive(Clone, Debug)]
pub struct Figure {
    what: String,
    value: f64,
    unit: Unit,
    gate: Option<f64>,
    note: String,
}

impl Figure {
    /// A figure without a gate.
    #[must_use]
    pub fn new(what: impl Into<String>, value: f64, unit: Unit) -> Self {
        Self { what: what.into(), value, unit, gate: None, note: String::new() }
    }

    /// The figure of a slope; its note is the range.
    #[must_use]
    pub fn of_slope(what: impl Into<String>, slope: Slope) -> Self {
        Self::new(what, slope.value, Unit::CpuSeconds)
            .note(format!("{:.3} to {:.3}", slope.least, slope.most))
    }

    /// The most that it may be.
    #[must_use]
    pub fn at_most(self, gate: f64) -> Self {
        Self { gate: Some(gate), ..self }
    }

    /// What to know about it.
    #[must_use]
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// Whether it is within its gate; `None` without one.
    #[must_use]
    pub fn is_met(&self) -> Option<bool> {
        self.gate.map(|gate| self.value <= gate)
    }

    /// How much of its gate it takes; `None` without one, or where it is to be nothing at all.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        self.gate.filter(|gate| *gate > 0.0).map(|gate| self.value / gate)
    }

    fn verdict(&self) -> &'static str {
        match self.is_met() {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "what": self.what,
            "value": self.value,
            "unit": self.unit.name(),
            "gate": self.gate,
            "ratio": self.ratio(),
            "met": self.is_met(),
            "note": self.note,
        })
    }
}

/// Figures as a table for people.
#[must_use]
pub fn as_text(figures: &[Figure]) -> String {
    let mut table = Table::new();
    table.load_preset(PRESET).set_content_arrangement(ContentArrangement::Disabled).set_header([
        "what",
        "figure",
        "gate",
        "of the gate",
        "verdict",
        "note",
    ]);
    for column in table.column_iter_mut().skip(1).take(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for figure in figures {
        table.add_row([
            figure.what.clone(),
            figure.unit.show(figure.value),
            figure.gate.map_or_else(String::new, |gate| figure.unit.show(gate)),
            figure.ratio().map_or_else(String::new, |ratio| format!("{:.0} %", ratio * 100.0)),
            figure.verdict().to_owned(),
            figure.note.clone(),
        ]);
    }
    format!("{}\n", table.trim_fmt())
}

/// Figures as a list for programs.
#[must_use]
pub fn as_json(figures: &[Figure]) -> Value {
    figures.iter().map(Figure::to_json).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_met_up_to_itself() {
        let figure = |value| Figure::new("a row", value, Unit::Nanos).at_most(5.0);
        assert_eq!(figure(5.0).is_met(), Some(true));
        assert_eq!(figure(5.1).is_met(), Some(false));
        assert_eq!(Figure::new("a row", 5.0, Unit::Nanos).is_met(), None);
        assert!(as_text(&[figure(6.0)]).contains("missed"));
        assert_eq!(as_json(&[figure(2.5)])[0]["ratio"], 0.5);
        let none = Figure::new("rows", 0.0, Unit::Rows).at_most(0.0);
        assert_eq!((none.is_met(), none.ratio()), (Some(true), None));
    }
}
