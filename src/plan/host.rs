//! What a measurement tells of: the machine and the program.

use crate::store::Digest;
use std::{path::Path, sync::OnceLock};

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
    model(&text).unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// `model name` on x86-64; on aarch64 the numbers that stand for implementer, part and revision.
fn model(cpuinfo: &str) -> Option<String> {
    let field = |name: &str| {
        cpuinfo.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim() == name).then(|| value.trim().to_owned())
        })
    };
    field("model name").or_else(|| {
        let [implementer, part, revision] = ["CPU implementer", "CPU part", "CPU revision"].map(&field);
        Some(format!("CPU {} part {} revision {}", implementer?, part?, revision?))
    })
}

/// The digest of the running program. One that cannot be read is told by its version, which is less than its bytes say.
fn program() -> String {
    match Digest::of_file(Path::new("/proc/self/exe")) {
        Ok((digest, _)) => digest.to_string(),
        Err(_) => concat!("version ", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named_by_its_model_or_by_its_numbers() {
        let x86 = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 9R14\n";
        assert_eq!(model(x86).as_deref(), Some("AMD EPYC 9R14"));
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\nCPU revision\t: 1\n";
        assert_eq!(model(arm).as_deref(), Some("CPU 0x41 part 0xd40 revision 1"));
        assert_eq!(model("processor: 0\n"), None);
    }

    #[test]
    fn a_description_is_the_same_each_time() {
        assert_eq!(description(), description());
    }
}
