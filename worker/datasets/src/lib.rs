//! The data sets that come as files: read, checked, packed, downloaded.
//!
//! No tensors and no training, so that a server without the training library reads them too.
//!
//! - [`set`]: a data set in memory.
//! - [`folder`]: named sets in a data folder; `mnist`, `cifar`, `svhn` read their formats, which
//!   `idx` and `mat` take apart.
//! - [`pack`]: a named set's contents as one stream of bytes, which its digest is taken of.
//! - [`upload`]: CSV and NPZ files of anybody's.
//! - [`scales`]: how large their features are.
//! - [`download`]: named sets from their public addresses or a mirror.
//! - [`archive`]: zip archives, looked at before they are opened.
//! - [`digest`](mod@digest): SHA-256 on the way through.

pub mod archive;
mod cifar;
pub mod digest;
pub mod download;
mod error;
pub mod folder;
mod idx;
mod mat;
mod mnist;
pub mod pack;
pub mod scales;
pub mod set;
mod svhn;
pub mod upload;

pub use error::SetError;
pub use folder::Folder;
pub use set::{Features, Pool, Set};
