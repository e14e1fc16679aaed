//! Convolution kernels between the file's layouts and the graph's.

use model::{Data, Quant, Tensor};

/// From `[out, h, w, in]` to `[h, w, in, out]`; also the new shape. None when the tensor is no such kernel.
pub(super) fn to_hwio(kernel: &Tensor) -> Option<(Tensor, [usize; 4])> {
    let &[out, h, w, input] = &kernel.shape[..] else { return None };
    let shape = [h, w, input, out];
    let quant = move_axis(kernel.quant.as_ref(), 0, 3)?;
    Some((Tensor { shape: shape.to_vec(), data: transpose(&kernel.data, out, h * w * input), quant }, shape))
}

/// From `[h, w, in, out]` to `[out, h, w, in]`.
pub(super) fn to_ohwi(kernel: &Tensor) -> Option<Tensor> {
    let &[h, w, input, out] = &kernel.shape[..] else { return None };
    let quant = move_axis(kernel.quant.as_ref(), 3, 0)?;
    Some(Tensor { shape: vec![out, h, w, input], data: transpose(&kernel.data, h * w * input, out), quant })
}

/// From `[1, h, w, channels * multiplier]` to `[h, w, channels, multiplier]`; also the new shape. The elements stay in
/// their order.
pub(super) fn to_hwcm(kernel: Tensor, channels: usize) -> Option<(Tensor, [usize; 4])> {
    let &[1, h, w, out] = &kernel.shape[..] else { return None };
    if channels == 0 || out == 0 || out % channels != 0 {
        return None;
    }
    let shape = [h, w, channels, out / channels];
    // Scales for each output channel run along one axis only when the other has one element.
    let axis = if shape[3] == 1 { Some(2) } else { (channels == 1).then_some(3) };
    let quant = match (&kernel.quant, axis) {
        (Some(quant), None) if quant.axis.is_some() => return None,
        (quant, axis) => move_axis(quant.as_ref(), 3, axis.unwrap_or(3))?,
    };
    Some((Tensor { shape: shape.to_vec(), data: kernel.data, quant }, shape))
}

/// From `[h, w, channels, multiplier]` to `[1, h, w, channels * multiplier]`.
pub(super) fn to_1hwc(kernel: &Tensor) -> Option<Tensor> {
    let &[h, w, channels, multiplier] = &kernel.shape[..] else { return None };
    let axis = if multiplier == 1 { 2 } else { 3 };
    if axis == 3 && channels != 1 && kernel.quant.as_ref().is_some_and(|quant| quant.axis.is_some()) {
        return None;
    }
    let quant = move_axis(kernel.quant.as_ref(), axis, 3)?;
    Some(Tensor { shape: vec![1, h, w, channels * multiplier], data: kernel.data.clone(), quant })
}

/// Scales along axis `from` run along `to` afterwards; none (outside) when they run along another axis.
#[expect(
    clippy::option_option,
    reason = "the outer says whether the axis fits, the inner is the tensor's own"
)]
fn move_axis(quant: Option<&Quant>, from: usize, to: usize) -> Option<Option<Quant>> {
    match quant {
        Some(Quant { axis: Some(axis), .. }) if *axis != from => None,
        Some(quant) => Some(Some(Quant { axis: quant.axis.map(|_| to), ..quant.clone() })),
        None => Some(None),
    }
}

fn transpose(data: &Data, rows: usize, columns: usize) -> Data {
    fn swap<T: Copy>(values: &[T], rows: usize, columns: usize) -> Vec<T> {
        (0..columns).flat_map(|c| (0..rows).map(move |r| values[r * columns + c])).collect()
    }
    match data {
        Data::F32(values) => Data::F32(swap(values, rows, columns)),
        Data::I8(values) => Data::I8(swap(values, rows, columns)),
        Data::U8(values) => Data::U8(swap(values, rows, columns)),
        Data::I32(values) => Data::I32(swap(values, rows, columns)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_there_and_back_are_the_same() {
        let data: Vec<i8> = (0..3 * 2 * 2 * 5).collect();
        let quant = Quant { scales: vec![1.0, 2.0, 3.0], zero_points: vec![0; 3], axis: Some(0) };
        let kernel = Tensor { shape: vec![3, 2, 2, 5], data: Data::I8(data), quant: Some(quant) };
        let (there, shape) = to_hwio(&kernel).unwrap();
        assert_eq!(shape, [2, 2, 5, 3]);
        assert_eq!(there.quant.as_ref().unwrap().axis, Some(3));
        // Element [h, w, i, o] = [1, 0, 4, 2] was [2, 1, 0, 4].
        let Data::I8(values) = &there.data else { panic!("a transposed kernel keeps its type") };
        assert_eq!(values[(2 * 5 + 4) * 3 + 2], (2 * 2 + 1) * 2 * 5 + 4);
        assert_eq!(to_ohwi(&there).unwrap(), kernel);
    }

    #[test]
    fn a_depthwise_kernel_with_a_multiplier_cannot_have_a_scale_per_output_channel() {
        let quant = Quant { scales: vec![1.0; 4], zero_points: vec![0; 4], axis: Some(3) };
        let kernel = Tensor { shape: vec![1, 1, 1, 4], data: Data::I8(vec![1, 2, 3, 4]), quant: Some(quant) };
        assert!(to_hwcm(kernel.clone(), 2).is_none());
        let (single, _) = to_hwcm(kernel, 4).unwrap();
        assert_eq!(single.quant.unwrap().axis, Some(2));
    }
}
