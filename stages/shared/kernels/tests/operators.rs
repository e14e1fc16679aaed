//! Each int8 operator against LiteRT's reference kernels, tolerance zero, on the cases of `tests/int8/generate.py`.

use formats::tflite;
use kernels::Interpreter;
use model::{Data, DataType, Tensor};
use std::path::PathBuf;

fn case_file(name: &str, ending: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/int8").join(format!("{name}.{ending}"));
    fs_err::read(path).unwrap()
}

fn typed(bytes: &[u8], data_type: DataType) -> Data {
    let words = bytes.as_chunks::<4>().0.iter().copied();
    match data_type {
        DataType::F32 => Data::F32(words.map(f32::from_le_bytes).collect()),
        DataType::I32 => Data::I32(words.map(i32::from_le_bytes).collect()),
        DataType::U8 => Data::U8(bytes.to_vec()),
        DataType::I8 => Data::I8(bytes.iter().map(|&byte| byte.cast_signed()).collect()),
    }
}

fn agrees(name: &str) {
    let interpreter = Interpreter::new(&tflite::read(&case_file(name, "tflite")).unwrap()).unwrap();
    let (input, output) = (interpreter.input_type(), interpreter.output_type());
    let image = Tensor {
        shape: std::iter::once(1).chain(input.shape.iter().copied()).collect(),
        data: typed(&case_file(name, "in"), input.data_type),
        quant: None,
    };
    let expected = typed(&case_file(name, "out"), output.data_type);
    assert_eq!(interpreter.run(&image).unwrap().data, expected, "{name}");
}

macro_rules! cases {
    ($($test:ident: $name:ident),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                agrees(stringify!($name));
            }
        )*
    };
}

cases! {
    a_convolution_pads_odd_images_on_both_sides: conv_same_stride,
    a_convolution_pads_even_images_behind: conv_even_stride,
    a_dilated_convolution_without_padding_agrees: conv_valid_dilated,
    a_pointwise_convolution_agrees: conv_pointwise,
    a_convolution_of_one_row_agrees: conv_no_bias,
    a_depthwise_convolution_keeps_its_dilation: depthwise_dilated,
    a_depthwise_convolution_with_stride_agrees: depthwise_stride,
    a_depthwise_convolution_without_padding_agrees: depthwise_valid,
    a_sum_brings_both_operands_to_one_scale: add,
    a_sum_is_cut_by_its_activation: add_relu,
    a_mean_that_keeps_its_axes_agrees: mean,
    a_mean_that_drops_its_axes_agrees: mean_flat,
    a_concatenation_agrees: concat,
    a_resize_has_ten_bits_of_position: resize_bilinear,
    padding_is_the_zero_point: pad,
    floats_are_quantized_with_halves_away_from_zero: borders_float,
    unsigned_bytes_are_moved_to_signed_and_back: borders_uint8,
    unsigned_bytes_become_floats: border_mixed,
}
