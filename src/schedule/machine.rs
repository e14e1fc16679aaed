//! What the machine has: cores, memory, disk.

use std::{path::Path, thread};

/// Cores this process may use.
#[must_use]
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Memory that can still be had without swapping, bytes: what the kernel estimates (`MemAvailable`), or less where a
/// control group (v2) allows less. None where neither can be read.
#[must_use]
pub(super) fn available_memory() -> Option<u64> {
    let kernel = fs_err::read_to_string("/proc/meminfo").ok().and_then(|text| meminfo(&text));
    let group = control_group(Path::new("/sys/fs/cgroup"));
    match (kernel, group) {
        (Some(kernel), Some(group)) => Some(kernel.min(group)),
        (kernel, group) => kernel.or(group),
    }
}

fn meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn control_group(root: &Path) -> Option<u64> {
    let number = |name| fs_err::read_to_string(root.join(name)).ok()?.trim().parse::<u64>().ok();
    // `max` stands for no limit and is no number.
    Some(number("memory.max")?.saturating_sub(number("memory.current")?))
}

/// Which file system holds a path, or would hold it once it exists.
#[must_use]
pub(super) fn file_system(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    let absolute = std::path::absolute(path).ok()?;
    absolute.ancestors().find_map(|parent| fs_err::metadata(parent).ok()).map(|metadata| metadata.dev())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read_from_the_kernels_text() {
        let text = "MemTotal:       16389544 kB\nMemFree:         1234 kB\nMemAvailable:   12000000 kB\n";
        assert_eq!(meminfo(text), Some(12_000_000 * 1024));
        assert_eq!(meminfo("MemTotal: 1 kB\n"), None);
    }

    #[test]
    fn a_path_that_is_not_there_will_be_on_the_file_system_of_its_parent() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let known = file_system(folder.path());
        assert!(known.is_some());
        assert_eq!(file_system(&folder.path().join("not/yet/there")), known);
        Ok(())
    }

    #[test]
    fn a_control_group_without_a_limit_limits_nothing() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        assert_eq!(control_group(folder.path()), None);
        fs_err::write(folder.path().join("memory.current"), "1000\n")?;
        fs_err::write(folder.path().join("memory.max"), "max\n")?;
        assert_eq!(control_group(folder.path()), None);
        fs_err::write(folder.path().join("memory.max"), "5000\n")?;
        assert_eq!(control_group(folder.path()), Some(4000));
        Ok(())
    }
}
