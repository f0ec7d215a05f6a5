//! Reads attributes, types and names out of MLIR.
//!
//! Attributes may come from a hostile text: they may be of any kind, of any width, and their strings need not be
//! UTF-8. Every function here answers `None` or an error then.

use crate::symbolic::Dim;
use crate::tensor::{ElementType, TensorType};
use melior::ir::attribute::AttributeLike;
use melior::ir::operation::OperationRef;
use melior::ir::{Attribute, Location, Type, TypeLike};
use mlir_sys::{MlirStringCallback, MlirStringRef};
use std::ffi::c_void;

/// The text of a string attribute.
pub(crate) fn string(attribute: Attribute) -> Option<String> {
    let raw = attribute.to_raw();
    // SAFETY: the attribute is one of a living context, and a string.
    unsafe {
        mlir_sys::mlirAttributeIsAString(raw)
            .then(|| text(mlir_sys::mlirStringAttrGetValue(raw)))?
    }
}

/// The name in `@name`; a nested reference has none.
pub(crate) fn symbol(attribute: Attribute) -> Option<String> {
    let raw = attribute.to_raw();
    // SAFETY: the attribute is one of a living context, and a flat symbol reference.
    unsafe {
        mlir_sys::mlirAttributeIsAFlatSymbolRef(raw)
            .then(|| text(mlir_sys::mlirFlatSymbolRefAttrGetValue(raw)))?
    }
}

/// The number of an `i64` attribute.
pub(crate) fn integer(attribute: Attribute) -> Option<i64> {
    let raw = attribute.to_raw();
    // SAFETY: the attribute is one of a living context; its type is read, and its value only where it has 64 bits.
    unsafe {
        let ty = mlir_sys::mlirAttributeGetType(raw);
        (mlir_sys::mlirAttributeIsAInteger(raw)
            && mlir_sys::mlirTypeIsAInteger(ty)
            && mlir_sys::mlirIntegerTypeIsSignless(ty)
            && mlir_sys::mlirIntegerTypeGetWidth(ty) == 64)
            .then(|| mlir_sys::mlirIntegerAttrGetValueInt(raw))
    }
}

/// `true` or `false`.
pub(crate) fn boolean(attribute: Attribute) -> Option<bool> {
    let raw = attribute.to_raw();
    // SAFETY: the attribute is one of a living context, and a boolean.
    unsafe { mlir_sys::mlirAttributeIsABool(raw).then(|| mlir_sys::mlirBoolAttrGetValue(raw)) }
}

/// The number of an `f64` attribute.
pub(crate) fn real(attribute: Attribute) -> Option<f64> {
    let raw = attribute.to_raw();
    // SAFETY: the attribute is one of a living context; its value is read only where it is an f64.
    unsafe {
        (mlir_sys::mlirAttributeIsAFloat(raw)
            && mlir_sys::mlirTypeIsAF64(mlir_sys::mlirAttributeGetType(raw)))
        .then(|| mlir_sys::mlirFloatAttrGetValueDouble(raw))
    }
}

/// The elements of an array attribute.
pub(crate) fn elements<'c>(attribute: Attribute<'c>) -> Option<Vec<Attribute<'c>>> {
    let raw = attribute.to_raw();
    // SAFETY: the attribute is an array of a living context, and every position is below its length.
    unsafe {
        mlir_sys::mlirAttributeIsAArray(raw).then(|| {
            (0..mlir_sys::mlirArrayAttrGetNumElements(raw))
                .map(|i| Attribute::from_raw(mlir_sys::mlirArrayAttrGetElement(raw, i)))
                .collect()
        })
    }
}

/// The entry of that name of a dictionary attribute.
pub(crate) fn entry<'c>(attribute: Attribute<'c>, name: &str) -> Option<Attribute<'c>> {
    let raw = attribute.to_raw();
    let name = MlirStringRef { data: name.as_ptr().cast(), length: name.len() };
    // SAFETY: the attribute is a dictionary of a living context; the name lives during the call.
    unsafe {
        mlir_sys::mlirAttributeIsADictionary(raw).then(|| {
            Attribute::from_option_raw(mlir_sys::mlirDictionaryAttrGetElementByName(raw, name))
        })?
    }
}

/// The type of a tensor; an error says what a tensor type of ours looks like.
pub(crate) fn tensor_type(ty: Type) -> Result<TensorType, String> {
    let raw = ty.to_raw();
    // SAFETY: the type is one of a living context.
    if !unsafe { mlir_sys::mlirTypeIsARankedTensor(raw) } {
        return Err(format!("{} is no tensor with dimensions", printed_type(ty)));
    }
    // SAFETY: the type is a ranked tensor, which has an element type.
    let element =
        element_type(unsafe { Type::from_raw(mlir_sys::mlirShapedTypeGetElementType(raw)) })
            .ok_or_else(|| format!("{} does not hold f32, bf16, f16 or i32", printed_type(ty)))?;
    // SAFETY: the type is a ranked tensor; an absent encoding is null, which gives `None`.
    let encoding =
        unsafe { Attribute::from_option_raw(mlir_sys::mlirRankedTensorTypeGetEncoding(raw)) };
    let mut expressions = dim_expressions(encoding)
        .ok_or_else(|| format!("{}: an encoding is an array of strings", printed_type(ty)))?
        .into_iter();
    let unmatched =
        || format!("{} needs one expression for each `?`, as in [\"images\"]", printed_type(ty));
    let mut shape = vec![];
    // SAFETY: the type is a ranked tensor, and every position is below its rank.
    let sizes: Vec<i64> = unsafe {
        (0..mlir_sys::mlirShapedTypeGetRank(raw) as isize)
            .map(|axis| mlir_sys::mlirShapedTypeGetDimSize(raw, axis))
            .collect()
    };
    for size in sizes {
        // SAFETY: the function compares a number with a constant.
        shape.push(match unsafe { mlir_sys::mlirShapedTypeIsDynamicSize(size) } {
            false => Dim::from(size),
            true => expressions
                .next()
                .ok_or_else(unmatched)?
                .parse()
                .map_err(|error| format!("{}: {error}", printed_type(ty)))?,
        });
    }
    match expressions.next() {
        None => Ok(TensorType { element, shape }),
        Some(_) => Err(unmatched()),
    }
}

fn element_type(ty: Type) -> Option<ElementType> {
    let raw = ty.to_raw();
    // SAFETY: the type is one of a living context.
    unsafe {
        match () {
            () if mlir_sys::mlirTypeIsAF32(raw) => Some(ElementType::F32),
            () if mlir_sys::mlirTypeIsABF16(raw) => Some(ElementType::BF16),
            () if mlir_sys::mlirTypeIsAF16(raw) => Some(ElementType::F16),
            () if mlir_sys::mlirTypeIsAInteger(raw)
                && mlir_sys::mlirIntegerTypeIsSignless(raw)
                && mlir_sys::mlirIntegerTypeGetWidth(raw) == 32 =>
            {
                Some(ElementType::I32)
            }
            () => None,
        }
    }
}

fn dim_expressions(encoding: Option<Attribute>) -> Option<Vec<String>> {
    match encoding {
        None => Some(vec![]),
        Some(encoding) => elements(encoding)?.into_iter().map(string).collect(),
    }
}

fn printed_type(ty: Type) -> String {
    // SAFETY: the type is one of a living context; the callback is called during this call only.
    printed(|callback, data| unsafe { mlir_sys::mlirTypePrint(ty.to_raw(), callback, data) })
}

/// The name of an operation, such as `venc.add`.
pub(crate) fn operation_name(operation: OperationRef) -> String {
    // SAFETY: the operation is one of a living module, and its name one of its context.
    let name =
        unsafe { mlir_sys::mlirIdentifierStr(mlir_sys::mlirOperationGetName(operation.to_raw())) };
    // SAFETY: the string belongs to the context.
    unsafe { text(name) }.unwrap_or_default()
}

/// `line 3, column 10`.
pub(crate) fn place(location: Location) -> String {
    match location.is_file_line_col_range() {
        true => format!(
            "line {}, column {}",
            location.file_line_col_range_start_line(),
            location.file_line_col_range_start_column()
        ),
        false => "the module".to_string(),
    }
}

/// What MLIR prints through a callback. Bytes that are no UTF-8 are replaced.
pub(super) fn printed(print: impl FnOnce(MlirStringCallback, *mut c_void)) -> String {
    unsafe extern "C" fn append(part: MlirStringRef, bytes: *mut c_void) {
        if part.length == 0 {
            return;
        }
        // SAFETY: `printed` gives the address of its vector, which lives during the call, and MLIR gives as many bytes
        // as it says.
        unsafe {
            let part = std::slice::from_raw_parts(part.data.cast::<u8>(), part.length);
            (*bytes.cast::<Vec<u8>>()).extend_from_slice(part);
        }
    }
    let mut bytes: Vec<u8> = vec![];
    print(Some(append), (&raw mut bytes).cast());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// # Safety
/// The string must be alive.
unsafe fn text(string: MlirStringRef) -> Option<String> {
    if string.length == 0 {
        return Some(String::new());
    }
    // SAFETY: the caller keeps the string alive, and it has as many bytes as it says.
    let bytes = unsafe { std::slice::from_raw_parts(string.data.cast::<u8>(), string.length) };
    std::str::from_utf8(bytes).ok().map(str::to_string)
}
