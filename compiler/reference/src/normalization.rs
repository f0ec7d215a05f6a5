//! Operations on one row at a time: layer norm, RMS norm, softmax.

use ocellus_dialects::HostTensor;

/// `(x - mean) / sqrt(variance + eps) * gain + bias`, where there are gain and bias.
pub(super) fn layer_norm(
    x: &HostTensor,
    affine: Option<(&HostTensor, &HostTensor)>,
    eps: f64,
    out: &mut HostTensor,
) {
    each_row(x, out, |row, out| {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / row.len() as f64;
        let deviation = (variance + eps).sqrt();
        for (i, x) in row.iter().enumerate() {
            let standard = (x - mean) / deviation;
            out[i] = match affine {
                Some((gain, bias)) => standard * f64::from(gain.data[i]) + f64::from(bias.data[i]),
                None => standard,
            } as f32;
        }
    });
}

/// `x / sqrt(mean(x^2) + eps) * gain`, where there is a gain.
pub(super) fn rms_norm(x: &HostTensor, gain: Option<&HostTensor>, eps: f64, out: &mut HostTensor) {
    each_row(x, out, |row, out| {
        let mean_square = row.iter().map(|x| x * x).sum::<f64>() / row.len() as f64;
        let root = (mean_square + eps).sqrt();
        for (i, x) in row.iter().enumerate() {
            let gain = gain.map_or(1.0, |gain| f64::from(gain.data[i]));
            out[i] = (x / root * gain) as f32;
        }
    });
}

/// `1 / sqrt(variance + eps)`, or of the mean square where it is not centred.
pub(super) fn norm_scale(x: &HostTensor, centred: bool, eps: f64, out: &mut HostTensor) {
    let width = x.shape.last().copied().unwrap_or(1);
    for (row, out) in x.data.chunks_exact(width).zip(&mut out.data) {
        let row = row.iter().map(|x| f64::from(*x));
        let mean = if centred { row.clone().sum::<f64>() / width as f64 } else { 0.0 };
        let square = row.map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
        *out = (1.0 / (square + eps).sqrt()) as f32;
    }
}

/// `x - mean`.
pub(super) fn centre(x: &HostTensor, out: &mut HostTensor) {
    each_row(x, out, |row, out| {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        out.iter_mut().zip(row).for_each(|(out, x)| *out = (x - mean) as f32);
    });
}

/// `exp(x - max) / sum(exp(x - max))`.
pub(super) fn softmax(x: &HostTensor, out: &mut HostTensor) {
    each_row(x, out, |row, out| {
        let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let exponentials: Vec<f64> = row.iter().map(|x| (x - max).exp()).collect();
        let sum: f64 = exponentials.iter().sum();
        for (out, exponential) in out.iter_mut().zip(exponentials) {
            *out = (exponential / sum) as f32;
        }
    });
}

fn each_row(x: &HostTensor, out: &mut HostTensor, compute: impl Fn(&[f64], &mut [f32])) {
    let width = x.shape.last().copied().unwrap_or(1);
    for (row, out) in x.data.chunks_exact(width).zip(out.data.chunks_exact_mut(width)) {
        let row: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
        compute(&row, out);
    }
}

#[cfg(test)]
mod tests {
    use crate::evaluate_op;
    use ocellus_dialects::HostTensor;
    use ocellus_dialects::venc::Op;

    fn tensor(shape: &[usize], data: &[f32]) -> HostTensor {
        HostTensor::new(shape.to_vec(), data.to_vec()).unwrap()
    }

    fn assert_close(op: Op, operands: &[&HostTensor], expected: &[f32]) {
        let given = evaluate_op(&op, operands, &Default::default()).unwrap().data;
        for (given, expected) in given.iter().zip(expected) {
            // One rounding to f32 on each side.
            assert!((given - expected).abs() <= 2.0 * f32::EPSILON * expected.abs(), "{given}");
        }
        assert_eq!(given.len(), expected.len());
    }

    #[test]
    fn without_weights_a_norm_is_that_with_ones_and_zeros() {
        let x = tensor(&[2, 3], &[1.0, 4.0, -2.0, 0.5, 0.0, 3.0]);
        let (ones, zeros) = (tensor(&[3], &[1.0; 3]), tensor(&[3], &[0.0; 3]));
        let evaluate = |op: &Op, operands: &[&HostTensor]| {
            evaluate_op(op, operands, &Default::default()).unwrap().data
        };
        let layer_norm = Op::LayerNorm { eps: 1e-6 };
        assert_eq!(evaluate(&layer_norm, &[&x]), evaluate(&layer_norm, &[&x, &ones, &zeros]));
        let rms_norm = Op::RmsNorm { eps: 1e-6 };
        assert_eq!(evaluate(&rms_norm, &[&x]), evaluate(&rms_norm, &[&x, &ones]));
        let error = evaluate_op(&layer_norm, &[&x, &ones], &Default::default()).unwrap_err();
        assert!(error.to_string().contains("takes `x`, or `x`, `gain` and `bias`"), "{error}");
    }

    #[test]
    fn layer_norm_of_a_row_worked_out_by_hand() {
        // Mean 4, variance 9 (of 1, 4, 7 it is 6, so eps makes it 9): the row becomes -1, 0, 1.
        let x = tensor(&[1, 3], &[1.0, 4.0, 7.0]);
        let gain = tensor(&[3], &[2.0, 5.0, 0.5]);
        let bias = tensor(&[3], &[10.0, 20.0, 30.0]);
        assert_close(Op::LayerNorm { eps: 3.0 }, &[&x, &gain, &bias], &[8.0, 20.0, 30.5]);
    }

    #[test]
    fn layer_norm_survives_a_mean_far_above_the_deviation() {
        let x = tensor(&[1, 2], &[1.0e6, 1.0e6 + 2.0]);
        let [ones, zeros] = [tensor(&[2], &[1.0; 2]), tensor(&[2], &[0.0; 2])];
        assert_close(Op::LayerNorm { eps: 0.0 }, &[&x, &ones, &zeros], &[-1.0, 1.0]);
    }

    #[test]
    fn rms_norm_divides_by_the_root_of_the_mean_square() {
        // The mean square of 1 and 7 is 25.
        let x = tensor(&[1, 2], &[1.0, 7.0]);
        assert_close(Op::RmsNorm { eps: 0.0 }, &[&x, &tensor(&[2], &[5.0, 10.0])], &[1.0, 14.0]);
    }

    #[test]
    fn a_norm_is_its_scale_times_the_row_centred_or_not() {
        let x = tensor(&[1, 3], &[1.0, 4.0, 7.0]);
        assert_close(Op::Centre, &[&x], &[-3.0, 0.0, 3.0]);
        assert_close(Op::NormScale { centred: true, eps: 3.0 }, &[&x], &[1.0 / 3.0]);
        // The mean square is 22.
        assert_close(Op::NormScale { centred: false, eps: 3.0 }, &[&x], &[0.2]);
    }

    #[test]
    fn softmax_is_not_moved_by_a_constant() {
        // exp(ln 2) and exp(0) weigh 2 to 1; a large constant would overflow without the maximum taken off.
        let ln2 = std::f32::consts::LN_2;
        let x = tensor(&[2, 2], &[ln2, 0.0, 1000.0, 1000.0]);
        assert_close(Op::Softmax, &[&x], &[2.0 / 3.0, 1.0 / 3.0, 0.5, 0.5]);
    }
}
