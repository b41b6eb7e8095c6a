//! The half that makes prepared epochs visible: one transaction each, with the epoch's number.

use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{SqliteHandle, Target, apply, database, numbers, table, unplaced};
use crate::sink::segment::{self, SegmentReader};
use crate::sink::{Committed, Committer, Handle, SinkError};

const APPLY: &str = "apply rows to";

pub(super) struct SqliteCommitter {
    target: Arc<Target>,
    connection: Connection,
    /// The file that the connection has open.
    identity: (u64, u64),
}

impl SqliteCommitter {
    pub(super) fn open(target: Arc<Target>) -> Result<Self, SinkError> {
        let connection = database::open(&target)?;
        let identity = database::identity(&target)?;
        // First, since a sink that was pointed elsewhere is likely to find no table there.
        numbers::read(&connection, &target)?;
        table::check(&connection, &target)?;
        Ok(Self { target, connection, identity })
    }

    /// Starts the transaction in which the number is read, and perhaps moved on.
    fn begin(&mut self) -> Result<Transaction<'_>, SinkError> {
        if database::identity(&self.target)? != self.identity {
            return Err(SinkError::OutputReplaced {
                sink: self.target.sink.clone(),
                path: self.target.path.clone(),
            });
        }
        self.connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(self.target.failed("lock"))
    }
}

impl Committer for SqliteCommitter {
    fn commit(&mut self, handle: &Handle) -> Result<Committed, SinkError> {
        let target = Arc::clone(&self.target);
        let handle = SqliteHandle::read(handle, &target.sink)?;
        let transaction = self.begin()?;
        let found = numbers::read(&transaction, &target)?;
        if found == Some(handle.after) {
            return Ok(Committed::Done);
        }
        let Some(sealed) = handle.segment.as_ref().filter(|_| found == Some(handle.before)) else {
            return Err(target.unexpected(&handle, found));
        };
        if !target.segments.join(&sealed.file).exists() {
            return Err(SinkError::RowsGone {
                sink: target.sink.clone(),
                path: target.path.clone(),
                before: handle.before,
                after: handle.after,
            });
        }
        let rows = SegmentReader::open(&target.sink, &target.segments, sealed, &target.schema)?;
        let kept_aside = apply::apply(&transaction, &target, rows, handle.after)?;
        numbers::set(&transaction, &target, handle.after).map_err(target.failed(APPLY))?;
        transaction.commit().map_err(target.failed(APPLY))?;
        if kept_aside > 0 {
            unplaced::warn(&target, kept_aside);
        }
        Ok(Committed::Done)
    }

    fn confirmed(&mut self, handle: &Handle) -> Result<(), SinkError> {
        let handle = SqliteHandle::read(handle, &self.target.sink)?;
        let Some(sealed) = handle.segment else { return Ok(()) };
        // Earlier ones as well: a crash may have come between a confirmation and its clean-up.
        segment::remove_up_to(&self.target.sink, &self.target.segments, &sealed.file)
    }

    fn discard_beyond(&mut self, last: &Handle) -> Result<(), SinkError> {
        let target = Arc::clone(&self.target);
        let last = SqliteHandle::read(last, &target.sink)?;
        let transaction = self.begin()?;
        let found = numbers::read(&transaction, &target)?;
        drop(transaction);
        if found != Some(last.after) {
            return Err(target.unexpected(&last, found));
        }
        let kept = last.segment.as_ref().map(|sealed| sealed.file.as_str());
        segment::remove_others(&target.sink, &target.segments, kept)
    }
}
