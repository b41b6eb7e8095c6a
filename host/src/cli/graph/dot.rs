//! The graph for Graphviz.

use super::model::{Column, Graph, Passing, Role};

/// The drawing: a `digraph` from left to right.
pub(super) fn draw(graph: &Graph) -> String {
    let mut text = format!("digraph \"{}\" {{\n", quoted(&graph.name));
    text.push_str("    rankdir=LR;\n");
    text.push_str("    node [fontname=\"Helvetica\"];\n");
    text.push_str("    edge [fontname=\"Helvetica\", fontsize=10];\n");
    for (index, node) in graph.nodes.iter().enumerate() {
        let facts: String =
            node.facts.iter().map(|fact| format!("<BR/>{}", escaped(fact))).collect();
        let title = escaped(&node.title());
        let shape = shape(node.role);
        text.push_str(&format!("    n{index} [shape={shape}, label=<<B>{title}</B>{facts}>];\n"));
    }
    for edge in &graph.edges {
        let mut lines = Vec::new();
        if let Some(port) = &edge.port {
            lines.push(format!("port {port}"));
        }
        if edge.passing == Passing::DeadLetters {
            lines.push("refused".to_owned());
        }
        if !edge.note.is_empty() {
            lines.push(edge.note.clone());
        }
        lines.extend(edge.columns.iter().map(Column::text));
        let style = match edge.passing {
            Passing::Rows => "solid",
            Passing::Join => "dashed",
            Passing::DeadLetters => "dotted",
        };
        let label: String =
            lines.iter().map(|line| format!("{}<BR ALIGN=\"LEFT\"/>", escaped(line))).collect();
        // An empty label in angle brackets is an error.
        let label = if label.is_empty() { String::new() } else { format!(", label=<{label}>") };
        text.push_str(&format!("    n{} -> n{} [style={style}{label}];\n", edge.from, edge.to));
    }
    text.push_str("}\n");
    text
}

const fn shape(role: Role) -> &'static str {
    match role {
        Role::Source => "oval",
        Role::Table => "cylinder",
        Role::Transform => "box",
        Role::Sink => "folder",
        Role::DeadLetters => "note",
    }
}

/// A text within a label that is like HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ if character.is_control() => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A text between quotes.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_graphviz_is_escaped() {
        assert_eq!(escaped("a<b>&\"c\"\n"), "a&lt;b&gt;&amp;&quot;c&quot; ");
        assert_eq!(quoted("a\"b\\"), "a\\\"b\\\\");
    }
}
