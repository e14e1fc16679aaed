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
    let kernel =
        fs_err::read_to_string("/proc/meminfo").ok().and_then(|text| meminfo(&text, "MemAvailable:"));
    let own = fs_err::read_to_string("/proc/self/cgroup").ok();
    let group =
        control_groups(Path::new("/sys/fs/cgroup"), own.as_deref().and_then(own_group).unwrap_or("/"));
    match (kernel, group) {
        (Some(kernel), Some(group)) => Some(kernel.min(group)),
        (kernel, group) => kernel.or(group),
    }
}

/// Memory that this process could have if nothing else ran, bytes: all of the machine's, or less where a control group
/// (v2) allows less. None where neither can be read.
#[must_use]
pub(super) fn total_memory() -> Option<u64> {
    let kernel = fs_err::read_to_string("/proc/meminfo").ok().and_then(|text| meminfo(&text, "MemTotal:"));
    let own = fs_err::read_to_string("/proc/self/cgroup").ok();
    let own = own.as_deref().and_then(own_group).unwrap_or("/");
    let limit = groups(Path::new("/sys/fs/cgroup"), own, |group| number(group, "memory.max"));
    kernel.into_iter().chain(limit).min()
}

fn meminfo(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The control group (v2) of a process by its `/proc/PID/cgroup`: the line of hierarchy 0.
fn own_group(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::"))
}

/// The least that the group `own` or one above it still allows: each may have a limit.
fn control_groups(root: &Path, own: &str) -> Option<u64> {
    groups(root, own, control_group)
}

/// The least that `read` finds in the group `own` and those above it.
fn groups(root: &Path, own: &str, read: impl Fn(&Path) -> Option<u64>) -> Option<u64> {
    let own = root.join(own.trim_start_matches('/'));
    own.ancestors().take_while(|group| group.starts_with(root)).filter_map(read).min()
}

/// A number in a file of a group. `max`, which stands for no limit, is none.
fn number(group: &Path, file: &str) -> Option<u64> {
    fs_err::read_to_string(group.join(file)).ok()?.trim().parse().ok()
}

/// What the limit of one group leaves. The kernel counts the page cache as used and gives it back when memory is short, so
/// it is free for whoever asks.
fn control_group(group: &Path) -> Option<u64> {
    let (limit, used) = (number(group, "memory.max")?, number(group, "memory.current")?);
    let stat = fs_err::read_to_string(group.join("memory.stat")).ok();
    let kept = used.saturating_sub(stat.map_or(0, |text| reclaimable(&text)));
    Some(limit.saturating_sub(kept))
}

/// Bytes of a group's `memory.stat` that the kernel can take back without swapping.
fn reclaimable(text: &str) -> u64 {
    let fields = text.lines().filter_map(|line| line.split_once(' '));
    let wanted =
        fields.filter(|(name, _)| matches!(*name, "inactive_file" | "active_file" | "slab_reclaimable"));
    wanted.filter_map(|(_, value)| value.trim().parse::<u64>().ok()).sum()
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
        assert_eq!(meminfo(text, "MemAvailable:"), Some(12_000_000 * 1024));
        assert_eq!(meminfo("MemTotal: 1 kB\n", "MemAvailable:"), None);
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

    #[test]
    fn the_page_cache_of_a_control_group_can_be_had_again() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        fs_err::write(folder.path().join("memory.max"), "5000\n")?;
        fs_err::write(folder.path().join("memory.current"), "4900\n")?;
        let stat =
            "anon 900\nfile 3500\ninactive_file 3000\nactive_file 500\nslab_reclaimable 400\nslab 450\n";
        fs_err::write(folder.path().join("memory.stat"), stat)?;
        assert_eq!(control_group(folder.path()), Some(4000));
        Ok(())
    }

    #[test]
    fn the_tightest_control_group_on_the_way_up_decides() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let own = folder.path().join("user/job");
        fs_err::create_dir_all(&own)?;
        for (group, limit) in
            [(own.as_path(), "max"), (&folder.path().join("user"), "3000"), (folder.path(), "9000")]
        {
            fs_err::write(group.join("memory.max"), limit)?;
            fs_err::write(group.join("memory.current"), "1000")?;
        }
        let group = own_group("12:cpuset:/other\n0::/user/job\n");
        assert_eq!(group, Some("/user/job"));
        assert_eq!(control_groups(folder.path(), group.unwrap_or_default()), Some(2000));
        assert_eq!(control_groups(folder.path(), "/"), Some(8000));
        Ok(())
    }
}
