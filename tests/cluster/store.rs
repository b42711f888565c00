//! An object store that speaks S3: s3s-fs on a folder of this machine.
//!
//! `tests/cluster/fetch-store` installs it into the cache; `TIMONEL_TEST_STORE` names a program that is there already.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::bed::build::cache;
use crate::bed::node;
use crate::cluster::PATIENCE;

/// Its key id.
pub(crate) const ACCESS_KEY: &str = "AKIDSHOP7";
/// Its key, with what must not be read as anything else.
pub(crate) const SECRET_KEY: &str = "lily\"of\\the+valley/7719";
/// The bucket that is there.
pub(crate) const BUCKET: &str = "dumps";

fn program() -> Option<PathBuf> {
    let given = std::env::var_os("TIMONEL_TEST_STORE").map(PathBuf::from);
    given.or_else(|| Some(cache().ok()?.join("s3s-fs/bin/s3s-fs"))).filter(|path| path.is_file())
}

/// What this machine lacks for an object store, in words.
pub(crate) fn missing() -> Option<&'static str> {
    match (program(), node::which("curl")) {
        (None, _) => Some("an object store (tests/cluster/fetch-store fetches it)"),
        (_, None) => Some("curl, for the image that uploads"),
        _ => None,
    }
}

/// A running store, gone with the value.
pub(crate) struct Store {
    process: Child,
    /// Its address, as pods reach it.
    pub(crate) endpoint: String,
    folder: PathBuf,
}

impl Store {
    /// Starts one at the address of the node, with its files below that folder.
    pub(crate) fn start(address: &str, folder: &Path) -> Self {
        fs::create_dir_all(folder.join(BUCKET)).expect("a bucket");
        let free = TcpListener::bind((address, 0)).expect("a free port").local_addr().expect("its number");
        let mut command = Command::new(program().expect("the store is there"));
        command.args(["--host", address, "--port", &free.port().to_string(), "--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY]);
        let process = command.arg(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the store starts");
        let until = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(free).is_err() {
            assert!(Instant::now() < until, "the store does not answer");
            std::thread::yield_now();
        }
        Self { process, endpoint: format!("http://{free}"), folder: folder.to_owned() }
    }

    /// An object of the bucket.
    pub(crate) fn object(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(BUCKET).join(name)).ok()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
