//! The boards, with the memory and the processor they have.
//!
//! Figures are those of ST's user manuals and data sheets, named with each board. Internal RAM is the sum of the memories
//! that data can lie in, backup memory left out; it is several banks on most devices, and the application needs part of it.
//! Clocks are the highest of the data sheet.

use contract::suggest;

/// A board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Board {
    /// Its order code, as `benchmarking.board` names it.
    pub name: &'static str,
    /// The processor core that would run the model.
    pub core: &'static str,
    /// Its highest clock, MHz.
    pub clock_mhz: u32,
    /// RAM, bytes.
    pub ram: Memory,
    /// Flash, bytes; none where a model is a file on a card or an eMMC, which is no limit worth telling.
    pub flash: Option<Memory>,
    /// Where the figures come from.
    pub source: &'static str,
}

/// Memory by where it is, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// In the device itself.
    pub internal: u64,
    /// On the board: larger, slower.
    pub external: u64,
}

impl Board {
    /// The board of that name, in any letter case.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        BOARDS.iter().find(|board| board.name.eq_ignore_ascii_case(name.trim()))
    }

    /// The known name that is nearest to one that is not, if any is near.
    #[must_use]
    pub fn nearest(name: &str) -> Option<&'static str> {
        let name = name.trim().to_ascii_uppercase();
        // Half a name may be missing: `STM32H747I` for `STM32H747I-DISCO`.
        let starts = |board: &&Self| name.len() >= 5 && board.name.contains(&name);
        let names = || BOARDS.iter().map(|board| board.name);
        BOARDS.iter().find(starts).map(|board| board.name).or_else(|| suggest::nearest(&name, names()))
    }

    /// A microprocessor under Linux, rather than a microcontroller.
    #[must_use]
    pub fn is_microprocessor(&self) -> bool {
        self.flash.is_none()
    }
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

const fn kib(internal: u64, external: u64) -> Memory {
    Memory { internal: internal * KIB, external: external * KIB }
}

/// A microcontroller's board: internal and external RAM, then flash, all in KiB.
const fn microcontroller(
    name: &'static str,
    (core, clock_mhz): (&'static str, u32),
    ram: (u64, u64),
    flash: (u64, u64),
    source: &'static str,
) -> Board {
    let (ram, flash) = (kib(ram.0, ram.1), Some(kib(flash.0, flash.1)));
    Board { name, core, clock_mhz, ram, flash, source }
}

/// A microprocessor's board with so many MiB of DDR memory.
const fn microprocessor(
    name: &'static str,
    (core, clock_mhz): (&'static str, u32),
    ddr: u64,
    source: &'static str,
) -> Board {
    let ram = Memory { internal: 0, external: ddr * MIB };
    Board { name, core, clock_mhz, ram, flash: None, source }
}

/// All boards that `benchmarking.board` may name.
pub const BOARDS: [Board; 16] = [
    // 4224 KiB from AXISRAM1 to VENCRAM without a gap ("4.2 Mbytes"); no internal flash; 256-Mbit PSRAM, 1-Gbit flash. Its
    // neural accelerator is not looked at.
    microcontroller(
        "STM32N6570-DK",
        ("Cortex-M55", 800),
        (4224, 32 << 10),
        (0, 128 << 10),
        "UM3300; RM0486, memory organization",
    ),
    // 864 KiB of SRAM and 192 KiB of TCM; 256-Mbit SDRAM, two 512-Mbit flashes. The second core, a Cortex-M4, is left out.
    microcontroller(
        "STM32H747I-DISCO",
        ("Cortex-M7", 480),
        (1056, 32 << 10),
        (2048, 128 << 10),
        "UM2411; STM32H747xI data sheet",
    ),
    // 1184 KiB of SRAM and 192 KiB of TCM; 128-Mbit SDRAM, 512-Mbit flash.
    microcontroller(
        "STM32H7B3I-DK",
        ("Cortex-M7", 280),
        (1376, 16 << 10),
        (2048, 64 << 10),
        "UM2569; STM32H7B3xI data sheet",
    ),
    // 320 KiB of SRAM and 64 KiB of CCM; 128-Mbit SDRAM, 128-Mbit flash.
    microcontroller(
        "STM32F469I-DISCO",
        ("Cortex-M4", 180),
        (384, 16 << 10),
        (2048, 16 << 10),
        "UM1932; STM32F469xx data sheet",
    ),
    // SRAM1 to SRAM4; 64-Mbit PSRAM, 512-Mbit flash.
    microcontroller(
        "B-U585I-IOT02A",
        ("Cortex-M33", 160),
        (784, 8 << 10),
        (2048, 64 << 10),
        "UM2839; STM32U585xx data sheet",
    ),
    // 4 MiB of PSRAM (PSRAM_DEVICE_SIZE of ST's board support package), 512-Mbit flash.
    microcontroller(
        "STM32L4R9I-DISCO",
        ("Cortex-M4", 120),
        (640, 4 << 10),
        (2048, 64 << 10),
        "UM2271; STM32L4R9xx data sheet; 32l4r9idiscovery board support package",
    ),
    // 864 KiB of SRAM and 192 KiB of TCM.
    microcontroller(
        "NUCLEO-H743ZI2",
        ("Cortex-M7", 480),
        (1056, 0),
        (2048, 0),
        "UM2407; STM32H743xI data sheet",
    ),
    // 432 KiB of system RAM and 128 KiB of DTCM; 128-Mbit HyperRAM, 512-Mbit flash.
    microcontroller(
        "STM32H735G-DK",
        ("Cortex-M7", 550),
        (560, 16 << 10),
        (1024, 64 << 10),
        "UM2679; STM32H735xG data sheet",
    ),
    // 512 KiB of SRAM, DTCM included, and 16 KiB of ITCM; 128-Mbit SDRAM, 512-Mbit flash.
    microcontroller(
        "STM32F769I-DISCO",
        ("Cortex-M7", 216),
        (528, 16 << 10),
        (2048, 64 << 10),
        "UM2033; STM32F769xx data sheet",
    ),
    // 96 KiB of SRAM and 32 KiB of CCM.
    microcontroller(
        "NUCLEO-G474RE",
        ("Cortex-M4", 170),
        (128, 0),
        (512, 0),
        "UM2505; STM32G474xE data sheet",
    ),
    microcontroller("NUCLEO-F401RE", ("Cortex-M4", 84), (96, 0), (512, 0), "UM1724; STM32F401xE data sheet"),
    // 320 KiB of SRAM, DTCM included, and 16 KiB of ITCM; of the 128-Mbit SDRAM 64 Mbit can be reached; 128-Mbit flash.
    microcontroller(
        "STM32F746G-DISCO",
        ("Cortex-M7", 216),
        (336, 8 << 10),
        (1024, 16 << 10),
        "UM1907; STM32F746xx data sheet",
    ),
    // Two 16-Gbit DDR4.
    microprocessor(
        "STM32MP257F-EV1",
        ("2x Cortex-A35", 1500),
        4096,
        "UM3359; Linux device tree of the board",
    ),
    // 32-Gbit LPDDR4.
    microprocessor(
        "STM32MP257F-DK2",
        ("2x Cortex-A35", 1500),
        4096,
        "UM3385; Linux device tree of the board",
    ),
    // 4-Gbit DDR3L.
    microprocessor("STM32MP157F-DK2", ("2x Cortex-A7", 800), 512, "UM2637; STM32MP157F data sheet"),
    // 4-Gbit DDR3L.
    microprocessor("STM32MP135F-DK", ("Cortex-A7", 1000), 512, "UM2993; STM32MP135F data sheet"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_board_has_one_name_in_capitals_and_its_source() {
        let names: BTreeSet<&str> = BOARDS.iter().map(|board| board.name).collect();
        assert_eq!(names.len(), BOARDS.len());
        for board in &BOARDS {
            assert_eq!(board.name, board.name.to_ascii_uppercase());
            assert_eq!(Board::find(&board.name.to_lowercase()), Some(board));
            assert!(board.source.starts_with("UM"), "{}", board.name);
            assert_eq!(board.is_microprocessor(), board.name.starts_with("STM32MP"));
            assert!(board.ram.internal + board.ram.external >= 96 * KIB);
        }
    }

    #[test]
    fn the_nearest_board_is_found_from_a_slip_or_a_part_of_its_name() {
        let nearest = ["STM32H747-DISCO", "stm32h747i", "NUCLEO-H743ZI", "STM32N6", "Raspberry Pi", ""]
            .map(Board::nearest);
        let expected = [
            Some("STM32H747I-DISCO"),
            Some("STM32H747I-DISCO"),
            Some("NUCLEO-H743ZI2"),
            Some("STM32N6570-DK"),
            None,
            None,
        ];
        assert_eq!(nearest, expected);
    }
}
