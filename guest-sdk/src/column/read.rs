//! Reading blocks out of a batch's columns.

use super::{BLOCK, Native};
use crate::operation::Operation;
use crate::raw::{Column, Failure, Values};

/// A column of a batch, ready to be opened.
#[derive(Clone, Copy)]
pub struct Slot<'a> {
    pub(crate) name: &'static str,
    pub(crate) rows: usize,
    pub(crate) column: &'a Column,
    pub(crate) tail: Option<&'a Values>,
}

impl<'a> Slot<'a> {
    fn mismatch(&self, case: &str) -> Failure {
        let Self { name, rows, .. } = self;
        Failure::new(format!("column `{name}` did not come as {rows} values of {case}"))
    }

    /// A bitmap of this column, checked for its length; nothing where the column has none.
    fn bitmap(&self, bits: Option<&'a Vec<u8>>, what: &str) -> Result<&'a [u8], Failure> {
        match bits {
            None => Ok(&[]),
            Some(bits) if bits.len() == self.rows.div_ceil(BLOCK) => Ok(bits.as_slice()),
            Some(_) => Err(Failure::new(format!(
                "the {what} bits of column `{}` do not fit {} rows",
                self.name, self.rows
            ))),
        }
    }
}

/// Hands out blocks. Nested pairs of readers are the readers of a struct's fields.
pub trait Reader {
    /// What a block gives to the lanes: references, nothing to drop.
    type Block: Copy;

    /// Block `index`. Past the last it is a block of defaults.
    fn block(&self, index: usize) -> Self::Block;
}

impl Reader for () {
    type Block = ();

    #[inline(always)]
    fn block(&self, _index: usize) {}
}

impl<Head: Reader, Tail: Reader> Reader for (Head, Tail) {
    type Block = (Head::Block, Tail::Block);

    #[inline(always)]
    fn block(&self, index: usize) -> Self::Block {
        (self.0.block(index), self.1.block(index))
    }
}

impl<R: Reader> Reader for Option<R> {
    type Block = Option<R::Block>;

    #[inline(always)]
    fn block(&self, index: usize) -> Self::Block {
        self.as_ref().map(|reader| reader.block(index))
    }
}

/// Values of fixed width.
pub struct FixedReader<'a, N: Native> {
    full: &'a [[N; BLOCK]],
    tail: &'a [N; BLOCK],
}

impl<'a, N: Native> FixedReader<'a, N> {
    pub(crate) fn open(slot: Slot<'a>) -> Result<Self, Failure> {
        let list = N::list(&slot.column.values).filter(|list| list.len() == slot.rows);
        let (full, _) = list.ok_or_else(|| slot.mismatch(N::CASE))?.as_chunks();
        let tail = slot.tail.and_then(N::list).and_then(<[N]>::first_chunk);
        Ok(Self { full, tail: tail.unwrap_or(N::DEFAULTS) })
    }
}

impl<'a, N: Native> Reader for FixedReader<'a, N> {
    type Block = &'a [N; BLOCK];

    #[inline(always)]
    fn block(&self, index: usize) -> Self::Block {
        self.full.get(index).unwrap_or(self.tail)
    }
}

/// Packed bits, a byte a block.
pub struct BitReader<'a> {
    bytes: &'a [u8],
}

impl<'a> BitReader<'a> {
    pub(crate) fn open(slot: Slot<'a>) -> Result<Self, Failure> {
        match &slot.column.values {
            Values::Bools(bytes) if bytes.len() == slot.rows.div_ceil(BLOCK) => Ok(Self { bytes }),
            _ => Err(slot.mismatch("bools")),
        }
    }
}

impl Reader for BitReader<'_> {
    type Block = u8;

    #[inline(always)]
    fn block(&self, index: usize) -> u8 {
        self.bytes.get(index).copied().unwrap_or(0)
    }
}

/// Where the values of a block lie among the bytes, and the bytes.
#[derive(Clone, Copy)]
struct Offsets<'a> {
    all: &'a [i32],
    tail: &'a [i32; BLOCK + 1],
}

impl<'a> Offsets<'a> {
    fn open(slot: &Slot<'a>) -> Result<(Self, &'a [u8]), Failure> {
        const NONE: &[i32; BLOCK + 1] = &[0; BLOCK + 1];
        let varying = match &slot.column.values {
            Values::Varying(varying) if varying.offsets.len() == slot.rows + 1 => varying,
            _ => return Err(slot.mismatch("varying")),
        };
        let tail = match slot.tail {
            Some(Values::Varying(tail)) => tail.offsets.first_chunk().unwrap_or(NONE),
            _ => NONE,
        };
        Ok((Self { all: &varying.offsets, tail }, varying.bytes.as_slice()))
    }

    #[inline(always)]
    fn block(self, index: usize) -> &'a [i32; BLOCK + 1] {
        self.all.get(index * BLOCK..).and_then(<[i32]>::first_chunk).unwrap_or(self.tail)
    }
}

/// Text. Its bytes are checked once a batch, not once a value.
pub struct TextReader<'a> {
    offsets: Offsets<'a>,
    text: &'a str,
}

impl<'a> TextReader<'a> {
    pub(crate) fn open(slot: Slot<'a>) -> Result<Self, Failure> {
        let (offsets, bytes) = Offsets::open(&slot)?;
        let text = std::str::from_utf8(bytes).map_err(|_| slot.mismatch("UTF-8"))?;
        Ok(Self { offsets, text })
    }

    #[inline(always)]
    pub(crate) fn get(block: &<Self as Reader>::Block, lane: usize) -> &'a str {
        let (offsets, text) = *block;
        &text[offsets[lane] as usize..offsets[lane + 1] as usize]
    }
}

impl<'a> Reader for TextReader<'a> {
    type Block = (&'a [i32; BLOCK + 1], &'a str);

    #[inline(always)]
    fn block(&self, index: usize) -> Self::Block {
        (self.offsets.block(index), self.text)
    }
}

/// Bytes.
pub struct BytesReader<'a> {
    offsets: Offsets<'a>,
    bytes: &'a [u8],
}

impl<'a> BytesReader<'a> {
    pub(crate) fn open(slot: Slot<'a>) -> Result<Self, Failure> {
        let (offsets, bytes) = Offsets::open(&slot)?;
        Ok(Self { offsets, bytes })
    }

    #[inline(always)]
    pub(crate) fn get(block: &<Self as Reader>::Block, lane: usize) -> &'a [u8] {
        let (offsets, bytes) = *block;
        &bytes[offsets[lane] as usize..offsets[lane + 1] as usize]
    }
}

impl<'a> Reader for BytesReader<'a> {
    type Block = (&'a [i32; BLOCK + 1], &'a [u8]);

    #[inline(always)]
    fn block(&self, index: usize) -> Self::Block {
        (self.offsets.block(index), self.bytes)
    }
}

/// Values with validity.
pub struct NullableReader<'a, R> {
    values: R,
    validity: &'a [u8],
}

impl<'a, R> NullableReader<'a, R> {
    pub(crate) fn new(slot: &Slot<'a>, values: R) -> Result<Self, Failure> {
        let validity = slot.bitmap(slot.column.validity.as_ref(), "validity")?;
        Ok(Self { values, validity })
    }
}

impl<R: Reader> Reader for NullableReader<'_, R> {
    type Block = (R::Block, u8);

    #[inline(always)]
    fn block(&self, index: usize) -> Self::Block {
        // Where there are no bits, no row is null.
        (self.values.block(index), self.validity.get(index).copied().unwrap_or(u8::MAX))
    }
}

/// Values with validity and "not sent".
pub struct ThreeStateReader<'a, R> {
    nullable: NullableReader<'a, R>,
    unchanged: &'a [u8],
}

impl<'a, R> ThreeStateReader<'a, R> {
    pub(crate) fn new(slot: &Slot<'a>, values: R) -> Result<Self, Failure> {
        let unchanged = slot.bitmap(slot.column.unchanged.as_ref(), "unchanged")?;
        Ok(Self { nullable: NullableReader::new(slot, values)?, unchanged })
    }
}

impl<R: Reader> Reader for ThreeStateReader<'_, R> {
    type Block = ((R::Block, u8), u8);

    #[inline(always)]
    fn block(&self, index: usize) -> Self::Block {
        (self.nullable.block(index), self.unchanged.get(index).copied().unwrap_or(0))
    }
}

/// Operation codes, which are padded to whole blocks beforehand.
pub struct OperationReader<'a> {
    blocks: &'a [[u8; BLOCK]],
}

impl<'a> OperationReader<'a> {
    pub(crate) fn open(padded: &'a [u8]) -> Result<Self, Failure> {
        match padded.iter().find(|code| Operation::from_code(**code).is_none()) {
            None => Ok(Self { blocks: padded.as_chunks().0 }),
            Some(code) => Err(Failure::new(format!("no operation has the code {code}"))),
        }
    }

    /// The operation of a lane.
    #[inline(always)]
    #[must_use]
    pub fn get(block: &<Self as Reader>::Block, lane: usize) -> Operation {
        Operation::from_code(block[lane]).unwrap_or(Operation::Insert)
    }
}

impl<'a> Reader for OperationReader<'a> {
    type Block = &'a [u8; BLOCK];

    #[inline(always)]
    fn block(&self, index: usize) -> Self::Block {
        self.blocks.get(index).unwrap_or(&[0; BLOCK])
    }
}
