//! How segments end other than by being finished, and whose fault that is.

use crate::client::{ClientError, chain};
use floodgauge_net::causes;
use std::{error::Error, io};

/// How a segment ended other than by being finished.
#[derive(Debug, PartialEq)]
pub(super) enum Cut {
    /// The server gave the lease away.
    Lost,
    /// All of it was to stop before it had begun.
    Stopped,
    /// This worker is told to end.
    Shutdown,
    /// It can't be trained, here or elsewhere; says why.
    Failed(String),
    /// It can't be trained here, since this machine is in trouble; says why.
    Trouble(String),
}

impl Cut {
    /// What became of an assignment that couldn't be fetched: whatever the server or somebody between
    /// said, its training hasn't begun.
    pub fn of_fetch(error: ClientError) -> Self {
        match error {
            ClientError::LeaseLost => Self::Lost,
            other => Self::Trouble(chain(&other)),
        }
    }

    /// What becomes of a segment whose training ended with an error.
    pub fn of_training(error: &(dyn Error + Send + Sync + 'static)) -> Self {
        let words = chain(error);
        if is_of_machine(error) { Self::Trouble(words) } else { Self::Failed(words) }
    }
}

impl From<ClientError> for Cut {
    /// What becomes of a segment that is being trained, or that was. What the server itself refuses, training made
    /// so; all else lies between it and this machine.
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::LeaseLost => Self::Lost,
            ClientError::Refused { .. } => Self::Failed(chain(&error)),
            other => Self::Trouble(chain(&other)),
        }
    }
}

/// Whether something that the system did is behind an error: a file that can't be read, a thread that can't
/// be started. What is wrong within a file, is wrong wherever it's read.
fn is_of_machine(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        !matches!(kind, None | Some(io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cohort::TrainError, data::DataError};
    use floodgauge_datasets::upload::UploadError;
    use floodgauge_protocol::DatasetName;

    fn of_training(error: impl Error + Send + Sync + 'static) -> Cut {
        Cut::of_training(&error)
    }

    #[test]
    fn what_the_system_refuses_is_the_machines_and_what_is_wrong_with_the_work_is_not() {
        let io = |kind: io::ErrorKind| io::Error::from(kind);
        let unread = DataError::Upload {
            name: DatasetName::Mnist,
            source: UploadError::Read(io(io::ErrorKind::PermissionDenied)),
        };
        assert!(matches!(of_training(unread), Cut::Trouble(_)));
        let no_thread = TrainError::Threads(io(io::ErrorKind::WouldBlock));
        assert!(matches!(of_training(no_thread), Cut::Trouble(_)));
        let wrong = TrainError::Data { found: 1, expected: 2 };
        assert!(matches!(of_training(wrong), Cut::Failed(_)));
        let cut = DataError::Upload {
            name: DatasetName::Mnist,
            source: UploadError::Read(io(io::ErrorKind::UnexpectedEof)),
        };
        assert!(matches!(of_training(cut), Cut::Failed(_)));
    }

    #[test]
    fn what_the_server_refuses_is_the_segments_and_what_a_proxy_refuses_is_not() {
        let refused = || ClientError::Refused { status: 413, detail: "too large".into() };
        let between = ClientError::Intermediary { status: 413, reason: "a proxy".into() };
        assert!(matches!(refused().into(), Cut::Failed(_)));
        assert!(matches!(between.into(), Cut::Trouble(_)));
        assert!(matches!(Cut::of_fetch(refused()), Cut::Trouble(_)));
        assert_eq!(Cut::of_fetch(ClientError::LeaseLost), Cut::Lost);
    }
}
