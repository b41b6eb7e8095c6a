//! Chains of the rows that a key's values are taken from, newest first.
//!
//! With a sequence column a chain is in its order, whatever order the rows came in: a change that
//! comes late is put below the newer ones, where it has what they leave out.
//!
//! *Invariants*: a chain ends at the first row that has every column, at a delete, or where the
//! epoch knows no earlier one.

use super::order::Sequence;
use super::sets::{SetId, Sets};

/// Ends a chain.
pub(super) const NONE: u32 = u32::MAX;
/// Numbers that are no link's: the fold has meanings for them.
const RESERVED: u32 = u32::MAX - 2;

/// A row that has some columns, and the next older one to ask for the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) row: u32,
    pub(super) set: SetId,
    pub(super) previous: u32,
}

/// Where a link stands among those of its key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) sequence: Sequence,
    /// Whether nothing older has a say: the row is whole, or all before it was deleted.
    pub(super) ends: bool,
}

/// The links of all chains.
#[derive(Debug)]
pub(super) struct Links {
    links: Vec<Link>,
    /// The place of each, with a sequence column only.
    orders: Vec<Order>,
    is_ordered: bool,
}

impl Links {
    /// No links. `is_ordered`: there is a sequence column.
    pub(super) const fn new(is_ordered: bool) -> Self {
        Self { links: Vec::new(), orders: Vec::new(), is_ordered }
    }

    /// Adds a link; answers its number.
    pub(super) fn push(&mut self, link: Link, order: Order) -> u32 {
        let number = number(self.links.len());
        self.links.push(link);
        if self.is_ordered {
            self.orders.push(order);
        }
        number
    }

    /// How many links there are.
    pub(super) fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether there are none.
    pub(super) const fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Forgets the links behind the first `length`, which no other leads to.
    pub(super) fn truncate(&mut self, length: usize) {
        self.links.truncate(length);
        self.orders.truncate(length);
    }

    /// Forgets every link.
    pub(super) fn clear(&mut self) {
        self.truncate(0);
    }

    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.links.len() * size_of::<Link>() + self.orders.len() * size_of::<Order>()
    }

    /// A link.
    pub(super) fn get(&self, link: u32) -> Link {
        self.links[link as usize]
    }

    /// A link and all that it leads to, newest first.
    pub(super) fn chain(&self, link: u32) -> impl Iterator<Item = Link> {
        std::iter::successors(self.links.get(link as usize), move |link| {
            self.links.get(link.previous as usize)
        })
        .copied()
    }

    /// Puts a late change below the newer ones of the chain `top`, if it has a say there.
    pub(super) fn insert(&mut self, top: u32, link: Link, order: Order, sets: &Sets) {
        let Some(above) = self.place(top, order.sequence, sets) else { return };
        let below = self.get(above).previous;
        let previous = if order.ends { NONE } else { below };
        let number = self.push(Link { previous, ..link }, order);
        self.links[above as usize].previous = number;
    }

    /// The same for a link that is there and ends its chain.
    pub(super) fn lower(&mut self, top: u32, link: u32, sequence: Sequence, sets: &Sets) {
        if let Some(above) = self.place(top, sequence, sets) {
            self.links[above as usize].previous = link;
        }
    }

    /// What a chain is without the links that are newer than `sequence`.
    pub(super) fn at(&self, top: u32, sequence: Sequence) -> u32 {
        let mut link = top;
        while link != NONE && self.orders[link as usize].sequence > sequence {
            let is_end = self.orders[link as usize].ends;
            link = if is_end { NONE } else { self.get(link).previous };
        }
        link
    }

    /// The link below which a late change belongs; `None`: the newer ones say everything.
    fn place(&self, top: u32, sequence: Sequence, sets: &Sets) -> Option<u32> {
        let mut above = top;
        let mut mask = sets.empty();
        loop {
            let Link { set, previous, .. } = self.get(above);
            if self.orders[above as usize].ends || sets.join(&mut mask, set) {
                return None;
            }
            if previous == NONE || self.orders[previous as usize].sequence <= sequence {
                return Some(above);
            }
            above = previous;
        }
    }
}

/// The number of something, as slots and links have it.
pub(super) fn number(index: usize) -> u32 {
    match u32::try_from(index) {
        Ok(number) if number < RESERVED => number,
        _ => panic!("an epoch has fewer keys and changes than 2^32: its bytes are bounded"),
    }
}
