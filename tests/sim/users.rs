//! What users do to a sweep on its way, and what workers hand in when they hear of it.

use crate::world::{Worker, World};
use floodgauge::scheduler::Event;
use floodgauge_protocol::SegmentKind;

impl World {
    /// A user pauses or cancels the sweep; workers hand in what they hold at the end of the epoch
    /// at hand.
    pub fn halt(&mut self, event: Event) {
        self.event(event);
        for worker in std::mem::take(&mut self.busy) {
            self.hand_in_early(worker);
        }
    }

    /// As [`halt`](Self::halt) does; one worker more got its segment while the user asked.
    pub fn halt_and_claim(&mut self, event: Event) {
        self.event(event);
        self.claim();
        for worker in std::mem::take(&mut self.busy) {
            self.hand_in_early(worker);
        }
    }

    fn hand_in_early(&mut self, worker: Worker) {
        let (segment, attempt) = (worker.segment.segment, worker.attempt);
        if worker.dead {
            self.event(Event::Lost { segment, attempt });
            self.requeue(segment);
            return;
        }
        let at_hand = worker.rows.get(worker.sent.saturating_sub(1)).map(|row| row.epoch);
        let (SegmentKind::Train, Some(epoch)) = (worker.segment.kind, at_hand) else {
            let branches = self.cut(&worker.segment, worker.segment.to_step);
            self.hand_in(&worker, branches);
            return;
        };
        let rows = &worker.rows[worker.sent..];
        let rest: Vec<_> = rows.iter().take_while(|row| row.epoch <= epoch).cloned().collect();
        if !rest.is_empty() {
            self.report(segment, attempt, &rest);
        }
        let branches =
            self.cut(&worker.segment, u64::from(epoch) * self.sweep.facts().steps_per_epoch());
        self.hand_in(&worker, branches);
    }
}
