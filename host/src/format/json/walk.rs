//! The general path's pass over a line: checks all of it and finds the wanted values.
//!
//! *Invariants*: of members of one name the last whole value stands; what an earlier one held is
//! forgotten, with all beneath it. Names are compared after decoding their escapes.

use super::path::{PathTree, ROOT};
use super::string::unescape;
use super::syntax::{Cursor, Kind, Span, SyntaxError};

/// A value in the line.
#[derive(Clone, Copy, Debug)]
pub(in crate::format) struct Found {
    pub(in crate::format) kind: Kind,
    pub(in crate::format) start: usize,
    pub(in crate::format) end: usize,
}

/// A value that a shape makes a slot of.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotSpan {
    /// The wanted node, or `None` for a member that nothing uses.
    pub(super) node: Option<usize>,
    /// Arrays and objects around the value.
    pub(super) depth: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a pass over a line found; kept from line to line, so that no line allocates.
#[derive(Debug)]
pub(in crate::format) struct Walk {
    /// By node of the tree.
    found: Vec<Option<Found>>,
    /// In the line's order: what is no slot is literal.
    slots: Vec<SlotSpan>,
    learnable: bool,
    name: String,
}

impl Walk {
    pub(in crate::format) fn new(tree: &PathTree) -> Self {
        Self {
            found: vec![None; tree.len()],
            slots: Vec::new(),
            learnable: false,
            name: String::new(),
        }
    }

    /// Checks `line` and finds the tree's values.
    pub(in crate::format) fn line(
        &mut self,
        tree: &PathTree,
        line: &str,
    ) -> Result<(), SyntaxError> {
        self.found.fill(None);
        self.slots.clear();
        self.learnable = true;
        let mut pass = Pass { walk: self, tree, line, cursor: Cursor::new(line.as_bytes(), 0) };
        pass.cursor.space();
        pass.wanted(ROOT, 0)?;
        pass.cursor.end()
    }

    /// The value at `node`, `None` where it or something above is null or missing.
    ///
    /// # Errors
    /// The node above that holds neither an object nor null, and what it holds.
    pub(in crate::format) fn value(
        &self,
        tree: &PathTree,
        node: usize,
    ) -> Result<Option<Found>, (usize, Kind)> {
        if let Some(found) = self.found(node) {
            return Ok(Some(found));
        }
        let mut above = tree.get(node).and_then(|node| node.parent);
        while let Some(node) = above {
            match self.found(node).map(|found| found.kind) {
                Some(Kind::Object | Kind::Null) => return Ok(None),
                Some(kind) => return Err((node, kind)),
                None => above = tree.get(node).and_then(|node| node.parent),
            }
        }
        Ok(None)
    }

    /// Where the line's slots are, if a line like this one may run along a shape.
    pub(super) fn slots(&self) -> Option<&[SlotSpan]> {
        self.learnable.then_some(self.slots.as_slice())
    }

    fn found(&self, node: usize) -> Option<Found> {
        self.found.get(node).copied().flatten()
    }
}

/// One pass over one line.
struct Pass<'a> {
    walk: &'a mut Walk,
    tree: &'a PathTree,
    line: &'a str,
    cursor: Cursor<'a>,
}

impl Pass<'_> {
    /// The value of a wanted member.
    fn wanted(&mut self, node: usize, depth: usize) -> Result<(), SyntaxError> {
        let tree = self.tree;
        let Some(wanted) = tree.get(node) else { return self.unused(depth) };
        // A shape runs forward only: it cannot take back what an earlier member of the name gave.
        if self.walk.found(node).is_some() {
            self.walk.learnable = false;
        }
        if let Some(beneath) = self.walk.found.get_mut(node..wanted.end) {
            beneath.fill(None);
        }
        let start = self.cursor.at();
        let kind = if wanted.has_children() && self.cursor.peek() == Some(b'{') {
            self.object(node, depth)?;
            Kind::Object
        } else {
            self.cursor.value(depth)?
        };
        let end = self.cursor.at();
        if let Some(found) = self.walk.found.get_mut(node) {
            *found = Some(Found { kind, start, end });
        }
        if !wanted.has_children() {
            self.walk.slots.push(SlotSpan { node: Some(node), depth, start, end });
        } else if !wanted.columns.is_empty() {
            // A slot around slots.
            self.walk.learnable = false;
        }
        Ok(())
    }

    fn unused(&mut self, depth: usize) -> Result<(), SyntaxError> {
        let start = self.cursor.at();
        self.cursor.value(depth)?;
        let end = self.cursor.at();
        self.walk.slots.push(SlotSpan { node: None, depth, start, end });
        Ok(())
    }

    fn object(&mut self, node: usize, depth: usize) -> Result<(), SyntaxError> {
        let mut name = self.cursor.open_object(depth)?;
        while let Some(span) = name {
            match self.child(node, span) {
                Some(child) => self.wanted(child, depth + 1)?,
                None => self.unused(depth + 1)?,
            }
            name = self.cursor.next_member()?;
        }
        Ok(())
    }

    fn child(&mut self, node: usize, span: Span) -> Option<usize> {
        let raw = self.line.get(span.start..span.end)?;
        let name = if span.escaped { unescape(raw, &mut self.walk.name) } else { raw };
        self.tree.child(node, name)
    }
}
