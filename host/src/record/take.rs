//! Texts of some rows.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, StringArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

/// Bytes that are copied in one go, of which what is too much is written over by the next text: that
/// costs a fraction of a length that the compiler does not know.
const BLOCK: usize = 32;

/// The texts of these rows, in their order.
///
/// # Panics
/// If there is no such row, or there are more than 2 GiB of text.
pub(super) fn take_texts(texts: &StringArray, rows: &[u32]) -> ArrayRef {
    let (starts, bytes) = (texts.value_offsets(), texts.value_data());
    let span = |row: u32| {
        let row = row as usize;
        // Offsets are never negative.
        (starts[row] as usize, starts[row + 1] as usize)
    };
    let mut end = 0;
    let ends = rows.iter().map(|row| {
        let (from, to) = span(*row);
        end += to - from;
        i32::try_from(end).expect("a batch has less than 2 GiB of text")
    });
    let offsets: Vec<i32> = std::iter::once(0).chain(ends).collect();
    let mut taken = vec![0; end + BLOCK];
    let mut at = 0;
    for row in rows {
        let (from, to) = span(*row);
        match (bytes[from..].first_chunk::<BLOCK>(), taken[at..].first_chunk_mut::<BLOCK>()) {
            (Some(block), Some(room)) if to - from <= BLOCK => *room = *block,
            _ => taken[at..at + (to - from)].copy_from_slice(&bytes[from..to]),
        }
        at += to - from;
    }
    taken.truncate(end);
    let nulls = texts.nulls().filter(|nulls| nulls.null_count() > 0).map(|nulls| {
        let is_valid = |place: usize| nulls.is_valid(rows[place] as usize);
        NullBuffer::new(BooleanBuffer::collect_bool(rows.len(), is_valid))
    });
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let taken = StringArray::try_new(offsets, Buffer::from_vec(taken), nulls);
    Arc::new(taken.expect("texts are UTF-8 each"))
}

#[cfg(test)]
mod tests {
    use arrow_array::UInt32Array;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_texts_are_those_that_the_library_takes(
            texts in prop::collection::vec(prop::option::of("[a-zé🦀]{0,50}"), 1..40),
            rows in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
            skipped in 0..5_usize,
        ) {
            let whole = StringArray::from(texts);
            let skipped = skipped.min(whole.len() - 1);
            let texts = whole.slice(skipped, whole.len() - skipped);
            let rows: Vec<u32> = rows.iter().map(|row| row.index(texts.len()) as u32).collect();
            let indices = UInt32Array::from(rows.clone());
            let expected = arrow_select::take::take(&texts, &indices, None).unwrap();
            prop_assert_eq!(&take_texts(&texts, &rows), &expected);
        }
    }
}
