//! `patchify`: an image as rows of patches.

use crate::HostTensor;
use crate::symbolic::{Definition, Dim, Symbols};
use crate::tensor::TensorType;
use crate::venc::evaluation::take;
use crate::venc::operand::numbers;
use crate::venc::operation::operation;
use crate::venc::{Application, EvaluationError, Semantics, VencError};

operation! {
    /// `image[images, channels, H, W] -> [images, (H floordiv height) * (W floordiv width), channels*height*width]`.
    /// Patches row by row; inside one, channel, row, column. Pixels past the last whole patch are dropped.
    /// The result's token dimension is `rows * cols`, given as dimensions because they are quotients.
    ///
    /// A channel of `[[0, 1, 2], [3, 4, 5]]` in patches of 2 x 1 is `[[0, 3], [1, 4], [2, 5]]`.
    Patchify = "patchify" (numbers("image").rank(4)) {
        /// Pixels in a patch, downwards.
        height: i64,
        /// Pixels in a patch, across.
        width: i64,
        /// Patches downwards: `H floordiv height`.
        rows: Dim,
        /// Patches across: `W floordiv width`.
        cols: Dim,
    }
}

impl Semantics for Patchify {
    fn infer(&self, app: &Application) -> Result<TensorType, VencError> {
        let [image] = app.take()?;
        let (height, width) = (self.height, self.width);
        if height < 1 || width < 1 {
            let reason = format!("a patch of {height} x {width} pixels is empty");
            return Err(app.bad_attribute("height", reason));
        }
        let patch = image.shape[1].clone() * Dim::from(height) * Dim::from(width);
        let patches = self.rows.clone() * self.cols.clone();
        Ok(TensorType::new(image.element, [image.shape[0].clone(), patches, patch]))
    }

    fn verify(&self, app: &Application, symbols: &Symbols) -> Result<(), VencError> {
        let [image] = app.take()?;
        verify_quotient(app, symbols, ("rows", &self.rows), (&image.shape[2], self.height))?;
        verify_quotient(app, symbols, ("cols", &self.cols), (&image.shape[3], self.width))
    }

    fn evaluate(
        &self,
        operands: &[&HostTensor],
        out: &mut HostTensor,
    ) -> Result<(), EvaluationError> {
        let [image] = take("patchify", operands)?;
        let (height, width) = (self.height as usize, self.width as usize);
        let [_, channels, image_height, image_width] = image.shape[..] else { return Ok(()) };
        let (rows, cols) = (image_height / height, image_width / width);
        if out.shape[1] != rows * cols {
            return Err(EvaluationError::ResultShape {
                op: "patchify",
                given: vec![image.shape[0], rows * cols, out.shape[2]],
                declared: format!("{:?}", out.shape),
            });
        }
        let patch_length = channels * height * width;
        for (position, patch) in out.data.chunks_exact_mut(patch_length).enumerate() {
            let (image_index, row, col) =
                (position / (rows * cols), position / cols % rows, position % cols);
            for (offset, pixel) in patch.iter_mut().enumerate() {
                let channel = offset / (height * width);
                let y = row * height + offset / width % height;
                let x = col * width + offset % width;
                let plane = image_index * channels + channel;
                *pixel = image.data[(plane * image_height + y) * image_width + x];
            }
        }
        Ok(())
    }
}

/// That the dimension of that attribute is declared as so many pixels by the patch.
fn verify_quotient(
    app: &Application,
    symbols: &Symbols,
    (attribute, given): (&'static str, &Dim),
    (pixels, patch): (&Dim, i64),
) -> Result<(), VencError> {
    let by_definition = given.as_symbol().is_some_and(|symbol| {
        let quotient = Definition::FloorDiv { numerator: pixels.clone(), divisor: patch };
        symbols.definition(symbol) == Some(&quotient)
    });
    let by_division = pixels.exact_quotient(patch).as_ref() == Some(given)
        || pixels.as_constant().is_some_and(|p| given.as_constant() == Some(p.div_euclid(patch)));
    if by_definition || by_division {
        return Ok(());
    }
    let reason = format!("{given} is not declared as {pixels} floordiv {patch}");
    Err(app.bad_attribute(attribute, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::SymbolRange;
    use crate::tensor::ElementType::F32;
    use crate::venc::examples::{counted, run, try_run};
    use crate::venc::{FunctionBuilder, Module, Role};

    fn patchify(rows: i64, cols: i64) -> Patchify {
        Patchify { height: 1, width: 2, rows: rows.into(), cols: cols.into() }
    }

    #[test]
    fn patches_go_row_by_row_and_drop_the_remainder() {
        // Two channels of 2 x 5 pixels: the last column of each row is left over.
        let patches = run(patchify(2, 2), &[&counted(&[1, 2, 2, 5])]);
        assert_eq!(patches.shape, [1, 4, 4]);
        #[rustfmt::skip]
        assert_eq!(patches.data, [0., 1., 10., 11.,  2., 3., 12., 13.,  5., 6., 15., 16.,  7., 8., 17., 18.]);
    }

    #[test]
    fn patches_that_are_not_the_images_are_refused() {
        let error = try_run(patchify(2, 3), &[&counted(&[1, 2, 2, 5])]).unwrap_err().to_string();
        assert!(error.contains("gives the dims [1, 4, 4]"), "{error}");
    }

    #[test]
    fn patches_are_declared_quotients_of_the_image() {
        let mut symbols = Symbols::default();
        let height = symbols.declare("height", SymbolRange::new(16, 64)).unwrap();
        let rows = symbols.declare_floor_div("rows", height.clone(), 16).unwrap();
        let wrong = symbols.declare_floor_div("wrong", height.clone(), 8).unwrap();
        let with_rows = |rows: Dim| {
            let mut main = FunctionBuilder::new("main");
            let image = TensorType::new(F32, [1.into(), 3.into(), height.clone(), 40.into()]);
            let image = main.argument("pixel_values", image, Role::Activation);
            let op = Patchify { height: 16, width: 16, rows, cols: 2.into() };
            let patches = main.push(op, &[image]).unwrap();
            main.result("patches", patches);
            let functions = vec![main.finish()];
            Module { symbols: symbols.clone(), functions, entry: "main".into() }.verify()
        };
        assert_eq!(with_rows(rows), Ok(()));
        assert_eq!(
            with_rows(wrong).unwrap_err().to_string(),
            "in @main: venc.patchify: attribute `rows`: wrong is not declared as height floordiv 16"
        );
    }
}
