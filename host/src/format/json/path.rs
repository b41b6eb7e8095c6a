//! The tree of wanted members: which names lead to which columns.

use std::collections::BTreeMap;

use crate::format::ColumnSpec;

/// The line's root.
pub(super) const ROOT: usize = 0;

/// One wanted place in a document.
#[derive(Debug)]
pub(super) struct Node {
    /// The names that lead here, with points between; empty for the root.
    pub(super) path: String,
    /// The node above, but for the root.
    pub(super) parent: Option<usize>,
    /// The nodes beneath are those behind this one and before `end`.
    pub(super) end: usize,
    /// Sorted by name.
    children: Vec<(String, usize)>,
    /// The columns that take the value here.
    pub(super) columns: Vec<usize>,
}

/// Invariants: node 0 is the root, and nodes stand in preorder, so that those beneath a node are
/// the ones right behind it.
#[derive(Debug)]
pub(in crate::format) struct PathTree {
    nodes: Vec<Node>,
}

impl PathTree {
    pub(in crate::format) fn new(columns: &[ColumnSpec]) -> Self {
        let paths = columns.iter().map(|column| column.path.as_slice()).enumerate().collect();
        let mut tree = Self { nodes: Vec::new() };
        tree.add(String::new(), None, paths);
        tree
    }

    /// Adds a node and those beneath it; `paths` are the columns that lead through it, with what
    /// is left of their paths.
    fn add(
        &mut self,
        path: String,
        parent: Option<usize>,
        paths: Vec<(usize, &[String])>,
    ) -> usize {
        let index = self.nodes.len();
        let mut columns = Vec::new();
        let mut beneath: BTreeMap<&str, Vec<(usize, &[String])>> = BTreeMap::new();
        for (column, names) in paths {
            match names.split_first() {
                None => columns.push(column),
                Some((name, rest)) => beneath.entry(name).or_default().push((column, rest)),
            }
        }
        let child_path = |name: &str| {
            if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
        };
        let names: Vec<_> =
            beneath.into_iter().map(|(name, rest)| (name, child_path(name), rest)).collect();
        self.nodes.push(Node { path, parent, end: index + 1, children: Vec::new(), columns });
        let mut children = Vec::with_capacity(names.len());
        for (name, path, rest) in names {
            children.push((name.to_owned(), self.add(path, Some(index), rest)));
        }
        let end = self.nodes.len();
        if let Some(node) = self.nodes.get_mut(index) {
            node.end = end;
            node.children = children;
        }
        index
    }

    /// By column: the node whose value it takes.
    pub(in crate::format) fn nodes_by_column(&self, columns: usize) -> Vec<usize> {
        let mut nodes = vec![ROOT; columns];
        for (index, node) in self.nodes.iter().enumerate() {
            for column in &node.columns {
                if let Some(place) = nodes.get_mut(*column) {
                    *place = index;
                }
            }
        }
        nodes
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn get(&self, node: usize) -> Option<&Node> {
        self.nodes.get(node)
    }

    /// The wanted member `name` of the object at `node`.
    pub(super) fn child(&self, node: usize, name: &str) -> Option<usize> {
        let children = &self.nodes.get(node)?.children;
        let place = children.binary_search_by(|(child, _)| child.as_str().cmp(name)).ok()?;
        children.get(place).map(|(_, child)| *child)
    }
}

impl Node {
    /// Whether something beneath is wanted.
    pub(super) fn has_children(&self) -> bool {
        !self.children.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::DataType;

    fn columns(paths: &[&[&str]]) -> Vec<ColumnSpec> {
        paths
            .iter()
            .map(|path| ColumnSpec {
                name: path.join("_").into(),
                path: path.iter().map(|name| (*name).to_owned()).collect(),
                data_type: DataType::Text,
                unit: None,
                required: false,
                key: false,
            })
            .collect()
    }

    #[test]
    fn nodes_beneath_a_node_stand_behind_it() {
        let tree =
            PathTree::new(&columns(&[&["b", "y"], &["a"], &["b", "x", "z"], &["a"], &["b"]]));
        let b = tree.child(ROOT, "b").expect("wanted");
        let x = tree.child(b, "x").expect("wanted");
        let z = tree.child(x, "z").expect("wanted");
        let node = tree.get(b).expect("a node");
        assert!((b + 1..node.end).contains(&z));
        assert_eq!(node.columns, [4]);
        assert_eq!(tree.get(z).map(|node| node.path.as_str()), Some("b.x.z"));
        assert_eq!(tree.get(z).and_then(|node| node.parent), Some(x));
        let a = tree.child(ROOT, "a").expect("wanted");
        assert_eq!(tree.get(a).map(|node| node.columns.clone()), Some(vec![1, 3]));
        assert_eq!(tree.get(a).and_then(|node| node.parent), Some(ROOT));
        assert_eq!(tree.get(ROOT).and_then(|node| node.parent), None);
        assert_eq!(tree.child(ROOT, "y"), None);
    }
}
