//! Building columns block by block.

use super::{BLOCK, Native};
use crate::raw::{Column, Values, Varying};

/// A column being built. It has room for every row before the first is written, but for the bytes
/// of text.
pub trait Builder: Sized + 'static {
    /// The block at work.
    type Block<'c>
    where
        Self: 'c;

    /// Room for this many blocks.
    fn new(blocks: usize) -> Self;
    /// Room for this many blocks, which are no fewer than before.
    fn grow(&mut self, blocks: usize);
    /// Opens block `index`. Blocks are opened in order; one that is opened again keeps its lanes.
    fn block(&mut self, index: usize) -> Self::Block<'_>;
    /// Leaves a lane without a value.
    fn skip(block: &mut Self::Block<'_>, lane: usize);
    /// Ends a block whose lanes were all written or skipped.
    fn close(block: Self::Block<'_>);
    /// The column of the first `rows` rows.
    fn finish(self, rows: usize) -> Column;
}

/// The columns of a struct's fields, as nested pairs that end in `()`.
pub trait Builders: Sized + 'static {
    /// The blocks at work.
    type Blocks<'c>
    where
        Self: 'c;

    /// Room for this many blocks in each column.
    fn new(blocks: usize) -> Self;
    /// Room for this many blocks in each column, which are no fewer than before.
    fn grow(&mut self, blocks: usize);
    /// Opens block `index` of each column.
    fn blocks(&mut self, index: usize) -> Self::Blocks<'_>;
    /// Leaves a lane without values.
    fn skip(blocks: &mut Self::Blocks<'_>, lane: usize);
    /// Ends the blocks.
    fn close(blocks: Self::Blocks<'_>);
    /// Adds the columns of the first `rows` rows to `columns`.
    fn finish(self, rows: usize, columns: &mut Vec<Column>);
}

impl Builders for () {
    type Blocks<'c> = ();

    #[inline(always)]
    fn new(_blocks: usize) -> Self {}

    fn grow(&mut self, _blocks: usize) {}

    #[inline(always)]
    fn blocks(&mut self, _index: usize) {}

    #[inline(always)]
    fn skip((): &mut (), _lane: usize) {}

    #[inline(always)]
    fn close((): ()) {}

    fn finish(self, _rows: usize, _columns: &mut Vec<Column>) {}
}

impl<Head: Builder, Tail: Builders> Builders for (Head, Tail) {
    type Blocks<'c> = (Head::Block<'c>, Tail::Blocks<'c>);

    #[inline(always)]
    fn new(blocks: usize) -> Self {
        (Head::new(blocks), Tail::new(blocks))
    }

    fn grow(&mut self, blocks: usize) {
        self.0.grow(blocks);
        self.1.grow(blocks);
    }

    #[inline(always)]
    fn blocks(&mut self, index: usize) -> Self::Blocks<'_> {
        (self.0.block(index), self.1.blocks(index))
    }

    #[inline(always)]
    fn skip(blocks: &mut Self::Blocks<'_>, lane: usize) {
        Head::skip(&mut blocks.0, lane);
        Tail::skip(&mut blocks.1, lane);
    }

    #[inline(always)]
    fn close(blocks: Self::Blocks<'_>) {
        Head::close(blocks.0);
        Tail::close(blocks.1);
    }

    fn finish(self, rows: usize, columns: &mut Vec<Column>) {
        columns.push(self.0.finish(rows));
        self.1.finish(rows, columns);
    }
}

/// Values of fixed width.
pub struct FixedBuilder<N: Native> {
    blocks: Vec<[N; BLOCK]>,
}

impl<N: Native> Builder for FixedBuilder<N> {
    type Block<'c> = &'c mut [N; BLOCK];

    fn new(blocks: usize) -> Self {
        Self { blocks: vec![[N::default(); BLOCK]; blocks] }
    }

    fn grow(&mut self, blocks: usize) {
        self.blocks.resize(blocks, [N::default(); BLOCK]);
    }

    #[inline(always)]
    fn block(&mut self, index: usize) -> Self::Block<'_> {
        &mut self.blocks[index]
    }

    #[inline(always)]
    fn skip(_block: &mut Self::Block<'_>, _lane: usize) {}

    #[inline(always)]
    fn close(_block: Self::Block<'_>) {}

    fn finish(self, rows: usize) -> Column {
        let mut list = self.blocks.into_flattened();
        list.truncate(rows);
        Column::of(N::values(list))
    }
}

/// A byte of bits at work, and where it goes. The bits past the last row stay clear, because nothing
/// is written there.
pub struct Bits<'c> {
    bits: u8,
    byte: &'c mut u8,
}

impl<'c> Bits<'c> {
    #[inline(always)]
    fn new(byte: &'c mut u8) -> Self {
        Self { bits: *byte, byte }
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, lane: usize, bit: bool) {
        self.bits |= u8::from(bit) << lane;
    }

    #[inline(always)]
    fn close(self) {
        *self.byte = self.bits;
    }
}

/// Packed bits.
pub struct BitBuilder {
    bytes: Vec<u8>,
}

impl Builder for BitBuilder {
    type Block<'c> = Bits<'c>;

    fn new(blocks: usize) -> Self {
        Self { bytes: vec![0; blocks] }
    }

    fn grow(&mut self, blocks: usize) {
        self.bytes.resize(blocks, 0);
    }

    #[inline(always)]
    fn block(&mut self, index: usize) -> Self::Block<'_> {
        Bits::new(&mut self.bytes[index])
    }

    #[inline(always)]
    fn skip(_block: &mut Self::Block<'_>, _lane: usize) {}

    #[inline(always)]
    fn close(block: Self::Block<'_>) {
        block.close();
    }

    fn finish(self, _rows: usize) -> Column {
        Column::of(Values::Bools(self.bytes))
    }
}

/// Text and bytes, end to end.
pub struct VaryingBuilder {
    offsets: Vec<i32>,
    bytes: Vec<u8>,
}

/// A block of [`VaryingBuilder`]: every lane, written or not, notes where the bytes end.
pub struct VaryingBlock<'c> {
    ends: &'c mut [i32; BLOCK],
    bytes: &'c mut Vec<u8>,
}

impl VaryingBlock<'_> {
    #[inline(always)]
    pub(crate) fn push(&mut self, lane: usize, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.end(lane);
    }

    #[inline(always)]
    fn end(&mut self, lane: usize) {
        // A guest's memory and its output bound are far below this.
        assert!(self.bytes.len() <= i32::MAX as usize, "a column exceeds 2 GiB");
        self.ends[lane] = self.bytes.len() as i32;
    }
}

impl Builder for VaryingBuilder {
    type Block<'c> = VaryingBlock<'c>;

    fn new(blocks: usize) -> Self {
        Self { offsets: vec![0; blocks * BLOCK + 1], bytes: Vec::new() }
    }

    fn grow(&mut self, blocks: usize) {
        self.offsets.resize(blocks * BLOCK + 1, 0);
    }

    #[inline(always)]
    fn block(&mut self, index: usize) -> Self::Block<'_> {
        // The first offset is 0; after it come the ends, a block at a time.
        let (ends, _) = self.offsets[1..].as_chunks_mut::<BLOCK>();
        VaryingBlock { ends: &mut ends[index], bytes: &mut self.bytes }
    }

    #[inline(always)]
    fn skip(block: &mut Self::Block<'_>, lane: usize) {
        block.end(lane);
    }

    #[inline(always)]
    fn close(_block: Self::Block<'_>) {}

    fn finish(mut self, rows: usize) -> Column {
        self.offsets.truncate(rows + 1);
        Column::of(Values::Varying(Varying { offsets: self.offsets, bytes: self.bytes }))
    }
}

/// Values with validity.
pub struct NullableBuilder<B> {
    values: B,
    validity: Vec<u8>,
}

/// A block of [`NullableBuilder`].
pub struct NullableBlock<'c, V> {
    pub(crate) values: V,
    pub(crate) validity: Bits<'c>,
}

impl<B: Builder> Builder for NullableBuilder<B> {
    type Block<'c> = NullableBlock<'c, B::Block<'c>>;

    fn new(blocks: usize) -> Self {
        Self { values: B::new(blocks), validity: vec![0; blocks] }
    }

    fn grow(&mut self, blocks: usize) {
        self.values.grow(blocks);
        self.validity.resize(blocks, 0);
    }

    #[inline(always)]
    fn block(&mut self, index: usize) -> Self::Block<'_> {
        NullableBlock {
            values: self.values.block(index),
            validity: Bits::new(&mut self.validity[index]),
        }
    }

    #[inline(always)]
    fn skip(block: &mut Self::Block<'_>, lane: usize) {
        B::skip(&mut block.values, lane);
    }

    #[inline(always)]
    fn close(block: Self::Block<'_>) {
        B::close(block.values);
        block.validity.close();
    }

    fn finish(self, rows: usize) -> Column {
        let validity = Some(self.validity).filter(|bits| count(bits) < rows);
        Column { validity, ..self.values.finish(rows) }
    }
}

/// Values with validity and "unchanged".
pub struct ThreeStateBuilder<B> {
    nullable: NullableBuilder<B>,
    unchanged: Vec<u8>,
}

/// A block of [`ThreeStateBuilder`].
pub struct ThreeStateBlock<'c, V> {
    pub(crate) nullable: NullableBlock<'c, V>,
    pub(crate) unchanged: Bits<'c>,
}

impl<B: Builder> Builder for ThreeStateBuilder<B> {
    type Block<'c> = ThreeStateBlock<'c, B::Block<'c>>;

    fn new(blocks: usize) -> Self {
        Self { nullable: NullableBuilder::new(blocks), unchanged: vec![0; blocks] }
    }

    fn grow(&mut self, blocks: usize) {
        self.nullable.grow(blocks);
        self.unchanged.resize(blocks, 0);
    }

    #[inline(always)]
    fn block(&mut self, index: usize) -> Self::Block<'_> {
        ThreeStateBlock {
            nullable: self.nullable.block(index),
            unchanged: Bits::new(&mut self.unchanged[index]),
        }
    }

    #[inline(always)]
    fn skip(block: &mut Self::Block<'_>, lane: usize) {
        B::skip(&mut block.nullable.values, lane);
    }

    #[inline(always)]
    fn close(block: Self::Block<'_>) {
        NullableBuilder::<B>::close(block.nullable);
        block.unchanged.close();
    }

    fn finish(self, rows: usize) -> Column {
        let unchanged = Some(self.unchanged).filter(|bits| count(bits) > 0);
        Column { unchanged, ..self.nullable.finish(rows) }
    }
}

/// Set bits.
fn count(bits: &[u8]) -> usize {
    bits.iter().map(|byte| byte.count_ones() as usize).sum()
}
