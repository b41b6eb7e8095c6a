//! The loop.
//!
//! It is a macro, so that the row function is called by name and inlined: eight calls a block, with
//! the lane a constant in each, and no loop edge between them. A partial block, and one with rows to
//! pass over, goes lane by lane.

use super::{Answer, Output, Pass, Report, Verdict};
use crate::column::Builders;
use crate::decimal;
use crate::raw::{self, Images};
use crate::reject::Reject;

/// What builds the columns of an answer.
pub type BuildersOf<A> = <<A as Answer>::Output as Output>::Builders;

type BlocksOf<'c, A> = <BuildersOf<A> as Builders>::Blocks<'c>;

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
pub fn settle<A: Answer>(
    answer: A,
    row: u32,
    lane: usize,
    blocks: &mut BlocksOf<'_, A>,
    report: &mut Report,
) -> u8 {
    let verdict = answer.verdict();
    let verdict = if decimal::overflow_raised() { overflowed(verdict) } else { verdict };
    match verdict {
        Verdict::Keep(output) => {
            output.write(blocks, lane);
            1
        }
        Verdict::Drop => {
            pass_over::<A>(blocks, lane);
            0
        }
        Verdict::Reject(reject) => {
            pass_over::<A>(blocks, lane);
            report.reject(row, reject);
            0
        }
    }
}

/// Leaves a lane without an answer.
#[inline(always)]
pub fn pass_over<A: Answer>(blocks: &mut BlocksOf<'_, A>, lane: usize) {
    <BuildersOf<A> as Builders>::skip(blocks, lane);
}

/// A row whose arithmetic overflowed is rejected, whatever the function made of it; the function's
/// own refusal says more, though.
#[cold]
fn overflowed<O: Output>(verdict: Verdict<O>) -> Verdict<O> {
    decimal::take_overflow();
    let column = match &verdict {
        Verdict::Reject(_) => return verdict,
        Verdict::Keep(output) => output.overflowed(),
        Verdict::Drop => None,
    };
    let reject = Reject::new("decimal overflow");
    Verdict::Reject(match column {
        Some(column) => reject.column(column),
        None => reject,
    })
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
/// `$answer` is the function's return type, `$blocks` a pattern for a block of `$readers`, `$lane`
/// the name of the lane in `$call`.
#[doc(hidden)]
#[macro_export]
macro_rules! __map_rows {
    (
        @lanes [$($number:literal)*]
        $bits:ident $first:ident $output:ident $report:ident $lane:ident $call:expr
    ) => {$(
        {
            let $lane: usize = $number;
            $crate::generated::begin($first + $number);
            let answer = $call;
            $bits |= $crate::generated::settle(
                answer, $first + $number, $lane, &mut $output, $report,
            ) << $number;
        }
    )*};
    (
        $answer:ty, $pass:expr, $readers:expr, $report:expr,
        |$blocks:pat_param, $lane:ident| $call:expr
    ) => {{
        let pass = $pass;
        let readers = $readers;
        let report: &mut $crate::generated::Report = $report;
        let mut builders = <$crate::generated::BuildersOf<$answer> as
            $crate::generated::Builders>::new(pass.blocks());
        let mut kept = ::std::vec![0_u8; pass.blocks()];
        for (index, byte) in kept.iter_mut().enumerate() {
            let input = $crate::generated::Reader::block(&readers, index);
            let $blocks = &input;
            let mut output = $crate::generated::Builders::blocks(&mut builders, index);
            let first = (index * 8) as u32;
            let live = pass.live(index);
            let mut bits = 0_u8;
            if live == u8::MAX {
                $crate::__map_rows!(
                    @lanes [0 1 2 3 4 5 6 7] bits first output report $lane $call
                );
            } else {
                for $lane in 0..8_usize {
                    if (live >> $lane) & 1 == 0 {
                        $crate::generated::pass_over::<$answer>(&mut output, $lane);
                        continue;
                    }
                    let row = first + $lane as u32;
                    $crate::generated::begin(row);
                    let answer = $call;
                    bits |= $crate::generated::settle(answer, row, $lane, &mut output, report)
                        << $lane;
                }
            }
            <$crate::generated::BuildersOf<$answer> as $crate::generated::Builders>::close(output);
            *byte = bits;
        }
        $crate::generated::end();
        $crate::generated::images(&pass, kept, builders)
    }};
}
