//! Whole answers on their way back.

use arrow_buffer::{BooleanBuffer, NullBuffer};

use super::super::bindings::wit;
use super::super::description::{Description, Mode, Port};
use super::super::fault::{Breach, Fault};
use super::super::text::{MAX_NAME, MAX_TEXT, clipped};
use super::super::transform::{
    Call, Emitted, EventTimes, Fired, Images, Mapped, Outcome, Rejection,
};
use super::take::{Live, columns};
use super::{bits, values};
use crate::record::{Operation, Operations};

/// The checked answer to `process`.
pub(in crate::sandbox) fn outcome(
    answer: wit::Outcome,
    description: &Description,
    call: &Call<'_>,
    max_rows: u64,
) -> Result<Outcome, Breach> {
    let wit::Outcome { output, rejected } = answer;
    let rejected = rejections(rejected, call.rows)?;
    match (description.mode, output) {
        (Mode::Map, wit::Output::Mapped(answer)) => {
            let mapped = mapped(answer, &description.outputs[0], call, &rejected)?;
            Ok(Outcome::Mapped { mapped, rejected })
        }
        (Mode::Emit, wit::Output::Emitted(answer)) => {
            let emitted = all_emitted(answer, description, max_rows)?;
            Ok(Outcome::Emitted { emitted, rejected })
        }
        (Mode::Map, wit::Output::Emitted(_)) => {
            Err(Fault::Mode { mode: "map", found: "rows of its own" }.into())
        }
        (Mode::Emit, wit::Output::Mapped(_)) => {
            Err(Fault::Mode { mode: "emit", found: "images of its input's rows" }.into())
        }
    }
}

/// The checked answer to a watermark or a tick.
pub(in crate::sandbox) fn fired(
    answer: wit::Fired,
    description: &Description,
    max_rows: u64,
) -> Result<Fired, Breach> {
    let wit::Fired { emitted, more, next_tick } = answer;
    if description.mode == Mode::Map && !emitted.is_empty() {
        return Err(Fault::Mode { mode: "map", found: "rows of its own" }.into());
    }
    Ok(Fired { emitted: all_emitted(emitted, description, max_rows)?, more, next_tick })
}

fn rejections(answer: Vec<wit::Rejection>, rows: usize) -> Result<Vec<Rejection>, Fault> {
    let mut rejected = Vec::with_capacity(answer.len());
    for wit::Rejection { row, reason, column } in answer {
        let index = row as usize;
        if index >= rows {
            return Err(Fault::Row { row, rows });
        }
        let reason = clipped(reason, MAX_TEXT);
        let column = column.map(|column| clipped(column, MAX_NAME));
        rejected.push(Rejection { row: index, reason, column });
    }
    // Most guests answer in the order of rows, which makes the check for repetitions simple.
    if !rejected.is_sorted_by(|one, next| one.row < next.row) {
        let mut seen = vec![false; rows];
        for rejection in &rejected {
            if std::mem::replace(&mut seen[rejection.row], true) {
                return Err(Fault::RejectedTwice { row: rejection.row });
            }
        }
    }
    Ok(rejected)
}

fn mapped(
    answer: wit::Mapped,
    port: &Port,
    call: &Call<'_>,
    rejected: &[Rejection],
) -> Result<Mapped, Breach> {
    let wit::Mapped { after, before } = answer;
    let after = images(after, port, call.rows, None, rejected)?;
    let before = match (before, call.before) {
        (Some(answer), Some(before)) => {
            Some(images(answer, port, call.rows, Some(&before.present), rejected)?)
        }
        (None, None) => None,
        (Some(_), None) => {
            return Err(Fault::Before { what: "came, though none were given" }.in_port(&port.name));
        }
        (None, Some(_)) => {
            return Err(Fault::Before { what: "are missing" }.in_port(&port.name));
        }
    };
    Ok(Mapped { after, before })
}

fn images(
    answer: wit::Images,
    port: &Port,
    rows: usize,
    present: Option<&BooleanBuffer>,
    rejected: &[Rejection],
) -> Result<Images, Breach> {
    let wit::Images { kept, columns: answer } = answer;
    let kept = kept
        .map(|bytes| bits::take(bytes, rows, "the selection"))
        .transpose()
        .map_err(|fault| fault.in_port(&port.name))?;
    let live = Live::new(rows, kept.as_ref(), present, rejected);
    let columns = columns(answer, port, &live)?;
    Ok(Images { kept, columns })
}

fn all_emitted(
    answer: Vec<wit::Emitted>,
    description: &Description,
    max_rows: u64,
) -> Result<Vec<Emitted>, Breach> {
    // Before any column is taken: a column of bools makes eight rows of a byte, or none of any.
    let rows = answer.iter().fold(0, |sum: u64, emitted| sum.saturating_add(emitted.rows.into()));
    if rows > max_rows {
        return Err(Fault::Rows { rows, max: max_rows }.into());
    }
    answer.into_iter().map(|rows| emitted(rows, &description.outputs)).collect()
}

fn emitted(answer: wit::Emitted, ports: &[Port]) -> Result<Emitted, Breach> {
    let wit::Emitted { port: index, rows, columns: answer, operations, event_times } = answer;
    let place = index as usize;
    let port = ports.get(place).ok_or(Fault::Port { port: index, ports: ports.len() })?;
    let rows = rows as usize;
    let columns = columns(answer, port, &Live::all(rows))?;
    let in_port = |fault: Fault| fault.in_port(&port.name);
    let operations =
        operations.map(|codes| operation_codes(codes, rows)).transpose().map_err(in_port)?;
    let event_times = event_times.map(|times| timed(times, rows)).transpose().map_err(in_port)?;
    Ok(Emitted { port: place, rows, columns, operations, event_times })
}

fn operation_codes(codes: Vec<u8>, rows: usize) -> Result<Operations, Fault> {
    if codes.len() != rows {
        return Err(Fault::Length { what: "operations", found: codes.len(), wanted: rows });
    }
    match codes.iter().copied().max() {
        Some(code) if Operation::from_code(code).is_none() => Err(Fault::Operation { code }),
        _ => Ok(Operations::Each(codes.into())),
    }
}

fn timed(times: wit::TimesResult, rows: usize) -> Result<EventTimes, Fault> {
    let wit::TimesResult { values, validity } = times;
    let nulls = validity
        .map(|bytes| bits::take(bytes, rows, "the validity of event times"))
        .transpose()?
        .map(NullBuffer::new)
        .filter(|nulls| nulls.null_count() > 0);
    values::event_times(values, nulls, rows)
}
