//! Two dimensions exchanged.

/// `[.., rows, cols, depth] -> [.., cols, rows, depth]`.
pub fn exchange(from: &[f32], rows: usize, cols: usize, depth: usize, to: &mut [f32]) {
    let block = rows * cols * depth;
    for (from, to) in from.chunks_exact(block).zip(to.chunks_exact_mut(block)) {
        for (position, to) in to.chunks_exact_mut(depth).enumerate() {
            let (col, row) = (position / rows, position % rows);
            to.copy_from_slice(&from[(row * cols + col) * depth..][..depth]);
        }
    }
}
