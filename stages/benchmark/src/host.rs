//! The processor of this machine.

/// Its model as the kernel tells it, for people who read a time.
pub(crate) fn processor() -> String {
    let text = fs_err::read_to_string("/proc/cpuinfo").unwrap_or_default();
    contract::processor(&text).unwrap_or_else(|| format!("{} processor", std::env::consts::ARCH))
}
