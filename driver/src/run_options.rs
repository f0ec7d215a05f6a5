//! [`RunOptions`]: where a compiled model runs, and with how much of the machine.

use crate::bounded;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use ocellus::runtime::Options;
use ocellus::runtime::devices::DeviceKind;
use std::num::NonZeroUsize;

/// Where a compiled model runs, and with how much of the machine.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct RunOptions {
    /// Where to run: on the CPU, on an NVIDIA GPU, or on one that is simulated; by default where the model was compiled for
    #[arg(long, value_name = "KIND", value_parser = device())]
    pub device: Option<DeviceKind>,

    /// Threads; by default one for each core
    #[arg(long, value_name = "N", value_parser = bounded::threads)]
    pub threads: Option<NonZeroUsize>,
}

fn device() -> impl TypedValueParser<Value = DeviceKind> {
    let names = PossibleValuesParser::new(DeviceKind::ALL.map(DeviceKind::name));
    names.try_map(|name| DeviceKind::from_name(&name).ok_or("there is no such device"))
}

impl From<RunOptions> for Options {
    fn from(RunOptions { device, threads }: RunOptions) -> Self {
        let threads = threads.map_or(Options::default().threads, NonZeroUsize::get);
        Options { threads, device }
    }
}
