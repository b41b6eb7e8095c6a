//! What is refused of a batch, and the answer to it.

use crate::raw::{Emitted, Images, Mapped, Outcome, Output, Rejection};
use crate::reject::Reject;

/// The rejections of a batch, collected over its images.
#[derive(Default)]
pub struct Report {
    rejected: Vec<Rejection>,
    /// How many rejections there were when the before images began, if they did.
    after: Option<usize>,
}

impl Report {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that the rows from here on are before images. A row is rejected once, whichever of its
    /// images is to blame.
    pub fn begin_before(&mut self) {
        self.after = Some(self.rejected.len());
    }

    /// Rejects a row.
    #[cold]
    pub fn reject(&mut self, row: u32, reject: Reject) {
        let mut reason = reject.reason.into_owned();
        if let Some(after) = self.after {
            if self.rejected[..after].iter().any(|earlier| earlier.row == row) {
                return;
            }
            reason.insert_str(0, "before image: ");
        }
        let column = reject.column.map(Into::into);
        self.rejected.push(Rejection { row, reason, column });
    }

    /// The answer of an emitting transform to the batch.
    #[must_use]
    pub fn emitted(mut self, emitted: Vec<Emitted>) -> Outcome {
        self.rejected.sort_by_key(|rejection| rejection.row);
        Outcome { output: Output::Emitted(emitted), rejected: self.rejected }
    }

    /// The answer to the batch.
    #[must_use]
    pub fn outcome(mut self, after: Images, before: Option<Images>) -> Outcome {
        self.rejected.sort_by_key(|rejection| rejection.row);
        let output = Output::Mapped(Mapped { after, before });
        Outcome { output, rejected: self.rejected }
    }
}
