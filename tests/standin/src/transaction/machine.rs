//! The decisions of both systems' frontends, pure: a state and an operation give an answer.

use super::record::State;

/// What a StarRocks frontend does with a commit or a rollback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It does it itself.
    Do,
    /// The backend that has the rows does it.
    ToBackend,
    /// It was done before: `OK` with this message.
    Done(String),
    /// It cannot be done: `FAILED` with this message.
    Refused(String),
}

/// A commit of StarRocks.
pub(super) fn commit(state: State, txn: i64, label: &str) -> Decision {
    match state {
        State::Prepare => Decision::ToBackend,
        State::Prepared => Decision::Do,
        State::Committed | State::Visible => {
            Decision::Done(format!("Transaction {txn} has already committed, label is {label}"))
        }
        State::Aborted => {
            Decision::Refused(format!("Can not commit ABORTED transaction {txn}, label is {label}"))
        }
    }
}

/// A rollback of StarRocks.
pub(super) fn rollback(state: State, txn: i64, label: &str) -> Decision {
    match state {
        State::Prepare => Decision::ToBackend,
        State::Prepared => Decision::Do,
        State::Aborted => {
            Decision::Done(format!("Transaction {txn} has already aborted, label is {label}"))
        }
        State::Committed => Decision::Refused(format!(
            "Can not abort COMMITTED transaction {txn}, label is {label}"
        )),
        State::Visible => {
            Decision::Refused(format!("Can not abort VISIBLE transaction {txn}, label is {label}"))
        }
    }
}

/// The second phase of Doris.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SecondPhase {
    /// `txn_operation: commit`.
    Commit,
    /// `txn_operation: abort`.
    Abort,
}

/// Why a second phase by transaction id is refused, if it is.
pub(super) fn by_id(
    phase: SecondPhase,
    state: State,
    txn: i64,
    reason: &str,
) -> Result<(), String> {
    let already = |word: &str| match phase {
        SecondPhase::Commit => format!("transaction [{txn}] is already {word}, not pre-committed."),
        SecondPhase::Abort => format!("transaction [{txn}] is already {word}, could not abort."),
    };
    match (state, phase) {
        (State::Prepared, _) | (State::Prepare, SecondPhase::Abort) => Ok(()),
        (State::Prepare, SecondPhase::Commit) => {
            Err(format!("transaction [{txn}] is prepare, not pre-committed."))
        }
        (State::Committed, _) => Err(already("committed")),
        (State::Visible, _) => Err(already("visible")),
        (State::Aborted, _) => {
            Err(format!("transaction [{txn}] is already aborted. abort reason: {reason}"))
        }
    }
}

/// Why a second phase by label is refused, if it is: only a label in the right state is found.
pub(super) fn by_label(
    phase: SecondPhase,
    state: Option<State>,
    label: &str,
) -> Result<(), String> {
    match (state, phase) {
        (Some(State::Prepared), _) | (Some(State::Prepare), SecondPhase::Abort) => Ok(()),
        _ => Err(format!("transaction not found, label={label}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(text: &str) -> Decision {
        Decision::Done(text.to_owned())
    }

    fn refused(text: &str) -> Decision {
        Decision::Refused(text.to_owned())
    }

    #[test]
    fn starrocks_commits_and_rolls_back_by_state() {
        let committed = done("Transaction 7 has already committed, label is l");
        let aborted = done("Transaction 7 has already aborted, label is l");
        let table = [
            (State::Prepare, Decision::ToBackend, Decision::ToBackend),
            (State::Prepared, Decision::Do, Decision::Do),
            (
                State::Committed,
                committed.clone(),
                refused("Can not abort COMMITTED transaction 7, label is l"),
            ),
            (State::Visible, committed, refused("Can not abort VISIBLE transaction 7, label is l")),
            (State::Aborted, refused("Can not commit ABORTED transaction 7, label is l"), aborted),
        ];
        for (state, by_commit, by_rollback) in table {
            assert_eq!(commit(state, 7, "l"), by_commit, "{state:?}");
            assert_eq!(rollback(state, 7, "l"), by_rollback, "{state:?}");
        }
    }

    #[test]
    fn doris_ends_transactions_by_id() {
        let table = [
            (State::Prepare, Some("transaction [7] is prepare, not pre-committed."), None),
            (State::Prepared, None, None),
            (
                State::Committed,
                Some("transaction [7] is already committed, not pre-committed."),
                Some("transaction [7] is already committed, could not abort."),
            ),
            (
                State::Visible,
                Some("transaction [7] is already visible, not pre-committed."),
                Some("transaction [7] is already visible, could not abort."),
            ),
            (
                State::Aborted,
                Some("transaction [7] is already aborted. abort reason: r"),
                Some("transaction [7] is already aborted. abort reason: r"),
            ),
        ];
        for (state, commit, abort) in table {
            let of = |phase| by_id(phase, state, 7, "r").err();
            assert_eq!(of(SecondPhase::Commit).as_deref(), commit, "{state:?}");
            assert_eq!(of(SecondPhase::Abort).as_deref(), abort, "{state:?}");
        }
    }

    #[test]
    fn doris_finds_labels_in_the_right_state_only() {
        let table = [
            (None, false, false),
            (Some(State::Prepare), false, true),
            (Some(State::Prepared), true, true),
            (Some(State::Committed), false, false),
            (Some(State::Visible), false, false),
            (Some(State::Aborted), false, false),
        ];
        for (state, commit, abort) in table {
            assert_eq!(by_label(SecondPhase::Commit, state, "l").is_ok(), commit, "{state:?}");
            assert_eq!(by_label(SecondPhase::Abort, state, "l").is_ok(), abort, "{state:?}");
        }
        let error = by_label(SecondPhase::Commit, None, "l").unwrap_err();
        assert_eq!(error, "transaction not found, label=l");
    }
}
