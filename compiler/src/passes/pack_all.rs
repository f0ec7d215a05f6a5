//! Packs the weights of a program, several at a time, while those that are done are written.

use super::{Packed, PackedWeight, PassError};
use ocellus_checkpoint::WeightSource;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// Threads at most: each holds a weight and what it is made of.
const MAX_THREADS: usize = 8;

/// What all threads together may hold, if no weight alone needs more. Large weights are packed one after the other: it is
/// memory that they are short of, and not time.
const BYTES_AT_ONCE: u64 = 256 << 20;

/// Packs each of `weights` and gives it to `write`, in no particular order. The first error ends it.
pub fn pack_all<E: From<PassError>>(
    weights: &[PackedWeight],
    source: &(dyn WeightSource + Send + Sync),
    mut write: impl FnMut(&PackedWeight, Packed) -> Result<(), E>,
) -> Result<(), E> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    let next = AtomicUsize::new(0);
    let budget = Budget::new(BYTES_AT_ONCE);
    thread::scope(|scope| {
        // Without room for what is not yet written, no more is packed than can be.
        let (sender, receiver) = sync_channel(0);
        for _ in 0..threads {
            let (sender, next, budget) = (sender.clone(), &next, &budget);
            scope.spawn(move || {
                while let Some(weight) = weights.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let share = budget.take(weight.bytes_to_pack());
                    // Nobody receives after an error.
                    if sender.send((weight, weight.pack(source), share)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (weight, packed, share) in receiver {
            write(weight, packed?)?;
            drop(share);
        }
        Ok(())
    })
}

/// Bytes that several threads share.
struct Budget {
    all: u64,
    taken: Mutex<u64>,
    returned: Condvar,
}

/// Bytes that were taken; they are returned when this is dropped.
struct Share<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Budget {
    fn new(all: u64) -> Self {
        Budget { all, taken: Mutex::new(0), returned: Condvar::new() }
    }

    /// Waits until so many bytes are free. Who asks for more than there are waits until nobody has any, and takes all.
    fn take(&self, bytes: u64) -> Share<'_> {
        let bytes = bytes.min(self.all);
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = self
            .returned
            .wait_while(taken, |taken| *taken > self.all - bytes)
            .unwrap_or_else(PoisonError::into_inner);
        *taken += bytes;
        Share { budget: self, bytes }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *self.budget.taken.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.budget.returned.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::WeightRecipe;
    use ocellus_checkpoint::WeightError;
    use ocellus_dialects::venc::{Op, Weight};
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
        let op = Op::Weight(Weight { name: number.to_string() });
        let ty = TensorType::new(ElementType::F32, [1i64]);
        PackedWeight { recipe: WeightRecipe { op, operands: vec![], ty }, packing: None }
    }

    #[test]
    fn each_weight_is_written_once() {
        let weights: Vec<PackedWeight> = (10..60).map(weight).collect();
        let mut written = vec![];
        pack_all(&weights, &Numbered, |weight, packed| {
            assert_eq!(packed.bytes, weight.name().parse::<f32>().unwrap().to_le_bytes());
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

    #[test]
    fn who_asks_for_more_than_there_is_waits_for_all_of_it() {
        let (budget, max) = (Budget::new(10), AtomicUsize::new(0));
        let inside = AtomicUsize::new(0);
        thread::scope(|scope| {
            for bytes in [4, 25, 6, 10, 3, 100, 0] {
                let (budget, max, inside) = (&budget, &max, &inside);
                scope.spawn(move || {
                    for _ in 0..100 {
                        let share = budget.take(bytes);
                        let own = share.bytes as usize;
                        let now = inside.fetch_add(own, Ordering::SeqCst) + own;
                        max.fetch_max(now, Ordering::SeqCst);
                        inside.fetch_sub(own, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(max.into_inner(), 10);
        assert_eq!(*budget.taken.lock().unwrap(), 0);
    }
}
