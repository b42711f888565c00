//! A disk that is full: before a run, in the middle of it, and after its write.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Place, SCALE, at_once};
use crate::cluster::Cluster;
use crate::middle::{Fate, When};
use crate::operator::Run;

/// A disk of its own for the journal of one operator, gone when it is dropped.
struct Disk(PathBuf);

impl Disk {
    fn mounted(at: &Path) -> Self {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "timonel-test"]).arg(at).output();
        let mounted = mounted.unwrap_or_else(|error| panic!("mount: {error}"));
        assert!(mounted.status.success(), "a small disk needs the right to mount: {}", String::from_utf8_lossy(&mounted.stderr));
        Self(at.to_owned())
    }

    fn fill(&self) {
        let mut ballast = fs::File::create(self.0.join("ballast")).unwrap();
        while ballast.write_all(&[0; 512]).is_ok() {}
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

pub(crate) fn a_full_disk_stops_what_cannot_be_recorded_and_nothing_that_was_written(cluster: &Cluster) {
    at_once(cluster, &[before_the_run, before_the_write, after_the_write]);
}

fn before_the_run(place: &Place<'_>) {
    let disk = Disk::mounted(&place.operator.sandbox.path("state"));
    disk.fill();
    let run = Run::of(&place.operator.call(SCALE));
    let run = place.ended("the disk is full before the run", run, "refused", 4, 1);
    assert!(run.end()["reason"].as_str().unwrap().contains("cannot be recorded"), "{:#}", run.end());
}

fn before_the_write(place: &Place<'_>) {
    let disk = Disk::mounted(&place.operator.sandbox.path("state"));
    let locked = place.middle.hold("POST", "/leases", 1, When::Answered, Fate::HandedOn);
    let running = place.operator.start(SCALE);
    locked.reached();
    disk.fill();
    locked.go();
    place.ended("the disk is full before the write", Run::of(&running.end()), "refused", 4, 1);
}

fn after_the_write(place: &Place<'_>) {
    let disk = Disk::mounted(&place.operator.sandbox.path("state"));
    let written = place.middle.hold("PATCH", "/scale", 1, When::Answered, Fate::HandedOn);
    let running = place.operator.start(SCALE);
    written.reached();
    disk.fill();
    written.go();
    let run = place.ended("the disk is full after the write", Run::of(&running.end()), "proven", 0, 2);
    assert!(run.end()["journal"].as_str().unwrap().contains("journal"), "what is not on record is said: {:#}", run.end());
    let note = place.space.get("apps/v1", "Deployment", "web").unwrap()["metadata"]["annotations"]["timonel.io/last-run"].clone();
    assert!(note.as_str().is_some_and(|note| note.contains("proven")), "the outcome is on the object instead: {note}");
}
