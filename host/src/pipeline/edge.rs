//! Edges: bounded channels between nodes, fan-out on one side, alignment on the other.

use crossbeam_channel::{Receiver, Select, Sender};

use super::NodeError;
use super::message::{Barrier, Message};

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
    /// The barrier has come by every input.
    Barrier(Barrier),
    /// Every input has ended.
    End,
}

struct Edge<T> {
    input: usize,
    receiver: Receiver<Message<T>>,
    watermark: i64,
    /// Its barrier has come and waits for the other edges'; it is not read meanwhile.
    held: bool,
    ended: bool,
}

/// The receiving side of a node: merges its edges, aligns their barriers, and takes the minimum of
/// their watermarks.
pub(super) struct Inbox<T> {
    edges: Vec<Edge<T>>,
    watermark: i64,
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
            held: false,
            ended: false,
        };
        let edges = edges.into_iter().map(edge).collect();
        Self { edges, watermark: i64::MIN, pending: None }
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
        loop {
            let Some(index) = self.ready() else { return Ok(Arrival::End) };
            let edge = &mut self.edges[index];
            match edge.receiver.recv().map_err(|_| NodeError::Disconnected)? {
                Message::Item(item) => return Ok(Arrival::Item(edge.input, item)),
                Message::Watermark(time) => {
                    edge.watermark = edge.watermark.max(time);
                    if let Some(time) = self.risen() {
                        return Ok(Arrival::Watermark(time));
                    }
                }
                Message::Barrier(barrier) => {
                    edge.held = true;
                    self.pending = Some(barrier);
                    if let Some(barrier) = self.aligned() {
                        return Ok(Arrival::Barrier(barrier));
                    }
                }
                Message::End => {
                    edge.ended = true;
                    // It may have been the one that the others' barrier waited for.
                    if let Some(barrier) = self.aligned() {
                        return Ok(Arrival::Barrier(barrier));
                    }
                    // Time does not move for it: an end by a signal is not the end of time.
                }
            }
        }
    }

    /// An edge with something to read, once there is one; `None` when all have ended.
    fn ready(&self) -> Option<usize> {
        let open: Vec<usize> = (0..self.edges.len())
            .filter(|index| !self.edges[*index].held && !self.edges[*index].ended)
            .collect();
        match open.as_slice() {
            [] => None,
            [only] => Some(*only),
            _ => {
                let mut select = Select::new();
                for index in &open {
                    select.recv(&self.edges[*index].receiver);
                }
                Some(open[select.ready()])
            }
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

    fn risen(&mut self) -> Option<i64> {
        let minimum = self.edges.iter().map(|edge| edge.watermark).min()?;
        (minimum > self.watermark).then(|| {
            self.watermark = minimum;
            minimum
        })
    }
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
    fn a_sender_that_vanishes_is_no_end() {
        let (left, left_in) = crossbeam_channel::bounded::<Message<u32>>(1);
        let mut inbox = Inbox::new(vec![(0, left_in)]);
        drop(left);
        assert!(matches!(inbox.next(), Err(NodeError::Disconnected)));
    }
}
