//! Bitmaps, both ways: packed, least significant bit first, clear past the last row.

use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};

use super::super::fault::Fault;

/// A bitmap for the guest. Shared with the array, unless it starts within a byte or has bits set
/// past its last row.
pub(super) fn lend(bits: &BooleanBuffer) -> Buffer {
    let shared = bits.sliced();
    let tail = bits.len() % 8;
    if tail == 0 || shared.last().is_none_or(|last| last >> tail == 0) {
        return shared;
    }
    let mut own = shared.to_vec();
    if let Some(last) = own.last_mut() {
        *last &= (1 << tail) - 1;
    }
    Buffer::from_vec(own)
}

/// The validity of an array for the guest; none where no row is null.
pub(super) fn lend_validity(nulls: Option<&NullBuffer>) -> Option<Buffer> {
    nulls.filter(|nulls| nulls.null_count() > 0).map(|nulls| lend(nulls.inner()))
}

/// A guest's bitmap, without a copy.
pub(super) fn take(
    bytes: Vec<u8>,
    rows: usize,
    what: &'static str,
) -> Result<BooleanBuffer, Fault> {
    let wanted = rows.div_ceil(8);
    if bytes.len() != wanted {
        return Err(Fault::Length { what, found: bytes.len(), wanted });
    }
    let tail = rows % 8;
    if tail != 0 && bytes.last().is_some_and(|last| last >> tail != 0) {
        return Err(Fault::TailBits { what });
    }
    Ok(BooleanBuffer::new(Buffer::from_vec(bytes), 0, rows))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_slice_is_lent_as_its_own_bits(
            bits in proptest::collection::vec(any::<bool>(), 0..200),
            start in 0_usize..64,
            cut in 0_usize..64,
        ) {
            let start = start.min(bits.len());
            let length = (bits.len() - start).saturating_sub(cut);
            let slice = BooleanBuffer::from(bits.clone()).slice(start, length);
            let lent = lend(&slice);
            prop_assert_eq!(lent.len(), length.div_ceil(8));
            let back = take(lent.to_vec(), length, "bits").expect("tail bits are clear");
            prop_assert_eq!(back.iter().collect::<Vec<_>>(), &bits[start..start + length]);
        }
    }

    #[test]
    fn a_whole_bitmap_is_not_copied() {
        let bits = BooleanBuffer::new_set(64);
        assert_eq!(lend(&bits).as_ptr(), bits.inner().as_ptr());
        assert_eq!(lend(&bits.slice(8, 56)).as_ptr(), bits.inner()[1..].as_ptr());
    }

    #[test]
    fn wrong_lengths_and_tail_bits_are_breaches() {
        assert!(take(vec![0], 8, "bits").is_ok());
        assert!(matches!(take(vec![0], 9, "bits"), Err(Fault::Length { found: 1, wanted: 2, .. })));
        assert!(matches!(take(vec![0, 0], 8, "bits"), Err(Fault::Length { .. })));
        assert!(matches!(take(vec![0b100], 2, "bits"), Err(Fault::TailBits { .. })));
        assert!(take(vec![0b11], 2, "bits").is_ok());
    }
}
