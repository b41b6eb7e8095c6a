//! Requests as routes see them, and replies.

use std::collections::BTreeMap;

use super::headers::Headers;
use super::{auth, target};

/// The server that a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A frontend, by index.
    Frontend(usize),
    /// A backend, by index.
    Backend(usize),
}

impl Node {
    /// Its name in faults and counts: `fe0`, `be1`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Frontend(index) => format!("fe{index}"),
            Self::Backend(index) => format!("be{index}"),
        }
    }
}

/// Who a request says that it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's name.
    pub name: String,
    /// The password, as sent.
    pub password: String,
}

/// The head of a request.
#[derive(Clone, Debug)]
pub struct Request {
    /// `PUT`, `POST`, `GET`.
    pub method: String,
    /// The path, still percent-encoded, without the query.
    pub path: String,
    /// The query, decoded; of a repeated key the last one.
    pub query: BTreeMap<String, String>,
    /// The headers.
    pub headers: Headers,
    /// The server that it came to.
    pub node: Node,
    /// Who it is from, if it has a well-formed Basic `Authorization`.
    pub user: Option<User>,
    /// What stood between method and version, untouched.
    pub target: String,
}

impl Request {
    /// A request by the parts of its head.
    #[must_use]
    pub fn new(method: &str, target: &str, headers: Headers, node: Node) -> Self {
        let (path, query) = target::split(target);
        let user = headers.get("authorization").and_then(auth::basic);
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            headers,
            node,
            user,
            target: target.to_owned(),
        }
    }

    /// The label that the request is about: of its header, else of its query; empty without one.
    #[must_use]
    pub fn label(&self) -> &str {
        let query = || self.query.get("label").map(String::as_str);
        self.headers.get("label").or_else(query).unwrap_or_default()
    }
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers besides `Content-Length` and `Connection`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the connection ends with this reply.
    pub close: bool,
}

impl Response {
    /// A reply with a body of this type.
    #[must_use]
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.into(), close: false }
    }

    /// 200 with JSON, or what is sent in place of it.
    #[must_use]
    pub fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, "application/json", body)
    }

    /// Plain text.
    #[must_use]
    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, "text/plain", body)
    }

    /// 307 to this URL; the connection ends.
    #[must_use]
    pub fn redirect(location: String) -> Self {
        let headers = vec![("Location".to_owned(), location)];
        Self { status: 307, headers, body: Vec::new(), close: true }
    }

    /// The same, and the connection ends with it.
    #[must_use]
    pub fn closing(self) -> Self {
        Self { close: true, ..self }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The bytes that go out.
    #[must_use]
    pub fn bytes(&self, close: bool) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let connection = if close { "close" } else { "keep-alive" };
        let length = self.body.len();
        head.push_str(&format!("Content-Length: {length}\r\nConnection: {connection}\r\n\r\n"));
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        404 => "Not Found",
        405 => "Method Not Allowed",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

/// The connection is to be dropped now, without a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_goes_out_with_its_length() {
        let reply = Response::text(404, "Not Found").with_header("X", "y");
        let text = String::from_utf8(reply.bytes(true)).unwrap();
        assert_eq!(
            text,
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nX: y\r\nContent-Length: 9\r\n\
             Connection: close\r\n\r\nNot Found"
        );
    }

    #[test]
    fn a_label_is_of_the_header_or_the_query() {
        let node = Node::Frontend(0);
        let target = "/api/d/get_load_state?label=a%2Db";
        let request = Request::new("GET", target, Headers::new(), node);
        assert_eq!((request.label(), request.path.as_str()), ("a-b", "/api/d/get_load_state"));
        let headers = [("label", "h")].into_iter().collect();
        assert_eq!(Request::new("PUT", "/x?label=q", headers, node).label(), "h");
    }
}
