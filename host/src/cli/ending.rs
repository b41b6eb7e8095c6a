//! How one pipeline ended, in words.

use super::exit::{Exit, causes};
use crate::pipeline::{Outcome, PipelineError, Summary};
use crate::supervisor::Ended;

/// The ending's part in the exit code.
pub(super) fn exit(ended: &Ended) -> Exit {
    match ended {
        Ended::Well(_) => Exit::Done,
        Ended::Failed(error) if error.is_unreachable() => Exit::Unreachable,
        Ended::Failed(_) | Ended::Panicked => Exit::Failed,
    }
}

/// One word for programs.
pub(super) fn outcome(ended: &Ended) -> &'static str {
    match ended {
        Ended::Well(Summary { outcome: Outcome::Finished, .. }) => "finished",
        Ended::Well(Summary { outcome: Outcome::AlreadyFinished, .. }) => "already-finished",
        Ended::Well(Summary { outcome: Outcome::Stopped, .. }) => "stopped",
        Ended::Failed(_) => "failed",
        Ended::Panicked => "panicked",
    }
}

/// What went wrong, then why, outermost first; nothing if all is well. The first line names the
/// pipeline and, where one failed, the node.
pub(super) fn errors(pipeline: &str, ended: &Ended) -> Vec<String> {
    let mut errors = match ended {
        Ended::Well(_) => return Vec::new(),
        Ended::Panicked => {
            vec!["a bug in millrace: please report what is printed above".to_owned()]
        }
        Ended::Failed(PipelineError::Node { node, source }) => {
            let mut errors = causes(&**source);
            let place = source.place(node);
            // Many errors name their node themselves.
            if !errors[0].contains(&format!("`{node}`")) && !errors[0].starts_with(&place) {
                errors[0] = format!("{place}: {}", errors[0]);
            }
            errors
        }
        Ended::Failed(error) => causes(error),
    };
    errors[0] = format!("pipeline `{pipeline}` failed: {}", errors[0]);
    errors
}

/// One sentence for people, who have read the errors. `saved`: the run made a checkpoint.
pub(super) fn sentence(ended: &Ended, saved: bool) -> String {
    match ended {
        Ended::Well(summary) => went_well(summary),
        Ended::Failed(error) if saved && error.is_unreachable() => {
            "failed; what was saved stays good: run again to go on from the last checkpoint"
                .to_owned()
        }
        Ended::Failed(_) | Ended::Panicked => "failed: see the error above".to_owned(),
    }
}

fn went_well(summary: &Summary) -> String {
    // Checkpoint 0 is that of a new store: an earlier run saved nothing.
    let anew = summary.resumed_from == Some(0);
    let epoch = summary.resumed_from.filter(|epoch| *epoch > 0);
    match (summary.outcome, epoch.map(|epoch| format!("checkpoint {epoch}"))) {
        (Outcome::Finished, None) if anew => {
            "finished: began anew, since the run before had saved nothing".to_owned()
        }
        (Outcome::Finished, None) => "finished".to_owned(),
        (Outcome::Finished, Some(checkpoint)) if summary.had_finished => {
            format!("finished: resumed from {checkpoint}; the input has grown since it finished")
        }
        (Outcome::Finished, Some(checkpoint)) => format!("finished: resumed from {checkpoint}"),
        (Outcome::AlreadyFinished, Some(checkpoint)) => {
            format!("already finished: nothing new since {checkpoint}")
        }
        (Outcome::AlreadyFinished, None) => "already finished: there is nothing to read".to_owned(),
        (Outcome::Stopped, None) => "stopped; run again to go on".to_owned(),
        (Outcome::Stopped, Some(checkpoint)) => {
            format!("stopped; run again to go on (this run resumed from {checkpoint})")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use super::*;
    use crate::pipeline::NodeError;
    use crate::sink::SinkError;
    use crate::source::SourceError;

    fn summary(outcome: Outcome, resumed_from: Option<u64>, had_finished: bool) -> Summary {
        Summary { outcome, resumed_from, had_finished, elapsed: Duration::from_secs(2) }
    }

    fn failed(node: &str, error: impl Into<NodeError>) -> Ended {
        let source = Box::new(error.into());
        Ended::Failed(PipelineError::Node { node: node.to_owned(), source })
    }

    fn unreadable() -> SourceError {
        let source = io::Error::other("no such file");
        SourceError::Read { input: "a.jsonl".to_owned(), source }
    }

    #[test]
    fn every_good_ending_says_what_happened() {
        let cases = [
            (summary(Outcome::Finished, None, false), "finished"),
            (summary(Outcome::Finished, Some(3), false), "finished: resumed from checkpoint 3"),
            (
                summary(Outcome::Finished, Some(0), false),
                "finished: began anew, since the run before had saved nothing",
            ),
            (summary(Outcome::Stopped, Some(0), false), "stopped; run again to go on"),
            (
                summary(Outcome::Finished, Some(3), true),
                "finished: resumed from checkpoint 3; the input has grown since it finished",
            ),
            (
                summary(Outcome::AlreadyFinished, Some(3), true),
                "already finished: nothing new since checkpoint 3",
            ),
            (summary(Outcome::Stopped, None, false), "stopped; run again to go on"),
        ];
        for (summary, expected) in cases {
            assert_eq!(sentence(&Ended::Well(summary), true), expected);
        }
    }

    #[test]
    fn the_first_line_names_pipeline_and_node_once() {
        assert_eq!(
            errors("p", &failed("w", unreadable())),
            ["pipeline `p` failed: source `w`: cannot read `a.jsonl`", "no such file"]
        );
        let key = SinkError::NoKey { sink: "t".to_owned() };
        let lines = errors("p", &failed("t", key));
        assert!(lines[0].starts_with("pipeline `p` failed: sink `t`: mode"), "{lines:?}");
        assert!(errors("p", &Ended::Well(summary(Outcome::Finished, None, false))).is_empty());
    }

    #[test]
    fn only_an_error_that_can_pass_is_worth_another_run() {
        assert!(sentence(&failed("w", unreadable()), true).contains("run again"));
        assert_eq!(sentence(&failed("w", unreadable()), false), "failed: see the error above");
        let key = SinkError::NoKey { sink: "t".to_owned() };
        assert_eq!(sentence(&failed("t", key), true), "failed: see the error above");
    }
}
