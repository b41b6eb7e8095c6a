//! What to do about a failure.

use std::time::Duration;

use super::{BusyCause, Failure, FailureKind};

/// What was being done when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sink::stream_load) enum Step {
    /// A plain load, which commits by itself: sent again with the same label and the same bytes.
    Load,
    /// The first phase of a load that waits for its commit: never sent again; trying again means
    /// rolling back and beginning anew with the next label.
    Prepare,
    /// The second phase.
    Commit,
    /// Undoing the first phase.
    Rollback,
    /// Asking how a label stands, or for the rows at fault.
    State,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sink::stream_load) enum Decision {
    /// Try again after a pause.
    Retry {
        /// The first pause at most.
        floor: Duration,
        /// Any pause at most; each doubles the one before it, and is then drawn between zero and
        /// itself.
        cap: Duration,
        /// Tries again at most, one after the other, before halting; `None`: for ever.
        limit: Option<u32>,
    },
    /// Ask how the label stands before anything else.
    AskState,
    /// Load the same rows in smaller bodies.
    Split,
    /// Find the rows at fault by halving.
    Bisect,
    /// Stop, and say why.
    Halt,
}

const fn retry(floor_millis: u64, cap_millis: u64, limit: Option<u32>) -> Decision {
    Decision::Retry {
        floor: Duration::from_millis(floor_millis),
        cap: Duration::from_millis(cap_millis),
        limit,
    }
}

/// For connections: about ten minutes in all, then a supervisor may try it from the start.
const RECONNECT: Decision = retry(200, 30_000, Some(40));
/// For what usually passes, but may not.
const FEW: Decision = retry(500, 10_000, Some(5));

/// What to do about `failure` of `step`: the one function that says.
pub(in crate::sink::stream_load) fn decide(failure: &Failure, step: Step) -> Decision {
    use FailureKind as Kind;
    let loads = matches!(step, Step::Load | Step::Prepare);
    match &failure.kind {
        Kind::Unreachable => RECONNECT,
        // Asking again is how a lost answer to a question is mended.
        Kind::Lost if step == Step::State => RECONNECT,
        Kind::Lost => Decision::AskState,
        Kind::Busy(cause) => patience(*cause),
        Kind::Quality | Kind::Unparsable if loads => Decision::Bisect,
        Kind::TooLarge if loads => Decision::Split,
        // A committed label is a resend's success, which never comes here; anything else is
        // another's work under our name.
        Kind::LabelExists { finished: true, .. } if loads => Decision::Halt,
        // The dead connection's transaction may run on for a while.
        Kind::LabelExists { .. } => match step {
            Step::Prepare => retry(500, 10_000, Some(3)),
            Step::State => Decision::Halt,
            Step::Load | Step::Commit | Step::Rollback => Decision::AskState,
        },
        Kind::Committed if step == Step::Rollback => Decision::Halt,
        Kind::Committed | Kind::NotFound => match step {
            Step::State => Decision::Halt,
            _ => Decision::AskState,
        },
        Kind::Aborted => match step {
            Step::Load | Step::Prepare => FEW,
            Step::Commit | Step::Rollback => Decision::AskState,
            Step::State => Decision::Halt,
        },
        // What a commit or a rollback is refused for, the state says better than any words.
        Kind::Rejected => match step {
            Step::Load | Step::Prepare | Step::State => FEW,
            Step::Commit | Step::Rollback => Decision::AskState,
        },
        Kind::Quality | Kind::Unparsable | Kind::TooLarge | Kind::Denied | Kind::Fatal => {
            Decision::Halt
        }
    }
}

/// How to wait for a target that asks for patience: as long as it takes, since the source waits.
const fn patience(cause: BusyCause) -> Decision {
    match cause {
        BusyCause::Versions => retry(5_000, 60_000, None),
        BusyCause::Memory => retry(2_000, 60_000, None),
        BusyCause::Transactions => retry(1_000, 30_000, None),
        BusyCause::Requests | BusyCause::Restarting | BusyCause::Cluster => {
            retry(500, 30_000, None)
        }
        BusyCause::InProgress => retry(200, 5_000, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: FailureKind) -> Failure {
        Failure { kind, message: String::new(), error_url: None, error: None }
    }

    /// One letter a decision, so that the table can be read.
    fn letter(decision: Decision) -> char {
        match decision {
            Decision::Retry { limit: None, .. } => 'w',
            Decision::Retry { .. } => 'r',
            Decision::AskState => 'a',
            Decision::Split => 's',
            Decision::Bisect => 'b',
            Decision::Halt => 'h',
        }
    }

    #[test]
    fn the_table_of_decisions() {
        use BusyCause as Busy;
        use FailureKind as Kind;
        const STEPS: [Step; 5] =
            [Step::Load, Step::Prepare, Step::Commit, Step::Rollback, Step::State];
        let busy = [
            Busy::Versions,
            Busy::Transactions,
            Busy::Memory,
            Busy::Requests,
            Busy::Restarting,
            Busy::InProgress,
            Busy::Cluster,
        ];
        let mut table = vec![
            // load, prepare, commit, rollback, state
            (Kind::Unreachable, "rrrrr"),
            (Kind::Lost, "aaaar"),
            (Kind::Quality, "bbhhh"),
            (Kind::Unparsable, "bbhhh"),
            (Kind::TooLarge, "sshhh"),
            (Kind::LabelExists { finished: true, txn: None }, "hhaah"),
            (Kind::LabelExists { finished: false, txn: Some(7) }, "araah"),
            (Kind::Committed, "aaahh"),
            (Kind::NotFound, "aaaah"),
            (Kind::Aborted, "rraah"),
            (Kind::Rejected, "rraar"),
            (Kind::Denied, "hhhhh"),
            (Kind::Fatal, "hhhhh"),
        ];
        table.extend(busy.map(|cause| (Kind::Busy(cause), "wwwww")));
        for (kind, expected) in table {
            let failure = failure(kind);
            let found: String = STEPS.map(|step| letter(decide(&failure, step))).iter().collect();
            assert_eq!(found, expected, "{:?}", failure.kind);
        }
    }

    #[test]
    fn throttles_wait_long_and_for_ever() {
        let failure = failure(FailureKind::Busy(BusyCause::Versions));
        let Decision::Retry { floor, cap, limit } = decide(&failure, Step::Load) else {
            panic!("a throttle is waited for");
        };
        assert!(floor >= Duration::from_secs(1) && cap >= Duration::from_secs(30));
        assert_eq!(limit, None);
    }
}
