//! The folder of the blobs, where it isn't there.

use super::programs::{Server, ended, run};
use std::fs;

#[test]
fn a_server_does_not_start_on_an_empty_folder_that_should_have_blobs() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), None);
    let file = folder.path().join("mine.csv");
    let rows: String = (0..40).map(|row| format!("{},{}\n", row % 7, row % 2)).collect();
    fs::write(&file, rows).unwrap();
    run(&["dataset", "add", file.to_str().unwrap(), "--server", &server.address]);
    assert!(server.process.terminate());
    let (blobs, away) = (folder.path().join("blobs"), folder.path().join("away"));
    fs::rename(&blobs, &away).unwrap();
    let at = folder.path().to_str().unwrap();
    let serve = ["serve", "--data-dir", at, "--listen", "127.0.0.1:0", "--workers", "0"];
    let ended = ended(&serve);
    assert_eq!(ended.code, 2);
    let expected = format!("their folder {} is empty", blobs.display());
    assert!(ended.complaint.contains(&expected), "{}", ended.complaint);
    assert!(!blobs.exists(), "nothing is made before that is clear");
    // Once its disk is there, or whoever runs it knows that it won't be.
    fs::rename(&away, &blobs).unwrap();
    drop(Server::start(folder.path(), None));
    fs::remove_dir_all(&blobs).unwrap();
    fs::create_dir(&blobs).unwrap();
    fs::write(blobs.join("new"), "").unwrap();
    Server::start(folder.path(), None);
}
