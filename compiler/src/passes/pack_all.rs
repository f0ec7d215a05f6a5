//! Packs the weights of a program, several at a time, while those that are done are written.

use super::{PackedWeight, PassError};
use crate::weights::WeightSource;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

/// Threads at most: each holds a weight and what it is made of.
const MOST_THREADS: usize = 8;

/// Packs each of `weights` and gives it to `write`, in no particular order. The first error ends it.
pub fn pack_all<E: From<PassError>>(
    weights: &[PackedWeight],
    source: &(dyn WeightSource + Send + Sync),
    mut write: impl FnMut(&PackedWeight, Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        // Without room for what is not yet written, no more is packed than can be.
        let (sender, receiver) = sync_channel(0);
        for _ in 0..threads {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some(weight) = weights.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Nobody receives after an error.
                    if sender.send((weight, weight.pack(source))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (weight, packed) in receiver {
            write(weight, packed?)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::WeightRecipe;
    use crate::weights::WeightError;
    use ocellus_dialects::venc::Op;
    use ocellus_dialects::{ElementType, TensorType};
    use ocellus_runtime::HostTensor;

    /// Every tensor is its own number, and number 5 is missing.
    struct Numbered;

    impl WeightSource for Numbered {
        fn tensor(&self, name: &str) -> Result<HostTensor, WeightError> {
            match name.parse() {
                Ok(5.0) | Err(_) => Err(WeightError::Missing(name.to_string())),
                Ok(number) => Ok(HostTensor { shape: vec![1], data: vec![number] }),
            }
        }

        fn shape(&self, _: &str) -> Result<Vec<usize>, WeightError> {
            Ok(vec![1])
        }
    }

    fn weight(number: usize) -> PackedWeight {
        let op = Op::Weight { name: number.to_string() };
        let ty = TensorType::new(ElementType::F32, [1i64]);
        PackedWeight { recipe: WeightRecipe { op, operands: vec![], ty }, packing: None }
    }

    #[test]
    fn each_weight_is_written_once() {
        let weights: Vec<PackedWeight> = (10..60).map(weight).collect();
        let mut written = vec![];
        pack_all(&weights, &Numbered, |weight, bytes| {
            assert_eq!(bytes, weight.name().parse::<f32>().unwrap().to_le_bytes());
            written.push(weight.name());
            Ok::<(), PassError>(())
        })
        .unwrap();
        written.sort();
        assert_eq!(written, (10..60).map(|number| number.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_ends_it() {
        let weights: Vec<PackedWeight> = (0..60).map(weight).collect();
        let error = pack_all(&weights, &Numbered, |_, _| Ok::<(), PassError>(())).unwrap_err();
        assert!(error.to_string().contains('5'), "{error}");
    }
}
