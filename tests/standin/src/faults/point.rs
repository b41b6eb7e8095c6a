//! The points at which servers can fail, and their names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A point at which a server can fail.
///
/// Those that begin with `Fe` are asked when a frontend answers a load, a transaction operation or
/// a question for a state. Those that begin with `Be` are asked where such an operation is done:
/// mostly at a backend, for a prepared transaction at the frontend. The others are about what a
/// transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Point {
    /// The redirect comes late: the client has long begun to send its body.
    FeSlow307,
    /// The connection is reset before any reply.
    FeReset,
    /// 401, though the password is right.
    Fe401,
    /// 200 with the body that Doris sends for a wrong password.
    Fe200Unauthorized,
    /// 503.
    Fe5xx,
    /// A page in HTML, from something that is not a frontend.
    FeHtml,
    /// 404 in plain text, from a proxy that knows no such frontend.
    Fe404,
    /// A redirect to a page to log in at, from a portal on the way.
    FePortal,
    /// Bytes that are not HTTP.
    FeNotHttp,
    /// 200 without a body.
    FeEmptyReply,
    /// The Location is a port where nobody listens.
    FeUnreachableLocation,
    /// The Location is this backend at 127.0.0.1, however it was advertised.
    FeLoopbackLocation,
    /// The Location is a foreign host, which asks for credentials.
    FeOtherHostLocation,
    /// The Location carries user and password.
    FeUserinfoLocation,
    /// The Location is another frontend first.
    FeTwoHops,
    /// The Location is the URL that was asked for.
    FeCircular,
    /// The connection drops after `100 Continue`, before any body byte is read.
    BeAfterHeaders,
    /// The connection drops after half of the body.
    BeMidBody,
    /// The operation is done, and the connection drops before the reply.
    BeBeforeReply,
    /// The operation is done, and half of the reply arrives.
    BeTruncatedReply,
    /// The operation is done, and the reply comes late.
    BeSlow,
    /// The operation is done, and the reply is not JSON.
    BeGarbledReply,
    /// The operation is done, and a proxy's page arrives in place of the reply.
    BeHtmlReply,
    /// The operation is done, and the reply has no body.
    BeEmptyReply,
    /// The operation is done, and the reply is JSON that does not say so.
    BeBlankReply,
    /// 503, and nothing is done.
    Be5xx,
    /// `Publish Timeout`: committed, visible later.
    PublishTimeout,
    /// -235: too many versions of a tablet.
    TooManyVersions,
    /// Too many running transactions of a database.
    TxnLimit,
    /// The memory limit of the load is exceeded.
    MemoryLimit,
    /// "Transaction status unknown"; committed or not.
    StatusUnknown,
    /// "Service is shutting down".
    ShuttingDown,
    /// Too many requests at once.
    HttpConcurrency,
    /// A prepare (pre-commit) fails; nothing is prepared.
    PrepareFails,
    /// A commit fails; nothing is committed.
    CommitFails,
    /// A commit is done, and its reply says that it failed.
    CommitDoneButError,
    /// A prepared transaction is aborted, as if it had waited for too long.
    ExpirePrepared,
    /// A label is forgotten, as if many others had come after it.
    ForgetLabel,
    /// No backend is alive.
    NoBackendAlive,
    /// A backend has lost a transaction that was not yet prepared.
    DropContext,
}

/// Every point, its name, and whether a client that tries again gets through.
const POINTS: [(Point, &str, bool); 40] = [
    (Point::FeSlow307, "fe-slow-307", true),
    (Point::FeReset, "fe-reset", true),
    (Point::Fe401, "fe-401", false),
    (Point::Fe200Unauthorized, "fe-200-unauthorized", false),
    (Point::Fe5xx, "fe-5xx", true),
    (Point::FeHtml, "fe-html", false),
    (Point::Fe404, "fe-404", false),
    (Point::FePortal, "fe-portal", false),
    (Point::FeNotHttp, "fe-not-http", false),
    (Point::FeEmptyReply, "fe-empty-reply", true),
    (Point::FeUnreachableLocation, "fe-unreachable-location", false),
    (Point::FeLoopbackLocation, "fe-loopback-location", false),
    (Point::FeOtherHostLocation, "fe-other-host-location", false),
    (Point::FeUserinfoLocation, "fe-userinfo-location", true),
    (Point::FeTwoHops, "fe-two-hops", true),
    (Point::FeCircular, "fe-circular", false),
    (Point::BeAfterHeaders, "be-after-headers", true),
    (Point::BeMidBody, "be-mid-body", true),
    (Point::BeBeforeReply, "be-before-reply", true),
    (Point::BeTruncatedReply, "be-truncated-reply", true),
    (Point::BeSlow, "be-slow", true),
    (Point::BeGarbledReply, "be-garbled-reply", true),
    (Point::BeHtmlReply, "be-html-reply", true),
    (Point::BeEmptyReply, "be-empty-reply", true),
    (Point::BeBlankReply, "be-blank-reply", true),
    (Point::Be5xx, "be-5xx", true),
    (Point::PublishTimeout, "publish-timeout", true),
    (Point::TooManyVersions, "too-many-versions", true),
    (Point::TxnLimit, "txn-limit", true),
    (Point::MemoryLimit, "memory-limit", true),
    (Point::StatusUnknown, "status-unknown", true),
    (Point::ShuttingDown, "shutting-down", true),
    (Point::HttpConcurrency, "http-concurrency", true),
    (Point::PrepareFails, "prepare-fails", true),
    (Point::CommitFails, "commit-fails", true),
    (Point::CommitDoneButError, "commit-done-but-error", true),
    (Point::ExpirePrepared, "expire-prepared", false),
    (Point::ForgetLabel, "forget-label", false),
    (Point::NoBackendAlive, "no-backend-alive", true),
    (Point::DropContext, "drop-context", true),
];

/// A name that is no point.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no fault point; GET /faults lists them")]
pub struct NotAPoint(String);

impl Point {
    /// Every point.
    pub fn all() -> impl Iterator<Item = Self> {
        POINTS.iter().map(|(point, _, _)| *point)
    }

    /// Its name on the control port.
    #[must_use]
    pub fn name(self) -> &'static str {
        POINTS.iter().find(|(point, _, _)| *point == self).map_or("", |(_, name, _)| name)
    }

    /// Whether it passes by itself: a client that tries again gets through, nothing is lost.
    #[must_use]
    pub fn passes(self) -> bool {
        POINTS.iter().any(|(point, _, passes)| *point == self && *passes)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Point {
    type Err = NotAPoint;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let mut points = POINTS.iter();
        let found = points.find(|(_, known, _)| *known == name);
        found.map(|(point, _, _)| *point).ok_or_else(|| NotAPoint(name.to_owned()))
    }
}

impl TryFrom<String> for Point {
    type Error = NotAPoint;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Point> for String {
    fn from(point: Point) -> Self {
        point.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for point in Point::all() {
            assert_eq!(point.name().parse(), Ok(point));
        }
        let mut names: Vec<&str> = Point::all().map(Point::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), POINTS.len());
    }
}
