//! The `columns` header: names of fields in order, and columns that are made of other fields.

use crate::catalog::Cell;

/// Words that a name must not be without backticks: the planner takes them for syntax.
const RESERVED: [&str; 47] = [
    "add", "all", "alter", "and", "as", "asc", "between", "both", "by", "case", "column", "create",
    "database", "delete", "desc", "distinct", "drop", "else", "exists", "false", "from", "group",
    "grouping", "having", "in", "index", "insert", "into", "is", "join", "key", "keys", "left",
    "like", "limit", "not", "null", "on", "or", "order", "range", "select", "table", "to", "true",
    "values", "where",
];

/// What stands at one place of the header.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    /// The next field of the row.
    Field(String),
    /// `column = value`.
    Made(String, Value),
}

/// The right side of an entry that is made.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Another field.
    Field(String),
    /// The same for each row.
    Constant(Cell),
}

/// The header's entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Columns(pub(super) Vec<Entry>);

impl Columns {
    /// Reads the header.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut entries = Vec::new();
        for part in split(text)? {
            entries.push(entry(part.trim())?);
        }
        let columns = Self(entries);
        let mut names: Vec<String> = columns.targets().map(str::to_lowercase).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("Duplicate column: {}", pair[0])),
            None => Ok(columns),
        }
    }

    /// The fields that a row has, in order.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|entry| match entry {
            Entry::Field(name) => Some(name.as_str()),
            Entry::Made(..) => None,
        })
    }

    /// Every name that the header gives a value to.
    pub(super) fn targets(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|entry| match entry {
            Entry::Field(name) | Entry::Made(name, _) => name.as_str(),
        })
    }

    /// Whether a name is only there to make other columns of it.
    pub(super) fn is_used(&self, name: &str) -> bool {
        self.0.iter().any(|entry| {
            matches!(entry, Entry::Made(_, Value::Field(used)) if used.eq_ignore_ascii_case(name))
        })
    }

    /// Adds the columns that are made of others to a row's values.
    pub(super) fn make(&self, values: &mut Vec<(String, Cell)>) {
        let mut made = Vec::new();
        for entry in &self.0 {
            let Entry::Made(name, value) = entry else { continue };
            let cell = match value {
                Value::Constant(cell) => cell.clone(),
                Value::Field(field) => values
                    .iter()
                    .find(|(known, _)| known.eq_ignore_ascii_case(field))
                    .map_or(Cell::Null, |(_, cell)| cell.clone()),
            };
            made.push((name.clone(), cell));
        }
        values.retain(|(name, _)| !made.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)));
        values.extend(made);
    }
}

/// The parts between commas that stand in no quotes and no parentheses.
fn split(text: &str) -> Result<Vec<&str>, String> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let mut quote: Option<char> = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '`' | '\'' | '"') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            (None, _) => {}
        }
    }
    if quote.is_some() || depth > 0 {
        return Err(unreadable(text));
    }
    parts.push(&text[start..]);
    Ok(parts)
}

fn entry(part: &str) -> Result<Entry, String> {
    let (name, rest) = name_of(part)?;
    let rest = rest.trim();
    if rest.is_empty() {
        return Ok(Entry::Field(name));
    }
    let value = rest.strip_prefix('=').ok_or_else(|| unreadable(part))?.trim();
    Ok(Entry::Made(name, made_of(value)?))
}

fn made_of(value: &str) -> Result<Value, String> {
    if let Some(text) = quoted(value) {
        return Ok(Value::Constant(Cell::Text(text)));
    }
    if value.eq_ignore_ascii_case("null") {
        return Ok(Value::Constant(Cell::Null));
    }
    if value.parse::<f64>().is_ok() && value.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return Ok(Value::Constant(Cell::Text(value.to_owned())));
    }
    match name_of(value) {
        Ok((name, rest)) if rest.trim().is_empty() => Ok(Value::Field(name)),
        _ => Err(format!("the stand-in evaluates columns and constants only, not {value}")),
    }
}

/// The text between single or double quotes.
pub(super) fn quoted(value: &str) -> Option<String> {
    ['\'', '"'].into_iter().find_map(|quote| {
        let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then(|| inner.to_owned())
    })
}

/// A name at the start, in backticks or bare, and what follows.
pub(super) fn name_of(text: &str) -> Result<(String, &str), String> {
    if let Some(inner) = text.strip_prefix('`') {
        let (name, rest) = inner.split_once('`').ok_or_else(|| unreadable(text))?;
        return if name.is_empty() { Err(unreadable(text)) } else { Ok((name.to_owned(), rest)) };
    }
    let bare = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let end = text.find(|c| !bare(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(unreadable(text));
    }
    Ok((name.to_owned(), rest))
}

fn unreadable(text: &str) -> String {
    format!("parse columns header failed. Syntax error near '{text}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str) -> Entry {
        Entry::Field(name.to_owned())
    }

    #[test]
    fn backticks_bare_names_and_mappings_are_read() {
        let columns = Columns::parse("`k`, `a,b` ,__op, c=`k`,d='x,y',e = 12,f=NULL").unwrap();
        let made = |name: &str, value| Entry::Made(name.to_owned(), value);
        let constant = |text: &str| Value::Constant(Cell::Text(text.to_owned()));
        assert_eq!(
            columns.0,
            [
                field("k"),
                field("a,b"),
                field("__op"),
                made("c", Value::Field("k".to_owned())),
                made("d", constant("x,y")),
                made("e", constant("12")),
                made("f", Value::Constant(Cell::Null)),
            ]
        );
        assert!(columns.is_used("K") && !columns.is_used("a,b"));
    }

    #[test]
    fn what_the_planner_cannot_read_is_refused() {
        for wrong in ["key", "a,,b", "a,", "", "`a", "a b", "a=", "a=f(b)", "a,A", "``", "a='x"] {
            assert!(Columns::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Columns::parse("`key`").is_ok());
    }

    #[test]
    fn made_columns_take_their_values_from_the_row() {
        let columns = Columns::parse("tmp,__op=tmp,flag='1'").unwrap();
        let mut values = vec![("tmp".to_owned(), Cell::Text("7".to_owned()))];
        columns.make(&mut values);
        let text = |name: &str, text: &str| (name.to_owned(), Cell::Text(text.to_owned()));
        assert_eq!(values, [text("tmp", "7"), text("__op", "7"), text("flag", "1")]);
    }
}
