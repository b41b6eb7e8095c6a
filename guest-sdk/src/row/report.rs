//! What is refused of a batch, and the answer to it.

use crate::raw::{Emitted, Images, Mapped, Outcome, Output, Rejection};
use crate::reject::Reject;

/// The rejections of a batch, collected over its images.
#[derive(Default)]
pub struct Report {
    rejected: Vec<Rejection>,
    /// A set bit for each row that was rejected; it grows as far as there are such rows.
    rows: Vec<u8>,
    before: bool,
}

impl Report {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that the rows from here on are before images.
    pub fn begin_before(&mut self) {
        self.before = true;
    }

    /// Rejects a row: once, whichever of its images is to blame.
    #[cold]
    pub fn reject(&mut self, row: u32, reject: Reject) {
        let (byte, bit) = ((row / 8) as usize, 1 << (row % 8));
        if self.rows.len() <= byte {
            self.rows.resize(byte + 1, 0);
        }
        if self.rows[byte] & bit != 0 {
            return;
        }
        self.rows[byte] |= bit;
        let mut reason = reject.reason.into_owned();
        if self.before {
            reason.insert_str(0, "before image: ");
        }
        let column = reject.column.map(Into::into);
        self.rejected.push(Rejection { row, reason, column });
    }

    /// The answer to the batch.
    #[must_use]
    pub fn outcome(mut self, after: Images, before: Option<Images>) -> Outcome {
        self.rejected.sort_by_key(|rejection| rejection.row);
        let output = Output::Mapped(Mapped { after, before });
        Outcome { output, rejected: self.rejected }
    }

    /// The answer of an emitting transform to the batch.
    #[must_use]
    pub fn emitted(mut self, emitted: Vec<Emitted>) -> Outcome {
        self.rejected.sort_by_key(|rejection| rejection.row);
        Outcome { output: Output::Emitted(emitted), rejected: self.rejected }
    }
}
