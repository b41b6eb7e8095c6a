//! The graph as a Mermaid flowchart.

use super::model::{Graph, Node, Passing, Role};

/// The drawing: `flowchart LR`, as GitHub shows it in a block of `mermaid`.
pub(super) fn draw(graph: &Graph) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for (index, node) in graph.nodes.iter().enumerate() {
        let (open, close) = shape(node.role);
        let label = label(node);
        text.push_str(&format!("    n{index}{open}\"{label}\"{close}\n"));
    }
    for edge in &graph.edges {
        let arrow = match edge.passing {
            Passing::Rows => "-->",
            Passing::Join | Passing::DeadLetters => "-.->",
        };
        let mut lines = Vec::new();
        if let Some(port) = &edge.port {
            lines.push(escaped(&format!("port {port}")));
        }
        if edge.passing == Passing::DeadLetters {
            lines.push("refused".to_owned());
        }
        if !edge.note.is_empty() {
            lines.push(escaped(&edge.note));
        }
        lines.extend(edge.columns.iter().map(|column| escaped(&column.text())));
        let label =
            if lines.is_empty() { String::new() } else { format!("|\"{}\"|", lines.join("<br/>")) };
        text.push_str(&format!("    n{} {arrow}{label} n{}\n", edge.from, edge.to));
    }
    text
}

const fn shape(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::Source => ("([", "])"),
        Role::Table => ("[(", ")]"),
        Role::Transform => ("[", "]"),
        Role::Sink => ("[[", "]]"),
        Role::DeadLetters => ("{{", "}}"),
    }
}

fn label(node: &Node) -> String {
    let lines = std::iter::once(node.title()).chain(node.facts.iter().cloned());
    lines.map(|line| escaped(&line)).collect::<Vec<_>>().join("<br/>")
}

/// A text between quotes of a label: whatever means something to Mermaid or HTML by its number.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '#' | '&' | '<' | '>' | '`' | '|' | '\\' | ';' => {
                escaped.push_str(&format!("#{};", u32::from(character)));
            }
            _ if character.is_control() => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_mermaid_is_escaped() {
        assert_eq!(escaped("a\"b<c>\n#d"), "a#34;b#60;c#62; #35;d");
        assert_eq!(escaped("total_bet decimal(18,2) (+)"), "total_bet decimal(18,2) (+)");
    }
}
