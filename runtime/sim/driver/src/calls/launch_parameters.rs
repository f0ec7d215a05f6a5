//! From what a program says of a launch to a launch, if the device can do it.

use crate::abi::KernelNodeParams;
use crate::arguments::In;
use crate::driver::State;
use crate::errors::{Error, Result};
use crate::handles::Handle;
use crate::objects::module::Function;
use crate::objects::work::Launch;

/// What is launched, as the program says it.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub function: Handle,
    pub blocks: [u32; 3],
    pub threads: [u32; 3],
    pub dynamic_shared: u32,
    /// The address of each parameter,
    pub parameters: In<In<u8>>,
    /// or a buffer with all of them, named by a list that ends with 0.
    pub extra: In<usize>,
    pub is_programmatic: bool,
}

impl Wanted {
    /// What the parameters of a node say.
    pub(super) fn of_node(parameters: &KernelNodeParams) -> Self {
        Self {
            function: parameters.function,
            blocks: parameters.blocks,
            threads: parameters.threads,
            dynamic_shared: parameters.dynamic_shared,
            parameters: parameters.parameters,
            extra: parameters.extra,
            is_programmatic: false,
        }
    }
}

impl State {
    /// A launch, with the parameters copied.
    pub(super) fn launch(&self, wanted: &Wanted) -> Result<Launch> {
        let function = self.functions.get(wanted.function)?;
        self.sound(function.context)?;
        check(function, wanted)?;
        Ok(Launch {
            function: wanted.function,
            kernel: function.kernel.clone(),
            globals: function.globals.clone(),
            blocks: wanted.blocks,
            threads: wanted.threads,
            dynamic_shared: wanted.dynamic_shared,
            parameters: parameters(function, wanted)?,
            is_programmatic: wanted.is_programmatic,
        })
    }
}

/// Refuses sides that no grid and no block may have, and more than the function may use.
fn check(function: &Function, wanted: &Wanted) -> Result<()> {
    let within = |sides: [u32; 3], most: [u32; 3]| {
        sides.iter().zip(most).all(|(side, most)| (1..=most).contains(side))
    };
    let product = |sides: [u32; 3]| sides.into_iter().map(u64::from).product::<u64>();
    let is_grid = within(wanted.blocks, [i32::MAX as u32, 65535, 65535]);
    let is_block = within(wanted.threads, [1024, 1024, 64]) && product(wanted.threads) <= 1024;
    if !is_grid || !is_block || wanted.dynamic_shared > function.most_dynamic_shared {
        return Err(Error::INVALID_VALUE);
    }
    if function.kernel.required_threads().is_some_and(|required| required != wanted.threads) {
        return Err(Error::INVALID_VALUE);
    }
    if product(wanted.threads) > u64::from(function.most_threads()) {
        return Err(Error::LAUNCH_OUT_OF_RESOURCES);
    }
    // The simulator numbers blocks in 31 bits.
    if product(wanted.blocks) > i32::MAX as u64 {
        return Err(Error::NOT_SUPPORTED);
    }
    Ok(())
}

/// The bytes of all parameters, each at its place.
fn parameters(function: &Function, wanted: &Wanted) -> Result<Vec<u8>> {
    let mut bytes = vec![0; function.kernel.parameter_bytes()];
    let layouts = function.kernel.parameters();
    if !wanted.extra.is_null() {
        if !wanted.parameters.is_null() {
            return Err(Error::INVALID_VALUE);
        }
        let given = buffer(wanted.extra)?;
        return given.get(..bytes.len()).map(<[u8]>::to_vec).ok_or(Error::INVALID_VALUE);
    }
    for (layout, from) in layouts.iter().zip(wanted.parameters.list(layouts.len())?) {
        let value = from.list(layout.bytes)?;
        let range = layout.offset..layout.offset + layout.bytes;
        bytes.get_mut(range).ok_or(Error::INVALID_VALUE)?.copy_from_slice(&value);
    }
    Ok(bytes)
}

/// The buffer that a list names: pairs of what it is and a value, up to 0.
fn buffer(extra: In<usize>) -> Result<Vec<u8>> {
    const END: usize = 0;
    const ADDRESS: usize = 1;
    const SIZE: usize = 2;
    const MOST: usize = 8;
    let (mut address, mut size) = (None, None);
    for pair in 0..MOST {
        // No more is read than what stands before the end.
        let list = extra.list(2 * pair + 1)?;
        let key = list[2 * pair];
        if key == END {
            let (address, size): (In<u8>, In<usize>) =
                (address.ok_or(Error::INVALID_VALUE)?, size.ok_or(Error::INVALID_VALUE)?);
            return address.list(size.get()?);
        }
        let value = extra.cast::<In<u8>>().list(2 * pair + 2)?[2 * pair + 1];
        match key {
            ADDRESS => address = Some(value),
            SIZE => size = Some(value.cast()),
            _ => return Err(Error::INVALID_VALUE),
        }
    }
    Err(Error::INVALID_VALUE)
}
