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
use egg::{FromOp, FromOpError, Id};
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

    fn all_mut(&mut self) -> &mut [Id] {
        &mut self.ids[..usize::from(self.length)]
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

/// Declares [`Term`]: its sorts, and of each sort the terms, each by its name in rules and with as many children, or with those
/// of an operation, whose name stands between the two parts.
macro_rules! terms {
    ($(
        $(#[$what_sort:meta])*
        $sort:ident: $terms:ident {
            $($(#[$what:meta])* $text:literal = $variant:ident($count:literal),)*
            $(operation: $(#[$what_of:meta])* $before:literal .. $after:literal = $of_operation:ident,)?
        }
    )*) => {
        /// A node of the e-graph. See [`super::meaning`] for what each one means. In a class they are in this order: what is
        /// read as it lies comes before what is read as a view.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Term {
            /// An operation of `venc`: `(linear x weight)`.
            Operation(Operation, Children),
            $($(#[$what_sort])* $sort($terms),)*
            /// A value that the function is given.
            Leaf(Leaf),
            /// What an operation says beside its operands.
            Attribute(Attribute),
        }

        /// Which term one is, its children and what it says aside.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Head {
            /// An operation.
            Operation(Operation),
            $($(
                /// The term of that name.
                $variant,
            )*
            $(
                /// The operation in that place.
                $of_operation(Operation),
            )?)*
            /// Any leaf.
            Leaf,
            /// Any attribute.
            Attribute,
        }

        $(
            $(#[$what_sort])*
            #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
            pub enum $terms {
                $($(#[$what])* $variant([Id; $count]),)*
                $($(#[$what_of])* $of_operation(Operation, Children),)?
            }

            impl $terms {
                fn head(&self) -> Head {
                    match self {
                        $($terms::$variant(_) => Head::$variant,)*
                        $($terms::$of_operation(operation, _) => Head::$of_operation(*operation),)?
                    }
                }

                fn children(&self) -> &[Id] {
                    match self {
                        $($terms::$variant(children) => children,)*
                        $($terms::$of_operation(_, children) => children,)?
                    }
                }

                fn children_mut(&mut self) -> &mut [Id] {
                    match self {
                        $($terms::$variant(children) => children,)*
                        $($terms::$of_operation(_, children) => children.all_mut(),)?
                    }
                }

                /// The term of that name that has those children.
                fn named(name: &str, children: &[Id]) -> Option<Self> {
                    $(if name == $text {
                        return children.try_into().ok().map($terms::$variant);
                    })*
                    $(if let Some(operation) =
                        name.strip_prefix($before).and_then(|name| name.strip_suffix($after))
                    {
                        let (operation, children) = applied(operation, children)?;
                        return Some($terms::$of_operation(operation, children));
                    })?
                    None
                }
            }

            impl fmt::Display for $terms {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    match self {
                        $($terms::$variant(_) => f.write_str($text),)*
                        $($terms::$of_operation(operation, _) => {
                            write!(f, concat!($before, "{}", $after), operation)
                        })?
                    }
                }
            }

            impl From<$terms> for Term {
                fn from(term: $terms) -> Term {
                    Term::$sort(term)
                }
            }
        )*

        impl egg::Language for Term {
            type Discriminant = Head;

            fn discriminant(&self) -> Head {
                match self {
                    Term::Operation(operation, _) => Head::Operation(*operation),
                    $(Term::$sort(term) => term.head(),)*
                    Term::Leaf(_) => Head::Leaf,
                    Term::Attribute(_) => Head::Attribute,
                }
            }

            fn matches(&self, other: &Self) -> bool {
                // Of leaves and of attributes each is a term of its own.
                let says_the_same = match self {
                    Term::Leaf(_) | Term::Attribute(_) => self == other,
                    Term::Operation(..) $(| Term::$sort(_))* => {
                        self.children().len() == other.children().len()
                    }
                };
                self.discriminant() == other.discriminant() && says_the_same
            }

            fn children(&self) -> &[Id] {
                match self {
                    Term::Operation(_, children) => children,
                    $(Term::$sort(term) => term.children(),)*
                    Term::Leaf(_) | Term::Attribute(_) => &[],
                }
            }

            fn children_mut(&mut self) -> &mut [Id] {
                match self {
                    Term::Operation(_, children) => children.all_mut(),
                    $(Term::$sort(term) => term.children_mut(),)*
                    Term::Leaf(_) | Term::Attribute(_) => &mut [],
                }
            }
        }

        impl fmt::Display for Term {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Term::Operation(operation, _) => write!(f, "{operation}"),
                    $(Term::$sort(term) => write!(f, "{term}"),)*
                    Term::Leaf(leaf) => write!(f, "{leaf}"),
                    Term::Attribute(attribute) => write!(f, "{attribute}"),
                }
            }
        }

        impl FromOp for Term {
            type Error = FromOpError;

            fn from_op(name: &str, children: Vec<Id>) -> Result<Self, FromOpError> {
                let operation = || applied(name, &children).map(|(op, ids)| Term::Operation(op, ids));
                let leaf = || {
                    let leaf = name.parse().ok().map(Term::Leaf);
                    let leaf = leaf.or_else(|| name.parse().ok().map(Term::Attribute));
                    leaf.filter(|_| children.is_empty())
                };
                let term = None
                    $(.or_else(|| $terms::named(name, &children).map(Term::$sort)))*
                    .or_else(operation)
                    .or_else(leaf);
                term.ok_or_else(|| FromOpError::new(name, children))
            }
        }
    };
}

/// The operation of that name, where it may have so many children.
fn applied(name: &str, children: &[Id]) -> Option<(Operation, Children)> {
    let operation = Operation::named(name).filter(|o| o.has_children(children.len()))?;
    Some((operation, Children::new(children.iter().copied())))
}

terms! {
    /// How a kernel reads an operand.
    Operand: OperandTerm {
        /// As it lies.
        "read" = Read(1),
        /// An operand whose heads attention rotates as it reads: `(rotated operand cos sin heads)`.
        "rotated" = Rotated(4),
        operation:
        /// The operation as a way to read an operand: `(read_slice_columns x start length)`.
        "read_" .. "" = Address,
    }

    /// Several operands: `(list a (list b end))`.
    List: ListTerm {
        /// One and the others.
        "list" = List(2),
        /// No operands more.
        "end" = End(0),
    }

    /// What happens to a row first.
    Rows: RowsTerm {
        /// Nothing.
        "as_is" = AsIs(1),
        operation:
        /// The operation on the rows that a kernel reads: `(softmax_rows x)`.
        "" .. "_rows" = Prologue,
    }

    /// What the kernel proper makes of the rows.
    Product: ProductTerm {
        /// The rows themselves.
        "rows" = Rows(1),
        /// A product with a weight: `(gemm rows weight)`.
        "gemm" = Gemm(2),
        /// Two products in one launch: `(back_to_back_gemm rows first between second)`.
        "back_to_back_gemm" = BackToBackGemm(4),
    }

    /// What happens to each element last, read from the inside: `(then_scale (then_add_columns result b) 2.0)`.
    Epilogue: EpilogueTerm {
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
        operation:
        /// The operation on each element before it is stored, behind an epilogue: `(then_scale epilogue factor)`.
        "then_" .. "" = Then,
    }

    /// What the host does for a value: most are a launch.
    Step: StepTerm {
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
        operation:
        /// The operation as a launch of its own that moves elements: `(move_slice_tokens x start length)`.
        "move_" .. "" = Move,
    }

    /// Arithmetic on attributes; the analysis replaces each by its value.
    Arithmetic: ArithmeticTerm {
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
}
