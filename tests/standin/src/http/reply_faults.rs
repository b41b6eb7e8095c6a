//! What becomes of a reply when faults strike after the work is done, or the servers stand still.

use super::connection::{Ending, Exchange};
use super::message::Response;
use super::reply;
use crate::faults::Point;

/// The reply, late, half, garbled, another's or not at all where a fault says so.
pub(super) fn let_out(this: &Exchange, reply: Response) -> Ending {
    if !this.world.stall.pass(this.life) {
        return Ending::Drop;
    }
    tell(this, reply)
}

/// The same of a question, which is answered while everything else stands still.
pub(super) fn tell(this: &Exchange, reply: Response) -> Ending {
    if let Some(strike) = this.strike(Point::BeSlow)
        && !this.pause(strike)
    {
        return Ending::Drop;
    }
    if this.takes(Point::BeBeforeReply) {
        return Ending::Drop;
    }
    if this.takes(Point::BeTruncatedReply) {
        let mut bytes = reply.bytes(false);
        bytes.truncate(bytes.len() - reply.body.len().div_ceil(2));
        return Ending::Torn(bytes);
    }
    if this.takes(Point::BeGarbledReply) {
        return Ending::Reply(Response { body: garble(&reply.body), ..reply });
    }
    if this.takes(Point::BeHtmlReply) {
        return Ending::Reply(reply::page());
    }
    if this.takes(Point::BeEmptyReply) {
        return Ending::Reply(Response { body: Vec::new(), ..reply });
    }
    if this.takes(Point::BeBlankReply) {
        return Ending::Reply(Response { body: br#"{"code": 0, "data": null}"#.to_vec(), ..reply });
    }
    Ending::Reply(reply)
}

/// As many bytes, none of them JSON.
fn garble(body: &[u8]) -> Vec<u8> {
    body.iter()
        .map(|byte| match byte {
            b'{' | b'}' | b'[' | b']' => b'<',
            b'"' | b':' | b',' => b'?',
            other => other.wrapping_add(1),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_garbled_is_no_json() {
        let garbled = garble(br#"{"Status": "Success"}"#);
        assert!(serde_json::from_slice::<serde_json::Value>(&garbled).is_err());
        assert_eq!(garbled.len(), 21);
    }
}
