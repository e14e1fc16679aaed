//! What a measurement tells of: the machine and the program.

use crate::store::{Digest, StatCache, Store};
use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// The running program's file, whatever lies under its name by now.
const PROGRAM: &str = "/proc/self/exe";

/// Where digests are remembered; see [`remember_in`].
static STORE: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Lets the digest of this program, which may have hundreds of megabytes, be remembered in the store at `root` (none for
/// the environment's) from now on.
pub(crate) fn remember_in(root: Option<PathBuf>) {
    STORE.get_or_init(|| root);
}

/// The processor's model, the number of its cores and the digest of this very program: a measured time is true of all
/// three together. Found out once.
pub(super) fn description() -> String {
    static DESCRIPTION: OnceLock<String> = OnceLock::new();
    let describe = || {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        format!("{}; {cores} cores; program {}", processor(), program())
    };
    DESCRIPTION.get_or_init(describe).clone()
}

/// What the kernel calls the processor; the architecture where it has no name for it.
fn processor() -> String {
    let text = fs_err::read_to_string("/proc/cpuinfo").unwrap_or_default();
    contract::processor(&text).unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// The digest of the running program. One that cannot be read is told by its version, which is less than its bytes say.
fn program() -> String {
    let read = || Digest::of_file(Path::new(PROGRAM)).map(|(digest, _)| digest);
    match remembered().map_or_else(read, Ok) {
        Ok(digest) => digest.to_string(),
        Err(_) => concat!("version ", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

/// The digest through the stat cache. A store that cannot be opened is told by who needs it for more.
fn remembered() -> Option<Digest> {
    let store = Store::open(STORE.get()?.clone()).ok()?;
    let cache = StatCache::of(&store);
    let digest = cache.digest(Path::new(PROGRAM)).ok()?;
    cache.save();
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_the_same_each_time() {
        assert_eq!(description(), description());
    }
}
