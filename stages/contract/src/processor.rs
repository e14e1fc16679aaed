//! What a machine's processor is called.

/// The processor's name in the text of Linux' `/proc/cpuinfo`: `model name` on x86-64; on aarch64, whose kernel has no
/// name for it, the numbers of implementer, part and revision. Nothing when the text has neither.
#[must_use]
pub fn processor(cpuinfo: &str) -> Option<String> {
    let field = |name: &str| {
        let mut fields = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        let found = fields.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
        found.filter(|value| !value.is_empty())
    };
    if let Some(name) = field("model name") {
        return Some(name.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let [implementer, part, revision] = ["CPU implementer", "CPU part", "CPU revision"].map(field);
    Some(format!("CPU {} part {} revision {}", implementer?, part?, revision?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_named_by_its_model_or_by_its_numbers() {
        let x86 = "processor\t: 0\nmodel name\t: Some  CPU @ 2.00GHz\nprocessor\t: 1\nmodel name\t: Other\n";
        assert_eq!(processor(x86).as_deref(), Some("Some CPU @ 2.00GHz"));
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\nCPU revision\t: 1\n";
        assert_eq!(processor(arm).as_deref(), Some("CPU 0x41 part 0xd40 revision 1"));
        assert_eq!(processor("processor: 0\n"), None);
    }
}
