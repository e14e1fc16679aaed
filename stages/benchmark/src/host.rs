//! The processor of this machine.

/// Its model as the kernel tells it, for people who read a time.
pub(crate) fn processor() -> String {
    let text = fs_err::read_to_string("/proc/cpuinfo").unwrap_or_default();
    model(&text).unwrap_or_else(|| format!("{} processor", std::env::consts::ARCH))
}

/// The name in `/proc/cpuinfo`; x86 has one, Arm kernels tell numbers of implementer and part.
fn model(cpuinfo: &str) -> Option<String> {
    let field = |key: &str| {
        let mut fields = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        let found = fields.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim());
        found.filter(|value| !value.is_empty())
    };
    if let Some(name) = field("model name") {
        return Some(name.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    Some(format!("Arm implementer {} part {}", field("CPU implementer")?, field("CPU part")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_read_from_the_kernels_text_of_x86_and_arm() {
        let x86 = "processor\t: 0\nmodel name\t: Some  CPU @ 2.00GHz\nprocessor\t: 1\nmodel name\t: Other\n";
        assert_eq!(model(x86).as_deref(), Some("Some CPU @ 2.00GHz"));
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n";
        assert_eq!(model(arm).as_deref(), Some("Arm implementer 0x41 part 0xd08"));
        assert_eq!(model("nothing"), None);
    }
}
