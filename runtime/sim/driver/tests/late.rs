//! Work is done when something waits for it: a wait that is missing shows as a wrong answer, and one that is there is enough.

#![allow(clippy::unwrap_used, reason = "a test says so when it fails")]

mod support;

use support::*;

const POISON: u32 = u32::MAX;

#[test]
fn what_a_copy_brings_is_there_after_a_wait() {
    let machine = Machine::new();
    let (stream, data) = (machine.stream(), machine.device(Ok(&[7; 4])));
    let host = machine.pinned(&[0; 4]);
    assert_eq!(machine.cuMemcpyDtoHAsync_v2(host.address, data, 16, stream), 0);
    assert_eq!(host.get(), [POISON; 4]);
    assert_eq!(machine.cuStreamSynchronize(stream), 0);
    assert_eq!(host.get(), [7; 4]);
    // A query is a wait too, and so is one for an event.
    assert_eq!(machine.cuMemcpyDtoHAsync_v2(host.address, data, 16, stream), 0);
    assert_eq!(host.get(), [POISON; 4]);
    assert_eq!(machine.cuStreamQuery(stream), 0);
    assert_eq!(host.get(), [7; 4]);
    let event = machine.event();
    assert_eq!(machine.cuMemcpyDtoHAsync_v2(host.address, data, 16, stream), 0);
    assert_eq!(machine.cuEventRecord(event, stream), 0);
    assert_eq!(machine.cuMemcpyDtoHAsync_v2(host.address, data, 8, stream), 0);
    assert_eq!(machine.cuEventSynchronize(event), 0);
    assert_eq!(
        host.get(),
        [7; 4],
        "the first copy is done, and the second is not: it changes nothing"
    );
    assert_eq!(machine.cuMemFreeHost(host.address), 0);
}

#[test]
fn what_a_copy_takes_is_read_when_its_turn_comes() {
    let machine = Machine::new();
    let (stream, data) = (machine.stream(), machine.device(Ok(&[0; 4])));
    let host = machine.pinned(&[1; 4]);
    assert_eq!(machine.cuMemcpyHtoDAsync_v2(data, host.address, 16, stream), 0);
    host.set(&[2; 4]);
    assert_eq!(machine.cuStreamSynchronize(stream), 0);
    assert_eq!(machine.read(data, 4), [2; 4], "the memory was used again too soon");
    // Memory that may be paged out is read at once.
    let mut pageable = [3_u32; 4];
    let address = pageable.as_mut_ptr();
    assert_eq!(machine.cuMemcpyHtoDAsync_v2(data, address.expose_provenance(), 16, stream), 0);
    pageable.fill(4);
    assert_eq!(machine.cuStreamSynchronize(stream), 0);
    assert_eq!((machine.read(data, 4), pageable), (vec![3; 4], [4; 4]));
    // Memory that was registered is like page-locked memory.
    let mut registered = [5_u32; 4];
    let address = registered.as_mut_ptr().expose_provenance();
    assert_eq!(machine.cuMemHostRegister_v2(address, 16, 0), 0);
    assert_eq!(machine.cuMemcpyHtoDAsync_v2(data, address, 16, stream), 0);
    registered.fill(6);
    assert_eq!(machine.cuStreamSynchronize(stream), 0);
    assert_eq!((machine.read(data, 4), registered), (vec![6; 4], [6; 4]));
    assert_eq!(machine.cuMemHostUnregister(address), 0);
}

#[test]
fn a_copy_there_and_back_through_the_same_memory_is_right() {
    let machine = Machine::new();
    let (stream, data) = (machine.stream(), machine.device(Ok(&[0; 4])));
    let host = machine.pinned(&[9; 4]);
    assert_eq!(machine.cuMemcpyHtoDAsync_v2(data, host.address, 16, stream), 0);
    assert_eq!(machine.launch(machine.function(c"double"), 4, stream, &[data as u64]), 0);
    assert_eq!(machine.cuMemcpyDtoHAsync_v2(host.address, data, 16, stream), 0);
    assert_eq!(machine.cuStreamSynchronize(stream), 0);
    assert_eq!(host.get(), [18; 4]);
}

#[test]
fn blocking_streams_and_the_default_stream_wait_for_each_other() {
    let machine = Machine::new();
    let mut blocking = 0;
    assert_eq!(machine.cuStreamCreate(&mut blocking, 0), 0);
    let free = machine.stream();
    let (double, data) = (machine.function(c"double"), machine.device(Ok(&[1; 4])));
    assert_eq!(machine.launch(double, 4, blocking, &[data as u64]), 0);
    assert_eq!(machine.launch(machine.function(c"plus"), 4, 0, &[data as u64, 1]), 0);
    assert_eq!(machine.launch(double, 4, blocking, &[data as u64]), 0);
    assert_eq!(machine.cuStreamSynchronize(blocking), 0);
    let other = machine.device(Ok(&[1; 4]));
    assert_eq!(machine.read(data, 4), [6; 4]);
    // A stream that does not block is not waited for by a copy in the default stream.
    assert_eq!(machine.launch(double, 4, free, &[other as u64]), 0);
    assert_eq!(machine.read(other, 4), [1; 4]);
    assert_eq!(machine.cuCtxSynchronize(), 0);
    assert_eq!(machine.read(other, 4), [2; 4]);
}

#[test]
fn memory_is_given_back_behind_the_work_that_uses_it() {
    let machine = Machine::new();
    let (stream, double) = (machine.stream(), machine.function(c"double"));
    let (data, host) = (machine.device(Ok(&[1; 4])), machine.pinned(&[0; 4]));
    assert_eq!(machine.launch(double, 4, stream, &[data as u64]), 0);
    assert_eq!(machine.cuMemcpyDtoHAsync_v2(host.address, data, 16, stream), 0);
    assert_eq!(machine.cuMemFree_v2(data), 0);
    assert_eq!(host.get(), [2; 4], "to free memory is a wait");
    // In the order of a stream.
    let (mut free, mut total, mut pooled) = (0, 0, 0);
    assert_eq!(machine.cuMemGetInfo_v2(&mut free, &mut total), 0);
    assert_eq!(machine.cuMemAllocAsync(&mut pooled, 16, stream), 0);
    assert_eq!(machine.cuMemsetD8Async(pooled, 1, 16, stream), 0);
    assert_eq!(machine.launch(double, 4, stream, &[pooled as u64]), 0);
    assert_eq!(machine.cuMemcpyDtoHAsync_v2(host.address, pooled, 16, stream), 0);
    assert_eq!(machine.cuMemFreeAsync(pooled, stream), 0);
    assert_eq!(machine.cuMemFreeAsync(pooled, stream), INVALID_VALUE);
    assert_eq!(machine.cuStreamSynchronize(stream), 0);
    let mut free_again = 0;
    assert_eq!(machine.cuMemGetInfo_v2(&mut free_again, &mut total), 0);
    assert_eq!((host.get(), free_again <= total), (vec![0x0202_0202; 4], true));
}

#[test]
fn functions_of_the_program_are_called_in_their_turn() {
    extern "C" fn note(values: &mut Vec<u32>) {
        let last = values.last().copied().unwrap_or(0);
        values.push(last + 1);
    }
    extern "C" fn calls_driver(values: &mut Vec<u32>) {
        values.push(Driver::open().cuCtxSynchronize());
    }
    let machine = Machine::new();
    let (stream, mut values) = (machine.stream(), vec![]);
    assert_eq!(machine.cuLaunchHostFunc(stream, note, &mut values), 0);
    assert_eq!(machine.cuLaunchHostFunc(stream, calls_driver, &mut values), 0);
    assert_eq!(values, []);
    assert_eq!(machine.cuStreamSynchronize(stream), 0);
    assert_eq!(values, [1, 800], "what a stream calls may not call the driver");
}

#[test]
fn a_stream_that_is_destroyed_does_what_it_was_given() {
    let machine = Machine::new();
    let (stream, data) = (machine.stream(), machine.device(Ok(&[1; 4])));
    assert_eq!(machine.launch(machine.function(c"double"), 4, stream, &[data as u64]), 0);
    assert_eq!(machine.cuStreamDestroy_v2(stream), 0);
    assert_eq!(machine.read(data, 4), [1; 4]);
    assert_eq!(machine.cuCtxSynchronize(), 0);
    assert_eq!(machine.read(data, 4), [2; 4]);
    assert_eq!(machine.cuStreamDestroy_v2(stream), INVALID_HANDLE);
}

#[test]
fn threads_have_streams_of_their_own_and_wait_for_what_others_do() {
    const PER_THREAD: Address = 2;
    let machine = Machine::new();
    let double = machine.function(c"double");
    let shared = machine.stream();
    let all: Vec<Address> = (0..4).map(|number| machine.device(Ok(&[number; 4]))).collect();
    let common = machine.device(Ok(&[1; 4]));
    std::thread::scope(|scope| {
        for data in &all {
            let machine = &machine;
            scope.spawn(move || {
                assert_eq!(machine.cuCtxSetCurrent(machine.context), 0);
                for _ in 0..5 {
                    assert_eq!(machine.launch(double, 4, PER_THREAD, &[*data as u64]), 0);
                    assert_eq!(machine.launch(double, 4, shared, &[common as u64]), 0);
                    assert_eq!(machine.cuStreamSynchronize(shared), 0);
                }
                assert_eq!(machine.cuStreamSynchronize(PER_THREAD), 0);
            });
        }
    });
    for (number, data) in (0..).zip(&all) {
        assert_eq!(machine.read(*data, 4), [number << 5; 4]);
    }
    assert_eq!(machine.read(common, 4), [1 << 20; 4]);
}
