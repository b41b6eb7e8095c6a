//! Pipeline files into plans: all problems of all files are printed before anything starts.

use std::path::{Path, PathBuf};

use super::exit::Failure;
use super::text::{Paint, counted};
use crate::config::{self, Environment, Plan, Problems};
use crate::sandbox::Sandbox;

/// The variables that the files may use: the process's own, then those of the env file.
///
/// # Errors
/// A usage failure if the env file cannot be read.
pub(super) fn environment(file: Option<&Path>) -> Result<Environment, Failure> {
    let environment = Environment::of_process();
    match file {
        Some(file) => environment.with_file(file).map_err(Failure::usage),
        None => Ok(environment),
    }
}

/// What the files came to: plans in the files' order, and what is wrong with those that have none.
#[derive(Default)]
pub(super) struct Loaded {
    /// The plans of the files that can run.
    pub plans: Vec<Plan>,
    /// The problems of the files that cannot.
    pub broken: Vec<Problems>,
    /// Pipelines whose name another file has given already: their stores and labels would collide.
    pub twice: Vec<String>,
}

impl Loaded {
    /// Reads and checks every file.
    pub(super) fn load(files: &[PathBuf], environment: &Environment, sandbox: &Sandbox) -> Self {
        let mut loaded = Self::default();
        for file in files {
            match config::load(file, environment, sandbox) {
                Ok(plan) => {
                    if loaded.plans.iter().any(|earlier| earlier.name == plan.name) {
                        loaded.twice.push(plan.name.clone());
                    }
                    loaded.plans.push(plan);
                }
                Err(problems) => loaded.broken.push(problems),
            }
        }
        loaded
    }

    /// Whether every file can run, and all of them together.
    pub(super) fn is_sound(&self) -> bool {
        self.broken.is_empty() && self.twice.is_empty()
    }

    /// Every problem and warning as text.
    pub(super) fn render(&self, paint: Paint) -> String {
        let warnings = self.plans.iter().map(|plan| &plan.warnings);
        let mut text = String::new();
        for problems in self.broken.iter().chain(warnings.filter(|warnings| !warnings.is_empty())) {
            text.push_str(problems.render(paint.is_on()).trim_end());
            text.push_str(&format!("\n\n{}\n", paint.bold(&counts(problems))));
        }
        for name in &self.twice {
            text.push_str(&format!(
                "{} two of these files name their pipeline `{name}`; a name is part of what sinks \
                 remember, so each needs its own\n",
                paint.red("error:")
            ));
        }
        text
    }
}

/// How many problems a file has: `2 errors and 1 warning in x.toml`.
fn counts(problems: &Problems) -> String {
    let parts: Vec<String> = [(problems.errors(), "error"), (problems.warnings(), "warning")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| counted(number as u64, noun))
        .collect();
    format!("{} in {}", parts.join(" and "), problems.file().display())
}
