//! Problems as a compiler prints them: the line of the file, carets below it, a hint.
//!
//! *Invariants*: carets stand under what they mean, whatever tabs or wide characters come before;
//! nothing from the file reaches the terminal as a control sequence.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

use super::problem::{Problem, Problems, Severity, Span};

const TAB: &str = "    ";

pub(super) fn render(problems: &Problems, colour: bool) -> String {
    let paint = Paint { colour };
    let mut out = String::new();
    for (index, problem) in problems.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        one(&mut out, problems, problem, paint);
    }
    out
}

fn one(out: &mut String, problems: &Problems, problem: &Problem, paint: Paint) {
    let style = match problem.severity {
        Severity::Error => Style::Red,
        Severity::Warning => Style::Yellow,
    };
    let title = paint.with(style, problem.severity.name());
    line(out, &format!("{title}{}", paint.with(Style::Bold, &format!(": {}", problem.message))));
    let gutter = gutter_width(problems, problem);
    match &problem.span {
        Some(span) => snippet(out, problems, span, problem.label.as_deref(), gutter, style, paint),
        None => line(
            out,
            &format!("{:gutter$}{} {}", "", paint.gutter("-->"), problems.file().display()),
        ),
    }
    for note in &problem.notes {
        line(out, &format!("{}: {}", paint.with(Style::Cyan, "note"), note.message));
        snippet(out, problems, &note.span, None, gutter, Style::Cyan, paint);
    }
    if let Some(hint) = &problem.hint {
        let mut lines = hint.lines();
        let first = lines.next().unwrap_or_default();
        let mark = paint.gutter("=");
        line(out, &format!("{:gutter$} {mark} {}: {first}", "", paint.with(Style::Bold, "hint")));
        for more in lines {
            line(out, &format!("{:gutter$}         {more}", ""));
        }
    }
}

/// Digits of the greatest line number that this problem shows.
fn gutter_width(problems: &Problems, problem: &Problem) -> usize {
    let spans = problem.span.iter().chain(problem.notes.iter().map(|note| &note.span));
    let line = spans.map(|span| problems.location(span).line).max().unwrap_or(1);
    line.to_string().len()
}

fn snippet(
    out: &mut String,
    problems: &Problems,
    span: &Span,
    label: Option<&str>,
    gutter: usize,
    style: Style,
    paint: Paint,
) {
    let location = problems.location(span);
    let text = problems.text();
    let start = text.floor_char_boundary(span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    // A span over several lines is marked to the end of its first.
    let end = text.floor_char_boundary(span.end).clamp(start, line_end);

    let (before, indent) = cells(&text[line_start..start]);
    let (marked, width) = cells(&text[start..end]);
    let (after, _) = cells(text[end..line_end].trim_end_matches('\r'));
    let carets = paint.with(style, &"^".repeat(width.max(1)));
    let label = label.map_or(String::new(), |label| format!(" {}", paint.with(style, label)));

    let bar = paint.gutter("|");
    let arrow = paint.gutter("-->");
    let number = paint.gutter(&format!("{:>gutter$}", location.line));
    let place = format!("{}:{}:{}", problems.file().display(), location.line, location.column);
    line(out, &format!("{:gutter$}{arrow} {place}", ""));
    line(out, &format!("{:gutter$} {bar}", ""));
    line(out, &format!("{number} {bar} {before}{marked}{after}"));
    line(out, &format!("{:gutter$} {bar} {:indent$}{carets}{label}", "", ""));
}

/// A piece of a line as it is printed, and how many cells of the terminal it takes.
fn cells(text: &str) -> (String, usize) {
    let mut shown = String::new();
    let mut width = 0;
    for character in text.chars() {
        match character {
            '\t' => {
                shown.push_str(TAB);
                width += TAB.len();
            }
            // A byte-order mark takes no room and means nothing here.
            '\u{feff}' => {}
            _ if character.is_control() => {
                shown.push('\u{fffd}');
                width += 1;
            }
            _ => {
                shown.push(character);
                width += character.width().unwrap_or(0);
            }
        }
    }
    (shown, width)
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{}", text.trim_end()).expect("writing to a string cannot fail");
}

#[derive(Clone, Copy)]
enum Style {
    Red,
    Yellow,
    Cyan,
    Blue,
    Bold,
}

#[derive(Clone, Copy)]
struct Paint {
    colour: bool,
}

impl Paint {
    fn with(self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Red => "1;31",
            Style::Yellow => "1;33",
            Style::Cyan => "1;36",
            Style::Blue => "1;34",
            Style::Bold => "1",
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn gutter(self, text: &str) -> String {
        self.with(Style::Blue, text)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn rendered(text: &str, problem: Problem) -> String {
        Problems::new(Path::new("p.toml"), text, vec![problem]).render(false)
    }

    #[test]
    fn a_problem_looks_like_a_compilers() {
        let text = "[pipeline]\nname = 5\n";
        let problem =
            Problem::error(&(18..19), "`name` takes text").label("a number").hint("quote it");
        let expected = "error: `name` takes text\n --> p.toml:2:8\n  |\n2 | name = 5\n  |        ^ a number\n  = hint: quote it\n";
        assert_eq!(rendered(text, problem), expected);
    }

    #[test]
    fn carets_stand_right_behind_tabs_and_wide_characters() {
        let text = "\tname = \"賭け\" # x\n";
        let start = text.find("賭け").expect("it is there");
        let printed = rendered(text, Problem::error(&(start..start + 6), "no"));
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(lines[1], " --> p.toml:1:10");
        assert_eq!(lines[3], "1 |     name = \"賭け\" # x");
        assert_eq!(lines[4], "  |             ^^^^");
    }

    #[test]
    fn a_span_at_the_end_or_over_lines_still_has_a_caret() {
        assert!(rendered("a = 1", Problem::error(&(5..5), "no")).contains("  |      ^\n"));
        assert!(
            rendered("a = [\n1]", Problem::error(&(4..8), "no")).contains("1 | a = [\n  |     ^\n")
        );
    }

    #[test]
    fn control_characters_of_the_file_are_not_sent_to_the_terminal() {
        assert!(!rendered("a = \"\x1b[31m\"", Problem::error(&(0..1), "no")).contains('\x1b'));
        assert!(rendered("a", Problem::error(&(0..1), "no")).is_ascii());
    }

    #[test]
    fn colour_only_when_asked() {
        let problems = Problems::new(Path::new("p"), "a", vec![Problem::error(&(0..1), "no")]);
        assert!(problems.render(true).contains("\x1b[1;31merror\x1b[0m"));
        assert!(!problems.to_string().contains('\x1b'));
    }
}
