//! Where a source has to come to again.
//!
//! *Invariants*: it hands out exactly the rows that it handed out then; where that cannot be told,
//! the run ends before anything is prepared.

use crate::checkpoint::SourceProgress;
use crate::pipeline::NodeError;
use crate::record::{Epoch, Position};
use crate::source::{Budget, Next, Source, SourceError};

/// How often a source may say in a row that it has nothing before it counts as one that has nothing:
/// passing over a long record takes a few calls.
const PATIENCE: usize = 1000;

/// Where a source has to come to again.
pub(in crate::pipeline) struct SourceTarget {
    /// The checkpoint that is repeated.
    pub epoch: Epoch,
    /// The rows on the way, and whether the source then said that it had ended.
    pub progress: SourceProgress,
    /// Where that checkpoint has it.
    pub position: Position,
    /// The same source, opened there.
    pub there: Box<dyn Source>,
}

/// What comes next from a place.
#[derive(Debug, PartialEq, Eq)]
enum Following {
    /// A row, or a rejected one, read at this place.
    Row(String),
    /// Nothing at all.
    End,
    /// Nothing for now.
    Silence,
}

impl SourceTarget {
    /// Checks that `source`, which has handed out all rows of the way, stands where the checkpoint
    /// has it. Neither of the two can be read further then.
    ///
    /// # Errors
    /// [`NodeError::Missed`] if it stands elsewhere; the source's own.
    pub(in crate::pipeline) fn check(
        &mut self,
        source: &mut dyn Source,
        budget: &Budget,
    ) -> Result<(), NodeError> {
        if source.position() == self.position {
            return Ok(());
        }
        // One place may have several names: behind the last row, or at the end that was found there.
        let (here, there) = (following(source, budget)?, following(&mut *self.there, budget)?);
        match (here, there) {
            (Following::Row(here), Following::Row(there)) if here == there => Ok(()),
            (Following::End, Following::End) => Ok(()),
            (here, there) => Err(self.missed(format!(
                "after {} rows {} here, and {} there",
                self.progress.rows,
                here.words(),
                there.words()
            ))),
        }
    }

    /// The source has ended too early.
    pub(in crate::pipeline) fn ended_at(&self, rows: u64) -> NodeError {
        self.missed(format!("it ends after {rows} of {} rows", self.progress.rows))
    }

    fn missed(&self, what: String) -> NodeError {
        NodeError::Missed { epoch: self.epoch, what }
    }
}

impl Following {
    fn words(&self) -> String {
        match self {
            Self::Row(place) => format!("row {place} follows"),
            Self::End => "nothing follows".to_owned(),
            Self::Silence => "nothing has come yet".to_owned(),
        }
    }
}

fn following(source: &mut dyn Source, budget: &Budget) -> Result<Following, SourceError> {
    for _ in 0..PATIENCE {
        match source.next(&Budget { rows: 1, ..*budget })? {
            Next::Rows(rows) if rows.batch.rows > 0 => {
                return Ok(Following::Row(rows.batch.meta.position(0)));
            }
            Next::Rows(rows) => {
                if let Some(letter) = rows.rejected.into_iter().next() {
                    return Ok(Following::Row(letter.position));
                }
            }
            Next::Idle => {}
            Next::Finished => return Ok(Following::End),
        }
    }
    Ok(Following::Silence)
}
