//! What MLIR says while it reads, kept instead of printed.

use melior::ir::Location;
use mlir_sys::{MlirDiagnostic, MlirLogicalResult, MlirStringCallback, MlirStringRef};
use std::cell::RefCell;
use std::ffi::c_void;

/// The messages since the last look.
pub(super) struct Diagnostics {
    // Boxed: MLIR holds its address.
    messages: Box<RefCell<Vec<String>>>,
}

impl Diagnostics {
    /// From now on, what `context` says. The context must be dropped first.
    pub(super) fn attach(context: &melior::Context) -> Self {
        let messages = Box::new(RefCell::new(vec![]));
        let address = (&raw const *messages).cast_mut().cast::<c_void>();
        // SAFETY: `keep` takes its data for a `RefCell<Vec<String>>`, which it is, and which stays at this address for
        // as long as the context lives, because the struct that holds both drops the context first.
        unsafe {
            mlir_sys::mlirContextAttachDiagnosticHandler(
                context.to_raw(),
                Some(keep),
                address,
                None,
            );
        }
        Diagnostics { messages }
    }

    /// Takes the messages out.
    pub(super) fn take(&self) -> Vec<String> {
        self.messages.take()
    }
}

unsafe extern "C" fn keep(diagnostic: MlirDiagnostic, messages: *mut c_void) -> MlirLogicalResult {
    // SAFETY: `attach` registered this function with the address of such a cell.
    let messages = unsafe { &*messages.cast_const().cast::<RefCell<Vec<String>>>() };
    // SAFETY: MLIR hands over a diagnostic that lives during this call.
    let message = unsafe { rendered(diagnostic) };
    messages.borrow_mut().push(message);
    MlirLogicalResult { value: 1 }
}

/// `line 3, column 10: op expects exactly 2 operands, but got 1 (see current operation: ...)`
///
/// # Safety
/// The diagnostic must be alive.
unsafe fn rendered(diagnostic: MlirDiagnostic) -> String {
    // SAFETY: the caller keeps the diagnostic alive; it owns its notes and its location.
    unsafe {
        let location = Location::from_raw(mlir_sys::mlirDiagnosticGetLocation(diagnostic));
        let mut text = format!("{}: {}", place(location), message(diagnostic));
        for note in 0..mlir_sys::mlirDiagnosticGetNumNotes(diagnostic) {
            let note = message(mlir_sys::mlirDiagnosticGetNote(diagnostic, note));
            text += &format!(" ({})", note.trim());
        }
        text
    }
}

/// # Safety
/// The diagnostic must be alive.
unsafe fn message(diagnostic: MlirDiagnostic) -> String {
    // SAFETY: as the caller promises; the callback is called during this call only.
    printed(|callback, data| unsafe { mlir_sys::mlirDiagnosticPrint(diagnostic, callback, data) })
}

/// `line 3, column 10`.
fn place(location: Location) -> String {
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
fn printed(print: impl FnOnce(MlirStringCallback, *mut c_void)) -> String {
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
