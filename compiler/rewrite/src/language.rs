//! The terms that the e-graph holds: `venc` operations (logical) and what kernels are made of (physical).
//!
//! A physical term names how a kernel does it:
//!
//! ```text
//! (store (gemm (layer_norm_rows (read %0) %1 %2 1e-6) %3) (then_activate (then_add_columns result %4) gelu))
//! ```
//!
//! is one launch: it reads the rows of `%0`, normalizes them, multiplies by the weight `%3`, adds the bias `%4`,
//! applies gelu, and stores. Each fusion is one small rule on such a term.
//!
//! An operation is a term by its declaration: its operands, then its attributes. It has the same children wherever it is
//! done: as an operation `(slice_columns x start length)`, as an address `(read_slice_columns x start length)`, on the
//! rows that a kernel reads `(softmax_rows x)`, on each element that it stores `(then_scale epilogue factor)`, by a launch of
//! its own `(move_slice_tokens x start length)`. Where operands may be repeated, they are a list.
//!
//! Every *value* (the result of a `store`, an `attention`, a move, or an argument) lies contiguous in memory. A view
//! exists only where a kernel reads it: `(read_slice_columns x start length)` is an operand, not a value.

use super::operation::Operation;
use egg::{FromOp, FromOpError, Id, LanguageChildren};
use ocellus_dialects::venc::Attribute;
use std::fmt;
use std::str::FromStr;

/// A value that a function is given: an argument, or a tensor of the checkpoint. Written `%3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Leaf(pub u32);

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl FromStr for Leaf {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        word.strip_prefix('%').and_then(|number| number.parse().ok()).map(Leaf).ok_or(())
    }
}

/// The most children that a term of an operation has.
pub const MAX_CHILDREN: usize = 8;

/// The children of a term of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Children {
    /// Those behind the last child are zero.
    ids: [Id; MAX_CHILDREN],
    length: u8,
}

impl Children {
    /// Of those children.
    pub fn new(children: impl IntoIterator<Item = Id>) -> Self {
        let mut all = Children { ids: [Id::from(0); MAX_CHILDREN], length: 0 };
        for (slot, child) in all.ids.iter_mut().zip(children) {
            (*slot, all.length) = (child, all.length + 1);
        }
        all
    }
}

impl std::ops::Deref for Children {
    type Target = [Id];

    fn deref(&self) -> &[Id] {
        &self.ids[..usize::from(self.length)]
    }
}

impl fmt::Debug for Children {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Declares [`Term`]: the terms with a fixed number of children, each by its name in rules.
macro_rules! terms {
    ($($(#[$what:meta])* $text:literal = $variant:ident($count:literal),)*) => {
        /// A node of the e-graph. See [`super::meaning`] for what each one means. In a class they are in this order: what is
        /// read as it lies comes before what is read as a view.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Term {
            /// An operation of `venc`: `(linear x weight)`.
            Operation(Operation, Children),
            $($(#[$what])* $variant([Id; $count]),)*
            /// The operation as a way to read an operand: `(read_slice_columns x start length)`.
            Address(Operation, Children),
            /// The operation on the rows that a kernel reads: `(softmax_rows x)`.
            Prologue(Operation, Children),
            /// The operation on each element before it is stored, behind an epilogue: `(then_scale epilogue factor)`.
            Then(Operation, Children),
            /// The operation as a launch of its own that moves elements: `(move_slice_tokens x start length)`.
            Move(Operation, Children),
            /// A value that the function is given.
            Leaf(Leaf),
            /// What an operation says beside its operands.
            Attribute(Attribute),
        }

        impl egg::Language for Term {
            type Discriminant = (std::mem::Discriminant<Term>, Option<Operation>);

            fn discriminant(&self) -> Self::Discriminant {
                let operation = match self {
                    Term::Operation(operation, _)
                    | Term::Address(operation, _)
                    | Term::Prologue(operation, _)
                    | Term::Then(operation, _)
                    | Term::Move(operation, _) => Some(*operation),
                    Term::Leaf(_) | Term::Attribute(_) $(| Term::$variant(_))* => None,
                };
                (std::mem::discriminant(self), operation)
            }

            fn matches(&self, other: &Self) -> bool {
                match (self, other) {
                    (Term::Leaf(one), Term::Leaf(other)) => one == other,
                    (Term::Attribute(one), Term::Attribute(other)) => one == other,
                    (one, other) => {
                        one.discriminant() == other.discriminant()
                            && one.children().len() == other.children().len()
                    }
                }
            }

            fn children(&self) -> &[Id] {
                match self {
                    Term::Operation(_, children)
                    | Term::Address(_, children)
                    | Term::Prologue(_, children)
                    | Term::Then(_, children)
                    | Term::Move(_, children) => children,
                    Term::Leaf(_) | Term::Attribute(_) => &[],
                    $(Term::$variant(children) => children,)*
                }
            }

            fn children_mut(&mut self) -> &mut [Id] {
                match self {
                    Term::Operation(_, children)
                    | Term::Address(_, children)
                    | Term::Prologue(_, children)
                    | Term::Then(_, children)
                    | Term::Move(_, children) => &mut children.ids[..usize::from(children.length)],
                    Term::Leaf(_) | Term::Attribute(_) => &mut [],
                    $(Term::$variant(children) => children,)*
                }
            }
        }

        impl fmt::Display for Term {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Term::Operation(operation, _) => write!(f, "{operation}"),
                    Term::Address(operation, _) => write!(f, "read_{operation}"),
                    Term::Prologue(operation, _) => write!(f, "{operation}_rows"),
                    Term::Then(operation, _) => write!(f, "then_{operation}"),
                    Term::Move(operation, _) => write!(f, "move_{operation}"),
                    Term::Leaf(leaf) => write!(f, "{leaf}"),
                    Term::Attribute(attribute) => write!(f, "{attribute}"),
                    $(Term::$variant(_) => f.write_str($text),)*
                }
            }
        }

        impl FromOp for Term {
            type Error = FromOpError;

            fn from_op(op: &str, children: Vec<Id>) -> Result<Self, FromOpError> {
                match op {
                    $($text if <[Id; $count]>::can_be_length(children.len()) => {
                        Ok(Term::$variant(<[Id; $count]>::from_vec(children)))
                    })*
                    _ => Term::of_operation(op, &children)
                        .or_else(|| Term::leaf(op).filter(|_| children.is_empty()))
                        .ok_or_else(|| FromOpError::new(op, children)),
                }
            }
        }
    };
}

impl Term {
    /// A term of an operation, as its name says where that is done.
    fn of_operation(op: &str, children: &[Id]) -> Option<Term> {
        /// What makes a term of an operation, and what stands before its name and behind it.
        type Place = (&'static str, &'static str, fn(Operation, Children) -> Term);
        let places: [Place; 5] = [
            ("", "", Term::Operation),
            ("read_", "", Term::Address),
            ("", "_rows", Term::Prologue),
            ("then_", "", Term::Then),
            ("move_", "", Term::Move),
        ];
        places.into_iter().find_map(|(before, after, term)| {
            let name = op.strip_prefix(before)?.strip_suffix(after)?;
            let operation = Operation::named(name).filter(|o| o.has_children(children.len()))?;
            Some(term(operation, Children::new(children.iter().copied())))
        })
    }

    fn leaf(op: &str) -> Option<Term> {
        let leaf = op.parse().ok().map(Term::Leaf);
        leaf.or_else(|| op.parse().ok().map(Term::Attribute))
    }
}

terms! {
    // How a kernel reads an operand.
    /// As it lies.
    "read" = Read(1),
    /// An operand whose heads attention rotates as it reads: `(rotated operand cos sin heads)`.
    "rotated" = Rotated(4),
    /// Several operands: `(list a (list b end))`.
    "list" = List(2),
    /// No operands more.
    "end" = End(0),

    // What happens to a row first.
    /// Nothing.
    "as_is" = AsIs(1),

    // What the kernel proper makes of the rows.
    /// The rows themselves.
    "rows" = Rows(1),
    /// A product with a weight: `(gemm rows weight)`.
    "gemm" = Gemm(2),
    /// Two products in one launch: `(back_to_back_gemm rows first between second)`.
    "back_to_back_gemm" = BackToBackGemm(4),

    // What happens to each element last, read from the inside: `(then_scale (then_add_columns result b) 2.0)`.
    /// Nothing yet.
    "result" = ThisResult(0),
    /// Plus a number a column.
    "then_add_columns" = ThenAddColumns(2),
    /// Plus the element at the same place.
    "then_add_full" = ThenAddFull(2),
    /// Plus the element of a table.
    "then_add_table" = ThenAddTable(2),
    /// Times a number a column.
    "then_multiply_columns" = ThenMultiplyColumns(2),
    /// Times the element at the same place.
    "then_multiply_full" = ThenMultiplyFull(2),
    /// Times a number a row.
    "then_multiply_rows" = ThenMultiplyRows(2),
    /// Times the element of a table.
    "then_multiply_table" = ThenMultiplyTable(2),
    /// A function of the left half of the columns times the right half.
    "then_gate" = ThenGate(2),
    /// Rounded.
    "then_cast" = ThenCast(2),
    /// The rows of each image behind those of an operand: `(then_after_tokens result operand)`.
    "then_after_tokens" = ThenAfterTokens(2),

    // Kernels: one launch each.
    /// `(store product epilogue)`.
    "store" = Store(2),
    /// The last child is the mask: `end` for none, `(list (read segments) end)` for segments.
    "attention" = Attention(6),
    /// `(partial_gemm x weight slices)`.
    "partial_gemm" = PartialGemm(3),
    /// `(batched_gemm a b transpose_rhs)`.
    "batched_gemm" = BatchedGemm(3),
    /// No launch: the same memory under other dimensions.
    "reshape_in_place" = ReshapeInPlace(2),
    /// A function of the module: opaque.
    "call" = Call(2),

    // Arithmetic on attributes; the analysis replaces each by its value.
    /// The product.
    "times" = Times(2),
    /// The sum.
    "plus" = Plus(2),
    /// The first dimension of a tensor.
    "first_dim" = FirstDim(1),
    /// The last dimension of a tensor.
    "last_dim" = LastDim(1),
    /// How a tensor is stored.
    "element_of" = ElementOf(1),
    /// The shape of a tensor as a matrix.
    "rows_and_columns" = RowsAndColumns(1),
    /// The shape of a tensor with another last dimension.
    "with_last_dim" = WithLastDim(2),
}
