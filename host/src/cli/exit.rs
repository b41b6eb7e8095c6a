//! How a command ends: exit codes, and errors on stderr.
//!
//! *Not here*: 130 and 143, which the signal thread ends the process with (`signals`).

use std::io;
use std::process::ExitCode;

use super::text::Paint;

/// The four endings of a command. Scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done as asked.
    Done,
    /// Failed while running.
    Failed,
    /// The arguments or the configuration are wrong; nothing was started.
    Usage,
    /// Something outside could not be reached (a missing input, a locked database, a checkpoint
    /// store in use), or a stop took longer than `stop_timeout`.
    Unreachable,
}

impl Exit {
    /// The process's exit code.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
        }
    }

    /// The ending of two parts: a failure outweighs what was out of reach, which may be there the
    /// next time.
    pub(super) const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Usage, _) | (_, Self::Usage) => Self::Usage,
            (Self::Failed, _) | (_, Self::Failed) => Self::Failed,
            (Self::Unreachable, _) | (_, Self::Unreachable) => Self::Unreachable,
            (Self::Done, Self::Done) => Self::Done,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// What a command answers. `Ok` with a code other than 0 has said why already.
pub(super) type CommandResult = Result<Exit, Failure>;

/// Why a command could not be done, and the code that it ends with.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    error: anyhow::Error,
}

impl Failure {
    /// The user asked for something that cannot be.
    pub(super) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, error: error.into() }
    }

    /// Prints the error with its causes, and answers the exit code.
    pub(super) fn report(&self) -> ExitCode {
        // `millrace generate | head` is no failure: the reader has had enough.
        if self.error.chain().any(is_broken_pipe) {
            return Exit::Done.into();
        }
        eprint!("{}", chain(&*self.error, Paint::stderr()));
        self.exit.into()
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { exit: Exit::Failed, error }
    }
}

fn is_broken_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// An error and its causes as people read them.
pub(super) fn chain(error: &dyn std::error::Error, paint: Paint) -> String {
    block(&causes(error), paint)
}

/// An error and its causes, outermost first. A cause that only repeats the one above is left out,
/// also with a number in front: SQLite's errors come in both forms.
pub(super) fn causes(error: &dyn std::error::Error) -> Vec<String> {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.dedup_by(|cause, above| repeats(cause, above));
    causes
}

/// Whether a cause says no more than the one above, but for what is in front: `Error code 5: …`.
fn repeats(cause: &str, above: &str) -> bool {
    cause.strip_suffix(above).is_some_and(|front| front.is_empty() || front.ends_with(": "))
}

/// Causes, a line each.
pub(super) fn block(causes: &[String], paint: Paint) -> String {
    let mut text = String::new();
    for (depth, cause) in causes.iter().enumerate() {
        let mark = if depth == 0 { paint.red("error:") } else { "  caused by:".to_owned() };
        text.push_str(&format!("{mark} {cause}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn a_failure_outweighs_what_was_out_of_reach() {
        assert_eq!(Exit::Done.and(Exit::Done), Exit::Done);
        assert_eq!(Exit::Unreachable.and(Exit::Done), Exit::Unreachable);
        assert_eq!(Exit::Unreachable.and(Exit::Failed), Exit::Failed);
        assert_eq!(Exit::Usage.and(Exit::Failed), Exit::Usage);
    }

    #[test]
    fn causes_are_printed_once_each() {
        let error = anyhow!("no such file").context("no such file").context("cannot read a.toml");
        let text = chain(&*error, Paint::plain());
        assert_eq!(text, "error: cannot read a.toml\n  caused by: no such file\n");
    }

    #[test]
    fn a_cause_with_a_number_in_front_is_no_other() {
        let locked = of_two("database is locked", "Error code 5: database is locked");
        let text = chain(&*locked.context("cannot lock out.db"), Paint::plain());
        assert_eq!(text, "error: cannot lock out.db\n  caused by: database is locked\n");
        let other = of_two("the file is gone", "the disk says: the other file is gone");
        assert_eq!(causes(&*other).len(), 2);
    }

    fn of_two(outer: &'static str, inner: &'static str) -> anyhow::Error {
        anyhow!(inner).context(outer)
    }

    #[test]
    fn a_reader_that_leaves_is_seen_through_the_context() {
        let broken = io::Error::from(io::ErrorKind::BrokenPipe);
        let error = Err::<(), _>(broken).context("cannot write").expect_err("it is one");
        assert!(error.chain().any(is_broken_pipe));
    }
}
