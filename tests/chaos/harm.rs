//! How each fault is done. All begin with a worker that is in the midst of a segment.

use super::{
    blobs,
    faults::{Fault, Planned},
    proxy::{Hold, Mischief},
    readers::Readers,
    saboteur::Saboteur,
    stranger::Stranger,
    world::{LEASE_TTL, START_OVER_AFTER, WORKERS, World},
};
use floodgauge::scheduler::Event;
use std::time::Duration;
use tokio::task::block_in_place;

/// How long a worker may take to meet what was prepared for it.
const MET: Duration = Duration::from_secs(10);

/// How many entries are waited for until there is something to damage.
const ENTRIES: usize = 20;

/// By how much a clock is set, for each time.
const HOUR: Duration = Duration::from_secs(3_600);

impl Saboteur {
    /// Does a fault; whether it met work that was going on.
    pub async fn harm(&mut self, world: &mut World, planned: Planned) -> bool {
        let Planned { fault, whom, times, .. } = planned;
        let Some(hold) = self.hold(world, whom).await else { return false };
        let mischief = |what| (what, if what == Mischief::RefuseBody { 1 } else { times });
        let (what, times) = match fault {
            Fault::CutRequests => mischief(Mischief::Cut),
            Fault::RefuseRequests => mischief(Mischief::Refuse),
            Fault::GarbleAnswers => mischief(Mischief::Garble),
            Fault::TruncateAnswers => mischief(Mischief::Truncate),
            Fault::RefuseBodies => mischief(Mischief::RefuseBody),
            _ => return self.harm_processes(world, planned, hold).await,
        };
        world.proxy(whom).harm(what, times, MET, hold).await
    }

    async fn harm_processes(&mut self, world: &mut World, planned: Planned, hold: Hold) -> bool {
        let Planned { fault, whom, times, .. } = planned;
        match fault {
            Fault::KillWorker => block_in_place(|| world.replace_worker(whom)),
            Fault::KillServer => block_in_place(|| world.replace_server(whom)),
            Fault::StopDatabase => block_in_place(|| world.restart_database("fast")),
            Fault::CrashDatabase => block_in_place(|| world.restart_database("immediate")),
            Fault::PauseWorker => {
                world.worker(whom).signal("STOP");
                drop(hold);
                self.heard(1, 2 * LEASE_TTL, is_lost).await;
                world.worker(whom).signal("CONT");
            }
            Fault::PauseServer => {
                world.server(whom).signal("STOP");
                drop(hold);
                self.heard(1, LEASE_TTL + Duration::from_millis(500), is_lost).await;
                world.server(whom).signal("CONT");
            }
            Fault::FillDisk => return world.fill_disk(times as u64, MET, hold).await,
            Fault::BreakDisk => return self.break_disk(world, whom, hold).await,
            Fault::DamageBlob => return self.damage_blob(world, planned, hold).await,
            Fault::LoseMachines => return self.lose_machines(world, hold).await,
            Fault::ReadSlowly => {
                let readers = Readers::start(world).await;
                drop(hold);
                self.heard(3, MET, |_| true).await;
                drop(readers);
            }
            Fault::SetClock => self.set_clock(world, planned, hold).await,
            Fault::CutRequests
            | Fault::RefuseRequests
            | Fault::GarbleAnswers
            | Fault::TruncateAnswers
            | Fault::RefuseBodies => unreachable!("done by a proxy"),
        }
        true
    }

    /// A worker whose disk takes no data set hands back what it claims, and is well once the disk is.
    async fn break_disk(&mut self, world: &mut World, whom: usize, hold: Hold) -> bool {
        let name = block_in_place(|| world.break_disk(whom));
        drop(hold);
        let handed_back =
            |event: &Event| matches!(event, Event::HandedBack { worker, .. } if *worker == name);
        let met = self.heard(1, 3 * MET, handed_back).await;
        world.mend_disk(whom);
        met
    }

    /// A checkpoint that somebody is to go on from is damaged, until somebody is told so.
    async fn damage_blob(&mut self, world: &World, planned: Planned, hold: Hold) -> bool {
        let mut needed = blobs::next_needed(world, planned.whom).await;
        for _ in 0..ENTRIES {
            // The other worker goes on, until something waits that begins from a checkpoint.
            if needed.is_some() || !self.heard(1, LEASE_TTL, |_| true).await {
                break;
            }
            needed = blobs::next_needed(world, planned.whom).await;
        }
        let Some(digest) = needed else { return false };
        let damaged = blobs::Damaged::new(world, digest, planned.times);
        drop(hold);
        let told =
            |event: &Event| matches!(event, Event::Damaged { checkpoint } if *checkpoint == digest);
        let met = self.heard(1, MET, told).await;
        if !met {
            damaged.mend();
        }
        met
    }

    /// With all machines of a kind gone, what they trained is started over; then new ones come.
    async fn lose_machines(&mut self, world: &mut World, hold: Hold) -> bool {
        block_in_place(|| world.kill_workers());
        let stranger = Stranger::start(world);
        drop(hold);
        let started_over = |event: &Event| matches!(event, Event::StartedOver { .. });
        let met = self.heard(1, LEASE_TTL + 3 * START_OVER_AFTER, started_over).await;
        drop(stranger);
        (0..WORKERS).for_each(|which| world.start_worker(which, "cache"));
        met
    }

    /// Hours ahead or back, sometimes with a server that starts under the wrong clock, and right again.
    async fn set_clock(&mut self, world: &mut World, planned: Planned, hold: Hold) {
        let Planned { whom, times, .. } = planned;
        let restarts = times == 2;
        world.clock.set(HOUR * times as u32, whom == 0);
        if restarts {
            block_in_place(|| world.replace_server(whom));
        }
        drop(hold);
        self.heard(3, MET, |_| true).await;
        world.clock.set(Duration::ZERO, true);
        if restarts {
            block_in_place(|| world.replace_server(whom));
        }
    }
}

fn is_lost(event: &Event) -> bool {
    matches!(event, Event::Lost { .. })
}
