//! What the tests have in common: kernels from files, tensors in a memory, gemm and attention computed plainly.

#![allow(dead_code, reason = "each test uses some of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says so when it fails")]

use half::bf16;
use ocellus_sim::{
    Finding, Globals, Launch, LaunchError, Memory, Module, Problem, Report, Settings, launch,
};

/// The text of a kernel that the project's generators wrote.
pub fn ptx(name: &str) -> String {
    let path = format!("{}/tests/ptx/{name}.ptx", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The parameters of a launch, each at a multiple of its size.
#[derive(Clone, Default)]
pub struct Parameters(pub Vec<u8>);

impl Parameters {
    pub fn long(mut self, value: u64) -> Self {
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn word(mut self, value: u32) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn float(self, value: f32) -> Self {
        self.word(value.to_bits())
    }
}

/// A grid of a kernel.
#[derive(Clone)]
pub struct Run {
    pub blocks: [u32; 3],
    pub threads: u32,
    pub shared: u32,
    pub parameters: Parameters,
}

pub fn run_kernel(
    text: &str,
    run: &Run,
    memory: &Memory,
    settings: &Settings,
) -> Result<Report, LaunchError> {
    let module = Module::load(text).unwrap_or_else(|error| panic!("{error}"));
    let globals: Globals = module.place(memory).unwrap();
    let what = Launch {
        kernel: &module.kernels()[0],
        globals: &globals,
        blocks: run.blocks,
        threads: [run.threads, 1, 1],
        dynamic_shared: run.shared,
        parameters: &run.parameters.0,
        unfinished: None,
    };
    launch(&what, memory, settings)
}

/// The only finding of a launch.
pub fn found(outcome: Result<Report, LaunchError>) -> Finding {
    match outcome {
        Err(LaunchError::Found(mut findings)) => findings.remove(0),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("nothing was found"),
    }
}

/// The kinds of what a launch found.
pub fn problems(outcome: &Result<Report, LaunchError>) -> Vec<Problem> {
    match outcome {
        Err(LaunchError::Found(findings)) => {
            findings.iter().map(|finding| finding.problem).collect()
        }
        Err(other) => panic!("{other}"),
        Ok(_) => vec![],
    }
}

/// Numbers between -1 and 1 that look random.
pub fn numbers(count: usize, seed: u64) -> Vec<bf16> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |state: &mut u64| {
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((*state >> 40) as f32 / (1u64 << 23) as f32) - 1.0
    };
    (0..count).map(|_| bf16::from_f32(next(&mut state))).collect()
}

pub fn upload(memory: &Memory, values: &[bf16]) -> u64 {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let address = memory.allocate(bytes.len() as u64).unwrap();
    memory.write(address, &bytes).unwrap();
    address
}

pub fn download(memory: &Memory, address: u64, count: usize) -> Vec<bf16> {
    let mut bytes = vec![0; count * 2];
    assert_eq!(memory.first_unwritten(address, bytes.len() as u64), Ok(None));
    memory.read(address, &mut bytes).unwrap();
    bytes.chunks(2).map(|pair| bf16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// A gemm to be run: its sizes, the operands in a memory, and the answer in f64 with how far off each may be.
pub struct Gemm {
    pub memory: Memory,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub a: u64,
    pub b: u64,
    pub bias: u64,
    pub c: u64,
    /// The answers, and the sum of the magnitudes that each is a sum of.
    wanted: Vec<(f64, f64)>,
    wanted_with_bias: Vec<(f64, f64)>,
}

impl Gemm {
    pub fn new(m: usize, n: usize, k: usize) -> Self {
        let memory = Memory::new(1 << 30);
        let (a, b, bias) = (numbers(m * k, 1), numbers(n * k, 2), numbers(n, 3));
        let mut wanted = vec![];
        for row in 0..m {
            for column in 0..n {
                let products = (0..k).map(|i| a[row * k + i].to_f64() * b[column * k + i].to_f64());
                wanted.push(products.fold((0.0, 0.0), |(sum, all), x| (sum + x, all + x.abs())));
            }
        }
        let add = |(index, (sum, all)): (usize, &(f64, f64))| {
            let x = bias[index % n].to_f64();
            (sum + x, all + x.abs())
        };
        let wanted_with_bias = wanted.iter().enumerate().map(add).collect();
        let (a, b, bias) = (upload(&memory, &a), upload(&memory, &b), upload(&memory, &bias));
        let c = memory.allocate((m * n * 2) as u64).unwrap();
        Self { memory, m, n, k, a, b, bias, c, wanted, wanted_with_bias }
    }

    /// The parameters that all variants of the kernel have.
    pub fn parameters(&self) -> Parameters {
        let pointers = Parameters::default().long(self.a).long(self.b).long(self.c).long(self.bias);
        pointers.word(self.m as u32).word(self.n as u32).word(self.k as u32).word(self.k as u32)
    }

    pub fn run(&self, tile: [usize; 2], threads: u32, shared: u32) -> Run {
        let blocks = self.m.div_ceil(tile[0]) * self.n.div_ceil(tile[1]);
        Run { blocks: [blocks as u32, 1, 1], threads, shared, parameters: self.parameters() }
    }

    /// The answer is poisoned, as if the kernel had never run.
    pub fn forget(&self) {
        self.memory.forget(self.c, (self.m * self.n * 2) as u64).unwrap();
    }

    /// The worst answer: how often it is as far off as it may be.
    ///
    /// Products are exact in f32. A sum of k of them, in any order, is off by k units of 2^-24 of the sum of magnitudes at most;
    /// the answer is rounded to bf16 once, by 2^-8 of itself.
    pub fn worst(&self, has_bias: bool) -> f64 {
        let answers = download(&self.memory, self.c, self.m * self.n);
        let wanted = if has_bias { &self.wanted_with_bias } else { &self.wanted };
        let mut worst = 0f64;
        for (answer, (sum, all)) in answers.iter().zip(wanted) {
            let bound =
                (self.k + 2) as f64 * 2f64.powi(-24) * all + sum.abs() * 2f64.powi(-8) + 1e-30;
            let error = (answer.to_f64() - sum).abs() / (bound * (1.0 + 2f64.powi(-8)));
            worst = if error.is_nan() { f64::INFINITY } else { worst.max(error) };
        }
        worst
    }
}

/// An attention to be run.
pub struct Attention {
    pub memory: Memory,
    pub batch: usize,
    pub tokens: usize,
    pub heads: usize,
    pub head_dim: usize,
    pub qkv: u64,
    pub out: u64,
    wanted: Vec<f64>,
}

impl Attention {
    pub fn new(batch: usize, tokens: usize, heads: usize, head_dim: usize) -> Self {
        let memory = Memory::new(1 << 30);
        let width = 3 * heads * head_dim;
        let data = numbers(batch * tokens * width, 5);
        let at = |image: usize, token: usize, part: usize, head: usize, d: usize| {
            data[(image * tokens + token) * width + (part * heads + head) * head_dim + d].to_f64()
        };
        let scale = 1.0 / (head_dim as f64).sqrt();
        let mut wanted = vec![0.0; batch * tokens * heads * head_dim];
        for image in 0..batch {
            for head in 0..heads {
                for query in 0..tokens {
                    let score = |key: usize| -> f64 {
                        let dot = (0..head_dim)
                            .map(|d| at(image, query, 0, head, d) * at(image, key, 1, head, d));
                        dot.sum::<f64>() * scale
                    };
                    let scores: Vec<f64> = (0..tokens).map(score).collect();
                    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let weights: Vec<f64> =
                        scores.iter().map(|score| (score - top).exp()).collect();
                    let total: f64 = weights.iter().sum();
                    for d in 0..head_dim {
                        let sum: f64 =
                            (0..tokens).map(|key| weights[key] * at(image, key, 2, head, d)).sum();
                        wanted[((image * tokens + query) * heads + head) * head_dim + d] =
                            sum / total;
                    }
                }
            }
        }
        let qkv = upload(&memory, &data);
        let out = memory.allocate((wanted.len() * 2) as u64).unwrap();
        Self { memory, batch, tokens, heads, head_dim, qkv, out, wanted }
    }

    pub fn run(&self, queries: usize, threads: u32, shared: u32) -> Run {
        let scale = std::f32::consts::LOG2_E / (self.head_dim as f32).sqrt();
        let parameters = Parameters::default()
            .long(self.qkv)
            .long(self.out)
            .word(self.tokens as u32)
            .word(self.heads as u32)
            .float(scale);
        let blocks = [self.tokens.div_ceil(queries) as u32, self.heads as u32, self.batch as u32];
        Run { blocks, threads, shared, parameters }
    }

    pub fn forget(&self) {
        self.memory.forget(self.out, (self.wanted.len() * 2) as u64).unwrap();
    }

    /// The worst answer: how often it is as far off as it may be.
    ///
    /// Values lie between -1 and 1 and weights sum to one, so an answer is off by what the weights are: each is rounded to
    /// bf16, by 2^-8 of itself, as the answer is; scores are off by less than 2^-18 in all, exponentials and sums by less than that.
    pub fn worst(&self) -> f64 {
        let answers = download(&self.memory, self.out, self.wanted.len());
        let error = |(answer, wanted): (&bf16, &f64)| {
            let bound = 2f64.powi(-8) * (1.0 + wanted.abs()) + 2f64.powi(-14);
            (answer.to_f64() - wanted).abs() / bound
        };
        let errors = answers.iter().zip(&self.wanted).map(error);
        errors
            .fold(0.0, |worst, error| if error.is_nan() { f64::INFINITY } else { worst.max(error) })
    }
}
