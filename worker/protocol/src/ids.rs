//! Names of sweeps, families, arms, trials, segments and leases.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

macro_rules! index {
    ($(#[$doc:meta])* $name:ident($int:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub $int);

        impl $name {
            /// The position as an index into a slice.
            pub fn ix(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id! {
    /// A sweep. Version-7 UUIDs, so that ids sort by the time of submission.
    SweepId
}
uuid_id! {
    /// One lease of one segment; a segment claimed again gets another.
    LeaseId
}
index! {
    /// The position of an arm among those of its sweep; 0 is the plain baseline.
    ArmIx(u16)
}
index! {
    /// The position of a family among those of its sweep.
    FamilyIx(u16)
}
index! {
    /// The position of a segment in the order in which its sweep's scheduler asked for it.
    SegmentId(u32)
}

impl ArmIx {
    /// The plain baseline, which is in every sweep.
    pub const PLAIN: Self = Self(0);
}

/// One arm in one family, inside its sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrialKey {
    /// The family that the arm is trained in.
    pub family: FamilyIx,
    /// The arm that is trained in it.
    pub arm: ArmIx,
}

impl TrialKey {
    /// The trial of `arm` in `family`.
    pub fn new(family: FamilyIx, arm: ArmIx) -> Self {
        Self { family, arm }
    }
}

impl fmt::Display for TrialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.family, self.arm)
    }
}
