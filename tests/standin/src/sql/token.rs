//! The words of a statement.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or a name without quotes.
    Word,
    /// A name in backticks.
    Name,
    /// A string.
    Text,
    /// A number.
    Number,
    /// `@@variable` or `@variable`.
    Variable,
    /// An operator or a mark.
    Symbol,
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: Kind,
    /// What it says, without quotes and escapes.
    pub(super) text: String,
    /// Where it begins in the statement.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

impl Token {
    /// Whether it is this keyword, or this symbol.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Symbol) && self.text.eq_ignore_ascii_case(word)
    }
}

/// The longest symbols first.
const SYMBOLS: [&str; 13] =
    ["<=>", "->>", "->", "<>", "<=", ">=", "!=", "||", "&&", "<<", ">>", ":=", "=="];

/// Cuts a statement into tokens; comments fall out.
pub(super) fn tokens(sql: &str) -> Result<Vec<Token>, String> {
    let mut scanner = Scanner { sql, at: 0, tokens: Vec::new() };
    while scanner.next()? {}
    Ok(scanner.tokens)
}

/// Cuts a text into its statements, at semicolons that stand in no string.
pub(super) fn statements(sql: &str) -> Result<Vec<&str>, String> {
    let mut parts = Vec::new();
    let mut start = 0;
    let all = tokens(sql)?;
    let mut empty = true;
    for token in &all {
        if token.is(";") {
            if !empty {
                parts.push(&sql[start..token.start]);
            }
            (start, empty) = (token.end, true);
        } else {
            empty = false;
        }
    }
    if !empty {
        parts.push(&sql[start..]);
    }
    Ok(parts)
}

struct Scanner<'a> {
    sql: &'a str,
    at: usize,
    tokens: Vec<Token>,
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '$'
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        self.sql.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, kind: Kind, text: String, length: usize) {
        let (start, end) = (self.at, self.at + length);
        self.tokens.push(Token { kind, text, start, end });
        self.at = end;
    }

    /// The bytes of the longest beginning whose characters are all such ones.
    fn span(&self, from: usize, fits: impl Fn(char) -> bool) -> usize {
        let rest = self.rest().get(from..).unwrap_or_default();
        from + rest.find(|character| !fits(character)).unwrap_or(rest.len())
    }

    /// Takes one token or one gap; false at the end.
    fn next(&mut self) -> Result<bool, String> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(false) };
        if first.is_whitespace() {
            self.at += first.len_utf8();
        } else if first == '#'
            || rest.starts_with("-- ")
            || rest == "--"
            || rest.starts_with("--\n")
        {
            self.at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(inside) = rest.strip_prefix("/*!") {
            // What stands in such a comment is said to MySQL servers of some version on.
            self.at += 3 + inside.find(|c: char| !c.is_ascii_digit()).unwrap_or(inside.len());
        } else if rest.starts_with("/*") {
            let end = rest.find("*/").ok_or("a comment is not closed")?;
            self.at += end + 2;
        } else if rest.starts_with("*/") {
            self.at += 2;
        } else if matches!(first, '\'' | '"' | '`') {
            self.quoted(first)?;
        } else if first.is_ascii_digit() || (first == '.' && self.digit_follows()) {
            self.number();
        } else if first == '@' {
            let marks = if rest.starts_with("@@") { 2 } else { 1 };
            let length = self.span(marks, |character| is_word(character) || character == '.');
            let text = rest[..length].to_owned();
            self.push(Kind::Variable, text, length);
        } else if is_word(first) {
            let length = self.span(0, is_word);
            let text = rest[..length].to_owned();
            self.push(Kind::Word, text, length);
        } else {
            let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
            let text = symbol.map_or_else(|| first.to_string(), |symbol| (*symbol).to_owned());
            let length = text.len();
            self.push(Kind::Symbol, text, length);
        }
        Ok(true)
    }

    fn digit_follows(&self) -> bool {
        // `t.1` is no number: a name stands before the point.
        let after_name = self.tokens.last().is_some_and(|token| {
            token.end == self.at && matches!(token.kind, Kind::Word | Kind::Name)
        });
        !after_name && self.rest().chars().nth(1).is_some_and(|next| next.is_ascii_digit())
    }

    fn number(&mut self) {
        let mut length = self.span(0, |character| character.is_ascii_digit() || character == '.');
        let rest = self.rest();
        let exponent = rest.get(length..).unwrap_or_default();
        if let Some(after) = exponent.strip_prefix(['e', 'E']) {
            let sign = usize::from(after.starts_with(['+', '-']));
            if after
                .get(sign..)
                .is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit()))
            {
                length = self.span(length + 1 + sign, |character| character.is_ascii_digit());
            }
        }
        // A name may begin with a digit.
        let all = self.span(0, is_word);
        let (kind, length) = if all > length { (Kind::Word, all) } else { (Kind::Number, length) };
        let text = self.rest()[..length].to_owned();
        self.push(kind, text, length);
    }

    fn quoted(&mut self, quote: char) -> Result<(), String> {
        let rest = self.rest();
        let mut text = String::new();
        let mut characters = rest.char_indices().skip(1).peekable();
        while let Some((at, character)) = characters.next() {
            if character == quote {
                if characters.next_if(|(_, next)| *next == quote).is_some() {
                    text.push(quote);
                    continue;
                }
                let kind = if quote == '`' { Kind::Name } else { Kind::Text };
                self.push(kind, text, at + 1);
                return Ok(());
            }
            if character == '\\' && quote != '`' {
                match characters.next().map(|(_, next)| next) {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some('0') => text.push('\0'),
                    Some('b') => text.push('\u{8}'),
                    Some('Z') => text.push('\u{1a}'),
                    // These keep their backslash for LIKE.
                    Some(wild @ ('%' | '_')) => text.extend(['\\', wild]),
                    Some(other) => text.push(other),
                    None => break,
                }
                continue;
            }
            text.push(character);
        }
        Err(format!("a string that begins with {quote} is not closed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<(Kind, String)> {
        tokens(sql).unwrap().into_iter().map(|token| (token.kind, token.text)).collect()
    }

    #[test]
    fn statements_are_cut_into_words() {
        let expected = [
            (Kind::Word, "SELECT"),
            (Kind::Variable, "@@session.x"),
            (Kind::Symbol, ","),
            (Kind::Text, "it's\n"),
            (Kind::Symbol, ","),
            (Kind::Name, "a`b"),
            (Kind::Symbol, "."),
            (Kind::Word, "c"),
            (Kind::Symbol, "<="),
            (Kind::Number, "1.5e-3"),
        ];
        let sql = "/* c */ SELECT @@session.x, 'it''s\\n', `a``b`.c -- end\n <= 1.5e-3 # more";
        let found = texts(sql);
        let found: Vec<(Kind, &str)> =
            found.iter().map(|(kind, text)| (*kind, text.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn statements_are_told_apart() {
        assert_eq!(statements("USE a; ; SELECT ';' ;").unwrap(), ["USE a", " SELECT ';' "]);
        assert_eq!(statements("/*!40101 SET NAMES utf8 */;").unwrap().len(), 1);
        assert!(tokens("SELECT 'open").is_err());
    }
}
