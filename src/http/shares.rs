//! Shares: how much of what is done at once one token may take or, where nobody shows a token, one
//! address; so that a single one, however busy or ill-meaning, keeps no other out.

use super::problem::Problem;
use crate::{access::TokenId, counting::count};
use floodgauge_protocol::LeaseId;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Who has a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    /// Whoever holds this token, or a session of it.
    Token(TokenId),
    /// Whoever asks from this address. Of IPv6 only the network counts, all of whose addresses one
    /// machine may have.
    Address(IpAddr),
    /// Whoever holds this lease.
    Lease(LeaseId),
}

impl Party {
    /// Whoever asks from this address.
    pub fn at(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                IpAddr::V6(network.into())
            }
            v4 => v4,
        })
    }

    /// What it is, in a word.
    fn kind(self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Address(_) => "address",
            Self::Lease(_) => "lease",
        }
    }
}

/// How many each party has.
#[derive(Clone, Debug)]
pub struct Shares(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    parties: Mutex<HashMap<Party, Taken>>,
}

/// What a party has, and waits for.
#[derive(Debug)]
struct Taken {
    holders: usize,
    places: Arc<Semaphore>,
}

/// One of a party's; it is given back when this is dropped.
#[derive(Debug)]
pub struct Share {
    shares: Arc<Inner>,
    party: Party,
    place: Option<OwnedSemaphorePermit>,
}

impl Shares {
    /// At most so many for each.
    pub fn of(most: usize) -> Self {
        Self(Arc::new(Inner { most, parties: Mutex::default() }))
    }

    /// How many each may have.
    pub fn most(&self) -> usize {
        self.0.most
    }

    /// One more for a party; none if it has as many as it may.
    pub fn try_take(&self, party: Party) -> Option<Share> {
        let (mut share, places) = self.join(party);
        share.place = Some(places.try_acquire_owned().ok()?);
        Some(share)
    }

    /// One more for a party, once it has fewer than it may. Those who wait get theirs in turn.
    pub async fn take(&self, party: Party) -> Share {
        let (mut share, places) = self.join(party);
        // Nobody closes it.
        share.place = places.acquire_owned().await.ok();
        share
    }

    fn join(&self, party: Party) -> (Share, Arc<Semaphore>) {
        let mut parties = self.0.lock();
        let taken = parties
            .entry(party)
            .or_insert_with(|| Taken { holders: 0, places: Arc::new(Semaphore::new(self.0.most)) });
        taken.holders += 1;
        (Share { shares: self.0.clone(), party, place: None }, taken.places.clone())
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, HashMap<Party, Taken>> {
        self.parties.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // Before the party may be forgotten.
        self.place = None;
        let mut parties = self.shares.lock();
        if let Some(taken) = parties.get_mut(&self.party) {
            taken.holders -= 1;
            if taken.holders == 0 {
                parties.remove(&self.party);
            }
        }
    }
}

/// Places for what is done at once, of which no party may take all.
#[derive(Clone, Debug)]
pub struct Pool {
    what: &'static str,
    most: usize,
    places: Arc<Semaphore>,
    shares: Shares,
}

/// A place of a pool; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    _place: Option<OwnedSemaphorePermit>,
    _share: Option<Share>,
}

impl Pool {
    /// So many places for `what`, told of one, and how many of them a party may have.
    pub fn new(what: &'static str, most: usize, share: usize) -> Self {
        Self { what, most, places: Arc::new(Semaphore::new(most)), shares: Shares::of(share) }
    }

    /// A place at once; of a party that isn't known only all places count.
    ///
    /// # Errors
    /// [`Problem::OverShare`] if the party has as many as it may; [`Problem::Unavailable`] if there is no
    /// place.
    pub fn try_take(&self, party: Option<Party>) -> Result<Place, Problem> {
        let share = party.map(|party| self.share(party)).transpose()?;
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| {
            let taken = count(self.most, self.what);
            Problem::Unavailable(anyhow::anyhow!("{taken} at a time are the most, and taken"))
        })?;
        Ok(Place { _place: Some(place), _share: share })
    }

    /// A place once there is one, and the party has fewer than it may. Those who wait get theirs in turn.
    pub async fn take(&self, party: Option<Party>) -> Place {
        let share = match party {
            Some(party) => Some(self.shares.take(party).await),
            None => None,
        };
        // Nobody closes it.
        Place { _place: self.places.clone().acquire_owned().await.ok(), _share: share }
    }

    /// A party's share of a place that is taken already.
    ///
    /// # Errors
    /// [`Problem::OverShare`] if it has as many as it may.
    pub fn share(&self, party: Party) -> Result<Share, Problem> {
        let over = || over(party, self.what, self.shares.most());
        self.shares.try_take(party).ok_or_else(over)
    }
}

/// The problem of a party that has as many as it may of `what`, told of one.
pub fn over(party: Party, what: &str, most: usize) -> Problem {
    let (who, most) = (party.kind(), count(most, what));
    Problem::OverShare(format!(
        "one {who} may have {most} at a time, and this one has: try again once one of them has \
         ended"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use uuid::Uuid;

    fn token(number: u128) -> Party {
        Party::Token(TokenId(Uuid::from_u128(number)))
    }

    #[test]
    fn no_party_takes_all() {
        let pool = Pool::new("thing", 4, 3);
        let taken: Vec<_> = (0..4).map_while(|_| pool.try_take(Some(token(1))).ok()).collect();
        assert_eq!(taken.len(), 3);
        let refused = pool.try_take(Some(token(1)));
        let Err(Problem::OverShare(why)) = &refused else { panic!("{refused:?}") };
        assert!(why.starts_with("one token may have 3 things at a time, and "), "{why}");
        let last = pool.try_take(Some(token(2))).unwrap();
        let refused = pool.try_take(Some(token(3)));
        assert!(matches!(refused, Err(Problem::Unavailable(_))), "{refused:?}");
        drop((taken, last));
        assert!(pool.shares.0.lock().is_empty(), "nobody is remembered who has nothing");
    }

    #[test]
    fn who_waits_for_a_share_keeps_no_other_from_a_place() {
        let pool = Pool::new("thing", 2, 1);
        let first = pool.try_take(Some(token(1))).unwrap();
        let mut waiting = Box::pin(pool.take(Some(token(1))));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(pool.take(Some(token(2))).now_or_never().is_some());
        drop(first);
        assert!(waiting.now_or_never().is_some());
        assert!(pool.shares.0.lock().is_empty());
    }

    #[test]
    fn an_address_is_a_party_and_of_ipv6_its_network() {
        let at = |address: &str| Party::at(address.parse().unwrap());
        assert_eq!(at("::ffff:10.0.0.1"), at("10.0.0.1"));
        assert_ne!(at("10.0.0.1"), at("10.0.0.2"));
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:0:0:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
    }
}
