//! The loop.
//!
//! It is a macro, so that the row function is called by name and inlined: eight calls a block, with
//! the lane a constant in each, and no loop edge between them. A partial block, and one with rows to
//! pass over, goes lane by lane.

use super::{Answer, Output, Pass, Report, Verdict};
use crate::column::{Builders, DECIMAL_OVERFLOW};
use crate::decimal;
use crate::raw::{self, Images};
use crate::reject::Reject;

/// What builds the columns of an answer.
pub type BuildersOf<A> = <<A as Answer>::Output as Output>::Builders;

type BlocksOf<'c, O> = <<O as Output>::Builders as Builders>::Blocks<'c>;

/// Notes which row is at work.
#[inline(always)]
pub fn begin(row: u32) {
    raw::at_row(row);
}

/// Notes that no row is at work.
#[inline]
pub fn end() {
    raw::elsewhere();
}

/// Writes the answer for a lane, and says by 1 or 0 whether the row is kept.
#[inline(always)]
pub fn settle<O: Output>(
    verdict: Verdict<O>,
    row: u32,
    lane: usize,
    blocks: &mut BlocksOf<'_, O>,
    report: &mut Report,
) -> u8 {
    let fits = !decimal::overflow_raised() && verdict.in_range();
    let verdict = if fits { verdict } else { refused(verdict) };
    match verdict {
        Verdict::Keep(output) => {
            output.write(blocks, lane);
            1
        }
        Verdict::Drop => {
            <O::Builders as Builders>::skip(blocks, lane);
            0
        }
        Verdict::Reject(reject) => {
            <O::Builders as Builders>::skip(blocks, lane);
            report.reject(row, reject);
            0
        }
    }
}

/// A row whose arithmetic overflowed is rejected, whatever the function made of it, and so is one
/// with a value that its column cannot hold; the function's own refusal says more, though.
///
/// It takes the verdict, not the blocks: their bits stay in registers only while nothing outside of
/// the loop can see them.
#[cold]
fn refused<O: Output>(verdict: Verdict<O>) -> Verdict<O> {
    decimal::take_overflow();
    let refusal = match &verdict {
        Verdict::Reject(_) => return verdict,
        Verdict::Keep(output) => refusal(output),
        Verdict::Drop => None,
    };
    Verdict::Reject(refusal.unwrap_or_else(|| Reject::new(DECIMAL_OVERFLOW)))
}

/// Why a row cannot be written, if one of its columns cannot hold its value.
pub fn refusal<O: Output>(output: &O) -> Option<Reject> {
    output.misfit().map(|(column, reason)| Reject::new(reason).column(column))
}

/// The answer for one image. Where every row that was called for is kept, no bits are needed: the
/// others have no image, or are rejected.
#[must_use]
pub fn images<B: Builders>(pass: &Pass, kept: Vec<u8>, builders: B) -> Images {
    let all = kept.iter().enumerate().all(|(index, bits)| *bits == pass.live(index));
    let mut columns = Vec::new();
    builders.finish(pass.rows(), &mut columns);
    Images { kept: (!all).then_some(kept), columns }
}

/// Calls a row function for each row of a pass, and answers the images.
///
/// `$builders` is the type of what builds its columns, `$blocks` a pattern for a block of
/// `$readers`, `$lane` the name of the lane in `$verdict`, which calls the function.
#[doc(hidden)]
#[macro_export]
macro_rules! __map_rows {
    (
        @lanes [$($number:literal)*]
        $bits:ident $first:ident $output:ident $report:ident $lane:ident $verdict:expr
    ) => {$(
        {
            let $lane: usize = $number;
            $crate::generated::begin($first + $number);
            let verdict = $verdict;
            $bits |= $crate::generated::settle(
                verdict, $first + $number, $lane, &mut $output, $report,
            ) << $number;
        }
    )*};
    (
        $builders:ty, $pass:expr, $readers:expr, $report:expr,
        |$blocks:pat_param, $lane:ident| $verdict:expr
    ) => {{
        let pass = $pass;
        let readers = $readers;
        let report: &mut $crate::generated::Report = $report;
        let mut builders = <$builders as $crate::generated::Builders>::new(pass.blocks());
        let mut kept = ::std::vec![0_u8; pass.blocks()];
        for (index, byte) in kept.iter_mut().enumerate() {
            let input = $crate::generated::Reader::block(&readers, index);
            let $blocks = &input;
            let mut output = <$builders as $crate::generated::Builders>::blocks(
                &mut builders, index,
            );
            let first = (index * 8) as u32;
            let live = pass.live(index);
            let mut bits = 0_u8;
            if live == u8::MAX {
                $crate::__map_rows!(
                    @lanes [0 1 2 3 4 5 6 7] bits first output report $lane $verdict
                );
            } else {
                for $lane in 0..8_usize {
                    if (live >> $lane) & 1 == 0 {
                        <$builders as $crate::generated::Builders>::skip(&mut output, $lane);
                        continue;
                    }
                    let row = first + $lane as u32;
                    $crate::generated::begin(row);
                    let verdict = $verdict;
                    bits |= $crate::generated::settle(verdict, row, $lane, &mut output, report)
                        << $lane;
                }
            }
            <$builders as $crate::generated::Builders>::close(output);
            *byte = bits;
        }
        $crate::generated::end();
        $crate::generated::images(&pass, kept, builders)
    }};
}
