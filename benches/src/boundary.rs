//! What crossing into a guest costs, by `millrace bench`.

use std::process::Command;

use anyhow::Context;
use serde_json::Value;

use crate::figure::{Figure, Unit};
use crate::programs::{Programs, finish, root};

const PROBE: &str = "probe_guest.wasm";
const EMPTY: &str = "empty_guest.wasm";
/// How long each number is measured, in milliseconds.
const TIME: &str = "1000";

/// Measures the probe and the empty guest, with deadlines and without.
///
/// # Errors
/// If the program fails or prints something else.
pub fn figures(programs: &Programs) -> anyhow::Result<Vec<Figure>> {
    let mut command = Command::new(&programs.millrace);
    command
        .args(["--log", "warn", "bench", "--json", "--rows", "1,1000,8192", "--time", TIME])
        .arg(root().join("modules").join(PROBE))
        .arg("--empty")
        .arg(root().join("modules").join(EMPTY));
    let printed = finish(command)?.printed;
    let full = Point::find(&printed, PROBE, 8_192)?;
    let thousand = Point::find(&printed, PROBE, 1_000)?;
    let empty = Point::find(&printed, EMPTY, 1)?;
    let without = |point: &Point, each: f64| {
        format!("{:.2} without deadlines, noise {:.1} %", point.without / each, point.noise * 100.0)
    };
    Ok(vec![
        Figure::new("probe, a row of 8,192", full.nanos / 8_192.0, Unit::Nanos)
            .at_most(5.0)
            .note(without(&full, 8_192.0)),
        Figure::new("probe, 1,000 rows", thousand.nanos, Unit::Nanos)
            .at_most(6_000.0)
            .note(without(&thousand, 1.0)),
        Figure::new("empty call", empty.nanos, Unit::Nanos)
            .at_most(500.0)
            .note(without(&empty, 1.0)),
    ])
}

/// One batch size of one module.
struct Point {
    /// A call, with deadlines.
    nanos: f64,
    /// How much two equal runs of it differ, as a share.
    noise: f64,
    /// A call, without deadlines.
    without: f64,
}

impl Point {
    fn find(printed: &Value, module: &str, rows: u64) -> anyhow::Result<Self> {
        let found = |list: &Value, key: &str, wanted: Value| -> Option<Value> {
            list.as_array()?.iter().find(|entry| entry[key] == wanted).cloned()
        };
        let point = found(&printed["modules"], "module", module.into())
            .and_then(|module| found(&module["points"], "rows", rows.into()))
            .with_context(|| format!("`millrace bench` printed no {rows} rows of {module}"))?;
        let number = |value: &Value| value.as_f64().context("`millrace bench` printed no number");
        Ok(Self {
            nanos: number(&point["with_deadlines"]["nanos"])?,
            noise: number(&point["with_deadlines"]["noise"])?,
            without: number(&point["without_deadlines"]["nanos"])?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn points_are_found_by_module_and_rows() {
        let point = |rows: u64, nanos: f64| {
            json!({
                "rows": rows,
                "with_deadlines": {"nanos": nanos, "noise": 0.01},
                "without_deadlines": {"nanos": nanos / 2.0, "noise": 0.01},
            })
        };
        let points = [point(1, 300.0), point(1_000, 4_000.0)];
        let printed = json!({"modules": [{"module": PROBE, "points": points}]});
        let found = Point::find(&printed, PROBE, 1_000).expect("it is there");
        assert_eq!((found.nanos, found.without), (4_000.0, 2_000.0));
        assert!(Point::find(&printed, PROBE, 8_192).is_err());
        assert!(Point::find(&printed, EMPTY, 1).is_err());
    }
}
