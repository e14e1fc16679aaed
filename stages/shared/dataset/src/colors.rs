//! The Pascal VOC colour table.

/// Colour of a mask value: the bits of the value dealt to red, green and blue, most significant first (VOC development
/// kit, `VOClabelcolormap.m`). 255, void, is (224, 224, 192).
pub(crate) fn voc_color(value: u8) -> [u8; 3] {
    let mut color = [0; 3];
    let mut rest = value;
    for bit in (0..8).rev() {
        for (channel, component) in color.iter_mut().enumerate() {
            *component |= (rest >> channel & 1) << bit;
        }
        rest >>= 3;
    }
    color
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_are_those_of_the_development_kit() {
        assert_eq!(voc_color(0), [0, 0, 0]);
        assert_eq!(voc_color(1), [128, 0, 0]);
        assert_eq!(voc_color(15), [192, 128, 128]);
        assert_eq!(voc_color(20), [0, 64, 128]);
        assert_eq!(voc_color(255), [224, 224, 192]);
    }
}
