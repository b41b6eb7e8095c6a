//! Where records lie: blocks of bytes on pages, each page for blocks of one size.
//!
//! Nothing is moved and nothing doubles, so that the memory of a million records is theirs and not
//! their growth's. A block that was given back is used for the next record of its size; what follows
//! is that an address, once a block's, is always a block's, alive or free.

/// Bytes of a page.
const PAGE: usize = 16 * 1024;

/// Addresses count units of this many bytes, so that 32 bits reach all of a guest's memory.
const UNIT: usize = 8;

/// Bits of an address that lie within a page.
const WITHIN: u32 = (PAGE / UNIT).trailing_zeros();

/// Up to here sizes differ by a unit; beyond there are eight of them to each doubling.
const FINE: usize = 256;

/// The largest block that shares its page.
const LARGEST: usize = PAGE / 2;

/// Sizes of blocks that share pages.
const CLASSES: usize = FINE / UNIT + 8 * (LARGEST / FINE).trailing_zeros() as usize;

/// No address.
pub(super) const NONE: u32 = u32::MAX;

/// Where a block keeps its flags. Zero is what a free block has there.
pub(super) const FLAGS: usize = 7;

struct Page {
    bytes: Box<[u8]>,
    size: usize,
    filled: usize,
}

/// The pages.
pub(super) struct Slab {
    pages: Vec<Page>,
    /// The first free block of each size. It holds the address of the next.
    free: [u32; CLASSES],
    /// The page of each size that is being filled.
    open: [u32; CLASSES],
    /// Numbers of pages that were one large block and are no more.
    spare: Vec<u32>,
}

impl Slab {
    pub(super) fn new() -> Self {
        Self { pages: Vec::new(), free: [NONE; CLASSES], open: [NONE; CLASSES], spare: Vec::new() }
    }

    /// The size of the block that a record of `length` bytes gets.
    pub(super) fn size(length: usize) -> usize {
        if length <= FINE {
            return length.max(UNIT).next_multiple_of(UNIT);
        }
        length.next_multiple_of(1 << ((length - 1).ilog2() - 3))
    }

    /// A block for a record of `length` bytes. Its content is unspecified.
    pub(super) fn allocate(&mut self, length: usize) -> u32 {
        let size = Self::size(length);
        if size > LARGEST {
            let page = Page { bytes: vec![0; size].into_boxed_slice(), size, filled: 1 };
            return match self.spare.pop() {
                Some(number) => {
                    self.pages[number as usize] = page;
                    number << WITHIN
                }
                None => self.add(page) << WITHIN,
            };
        }
        let class = class(size);
        let head = self.free[class];
        if head != NONE {
            self.free[class] = next_free(self.block(head));
            return head;
        }
        let mut number = self.open[class];
        if number == NONE || self.pages[number as usize].filled == PAGE / size {
            let bytes = vec![0; PAGE].into_boxed_slice();
            number = self.add(Page { bytes, size, filled: 0 });
            self.open[class] = number;
        }
        let page = &mut self.pages[number as usize];
        page.filled += 1;
        (number << WITHIN) | ((page.filled - 1) * size / UNIT) as u32
    }

    fn add(&mut self, page: Page) -> u32 {
        let number = self.pages.len() as u32;
        assert!(number < NONE >> WITHIN, "state exceeds 32 GiB");
        self.pages.push(page);
        number
    }

    /// Gives a block back.
    pub(super) fn free(&mut self, address: u32) {
        let number = address >> WITHIN;
        let size = self.pages[number as usize].size;
        if size > LARGEST {
            self.pages[number as usize] = Page { bytes: Box::default(), size: 0, filled: 0 };
            self.spare.push(number);
            return;
        }
        let class = class(size);
        let next = std::mem::replace(&mut self.free[class], address);
        let block = self.block_mut(address);
        block[..4].copy_from_slice(&next.to_le_bytes());
        block[FLAGS] = 0;
    }

    /// A block, whole. Nothing where a large one was given back.
    #[inline]
    pub(super) fn block(&self, address: u32) -> &[u8] {
        let page = &self.pages[(address >> WITHIN) as usize];
        let start = (address as usize & (PAGE / UNIT - 1)) * UNIT;
        &page.bytes[start..start + page.size]
    }

    /// [`block`](Self::block), to write.
    #[inline]
    pub(super) fn block_mut(&mut self, address: u32) -> &mut [u8] {
        let page = &mut self.pages[(address >> WITHIN) as usize];
        let start = (address as usize & (PAGE / UNIT - 1)) * UNIT;
        &mut page.bytes[start..start + page.size]
    }

    /// The addresses of all blocks, free ones among them.
    pub(super) fn addresses(&self) -> impl Iterator<Item = u32> {
        self.pages.iter().enumerate().flat_map(|(number, page)| {
            let first = (number as u32) << WITHIN;
            (0..page.filled).map(move |index| first | (index * page.size / UNIT) as u32)
        })
    }

    /// Bytes that the pages take.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let pages: usize = self.pages.iter().map(|page| page.bytes.len()).sum();
        pages + self.pages.capacity() * size_of::<Page>()
    }
}

/// The class of a block's size.
fn class(size: usize) -> usize {
    if size <= FINE {
        return size / UNIT - 1;
    }
    let log = (size - 1).ilog2();
    let step = 1_usize << (log - 3);
    FINE / UNIT + 8 * (log - FINE.ilog2()) as usize + (size - (1 << log)) / step - 1
}

fn next_free(block: &[u8]) -> u32 {
    block.first_chunk().map_or(NONE, |bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_close_and_have_a_class_each() {
        let mut last = (0, None);
        for length in 1..=LARGEST {
            let size = Slab::size(length);
            assert!(size >= length && size - length < UNIT.max(length / 8 + 1), "{length}: {size}");
            assert_eq!(Slab::size(size), size);
            if size != last.0 {
                assert_eq!(class(size), last.1.map_or(0, |class: usize| class + 1), "{size}");
                last = (size, Some(class(size)));
            }
        }
        assert_eq!(last, (LARGEST, Some(CLASSES - 1)));
    }

    #[test]
    fn a_block_that_was_given_back_is_used_again() {
        let mut slab = Slab::new();
        let (first, second) = (slab.allocate(40), slab.allocate(40));
        slab.block_mut(second)[39] = 7;
        slab.free(first);
        assert_eq!(slab.block(first)[FLAGS], 0);
        assert_eq!(slab.allocate(33), first);
        assert_eq!((slab.block(second).len(), slab.block(second)[39]), (40, 7));
        let large = slab.allocate(100_000);
        assert!(slab.block(large).len() >= 100_000);
        slab.free(large);
        assert!(slab.block(large).is_empty());
        assert_eq!(slab.allocate(50_000), large);
        assert_eq!(slab.addresses().count(), 3);
    }
}
