//! Calls of an instance, timed.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::columns::Rows;
use crate::cli::exit::Failure;
use crate::cli::module::ModuleArguments;
use crate::record::DataType;
use crate::sandbox::{Call, Description, Instance, Limits, OpenContext, Sandbox, SandboxError};

/// How long one sample should take: far above the clock's grain, far below a scheduler's slice.
const SAMPLE: Duration = Duration::from_micros(500);
/// Calls before anything is measured.
const WARM_UP: u32 = 20;

/// A cost, in nanoseconds a call, and how much two equal runs differ, as a share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    /// The median of both runs.
    pub nanos: f64,
    /// Their difference, as a share of the smaller.
    pub noise: f64,
}

/// An open instance that is ready to be called.
pub(super) struct Subject {
    instance: Instance,
    description: Description,
    types: Vec<(DataType, bool)>,
}

impl Subject {
    /// Loads a module into a sandbox and opens it for made-up input.
    pub(super) fn open(module: &ModuleArguments, sandbox: &Sandbox) -> Result<Self, Failure> {
        let artifact = module.load(sandbox)?;
        let described = module.describe(&artifact)?;
        let description = described.description;
        let tables = description.tables.iter().flat_map(|uses| &uses.columns);
        let types = description
            .inputs
            .iter()
            .take(1)
            .flat_map(|input| &input.columns)
            .chain(tables)
            .map(|read| (read.data_type, read.nullable))
            .collect();
        let instance = artifact
            .open(&OpenContext {
                stage: "bench".to_owned(),
                params: module.params.clone(),
                inputs: described.inputs,
                tables: described.tables,
                limits: Limits::default(),
            })
            .map_err(anyhow::Error::new)?;
        Ok(Self { instance, description, types })
    }

    fn rows(&self, rows: usize) -> Rows {
        Rows::new(&self.types, rows)
    }

    fn call(&mut self, rows: &Rows) -> Result<(), SandboxError> {
        let call: Call<'_> = rows.call(&self.description);
        black_box(self.instance.process(call)?);
        Ok(())
    }

    /// The mean cost of `calls` calls in a row, in nanoseconds.
    fn sample(&mut self, rows: &Rows, calls: u32) -> Result<f64, SandboxError> {
        let start = Instant::now();
        for _ in 0..calls {
            self.call(rows)?;
        }
        Ok(start.elapsed().as_nanos() as f64 / f64::from(calls))
    }

    /// How many calls make a sample.
    fn calibrate(&mut self, rows: &Rows) -> Result<u32, SandboxError> {
        let nanos = self.sample(rows, WARM_UP)?.max(1.0);
        Ok((SAMPLE.as_nanos() as f64 / nanos).clamp(1.0, 100_000.0) as u32)
    }
}

/// Measures subjects at a batch size, each for `time` in all, their samples in turns.
///
/// # Errors
/// If a call fails.
pub(super) fn in_turns<const N: usize>(
    mut subjects: [&mut Subject; N],
    rows: usize,
    time: Duration,
) -> Result<[Measured; N], SandboxError> {
    let batches: Vec<Rows> = subjects.iter().map(|subject| subject.rows(rows)).collect();
    let mut calls = [0; N];
    for (index, subject) in subjects.iter_mut().enumerate() {
        calls[index] = subject.calibrate(&batches[index])?;
    }
    let mut samples: [[Vec<f64>; 2]; N] = std::array::from_fn(|_| [Vec::new(), Vec::new()]);
    let each = u32::try_from(N).unwrap_or(u32::MAX);
    let end = Instant::now() + time * each;
    // The two runs take turns as well: what drifts over minutes is not noise between them.
    while Instant::now() < end || samples[0][1].is_empty() {
        for turn in 0..2 * N {
            let (run, index) = (turn / N, turn % N);
            let sample = subjects[index].sample(&batches[index], calls[index])?;
            samples[index][run].push(sample);
        }
    }
    Ok(samples.map(|[first, second]| measured(median(first), median(second))))
}

fn measured(first: f64, second: f64) -> Measured {
    let least = first.min(second);
    Measured {
        nanos: f64::midpoint(first, second),
        noise: (first - second).abs() / least.max(1e-9),
    }
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    let middle = samples.len() / 2;
    match samples.len() {
        0 => 0.0,
        length if length.is_multiple_of(2) => f64::midpoint(samples[middle - 1], samples[middle]),
        _ => samples[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outliers_do_not_move_the_median() {
        assert!((median(vec![3.0, 1.0, 900.0, 2.0, 2.5]) - 2.5).abs() < 1e-12);
        assert!((median(vec![1.0, 2.0]) - 1.5).abs() < 1e-12);
        let measured = measured(100.0, 110.0);
        assert!((measured.nanos - 105.0).abs() < 1e-9);
        assert!((measured.noise - 0.1).abs() < 1e-9);
    }
}
