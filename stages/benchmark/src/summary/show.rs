//! A model file for people.

use super::described::{Described, DescribedLayer, End, Totals};
use crate::fit::kib;
use contract::Page;

impl Described<'_> {
    /// A line, the layers, the totals.
    pub(super) fn page(&self) -> Page {
        let Self { file, name, totals: Totals { layers, .. }, .. } = self;
        let kind = if self.quantized { "integers" } else { "floats" };
        let page = Page::default().text(format!("{file}: {name}, {layers} layers, computes with {kind}\n\n"));
        let page = match self.quantized {
            true => page.table(
                &[
                    "#",
                    "layer",
                    "class",
                    "output",
                    "type",
                    "scale",
                    "zero point",
                    "weights",
                    "parameters",
                    "MACs",
                ],
                self.layers.iter().map(DescribedLayer::integer_row).collect(),
                &[0, 5, 6, 8, 9],
            ),
            false => page.table(
                &["#", "layer", "class", "output", "parameters", "MACs"],
                self.layers.iter().map(DescribedLayer::float_row).collect(),
                &[0, 4, 5],
            ),
        };
        page.text(format!("\n{}", self.totals_text()))
    }

    fn totals_text(&self) -> String {
        let Totals { parameters, trainable, non_trainable, macs, weight_bytes, file_bytes, .. } =
            &self.totals;
        let input = self.input.as_ref().map(End::line).unwrap_or_default();
        let split = match (trainable, non_trainable) {
            (Some(trainable), Some(other)) => format!(", {trainable} trainable and {other} not"),
            _ => String::new(),
        };
        format!(
            "input       {input}\n\
             output      {}\n\
             parameters  {parameters}{split}\n\
             MACs        {macs} ({:.3} M) for one image\n\
             size        {:.1} KiB of weights; the file has {:.1} KiB\n",
            self.output.line(),
            *macs as f64 / 1e6,
            kib(*weight_bytes),
            kib(*file_bytes),
        )
    }
}

impl End<'_> {
    /// `image 128x128x3 uint8, scale 0.0078431, zero point 127`.
    fn line(&self) -> String {
        let Self { layer, tensor } = self;
        let scale = match tensor.quantization.as_ref().map(|quant| (quant.scales, quant.zero_points)) {
            Some(([one], [zero])) => format!(", scale {}, zero point {zero}", scale(*one)),
            _ => String::new(),
        };
        format!("{} {} {}{scale}", shortened(layer), tensor.size(), tensor.element)
    }
}

impl DescribedLayer<'_> {
    fn float_row(&self) -> Vec<String> {
        let mut row = self.first_cells();
        row.extend(self.last_cells());
        row
    }

    fn integer_row(&self) -> Vec<String> {
        let mut row = self.first_cells();
        let quant = self.output.quantization.as_ref();
        row.push(self.output.element.to_owned());
        row.push(quant.and_then(|quant| quant.scales.first()).map(|one| scale(*one)).unwrap_or_default());
        row.push(
            quant.and_then(|quant| quant.zero_points.first()).map(ToString::to_string).unwrap_or_default(),
        );
        row.push(self.kernel());
        row.extend(self.last_cells());
        row
    }

    fn first_cells(&self) -> Vec<String> {
        vec![self.index.to_string(), shortened(self.name), self.class.to_owned(), self.output.size()]
    }

    fn last_cells(&self) -> [String; 2] {
        // Zeros would hide where the numbers are.
        [self.parameters, self.macs].map(|count| if count == 0 { String::new() } else { count.to_string() })
    }

    /// `int8, 16 scales`, as the kernel is; a bias is always of 32 bits.
    fn kernel(&self) -> String {
        let Some(kernel) = self.weights.first() else { return String::new() };
        match kernel.quantization.as_ref().map(|quant| quant.scales) {
            None | Some([]) => kernel.element.to_owned(),
            Some([one]) => format!("{}, scale {}", kernel.element, scale(*one)),
            Some(many) => format!("{}, {} scales", kernel.element, many.len()),
        }
    }
}

/// Longest name in a table, characters.
const LONGEST: usize = 48;

/// The telling end of a long name. Converters call an operator after all layers that became it, with the ways to them.
fn shortened(name: &str) -> String {
    let first = name.split(';').next().unwrap_or(name);
    let count = first.chars().count();
    match count > LONGEST {
        true => format!("…{}", first.chars().skip(count + 1 - LONGEST).collect::<String>()),
        false => first.to_owned(),
    }
}

/// With five digits that count.
fn scale(scale: f32) -> String {
    let places = (4 - f64::from(scale.abs()).log10().floor() as i64).clamp(0, 12);
    format!("{scale:.*}", places as usize)
}
