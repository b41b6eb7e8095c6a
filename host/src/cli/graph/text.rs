//! The graph for the terminal: each node, what leaves it, and where that goes.

use unicode_width::UnicodeWidthStr as _;

use super::model::{Column, Edge, Graph, Node, Passing, Role};
use crate::cli::text::Paint;

/// Cells of a line, so that a drawing is the same wherever it is made.
const WIDTH: usize = 100;

/// The drawing.
pub(super) fn draw(graph: &Graph, paint: Paint) -> String {
    let mut text = format!("pipeline {}\n", paint.bold(&graph.name));
    for (index, node) in graph.nodes.iter().enumerate() {
        text.push('\n');
        head(&mut text, node, paint);
        // Dead letters are told of at their sink.
        let told = |edge: &&Edge| edge.passing != Passing::DeadLetters;
        let leaving: Vec<&Edge> = graph.leaving(index).filter(told).collect();
        let streams: Vec<&[&Edge]> = leaving.chunk_by(|one, other| is_one(one, other)).collect();
        for (at, stream) in streams.iter().enumerate() {
            draw_stream(&mut text, graph, stream, at + 1 == streams.len(), paint);
        }
        if node.role == Role::DeadLetters {
            refused(&mut text, graph, index);
        }
    }
    text
}

fn head(text: &mut String, node: &Node, paint: Paint) {
    let facts = node.facts.join(", ");
    let title = match node.role {
        Role::DeadLetters => paint.bold(node.role.name()),
        role => format!("{} {}", role.name(), paint.bold(&node.name)),
    };
    text.push_str(&format!("{title}: {facts}\n"));
}

/// Whether two edges carry the same rows.
fn is_one(one: &Edge, other: &Edge) -> bool {
    one.passing == other.passing && one.port == other.port && one.columns == other.columns
}

/// The columns of a stream, and the nodes that it goes to.
fn draw_stream(text: &mut String, graph: &Graph, stream: &[&Edge], is_last: bool, paint: Paint) {
    let Some(first) = stream.first() else { return };
    let (bar, dash) = match first.passing {
        Passing::Rows => ('│', '─'),
        Passing::Join | Passing::DeadLetters => ('┊', '┄'),
    };
    if let Some(port) = &first.port {
        text.push_str(&format!("{bar} port {port}\n"));
    }
    for line in wrapped(&first.columns, paint) {
        text.push_str(&format!("{bar}  {line}\n"));
    }
    for (index, edge) in stream.iter().enumerate() {
        let corner = if is_last && index + 1 == stream.len() { '└' } else { '├' };
        let note = if edge.note.is_empty() { String::new() } else { format!(", {}", edge.note) };
        let title = graph.nodes[edge.to].title();
        text.push_str(&format!("{corner}{dash}▶ {title}{note}\n"));
    }
}

/// The columns with commas between them, in lines that fit.
fn wrapped(columns: &[Column], paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut cells = 3;
    for (index, column) in columns.iter().enumerate() {
        let comma = if index + 1 == columns.len() { "" } else { "," };
        let plain = format!("{}{comma}", column.text());
        // Colours take no room.
        if !line.is_empty() && cells + 1 + plain.width() > WIDTH {
            lines.push(std::mem::take(&mut line));
            cells = 3;
        }
        if !line.is_empty() {
            line.push(' ');
            cells += 1;
        }
        cells += plain.width();
        line.push_str(&if column.added { paint.green(&plain) } else { plain });
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// Where dead letters come from.
fn refused(text: &mut String, graph: &Graph, sink: usize) {
    for edge in graph.edges.iter().filter(|edge| edge.to == sink) {
        let note = if edge.note.is_empty() { String::new() } else { format!(", {}", edge.note) };
        text.push_str(&format!("   from {}{note}\n", graph.nodes[edge.from].title()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, added: bool) -> Column {
        Column {
            name: name.to_owned(),
            data_type: "i64".to_owned(),
            nullable: true,
            key: false,
            added,
        }
    }

    #[test]
    fn long_lists_are_wrapped_between_columns() {
        let named = |at: u32| column(&format!("column_{at}"), false);
        let columns: Vec<Column> = (0..40).map(named).collect();
        let lines = wrapped(&columns, Paint::plain());
        assert!(lines.len() > 3);
        assert!(lines.iter().all(|line| line.width() + 3 <= WIDTH), "{lines:?}");
        let all: Vec<String> = columns.iter().map(Column::text).collect();
        assert_eq!(lines.join(" "), all.join(", "));
    }

    #[test]
    fn a_column_wider_than_the_line_stands_alone() {
        let name = "x".repeat(2 * WIDTH);
        let lines = wrapped(&[column("a", false), column(&name, true)], Paint::plain());
        assert_eq!(lines, ["a i64,".to_owned(), format!("{name} i64 (+)")]);
    }
}
