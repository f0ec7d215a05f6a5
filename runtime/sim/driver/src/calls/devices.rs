//! Devices and what they have.

use crate::abi::Uuid;
use crate::architecture::RESERVED_SHARED;
use crate::arguments::{In, Out};
use crate::driver::lock;
use crate::errors::{Error, Result};
use crate::settings::Settings;
use ocellus_sim::MOST_STATIC_SHARED;
use std::ffi::c_char;

driver_functions! {
    fn cuDeviceGetCount(count: Out<i32>) {
        let state = lock();
        state.settings()?;
        count.give(state.devices.len() as i32)
    }

    fn cuDeviceGet(device: Out<i32>, ordinal: i32) {
        lock().device(ordinal)?;
        device.give(ordinal)
    }

    fn cuDeviceGetName(name: Out<c_char>, length: i32, device: i32) {
        let state = lock();
        state.device(device)?;
        text(name, length, &state.settings()?.name)
    }

    fn cuDeviceGetUuid(uuid: Out<Uuid>, device: i32) {
        uuid.give(uuid_of(lock().device(device)?))
    }

    fn cuDeviceGetUuid_v2(uuid: Out<Uuid>, device: i32) {
        uuid.give(uuid_of(lock().device(device)?))
    }

    fn cuDeviceGetPCIBusId(name: Out<c_char>, length: i32, device: i32) {
        let number = lock().device(device)?;
        text(name, length, &bus_of(number))
    }

    fn cuDeviceGetByPCIBusId(device: Out<i32>, name: In<c_char>) {
        let name = name.text()?.to_string_lossy();
        let count = lock().devices.len();
        let found = (0..count).find(|number| bus_of(*number) == name);
        device.give(found.ok_or(Error::INVALID_DEVICE)? as i32)
    }

    fn cuDeviceTotalMem_v2(bytes: Out<usize>, device: i32) {
        let state = lock();
        state.device(device)?;
        bytes.give(state.settings()?.memory as usize)
    }

    fn cuDeviceComputeCapability(major: Out<i32>, minor: Out<i32>, device: i32) {
        let state = lock();
        state.device(device)?;
        let architecture = state.settings()?.architecture;
        major.give(architecture.major as i32)?;
        minor.give(architecture.minor as i32)
    }

    fn cuDeviceGetAttribute(value: Out<i32>, attribute: u32, device: i32) {
        let state = lock();
        let number = state.device(device)?;
        let found = attribute_of(state.settings()?, number, attribute);
        value.give(found.ok_or(Error::INVALID_VALUE)?)
    }

    fn cuDeviceCanAccessPeer(can: Out<i32>, device: i32, other: i32) {
        let state = lock();
        state.device(device)?;
        state.device(other)?;
        can.give(0)
    }
}

fn uuid_of(device: usize) -> Uuid {
    let mut uuid = *b"ocellus-sim-    ";
    uuid[12..].copy_from_slice(&(device as u32).to_be_bytes());
    Uuid(uuid)
}

fn bus_of(device: usize) -> String {
    format!("0000:{:02x}:00.0", device + 1)
}

/// Puts a text with its end, cut to what there is room for.
fn text(to: Out<c_char>, length: i32, text: &str) -> Result<()> {
    let room = usize::try_from(length).ok().and_then(|length| length.checked_sub(1));
    let room = room.ok_or(Error::INVALID_VALUE)?;
    let bytes = text.bytes().take(room).chain([0]);
    to.give_all(bytes.map(|byte| byte as c_char))
}

/// The number of the last attribute that a driver of CUDA 13 may be asked for.
const LAST_ATTRIBUTE: u32 = 150;

/// What an attribute is; nothing where there is no such attribute. What the simulator has not is 0.
fn attribute_of(settings: &Settings, device: usize, attribute: u32) -> Option<i32> {
    let architecture = settings.architecture;
    let value = match attribute {
        // Threads of a block and of its sides, blocks of a grid's sides.
        1..=3 => 1024,
        4 => 64,
        5 => i32::MAX as u32,
        6 | 7 => 65535,
        // Shared memory of a block that does not ask for more, and constant memory.
        8 => MOST_STATIC_SHARED,
        9 => 64 << 10,
        // Lanes of a warp.
        10 => 32,
        11 => i32::MAX as u32,
        // Registers of a block, and of a multiprocessor.
        12 | 82 => 65536,
        // Clocks in kHz, of which nothing follows.
        13 => 1_410_000,
        36 => 1_215_000,
        14 => 512,
        30 | 51 => 32,
        15 | 31 | 40 => 1,
        16 => settings.multiprocessors,
        33 => device as u32 + 1,
        37 => 5120,
        38 => architecture.cache,
        39 => architecture.threads,
        // Addresses of all memory are of one space.
        41 => 1,
        75 => architecture.major,
        76 => architecture.minor,
        78..=80 => 1,
        81 => architecture.shared,
        87 => 2,
        90 => 1,
        // Launches whose blocks all run at the same time: blocks run one after the other here.
        95 => 0,
        97 => architecture.most_shared(),
        99 => 1,
        106 => architecture.blocks,
        111 => RESERVED_SHARED,
        115 => 1,
        _ if (1..=LAST_ATTRIBUTE).contains(&attribute) => 0,
        _ => return None,
    };
    i32::try_from(value).ok()
}
