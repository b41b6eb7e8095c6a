//! What was learnt of the producer's habit: a tree of literal byte runs and slots for values.
//!
//! A line that the general path accepted is cut into literals (punctuation, member names, colons
//! and white space, exactly as written) and slots (the values, wanted or not), and its chain is
//! woven into the tree: lines with a common beginning share nodes, and where they part the nodes
//! are alternatives. A line that runs along a chain to its end therefore has the same members in
//! the same places as a line that was accepted, and only its values are open.
//!
//! At one place in a line the grammar and the wanted members alone say whether a literal goes on or
//! a slot begins, so but for white space before a value no alternative is the beginning of another,
//! and the first that matches is the only one. Where white space makes it wrong, the run ends.
//!
//! *Invariants*: the tree is bounded ([`MAX_NODES`], [`MAX_WORDS`], [`MAX_ALTERNATIVES`]), and
//! links are indices that may dangle into nothing: that ends the run.

use super::path::PathTree;
use super::swar::word_at;
use super::walk::SlotSpan;

const MAX_NODES: usize = 4_096;
/// Of eight literal bytes each.
const MAX_WORDS: usize = 65_536;
const MAX_ALTERNATIVES: usize = 32;

/// No node: what every chain and every list of alternatives ends in.
const NOWHERE: usize = usize::MAX;

/// What stands behind a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The value of one column.
    Column { column: usize, depth: usize },
    /// A value that several columns take, by node of the path tree.
    Shared { node: usize, depth: usize },
    /// A value that nothing uses.
    Unused { depth: usize },
    /// The line's end; the columns that this shape leaves null.
    End { absent: usize },
}

/// A literal, its slot, and where to go from there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    first_word: usize,
    last_word: usize,
    /// The literal's length in bytes.
    pub(super) bytes: usize,
    pub(super) slot: Slot,
    /// The node to try next when the slot is done.
    pub(super) next: usize,
    /// The node to try when the literal is another.
    alternative: usize,
}

/// A link: which field holds an index.
#[derive(Clone, Copy)]
enum Link {
    Start,
    Next(usize),
    Alternative(usize),
}

/// The tree of shapes.
#[derive(Debug)]
pub(super) struct Shapes {
    nodes: Vec<Node>,
    /// The literals, eight bytes each, with a mask of the bytes that count.
    words: Vec<(u64, u64)>,
    absent: Vec<Box<[usize]>>,
    start: usize,
}

impl Shapes {
    pub(super) fn new() -> Self {
        Self { nodes: Vec::new(), words: Vec::new(), absent: Vec::new(), start: NOWHERE }
    }

    /// Where a line begins.
    #[inline]
    pub(super) fn start(&self) -> usize {
        self.start
    }

    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.words.clear();
        self.absent.clear();
        self.start = NOWHERE;
    }

    /// The first of the alternatives from `node` on whose literal stands at `at`.
    #[inline]
    pub(super) fn find(&self, mut node: usize, block: &[u8], at: usize) -> Option<&Node> {
        loop {
            let candidate = self.nodes.get(node)?;
            if self.matches(candidate, block, at) {
                return Some(candidate);
            }
            node = candidate.alternative;
        }
    }

    /// The columns that a shape leaves null.
    #[inline]
    pub(super) fn absent(&self, absent: usize) -> &[usize] {
        match self.absent.get(absent) {
            Some(columns) => columns,
            None => &[],
        }
    }

    #[inline]
    fn matches(&self, node: &Node, block: &[u8], at: usize) -> bool {
        let Some(words) = self.words.get(node.first_word..node.last_word) else { return false };
        let Some(rest) = block.get(at..) else { return false };
        let mut difference = 0;
        match rest.get(..words.len() * 8) {
            Some(head) => {
                // By index: this is the hottest loop, and zipped iterators are not always inlined.
                let chunks = head.as_chunks::<8>().0;
                for index in 0..words.len().min(chunks.len()) {
                    let (word, mask) = words[index];
                    difference |= (u64::from_le_bytes(chunks[index]) ^ word) & mask;
                }
            }
            // Near the end of the block the words are padded with zeros, which no literal holds.
            None => {
                for (index, (word, mask)) in words.iter().enumerate() {
                    difference |= (word_at(rest, index * 8) ^ word) & mask;
                }
            }
        }
        difference == 0
    }

    /// Weaves a line's chain into the tree. Nothing breaks when the room ends midway: the chain
    /// then leads nowhere, which ends a run as any surprise does.
    pub(super) fn learn(
        &mut self,
        line: &[u8],
        slots: &[SlotSpan],
        tree: &PathTree,
        columns: usize,
    ) {
        let mut link = Link::Start;
        let mut literal_start = 0;
        for span in slots {
            let Some(literal) = line.get(literal_start..span.start) else { return };
            let Some(node) = self.step(link, literal, |_| slot_of(span, tree)) else { return };
            link = Link::Next(node);
            literal_start = span.end;
        }
        let literal = line.get(literal_start..).unwrap_or_default().trim_ascii_end();
        self.step(link, literal, |shapes| {
            shapes.absent.push(absent_columns(slots, tree, columns));
            Slot::End { absent: shapes.absent.len() - 1 }
        });
    }

    /// The node behind `link` that begins with `literal`, made where there is none.
    fn step(
        &mut self,
        mut link: Link,
        literal: &[u8],
        slot: impl FnOnce(&mut Self) -> Slot,
    ) -> Option<usize> {
        let mut alternatives = 0;
        while let Some(node) = self.nodes.get(self.follow(link)) {
            if node.bytes == literal.len() && self.matches(node, literal, 0) {
                return Some(self.follow(link));
            }
            alternatives += 1;
            link = Link::Alternative(self.follow(link));
        }
        let words = literal.len().div_ceil(8);
        if alternatives == MAX_ALTERNATIVES
            || self.nodes.len() == MAX_NODES
            || self.words.len() + words > MAX_WORDS
        {
            return None;
        }
        let first_word = self.words.len();
        for chunk in literal.chunks(8) {
            let unused_bits = 64 - 8 * chunk.len();
            self.words.push((word_at(chunk, 0), u64::MAX >> unused_bits));
        }
        let slot = slot(self);
        let index = self.nodes.len();
        self.nodes.push(Node {
            first_word,
            last_word: self.words.len(),
            bytes: literal.len(),
            slot,
            next: NOWHERE,
            alternative: NOWHERE,
        });
        self.set(link, index);
        Some(index)
    }

    fn follow(&self, link: Link) -> usize {
        match link {
            Link::Start => self.start,
            Link::Next(node) => self.nodes.get(node).map_or(NOWHERE, |node| node.next),
            Link::Alternative(node) => {
                self.nodes.get(node).map_or(NOWHERE, |node| node.alternative)
            }
        }
    }

    fn set(&mut self, link: Link, index: usize) {
        match link {
            Link::Start => self.start = index,
            Link::Next(node) => {
                if let Some(node) = self.nodes.get_mut(node) {
                    node.next = index;
                }
            }
            Link::Alternative(node) => {
                if let Some(node) = self.nodes.get_mut(node) {
                    node.alternative = index;
                }
            }
        }
    }
}

fn slot_of(span: &SlotSpan, tree: &PathTree) -> Slot {
    let depth = span.depth;
    let Some(node) = span.node else { return Slot::Unused { depth } };
    match tree.get(node).map_or(&[][..], |node| node.columns.as_slice()) {
        [column] => Slot::Column { column: *column, depth },
        _ => Slot::Shared { node, depth },
    }
}

fn absent_columns(slots: &[SlotSpan], tree: &PathTree, columns: usize) -> Box<[usize]> {
    let mut present = vec![false; columns];
    for node in slots.iter().filter_map(|span| tree.get(span.node?)) {
        for column in &node.columns {
            if let Some(present) = present.get_mut(*column) {
                *present = true;
            }
        }
    }
    present.iter().enumerate().filter(|(_, present)| !**present).map(|(column, _)| column).collect()
}
