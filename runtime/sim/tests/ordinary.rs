//! Ordinary kernels: what LLVM makes of reductions and of elementwise code on many types (`ptx/*.ll`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says so when it fails")]

mod support;

use half::{bf16, f16};
use ocellus_sim::{Memory, Problem, Settings};
use support::{Parameters, Run, found, ptx, run_kernel};

fn words(memory: &Memory, address: u64, count: usize) -> Vec<u32> {
    let mut bytes = vec![0; count * 4];
    assert_eq!(memory.first_unwritten(address, bytes.len() as u64), Ok(None));
    memory.read(address, &mut bytes).unwrap();
    bytes.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect()
}

fn write(memory: &Memory, bytes: Vec<u8>) -> u64 {
    let address = memory.allocate(bytes.len() as u64).unwrap();
    memory.write(address, &bytes).unwrap();
    address
}

/// A softmax of three rows, as f64 and as the kernel gives it.
fn softmax(text: &str, columns: usize) -> Result<Vec<(f64, f64)>, ocellus_sim::LaunchError> {
    let memory = Memory::new(1 << 24);
    let values: Vec<f32> =
        support::numbers(3 * columns, 9).iter().map(|value| value.to_f32() * 5.0).collect();
    let input = write(&memory, values.iter().flat_map(|value| value.to_le_bytes()).collect());
    let out = memory.allocate((3 * columns * 4) as u64).unwrap();
    let run = Run {
        blocks: [3, 1, 1],
        threads: 128,
        shared: 0,
        parameters: Parameters::default().long(input).long(out).word(columns as u32),
    };
    run_kernel(text, &run, &memory, &Settings::default())?;
    let answers = words(&memory, out, 3 * columns);
    let wanted = values.chunks(columns).flat_map(|row| {
        let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights: Vec<f64> = row.iter().map(|x| f64::from(x - top).exp()).collect();
        let total: f64 = weights.iter().sum();
        weights.into_iter().map(move |weight| weight / total)
    });
    Ok(answers.iter().map(|bits| f64::from(f32::from_bits(*bits))).zip(wanted).collect())
}

#[test]
fn a_softmax_of_rows() {
    for columns in [1, 31, 128, 300] {
        for (answer, wanted) in softmax(&ptx("rows"), columns).unwrap() {
            // Exponents of up to 15 lose four bits of the fraction's 24.
            assert!(
                (answer - wanted).abs() <= wanted * 2f64.powi(-18),
                "{columns}: {answer}, {wanted}"
            );
        }
    }
}

#[test]
fn a_softmax_without_one_of_its_barriers() {
    let text = ptx("rows");
    let lines: Vec<&str> = text.lines().collect();
    let barriers: Vec<usize> =
        (0..lines.len()).filter(|line| lines[*line].trim().starts_with("bar.sync")).collect();
    assert_eq!(barriers.len(), 3);
    for barrier in barriers {
        let mut left = lines.clone();
        left.remove(barrier);
        let outcome = softmax(&left.join("\n"), 300).map(|_| ocellus_sim::Report::default());
        assert!(matches!(found(outcome).problem, Problem::SharedRace | Problem::Uninitialized));
    }
}

#[test]
fn elementwise_code_on_many_types() {
    let count = 100usize;
    let memory = Memory::new(1 << 20);
    let bytes: Vec<u8> = (0..count).map(|i| (i * 37 % 256) as u8).collect();
    let halves: Vec<f16> = (0..count).map(|i| f16::from_f32(i as f32 * 0.03 - 1.0)).collect();
    let pairs: Vec<[bf16; 2]> = (0..count)
        .map(|i| [i as f32 * 0.02 - 1.0, 2.0 - i as f32 * 0.05].map(bf16::from_f32))
        .collect();
    let doubles: Vec<f64> = (0..count).map(|i| i as f64 * 1.7 - 40.0).collect();
    let parameters = Parameters::default()
        .long(write(&memory, bytes.clone()))
        .long(write(&memory, halves.iter().flat_map(|x| x.to_le_bytes()).collect()))
        .long(write(&memory, pairs.iter().flatten().flat_map(|x| x.to_le_bytes()).collect()))
        .long(write(&memory, doubles.iter().flat_map(|x| x.to_le_bytes()).collect()));
    let out = memory.allocate(count as u64 * 8).unwrap();
    let parameters = parameters.long(out).word(count as u32).word(1).word(1000).word(3);
    let run = Run { blocks: [2, 1, 1], threads: 64, shared: 0, parameters };
    run_kernel(&ptx("mixed"), &run, &memory, &Settings::default()).unwrap();
    let answers = words(&memory, out, count * 2);
    for i in 0..count {
        let h = halves[i].to_f64();
        let half = f16::from_f64(h * h + 1.0).to_f32();
        let [p0, p1] =
            pairs[i].map(|p| bf16::from_f64(p.to_f64() * p.to_f64() + p.to_f64()).to_f32());
        let double = (doubles[i] / 3.0) as f32;
        let tanh = f64::from(p0).tanh() as f32;
        let sum = tanh + (f32::from(bytes[i]).sqrt() + half + p1 + double);
        let index = i as u32;
        let bits = u32::from(bytes[i].saturating_add(100)).count_ones()
            ^ (i as u64).leading_zeros()
            ^ index.rotate_left(7)
            ^ index.reverse_bits()
            ^ index.swap_bytes()
            ^ (i as u64 * 12_345_678_901 % 1_000_003) as u32;
        let whole = bits.wrapping_add((sum as i32 / 7) as u32).wrapping_add(1000);
        assert_eq!(answers[2 * i], whole, "element {i}");
        assert_eq!(answers[2 * i + 1], u32::from(bf16::from_f32(sum).to_bits()), "element {i}");
    }
}
