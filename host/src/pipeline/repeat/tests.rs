use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::checkpoint::{Checkpoint, SourceProgress};
use crate::pipeline::NodeError;
use crate::record::{DeadLetter, Operation, Operations, Position, RowMeta, Schema};
use crate::source::{Budget, Next, Source, SourceBatch, SourceError};

const BUDGET: Budget = Budget { rows: 8, bytes: 1 << 20, linger: Duration::ZERO };

/// A source of numbered rows, some of them rejected; where it is at its end, its position may or may
/// not say so.
struct Rows {
    next: i64,
    end: i64,
    rejects: bool,
    knows_its_end: bool,
}

impl Source for Rows {
    fn next(&mut self, budget: &Budget) -> Result<Next, SourceError> {
        if self.next == self.end {
            self.knows_its_end = true;
            return Ok(Next::Finished);
        }
        assert_eq!(budget.rows, 1, "no row more than is needed");
        self.next += 1;
        let majors = if self.rejects { Vec::new() } else { vec![self.next] };
        let rows = majors.len();
        let letter = DeadLetter {
            time: 0,
            stage: "rows".to_owned(),
            reason: "bad".to_owned(),
            column: None,
            position: format!("rows:{}", self.next),
            sequence: (self.next, 0),
            ordinal: 0,
            artifact: None,
            input: String::new(),
        };
        let meta = RowMeta {
            origin: "rows".into(),
            operations: Operations::All(Operation::Insert),
            event_times: None,
            processing_times: vec![0; rows].into(),
            majors: majors.into(),
            minors: None,
            base: 0,
            mixed: None,
            late: None,
        };
        let batch = Batch {
            schema: Arc::new(Schema::new(Vec::new())),
            columns: Vec::new(),
            meta: Arc::new(meta),
            rows,
            selection: None,
            before: None,
        };
        let rejected = if self.rejects { vec![letter] } else { Vec::new() };
        Ok(Next::Rows(SourceBatch { batch, rejected, partition: 0, bytes: 1 }))
    }

    fn position(&self) -> Position {
        Position(json!({ "row": self.next, "end": self.knows_its_end }))
    }

    fn acknowledge(&mut self, _: &Position) -> Result<(), SourceError> {
        Ok(())
    }
}

fn rows(next: i64, end: i64) -> Rows {
    Rows { next, end, rejects: false, knows_its_end: false }
}

/// The check of a source that has come to row 5, where the checkpoint has it at `there`.
fn check(here: &mut Rows, there: Rows) -> Result<(), String> {
    let mut target = SourceTarget {
        epoch: 2,
        progress: SourceProgress { rows: 3, ended: false },
        position: there.position(),
        there: Box::new(there),
    };
    target.check(here, &BUDGET).map_err(|error| error.to_string())
}

#[test]
fn a_source_is_there_by_its_position_or_by_what_follows() {
    assert_eq!(check(&mut rows(5, 9), rows(5, 9)), Ok(()));
    let at_the_end = Rows { knows_its_end: true, ..rows(5, 5) };
    assert_eq!(check(&mut rows(5, 5), at_the_end), Ok(()), "one end, two names");
    let grown = Rows { knows_its_end: true, ..rows(5, 9) };
    assert_eq!(check(&mut rows(5, 9), grown), Ok(()), "what has grown since comes afterwards");
    let rejected = || Rows { rejects: true, ..rows(5, 9) };
    let known = Rows { knows_its_end: true, ..rejected() };
    assert_eq!(check(&mut rejected(), known), Ok(()), "a rejected row is a row");
}

#[test]
fn a_source_that_is_elsewhere_says_where() {
    let error = check(&mut rows(5, 9), rows(6, 9)).unwrap_err();
    for part in ["checkpoint 2", "after 3 rows", "rows:6 follows here", "rows:7 follows there"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(check(&mut rows(5, 5), rows(6, 9)).unwrap_err().contains("nothing follows here"));
    let target = SourceTarget {
        epoch: 2,
        progress: SourceProgress { rows: 3, ended: false },
        position: rows(5, 9).position(),
        there: Box::new(rows(5, 9)),
    };
    let error = target.ended_at(1);
    assert!(matches!(error, NodeError::Missed { epoch: 2, .. }));
    assert!(error.to_string().contains("ends after 1 of 3 rows"), "{error}");
}

#[test]
fn what_is_lost_is_told_by_sink_and_label() {
    let parts = |labels: &[&str]| json!({ "parts": labels.iter().map(|label| json!({ "label": label })).collect::<Vec<_>>() });
    let target = Checkpoint {
        handles: [
            ("a".to_owned(), parts(&["a-1", "a-2"])),
            ("b".to_owned(), parts(&["b-1"])),
            ("c".to_owned(), json!(7)),
        ]
        .into(),
        ..Checkpoint::default()
    };
    let mut repeat = Repeat { target, shown: [("b".to_owned(), Shown::Whole)].into() };
    assert_eq!(lost(&repeat), "sink `a` (label a-1, a-2) and sink `c`");
    repeat.shown.insert("a".to_owned(), Shown::Part(parts(&["a-1"])));
    repeat.shown.insert("c".to_owned(), Shown::Whole);
    assert_eq!(lost(&repeat), "sink `a` (label a-2)");
}

#[test]
fn a_muted_sink_takes_nothing_and_answers_its_handle() {
    let mut muted = Muted::new(Handle(json!({ "epoch": 7 })));
    let Ok(Next::Rows(rows)) = rows(0, 1).next(&Budget { rows: 1, ..BUDGET }) else {
        panic!("there is a row");
    };
    assert_eq!(muted.write(&rows.batch).unwrap(), Vec::new());
    let prepared = muted.prepare(8).unwrap();
    assert_eq!(prepared.handle, Handle(json!({ "epoch": 7 })));
}
