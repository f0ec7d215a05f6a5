//! Calls in any order with any handles, stale ones, ones of another kind and numbers that never were any: each gives an error or
//! works, and none ends the program.

#![allow(clippy::unwrap_used, reason = "a test says so when it fails")]

mod support;

use support::*;

/// Numbers that look as if nobody had chosen them.
struct Random(u64);

impl Random {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % count
    }

    fn one(&mut self, of: &[Address]) -> Address {
        of[self.below(of.len())]
    }
}

/// Calls one function, and gives its error and the handle or address that it made, if it did.
fn call(
    machine: &Machine,
    random: &mut Random,
    known: &[Address],
    host: Address,
) -> (u32, Address) {
    const HOST_BYTES: usize = 256;
    let mut made = 0;
    let [a, b, c] = [(); 3].map(|()| random.one(known));
    let (bytes, small) = (random.below(HOST_BYTES + 1), random.below(3));
    let values = [a as u64, b as u64];
    let parameters = addresses(&values);
    let node = kernel_node(b, 1 + small as u32, &parameters);
    let memset = MemsetNode { to: b, pitch: 8, value: 1, element: 4, width: small, height: 2 };
    let error = match random.below(42) {
        0 => machine.cuCtxCreate_v2(&mut made, 0, small as i32),
        1 if small == 0 => machine.cuCtxDestroy_v2(a),
        1 | 2 => machine.cuCtxSetCurrent(a),
        3 => machine.cuCtxPopCurrent_v2(&mut made),
        4 => machine.cuCtxSynchronize(),
        5 | 6 => machine.cuMemAlloc_v2(&mut made, bytes),
        7 => machine.cuMemFree_v2(a),
        8 => machine.cuMemAllocAsync(&mut made, bytes, a),
        9 => machine.cuMemFreeAsync(a, b),
        10 => machine.cuMemcpyHtoD_v2(a, host, bytes),
        11 => machine.cuMemcpyDtoH_v2(host, a, bytes),
        12 => machine.cuMemcpyHtoDAsync_v2(a, host, bytes, b),
        13 => machine.cuMemcpyDtoHAsync_v2(host, a, bytes, b),
        14 => machine.cuMemcpyDtoDAsync_v2(a, b, bytes, c),
        15 => machine.cuMemsetD2D32Async(a, 4 * small, 7, bytes, small, b),
        16 => machine.cuMemHostRegister_v2(host, HOST_BYTES, 0),
        17 => machine.cuMemHostUnregister(host),
        18 => machine.cuPointerGetAttribute(&mut made, small as u32, a),
        19 => {
            let text = format!("{KERNELS}\0");
            machine.cuModuleLoadData(&mut made, text.as_ptr())
        }
        20 if small == 0 => machine.cuModuleUnload(a),
        20 | 21 => machine.cuModuleGetFunction(&mut made, a, c"copy".as_ptr()),
        22 => machine.cuFuncSetAttribute(a, 8, bytes as i32),
        23 => machine.cuStreamCreate(&mut made, small as u32),
        24 if small == 0 => machine.cuStreamDestroy_v2(a),
        24 | 25 => machine.cuStreamSynchronize(a),
        26 => machine.cuStreamWaitEvent(a, b, 0),
        27 => machine.cuStreamBeginCapture_v2(a, small as u32),
        28 => machine.cuStreamEndCapture(a, &mut made),
        29 => machine.cuEventCreate(&mut made, 0),
        30 => machine.cuEventRecord(a, b),
        31 => machine.cuEventQuery(a),
        32 if small == 0 => machine.cuEventDestroy_v2(a),
        32 => machine.cuEventElapsedTime(&mut 0.0, a, b),
        33 => machine.launch(a, 1 + small as u32, c, &values),
        34 => machine.cuGraphCreate(&mut made, 0),
        35 => machine.cuGraphAddKernelNode_v2(&mut made, a, &raw const c, small.min(1), &node),
        36 => machine.cuGraphAddMemsetNode(&mut made, a, &raw const c, small.min(1), &memset, c),
        37 => machine.cuGraphAddDependencies(a, &b, &c, 1),
        38 => machine.cuGraphInstantiateWithFlags(&mut made, a, 0),
        39 => machine.cuGraphExecKernelNodeSetParams_v2(a, c, &node),
        40 => machine.cuGraphLaunch(a, b),
        _ if small == 0 => machine.cuGraphDestroy(a),
        _ => machine.cuGraphExecUpdate_v2(a, b, &mut [0; 3]),
    };
    (error, made)
}

#[test]
fn no_order_of_calls_ends_the_program() {
    const UNKNOWN: u32 = 999;
    // Kernels with such parameters find much, and nobody needs to read it.
    if !with("no_order_of_calls_ends_the_program", &[("FINDINGS", "/dev/null")]) {
        return;
    }
    let host = [0_u8; 256].map(std::cell::Cell::new);
    let at = host.as_ptr().expose_provenance();
    let machine = Machine::new();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut successes, mut errors) = ([0; 2], std::collections::BTreeSet::new());
    for round in 0..40 {
        let mut known = vec![0, 1, 2, 4096, 0xdead_f000, machine.context, machine.module];
        for _ in 0..500 {
            let (error, made) = call(&machine, &mut random, &known, at);
            assert_ne!(error, UNKNOWN, "round {round}");
            successes[usize::from(error != 0)] += 1;
            errors.insert(error);
            if error == 0 && made != 0 {
                known.push(made);
                if known.len() > 60 {
                    known.remove(2 + random.below(40));
                }
            }
        }
    }
    // What is called by chance must not all be refused at the door.
    assert!(successes[0] > successes[1] / 8 && errors.len() > 12, "{successes:?} {errors:?}");
}
