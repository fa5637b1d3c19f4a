//! A disk in memory that forgets what wasn't synced when its machine crashes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use redb::StorageBackend;

use super::super::files::{Backend, Files, Hold};

/// Numbers that only look random, so that a failure can be repeated.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `sides`.
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

const BLOCK: usize = 4_096;

/// What was done to a file since it was synced.
#[derive(Clone, Debug)]
enum Change {
    SetLen(usize),
    Write(usize, Vec<u8>),
}

impl Change {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::SetLen(len) => image.resize(*len, 0),
            Self::Write(at, data) => {
                let end = at + data.len();
                image.resize(image.len().max(end), 0);
                image[*at..end].copy_from_slice(data);
            }
        }
    }
}

#[derive(Debug, Default)]
struct Content {
    /// What is on the disk for certain.
    durable: Vec<u8>,
    /// What is read.
    volatile: Vec<u8>,
    unsynced: Vec<Change>,
    /// Blocks of the disk that it takes: those written to.
    blocks: BTreeSet<usize>,
}

#[derive(Debug, Default)]
struct State {
    contents: BTreeMap<u64, Content>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    /// The names after each change since they were synced.
    unsynced_names: Vec<BTreeMap<String, u64>>,
    made: u64,
    /// Counts crashes: who opened a file before the last one can't use it any more.
    crashes: u64,
    /// So many changes until the machine stops.
    left: u64,
}

impl State {
    fn spend(&mut self) -> io::Result<()> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(io::Error::other("the machine has stopped")),
        }
    }
}

/// The disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Forgetful {
    state: Arc<Mutex<State>>,
}

impl Forgetful {
    pub(super) fn new() -> Self {
        let disk = Self::default();
        disk.state().left = u64::MAX;
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Lets the machine stop after so many changes.
    pub(super) fn stop_after(&self, changes: u64) {
        self.state().left = changes;
    }

    /// Starts the machine again. Of what wasn't synced, each change is kept or not, or half of it.
    pub(super) fn restart(&self, dice: &mut Dice) {
        let mut state = self.state();
        state.crashes += 1;
        state.left = u64::MAX;
        let keep_any = dice.roll(3) > 0;
        let kept_names = dice.roll(state.unsynced_names.len() as u64 + 1) as usize;
        if keep_any && kept_names > 0 {
            state.durable_names = state.unsynced_names[kept_names - 1].clone();
        }
        state.unsynced_names.clear();
        state.names = state.durable_names.clone();
        for content in state.contents.values_mut() {
            for change in std::mem::take(&mut content.unsynced) {
                match (keep_any, dice.roll(4), &change) {
                    (false, ..) | (true, 0, _) => {}
                    (true, 1, Change::Write(at, data)) => {
                        let sectors = dice.roll(data.len() as u64 / 512 + 1) as usize;
                        Change::Write(*at, data[..512 * sectors].to_vec())
                            .apply(&mut content.durable);
                    }
                    (true, ..) => change.apply(&mut content.durable),
                }
            }
            content.volatile = content.durable.clone();
        }
    }

    fn backend(&self, state: &State, file: u64) -> Backend {
        Backend::new(Handle {
            disk: self.clone(),
            file,
            opened: state.crashes,
        })
    }
}

impl Files for Forgetful {
    fn create(&self, name: &str) -> io::Result<Backend> {
        let mut state = self.state();
        state.spend()?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.made += 1;
        let file = state.made;
        state.contents.insert(file, Content::default());
        state.names.insert(name.to_owned(), file);
        let names = state.names.clone();
        state.unsynced_names.push(names);
        Ok(self.backend(&state, file))
    }

    fn open(&self, name: &str) -> io::Result<Backend> {
        let state = self.state();
        let file = state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.backend(&state, *file))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        state.names.remove(name);
        let names = state.names.clone();
        state.unsynced_names.push(names);
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn disk_bytes(&self, name: &str) -> io::Result<u64> {
        let state = self.state();
        let file = state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(BLOCK as u64 * state.contents[file].blocks.len() as u64)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state();
        state.spend()?;
        state.durable_names = state.names.clone();
        state.unsynced_names.clear();
        Ok(())
    }

    fn path_of(&self, name: &str) -> PathBuf {
        PathBuf::from("/forgetful").join(name)
    }

    fn hold(&self) -> io::Result<Hold> {
        Ok(Hold::default())
    }
}

#[derive(Debug)]
struct Handle {
    disk: Forgetful,
    file: u64,
    opened: u64,
}

impl Handle {
    fn content<T>(&self, act: impl FnOnce(&mut Content) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.state();
        if state.crashes != self.opened {
            return Err(io::Error::other("the machine was started again"));
        }
        act(state.contents.get_mut(&self.file).unwrap())
    }

    fn change(&self, change: Change) -> io::Result<()> {
        self.disk.state().spend()?;
        self.content(|content| {
            change.apply(&mut content.volatile);
            if let Change::Write(at, data) = &change {
                let end = (at + data.len()).div_ceil(BLOCK);
                content.blocks.extend(at / BLOCK..end);
            }
            content.unsynced.push(change);
            Ok(())
        })
    }
}

impl StorageBackend for Handle {
    fn len(&self) -> io::Result<u64> {
        self.content(|content| Ok(content.volatile.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.content(|content| {
            let at = offset as usize;
            let read = content.volatile.get(at..at + out.len());
            out.copy_from_slice(read.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Change::SetLen(len as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.state().spend()?;
        self.content(|content| {
            for change in std::mem::take(&mut content.unsynced) {
                change.apply(&mut content.durable);
            }
            Ok(())
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Change::Write(offset as usize, data.to_vec()))
    }
}
