//! Edges: bounded channels between nodes, fan-out and routing on one side, alignment on the other.

use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Select, Sender};

use super::NodeError;
use super::message::{Barrier, FINAL_WATERMARK, Message};

/// Messages that an edge holds before its sender waits: with the batch's bounds, the bound on what
/// is under way between two nodes.
pub(super) const EDGE_CAPACITY: usize = 4;

/// The sending side of a port: every consumer gets every message.
pub(super) struct Outlet<T> {
    edges: Vec<Sender<Message<T>>>,
}

impl<T: Clone> Outlet<T> {
    pub(super) fn new(edges: Vec<Sender<Message<T>>>) -> Self {
        Self { edges }
    }

    /// Sends to every consumer, waiting where an edge is full.
    pub(super) fn send(&self, message: Message<T>) -> Result<(), NodeError> {
        let Some((last, others)) = self.edges.split_last() else { return Ok(()) };
        for edge in others {
            edge.send(message.clone()).map_err(|_| NodeError::Disconnected)?;
        }
        last.send(message).map_err(|_| NodeError::Disconnected)
    }
}

/// What an [`Inbox`] brings.
pub(super) enum Arrival<T> {
    /// An item and the input that it came by.
    Item(usize, T),
    /// The minimum over all inputs has risen to this.
    Watermark(i64),
    /// No input brings anything for now.
    Idle,
    /// The barrier has come by every input.
    Barrier(Barrier),
    /// The time that the caller waits for has come before anything else.
    Timeout,
    /// Every input has ended.
    End,
}

struct Edge<T> {
    input: usize,
    receiver: Receiver<Message<T>>,
    /// The last one but for the final mark.
    watermark: i64,
    /// The final mark has come: no row follows.
    is_final: bool,
    /// Nothing comes by it for now, so that it holds no watermark back.
    idle: bool,
    /// Its barrier has come and waits for the other edges'; it is not read meanwhile.
    held: bool,
    ended: bool,
}

/// The receiving side of a node: merges its edges, aligns their barriers, and takes the minimum of
/// their watermarks.
pub(super) struct Inbox<T> {
    edges: Vec<Edge<T>>,
    watermark: i64,
    /// Whether every edge is idle.
    idle: bool,
    /// Whether that is still to be said.
    falls_idle: bool,
    /// The barrier that some edges are held by.
    pending: Option<Barrier>,
}

impl<T> Inbox<T> {
    /// An inbox over edges, each with the index of the input that it feeds.
    pub(super) fn new(edges: Vec<(usize, Receiver<Message<T>>)>) -> Self {
        let edge = |(input, receiver)| Edge {
            input,
            receiver,
            watermark: i64::MIN,
            is_final: false,
            idle: false,
            held: false,
            ended: false,
        };
        let edges = edges.into_iter().map(edge).collect();
        Self { edges, watermark: i64::MIN, idle: false, falls_idle: false, pending: None }
    }

    /// The minimum of the edges' watermarks so far.
    pub(super) fn watermark(&self) -> i64 {
        self.watermark
    }

    /// Waits for what comes next.
    ///
    /// # Errors
    /// [`NodeError::Disconnected`] if a sender went away without an end.
    pub(super) fn next(&mut self) -> Result<Arrival<T>, NodeError> {
        self.next_before(None)
    }

    /// Waits for what comes next, until `deadline` at the latest.
    ///
    /// # Errors
    /// As [`Inbox::next`].
    pub(super) fn next_before(
        &mut self,
        deadline: Option<Instant>,
    ) -> Result<Arrival<T>, NodeError> {
        loop {
            if std::mem::take(&mut self.falls_idle) {
                return Ok(Arrival::Idle);
            }
            let (index, message) = match self.receive(deadline)? {
                Received::Nothing => return Ok(Arrival::Timeout),
                Received::Ended => return Ok(Arrival::End),
                Received::Message(index, message) => (index, message),
            };
            if let Some(arrival) = self.take(index, message) {
                return Ok(arrival);
            }
        }
    }

    /// What a message of an edge comes to; `None` if to nothing yet.
    fn take(&mut self, index: usize, message: Message<T>) -> Option<Arrival<T>> {
        let edge = &mut self.edges[index];
        match message {
            Message::Item(item) => {
                (edge.idle, self.idle) = (false, false);
                return Some(Arrival::Item(edge.input, item));
            }
            Message::Watermark(time) => {
                edge.idle = false;
                if time == FINAL_WATERMARK {
                    edge.is_final = true;
                } else {
                    edge.watermark = edge.watermark.max(time);
                }
                let woke = std::mem::take(&mut self.idle);
                self.note_silence();
                // Whoever reads this node must know that it is no longer silent.
                let same = (woke && !self.idle).then_some(self.watermark);
                return self.risen().or(same).map(Arrival::Watermark);
            }
            Message::Idle => {
                edge.idle = true;
                self.note_silence();
            }
            Message::Barrier(barrier) => {
                edge.held = true;
                self.pending = Some(barrier);
                return self.aligned().map(Arrival::Barrier);
            }
            // It may have been the one that the others' barrier waited for. Time does not move for
            // it: an end by a signal is not the end of time.
            Message::End => {
                edge.ended = true;
                self.note_silence();
                return self.aligned().map(Arrival::Barrier);
            }
        }
        self.risen().map(Arrival::Watermark)
    }

    /// Takes note when no edge brings anything for now, unless all have come to their end.
    fn note_silence(&mut self) {
        let open = |edge: &&Edge<T>| !edge.ended && !edge.is_final;
        let mut open = self.edges.iter().filter(open).peekable();
        if !self.idle && open.peek().is_some() && open.all(|edge| edge.idle) {
            (self.idle, self.falls_idle) = (true, true);
        }
    }

    /// The next message of an edge that is not held.
    fn receive(&self, deadline: Option<Instant>) -> Result<Received<T>, NodeError> {
        let open: Vec<usize> = (0..self.edges.len())
            .filter(|index| !self.edges[*index].held && !self.edges[*index].ended)
            .collect();
        let index = match open.as_slice() {
            [] => return Ok(Received::Ended),
            [only] => *only,
            _ => {
                let mut select = Select::new();
                for index in &open {
                    select.recv(&self.edges[*index].receiver);
                }
                match deadline {
                    None => open[select.ready()],
                    Some(deadline) => match select.ready_deadline(deadline) {
                        Ok(ready) => open[ready],
                        Err(_) => return Ok(Received::Nothing),
                    },
                }
            }
        };
        let receiver = &self.edges[index].receiver;
        let message = match deadline {
            None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(deadline) => receiver.recv_deadline(deadline),
        };
        match message {
            Ok(message) => Ok(Received::Message(index, message)),
            Err(RecvTimeoutError::Timeout) => Ok(Received::Nothing),
            Err(RecvTimeoutError::Disconnected) => Err(NodeError::Disconnected),
        }
    }

    /// The barrier, once it has come by every edge that has not ended; the edges are let go then.
    fn aligned(&mut self) -> Option<Barrier> {
        if !self.edges.iter().all(|edge| edge.held || edge.ended) {
            return None;
        }
        let barrier = self.pending.take()?;
        self.edges.iter_mut().for_each(|edge| edge.held = false);
        Some(barrier)
    }

    /// The minimum over the edges that are not idle, if it has risen. An edge at the end of its rows
    /// holds nobody back, and says nothing about the others: time ends when it has ended for all of
    /// them. While the others are silent, time is where the ended ones had come to.
    fn risen(&mut self) -> Option<i64> {
        let ended = || self.edges.iter().filter(|edge| edge.is_final);
        let open = self.edges.iter().filter(|edge| !edge.is_final && !edge.idle);
        let minimum = match open.map(|edge| edge.watermark).min() {
            Some(minimum) => minimum,
            None if ended().count() == self.edges.len() => FINAL_WATERMARK,
            None => ended().map(|edge| edge.watermark).max()?,
        };
        (minimum > self.watermark).then(|| {
            self.watermark = minimum;
            minimum
        })
    }
}

enum Received<T> {
    Message(usize, Message<T>),
    /// The deadline has passed.
    Nothing,
    /// Every edge has ended.
    Ended,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn barrier(epoch: u64) -> Message<u32> {
        Message::Barrier(Barrier { epoch, tables: Arc::default(), last: false })
    }

    #[test]
    fn barriers_align_and_items_behind_them_wait() {
        let (left, left_in) = crossbeam_channel::bounded(8);
        let (right, right_in) = crossbeam_channel::bounded(8);
        let mut inbox = Inbox::new(vec![(0, left_in), (1, right_in)]);
        left.send(barrier(1)).unwrap();
        left.send(Message::Item(10)).unwrap();
        right.send(Message::Item(20)).unwrap();
        right.send(barrier(1)).unwrap();
        assert!(matches!(inbox.next(), Ok(Arrival::Item(1, 20))), "left is held by its barrier");
        assert!(matches!(inbox.next(), Ok(Arrival::Barrier(Barrier { epoch: 1, .. }))));
        assert!(matches!(inbox.next(), Ok(Arrival::Item(0, 10))));
        left.send(Message::End).unwrap();
        right.send(barrier(2)).unwrap();
        assert!(
            matches!(inbox.next(), Ok(Arrival::Barrier(Barrier { epoch: 2, .. }))),
            "an ended edge holds no barrier back"
        );
        right.send(Message::End).unwrap();
        assert!(matches!(inbox.next(), Ok(Arrival::End)));
    }

    #[test]
    fn the_watermark_is_the_minimum_and_never_falls() {
        let (left, left_in) = crossbeam_channel::bounded(8);
        let (right, right_in) = crossbeam_channel::bounded(8);
        let mut inbox: Inbox<u32> = Inbox::new(vec![(0, left_in), (1, right_in)]);
        left.send(Message::Watermark(50)).unwrap();
        right.send(Message::Watermark(30)).unwrap();
        assert!(matches!(inbox.next(), Ok(Arrival::Watermark(30))));
        right.send(Message::Watermark(20)).unwrap();
        right.send(Message::Watermark(70)).unwrap();
        assert!(matches!(inbox.next(), Ok(Arrival::Watermark(50))));
        assert_eq!(inbox.watermark(), 50);
    }

    #[test]
    fn an_idle_edge_holds_no_watermark_back() {
        let (left, left_in) = crossbeam_channel::bounded(8);
        let (right, right_in) = crossbeam_channel::bounded(8);
        let mut inbox: Inbox<u32> = Inbox::new(vec![(0, left_in), (1, right_in)]);
        left.send(Message::Watermark(50)).unwrap();
        right.send(Message::Idle).unwrap();
        assert!(matches!(inbox.next(), Ok(Arrival::Watermark(50))), "left alone counts");
        left.send(Message::Idle).unwrap();
        assert!(matches!(inbox.next(), Ok(Arrival::Idle)), "nobody brings anything");
        right.send(Message::Item(7)).unwrap();
        assert!(matches!(inbox.next(), Ok(Arrival::Item(1, 7))));
        right.send(Message::Watermark(40)).unwrap();
        right.send(Message::Watermark(60)).unwrap();
        assert!(matches!(inbox.next(), Ok(Arrival::Watermark(60))), "it never falls");
        left.send(Message::Watermark(70)).unwrap();
        right.send(Message::Watermark(65)).unwrap();
        assert!(matches!(inbox.next(), Ok(Arrival::Watermark(65))), "both count again");
    }

    #[test]
    fn time_ends_when_it_has_ended_for_every_edge() {
        let (left, left_in) = crossbeam_channel::bounded(8);
        let (right, right_in) = crossbeam_channel::bounded(8);
        let mut inbox: Inbox<u32> = Inbox::new(vec![(0, left_in), (1, right_in)]);
        right.send(Message::Watermark(10)).unwrap();
        left.send(Message::Watermark(50)).unwrap();
        assert!(matches!(inbox.next(), Ok(Arrival::Watermark(10))));
        left.send(Message::Watermark(FINAL_WATERMARK)).unwrap();
        right.send(Message::Idle).unwrap();
        assert!(matches!(inbox.next(), Ok(Arrival::Watermark(50))), "left's rows need not wait");
        assert!(matches!(inbox.next(), Ok(Arrival::Idle)), "silence is not the end of time");
        right.send(Message::Watermark(10)).unwrap();
        assert!(matches!(inbox.next(), Ok(Arrival::Watermark(50))), "it is awake again");
        right.send(Message::Watermark(70)).unwrap();
        assert!(matches!(inbox.next(), Ok(Arrival::Watermark(70))), "right alone counts");
        right.send(Message::Watermark(FINAL_WATERMARK)).unwrap();
        assert!(matches!(inbox.next(), Ok(Arrival::Watermark(FINAL_WATERMARK))));
    }

    #[test]
    fn a_deadline_ends_the_wait_and_loses_nothing() {
        let (left, left_in) = crossbeam_channel::bounded(8);
        let (_right, right_in) = crossbeam_channel::bounded(8);
        let mut inbox: Inbox<u32> = Inbox::new(vec![(0, left_in), (1, right_in)]);
        let now = Instant::now();
        assert!(matches!(inbox.next_before(Some(now)), Ok(Arrival::Timeout)));
        left.send(Message::Item(1)).unwrap();
        assert!(matches!(inbox.next_before(Some(now)), Ok(Arrival::Item(0, 1))));
    }

    #[test]
    fn a_sender_that_vanishes_is_no_end() {
        let (left, left_in) = crossbeam_channel::bounded::<Message<u32>>(1);
        let mut inbox = Inbox::new(vec![(0, left_in)]);
        drop(left);
        assert!(matches!(inbox.next(), Err(NodeError::Disconnected)));
    }
}
